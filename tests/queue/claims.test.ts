import type { Sql } from "postgres";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/db/client.ts";
import { type Claimed, claim, settle } from "../../src/queue/jobs.ts";
import { queueStats } from "../../src/queue/stats.ts";
import { testDatabase } from "../support/database.ts";
import { add, testClock } from "./support.ts";

const HOUR = 3_600_000;

/**
 * The only connection to a database of its own. A server counts what a connection read when that says so, or later, whenever it likes:
 * another connection's reads of before would be counted in between.
 */
async function onlyConnection(): Promise<Sql> {
  const { url } = await testDatabase();
  const { sql, close } = openDatabase(url, { orm: 1, raw: 1 });
  onTestFinished(close);
  return sql;
}

/** How many rows and index entries of `jobs` the server read for `body`, over the only connection. */
async function reads(sql: Sql, body: () => Promise<void>): Promise<number> {
  const before = await count();
  await body();
  return (await count()) - before;

  async function count(): Promise<number> {
    await sql`select pg_stat_force_next_flush()`;
    const [row] = await sql<{ reads: bigint }[]>`
      select (select seq_tup_read from pg_stat_user_tables where relname = 'jobs')
        + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'jobs') as reads`;
    return Number(row!.reads);
  }
}

async function taken(...parameters: Parameters<typeof claim>): Promise<Claimed[]> {
  return (await claim(...parameters)).runs.flat();
}

/** Claims and ends one by one until nothing is left to claim. */
async function drain(sql: Sql, now: Date): Promise<bigint[]> {
  const done: bigint[] = [];
  for (;;) {
    const { runs, blocked } = await claim(sql, {
      queue: "deliveries",
      now,
      take: 1,
      window: 200,
      lease: 60_000,
    });
    const jobs = runs.flat();
    if (jobs.length === 0 && blocked === 0) return done;
    done.push(...jobs.map(({ id }) => id));
    if (jobs.length > 0)
      await settle(
        sql,
        now,
        jobs.map((job) => ({ ...job, end: "done" })),
      );
  }
}

test.for(["of now", "none", "of a queue that was empty when the plans were made"])(
  "100,000 jobs for later cost a claim nothing (statistics: %s)",
  async (statistics) => {
    const sql = await onlyConnection();
    const { now } = testClock();
    if (statistics.startsWith("of a queue")) {
      await sql`alter table jobs set (autovacuum_enabled = off)`;
      await sql`insert into jobs (queue, payload, run, created) select 'deliveries', '{}', ${now()}, ${now()} from generate_series(1, 400)`;
      await sql`delete from jobs where id < (select max(id) from jobs)`;
      await sql`vacuum analyze jobs`;
      expect(await drain(sql, now())).toHaveLength(1);
    }
    await sql`
    insert into jobs (queue, key, payload, run, created)
    select 'deliveries', case when n % 2 = 0 then 'host ' || n end, '{}', ${now()}::timestamptz + n * interval '1 second', ${now()}
    from generate_series(1, 100000) as n`;
    if (statistics === "of now") await sql`analyze jobs`;
    await sql`
    insert into jobs (queue, key, payload, run, created)
    select 'deliveries', 'now ' || n % 5, '{}', ${now()}, ${now()} from generate_series(1, 50) as n`;
    let done: bigint[] = [];
    const read = await reads(sql, async () => {
      done = await drain(sql, now());
      const options = { queue: "deliveries", now: now(), take: 1, window: 1, lease: 60_000 } as const;
      expect(await claim(sql, options)).toMatchObject({ runs: [], next: new Date(now().getTime() + 1_000) });
    });
    expect(done).toHaveLength(50);
    expect(read).toBeLessThan(2_000);
  },
);

test.for([true, false])(
  "a backlog of 10,000 behind one key is looked at once, not at each claim (statistics known: %s)",
  async (analyzed) => {
    const sql = await onlyConnection();
    const { now } = testClock();
    const insert = (key: string, jobs: number) => sql`
      insert into jobs (queue, key, payload, run, created)
      select 'deliveries', ${key}, '{}', ${now()}, ${now()} from generate_series(1, ${jobs}::int)`;
    await insert("down", 1);
    const [head] = await taken(sql, { queue: "deliveries", now: now(), take: 1, window: 1, lease: 60_000 });
    await settle(sql, now(), [
      { ...head!, end: "later", run: new Date(now().getTime() + HOUR), error: "refused" },
    ]);
    await insert("down", 10_000);
    if (analyzed) await sql`analyze jobs`;
    // Set aside: what each of them costs is paid once.
    expect(await drain(sql, now())).toEqual([]);

    let done: bigint[] = [];
    await insert("up", 100);
    const read = await reads(sql, async () => {
      done = await drain(sql, now());
    });
    expect(done).toHaveLength(100);
    // Index entries of rows that were set aside are passed once or twice more, until they are known to be dead: not a hundred times.
    expect(read).toBeLessThan(100_000);

    // And when the head ends, the next ones come forward without a look at the thousands behind them.
    const later = new Date(now().getTime() + HOUR);
    const woken = await reads(sql, async () => {
      for (let n = 0; n < 20; n += 1) {
        const jobs = await taken(sql, {
          queue: "deliveries",
          now: later,
          take: 10,
          window: 10,
          lease: 60_000,
        });
        expect(jobs).toHaveLength(20);
        await settle(
          sql,
          later,
          jobs.map((job) => ({ ...job, end: "done" })),
        );
      }
    });
    expect(woken).toBeLessThan(20_000);
  },
);

test("a job that becomes visible late waits for the one of its key that was taken before", async () => {
  const { sql } = await testDatabase();
  const { now } = testClock();
  const options = { queue: "deliveries", now: now(), take: 10, window: 10, lease: 60_000 } as const;
  const insert = (sql: Sql, payload: string) => sql`
    insert into jobs (queue, key, payload, run, created) values ('deliveries', 'k', ${payload}, ${now()}, ${now()})`;
  const committed = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const transaction = sql.begin(async (tx) => {
    await insert(tx as unknown as Sql, "1");
    written.resolve();
    await committed.promise;
  });
  await written.promise;
  await insert(sql, "2");
  const [second] = await taken(sql, options);
  expect(second).toMatchObject({ payload: "2" });
  committed.resolve();
  await transaction;

  expect(await claim(sql, options)).toEqual({ runs: [], blocked: 1, contested: 0, more: false, next: null });
  // Put off, not ended: the earlier one is before it now.
  const run = new Date(now().getTime() + HOUR);
  expect(await settle(sql, now(), [{ ...second!, end: "later", run, error: "refused" }])).toEqual({
    woken: ["deliveries"],
    late: 0,
  });
  const [first] = await taken(sql, options);
  expect(first).toMatchObject({ payload: "1" });
  expect(await taken(sql, { ...options, now: run })).toEqual([]);
  await settle(sql, now(), [{ ...first!, end: "done" }]);
  expect(await taken(sql, { ...options, now: run })).toMatchObject([{ payload: "2" }]);
});

test("while another process claims a key, its jobs are neither taken nor put aside", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const { now } = testClock();
  const options = { queue: "deliveries", now: now(), take: 10, window: 10, lease: 60_000 } as const;
  await add(database, now(), [
    { queue: "deliveries", key: "k", payload: 1 },
    { queue: "deliveries", payload: 2 },
  ]);
  await sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(hashtextextended('k', 0))`;
    expect(await claim(sql, options)).toMatchObject({ runs: [[{ payload: "2" }]], blocked: 0, contested: 1 });
  });
  expect(await claim(sql, options)).toMatchObject({ runs: [[{ payload: "1" }]], blocked: 0, contested: 0 });
});

test("with a job come those that wait behind it, up to one that is not due, was tried before, or is too large to go along", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const { now } = testClock();
  const options = { queue: "deliveries", now: now(), take: 10, window: 10, lease: 60_000 } as const;
  const keys = ["not due", "tried", "large", "many"];
  const size = (key: string) => (key === "many" ? 25 : 4);
  await add(
    database,
    now(),
    keys.flatMap((key) =>
      Array.from({ length: size(key) }, (_, payload) => ({ queue: "deliveries" as const, key, payload })),
    ),
  );
  const third = (key: string) => sql`
    (select id from jobs where key = ${key} order by id offset 2 limit 1)`;
  await sql`update jobs set run = ${new Date(now().getTime() + HOUR)} where id in ${third("not due")}`;
  await sql`update jobs set attempts = 1 where id in ${third("tried")}`;
  // Of bytes that cannot be packed.
  await sql`
    update jobs set payload = (select string_agg(md5(n::text), '') from generate_series(1, 2100) as n)
    where id in ${third("large")}`;

  const { runs } = await claim(sql, options);
  expect(runs.map((run) => run[0]?.key)).toEqual(keys);
  expect(runs.map((run) => run.length)).toEqual([2, 2, 2, 20]);
  for (const run of runs) expect(run.map(({ payload }) => Number(payload))).toEqual([...run.keys()]);
  expect(runs.flat().every(({ attempts }) => attempts === 1)).toBe(true);
  // What is left waits for them, whoever asks.
  expect((await claim(sql, options)).runs).toEqual([]);
  await settle(
    sql,
    now(),
    runs.flat().map((job) => ({ ...job, end: "done" })),
  );
  expect((await claim(sql, options)).runs.map((run) => [run[0]?.key, run.length])).toEqual([
    ["tried", 2],
    ["large", 2],
    ["many", 5],
  ]);
});

test("a run ends before a row that another claim looks at, and does not wait for it", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const { now } = testClock();
  const options = { queue: "deliveries", now: now(), take: 10, window: 10, lease: 60_000 } as const;
  await add(
    database,
    now(),
    [1, 2, 3].map((payload) => ({ queue: "deliveries", key: "k", payload })),
  );
  await sql.begin(async (tx) => {
    await tx`select from jobs where payload = '2' for update`;
    expect(await claim(sql, options)).toMatchObject({ runs: [[{ payload: "1" }]] });
  });
});

test("a key of one queue has nothing to do with the same key of another", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const { now } = testClock();
  await add(database, now(), [
    { queue: "inbox", key: "k", payload: 1 },
    { queue: "deliveries", key: "k", payload: 2 },
    { queue: "events", key: "k", payload: 3 },
  ]);
  for (const queue of ["inbox", "deliveries", "events"] as const)
    expect(await claim(sql, { queue, now: now(), take: 1, window: 1, lease: 60_000 })).toMatchObject({
      runs: [[{ queue }]],
      blocked: 0,
    });
});

test("the state of the queues is counted", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  const start = clock.now();
  await add(database, start, [
    { queue: "deliveries", key: "k", payload: 1 },
    { queue: "deliveries", key: "k", payload: 2 },
    { queue: "deliveries", payload: 3 },
    { queue: "deliveries", payload: 4 },
    { queue: "deliveries", payload: 5, run: new Date(start.getTime() + HOUR) },
    { queue: "events", payload: 6 },
  ]);
  // Tried before, so it is not taken along.
  await sql`update jobs set attempts = 1, waiting = true where payload = '2'`;
  const options = { queue: "deliveries", now: start, take: 2, window: 2, lease: 60_000 } as const;
  const jobs = await taken(sql, options);
  await settle(sql, start, [{ ...jobs[1]!, end: "dead", error: "e" }]);
  clock.advance(90_000);
  expect(await queueStats(sql, clock.now())).toEqual([
    { queue: "deliveries", ready: 1, running: 1, waiting: 1, delayed: 1, dead: 1, oldest: 90 },
    { queue: "events", ready: 1, running: 0, waiting: 0, delayed: 0, dead: 0, oldest: 90 },
  ]);
});
