import { type Accept, Follow, type Reject, type Undo } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { acceptFollow, rejectFollow, requestFollow, undoFollow } from "../../domain/follows/commands.ts";
import { findFollow } from "../../domain/follows/queries.ts";
import type { InboxData } from "../context.ts";
import { EMBEDDED_ONLY } from "../vocab/parse.ts";

/**
 * Somebody elsewhere asks to follow an actor of ours. What makes it happen once is the pair of the two, not the activity's id:
 * Misskey makes the id of the two actors, so whoever follows again after an Undo sends the same one.
 */
export async function onFollow(data: InboxData, follow: Follow): Promise<void> {
  const iri = data.check(follow.id);
  const target = follow.objectId;
  if (iri === null || follow.actorId === null || target === null) return;
  const followed = await findActor(data.ctx, target.href);
  if (followed === null || followed.host !== null) return;
  const follower = await data.remote.actorByIri(follow.actorId.href);
  if (follower.host === null) return;
  await requestFollow(data.ctx, { followerId: follower.id, followedId: followed.id, iri });
}

/** The one whom an actor of ours asked says yes. */
export async function onAccept(data: InboxData, accept: Accept): Promise<void> {
  await answer(data, accept, acceptFollow);
}

/** … or says no, or has had enough of a follower. */
export async function onReject(data: InboxData, reject: Reject): Promise<void> {
  await answer(data, reject, rejectFollow);
}

/**
 * The answer counts only for follows of the actor who gives it: whoever answers in somebody else's name finds nothing. It
 * names our Follow, or (some servers make up another id) embeds one with our actor in it.
 */
async function answer(
  { ctx, check, remote }: InboxData,
  activity: Accept | Reject,
  command: typeof acceptFollow,
): Promise<void> {
  const iri = check(activity.id);
  if (iri === null || activity.actorId === null) return;
  const followed = await findActor(ctx, (await remote.actorByIri(activity.actorId.href)).iri);
  if (followed === null) return;
  const named = activity.objectId?.href ?? null;
  const known = named === null ? null : await findFollow(ctx, named);
  let followerId = known?.followedId === followed.id ? known.followerId : null;
  if (followerId === null) {
    const embedded = await activity.getObject(EMBEDDED_ONLY);
    if (
      !(embedded instanceof Follow) ||
      embedded.objectId?.href !== followed.iri ||
      embedded.actorId === null
    )
      return;
    const follower = await findActor(ctx, embedded.actorId.href);
    if (follower === null || follower.host !== null) return;
    followerId = follower.id;
  }
  const parties = { followedId: followed.id, followerId };
  await receiveOnce(ctx, iri, (ctx) => command(ctx, parties));
}

/**
 * A follower elsewhere stops following; other undone activities have no effect here to take back. Its id may be the same each
 * time too (`…/undo`), and undoing twice is undoing once.
 */
export async function onUndoFollow({ ctx, check, remote }: InboxData, undo: Undo): Promise<void> {
  if (check(undo.id) === null || undo.actorId === null) return;
  const follower = await remote.actorByIri(undo.actorId.href).catch(ignoreMissing);
  if (follower === null || follower.host === null) return;
  const named = undo.objectId?.href ?? null;
  const known = named === null ? null : await findFollow(ctx, named);
  let followedId = known?.followerId === follower.id ? known.followedId : null;
  if (followedId === null) {
    const embedded = await undo.getObject(EMBEDDED_ONLY);
    if (
      !(embedded instanceof Follow) ||
      embedded.actorId?.href !== follower.iri ||
      embedded.objectId === null
    )
      return;
    followedId = (await findActor(ctx, embedded.objectId.href))?.id ?? null;
    if (followedId === null) return;
  }
  await undoFollow(ctx, { followerId: follower.id, followedId });
}

function ignoreMissing(error: unknown): null {
  if (error instanceof DomainError && error.code === "remote_not_found") return null;
  throw error;
}
