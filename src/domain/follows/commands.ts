import { and, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { follows } from "../../db/schema/follows.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { emit, transact } from "../transact.ts";
import { checkFollow, newFollowState } from "./rules.ts";

export interface FollowRequest {
  followerId: Id;
  followedId: Id;
  /** The Follow activity of a remote follower; one of ours gets its own. */
  iri?: string;
}

/**
 * One actor asks to follow another. A repeated request changes nothing but the activity it is known by, and is answered
 * again: the first answer may have been lost.
 *
 * @throws DomainError follow_self, not_found
 */
export async function requestFollow(ctx: Ctx, { followerId, followedId, iri }: FollowRequest): Promise<void> {
  checkFollow(followerId, followedId);
  await transact(ctx, async (ctx) => {
    const [follower, followed] = await Promise.all([party(ctx, followerId), party(ctx, followedId)]);
    const now = ctx.clock.now();
    const id = await ctx.ids.next(now);
    const state = newFollowState(followed);
    const [follow] = await ctx.db
      .insert(follows)
      .values({
        id,
        iri: iri ?? `${ctx.hub.origin}/follows/${id}`,
        followerId,
        followedId,
        state,
        created: now,
        accepted: state === "accepted" ? now : null,
      })
      .onConflictDoUpdate({
        target: [follows.followerId, follows.followedId],
        // A remote server that follows anew has forgotten the old request; ours keep theirs.
        set: iri === undefined ? { created: follows.created } : { iri },
      })
      .returning({ id: follows.id, state: follows.state });
    if (follow === undefined) return;
    const followId = follow.id.toString();
    if (follower.local && !followed.local && follow.state === "pending") {
      await emit(ctx, { name: "follow.requested", subject: followerId.toString(), followId });
    }
    if (!follower.local && follow.state === "accepted") {
      await emit(ctx, { name: "follow.accepted", subject: followedId.toString(), followId });
    }
  });
}

interface Parties {
  followerId: Id;
  followedId: Id;
}

/** The followed actor accepts. Who accepts must be the one that was asked; anybody else's Accept finds nothing. */
export async function acceptFollow(ctx: Ctx, parties: Parties): Promise<void> {
  await ctx.db
    .update(follows)
    .set({ state: "accepted", accepted: ctx.clock.now() })
    .where(and(followOf(parties), eq(follows.state, "pending")));
}

/** The followed actor refuses, or removes a follower it had. */
export async function rejectFollow(ctx: Ctx, parties: Parties): Promise<void> {
  await ctx.db.delete(follows).where(followOf(parties));
}

function followOf({ followerId, followedId }: Parties) {
  return and(eq(follows.followerId, followerId), eq(follows.followedId, followedId));
}

/** The follower stops following. Nothing happens when it did not follow. */
export async function undoFollow(ctx: Ctx, { followerId, followedId }: Parties): Promise<void> {
  await transact(ctx, async (ctx) => {
    const [gone] = await ctx.db
      .delete(follows)
      .where(followOf({ followerId, followedId }))
      .returning({ iri: follows.iri });
    if (gone === undefined) return;
    const [follower, followed] = await Promise.all([party(ctx, followerId), party(ctx, followedId)]);
    if (!follower.local || followed.local) return;
    await emit(ctx, {
      name: "follow.undone",
      subject: followerId.toString(),
      followIri: gone.iri,
      followerId: followerId.toString(),
      followedId: followedId.toString(),
    });
  });
}

async function party(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({ host: actors.host, locked: actors.locked })
    .from(actors)
    .where(and(eq(actors.id, id), isNull(actors.deleted)));
  if (row === undefined) throw new DomainError("not_found", "no such actor");
  return { local: row.host === null, locked: row.locked };
}
