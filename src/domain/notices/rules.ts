import type { Id } from "../../db/ids.ts";

/** An account gets at most one e-mail with notices in so many milliseconds. */
export const MAIL_EVERY = 600_000;

/**
 * When what an account is told at `now` is mailed: at the next of its times, ten minutes apart, so that what comes together
 * goes out together. Each account has its own, or all mails of a hub would leave in the same second.
 */
export function mailTime(accountId: Id, now: Date): Date {
  const own = Number((accountId * 7_919n) % BigInt(MAIL_EVERY));
  return new Date(Math.floor((now.getTime() - own) / MAIL_EVERY + 1) * MAIL_EVERY + own);
}
