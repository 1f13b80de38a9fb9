import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import type { ReceivedEvent } from "../../domain/events.ts";
import type { JsonObject } from "../../json.ts";
import { onActorUpdated } from "./actors.ts";
import { onFollowAccepted, onFollowRequested, onFollowUndone } from "./follows.ts";
import { onPostDeleted, onPostPublished } from "./posts.ts";
import { onProposalPublished, onProposalWithdrawn } from "./proposals.ts";

/** An activity and who gets it. */
export interface Outgoing {
  /** The actor of ours who does it. */
  actorId: Id;
  activity: JsonObject;
  /** The iri of what it is about. */
  object: string;
  /** Who may read it in the outbox. */
  audience: "public" | "followers" | "direct";
  /** Followers elsewhere, or named actors. */
  recipients: { followersOf: Id } | { actors: Id[] };
  /** A deleted object's Create must not stay in the outbox. */
  retracts?: boolean;
}

/**
 * What an event tells other servers; null when it is of no concern to them (any more). `iri` is the activity's id, made of
 * the event's, so that a retry is the same activity.
 */
export function toOutgoing(ctx: Ctx, event: ReceivedEvent, iri: string): Promise<Outgoing | null> {
  switch (event.name) {
    case "post.published":
      return onPostPublished(ctx, event.postId, iri);
    case "post.deleted":
      return onPostDeleted(ctx, event.postId, iri);
    case "proposal.published":
      return onProposalPublished(ctx, event.proposalId, iri);
    case "proposal.withdrawn":
      return onProposalWithdrawn(ctx, event.proposalId, iri);
    case "follow.requested":
      return onFollowRequested(ctx, event.followId);
    case "follow.accepted":
      return onFollowAccepted(ctx, event.followId, iri);
    case "follow.undone":
      return onFollowUndone(ctx, event, iri);
    case "actor.updated":
      return onActorUpdated(ctx, event.actorId, iri);
  }
}
