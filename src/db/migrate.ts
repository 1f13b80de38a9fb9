import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sql, TransactionSql } from "postgres";
import { connect } from "./connect.ts";

/** Beside this file in the source tree; the build puts a copy beside the bundle. */
const FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));

/** "ayni" in ASCII: whoever migrates, or restores a backup, holds this advisory lock. */
export const MIGRATION_LOCK = 0x61796e69;

export interface Migration {
  name: string;
  sha256: string;
  statements: string[];
}

/**
 * Brings the database at `url` up to the SQL files of `folder` (drizzle-kit's), in the order of their names. Every file runs in
 * a transaction of its own; processes that start at once wait for each other. Files are known by name, not by date: one
 * that comes from another branch and sorts before the last applied one is applied too, which drizzle-orm 0.45 skips.
 *
 * @returns the names of the files applied now
 * @throws Error when an applied file was changed since or is missing here (the database is newer than the program)
 */
export async function migrate(url: string, folder = FOLDER): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const sql = connect(url, { max: 1, onnotice: () => {}, connection: { application_name: "ayni migrate" } });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    const pending = await compare(sql, migrations);
    for (const migration of pending) await sql.begin((tx) => applyMigration(tx, migration));
    return pending.map(({ name }) => name);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

export async function applyMigration(
  tx: TransactionSql,
  { name, sha256, statements }: Migration,
): Promise<void> {
  for (const statement of statements) await tx.unsafe(statement);
  await tx`insert into migrations (name, sha256) values (${name}, ${sha256})`;
}

async function compare(sql: Sql, migrations: Migration[]): Promise<Migration[]> {
  await createMigrationsTable(sql);
  const applied = await sql<{ name: string; sha256: string }[]>`select name, sha256 from migrations`;
  return pendingMigrations(applied, migrations);
}

export async function createMigrationsTable(sql: Sql | TransactionSql): Promise<void> {
  await sql`
    create table if not exists migrations (
      name text primary key,
      sha256 text not null,
      applied timestamptz not null default now()
    )`;
}

/**
 * Those of `migrations` that are not among the applied ones, in their order.
 *
 * @throws Error when an applied one was changed since or is missing
 */
export function pendingMigrations(
  applied: readonly { name: string; sha256: string }[],
  migrations: readonly Migration[],
): Migration[] {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const { name, sha256 } of applied) {
    const migration = known.get(name);
    if (!migration) {
      throw new Error(
        `The database has the migration ${name}, which this version of Ayni does not know: run the newer version.`,
      );
    }
    if (migration.sha256 !== sha256) {
      throw new Error(
        `The migration ${name} was changed after it was applied: restore the file and write a new migration instead.`,
      );
    }
    known.delete(name);
  }
  return [...known.values()];
}

/** The program's own migrations, in their order. */
export async function readMigrations(folder = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(folder, name), "utf8");
      return {
        name: name.slice(0, -".sql".length),
        sha256: createHash("sha256").update(text).digest("hex"),
        statements: text.split("--> statement-breakpoint").filter((statement) => statement.trim() !== ""),
      };
    }),
  );
}
