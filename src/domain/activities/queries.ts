import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { activities } from "../../db/schema/activities.ts";
import type { Ctx } from "../context.ts";
import { type Page, toPage } from "../page.ts";

/** The bytes of an activity of ours; null when it was taken back. */
export async function activityBody(ctx: Ctx, id: Id): Promise<string | null> {
  const [row] = await ctx.db.select({ body: activities.body }).from(activities).where(eq(activities.id, id));
  return row?.body ?? null;
}

/** The bytes of an activity that anybody may read. */
export async function publicActivityBody(ctx: Ctx, id: Id): Promise<string | null> {
  const [row] = await ctx.db
    .select({ body: activities.body })
    .from(activities)
    .where(and(eq(activities.id, id), eq(activities.audience, "public")));
  return row?.body ?? null;
}

/** What an actor did in public, newest first. */
export async function outbox(
  ctx: Ctx,
  actorId: Id,
  before: Id | null,
  limit = 20,
): Promise<Page<{ id: Id; body: string }>> {
  const rows = await ctx.db
    .select({ id: activities.id, body: activities.body })
    .from(activities)
    .where(
      and(
        eq(activities.actorId, actorId),
        eq(activities.audience, "public"),
        before === null ? undefined : lt(activities.id, before),
      ),
    )
    .orderBy(desc(activities.id))
    .limit(limit + 1);
  return toPage(rows, limit, (row) => row.id);
}

export async function outboxTotal(ctx: Ctx, actorId: Id): Promise<number> {
  const [row] = await ctx.db
    .select({ total: sql<string>`count(*)` })
    .from(activities)
    .where(and(eq(activities.actorId, actorId), eq(activities.audience, "public")));
  return Number(row?.total ?? 0);
}
