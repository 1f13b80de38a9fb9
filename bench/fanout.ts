import { setTimeout as sleep } from "node:timers/promises";
import { createOrganization } from "../src/domain/organizations/commands.ts";
import { publishPost } from "../src/domain/posts/commands.ts";
import { type Received, startHelper } from "./helpers.ts";
import { openSite, type Site } from "./hub.ts";
import { cpuSince, machineNow, residentMemory } from "./processes.ts";
import { type Measure, sample } from "./report.ts";
import type { Settings } from "./settings.ts";

const SERVERS = 200;

/**
 * One post to 2,000 followers on 200 other servers, each with an inbox of its own: first to servers that the process has never
 * talked to, then again over the connections that it has.
 */
export async function measureFanout({ quick, repetitions, profiles }: Settings): Promise<Measure[]> {
  const followers = quick ? 400 : 2_000;
  const site = await openSite(profiles);
  const helper = startHelper();
  try {
    const ports = await helper.ask<number[]>({ do: "sink", servers: SERVERS });
    const author = await createOrganization(site.ctx, site.admin.accountId, {
      handle: "author",
      name: "Invented organization with many followers",
    });
    await addFollowers(site, author, ports, followers);
    const note = `${followers} inboxes on ${SERVERS} servers`;
    const first: Measure = { name: "fan-out: first round", unit: "per s", samples: [], note };
    const warm: Measure = {
      name: "fan-out: warm round",
      unit: "per s",
      samples: [],
      aim: { value: 1_200, withDatabase: 1 },
      note,
    };
    const memory: Measure = { name: "memory after fan-out, without database", unit: "MB", samples: [] };

    const allow = ports.map((port) => `127.0.0.1:${port}`);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      await site.sql`truncate hosts`;
      const hub = await site.start({ allow });
      for (const measure of [first, warm]) {
        const machine = machineNow();
        const cpu = hub.cpu();
        const started = performance.now();
        await publishPost(
          site.ctx,
          { accountId: site.admin.accountId, actorId: author },
          { content: "Invented for a benchmark. ".repeat(20), visibility: "public", language: "en" },
        );
        const received = await helper.ask<Received>({ do: "received", count: followers });
        const seconds = (performance.now() - started) / 1000;
        if (received.inboxes !== followers || received.unsigned > 0)
          throw new Error(`the followers got ${JSON.stringify(received)}`);
        await settled(site);
        measure.samples.push(sample(followers, seconds, cpuSince(cpu, hub.cpu()), machine));
      }
      memory.samples.push({ value: residentMemory(hub.pid), machine: machineNow() });
      await hub.stop();
    }
    return [first, warm, memory];
  } finally {
    helper.end();
    await site.close();
  }
}

async function addFollowers({ ctx, sql }: Site, author: bigint, ports: number[], count: number) {
  const rows = [];
  for (let index = 0; index < count; index++) {
    const iri = `http://127.0.0.1:${ports[index % ports.length]}/users/${index}`;
    rows.push({ id: await ctx.ids.next(), followId: await ctx.ids.next(), iri, host: new URL(iri).host });
  }
  await sql`
    with follower as (
      select * from unnest(
        ${rows.map(({ id }) => String(id))}::bigint[], ${rows.map(({ followId }) => String(followId))}::bigint[],
        ${rows.map(({ iri }) => iri)}::text[], ${rows.map(({ host }) => host)}::text[]
      ) as follower (id, follow_id, iri, host)
    ), added as (
      insert into actors (id, iri, kind, handle, host, name, inbox, created, updated, fetched)
      select id, iri, 'Person', 'follower', host, 'Invented follower', iri || '/inbox', now(), now(), now() from follower
    )
    insert into follows (id, iri, follower_id, followed_id, state, created, accepted)
    select follow_id, iri || '/follows/1', id, ${String(author)}::bigint, 'accepted', now(), now() from follower`;
  await sql`analyze`;
}

/** Waits until the queue has noted every end. */
async function settled({ sql }: Site): Promise<void> {
  for (;;) {
    const [row] = await sql<{ some: boolean }[]>`
      select exists (select from jobs where queue in ('events', 'deliveries')) as some`;
    if (!row?.some) return;
    await sleep(20);
  }
}
