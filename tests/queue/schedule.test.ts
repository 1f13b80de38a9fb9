import { expect, test } from "vitest";
import { type Schedule, startSchedule } from "../../src/queue/schedule.ts";
import { startWorker } from "../../src/queue/worker.ts";
import { testDatabase } from "../support/database.ts";
import { testClock, until, withWorkers } from "./support.ts";

const MINUTE = 60_000;
const entries = [
  { name: "sweep", every: 10 * MINUTE },
  { name: "digest", every: 25 * MINUTE },
];

async function withSchedules(schedules: Schedule[], body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await Promise.all(schedules.map((schedule) => schedule.stop()));
  }
}

test("each due time is enqueued by exactly one of several processes, and missed times are left out", async () => {
  const { sql } = await testDatabase();
  const clock = testClock();
  const done: unknown[] = [];
  const worker = startWorker({
    sql,
    clock,
    queues: { clock: { concurrency: 2, handle: async ({ payload }) => void done.push(payload) } },
  });
  const schedules = [1, 2, 3].map(() => startSchedule({ sql, clock, entries }));
  const tick = async () => {
    await Promise.all(schedules.map((schedule) => schedule.tick()));
    await worker.idle();
    return done.splice(0);
  };
  await withWorkers([worker], () =>
    withSchedules(schedules, async () => {
      expect(await tick()).toEqual([]);
      clock.advance(10 * MINUTE);
      expect(await tick()).toEqual([{ name: "sweep" }]);
      expect(await tick()).toEqual([]);
      // Until 10:58: sweep missed 10:20, 10:30, 10:40 and 10:50, digest 10:25 and 10:50.
      clock.advance(48 * MINUTE);
      // Two that are due together are done side by side, in no order.
      const both = await tick();
      expect(both).toHaveLength(2);
      expect(both).toEqual(expect.arrayContaining([{ name: "sweep" }, { name: "digest" }]));
      expect(await tick()).toEqual([]);
      // Due times keep their rhythm: 11:00.
      clock.advance(2 * MINUTE);
      expect(await tick()).toEqual([{ name: "sweep" }]);
    }),
  );
});

test("while the last job of an entry has not been done, no other is enqueued", async () => {
  const { sql } = await testDatabase();
  const clock = testClock();
  const schedule = startSchedule({ sql, clock, entries: [entries[0]!] });
  await withSchedules([schedule], async () => {
    for (let n = 0; n < 3; n += 1) {
      await schedule.tick();
      clock.advance(10 * MINUTE);
    }
    await schedule.tick();
    expect(await sql`select queue, key, payload from jobs`).toEqual([
      { queue: "clock", key: "sweep", payload: '{"name" : "sweep"}' },
    ]);
  });
});

test("a restart does not put due times off, and a shorter period counts at once", async () => {
  const { sql } = await testDatabase();
  const clock = testClock();
  const start = clock.now().getTime();
  for (const every of [30 * MINUTE, 30 * MINUTE]) {
    const schedule = startSchedule({ sql, clock, entries: [{ name: "sweep", every }] });
    await schedule.tick();
    await schedule.stop();
    clock.advance(10 * MINUTE);
  }
  expect(await sql`select run from schedules`).toEqual([{ run: new Date(start + 30 * MINUTE) }]);
  const schedule = startSchedule({ sql, clock, entries: [{ name: "sweep", every: MINUTE }] });
  await schedule.tick();
  await schedule.stop();
  expect(await sql`select run from schedules`).toEqual([{ run: new Date(start + 21 * MINUTE) }]);
});

test("due times come by themselves", async () => {
  const { sql } = await testDatabase();
  const schedule = startSchedule({
    sql,
    clock: { now: () => new Date() },
    entries: [{ name: "often", every: 150 }],
  });
  await withSchedules([schedule], () =>
    until(async () => {
      const [row] = await sql`delete from jobs where queue = 'clock' returning key`;
      return row?.key === "often";
    }),
  );
});
