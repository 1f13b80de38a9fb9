import type { PendingQuery, Row, Sql, TransactionSql } from "postgres";
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
 * lock, in a statement of its own (which sees all that was committed before). From this follow both promises:
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
  return sql.begin(async (tx) => {
    const candidates = await tx<{ id: bigint; locked: boolean }[]>`
      select id, case when key is null then true else pg_try_advisory_xact_lock(hashtextextended(key, 0)) end as locked
      from (
        select id, key from jobs
        where queue = ${queue} and run <= ${now} and lease is null and not waiting
        order by run, id limit ${window}
        for update skip locked
      ) as ready`;
    const ids = candidates.filter(({ locked }) => locked).map(({ id }) => String(id));
    const contested = candidates.length - ids.length;
    const more = candidates.length === window;
    if (ids.length === 0) return { runs: [], blocked: 0, contested, more };
    // The first row of a key is asked for by a range that holds just that key, and in the order of an index: then only this index will
    // do. Asked with `=`, the planner at times prefers the primary key, depending on its statistics, and walks past everything else.
    // Rows behind it may be locked by a claim that looks at them and does not have their key: the run ends before such a row, and
    // claims do not wait for each other.
    const rows = await tx<(Claimed & { waiting: boolean })[]>`
      with locked as (
        select jobs.id, queue, key, position, coalesce(jobs.id > first.id, false) or running.id is not null as blocked
        from unnest(${ids}::bigint[]) with ordinality as given (id, position) join jobs using (id)
        left join lateral (
          select id from jobs as j
          where (j.queue, j.key) >= (jobs.queue, jobs.key) and (j.queue, j.key) <= (jobs.queue, jobs.key)
            and j.key is not null
          order by j.queue, j.key, j.id limit 1
        ) as first on jobs.key is not null
        left join lateral (
          select id from jobs as j
          where (j.queue, j.key) >= (jobs.queue, jobs.key) and (j.queue, j.key) <= (jobs.queue, jobs.key)
            and j.lease is not null
          order by j.queue, j.key limit 1
        ) as running on jobs.key is not null
      ), begun as (
        select id, queue, key from locked where not blocked order by position limit ${take}
      ), behind as (
        select next.*
        from begun cross join lateral (
          select id, key, run <= ${now} and attempts = 0 and lease is null as ready, pg_column_size(payload) as size
          from jobs as j
          where (j.queue, j.key) >= (begun.queue, begun.key) and (j.queue, j.key) <= (begun.queue, begun.key)
            and j.key is not null and j.id > begun.id
          order by j.queue, j.key, j.id limit ${RUN - 1}
        ) as next
        where begun.key is not null
      ), free as (
        select jobs.id from unnest(array(select id from behind)) as given (id) join jobs using (id)
        for update of jobs skip locked
      ), together as (
        select id from (
          select
            behind.id, bool_and(ready and free.id is not null) over up_to_it as unbroken, sum(size) over up_to_it as size
          from behind left join free using (id)
          window up_to_it as (partition by key order by behind.id)
        ) as run where unbroken and size <= ${RUN_SIZE}
      ), chosen as (
        select id, false as blocked from begun
        union all
        select id, false from together
        union all
        select id, true from locked where blocked and id not in (select id from together)
      )
      update jobs set
        waiting = blocked,
        lease = case when not blocked then clock_timestamp() + ${lease} * interval '1 millisecond' end,
        attempts = attempts + case when blocked then 0 else 1 end
      from chosen where jobs.id = chosen.id
      returning jobs.id, queue, key, case when not blocked then payload end as payload, attempts, created, waiting`;
    const jobs = rows.filter(({ waiting }) => !waiting).map(({ waiting: _, ...job }) => job);
    return { runs: toRuns(jobs, ids), blocked: rows.length - jobs.length, contested, more };
  });
}

/** @param ids in whose order the runs are to begin */
function toRuns(jobs: readonly Claimed[], ids: readonly string[]): Claimed[][] {
  const position = new Map(ids.map((id, index) => [id, index]));
  const at = ({ id }: Claimed) => position.get(String(id)) ?? ids.length;
  const sorted = jobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const groups = Map.groupBy(sorted, ({ id, key }) => key ?? id);
  return [...groups.values()].sort(([a], [b]) => at(a!) - at(b!));
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
  options: { expired: boolean } = { expired: false },
): Promise<{ woken: QueueName[]; late: number }> {
  const sorted = outcomes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const keyed = sorted.filter(({ key }) => key !== null);
  return sql.begin(async (tx) => {
    // Without waiting for answers in between: they travel together, and the server runs them one after the other.
    const locked = keyed.length > 0 ? lock(tx, keyed).execute() : undefined;
    const written = write(tx, now, sorted, options.expired).map((statement) => statement.execute());
    const woken = keyed.length > 0 ? wakeNext(tx, keyed).execute() : undefined;
    await locked;
    const counts = await Promise.all(written);
    return {
      woken: [...new Set((await woken)?.map(({ queue }) => queue))],
      late: outcomes.length - counts.reduce((sum, { count }) => sum + count, 0),
    };
  });
}

function lock(tx: TransactionSql, keyed: readonly Outcome[]) {
  return tx`
    select pg_advisory_xact_lock(hash) from (
      select distinct hashtextextended(key, 0) as hash
      from unnest(${keyed.map(({ key }) => key)}::text[]) as keys (key) order by hash
    ) as hashes`;
}

function write(
  tx: TransactionSql,
  now: Date,
  sorted: readonly Outcome[],
  expired: boolean,
): PendingQuery<Row[]>[] {
  const done = sorted.filter(({ end }) => end === "done");
  const later = sorted.filter((outcome) => outcome.end === "later");
  const dead = sorted.filter((outcome) => outcome.end === "dead");
  const released = sorted.filter((outcome) => outcome.end === "released");
  const owned = expired
    ? tx`jobs.id = mine.id and jobs.attempts = mine.attempts and lease < clock_timestamp()`
    : tx`jobs.id = mine.id and jobs.attempts = mine.attempts`;
  const statements: PendingQuery<Row[]>[] = [];
  if (done.length > 0)
    statements.push(tx`
      delete from jobs using unnest(${idsOf(done)}::bigint[], ${attemptsOf(done)}::int[]) as mine (id, attempts)
      where ${owned}`);
  if (later.length > 0)
    statements.push(tx`
      update jobs set lease = null, run = mine.run, error = mine.error
      from unnest(
        ${idsOf(later)}::bigint[], ${attemptsOf(later)}::int[],
        ${later.map(({ run }) => run.toISOString())}::timestamptz[], ${later.map(({ error }) => error)}::text[]
      ) as mine (id, attempts, run, error)
      where ${owned}`);
  if (dead.length > 0)
    statements.push(tx`
      with gone as (
        delete from jobs
        using unnest(${idsOf(dead)}::bigint[], ${attemptsOf(dead)}::int[], ${dead.map(({ error }) => error)}::text[])
          as mine (id, attempts, error)
        where ${owned}
        returning jobs.id, queue, key, payload, jobs.attempts, created, mine.error
      )
      insert into dead_jobs (id, queue, key, payload, attempts, created, died, error)
      select id, queue, key, payload, attempts, created, ${now}, error from gone`);
  if (released.length > 0)
    statements.push(tx`
      update jobs set lease = null, attempts = jobs.attempts - mine.unspent
      from unnest(
        ${idsOf(released)}::bigint[], ${attemptsOf(released)}::int[], ${released.map(({ begun }) => (begun ? 0 : 1))}::int[]
      ) as mine (id, attempts, unspent)
      where ${owned}`);
  return statements;
}

/** The first row of each key no longer waits; a claim decides whether it may run. */
function wakeNext(tx: TransactionSql, keyed: readonly Outcome[]) {
  return tx<{ queue: QueueName }[]>`
    update jobs set waiting = false
    from (
      select distinct queue, key
      from unnest(${keyed.map(({ queue }) => queue)}::text[], ${keyed.map(({ key }) => key)}::text[])
        as keys (queue, key)
    ) as keys
    cross join lateral (
      select id from jobs as j
      where (j.queue, j.key) >= (keys.queue, keys.key) and (j.queue, j.key) <= (keys.queue, keys.key)
        and j.key is not null
      order by j.queue, j.key, j.id limit 1
    ) as first
    where jobs.id = first.id and jobs.waiting
    returning jobs.queue`;
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

/** When the queue's next job is due (it may be in the past); null when none is. */
export async function nextRun(sql: Sql, queue: QueueName): Promise<Date | null> {
  const [row] = await sql<{ run: Date }[]>`
    select run from jobs where queue = ${queue} and lease is null and not waiting order by run limit 1`;
  return row?.run ?? null;
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
