import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/db/client.ts";
import { createIds, type Id, idAt, parseId, SQL_ID, timeOf } from "../../src/db/ids.ts";
import { testDatabase } from "../support/database.ts";

const EPOCH = new Date("2026-01-01T00:00:00Z");

test("processes that share a database never make the same id, even in one frozen millisecond", async () => {
  const { url } = await testDatabase();
  const processes = [1, 2, 3].map(() => openDatabase(url, { orm: 2, raw: 1 }));
  const made = await Promise.all(
    processes.map(async ({ sql }) => {
      const ids = createIds(sql, () => EPOCH);
      return Promise.all(Array.from({ length: 1_000 }, () => ids.next()));
    }),
  );
  await Promise.all(processes.map((process) => process.close()));
  expect(new Set(made.flat()).size).toBe(3_000);
});

test("ids sort by the time they were made for, whoever made them and in whatever order", async () => {
  const { sql, close } = openDatabase((await testDatabase()).url, { orm: 2, raw: 1 });
  const makers = [createIds(sql, () => EPOCH), createIds(sql, () => EPOCH)];
  const made: { id: Id; at: number }[] = [];
  for (let i = 0; i < 200; i++) {
    const at = EPOCH.getTime() + ((i * 7919) % 200);
    made.push({ id: await makers[i % 2]!.next(new Date(at)), at });
  }
  await close();
  made.sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(made.map(({ at }) => at)).toEqual(made.map(({ at }) => at).sort((a, b) => a - b));
});

test("transactions that hold every connection still get ids", async () => {
  const { db, sql, close } = openDatabase((await testDatabase()).url, { orm: 2, raw: 1 });
  const ids = createIds(sql, () => EPOCH);
  const begun = Array.from({ length: 2 }, () => Promise.withResolvers<void>());
  const made = await Promise.all(
    begun.map(({ resolve }) =>
      db.transaction(async () => {
        resolve();
        await Promise.all(begun.map(({ promise }) => promise));
        return ids.next();
      }),
    ),
  );
  await close();
  expect(new Set(made).size).toBe(2);
});

test("a database that was away for a moment does not end the making of ids", async () => {
  const { sql } = await testDatabase();
  const ids = createIds(sql, () => EPOCH);
  await sql`alter sequence snowflake rename to elsewhere`;
  await expect(ids.next()).rejects.toThrow();
  await sql`alter sequence elsewhere rename to snowflake`;
  expect(await ids.next()).toBeGreaterThan(0n);
});

test("an id made by the database is of the same kind", async () => {
  const { sql } = await testDatabase();
  const before = Date.now();
  const [row] = await sql<{ id: bigint }[]>`select ${sql.unsafe(SQL_ID)} as id`;
  const made = timeOf(row!.id).getTime();
  expect(made).toBeGreaterThanOrEqual(before - 1);
  expect(made).toBeLessThanOrEqual(Date.now() + 1);
});

test("an id tells its time, and its decimal form reads back", () => {
  const instant = fc.date({
    min: new Date("1970-01-01T00:00:00.001Z"),
    max: new Date("6000-01-01"),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(instant, fc.bigInt({ min: 0n, max: 1n << 40n }), (at, low) => {
      const id = idAt(at, low);
      expect(timeOf(id)).toEqual(at);
      expect(id).toBeGreaterThanOrEqual(idAt(at));
      expect(id).toBeLessThan(idAt(new Date(at.getTime() + 1)));
      expect(parseId(id.toString())).toBe(id);
    }),
  );
});

test("what is not an id is not read as one", () => {
  const strange = [
    "",
    "0",
    "-1",
    "01",
    "1.0",
    "1e3",
    " 1",
    "1\n",
    "0x10",
    "９",
    "abc",
    "9223372036854775808",
    "1".repeat(400),
  ];
  for (const text of [undefined, ...strange]) expect(parseId(text)).toBeNull();
  expect(parseId("9223372036854775807")).toBe(9223372036854775807n);
});
