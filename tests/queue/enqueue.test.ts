import { expect, test } from "vitest";
import { enqueue } from "../../src/queue/enqueue.ts";
import { testDatabase } from "../support/database.ts";
import { add, until } from "./support.ts";

const NOW = new Date("2026-11-02T10:00:00Z");

test("a job exists if and only if its transaction commits", async () => {
  const { db, sql } = await testDatabase();
  const failed = db.transaction(async (tx) => {
    await enqueue(tx, NOW, [{ queue: "events", payload: { n: 1 } }]);
    throw new Error("domain rule broken");
  });
  await expect(failed).rejects.toThrow("domain rule broken");
  expect(await sql`select id from jobs`).toHaveLength(0);

  await db.transaction((tx) => enqueue(tx, NOW, [{ queue: "events", payload: { n: 2 } }]));
  expect(await sql`select payload from jobs`).toMatchObject([{ payload: '{"n":2}' }]);
});

test("workers are notified once per queue, and only at commit", async () => {
  const { db, sql } = await testDatabase();
  const heard: string[] = [];
  await sql.listen("jobs", (queue) => void heard.push(queue));
  await db.transaction(async (tx) => {
    await enqueue(tx, NOW, [
      { queue: "events", payload: 1 },
      { queue: "events", payload: 2 },
      { queue: "deliveries", payload: 3 },
    ]);
    // What another session notifies later arrives: had the open transaction notified already, it would have come before.
    await sql.notify("jobs", "marker");
    await until(() => heard.length > 0);
    expect(heard).toEqual(["marker"]);
  });
  await until(() => heard.length >= 3);
  expect(heard.toSorted()).toEqual(["deliveries", "events", "marker"]);
});

test("thousands of jobs keep their order across statements, and only the first of a key is to be looked at", async () => {
  const database = await testDatabase();
  const jobs = Array.from({ length: 2_500 }, (_, n) => ({
    queue: "deliveries" as const,
    payload: n,
    ...(n % 2 ? { key: `key ${n % 5}` } : {}),
  }));
  await add(database, NOW, jobs);
  const rows = await database.sql<{ payload: string; key: string | null; waiting: boolean }[]>`
    select payload, key, waiting from jobs order by id`;
  expect(rows.map(({ payload }) => Number(payload))).toEqual(jobs.map(({ payload }) => payload));
  expect(rows.filter(({ key, waiting }) => key !== null && !waiting)).toHaveLength(5);
  expect(rows.some(({ key, waiting }) => key === null && waiting)).toBe(false);
});

test("no jobs are no statement, and odd payloads survive", async () => {
  const database = await testDatabase();
  await add(database, NOW, []);
  const payload = { text: "NUL \0, quotes \"'\\{}, NULL", list: [null, "ñ", "م"], long: "x".repeat(100_000) };
  await add(database, NOW, [{ queue: "events", key: `https://long.example/${"ü".repeat(5_000)}`, payload }]);
  const [row] = await database.sql<{ payload: string }[]>`select payload from jobs`;
  expect(JSON.parse(row!.payload)).toEqual(payload);
});
