import type { Sql } from "postgres";
import type { Clock } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { type RawJob, toColumns, toRows } from "./enqueue.ts";

export interface Intake {
  /**
   * Stores a job and resolves when it is committed.
   *
   * @throws DomainError busy: too many are waiting, or the database does not answer; invalid: the text holds a NUL
   */
  put(job: Omit<RawJob, "run">): Promise<void>;
  /** Takes no more, and waits for those that were taken. */
  close(): Promise<void>;
}

const BATCH_ROWS = 200;
const BATCH_CHARACTERS = 4 << 20;
const WAITING_ROWS = 2_000;
const WAITING_CHARACTERS = 32 << 20;

interface Waiting {
  job: RawJob;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * The way into the queue for what arrives one by one and fast. Callers that come while an insert is under way share the
 * next one, so that the cost of a commit is paid once for all of them.
 */
export function createIntake(sql: Sql, clock: Clock = { now: () => new Date() }): Intake {
  const waiting: Waiting[] = [];
  let characters = 0;
  let closed = false;
  let draining: Promise<void> | undefined;

  async function drain(): Promise<void> {
    // Callers of the same turn of the event loop come along in the first batch.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = nextBatch();
      try {
        await insert(batch.map(({ job }) => job));
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        const error = new DomainError("busy", "The queue cannot be written at the moment", { cause });
        for (const { reject } of batch) reject(error);
      }
    }
    draining = undefined;
  }

  function nextBatch(): Waiting[] {
    let rows = 0;
    let size = 0;
    for (const { job } of waiting) {
      size += job.payload.length;
      if (rows > 0 && (rows === BATCH_ROWS || size > BATCH_CHARACTERS)) break;
      rows += 1;
    }
    const batch = waiting.splice(0, rows);
    for (const { job } of batch) characters -= job.payload.length;
    return batch;
  }

  async function insert(jobs: RawJob[]): Promise<void> {
    const now = clock.now();
    const { queues, keys, payloads, runs, waiting } = toColumns(now, toRows(jobs));
    await sql`
      with added as (
        insert into jobs (queue, key, payload, run, waiting, created)
        select queue, key, payload, run::timestamptz, waiting::boolean, ${now}
        from unnest(
          ${queues}::text[], ${keys}::text[], ${payloads}::text[], ${runs}::text[], ${waiting}::int[]
        ) with ordinality as job (queue, key, payload, run, waiting, position)
        order by position
        returning queue
      )
      select pg_notify('jobs', queue) from (select distinct queue from added) as touched`;
  }

  return {
    put(job) {
      if (closed || waiting.length >= WAITING_ROWS || characters + job.payload.length > WAITING_CHARACTERS)
        return Promise.reject(new DomainError("busy", "Too much is waiting to be stored"));
      // PostgreSQL has no NUL in texts: one such row would fail all that share its insert.
      if (job.payload.includes("\0") || job.key?.includes("\0"))
        return Promise.reject(new DomainError("invalid", "A job must not hold a NUL character"));
      return new Promise((resolve, reject) => {
        waiting.push({ job, resolve, reject });
        characters += job.payload.length;
        draining ??= drain();
      });
    },
    async close() {
      closed = true;
      await draining;
    },
  };
}
