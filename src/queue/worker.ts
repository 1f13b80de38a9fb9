import { setTimeout as sleep } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { Sql } from "postgres";
import type { Clock } from "../domain/context.ts";
import type { QueueName } from "./enqueue.ts";
import { bringForward, busy, type Outcome, settle, expired as withExpiredLease } from "./jobs.ts";
import { createLane, type Lane, type QueueOptions } from "./lane.ts";
import { createSettler } from "./settler.ts";

export type { Job, QueueOptions } from "./lane.ts";
export type { RetryPolicy } from "./retry.ts";

export interface WorkerOptions {
  /** Takes two connections of the pool at most times, one more per queue in bursts, and opens one of its own to listen. */
  sql: Sql;
  /** Says which jobs are due. Leases run on the database's clock. */
  clock: Clock;
  queues: { [name in QueueName]?: QueueOptions };
  /** Milliseconds after which the jobs of a worker that is not heard of go to others; default: a minute. */
  lease?: number;
}

export interface Worker {
  /** Resolves when no job of these queues is due or running, in any process. Jobs put off into the future do not count. */
  idle(): Promise<void>;
  /** Takes no more jobs, waits `grace` milliseconds (default: 10 s) for the running ones and gives the rest back. */
  stop(grace?: number): Promise<void>;
  /** Looks for jobs now: after a test has set the clock. */
  wake(): void;
}

/** The net under NOTIFY: how often every queue is looked at in any case, and leases are checked. */
const PATROL = 5_000;
const LAST_WRITES = 5_000;
const logger = getLogger(["ayni", "queue"]);

/** Works jobs off until it is stopped. Any number of workers, in any number of processes, may share a database. */
export function startWorker({ sql, clock, queues, lease = 60_000 }: WorkerOptions): Worker {
  const settler = createSettler({ sql, clock, lease, onFree });
  const lanes = new Map<QueueName, Lane>();
  for (const [name, queue] of Object.entries(queues) as [QueueName, QueueOptions][])
    lanes.set(name, createLane({ ...queue, name, sql, clock, settler, lease }));
  const names = [...lanes.keys()];

  const listening = sql
    .listen("jobs", (name) => void lanes.get(name as QueueName)?.wake(), wake)
    .catch((error: unknown) => logger.warn("Cannot listen for jobs yet: {error}", { error }));
  let patrolling = patrol();
  const timer = setInterval(
    () => {
      patrolling = patrolling.then(patrol);
    },
    Math.min(PATROL, lease),
  );
  let stopping: Promise<void> | undefined;
  let notified: Promise<unknown> = Promise.resolve();

  function wake(): void {
    for (const lane of lanes.values()) lane.wake();
  }

  /** Jobs came free: the next of a key, or given back. Where this process has no slot for them, another may. */
  function onFree(free: readonly QueueName[]): void {
    for (const name of free) {
      if (lanes.get(name)?.wake()) continue;
      notified = Promise.all([notified, sql.notify("jobs", name).catch(() => {})]);
    }
  }

  async function patrol(): Promise<void> {
    try {
      await takeOver();
      await bringForward(sql, names, clock.now());
    } catch (error) {
      logger.warn("Leases could not be checked: {error}", { error });
    }
    wake();
  }

  /** Makes jobs of dead workers ready again. One that has killed its worker once too often is a dead letter. */
  async function takeOver(): Promise<void> {
    // Own jobs with a late heartbeat (a busy event loop) still run here.
    const lost = (await withExpiredLease(sql, names)).filter(({ id }) => !settler.holds(id));
    if (lost.length === 0) return;
    const now = clock.now();
    const cause = new Error("The worker was not heard of until the lease ran out");
    const outcomes = lost.map(({ id, queue, key, attempts }): Outcome => {
      const job = { id, queue, key, attempts };
      const more = lanes.get(queue)?.retry(attempts, cause) !== null;
      return more
        ? { ...job, end: "later", run: now, error: cause.message }
        : { ...job, end: "dead", error: cause.message };
    });
    await settle(sql, now, outcomes, { expired: true });
    logger.warn("{count} jobs of workers that are gone were taken over", { count: lost.length });
  }

  /** Resolves when nothing is under way in this process. */
  async function quiet(): Promise<void> {
    for (;;) {
      const activity = [...lanes.values()].flatMap((lane) => lane.activity());
      const writing = settler.writing();
      if (writing) activity.push(writing);
      if (activity.length === 0) return;
      await Promise.all(activity);
    }
  }

  async function shutDown(grace: number): Promise<void> {
    clearInterval(timer);
    for (const lane of lanes.values()) lane.close();
    const unlistening = listening.then((meta) => meta?.unlisten()).catch(() => {});
    const patience = new AbortController();
    await Promise.race([
      Promise.all([...lanes.values()].flatMap((lane) => lane.activity())),
      sleep(grace, undefined, { signal: patience.signal }).catch(() => {}),
    ]);
    patience.abort();
    await settler.close(LAST_WRITES);
    await Promise.all([patrolling, unlistening, notified]);
  }

  return {
    async idle() {
      while (!stopping) {
        wake();
        await quiet();
        const { due, running } = await busy(sql, names, clock.now());
        if (!due && !running) return;
        await sleep(5);
      }
    },
    stop(grace = 10_000) {
      stopping ??= shutDown(grace);
      return stopping;
    },
    wake,
  };
}
