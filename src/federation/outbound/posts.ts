import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import { type OutgoingPost, outgoingPost } from "../../domain/posts/queries.ts";
import { toActivity, toTombstone } from "../vocab/activities.ts";
import { addressingOf, noteContext, toNote } from "../vocab/posts.ts";
import type { Outgoing } from "./index.ts";

export async function onPostPublished(ctx: Ctx, postId: Id, iri: string): Promise<Outgoing | null> {
  const post = await outgoingPost(ctx, postId);
  if (post === null || post.deleted !== null) return null;
  const activity = toActivity(
    {
      id: iri,
      type: "Create",
      actor: post.actorIri,
      object: toNote(post, ctx.hub.origin),
      published: post.published,
      ...addressingOf(post),
    },
    noteContext(post),
  );
  return {
    actorId: post.actorId,
    activity,
    object: post.iri,
    audience: post.visibility === "followers" ? "followers" : "public",
    recipients: recipientsOf(post),
  };
}

export async function onPostChanged(ctx: Ctx, postId: Id, iri: string): Promise<Outgoing | null> {
  const post = await outgoingPost(ctx, postId);
  if (post === null || post.deleted !== null) return null;
  const activity = toActivity({
    id: iri,
    type: "Update",
    actor: post.actorIri,
    object: toNote(post, ctx.hub.origin),
    ...(post.updated === null ? {} : { published: post.updated }),
    ...addressingOf(post),
  });
  return {
    actorId: post.actorId,
    activity,
    object: post.iri,
    audience: post.visibility === "followers" ? "followers" : "public",
    recipients: recipientsOf(post),
  };
}

export async function onPostDeleted(ctx: Ctx, postId: Id, iri: string): Promise<Outgoing | null> {
  const post = await outgoingPost(ctx, postId);
  if (post?.deleted == null) return null;
  const activity = toActivity({
    id: iri,
    type: "Delete",
    actor: post.actorIri,
    object: toTombstone(post.iri, "Note", post.deleted),
    ...addressingOf(post),
  });
  return {
    actorId: post.actorId,
    activity,
    object: post.iri,
    audience: "direct",
    recipients: recipientsOf(post),
    retracts: true,
  };
}

/** The followers, and whoever is answered. */
function recipientsOf({ actorId, answered }: OutgoingPost): Outgoing["recipients"] {
  return { followersOf: actorId, ...(answered === null ? {} : { actors: [answered.id] }) };
}
