import type { Id } from "../../db/ids.ts";
import { findActors } from "../../domain/actors/queries.ts";
import type { Ctx } from "../../domain/context.ts";
import type { ReceivedEvent } from "../../domain/events.ts";
import { followById } from "../../domain/follows/queries.ts";
import { toActivity, toFollow } from "../vocab/activities.ts";
import type { Outgoing } from "./index.ts";

/** The Follow's id is the follow's own iri: its Accept and its Undo name it. */
export async function onFollowRequested(ctx: Ctx, followId: Id): Promise<Outgoing | null> {
  const follow = await followById(ctx, followId);
  if (follow === null) return null;
  const { iri, follower, followed } = follow;
  return {
    actorId: follower.id,
    activity: toActivity({
      id: iri,
      type: "Follow",
      actor: follower.iri,
      object: followed.iri,
      to: [followed.iri],
    }),
    object: followed.iri,
    audience: "direct",
    recipients: { actors: [followed.id] },
  };
}

export async function onFollowAccepted(ctx: Ctx, followId: Id, iri: string): Promise<Outgoing | null> {
  const follow = await followById(ctx, followId);
  if (follow === null) return null;
  const { follower, followed } = follow;
  return {
    actorId: followed.id,
    activity: toActivity({
      id: iri,
      type: "Accept",
      actor: followed.iri,
      object: toFollow(follow.iri, follower.iri, followed.iri),
      to: [follower.iri],
    }),
    object: follow.iri,
    audience: "direct",
    recipients: { actors: [follower.id] },
  };
}

export async function onFollowUndone(
  ctx: Ctx,
  event: Extract<ReceivedEvent, { name: "follow.undone" }>,
  iri: string,
): Promise<Outgoing | null> {
  const rows = await findActors(ctx, [event.followerId, event.followedId]);
  const follower = rows.find((row) => row.id === event.followerId);
  const followed = rows.find((row) => row.id === event.followedId);
  if (follower === undefined || followed === undefined) return null;
  return {
    actorId: follower.id,
    activity: toActivity({
      id: iri,
      type: "Undo",
      actor: follower.iri,
      object: toFollow(event.followIri, follower.iri, followed.iri),
      to: [followed.iri],
    }),
    object: event.followIri,
    audience: "direct",
    recipients: { actors: [followed.id] },
  };
}
