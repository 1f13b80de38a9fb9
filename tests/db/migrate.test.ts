import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { migrate } from "../../src/db/migrate.ts";
import { testDatabase } from "../support/database.ts";

const FILES = {
  "0000_a.sql": "create table a (n int);--> statement-breakpoint\ncreate index a_n on a (n);",
  "0002_c.sql": "create table c (n int);",
};

test("the hub's own migrations make an empty database usable, once", async () => {
  const { url, sql } = await testDatabase("template1");
  const applied = await migrate(url);
  expect(applied[0]).toMatch(/^0000_/);
  expect(await sql`select nextval('snowflake') as n`).toEqual([{ n: 1n }]);
  expect(await migrate(url)).toEqual([]);
});

test("processes that start at once apply every file exactly once", async () => {
  const { url, sql } = await testDatabase("template1");
  const folder = await folderOf(FILES);
  const applied = await Promise.all([1, 2, 3].map(() => migrate(url, folder)));
  expect(applied.flat().sort()).toEqual(["0000_a", "0002_c"]);
  expect(await sql`select name from migrations order by name`).toEqual([
    { name: "0000_a" },
    { name: "0002_c" },
  ]);
});

test("a file from another branch that sorts before the last applied one is applied", async () => {
  const database = await testDatabase("template1");
  await migrate(database.url, await folderOf(FILES));
  const merged = await folderOf({ ...FILES, "0001_b.sql": "create table b (n int);" });
  expect(await migrate(database.url, merged)).toEqual(["0001_b"]);
  expect(await tables(database)).toEqual(["a", "b", "c", "migrations"]);
});

test("a file that was changed after it was applied is refused, and nothing else is done", async () => {
  const database = await testDatabase("template1");
  await migrate(database.url, await folderOf(FILES));
  const changed = await folderOf({
    ...FILES,
    "0000_a.sql": "create table a (n bigint);",
    "0003_d.sql": "create table d ();",
  });
  await expect(migrate(database.url, changed)).rejects.toThrow(/0000_a was changed/);
  expect(await tables(database)).not.toContain("d");
});

test("a database that is newer than the program is refused", async () => {
  const database = await testDatabase("template1");
  await migrate(database.url, await folderOf(FILES));
  const older = await folderOf({ "0000_a.sql": FILES["0000_a.sql"] });
  await expect(migrate(database.url, older)).rejects.toThrow(/0002_c.*newer version/);
});

test("a file that fails leaves nothing of itself, and can be mended and tried again", async () => {
  const database = await testDatabase("template1");
  const broken = "create table d (n int);--> statement-breakpoint\nselect no_such_function();";
  await expect(migrate(database.url, await folderOf({ ...FILES, "0003_d.sql": broken }))).rejects.toThrow(
    /no_such_function/,
  );
  expect(await tables(database)).toEqual(["a", "c", "migrations"]);
  expect(
    await migrate(database.url, await folderOf({ ...FILES, "0003_d.sql": "create table d (n int);" })),
  ).toEqual(["0003_d"]);
});

async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ayni-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

async function tables({ sql }: Database): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public' order by 1`;
  return rows.map(({ name }) => name);
}
