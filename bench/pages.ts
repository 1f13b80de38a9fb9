import { seed } from "../src/commands/seed.ts";
import { openSession } from "../src/domain/accounts/commands.ts";
import type { Outcome } from "./helpers.ts";
import { startHelper } from "./helpers.ts";
import { openSite, type Site } from "./hub.ts";
import { cpuSince, machineNow, residentMemory } from "./processes.ts";
import { type Measure, sample } from "./report.ts";
import type { Settings } from "./settings.ts";

const CONNECTIONS = 16;
const ACTIVITY = "Accept: application/activity+json";
const HTML = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/** What is asked most often: documents by other servers, pages by people; on a hub with 10,000 posts. */
export async function measurePages({ quick, repetitions, profiles }: Settings): Promise<Measure[]> {
  const milliseconds = quick ? 1_000 : 4_000;
  const site = await openSite(profiles);
  const helper = startHelper();
  try {
    await seed(site.ctx, site.sql, { organizations: 50, people: 200, posts: 10_000, proposals: 500 });
    const targets = await addresses(site);
    const hub = await site.start();
    const measures: Measure[] = [];
    for (const { name, path, headers, aim } of targets) {
      const lines = [`GET ${path} HTTP/1.1`, `Host: ${site.host}`, "User-Agent: Invented/1.0", ...headers];
      const get = (time: number) =>
        helper.ask<Outcome>({
          do: "get",
          port: site.port,
          connections: CONNECTIONS,
          lines,
          milliseconds: time,
        });
      await get(milliseconds / 4);
      const measure: Measure = { name, unit: "per s", samples: [], ...(aim && { aim }) };
      for (let repetition = 0; repetition < repetitions; repetition++) {
        const machine = machineNow();
        const cpu = hub.cpu();
        const { statuses, seconds, median, p99 } = await get(milliseconds);
        const answered = statuses[200] ?? 0;
        if (Object.keys(statuses).join() !== "200")
          throw new Error(`${path} answered ${JSON.stringify(statuses)}`);
        measure.samples.push(sample(answered, seconds, cpuSince(cpu, hub.cpu()), machine));
        measure.note = `${CONNECTIONS} connections; in the last repetition half within ${median.toFixed(1)} ms, 99 % within ${p99.toFixed(1)} ms`;
      }
      measures.push(measure);
    }
    const memory = residentMemory(hub.pid);
    measures.push({
      name: "memory after pages and documents, without database",
      unit: "MB",
      samples: [{ value: memory, machine: machineNow() }],
    });
    await hub.stop();
    return measures;
  } finally {
    helper.end();
    await site.close();
  }
}

interface Target {
  name: string;
  path: string;
  headers: string[];
  aim?: NonNullable<Measure["aim"]>;
}

async function addresses({ ctx, sql, host, port }: Site): Promise<Target[]> {
  const [actor] = await sql<{ id: bigint; handle: string }[]>`
    select id, handle from actors where kind = 'Organization' and host is null order by id limit 1`;
  const [post] = await sql<{ id: bigint }[]>`select id from posts order by id desc limit 1`;
  const [person] = await sql<{ id: bigint }[]>`select id from accounts order by id desc limit 1`;
  if (actor === undefined || post === undefined || person === undefined)
    throw new Error("the seed is not there");
  const { secret } = await openSession(ctx, person.id);
  const resource = encodeURIComponent(`acct:${actor.handle}@${host}`);
  return [
    {
      name: "GET actor",
      path: `/actors/${actor.id}`,
      headers: [ACTIVITY],
      aim: { value: 5_000, withDatabase: 0.2 },
    },
    {
      name: "GET WebFinger",
      path: `/.well-known/webfinger?resource=${resource}`,
      headers: ["Accept: application/jrd+json"],
    },
    { name: "GET post as ActivityStreams", path: `/posts/${post.id}`, headers: [ACTIVITY] },
    { name: "GET home page as a visitor", path: "/", headers: [HTML] },
    {
      name: "GET home timeline, logged in, 10,000 posts",
      path: "/",
      headers: [HTML, `Cookie: ayni_session_${port}=${secret}`],
    },
  ];
}
