import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database, Db } from "../../src/db/client.ts";
import { rollbackDatabase, testDatabase } from "../support/database.ts";

const count = async (db: Db) =>
  (await db.execute<{ n: number }>(sql`select count(*)::int as n from kv`))[0]!.n;
const put = (db: Db, key: string) => db.execute(sql`insert into kv (key, value) values (${key}, '1')`);

describe("rollback", () => {
  let db: Db;
  beforeEach(async () => {
    db = await rollbackDatabase();
  });
  for (const name of ["first", "second"]) {
    test(`${name} test sees an empty table`, async () => {
      expect(await count(db)).toBe(0);
      await put(db, "a");
      await db.transaction((tx) => put(tx, "b"));
      await expect(db.transaction((tx) => put(tx, "a"))).rejects.toThrow();
      expect(await count(db)).toBe(2);
    });
  }
});
let all: Database;
beforeAll(async () => {
  all = await testDatabase();
});
test("clone in beforeAll", async () => {
  await put(all.db, "x");
  const mine = await testDatabase();
  expect(await count(mine.db)).toBe(0);
  expect(await count(all.db)).toBe(1);
});
