import { randomBytes } from "node:crypto";
import { and, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";

import { reviewDigests, reviews } from "../../db/schema/agreements.ts";
import { actorById } from "../actors/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { notify } from "../notices/commands.ts";
import { deletePost } from "../posts/commands.ts";
import { emit, transact } from "../transact.ts";
import { eraseReviews } from "./erase.ts";
import { digestOf, isSettled, lockReviewed, sealedDays } from "./load.ts";
import { reveal } from "./reveal.ts";
import { checkReview, type ReviewInput, reviewWindow } from "./rules.ts";

/**
 * Says how an exchange was, as one of its two parties; once, and not to be changed. It stays sealed until the other party has
 * said so too or the time for it is over; after that it is still taken for a while, marked late, and read at once. Where the other party
 * is on another hub, its hub gets the digest at once, and the review when it is opened.
 *
 * @throws DomainError not_found (not a party), not_reviewable, review_over, already_reviewed, invalid, too_long
 */
export async function reviewAgreement(
  ctx: Ctx,
  acting: Acting,
  agreementId: Id,
  input: ReviewInput,
): Promise<Id> {
  const checked = checkReview(input);
  return transact(ctx, async (ctx) => {
    const agreement = await lockReviewed(ctx, { id: agreementId }, acting.actorId);
    if (agreement === null) throw new DomainError("not_found", "no such agreement");
    if (!isSettled(agreement)) throw new DomainError("not_reviewable", `the agreement is ${agreement.state}`);
    const now = ctx.clock.now();
    const window = reviewWindow(agreement.settled, await sealedDays(ctx, agreement), now);
    if (window === "over") throw new DomainError("review_over", "it was settled too long ago");
    const known = await whoReviewed(ctx, agreementId);
    if (known.includes(acting.actorId))
      throw new DomainError("already_reviewed", "this party has reviewed the agreement");

    const id = await ctx.ids.next(now);
    const iri = `${ctx.hub.origin}/reviews/${id}`;
    const author = await actorById(ctx, acting.actorId);
    const byProvider = agreement.providerId === acting.actorId;
    const subjectId = byProvider ? agreement.receiverId : agreement.providerId;
    const salt = randomBytes(16).toString("base64url");
    await ctx.db.insert(reviews).values({
      id,
      iri,
      agreementId,
      authorId: acting.actorId,
      subjectId,
      accountId: acting.accountId,
      role: byProvider ? "receiver" : "provider",
      ...checked,
      salt,
      digest: digestOf({ ...checked, salt, agreement: agreement.iri, author: author.iri, review: iri }),
      created: now,
      late: window === "late",
    });
    if (agreement.betweenHubs)
      await emit(ctx, { name: "review.sealed", subject: acting.actorId.toString(), reviewId: id.toString() });
    // The other one's counts as in when it was deleted since: whoever had their say cannot answer this one.
    if (window === "late" || known.length > 0) await reveal(ctx, agreement);
    else
      await notify(ctx, subjectId, "review_received", `/agreements/${agreementId}/review`, {
        actor: author.name,
        title: agreement.title,
      });
    return id;
  });
}

/** The parties that have had their say, deleted or sealed on another hub as it may be. */
export async function whoReviewed(ctx: Ctx, agreementId: Id): Promise<Id[]> {
  const rows = await Promise.all(
    [reviews, reviewDigests].map((table) =>
      ctx.db
        .select({ authorId: table.authorId })
        .from(table)
        .where(eq(table.agreementId, agreementId))
        .limit(2),
    ),
  );
  return [...new Set(rows.flat().map(({ authorId }) => authorId))];
}

/**
 * Takes back a review: its text is erased at once and the post it became is deleted. That there was one, and its digest, stay;
 * its scores no longer count, and there is no second one.
 *
 * @throws DomainError not_found when it does not exist, is deleted, or is somebody else's
 */
export async function deleteReview(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  const own = and(eq(reviews.id, id), eq(reviews.authorId, acting.actorId), isNull(reviews.deleted));
  for (;;) {
    const [row] = await ctx.db.select({ postId: reviews.postId }).from(reviews).where(own);
    if (row === undefined) throw new DomainError("not_found", "no such review");
    if (row.postId !== null) return deletePost(ctx, acting, row.postId);
    const erased = await transact(ctx, (ctx) => eraseReviews(ctx, and(own, isNull(reviews.postId))));
    if (erased > 0) return;
    // It was revealed in between, and became a post: or else somebody deleted it at the same time.
  }
}
