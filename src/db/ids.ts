import type { Sql } from "postgres";

/** A 64-bit snowflake: `milliseconds << 16 | sequence & 65535`. Decimal string outside the process. */
export type Id = bigint;

/** Hands out ids. `at` (default: now) becomes the id's time; remote objects pass their published time. */
export interface Ids {
  next(at?: Date): Promise<Id>;
}

const SEQUENCE_BITS = 16n;
const BLOCK = 64;

/**
 * Snowflakes whose low bits come from a PostgreSQL sequence, so that processes on one database never collide.
 * Numbers are drawn from the sequence in blocks: one round trip per 64 ids.
 *
 * @param sql not the pool that transactions run on: were all of its connections in transactions that wait for an id, none would
 * be left to draw one
 */
export function createIds(sql: Sql, now: () => Date): Ids {
  let block: bigint[] = [];
  let refill: Promise<void> | undefined;

  async function fill(): Promise<void> {
    try {
      const rows = await sql<{ n: bigint }[]>`
        select nextval('snowflake') as n from generate_series(1, ${BLOCK}::int)`;
      block = rows.map((row) => BigInt(row.n));
    } finally {
      refill = undefined;
    }
  }

  return {
    async next(at) {
      let low = block.pop();
      while (low === undefined) {
        refill ??= fill();
        await refill;
        low = block.pop();
      }
      return idAt(at ?? now(), low);
    },
  };
}

/** The snowflake of an instant; with `low` 0 the smallest of its millisecond, good as a page boundary. */
export function idAt(at: Date, low = 0n): Id {
  return (BigInt(at.getTime()) << SEQUENCE_BITS) | (low & 65535n);
}

/** The instant a snowflake was made for. */
export function timeOf(id: Id): Date {
  return new Date(Number(id >> SEQUENCE_BITS));
}

/** Parses a decimal snowflake from a URL or a form; null when it is not one (out of range included). */
export function parseId(text: string | undefined): Id | null {
  if (text === undefined || !/^[1-9][0-9]{0,18}$/.test(text)) return null;
  const id = BigInt(text);
  return id <= 0x7fff_ffff_ffff_ffffn ? id : null;
}

/** An id made by the database itself, as SQL: for rows written in bulk (`insert … select`). */
export const SQL_ID =
  "(((extract(epoch from clock_timestamp()) * 1000)::bigint << 16) | (nextval('snowflake') & 65535))";
