import type { Writable } from "node:stream";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Sql, TransactionSql } from "postgres";
import { connect } from "./connect.ts";
import { columnNames, type DatabaseDump, tableNames } from "./dump.ts";
import {
  applyMigration,
  createMigrationsTable,
  MIGRATION_LOCK,
  pendingMigrations,
  readMigrations,
} from "./migrate.ts";
import { ownTables } from "./schema/names.ts";

export interface Load {
  dump: Omit<DatabaseDump, "moment">;
  /** Hands on the rows, table by table, as they were dumped; ends when all were handed on and are whole. */
  rows(write: (table: string, bytes: Buffer) => Promise<void>): Promise<void>;
  /** Whether what the database holds now may be replaced. @throws Error saying why not */
  mayReplace(tx: TransactionSql): Promise<void>;
  /** What else changes, once the tables are those of this version. */
  finish(tx: TransactionSql): Promise<void>;
}

/**
 * Puts a dump in the place of whatever the database holds, in one transaction: until it is committed the old state stands, and
 * whoever interrupts it, by whatever means, finds that. Hubs that are started meanwhile wait.
 *
 * The tables are made as they were at the dump's migration and then brought up to date. Triggers are off while rows are written;
 * references are taken away and made anew, which checks all of them, and needs no superuser.
 *
 * @throws Error saying what to do, when others are connected, or the dump is of a newer version
 */
export async function loadDatabase(url: string, { dump, rows, mayReplace, finish }: Load): Promise<void> {
  const migrations = await readMigrations();
  const pending = pendingMigrations(dump.migrations, migrations);
  const sql = connect(url, {
    max: 1,
    onnotice: () => {},
    connection: {
      application_name: "ayni restore",
      statement_timeout: 0,
      idle_in_transaction_session_timeout: 0,
      lock_timeout: 60_000,
      search_path: "public",
    },
  });
  try {
    await untilAlone(sql);
    await sql.begin(async (tx) => {
      await mayReplace(tx);
      await dropAll(tx);
      await createMigrationsTable(tx);
      for (const migration of migrations)
        if (!pending.includes(migration)) await applyMigration(tx, migration);
      await fill(tx, dump, rows);
      for (const migration of pending) await applyMigration(tx, migration);
      await finish(tx);
    });
    await sql`analyze`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** PostgreSQL ends a connection a moment after whoever had it has gone (ms). */
const FAREWELL = 3_000;

/** Takes the database for this connection alone. @throws Error saying who else has it */
async function untilAlone(sql: Sql): Promise<void> {
  const deadline = performance.now() + FAREWELL;
  let taken = false;
  for (;;) {
    // Before anybody is looked for: a hub that is started later waits.
    if (!taken) taken = await takeLock(sql);
    const why = taken ? await othersOf(sql) : "A hub is being started on this database. Stop it first.";
    if (why === null) return;
    if (performance.now() > deadline) throw new Error(why);
    await sleep(50);
  }
}

async function takeLock(sql: Sql): Promise<boolean> {
  const [lock] = await sql`select pg_try_advisory_lock(${MIGRATION_LOCK}) as taken`;
  return lock?.taken === true;
}

/**
 * Somebody who is connected may be a hub, whose memory would not fit the database any more; one that waits for our lock has not begun.
 *
 * @returns who, null: nobody
 */
async function othersOf(sql: Sql): Promise<string | null> {
  const others = await sql<{ pid: number; name: string | null }[]>`
    select pid, application_name as name from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and coalesce(backend_type, 'client backend') = 'client backend'
      and not (application_name = 'ayni migrate' and wait_event_type = 'Lock' and wait_event = 'advisory')`;
  const [first] = others;
  if (first === undefined) return null;
  const who = first.name ? `${first.name} (its process in PostgreSQL: ${first.pid})` : `process ${first.pid}`;
  return `The database is in use by ${who}${others.length > 1 ? " and others" : ""}. Stop the hub, all its processes, and try again.`;
}

/** @throws Error when something is there that no version of this program made */
async function dropAll(tx: TransactionSql): Promise<void> {
  const tables = await tableNames(tx);
  const foreign = tables.filter((name) => !ownTables.has(name));
  if (foreign.length > 0)
    throw new Error(
      `The database holds tables of something else (${foreign.slice(0, 5).join(", ")}). Restore into a database of its own.`,
    );
  if (tables.length > 0) await tx`drop table ${tx(tables)} cascade`;
  const rest = await tx<{ statement: string }[]>`
    select format('drop sequence %s cascade', c.oid::regclass) as statement from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    union all
    select format('drop routine %s cascade', p.oid::regprocedure) from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`;
  for (const { statement } of rest) await tx.unsafe(statement);
}

async function fill(
  tx: TransactionSql,
  { tables, sequences }: Load["dump"],
  rows: Load["rows"],
): Promise<void> {
  const names = (await tableNames(tx)).filter((name) => name !== "migrations");
  const columns = new Map<string, string[]>();
  for (const { name, columns: dumped } of tables) {
    const known = names.includes(name) ? await columnNames(tx, name) : [];
    if (dumped.toSorted().join() !== known.toSorted().join())
      throw new Error(`The backup's table ${name} is not the one of its version: it cannot be restored.`);
    columns.set(name, dumped);
  }
  const references = await tx<{ table: string; name: string; definition: string }[]>`
    select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace order by conrelid, conname`;
  for (const { table, name } of references) await tx.unsafe(`alter table ${table} drop constraint ${name}`);
  for (const name of names) await tx`alter table ${tx(name)} disable trigger user`;
  // Some migrations write rows of their own.
  await tx`truncate table ${tx(names)}`;

  await copyIn(tx, columns, rows);

  for (const name of names) await tx`alter table ${tx(name)} enable trigger user`;
  for (const { table, name, definition } of references)
    await tx.unsafe(`alter table ${table} add constraint ${name} ${definition}`);
  for (const { name, value, called } of sequences)
    await tx`select setval(format('public.%I', ${name}::text)::regclass, ${value}::bigint, ${called})`;
}

async function copyIn(tx: TransactionSql, columns: Map<string, string[]>, rows: Load["rows"]): Promise<void> {
  let current: { table: string; stream: Writable; failure: Promise<never> } | null = null;

  async function end(): Promise<void> {
    if (current === null) return;
    const { stream, table, failure } = current;
    current = null;
    stream.end();
    await setImmediate();
    // postgres.js tells nobody when the last rows are refused; what comes after them is refused then, too.
    await Promise.race([tx`select`, failure]).catch((cause: unknown) => {
      throw new Error(`The rows of ${table} cannot be restored.`, { cause });
    });
  }

  const taken = rows(async (table, bytes) => {
    if (current?.table !== table) {
      await end();
      const stream = await tx`copy ${tx(table)} (${tx(columns.get(table) ?? [])}) from stdin`.writable();
      const failure = new Promise<never>((_, reject) => stream.once("error", reject));
      failure.catch(() => {});
      current = { table, stream, failure };
    }
    const { stream, failure } = current as NonNullable<typeof current>;
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.write(bytes, () => resolve());
    await Promise.race([promise, failure]);
  });
  await taken.catch(async (error: Error) => {
    // The connection takes nothing else, not even a rollback, before its copy has ended.
    current?.stream.destroy(error);
    await setImmediate();
    throw error;
  });
  await end();
}
