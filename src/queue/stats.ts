import type { Sql } from "postgres";

export interface QueueStats {
  queue: string;
  /** Due, and free to be taken. */
  ready: number;
  running: number;
  /** Behind another job of their key. */
  waiting: number;
  /** Due later: planned, or to be tried again. */
  delayed: number;
  /** Dead letters. */
  dead: number;
  /** Seconds that the job which is ready for the longest has been due; 0 when none is ready. */
  oldest: number;
}

/** The state of every queue that has jobs or dead letters, by name. */
export async function queueStats(sql: Sql, now: Date = new Date()): Promise<QueueStats[]> {
  return sql<QueueStats[]>`
    with living as (
      select queue,
        count(*) filter (where lease is null and not waiting and run <= ${now}) as ready,
        count(*) filter (where lease is not null) as running,
        count(*) filter (where waiting) as waiting,
        count(*) filter (where lease is null and not waiting and run > ${now}) as delayed,
        min(run) filter (where lease is null and not waiting and run <= ${now}) as oldest
      from jobs group by queue
    ), lost as (
      select queue, count(*) as dead from dead_jobs group by queue
    )
    select queue, coalesce(ready, 0)::int as ready, coalesce(running, 0)::int as running,
      coalesce(waiting, 0)::int as waiting, coalesce(delayed, 0)::int as delayed, coalesce(dead, 0)::int as dead,
      coalesce(extract(epoch from ${now}::timestamptz - oldest), 0)::float8 as oldest
    from living full join lost using (queue) order by queue`;
}
