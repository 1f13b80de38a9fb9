import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres, { type Sql, type TransactionSql } from "postgres";
import { connect } from "./connect.ts";
import * as schema from "./schema/index.ts";

export type Schema = typeof schema;

/** Drizzle over the pool, or over one transaction of it: commands and queries cannot tell and need not. */
export type Db = Omit<PostgresJsDatabase<Schema>, "$client">;

/** The two clients of a process: Drizzle changes the parsers of the one it gets, so raw SQL has its own. */
export interface Database {
  db: Db;
  sql: Sql;
  url: string;
  close(): Promise<void>;
}

export interface PoolSizes {
  /** Connections behind Drizzle (requests, commands, queries). */
  orm: number;
  /** Connections for raw SQL (queue, key–value store, LISTEN). */
  raw: number;
}

/**
 * Opens both pools. Nothing is sent until the first query.
 *
 * A session that sits idle inside a transaction for 15 s is ended by the server: a client that hung up, or a bug, must
 * not hold locks for ever.
 *
 * @param role to work under instead of the URL's user (`role.ts`)
 */
export function openDatabase(url: string, pools: PoolSizes, role: string | null = null): Database {
  const options = {
    connect_timeout: 10,
    idle_timeout: 60,
    onnotice: () => {},
    // After a restart of PostgreSQL: within a second again, not within twenty, as postgres.js would have it.
    backoff: (failures: number) => Math.min(0.05 * 2 ** failures, 1),
    connection: {
      application_name: "ayni",
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 15_000,
      ...(role === null ? {} : { role }),
    },
  } as const;
  const orm = connect(url, { ...options, max: pools.orm });
  const raw = connect(url, { ...options, max: pools.raw, types: { bigint: postgres.BigInt } });
  return {
    db: drizzle(preparing(orm, new Set()), { schema }),
    sql: raw,
    url,
    async close() {
      await Promise.all([orm.end({ timeout: 5 }), raw.end({ timeout: 5 })]);
    },
  };
}

/** Texts of statements that a connection may come to keep; there are fewer in the program, but lists may make more. */
const MAX_STATEMENTS = 1_000;

/**
 * Lets the server keep Drizzle's statements, which Drizzle itself asks for only in a form that has to be built by hand. A kept
 * statement is not planned again, and takes one round trip where another takes two (its parameters' types are known).
 *
 * @param known texts that are kept
 */
function preparing<T extends Sql | TransactionSql>(client: T, known: Set<string>): T {
  const { unsafe } = client;
  const own: Partial<Sql & TransactionSql> = {
    unsafe(text, parameters = [], options = {}) {
      if (parameters.length > 0 && known.size < MAX_STATEMENTS) known.add(text);
      return unsafe(text, parameters, { ...options, prepare: known.has(text) });
    },
  };
  if ("begin" in client) {
    const { begin } = client as Sql;
    own.begin = ((fn: (tx: TransactionSql) => unknown) =>
      begin((tx) => fn(preparing(tx, known)))) as Sql["begin"];
  }
  if ("savepoint" in client) {
    const { savepoint } = client as TransactionSql;
    own.savepoint = ((fn: (tx: TransactionSql) => unknown) =>
      savepoint((tx) => fn(preparing(tx, known)))) as TransactionSql["savepoint"];
  }
  return Object.assign(client, own);
}
