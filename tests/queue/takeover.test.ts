import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { claim, endLeases, settle } from "../../src/queue/jobs.ts";
import { type Job, startWorker } from "../../src/queue/worker.ts";
import { testDatabase } from "../support/database.ts";
import { add, testClock, until, withWorkers } from "./support.ts";

/** Long enough that a busy machine does not miss a heartbeat. */
const LEASE = 6_000;
const PROCESS = fileURLToPath(new URL("./worker-process.ts", import.meta.url));

/** A worker in a process of its own, which says on its output what it begins and never ends it. */
async function startStuckProcess(url: string, lease: number) {
  const child = spawn(process.execPath, [PROCESS, url, String(lease)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await exited;
  }
  onTestFinished(kill);
  await until(() => output.includes("listening\n"));
  return {
    begun: () => [...output.matchAll(/^begun (\S+)$/gm)].map(([, payload]) => Number(payload)),
    kill,
  };
}

test("the jobs of a killed process are taken over when their leases run out, each once and in order", async () => {
  const database = await testDatabase();
  const clock = { now: () => new Date() };
  const stuck = await startStuckProcess(database.url, LEASE);
  await add(database, clock.now(), [
    ...[1, 2, 3].map((payload) => ({ queue: "events" as const, key: "k", payload })),
    { queue: "events", payload: 4 },
  ]);
  await until(() => stuck.begun().length === 2);
  expect(stuck.begun().toSorted()).toEqual([1, 4]);

  const done: Job[] = [];
  const queues = { events: { concurrency: 4, handle: async (job: Job) => void done.push(job) } };
  const workers = [1, 2].map(() => startWorker({ sql: database.sql, clock, queues, lease: LEASE }));
  await withWorkers(workers, async () => {
    // While the process lives, its heartbeat keeps the leases: here for longer than one.
    const kept = await leases(database);
    await until(async () => Number(await leases(database)) > Number(kept) + LEASE);
    expect(done).toEqual([]);

    await stuck.kill();
    await until(() => done.length === 4);
    await workers[0]!.idle();
  });
  expect(done.filter(({ key }) => key === "k").map(({ payload }) => payload)).toEqual([1, 2, 3]);
  expect(done.map(({ payload, attempts }) => [payload, attempts]).toSorted()).toEqual([
    // Those behind the first were taken with it, though not begun.
    [1, 2],
    [2, 2],
    [3, 2],
    [4, 2],
  ]);
});

test("a job that kills its worker every time ends as a dead letter", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  await add(database, clock.now(), [
    { queue: "events", key: "k", payload: "deadly" },
    { queue: "events", key: "k", payload: "next" },
  ]);
  await sql`update jobs set lease = clock_timestamp() - interval '1 second', attempts = 10 where payload = '"deadly"'`;
  const done: unknown[] = [];
  const worker = startWorker({
    sql,
    clock,
    queues: { events: { concurrency: 1, handle: async ({ payload }) => void done.push(payload) } },
  });
  await withWorkers([worker], async () => {
    await until(() => done.length === 1);
    await worker.idle();
  });
  expect(done).toEqual(["next"]);
  expect(await sql`select payload, attempts from dead_jobs`).toEqual([{ payload: '"deadly"', attempts: 10 }]);
});

test("a worker that was taken for dead cannot end what another has", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const { now } = testClock();
  await add(database, now(), [{ queue: "events", payload: 1 }]);
  const options = { queue: "events", now: now(), take: 1, window: 1, lease: 60_000 } as const;
  const first = (await claim(sql, options)).runs[0]![0]!;
  await settle(sql, now(), [{ ...first, end: "later", run: now(), error: "taken over" }]);
  const second = (await claim(sql, options)).runs[0]![0]!;
  expect([first.attempts, second.attempts]).toEqual([1, 2]);

  for (const end of [
    { end: "done" },
    { end: "later", run: now(), error: "e" },
    { end: "dead", error: "e" },
    { end: "released", begun: true },
  ] as const) {
    expect(await settle(sql, now(), [{ ...first, ...end }])).toMatchObject({ late: 1 });
    expect(await sql`select attempts, lease is not null as running from jobs`).toEqual([
      { attempts: 2, running: true },
    ]);
  }
  expect(await sql`select id from dead_jobs`).toHaveLength(0);
  expect(await settle(sql, now(), [{ ...second, end: "done" }])).toMatchObject({ late: 0 });
  expect(await sql`select id from jobs`).toHaveLength(0);
});

test("leases that run out while their worker lives are not taken away by the clock's jumps", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const end = Promise.withResolvers<void>();
  const begun: number[] = [];
  const queues = {
    events: {
      concurrency: 2,
      async handle({ attempts }: Job) {
        begun.push(attempts);
        await end.promise;
      },
    },
  };
  const workers = [1, 2].map(() => startWorker({ sql: database.sql, clock, queues }));
  await withWorkers(workers, async () => {
    await add(database, clock.now(), [{ queue: "events", payload: 1 }]);
    await until(() => begun.length === 1);
    clock.advance(24 * 3_600_000);
    await add(database, clock.now(), [{ queue: "events", payload: 2 }]);
    await until(() => begun.length === 2);
    end.resolve();
    await workers[0]!.idle();
  });
  expect(begun).toEqual([1, 1]);
});

test("a worker that stops waits for its jobs, and gives back at once what does not end in time", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  const quick = Promise.withResolvers<void>();
  const begun: unknown[] = [];
  const stopping = startWorker({
    sql,
    clock,
    queues: {
      events: {
        concurrency: 2,
        async handle({ payload }) {
          begun.push(payload);
          await (payload === "quick" ? quick.promise : new Promise(() => {}));
        },
      },
    },
  });
  await add(database, clock.now(), [
    { queue: "events", payload: "quick" },
    { queue: "events", key: "k", payload: "endless" },
    { queue: "events", key: "k", payload: "after it" },
  ]);
  await until(() => begun.length === 2);
  const heard: string[] = [];
  await sql.listen("jobs", (queue) => void heard.push(queue));
  const done: unknown[] = [];
  const stopped = stopping.stop(100);
  quick.resolve();
  await stopped;
  await until(() => heard.includes("events"));
  expect(await sql`select payload, attempts, lease, waiting from jobs order by id`).toEqual([
    { payload: '"endless"', attempts: 1, lease: null, waiting: false },
    { payload: '"after it"', attempts: 0, lease: null, waiting: false },
  ]);
  const other = startWorker({
    sql,
    clock,
    queues: { events: { concurrency: 2, handle: async ({ payload }) => void done.push(payload) } },
  });
  await withWorkers([other], () => other.idle());
  expect(done).toEqual(["endless", "after it"]);
});

test("the listener comes back after its connection was cut", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  const done: unknown[] = [];
  const worker = startWorker({
    sql,
    clock,
    queues: { events: { concurrency: 1, handle: async ({ payload }) => void done.push(payload) } },
  });
  const listeners = () => sql<{ pid: number }[]>`
    select pid from pg_stat_activity where datname = current_database() and query like 'listen %'`;
  await withWorkers([worker], async () => {
    await until(async () => (await listeners()).length === 1);
    const [before] = await listeners();
    await sql`select pg_terminate_backend(${before!.pid})`;
    await until(async () => {
      const [after] = await listeners();
      return after !== undefined && after.pid !== before!.pid;
    });
    await add(database, clock.now(), [{ queue: "events", payload: "heard" }]);
    await until(() => done.length === 1);
  });
});

/** The latest lease. */
async function leases({ sql }: Database): Promise<Date | null> {
  const [row] = await sql<{ lease: Date | null }[]>`select max(lease) as lease from jobs`;
  return row!.lease;
}

test("who is alone on a database goes on at once with what a killed process had in hand, and what a fast clock put off", async () => {
  const database = await testDatabase();
  const clock = testClock();
  await add(database, clock.now(), [{ queue: "events", payload: "in hand" }]);
  const hour = { take: 1, window: 1, lease: 3_600_000 };
  expect((await claim(database.sql, { queue: "events", now: clock.now(), ...hour })).runs).toHaveLength(1);
  const later = (hours: number) => new Date(clock.now().getTime() + hours * 3_600_000);
  await add(database, later(26), [{ queue: "events", payload: "of a fast clock" }]);
  await add(database, clock.now(), [{ queue: "events", payload: "not yet", run: later(26) }]);

  await endLeases(database.sql);
  const done: unknown[] = [];
  const queues = { events: { concurrency: 4, handle: async ({ payload }: Job) => void done.push(payload) } };
  const worker = startWorker({ sql: database.sql, clock, queues });
  await withWorkers([worker], () => until(() => done.length === 2));
  expect(done.toSorted()).toEqual(["in hand", "of a fast clock"]);
});
