import { and, eq, isNull, type SQL } from "drizzle-orm";
import { actors } from "../../db/schema/actors.ts";
import { reviews } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { emit } from "../transact.ts";

/**
 * Takes reviews back, in the caller's transaction: text and salt are erased, so that the digest tells nothing of them any more. The hub of
 * whoever they are about is asked to do the same.
 *
 * @returns how many there were
 */
export async function eraseReviews(ctx: Ctx, which: SQL | undefined): Promise<number> {
  const erased = await ctx.db
    .update(reviews)
    .set({ deleted: ctx.clock.now(), content: null, language: null, salt: null })
    .where(and(which, isNull(reviews.deleted)))
    .returning({ id: reviews.id, authorId: reviews.authorId, subjectId: reviews.subjectId });
  for (const { id, authorId, subjectId } of erased) {
    const [subject] = await ctx.db.select({ host: actors.host }).from(actors).where(eq(actors.id, subjectId));
    if (subject?.host != null)
      await emit(ctx, { name: "review.deleted", subject: authorId.toString(), reviewId: id.toString() });
  }
  return erased.length;
}
