import type { Sql } from "postgres";
import type { QueueName } from "./enqueue.ts";

/**
 * The statements that move a job's row through its life:
 *
 *     ready ──claim──▶ running ──settle──▶ gone, ready again later, or a dead letter
 *       │ ▲
 *       ▼ └── settle of the job before it
 *     waiting (behind a job of its key)
 *
 * Whoever changes the rows of a key holds the advisory lock of that key until commit, and looks at the rows only after it has the
 * lock, in a statement of its own (which sees all that was committed before): both are functions of the database, `claim_jobs` and
 * `end_jobs`, so that these statements are one trip. From this follow both promises:
 * - One job of a key at a time, even when an older id becomes visible late: a claim sees every committed claim of the key.
 * - None waits for ever: a row waits only while another of its key runs or stands before it, and whoever ends or puts off a
 *   job wakes the key's first row.
 *
 * A claim only tries the lock, `settle` takes its locks in order: they cannot block each other in a circle.
 */

/** A job as its worker has it. */
export interface Claimed {
  id: bigint;
  queue: QueueName;
  key: string | null;
  payload: string;
  attempts: number;
  created: Date;
}

export interface Claim {
  /** Each a job, and those that stand next behind it in its key: to be done one after the other, up to the first that fails. */
  runs: Claimed[][];
  /** Rows that were found to stand behind another one, and wait from now on. */
  blocked: number;
  /** Rows whose key another process was busy with: worth another look in a moment. */
  contested: number;
  /** There may be more that are due than were looked at. */
  more: boolean;
  /** Where none is due: when the next one is; null when there is none. */
  next: Date | null;
}

/** The longest run of jobs of one key in one claim, and the bytes of its payloads as they are stored, beside the first one's. */
const RUN = 20;
const RUN_SIZE = 64 << 10;

/**
 * Takes up to `take` jobs that are due, oldest first, for `lease` milliseconds of the database's clock. Looks at `window` rows at
 * most (≥ `take`), so that a long backlog behind one key is put aside in few claims.
 *
 * With a job come those of its key that wait behind it, which nobody else could begin before it ends. Only due ones that were never
 * tried: of a job that kills its worker, those beside it should not pay for every attempt.
 */
export async function claim(
  sql: Sql,
  options: { queue: QueueName; now: Date; take: number; window: number; lease: number },
): Promise<Claim> {
  const { queue, now, take, window, lease } = options;
  const rows = await sql<(Partial<Taken> & Looked)[]>`
    select * from claim_jobs(
      ${queue}, ${now}, ${take}, ${window}, ${lease} * interval '1 millisecond', ${RUN}, ${RUN_SIZE}
    )`;
  const { contested, more, next } = rows[0]!;
  const found = rows.filter((row): row is Taken & Looked => row.id != null);
  const jobs = found.filter(({ waiting }) => !waiting);
  return { runs: toRuns(jobs), blocked: found.length - jobs.length, contested, more, next };
}

/** A row of `claim_jobs`. `place`: the row was looked at so early; null: it came with another one of its key. */
type Taken = Claimed & { waiting: boolean; place: number | null };
type Looked = Pick<Claim, "contested" | "more" | "next">;

/** Runs begin in the order in which their first jobs were looked at. */
function toRuns(jobs: readonly Taken[]): Claimed[][] {
  const sorted = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const groups = Map.groupBy(sorted, ({ id, key }) => key ?? id);
  const at = ([first]: Taken[]) => first?.place ?? jobs.length;
  return [...groups.values()]
    .sort((a, b) => at(a) - at(b))
    .map((run) =>
      run.map(({ id, queue, key, payload, attempts, created }) => ({
        ...{ id, queue, key, payload, attempts, created },
      })),
    );
}

/** What became of a claimed job. `attempts` is the number it was claimed with: an older claim changes nothing. */
export type Outcome = Pick<Claimed, "id" | "queue" | "key" | "attempts"> &
  (
    | { end: "done" }
    | { end: "later"; run: Date; error: string }
    | { end: "dead"; error: string }
    /** Given back: at once, and as if it had not been claimed when it was not begun. */
    | { end: "released"; begun: boolean }
  );

/**
 * Writes outcomes in one transaction and wakes the next job of each key. With `expired`, only jobs whose lease ran out are touched.
 *
 * @returns the queues in which a job was woken, and how many outcomes came too late (others had taken the job over)
 */
export async function settle(
  sql: Sql,
  now: Date,
  outcomes: readonly Outcome[],
  { expired }: { expired: boolean } = { expired: false },
): Promise<{ woken: QueueName[]; late: number }> {
  const sorted = outcomes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const each = <T>(of: (outcome: Outcome) => T) => sorted.map(of);
  const [row] = await sql<{ woken: QueueName[]; written: number }[]>`
    select * from end_jobs(
      ${now}, ${expired}, ${idsOf(sorted)}::bigint[], ${attemptsOf(sorted)}::int[],
      ${each(({ queue }) => queue)}::text[], ${each(({ key }) => key)}::text[], ${each(({ end }) => end)}::text[],
      ${each((outcome) => (outcome.end === "later" ? outcome.run.toISOString() : null))}::timestamptz[],
      ${each((outcome) => ("error" in outcome ? outcome.error : null))}::text[],
      ${each((outcome) => (outcome.end === "released" && !outcome.begun ? 1 : 0))}::int[]
    )`;
  return { woken: row!.woken, late: outcomes.length - row!.written };
}

/** Extends leases. A job that is not among the returned ids was taken over, and is no longer the caller's. */
export async function renew(sql: Sql, held: Mine, lease: number): Promise<Set<bigint>> {
  const rows = await sql<{ id: bigint }[]>`
    update jobs set lease = clock_timestamp() + ${lease} * interval '1 millisecond'
    from unnest(${idsOf(held)}::bigint[], ${attemptsOf(held)}::int[]) as mine (id, attempts)
    where jobs.id = mine.id and jobs.attempts = mine.attempts and lease is not null
    returning jobs.id`;
  return new Set(rows.map(({ id }) => id));
}

/** Jobs whose worker has not been heard of until their lease ran out. */
export function expired(
  sql: Sql,
  queues: readonly QueueName[],
): Promise<Omit<Claimed, "payload" | "created">[]> {
  return sql<Omit<Claimed, "payload" | "created">[]>`
    select id, queue, key, attempts from jobs
    where lease < clock_timestamp() and queue = any(${queues as QueueName[]}) limit 200`;
}

/** Whether any job of these queues is due or running, in whatever process. */
export async function busy(
  sql: Sql,
  queues: readonly QueueName[],
  now: Date,
): Promise<{ due: boolean; running: boolean }> {
  const [row] = await sql<{ due: boolean; running: boolean }[]>`
    select
      exists (select from jobs where queue = any(${queues as QueueName[]}) and lease is not null) as running,
      exists (
        select from jobs
        where queue = any(${queues as QueueName[]}) and lease is null and not waiting and run <= ${now}
      ) as due`;
  return row!;
}

/** Clocks of processes on one database differ by less. */
const AHEAD = 60_000;

/** Makes jobs ready that a process put off whose clock was ahead: they would wait as long as it was. */
export async function bringForward(sql: Sql, queues: readonly QueueName[], now: Date): Promise<void> {
  await sql`
    update jobs set run = ${now}
    where queue = any(${queues as QueueName[]}) and lease is null and not waiting and run > ${now}
      and created > ${new Date(now.getTime() + AHEAD)}`;
}

/**
 * Ends the leases of processes that were killed, without waiting until they run out: for a process that is alone on its database, before
 * it begins to work.
 */
export async function endLeases(sql: Sql): Promise<void> {
  await sql`update jobs set lease = clock_timestamp() where lease is not null`;
}

type Mine = readonly Pick<Claimed, "id" | "attempts">[];

function idsOf(mine: Mine): string[] {
  return mine.map(({ id }) => String(id));
}

function attemptsOf(mine: Mine): number[] {
  return mine.map(({ attempts }) => attempts);
}

/** Forgets what was given up three months ago: whoever meant to put it back had the time. */
export async function sweepDeadJobs(sql: Sql, now: Date): Promise<void> {
  await sql`delete from dead_jobs where died < ${new Date(now.getTime() - 90 * 86_400_000)}`;
}
