import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import { outgoingReview } from "../../domain/reviews/outgoing.ts";
import type { JsonObject } from "../../json.ts";
import { toActivity, toTombstone } from "../vocab/activities.ts";
import { toOpening, toSealed } from "../vocab/reviews.ts";
import type { Outgoing } from "./index.ts";

type Review = NonNullable<Awaited<ReturnType<typeof outgoingReview>>>;

/** Also when it was opened or taken back meanwhile: that there is one is said first. */
export async function onReviewSealed(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const review = await outgoingReview(ctx, id);
  return review === null ? null : toSubject(review, toSealed({ iri, review }));
}

export async function onReviewOpened(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const review = await outgoingReview(ctx, id);
  if (review === null || review.deleted !== null) return null;
  return toSubject(review, toOpening({ iri, review }));
}

export async function onReviewDeleted(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const review = await outgoingReview(ctx, id);
  if (review?.deleted == null) return null;
  const { author, about, deleted } = review;
  const object = toTombstone(review.iri, "ayni:Review", deleted);
  return {
    ...toSubject(review, toActivity({ id: iri, type: "Delete", actor: author, object, to: [about] })),
    retracts: true,
  };
}

/** To the hub of the one it is about, and nobody else. */
function toSubject({ authorId, subjectId, iri }: Review, activity: JsonObject): Outgoing {
  return {
    ...{ actorId: authorId, activity, object: iri, audience: "direct" },
    recipients: { actors: [subjectId] },
  };
}
