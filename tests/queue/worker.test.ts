import { expect, test } from "vitest";
import { Discard, Retry } from "../../src/queue/errors.ts";
import { type Job, startWorker } from "../../src/queue/worker.ts";
import { testDatabase } from "../support/database.ts";
import { add, testClock, until, withWorkers } from "./support.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test("jobs of a key are done one at a time and in order, by several workers", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const running = new Set<string>();
  const done = new Map<string, number[]>();
  let overlaps = 0;
  async function handle({ key, payload }: Job): Promise<void> {
    if (running.has(key!)) overlaps += 1;
    running.add(key!);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
    running.delete(key!);
    done.set(key!, [...(done.get(key!) ?? []), payload as number]);
  }
  const queues = { deliveries: { concurrency: 15, handle } };
  const workers = [1, 2].map(() => startWorker({ sql: database.sql, clock, queues }));
  await withWorkers(workers, async () => {
    for (let n = 0; n < 60; n += 1) {
      const keys = Array.from({ length: 20 }, (_, k) => `key ${k}`);
      await add(
        database,
        clock.now(),
        keys.map((key) => ({ queue: "deliveries", key, payload: n })),
      );
    }
    await workers[0]!.idle();
  });
  expect(overlaps).toBe(0);
  expect(done.size).toBe(20);
  for (const order of done.values()) expect(order).toEqual(Array.from({ length: 60 }, (_, n) => n));
  expect(await database.sql`select id from jobs`).toHaveLength(0);
});

test("no two jobs of a key overlap and none is forgotten when transactions commit out of order", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const running = new Set<string>();
  let overlaps = 0;
  let done = 0;
  async function handle({ key }: Job): Promise<void> {
    if (running.has(key!)) overlaps += 1;
    running.add(key!);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 2));
    running.delete(key!);
    done += 1;
  }
  const queues = { deliveries: { concurrency: 8, handle } };
  const workers = [1, 2, 3].map(() => startWorker({ sql: database.sql, clock, queues }));
  await withWorkers(workers, async () => {
    const writers = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 50; n += 1) {
        await database.sql.begin(async (tx) => {
          for (const key of ["a", "b", "c"])
            await tx`insert into jobs (queue, key, payload, run, created)
              values ('deliveries', ${key}, '0', ${clock.now()}, ${clock.now()})`;
          // The ids are drawn; others that come later may commit first.
          await tx`select pg_notify('jobs', 'deliveries'), pg_sleep(${Math.random() * 0.01})`;
        });
      }
    });
    await Promise.all(writers);
    await workers[0]!.idle();
  });
  expect(overlaps).toBe(0);
  expect(done).toBe(4 * 50 * 3);
  expect(await database.sql`select id from jobs`).toHaveLength(0);
});

test("every job is done by exactly one of several workers", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const done: number[] = [];
  const attempts = new Set<number>();
  async function handle(job: Job): Promise<void> {
    done.push(job.payload as number);
    attempts.add(job.attempts);
  }
  const all = Array.from({ length: 1_000 }, (_, n) => n);
  await add(
    database,
    clock.now(),
    all.map((payload) => ({ queue: "deliveries", payload })),
  );
  const queues = { deliveries: { concurrency: 10, handle } };
  const workers = [1, 2, 3].map(() => startWorker({ sql: database.sql, clock, queues }));
  await withWorkers(workers, () => workers[0]!.idle());
  expect(done.toSorted((a, b) => a - b)).toEqual(all);
  expect([...attempts]).toEqual([1]);
});

test("a failing head holds back its key, and nothing else", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const done: string[] = [];
  let down = true;
  const worker = startWorker({
    sql: database.sql,
    clock,
    queues: {
      deliveries: {
        concurrency: 5,
        retry: () => HOUR,
        async handle({ key, payload }) {
          if (key === "down" && down) throw new Error("refused");
          done.push(`${key} ${payload}`);
        },
      },
    },
  });
  await withWorkers([worker], async () => {
    for (const payload of [1, 2, 3])
      await add(
        database,
        clock.now(),
        ["down", "up"].map((key) => ({ queue: "deliveries", key, payload })),
      );
    await worker.idle();
    expect(done).toEqual(["up 1", "up 2", "up 3"]);

    await add(database, clock.now(), [{ queue: "deliveries", key: "down", payload: 4 }]);
    await worker.idle();
    expect(done).toHaveLength(3);

    down = false;
    clock.advance(HOUR);
    await worker.idle();
    expect(done.slice(3)).toEqual(["down 1", "down 2", "down 3", "down 4"]);
  });
});

test("a failing job is tried again at the policy's times, with its error noted, and then is a dead letter", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  const attempts: number[] = [];
  const done: unknown[] = [];
  const worker = startWorker({
    sql,
    clock,
    queues: {
      events: {
        concurrency: 1,
        retry: (n) => (n < 3 ? n * MINUTE : null),
        async handle(job) {
          if (job.payload !== "poison") {
            done.push(job.payload);
            return;
          }
          attempts.push(job.attempts);
          throw new Error("cannot read\0 this");
        },
      },
    },
  });
  await withWorkers([worker], async () => {
    const start = clock.now().getTime();
    await add(database, clock.now(), [
      { queue: "events", key: "k", payload: "poison" },
      { queue: "events", key: "k", payload: "next" },
    ]);
    await worker.idle();
    const [row] = await sql`select attempts, run, error, lease from jobs where payload = '"poison"'`;
    expect(row).toEqual({
      attempts: 1,
      run: new Date(start + MINUTE),
      error: "Error: cannot read this",
      lease: null,
    });

    clock.advance(MINUTE - 1);
    await worker.idle();
    expect(attempts).toEqual([1]);
    clock.advance(1);
    await worker.idle();
    expect(attempts).toEqual([1, 2]);
    expect(done).toEqual([]);
    clock.advance(2 * MINUTE);
    await worker.idle();
    expect(attempts).toEqual([1, 2, 3]);
    expect(done).toEqual(["next"]);
    expect(await sql`select queue, key, payload, attempts, created, died, error from dead_jobs`).toEqual([
      {
        queue: "events",
        key: "k",
        payload: '"poison"',
        attempts: 3,
        created: new Date(start),
        died: clock.now(),
        error: "Error: cannot read this",
      },
    ]);
    expect(await sql`select id from jobs`).toHaveLength(0);
  });
});

test("a handler says when to come back, or that there is no use", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  const worker = startWorker({
    sql,
    clock,
    queues: {
      deliveries: {
        concurrency: 2,
        async handle({ payload }) {
          if (payload === "gone") throw new Discard("410 Gone");
          throw new Retry(new Date("2026-11-02T12:34:56Z"), "429 Too Many Requests");
        },
      },
    },
  });
  await withWorkers([worker], async () => {
    await add(database, clock.now(), [
      { queue: "deliveries", payload: "gone" },
      { queue: "deliveries", payload: "slow down" },
    ]);
    await worker.idle();
    expect(await sql`select payload, run, error from jobs`).toEqual([
      {
        payload: '"slow down"',
        run: new Date("2026-11-02T12:34:56Z"),
        error: "Retry: 429 Too Many Requests",
      },
    ]);
    expect(await sql`select attempts, error from dead_jobs`).toEqual([
      { attempts: 1, error: "Discard: 410 Gone" },
    ]);
  });
});

test("a row that holds no JSON is a dead letter, not the end of the worker", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const clock = testClock();
  const done: unknown[] = [];
  const worker = startWorker({
    sql,
    clock,
    queues: { events: { concurrency: 1, handle: async ({ payload }) => void done.push(payload) } },
  });
  await withWorkers([worker], async () => {
    await sql`insert into jobs (queue, payload, run, created) values ('events', '{', ${clock.now()}, ${clock.now()})`;
    await add(database, clock.now(), [{ queue: "events", payload: "fine" }]);
    await worker.idle();
    expect(done).toEqual(["fine"]);
    expect(await sql`select attempts from dead_jobs`).toEqual([{ attempts: 1 }]);
  });
});

test("a slow job holds only its own slot", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const slow = Promise.withResolvers<void>();
  let quick = 0;
  const worker = startWorker({
    sql: database.sql,
    clock,
    queues: {
      deliveries: {
        concurrency: 3,
        async handle({ payload }) {
          if (payload === "slow") await slow.promise;
          else quick += 1;
        },
      },
    },
  });
  await withWorkers([worker], async () => {
    await add(database, clock.now(), [
      { queue: "deliveries", payload: "slow" },
      ...Array.from({ length: 200 }, (_, n) => ({ queue: "deliveries" as const, payload: n })),
    ]);
    await until(() => quick === 200);
    slow.resolve();
    await worker.idle();
  });
});

test("never more jobs at a time than slots", async () => {
  const database = await testDatabase();
  const clock = testClock();
  let now = 0;
  let most = 0;
  const worker = startWorker({
    sql: database.sql,
    clock,
    queues: {
      events: {
        concurrency: 7,
        async handle() {
          now += 1;
          most = Math.max(most, now);
          await new Promise((resolve) => setTimeout(resolve, 1));
          now -= 1;
        },
      },
    },
  });
  await withWorkers([worker], async () => {
    await add(
      database,
      clock.now(),
      Array.from({ length: 300 }, (_, n) => ({ queue: "events", payload: n })),
    );
    await worker.idle();
  });
  expect(most).toBe(7);
});

test("a job for later starts at its time, without being asked for", async () => {
  const database = await testDatabase();
  const clock = { now: () => new Date() };
  const done: { payload: unknown; early: boolean }[] = [];
  const soon = new Date(Date.now() + 300);
  const worker = startWorker({
    sql: database.sql,
    clock,
    queues: {
      events: {
        concurrency: 1,
        handle: async ({ payload }) => void done.push({ payload, early: new Date() < soon }),
      },
    },
  });
  await withWorkers([worker], async () => {
    await add(database, clock.now(), [
      { queue: "events", payload: "soon", run: soon },
      { queue: "events", payload: "tomorrow", run: new Date(Date.now() + 24 * HOUR) },
    ]);
    await until(() => done.length === 1);
    expect(done).toEqual([{ payload: "soon", early: false }]);
    await worker.idle();
  });
});

test("a queue without a handler here is left to other workers", async () => {
  const database = await testDatabase();
  const clock = testClock();
  const worker = startWorker({
    sql: database.sql,
    clock,
    queues: { events: { concurrency: 1, async handle() {} } },
  });
  await withWorkers([worker], async () => {
    await add(database, clock.now(), [
      { queue: "events", payload: 1 },
      { queue: "deliveries", payload: 2 },
    ]);
    await worker.idle();
    expect(await database.sql`select queue, attempts from jobs`).toEqual([
      { queue: "deliveries", attempts: 0 },
    ]);
  });
});
