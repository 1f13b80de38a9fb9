import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import type { ReceivedEvent } from "../../domain/events.ts";
import type { JsonObject } from "../../json.ts";
import { onActorUpdated } from "./actors.ts";
import { onAgreementSettled, onAgreementSigned, onOfferLapsed, onOfferRefused } from "./agreements.ts";
import { onFollowAccepted, onFollowRequested, onFollowUndone } from "./follows.ts";
import { onMessageWritten } from "./messages.ts";
import { onPeeringEnded, onPeeringSigned } from "./peers.ts";
import { onPostChanged, onPostDeleted, onPostPublished } from "./posts.ts";
import { onProposalChanged, onProposalPublished, onProposalWithdrawn } from "./proposals.ts";
import { onReviewDeleted, onReviewOpened, onReviewSealed } from "./reviews.ts";

/** An activity and who gets it. */
export type Outgoing = Dispatch & ({ activity: JsonObject } | { finished: Finished });

/** An activity that was proven and kept when its actor consented to it: it goes out byte for byte as it is. */
export interface Finished {
  /** What its iri is made of. */
  id: Id;
  type: string;
  body: string;
}

interface Dispatch {
  /** The actor of ours who does it. */
  actorId: Id;
  /** The iri of what it is about. */
  object: string;
  /** Who may read it in the outbox. */
  audience: "public" | "followers" | "direct";
  /** Followers elsewhere, named actors, the peers who copy what is public here. */
  recipients: { followersOf?: Id; actors?: Id[]; peers?: boolean };
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
    case "post.changed":
      return onPostChanged(ctx, event.postId, iri);
    case "post.deleted":
      return onPostDeleted(ctx, event.postId, iri);
    case "proposal.published":
      return onProposalPublished(ctx, event.proposalId, iri);
    case "proposal.changed":
      return onProposalChanged(ctx, event.proposalId, iri);
    case "proposal.withdrawn":
      return onProposalWithdrawn(ctx, event.proposalId, iri);
    case "follow.requested":
      return onFollowRequested(ctx, event.followId);
    case "follow.accepted":
      return onFollowAccepted(ctx, event.followId, iri);
    case "follow.undone":
      return onFollowUndone(ctx, event, iri);
    case "agreement.signed":
      return onAgreementSigned(ctx, event.stepId);
    case "agreement.settled":
      return onAgreementSettled(ctx, event.agreementId, iri);
    case "message.written":
      return onMessageWritten(ctx, event.messageId, iri);
    case "offer.refused":
      return onOfferRefused(ctx, event, iri);
    case "offer.lapsed":
      return onOfferLapsed(ctx, event, iri);
    case "review.sealed":
      return onReviewSealed(ctx, event.reviewId, iri);
    case "review.opened":
      return onReviewOpened(ctx, event.reviewId, iri);
    case "review.deleted":
      return onReviewDeleted(ctx, event.reviewId, iri);
    case "peering.signed":
      return onPeeringSigned(ctx, event.peeringId);
    case "peering.ended":
      return onPeeringEnded(ctx, event, iri);
    case "actor.updated":
      return onActorUpdated(ctx, event.actorId, iri);
  }
}
