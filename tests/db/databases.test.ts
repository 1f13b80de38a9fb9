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
  test(`${turn} finds nothing of another's`, async () => {
    await createTable(rolledBack);
    await put(rolledBack, "a");
    await rolledBack.transaction((tx) => put(tx, "b"));
    // A failure inside a savepoint leaves the test's transaction usable.
    await expect(rolledBack.transaction((tx) => put(tx, "a"))).rejects.toThrow();
    expect([...(await rolledBack.execute(sql`select word from words`))]).toEqual([
      { word: "a" },
      { word: "b" },
    ]);
  });
}

test("a database of one's own is seen by its other connections, and by no other database", async () => {
  await createTable(committed.db);
  await put(committed.db, "a");
  expect([...(await committed.sql`select word from words`)]).toEqual([{ word: "a" }]);
  const another = await testDatabase();
  await expect(put(another.db, "a")).rejects.toThrow();
});

function createTable(db: Db): Promise<unknown> {
  return db.execute(sql`create table words (word text primary key)`);
}

function put(db: Db, word: string): Promise<unknown> {
  return db.execute(sql`insert into words values (${word})`);
}
