import { sql } from "drizzle-orm";
import { beforeAll, beforeEach, expect, test } from "vitest";
import type { Database, Db } from "../../src/db/client.ts";
import { rollbackDatabase, testDatabase } from "../support/database.ts";

let rolledBack: Db;
let committed: Database;

beforeAll(async () => {
  committed = await testDatabase();
});
beforeEach(async () => {
  rolledBack = await rollbackDatabase();
});

for (const turn of ["one test", "the next"]) {
  test(`${turn} finds its database empty`, async () => {
    expect(await count(rolledBack)).toBe(0);
    await put(rolledBack, "a");
    await rolledBack.transaction((tx) => put(tx, "b"));
    // A failure inside a savepoint leaves the test's transaction usable.
    await expect(rolledBack.transaction((tx) => put(tx, "a"))).rejects.toThrow();
    expect(await count(rolledBack)).toBe(2);
  });
}

test("a database of one's own is seen by other connections, and by no other database", async () => {
  await put(committed.db, "a");
  expect(await committed.sql`select key from kv`).toEqual([{ key: "a" }]);
  const another = await testDatabase();
  expect(await count(another.db)).toBe(0);
});

async function count(db: Db): Promise<number> {
  const [row] = await db.execute<{ n: number }>(sql`select count(*)::int as n from kv`);
  return row!.n;
}

function put(db: Db, key: string): Promise<unknown> {
  return db.execute(sql`insert into kv (key, value) values (${key}, '1')`);
}
