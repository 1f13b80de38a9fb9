import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import { outgoingPost } from "../../domain/posts/queries.ts";
import { toActivity, toTombstone } from "../vocab/activities.ts";
import { addressing, toNote } from "../vocab/posts.ts";
import type { Outgoing } from "./index.ts";

export async function onPostPublished(ctx: Ctx, postId: Id, iri: string): Promise<Outgoing | null> {
  const post = await outgoingPost(ctx, postId);
  if (post === null || post.deleted !== null) return null;
  const activity = toActivity({
    id: iri,
    type: "Create",
    actor: post.actorIri,
    object: toNote(post),
    published: post.published,
    ...addressing(post.visibility, post.followers),
  });
  return {
    actorId: post.actorId,
    activity,
    object: post.iri,
    audience: post.visibility === "followers" ? "followers" : "public",
    recipients: { followersOf: post.actorId },
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
    ...addressing(post.visibility, post.followers),
  });
  return {
    actorId: post.actorId,
    activity,
    object: post.iri,
    audience: "direct",
    recipients: { followersOf: post.actorId },
    retracts: true,
  };
}
