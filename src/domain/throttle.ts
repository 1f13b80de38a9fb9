import { eq, lt, sql } from "drizzle-orm";
import { throttles } from "../db/schema/accounts.ts";
import type { Ctx } from "./context.ts";
import { DomainError } from "./errors.ts";

/**
 * Counts one try of `subject`; beyond `limit` tries within `seconds` it throws. One statement, so that parallel tries on
 * several processes are all counted.
 *
 * @throws DomainError too_many_attempts
 */
export async function throttle(ctx: Ctx, subject: string, limit: number, seconds: number): Promise<void> {
  const now = ctx.clock.now();
  const stale = new Date(now.getTime() - seconds * 1000);
  const [row] = await ctx.db
    .insert(throttles)
    .values({ subject, started: now, count: 1 })
    .onConflictDoUpdate({
      target: throttles.subject,
      set: {
        count: sql`case when ${throttles.started} < ${stale.toISOString()}::timestamptz then 1 else ${throttles.count} + 1 end`,
        started: sql`case when ${throttles.started} < ${stale.toISOString()}::timestamptz then ${now.toISOString()}::timestamptz else ${throttles.started} end`,
      },
    })
    .returning({ count: throttles.count });
  if (row !== undefined && row.count > limit) {
    throw new DomainError("too_many_attempts", "too many tries; wait a little", {
      details: { minutes: Math.ceil(seconds / 60) },
    });
  }
}

/** Forgets the tries of `subject`: it got in. */
export async function unthrottle(ctx: Ctx, subject: string): Promise<void> {
  await ctx.db.delete(throttles).where(eq(throttles.subject, subject));
}

/** Deletes counters that no longer count; called by the clock. */
export async function sweepThrottles(ctx: Ctx): Promise<void> {
  await ctx.db
    .delete(throttles)
    .where(lt(throttles.started, new Date(ctx.clock.now().getTime() - 86_400_000)));
}
