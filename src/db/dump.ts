import { createHash } from "node:crypto";
import type { TransactionSql } from "postgres";
import { connect } from "./connect.ts";

/** Caches that may be lost, and what the migrations themselves write. */
const LEFT_OUT = ["kv", "migrations"];
/** Rows are handed on in pieces of about this many bytes. */
const PIECE = 1_048_576;

export interface TableDump {
  name: string;
  columns: string[];
  rows: number;
  bytes: number;
  /** Hex, of all its rows as COPY writes them (text format). */
  sha256: string;
}

export interface SequenceState {
  name: string;
  value: string;
  called: boolean;
}

export interface AppliedMigration {
  name: string;
  sha256: string;
}

export interface DatabaseDump {
  moment: Date;
  migrations: AppliedMigration[];
  tables: TableDump[];
  sequences: SequenceState[];
}

/**
 * Reads everything that the database holds as of one moment, while others go on writing. Memory does not grow with it.
 *
 * @param piece gets the rows, table by table: whole lines of COPY's text format
 * @param rest is done at the same moment, in the same transaction
 */
export async function dumpDatabase(
  url: string,
  piece: (table: string, index: number, bytes: Buffer) => Promise<void>,
  rest: (tx: TransactionSql) => Promise<void>,
): Promise<DatabaseDump> {
  const sql = connect(url, {
    max: 1,
    onnotice: () => {},
    connection: {
      application_name: "ayni backup",
      statement_timeout: 0,
      idle_in_transaction_session_timeout: 0,
      lock_timeout: 60_000,
    },
  });
  try {
    const names = await tableNames(sql);
    return await sql.begin("isolation level repeatable read read only", async (tx) => {
      // Nobody changes a table's form meanwhile. The moment is that of the first statement after it.
      if (names.length > 0) await tx`lock table ${tx(names)} in access share mode`;
      const [row] = await tx<{ moment: Date }[]>`select clock_timestamp() as moment`;
      if (String(await tableNames(tx)) !== String(names))
        throw new Error("The database's tables were changed at this moment: try again.");
      const migrations = names.includes("migrations")
        ? await tx<AppliedMigration[]>`select name, sha256 from migrations order by name`
        : [];
      const tables: TableDump[] = [];
      for (const name of names) {
        if (!LEFT_OUT.includes(name)) tables.push(await dumpTable(tx, name, piece));
      }
      await rest(tx);
      // Sequences know no moment: read last, they are at least as far as any row.
      const sequences = await readSequences(tx);
      return { moment: row!.moment, migrations: [...migrations], tables, sequences };
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

type Connection = Pick<TransactionSql, "unsafe">;

/** Tables of the schema that no extension brought. */
export async function tableNames(sql: Connection): Promise<string[]> {
  const rows = await sql.unsafe<{ name: string }[]>(`
    select c.relname as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and not exists (select from pg_depend d where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e')
    order by c.relname collate "C"`);
  return rows.map(({ name }) => name);
}

/** Columns that are written; others follow from them. */
export async function columnNames(sql: Connection, table: string): Promise<string[]> {
  const rows = await sql.unsafe<{ name: string }[]>(
    `select attname as name from pg_attribute
     where attrelid = format('public.%I', $1::text)::regclass and attnum > 0 and not attisdropped and attgenerated = ''
     order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

async function dumpTable(
  tx: TransactionSql,
  name: string,
  piece: (table: string, index: number, bytes: Buffer) => Promise<void>,
): Promise<TableDump> {
  const columns = await columnNames(tx, name);
  const hash = createHash("sha256");
  let rows = 0;
  let bytes = 0;
  let index = 0;
  let lines: Buffer[] = [];
  let waiting = 0;

  async function flush(): Promise<void> {
    if (waiting === 0) return;
    const whole = Buffer.concat(lines);
    lines = [];
    waiting = 0;
    hash.update(whole);
    bytes += whole.length;
    for (let at = whole.indexOf(10); at !== -1; at = whole.indexOf(10, at + 1)) rows++;
    await piece(name, index++, whole);
  }

  const stream = await tx`copy ${tx(name)} (${tx(columns)}) to stdout`.readable();
  for await (const chunk of stream) {
    lines.push(chunk as Buffer);
    waiting += (chunk as Buffer).length;
    if (waiting >= PIECE) await flush();
  }
  // postgres.js stops reading from its connection while too much waits, and goes on when the stream wants more: one that has
  // ended never does, and whatever is asked next would have no answer.
  stream._read(0);
  await flush();
  return { name, columns, rows, bytes, sha256: hash.digest("hex") };
}

async function readSequences(tx: TransactionSql): Promise<SequenceState[]> {
  const names = await tx<{ name: string }[]>`
    select sequencename as name from pg_sequences where schemaname = 'public' order by 1`;
  const states: SequenceState[] = [];
  for (const { name } of names) {
    const [row] = await tx<{ value: string; called: boolean }[]>`
      select last_value::text as value, is_called as called from ${tx(name)}`;
    states.push({ name, value: row!.value, called: row!.called });
  }
  return states;
}
