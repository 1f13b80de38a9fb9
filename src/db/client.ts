import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
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
 */
export function openDatabase(url: string, pools: PoolSizes): Database {
  const options = {
    connect_timeout: 10,
    idle_timeout: 60,
    onnotice: () => {},
    connection: {
      application_name: "ayni",
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 15_000,
    },
  } as const;
  const orm = connect(url, { ...options, max: pools.orm });
  const raw = connect(url, { ...options, max: pools.raw, types: { bigint: postgres.BigInt } });
  return {
    db: drizzle(orm, { schema }),
    sql: raw,
    url,
    async close() {
      await Promise.all([orm.end({ timeout: 5 }), raw.end({ timeout: 5 })]);
    },
  };
}
