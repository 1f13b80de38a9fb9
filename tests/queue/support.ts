import { expect } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { enqueue, type NewJob } from "../../src/queue/enqueue.ts";
import type { Worker } from "../../src/queue/worker.ts";

/** A clock that stands still until it is told the time. */
export function testClock(start = new Date("2026-11-02T10:00:00Z")) {
  let time = start.getTime();
  return {
    now: () => new Date(time),
    advance(milliseconds: number) {
      time += milliseconds;
    },
  };
}

/** Enqueues in a transaction of its own. */
export function add({ db }: Database, now: Date, jobs: readonly NewJob[]): Promise<void> {
  return db.transaction((tx) => enqueue(tx as unknown as Database["db"], now, jobs));
}

/** Waits until `condition` holds; fails after half a minute. */
export function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  return expect.poll(condition, { timeout: 30_000, interval: 5 }).toBe(true);
}

/** Runs `body` and stops the workers whatever happens. */
export async function withWorkers(workers: Worker[], body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } finally {
    await Promise.all(workers.map((worker) => worker.stop(0)));
  }
}
