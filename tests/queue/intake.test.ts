import { expect, test } from "vitest";
import { createIntake } from "../../src/queue/intake.ts";
import { startWorker } from "../../src/queue/worker.ts";
import { testDatabase } from "../support/database.ts";
import { testClock, until, withWorkers } from "./support.ts";

test("a put resolves only when its row is committed", async () => {
  const { sql } = await testDatabase();
  const clock = testClock();
  const intake = createIntake(sql, clock);
  let stored = false;
  const locked = await sql.reserve();
  await locked`begin`;
  await locked`lock table jobs in exclusive mode`;
  const put = intake.put({ queue: "inbox", key: "a", payload: '{"n":1}' }).then(() => {
    stored = true;
  });
  await until(async () => {
    const rows = await sql`
      select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return rows.length === 1;
  });
  expect(stored).toBe(false);
  await locked`commit`;
  locked.release();
  await put;
  expect(await sql`select queue, key, payload, run, created from jobs`).toEqual([
    { queue: "inbox", key: "a", payload: '{"n":1}', run: clock.now(), created: clock.now() },
  ]);
  await intake.close();
});

test("those who come together share a commit, and are worked off in the order of their keys", async () => {
  const { sql } = await testDatabase();
  const clock = testClock();
  const intake = createIntake(sql, clock);
  await Promise.all(
    Array.from({ length: 500 }, (_, n) =>
      intake.put({ queue: "inbox", key: `actor ${n % 7}`, payload: String(n) }),
    ),
  );
  const [row] = await sql`
    select count(*)::int as rows, count(distinct xmin::text)::int as commits,
      count(*) filter (where not waiting)::int as heads from jobs`;
  // Batches of 200, 200 and 100, each with one head per key.
  expect(row).toEqual({ rows: 500, commits: 3, heads: 21 });

  const done = new Map<string, number[]>();
  const worker = startWorker({
    sql,
    clock,
    queues: {
      inbox: {
        concurrency: 20,
        async handle({ key, payload }) {
          done.set(key!, [...(done.get(key!) ?? []), payload as number]);
        },
      },
    },
  });
  await withWorkers([worker], () => worker.idle());
  expect([...done.values()].flat()).toHaveLength(500);
  for (const order of done.values()) expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test("when too much waits, more is refused and what was taken is still stored", async () => {
  const { sql } = await testDatabase();
  const intake = createIntake(sql, testClock());
  const puts = Array.from({ length: 2_100 }, (_, n) => intake.put({ queue: "inbox", payload: String(n) }));
  const results = await Promise.allSettled(puts);
  const refused = results.filter((result) => result.status === "rejected");
  expect(refused).toHaveLength(100);
  for (const { reason } of refused) expect(reason).toMatchObject({ name: "DomainError", code: "busy" });
  expect(await sql`select count(*)::int as rows from jobs`).toEqual([{ rows: 2_000 }]);
  await intake.put({ queue: "inbox", payload: "again" });
});

test("a few huge bodies fill it like many small ones", async () => {
  const { sql } = await testDatabase();
  const intake = createIntake(sql, testClock());
  const payload = JSON.stringify("x".repeat(1_000_000));
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, () => intake.put({ queue: "inbox", payload })),
  );
  const stored = results.filter(({ status }) => status === "fulfilled").length;
  expect(stored).toBe(33);
  expect(await sql`select count(*)::int as rows from jobs`).toEqual([{ rows: stored }]);
});

test("one text that PostgreSQL cannot hold does not fail the others", async () => {
  const { sql } = await testDatabase();
  const intake = createIntake(sql, testClock());
  const results = await Promise.allSettled([
    intake.put({ queue: "inbox", payload: '"a"' }),
    intake.put({ queue: "inbox", payload: '"\0"' }),
    intake.put({ queue: "inbox", key: "\0", payload: '"b"' }),
    intake.put({ queue: "inbox", payload: '"c"' }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect(await sql`select payload from jobs order by id`).toEqual([{ payload: '"a"' }, { payload: '"c"' }]);
});

test("a database that fails is said to be busy, and is used again when it is back", async () => {
  const { sql } = await testDatabase();
  const intake = createIntake(sql, testClock());
  await sql`alter table jobs rename to jobs_away`;
  await expect(intake.put({ queue: "inbox", payload: "1" })).rejects.toMatchObject({ code: "busy" });
  await sql`alter table jobs_away rename to jobs`;
  await intake.put({ queue: "inbox", payload: "2" });
});

test("closing stores what was taken and refuses the rest", async () => {
  const { sql } = await testDatabase();
  const intake = createIntake(sql, testClock());
  const put = intake.put({ queue: "inbox", payload: "1" });
  const closed = intake.close();
  await expect(intake.put({ queue: "inbox", payload: "2" })).rejects.toMatchObject({ code: "busy" });
  await Promise.all([put, closed]);
  expect(await sql`select payload from jobs`).toEqual([{ payload: "1" }]);
});
