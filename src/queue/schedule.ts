import { getLogger } from "@logtape/logtape";
import type { Sql } from "postgres";
import type { Clock } from "../domain/context.ts";

/** Something to be done again and again: a job in the queue "clock" with the payload `{ name }`. */
export interface ScheduleEntry {
  name: string;
  /** Milliseconds. */
  every: number;
}

export interface Schedule {
  /** Enqueues what is due by now: after a test has set the clock. */
  tick(): Promise<void>;
  stop(): Promise<void>;
}

const SHORTEST_TIMER = 100;
const LONGEST_TIMER = 60_000;
const PAUSE_AFTER_FAILURE = 5_000;
const logger = getLogger(["ayni", "queue"]);

/**
 * Enqueues each entry's job whenever it is due, first after one period. Of all processes on one database exactly one does it: the one that
 * moves the entry's row on. Times that passed while nobody looked, or while the last job still waits or runs, are left out.
 */
export function startSchedule(options: {
  sql: Sql;
  clock: Clock;
  entries: readonly ScheduleEntry[];
}): Schedule {
  const { sql, clock, entries } = options;
  const names = entries.map(({ name }) => name);
  const periods = entries.map(({ every }) => every);
  let registered = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let ticking = run();

  /** A period that became shorter counts at once. */
  async function register(): Promise<void> {
    const first = periods.map((every) => new Date(clock.now().getTime() + every).toISOString());
    await sql`
      insert into schedules (name, run)
      select name, run from unnest(${names}::text[], ${first}::timestamptz[]) as entry (name, run) order by name
      on conflict (name) do update set run = excluded.run where excluded.run < schedules.run`;
    registered = true;
  }

  async function enqueueDue(): Promise<void> {
    const now = clock.now();
    await sql`
      with due as (
        update schedules
        set run = run + (floor(extract(epoch from ${now}::timestamptz - run) * 1000 / every) + 1) * every
          * interval '1 millisecond'
        from unnest(${names}::text[], ${periods}::float8[]) as entry (name, every)
        where schedules.name = entry.name and run <= ${now}
        returning schedules.name
      ), added as (
        insert into jobs (queue, key, payload, run, created)
        select 'clock', name, json_build_object('name', name)::text, ${now}, ${now} from due
        where not exists (select from jobs where queue = 'clock' and key = due.name)
        returning queue
      )
      select pg_notify('jobs', queue) from (select distinct queue from added) as touched`;
  }

  /** Milliseconds until the next entry is due. */
  async function untilNext(): Promise<number> {
    const [row] = await sql<
      { run: Date | null }[]
    >`select min(run) as run from schedules where name = any(${names})`;
    return row?.run ? row.run.getTime() - clock.now().getTime() : LONGEST_TIMER;
  }

  async function run(): Promise<void> {
    clearTimeout(timer);
    let pause = PAUSE_AFTER_FAILURE;
    try {
      if (!registered) await register();
      await enqueueDue();
      pause = Math.min(Math.max(await untilNext(), SHORTEST_TIMER), LONGEST_TIMER);
    } catch (error) {
      logger.warn("The clock's jobs could not be enqueued, trying again: {error}", { error });
    }
    if (!stopped) timer = setTimeout(tick, pause);
  }

  function tick(): Promise<void> {
    ticking = ticking.then(run);
    return ticking;
  }

  return {
    tick,
    async stop() {
      stopped = true;
      await ticking;
      clearTimeout(timer);
    },
  };
}
