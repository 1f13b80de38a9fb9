import { setTimeout as sleep } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { Sql } from "postgres";
import type { Clock } from "../domain/context.ts";
import type { QueueName } from "./enqueue.ts";
import { type Claimed, type Outcome, renew, settle } from "./jobs.ts";

/** What a worker holds, and the notes of what became of it: many in one transaction, in one connection. */
export interface Settler {
  /** From now on the jobs' leases are kept. */
  hold(jobs: readonly Claimed[]): void;
  holds(id: bigint): boolean;
  /** Notes an end; written soon. Nothing happens when the job is not held any more. */
  end(outcome: Outcome): void;
  /** Outcomes not written yet. */
  backlog(): number;
  /** The write that is under way; resolves when there is nothing left to write. */
  writing(): Promise<void> | undefined;
  /** Gives back what is still held, and writes what is to be written, for as long as `limit` milliseconds. */
  close(limit: number): Promise<void>;
}

export interface SettlerOptions {
  sql: Sql;
  clock: Clock;
  lease: number;
  /** Called after each write with the queues in which jobs became free for others to take. */
  onFree(queues: readonly QueueName[]): void;
}

const BATCH = 200;
/** Milliseconds from one write to the next, in which ends gather: a write costs several small jobs, however many it notes. */
const GATHER = 30;
const PAUSE_AFTER_FAILURE = 1_000;
const logger = getLogger(["ayni", "queue"]);

export function createSettler({ sql, clock, lease, onFree }: SettlerOptions): Settler {
  const held = new Map<bigint, Claimed>();
  let outcomes: Outcome[] = [];
  let heartbeatDue = false;
  let writing: Promise<void> | undefined;
  let written = 0;
  const given = new AbortController();
  const hurry = new AbortController();
  const heart = setInterval(() => {
    heartbeatDue = held.size > 0;
    if (heartbeatDue) writing ??= write();
  }, lease / 3);

  /** Heartbeats and outcomes take turns, so that they never wait for each other's row locks. */
  async function write(): Promise<void> {
    // Ends of the same turn of the event loop come along in the first batch.
    await new Promise(setImmediate);
    while ((heartbeatDue || outcomes.length > 0) && !given.signal.aborted) {
      try {
        if (heartbeatDue) await beat();
        else await flush();
      } catch (error) {
        logger.warn("Outcomes of jobs could not be written, trying again: {error}", { error });
        await sleep(PAUSE_AFTER_FAILURE, undefined, { signal: given.signal }).catch(() => {});
      }
    }
    writing = undefined;
  }

  async function flush(): Promise<void> {
    const rest = written + GATHER - performance.now();
    if (rest > 0) await sleep(rest, undefined, { signal: hurry.signal }).catch(() => {});
    written = performance.now();
    const batch = outcomes.slice(0, BATCH);
    const { woken, late } = await settle(sql, clock.now(), batch);
    outcomes = outcomes.slice(batch.length);
    if (late > 0) logger.warn("{late} jobs ended after others had taken them over", { late });
    const released = batch.filter(({ end }) => end === "released").map(({ queue }) => queue);
    const free = new Set([...woken, ...released]);
    if (free.size > 0) onFree([...free]);
  }

  async function beat(): Promise<void> {
    const jobs = [...held.values()];
    const renewed = await renew(sql, jobs, lease);
    heartbeatDue = false;
    for (const { id, queue } of jobs) {
      if (renewed.has(id) || !held.delete(id)) continue;
      logger.warn("Job {id} of {queue} was taken over: its lease had run out", { id, queue });
    }
  }

  function end(outcome: Outcome): void {
    if (!held.delete(outcome.id)) return;
    outcomes.push(outcome);
    writing ??= write();
  }

  return {
    end,
    hold(jobs) {
      for (const job of jobs) held.set(job.id, job);
    },
    holds: (id) => held.has(id),
    backlog: () => outcomes.length,
    writing: () => writing,
    async close(limit) {
      clearInterval(heart);
      hurry.abort();
      for (const { id, queue, key, attempts } of held.values())
        end({ id, queue, key, attempts, end: "released", begun: true });
      const timer = setTimeout(() => given.abort(), limit);
      await writing;
      clearTimeout(timer);
    },
  };
}
