import { setTimeout as sleep } from "node:timers/promises";
import { createOrganization } from "../src/domain/organizations/commands.ts";
import type { Outcome, SenderKey } from "./helpers.ts";
import { startHelper } from "./helpers.ts";
import { openSite, type Site } from "./hub.ts";
import { cpuSince, machineNow, residentMemory } from "./processes.ts";
import { type Measure, sample } from "./report.ts";
import type { Settings } from "./settings.ts";

const SENDERS = 50;
const CONNECTIONS = 32;
/** What was not done after so long never will be. */
const PATIENCE = 300_000;

/**
 * Signed `Create(Note)`s from 50 actors whom an organization follows, their keys known: accepted by a process that does nothing
 * else, processed by one that gets nothing new, and both at once as in a hub of one process.
 */
export async function measureInbox({ quick, repetitions, profiles }: Settings): Promise<Measure[]> {
  const count = quick ? 1_000 : 4_000;
  const site = await openSite(profiles);
  const helper = startHelper();
  try {
    const senders = await helper.ask<SenderKey[]>({ do: "senders", count: SENDERS });
    await befriend(site, senders);
    const bytes = await helper.ask<number>({
      do: "prepare",
      host: site.host,
      count: SENDERS,
      round: "warm-up",
    });
    const note = `${count} deliveries of ${(bytes / 1000).toFixed(1)} kB with their headers, ${CONNECTIONS} connections`;
    const accepted: Measure = {
      name: "inbox: accepted, nothing else to do",
      unit: "per s",
      samples: [],
      aim: { value: 2_000 },
      note,
    };
    const processed: Measure = {
      name: "inbox: processed from a full queue",
      unit: "per s",
      samples: [],
      aim: { value: 500 },
    };
    const whileWorking: Measure = { name: "inbox: accepted while processing", unit: "per s", samples: [] };
    const both: Measure = {
      name: "inbox: accepted and processed by one process",
      unit: "per s",
      samples: [],
      aim: { value: 500, withDatabase: 2.5 },
      note,
    };
    const memory: Measure = { name: "memory after inbox load, without database", unit: "MB", samples: [] };

    const deliver = async () => {
      const outcome = await helper.ask<Outcome>({
        do: "deliver",
        port: site.port,
        connections: CONNECTIONS,
      });
      if (outcome.statuses[202] !== count)
        throw new Error(`the inbox answered ${JSON.stringify(outcome.statuses)}`);
      return outcome;
    };

    const warm = await site.start();
    await helper.ask<Outcome>({ do: "deliver", port: site.port, connections: CONNECTIONS });
    await stored(site, SENDERS);
    await warm.stop();

    for (let repetition = 0; repetition < repetitions; repetition++) {
      let before = await storedNow(site);
      await helper.ask({ do: "prepare", host: site.host, count, round: `apart-${repetition}` });
      const web = await site.start({ role: "web" });
      let machine = machineNow();
      let cpu = web.cpu();
      const outcome = await deliver();
      let used = cpuSince(cpu, web.cpu());
      accepted.samples.push(sample(count, outcome.seconds, used, machine));
      await web.stop();

      const worker = await site.start();
      machine = machineNow();
      cpu = worker.cpu();
      // Some are done before the process can be measured.
      const early = await storedNow(site);
      let started = performance.now();
      await stored(site, before + count);
      const left = before + count - early;
      processed.samples.push(sample(left, seconds(started), cpuSince(cpu, worker.cpu()), machine));

      // The same process goes on, warm as a hub is.
      before = await storedNow(site);
      await helper.ask({ do: "prepare", host: site.host, count, round: `both-${repetition}` });
      machine = machineNow();
      cpu = worker.cpu();
      started = performance.now();
      const sending = await deliver();
      whileWorking.samples.push({ value: count / sending.seconds, machine });
      await stored(site, before + count);
      used = cpuSince(cpu, worker.cpu());
      both.samples.push(sample(count, seconds(started), used, machine));
      memory.samples.push({ value: residentMemory(worker.pid), machine });
      await worker.stop();
    }
    return [accepted, processed, whileWorking, both, memory];
  } finally {
    helper.end();
    await site.close();
  }
}

/** The senders as a hub knows actors whom one of its organizations follows, with their keys. */
async function befriend(site: Site, senders: SenderKey[]): Promise<void> {
  const { ctx, sql } = site;
  const organization = await createOrganization(ctx, site.admin.accountId, {
    handle: "reader",
    name: "Invented organization that follows the senders",
  });
  for (const { iri, publicKey } of senders) {
    const id = String(await ctx.ids.next());
    const followId = String(await ctx.ids.next());
    await sql`
      insert into actors (id, iri, kind, handle, host, name, url, inbox, followers, created, updated, fetched)
      values (${id}, ${iri}, 'Person', 'sender', ${new URL(iri).host}, 'Invented sender', ${iri}, ${`${iri}/inbox`},
        ${`${iri}/followers`}, now(), now(), now())`;
    await sql`
      insert into follows (id, iri, follower_id, followed_id, state, created, accepted)
      values (${followId}, ${`${ctx.hub.origin}/follows/${followId}`}, ${String(organization)}::bigint, ${id}, 'accepted', now(), now())`;
    await sql`
      insert into public_keys (iri, owner, kind, public_key, fetched)
      values (${`${iri}#main-key`}, ${iri}, 'rsa', ${publicKey}, now())`;
  }
  await sql`analyze`;
}

/** Waits until the queue is empty, and sees to it that so many posts are stored then. */
async function stored(site: Site, count: number): Promise<void> {
  const started = performance.now();
  // Counting all posts again and again would be a good part of what is measured.
  while (await anyJob(site)) {
    if (performance.now() - started > PATIENCE) throw new Error("the queue does not come to its end");
    await sleep(50);
  }
  const now = await storedNow(site);
  if (now !== count) throw new Error(`${now} posts were stored instead of ${count}`);
}

async function storedNow({ sql }: Site): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from posts where not local`;
  return row?.count ?? 0;
}

async function anyJob({ sql }: Site): Promise<boolean> {
  const [row] = await sql<
    { some: boolean }[]
  >`select exists (select from jobs where queue = 'inbox') as some`;
  return row?.some ?? false;
}

function seconds(started: number): number {
  return (performance.now() - started) / 1000;
}
