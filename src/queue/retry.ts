import { Discard, Retry } from "./errors.ts";

/**
 * When a job that failed for the `attempts`-th time is tried again: at a date, after so many milliseconds, or never (null).
 * Must not throw.
 */
export type RetryPolicy = (attempts: number, error: unknown) => Date | number | null;

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** Ten attempts in about a day: 15 s after the first, three times as long after each further one, 12 h at most. */
export const defaultRetry: RetryPolicy = (attempts) => {
  if (attempts >= 10) return null;
  const pause = Math.min(15 * SECOND * 3 ** (attempts - 1), 12 * HOUR);
  // Jobs that failed together shall not come back together.
  return Math.min(pause * (0.8 + 0.4 * Math.random()), 12 * HOUR);
};

/** What follows from an error: the next attempt's time, or null when the job is a dead letter. */
export function nextAttempt(policy: RetryPolicy, attempts: number, error: unknown, now: Date): Date | null {
  if (error instanceof Discard) return null;
  const next = policy(attempts, error);
  if (next === null) return null;
  if (error instanceof Retry) return error.run;
  return typeof next === "number" ? new Date(now.getTime() + next) : next;
}

/** An error as a row can hold it. PostgreSQL has no NUL in texts, and an answer of another server may hold one. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replaceAll("\0", "").slice(0, 2_000);
}
