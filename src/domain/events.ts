import { z } from "zod";

/** A snowflake in a job's payload. */
const id = z
  .string()
  .regex(/^[1-9][0-9]{0,18}$/)
  .transform(BigInt);

/**
 * What happened, in the past tense; the payload names rows, it does not copy them. `subject` is the actor of ours whose
 * doing it was.
 */
export const domainEvent = z.discriminatedUnion("name", [
  z.object({ name: z.literal("post.published"), subject: z.string(), postId: id }),
  z.object({ name: z.literal("post.changed"), subject: z.string(), postId: id }),
  z.object({ name: z.literal("post.deleted"), subject: z.string(), postId: id }),
  z.object({ name: z.literal("proposal.published"), subject: z.string(), proposalId: id }),
  z.object({ name: z.literal("proposal.changed"), subject: z.string(), proposalId: id }),
  z.object({ name: z.literal("proposal.withdrawn"), subject: z.string(), proposalId: id }),
  z.object({ name: z.literal("follow.requested"), subject: z.string(), followId: id }),
  z.object({ name: z.literal("follow.accepted"), subject: z.string(), followId: id }),
  z.object({
    name: z.literal("follow.undone"),
    subject: z.string(),
    followIri: z.string(),
    followerId: id,
    followedId: id,
  }),
  /**
   * A party of ours, or this hub for its stewards, signed a step of an agreement with somebody elsewhere; or such an agreement was
   * settled.
   */
  z.object({ name: z.literal("agreement.signed"), subject: z.string(), stepId: id }),
  z.object({ name: z.literal("agreement.settled"), subject: z.string(), agreementId: id }),
  /** Somebody of ours wrote in an agreement with somebody elsewhere. */
  z.object({ name: z.literal("message.written"), subject: z.string(), messageId: id }),
  /** What somebody elsewhere offered to an actor of ours cannot be: it made no agreement, and is answered all the same. */
  z.object({
    name: z.literal("offer.refused"),
    subject: z.string(),
    offererId: id,
    offer: z.string(),
    reason: z.string(),
    content: z.string(),
  }),
  /** An offer of ours was accepted when it had lapsed: the other side does not know that. */
  z.object({ name: z.literal("offer.lapsed"), subject: z.string(), accepterId: id, offer: z.string() }),
  /** This hub signed terms for a peer, or ended (refused, took back) what the two had. */
  z.object({ name: z.literal("peering.signed"), subject: z.string(), peeringId: id }),
  z.object({
    name: z.literal("peering.ended"),
    subject: z.string(),
    peerActorId: id,
    type: z.enum(["Reject", "Undo"]),
    activity: z.string(),
    note: z.string(),
  }),
  /** A party of ours sealed its review of an exchange with somebody elsewhere; it was opened; it was taken back. */
  z.object({ name: z.literal("review.sealed"), subject: z.string(), reviewId: id }),
  z.object({ name: z.literal("review.opened"), subject: z.string(), reviewId: id }),
  z.object({ name: z.literal("review.deleted"), subject: z.string(), reviewId: id }),
  z.object({ name: z.literal("actor.updated"), subject: z.string(), actorId: id }),
]);

/** As a command emits it: ids are decimal strings, since a job's payload is JSON. */
export type DomainEvent = z.input<typeof domainEvent>;
/** As a worker reads it. */
export type ReceivedEvent = z.output<typeof domainEvent>;
