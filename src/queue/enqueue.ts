import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";

export type QueueName = "events" | "deliveries" | "inbox" | "mails" | "clock" | "copies";

export interface NewJob {
  queue: QueueName;
  /** Jobs of one queue and key are done one at a time, in the order in which they were enqueued. */
  key?: string;
  /** Becomes JSON. Names rows and keys; a private key must never stand in it. */
  payload: unknown;
  /** Not before; default: at once. A job that is not due yet holds back the later ones of its key. */
  run?: Date;
}

const CHUNK = 1_000;

/**
 * Adds jobs in the caller's transaction: they exist if and only if it commits, and workers hear of them then.
 *
 * Two transactions that add jobs of one key at the same time have no order between them, unless they lock a row that both need.
 */
export async function enqueue(db: Db, now: Date, jobs: readonly NewJob[]): Promise<void> {
  const rows = toRows(jobs.map((job) => ({ ...job, payload: JSON.stringify(job.payload) })));
  for (let start = 0; start < rows.length; start += CHUNK) {
    const { queues, keys, payloads, runs, waiting } = toColumns(now, rows.slice(start, start + CHUNK));
    await db.execute(sql`
      with added as (
        insert into jobs (queue, key, payload, run, waiting, created)
        select queue, key, payload, run::timestamptz, waiting::boolean, ${now.toISOString()}::timestamptz
        from unnest(
          ${sql.param(queues)}::text[], ${sql.param(keys)}::text[], ${sql.param(payloads)}::text[],
          ${sql.param(runs)}::text[], ${sql.param(waiting)}::int[]
        ) with ordinality as job (queue, key, payload, run, waiting, position)
        order by position
        returning queue
      )
      select pg_notify('jobs', queue) from (select distinct queue from added) as touched`);
  }
}

/** A job as its row holds it: `payload` is JSON already. */
export interface RawJob {
  queue: QueueName;
  key?: string;
  payload: string;
  run?: Date;
}

interface Row extends RawJob {
  waiting: boolean;
}

/** Jobs behind another of their key in the same statement wait from the start, so that no claim has to look at them. */
export function toRows(jobs: readonly RawJob[]): Row[] {
  const heads = new Set<string>();
  return jobs.map((job) => {
    if (job.key === undefined) return { ...job, waiting: false };
    const key = indexable(job.key);
    const head = `${job.queue} ${key}`;
    const waiting = heads.has(head);
    heads.add(head);
    return { ...job, key, waiting };
  });
}

/**
 * Rows as one array per column, for `unnest`: the statement's text stays the same for any number of rows. Only texts and
 * numbers: Drizzle takes the serializers of times out of its client, and postgres.js takes booleans in a list for one boolean.
 */
export function toColumns(now: Date, rows: readonly Row[]) {
  return {
    queues: rows.map((row) => row.queue),
    keys: rows.map((row) => row.key ?? null),
    payloads: rows.map((row) => row.payload),
    runs: rows.map((row) => (row.run ?? now).toISOString()),
    waiting: rows.map((row) => Number(row.waiting)),
  };
}

/** PostgreSQL refuses index entries over 2.7 kB, and keys may hold addresses that strangers chose. */
function indexable(key: string): string {
  return key.length <= 512 ? key : `sha256:${createHash("sha256").update(key).digest("hex")}`;
}
