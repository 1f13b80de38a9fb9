import { setTimeout as sleep } from "node:timers/promises";
import { seed } from "../src/commands/seed.ts";
import { openDatabase } from "../src/db/client.ts";
import { confirmAgreement } from "../src/domain/agreements/commands.ts";
import { askAcross } from "../src/domain/clearing/orders.ts";
import { checkLedger } from "../src/domain/ledger/check.ts";
import { transact } from "../src/domain/transact.ts";
import { each, exchangePages } from "./exchange.ts";
import { type HubProcess, vacuum } from "./hub.ts";
import { agree, type Deal, fillLogs, forget, openPair, type Pair, type Side } from "./pair.ts";
import { type Cpu, cpuOf, cpuSince, machineNow } from "./processes.ts";
import { type Measure, sample } from "./report.ts";
import type { Settings } from "./settings.ts";

/** Fewer than may be open at a time with one peer. */
const BATCH = 400;
const PATIENCE = 1_800_000;

/** Two hubs that settle with one another, each a process with a database of its own; and what one copies from the other. */
export async function measureClearing({ quick, repetitions, profiles }: Settings): Promise<Measure[]> {
  const pair = await openPair(profiles);
  const { payer } = pair;
  const database = openDatabase(payer.site.url, { orm: 8, raw: 2 });
  payer.ctx = { ...payer.ctx, db: database.db };
  try {
    const measures: Measure[] = [];
    for (const entries of quick ? [1_000, 10_000] : [1_000, 1_000_000]) {
      await fillLogs(pair, entries);
      measures.push(
        ...(await running(pair, (hubs) =>
          settlements(pair, hubs, { entries, count: quick ? 200 : BATCH, repetitions }),
        )),
      );
    }
    measures.push(await checked(pair));
    measures.push(...(await restored(pair, quick ? 1_000 : 10_000)));
    await checked(pair);
    measures.push(...(await backfill(pair, quick)));
    return measures;
  } finally {
    await database.close();
    await pair.close();
  }
}

/** It takes a while: each measure is told as it is made. */
function tell(measures: readonly Measure[]): Measure[] {
  for (const { name, unit, samples } of measures) {
    const told = samples.map(
      ({ value, withDatabase }) => `${value.toFixed(1)} (${withDatabase?.toFixed(1) ?? "–"})`,
    );
    process.stderr.write(`  ${name}: ${told.join(", ")} ${unit}\n`);
  }
  return [...measures];
}

/** With both hub processes, which have shaken hands. */
async function running<T>(pair: Pair, work: (hubs: readonly HubProcess[]) => Promise<T>): Promise<T> {
  const hubs = await Promise.all(
    [pair.payer, pair.payee].map(({ site }, index, sides) =>
      site.start({ allow: [`127.0.0.1:${sides[1 - index]?.site.port}`] }),
    ),
  );
  try {
    for (const side of [pair.payer, pair.payee])
      await until(side, "select ready as done from clearing_links");
    return await work(hubs);
  } finally {
    await Promise.all(hubs.map((hub) => hub.stop()));
  }
}

async function until({ site }: Side, query: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const [row] = await site.sql.unsafe<{ done: boolean }[]>(query);
    if (row?.done === true) return;
    if (performance.now() > deadline) throw new Error(`Not so after ${PATIENCE / 1000} s: ${query}`);
    await sleep(50);
  }
}

/** Of all that settles: both hubs, both databases, and this process, which does what the payer's hub does for its members. */
function used({ payer, payee }: Pair, hubs: readonly HubProcess[]): Cpu {
  const own = cpuOf(process.pid, payer.site.postmaster);
  const other = cpuOf(process.pid, payee.site.postmaster);
  const server = hubs.reduce((sum, hub) => sum + hub.cpu().server, own.server);
  return { server, database: own.database + other.database };
}

async function settlements(
  pair: Pair,
  hubs: readonly HubProcess[],
  { entries, count, repetitions }: { entries: number; count: number; repetitions: number },
): Promise<Measure[]> {
  const { payer } = pair;
  const size = entries.toLocaleString("en");
  const promised: Measure = {
    name: `promises, ${size} entries before`,
    unit: "per s",
    samples: [],
    note: "from the orders to ask for them, eight at a time, until the payer's hub has all of them",
  };
  const settled: Measure = {
    name: `settlements between hubs, ${size} entries before`,
    unit: "per s",
    samples: [],
    aim: { value: 60 },
    note: "from the confirmations, eight at a time, until all are posted in both ledgers and acknowledged; CPU of both hubs, until the organizations' signed words have arrived as well",
  };
  // Code that is not compiled yet, and keys of organizations that have to be asked for, are no settlements.
  for (let repetition = -1; repetition < repetitions; repetition++) {
    const deals = await agree(pair, count);
    const ask = ({ transferId, agreement, evidence }: Deal) =>
      transact(payer.ctx, (ctx) => askAcross(ctx, transferId, { agreement, evidence }));
    const open = "select from clearing_transfers where state = 'reserved' and promise is null";
    const promises = await timed(pair, hubs, count, async () => {
      await each(count, (n) => ask(deals[n]!));
      await until(payer, `select not exists (${open}) as done`);
    });
    const unsure = "select from agreements where state <> 'funded' and settled is null";
    for (const side of [payer, pair.payee]) await until(side, `select not exists (${unsure}) as done`);
    const payments = await timed(pair, hubs, count, async () => {
      await each(count, async (n) => {
        const { agreementId, payer: who } = deals[n]!;
        await confirmAgreement(payer.ctx, who, agreementId);
      });
      const held = "select count(*) as n from clearing_transfers where state = 'reserved'";
      await until(payer, `select n = 0 and out_seq = acked_seq as done from clearing_links, (${held}) open`);
    });
    if (repetition < 0) continue;
    promised.samples.push(promises);
    settled.samples.push(payments);
  }
  return tell([promised, settled]);
}

/** A sample whose CPU seconds count what follows, too, until both hubs have nothing to do. */
async function timed(
  pair: Pair,
  hubs: readonly HubProcess[],
  count: number,
  work: () => Promise<void>,
): Promise<Measure["samples"][number]> {
  const machine = machineNow();
  const before = used(pair, hubs);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  const busy = "select from jobs where queue <> 'mails' and run <= now()";
  for (const side of [pair.payer, pair.payee]) await until(side, `select not exists (${busy}) as done`);
  return sample(count, seconds, cpuSince(before, used(pair, hubs)), machine);
}

/** The checkers on both hubs, which find nothing. */
async function checked({ payer, payee }: Pair): Promise<Measure> {
  const measure: Measure = { name: "ledger check, large logs", unit: "s", samples: [] };
  for (const { ctx } of [payer, payee]) {
    const machine = machineNow();
    const began = performance.now();
    const findings = await checkLedger(ctx);
    if (findings.length > 0) throw new Error(`the books are not sound: ${JSON.stringify(findings[0])}`);
    measure.samples.push({ value: (performance.now() - began) / 1000, machine });
  }
  tell([measure]);
  return measure;
}

/** The payer's hub comes back from a backup that is so many of its own entries old: its peer gives them back. */
async function restored(pair: Pair, count: number): Promise<Measure[]> {
  await forget(pair, count);
  const { payer } = pair;
  const size = count.toLocaleString("en");
  const seconds: Measure = {
    name: `back after a restore, ${size} forgotten entries`,
    unit: "s",
    samples: [],
  };
  const cpu: Measure = { name: `the same: CPU of both hubs, with databases`, unit: "CPU s", samples: [] };
  const [row] = await pair.payee.site.sql<{ seq: string }[]>`select in_seq::text as seq from clearing_links`;
  const machine = machineNow();
  const before = used(pair, []);
  const began = performance.now();
  await running(pair, async (hubs) => {
    await until(payer, `select out_seq = ${row?.seq ?? 0} as done from clearing_links`);
    seconds.samples.push({ value: (performance.now() - began) / 1000, machine });
    const { server, database } = cpuSince(before, used(pair, hubs));
    cpu.samples.push({ value: server + database, machine });
  });
  seconds.note = "both hub processes start within this time";
  return tell([seconds, cpu]);
}

/** One hub copies what the other one's organizations offer; and what people see of it. */
async function backfill(pair: Pair, quick: boolean): Promise<Measure[]> {
  const { payer, payee } = pair;
  const proposals = quick ? 2_000 : 100_000;
  await seed(payee.ctx, payee.site.sql, { organizations: quick ? 50 : 500, people: 0, posts: 0, proposals });
  await payer.site.sql`update peer_copies set due = now(), forced = true, cursor = null, failures = 0`;
  const size = proposals.toLocaleString("en");
  const measure: Measure = {
    name: `copies of a peer's ${size} proposals`,
    unit: "per s",
    samples: [],
    note: "CPU of both hubs: whoever lists them is half of it",
  };
  const machine = machineNow();
  return running(pair, async (hubs) => {
    const before = used(pair, hubs);
    const began = performance.now();
    const copied = "select not forced and cursor is null and failure is null as done from peer_copies";
    await until(payer, copied);
    const [row] = await payer.site.sql<{ count: string }[]>`
      select count(*) from proposals where peer_id is not null and deleted is null`;
    const cpu = cpuSince(before, used(pair, hubs));
    measure.samples.push(sample(Number(row?.count), (performance.now() - began) / 1000, cpu, machine));
    await vacuum(payer.site.sql);
    tell([measure]);
    const { actorId } = payer.members[0]!.who;
    const label = `${size} proposals of a peer`;
    const shown = await exchangePages(payer.ctx, payer.site, { actorId, label, quick, statement: false });
    return [measure, ...shown];
  });
}
