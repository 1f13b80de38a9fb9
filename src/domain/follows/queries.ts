import { and, desc, eq, inArray, isNull, lt, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { follows } from "../../db/schema/follows.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { type Page, toPage } from "../page.ts";

/**
 * Who follows an actor (`followers`), or whom it follows (`following`), newest follow first. `people` only for whoever the list belongs to:
 * whom a person follows can endanger them.
 */
export async function followList(
  ctx: Ctx,
  actorId: Id,
  side: "followers" | "following",
  { people, before }: { people: boolean; before: Id | null },
  limit = 40,
): Promise<Page<ActorView>> {
  const [mine, other] =
    side === "followers"
      ? [follows.followedId, follows.followerId]
      : [follows.followerId, follows.followedId];
  const rows = await ctx.db
    .select({ followId: follows.id, actor: actorColumns })
    .from(follows)
    .innerJoin(actors, eq(actors.id, other))
    .where(
      and(
        eq(mine, actorId),
        eq(follows.state, "accepted"),
        isNull(actors.deleted),
        people ? undefined : inArray(actors.kind, ["Organization", "Group"]),
        before === null ? undefined : lt(follows.id, before),
      ),
    )
    .orderBy(desc(follows.id))
    .limit(limit + 1);
  const page = toPage(rows, limit, (row) => row.followId);
  return { items: page.items.map((row) => toActorView(row.actor)), before: page.before };
}

/** Does anybody here follow this actor? What nobody asked for is not stored. */
export async function followedHere(ctx: Ctx, actorId: Id): Promise<boolean> {
  const [row] = await ctx.db.select({ yes: isFollowedHere(actorId) }).from(sql`(select 1) as one`);
  return row?.yes === true;
}

/** The same, as part of another query. */
export function isFollowedHere(actorId: Id): SQL<boolean> {
  return sql<boolean>`exists (
    select from ${follows} join ${actors} follower on follower.id = ${follows.followerId} and follower.host is null
    where ${follows.followedId} = ${actorId} and ${follows.state} in ('accepted', 'pending')
  )`;
}

/** A follow with both its parties; null when it was undone since. */
export async function followById(ctx: Ctx, id: Id) {
  const follower = alias(actors, "follower");
  const followed = alias(actors, "followed");
  const [row] = await ctx.db
    .select({
      iri: follows.iri,
      follower: { id: follower.id, iri: follower.iri },
      followed: { id: followed.id, iri: followed.iri },
    })
    .from(follows)
    .innerJoin(follower, eq(follower.id, follows.followerId))
    .innerJoin(followed, eq(followed.id, follows.followedId))
    .where(eq(follows.id, id));
  return row ?? null;
}

/** Who follows whom by the activity `iri`; null when there is no such follow. */
export async function findFollow(ctx: Ctx, iri: string): Promise<{ followerId: Id; followedId: Id } | null> {
  const [row] = await ctx.db
    .select({ followerId: follows.followerId, followedId: follows.followedId })
    .from(follows)
    .where(eq(follows.iri, iri));
  return row ?? null;
}
