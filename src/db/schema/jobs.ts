import { sql } from "drizzle-orm";
import { bigserial, boolean, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { id, time } from "./columns.ts";

/**
 * Durable jobs (`src/queue/`). A row exists until its job is done; what could not be done moves to `dead_jobs`.
 *
 * Due times (`run`) are read off the hub's clock, leases off the database's: tests set the first, and the second must
 * run equally for all processes.
 */
export const jobs = pgTable(
  "jobs",
  {
    /** Jobs of one key are done one at a time, in the order of their ids. */
    id: bigserial({ mode: "bigint" }).primaryKey(),
    queue: text().notNull(),
    /** Ordering key; null when the job has no order to keep. */
    key: text(),
    /** JSON. Names rows and keys, never carries a private key. */
    payload: text().notNull(),
    /** Not before. */
    run: time().notNull(),
    /** Behind another job of its key, which brings it forward when it ends. Such rows are never scanned by a claim. */
    waiting: boolean().notNull().default(false),
    /** While a worker has it: until when, unless the worker says that it still lives. */
    lease: time(),
    /** How often it was taken, and with that the fencing token: who took it the third time may not end the fourth. */
    attempts: integer().notNull().default(0),
    created: time().notNull(),
    /** Why the last attempt failed. */
    error: text(),
  },
  (t) => [
    index("jobs_ready").on(t.queue, t.run, t.id).where(sql`${t.lease} is null and not ${t.waiting}`),
    index("jobs_key").on(t.queue, t.key, t.id).where(sql`${t.key} is not null`),
    index("jobs_running").on(t.queue, t.key).where(sql`${t.lease} is not null`),
  ],
);

/** Jobs given up: for people to look at, and to put back when the cause is mended. */
export const deadJobs = pgTable(
  "dead_jobs",
  {
    /** The id it had as a job. */
    id: id().primaryKey(),
    queue: text().notNull(),
    key: text(),
    payload: text().notNull(),
    attempts: integer().notNull(),
    created: time().notNull(),
    died: time().notNull(),
    error: text().notNull(),
  },
  (t) => [index("dead_jobs_queue").on(t.queue, t.died)],
);

/** When each of the clock's jobs is due next: one row per name, moved on by whichever process enqueues the job. */
export const schedules = pgTable("schedules", {
  name: text().primaryKey(),
  run: time().notNull(),
});
