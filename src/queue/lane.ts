import { getLogger } from "@logtape/logtape";
import type { Sql } from "postgres";
import type { Clock } from "../domain/context.ts";
import type { QueueName } from "./enqueue.ts";
import { Discard } from "./errors.ts";
import { type Claimed, claim } from "./jobs.ts";
import { defaultRetry, errorText, nextAttempt, type RetryPolicy } from "./retry.ts";
import type { Settler } from "./settler.ts";

export interface Job {
  id: bigint;
  queue: QueueName;
  key: string | null;
  payload: unknown;
  /** Which attempt this is, from 1. */
  attempts: number;
  created: Date;
}

export interface QueueOptions {
  /** Jobs of this queue at the same time in this process. */
  concurrency: number;
  /**
   * Does one job. Its effect must bear being repeated, since a worker may die between the effect and the note that it is done.
   * Any error puts the job off; `Retry` says until when, `Discard` makes it a dead letter.
   */
  handle(job: Job): Promise<void>;
  /** Default: ten attempts in about a day. */
  retry?: RetryPolicy;
}

/** One queue in one worker: takes jobs as slots become free. */
export interface Lane {
  readonly retry: RetryPolicy;
  /** Looks for jobs, now or as soon as a slot is free. Returns whether one is free now. */
  wake(): boolean;
  /** What is under way: a claim, running jobs. None of the promises rejects. */
  activity(): Promise<void>[];
  /** Takes no more jobs. */
  close(): void;
}

export interface LaneOptions extends QueueOptions {
  name: QueueName;
  sql: Sql;
  clock: Clock;
  settler: Settler;
  lease: number;
}

const MAX_CLAIM = 50;
/** Rows looked at after a claim that met blocked ones, so that they are put aside many at a time. */
const WIDE_WINDOW = 200;
/** While the database does not take outcomes, no more jobs are begun than these. */
const MAX_BACKLOG = 2_000;
/**
 * A claim costs several small jobs, however many it brings. While jobs run, whatever comes waits as many milliseconds since the
 * last claim for others to share the next one.
 */
const GATHER = 30;
const PAUSE_WHEN_CONTESTED = 10;
const PAUSE_AFTER_FAILURE = 1_000;
/** Due times nearer than this are not worth a timer of their own; those further away than the other are the patrol's. */
const SHORTEST_TIMER = 25;
const LONGEST_TIMER = 60_000;
const logger = getLogger(["ayni", "queue"]);

export function createLane(options: LaneOptions): Lane {
  const { name, sql, clock, settler, lease, concurrency, handle } = options;
  const retry = options.retry ?? defaultRetry;
  const running = new Set<Promise<void>>();
  /** Taken, and behind one of their key that runs. */
  const behind = new Set<Claimed>();
  let claiming: Promise<void> | undefined;
  let again = false;
  let claimed = 0;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function wake(): boolean {
    if (closed) return false;
    again = true;
    claiming ??= claimAll();
    return running.size < concurrency;
  }

  function wakeIn(milliseconds: number): void {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(wake, Math.min(Math.max(milliseconds, SHORTEST_TIMER), LONGEST_TIMER));
  }

  /** Fills the free slots. While this waits for the database further slots become free: they share the next claim. */
  async function claimAll(): Promise<void> {
    await new Promise(setImmediate);
    let wide = false;
    while (again && !closed && running.size < concurrency && settler.backlog() < MAX_BACKLOG) {
      if (!wide && running.size > 0 && performance.now() - claimed < GATHER) {
        wakeIn(GATHER);
        break;
      }
      again = false;
      claimed = performance.now();
      const take = Math.min(concurrency - running.size, MAX_CLAIM);
      try {
        const window = wide ? WIDE_WINDOW : take;
        const { runs, blocked, contested, more, next } = await claim(sql, {
          queue: name,
          now: clock.now(),
          take,
          window,
          lease,
        });
        settler.hold(runs.flat());
        for (const run of runs) begin(run);
        wide = blocked > 0 && more;
        if (wide || runs.length === take) again = true;
        else if (contested > 0) wakeIn(PAUSE_WHEN_CONTESTED);
        // What is due later is told when nothing is due now: while jobs come, the next claim finds it in time.
        else if (runs.length > 0 || blocked > 0) wakeIn(GATHER);
        else if (next !== null) wakeIn(next.getTime() - clock.now().getTime());
      } catch (error) {
        logger.warn("Jobs of {queue} could not be claimed, trying again: {error}", { queue: name, error });
        wakeIn(PAUSE_AFTER_FAILURE);
      }
    }
    claiming = undefined;
  }

  function begin(jobs: readonly Claimed[]): void {
    for (const job of jobs) behind.add(job);
    const run = work(jobs).then(() => {
      running.delete(run);
      wake();
    });
    running.add(run);
  }

  /** One after the other. Those behind one that is put off go back, to wait for it. */
  async function work(jobs: readonly Claimed[]): Promise<void> {
    let on = !closed;
    for (const job of jobs) {
      if (on) {
        behind.delete(job);
        on = (await attempt(job)) && !closed;
      } else giveBack(job);
    }
  }

  function giveBack(job: Claimed): void {
    const { id, queue, key, attempts } = job;
    if (behind.delete(job)) settler.end({ id, queue, key, attempts, end: "released", begun: false });
  }

  /** @returns whether the next one of its key may begin: it is done, or given up */
  async function attempt({ id, queue, key, payload, attempts, created }: Claimed): Promise<boolean> {
    try {
      await handle({ id, queue, key, payload: parse(payload), attempts, created });
      settler.end({ id, queue, key, attempts, end: "done" });
    } catch (cause) {
      const error = errorText(cause);
      const run = nextAttempt(retry, attempts, cause, clock.now());
      const facts = { id, queue, key, attempts, error: cause };
      if (run) {
        logger.warn("Job {id} of {queue} failed, next attempt {run}: {error}", { ...facts, run });
        settler.end({ id, queue, key, attempts, end: "later", run, error });
        return false;
      }
      logger.error("Job {id} of {queue} is given up after {attempts} attempts: {error}", facts);
      settler.end({ id, queue, key, attempts, end: "dead", error });
    }
    return true;
  }

  return {
    retry,
    wake,
    activity: () => (claiming ? [claiming, ...running] : [...running]),
    close() {
      closed = true;
      clearTimeout(timer);
      for (const job of behind) giveBack(job);
    },
  };
}

function parse(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (cause) {
    throw new Discard("The payload is not JSON", { cause });
  }
}
