import { and, asc, eq, gt, inArray, isNull, lte, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements, reviews } from "../../db/schema/agreements.ts";
import { actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { localHub } from "../hubs/queries.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { notify } from "../notices/commands.ts";
import { insertPost } from "../posts/commands.ts";
import { emit, transact } from "../transact.ts";
import { announcementHtml } from "./announcement.ts";
import { lockReviewed, type ReviewedAgreement, SETTLED, sealedDays } from "./load.ts";
import { DAYS_BETWEEN_HUBS, rating, reviewWindow } from "./rules.ts";

const DAY = 86_400_000;
const BATCH = 200;

/** Opens the reviews whose time is over; called by the clock. One that fails does not keep the others closed. */
export async function revealDue(ctx: Ctx): Promise<void> {
  const { reviewDays } = await currentPolicy(ctx);
  const days = Math.min(reviewDays, DAYS_BETWEEN_HUBS);
  const settledBefore = new Date(ctx.clock.now().getTime() - days * DAY);
  const failures: unknown[] = [];
  for (let after: Id = 0n; ; ) {
    const due = await ctx.db
      .select({ id: reviews.id, agreementId: reviews.agreementId })
      .from(reviews)
      .innerJoin(agreements, eq(agreements.id, reviews.agreementId))
      .where(
        and(
          isNull(reviews.revealed),
          isNull(reviews.deleted),
          gt(reviews.id, after),
          lte(SETTLED, sql`${settledBefore.toISOString()}::timestamptz`),
        ),
      )
      .orderBy(asc(reviews.id))
      .limit(BATCH);
    for (const { agreementId } of due) {
      await transact(ctx, async (ctx) => {
        const agreement = await lockReviewed(ctx, { id: agreementId }, null);
        if (agreement !== null && (await timeIsOver(ctx, agreement))) await reveal(ctx, agreement);
      }).catch((error: unknown) => failures.push(error));
    }
    const last = due.at(-1);
    if (last === undefined || due.length < BATCH) break;
    after = last.id;
  }
  if (failures.length > 0) throw failures[0];
}

/** Sealed reviews of it are opened now, whether or not both are in. */
export async function timeIsOver(ctx: Ctx, agreement: ReviewedAgreement): Promise<boolean> {
  const days = await sealedDays(ctx, agreement);
  return reviewWindow(agreement.settled, days, ctx.clock.now()) !== "sealed";
}

/**
 * Opens what is still sealed of an agreement, in the caller's transaction and under the agreement's lock. What a party of ours wrote
 * becomes a post, and goes to the other party's hub with its scores, which are nobody else's.
 */
export async function reveal(ctx: Ctx, agreement: ReviewedAgreement): Promise<void> {
  const opened = await ctx.db
    .update(reviews)
    .set({ revealed: ctx.clock.now() })
    .where(and(eq(reviews.agreementId, agreement.id), isNull(reviews.revealed), isNull(reviews.deleted)))
    .returning();
  if (opened.length === 0) return;
  const hub = await localHub(ctx);
  const parties = await ctx.db
    .select({ ...actorColumns, deleted: actors.deleted })
    .from(actors)
    .where(inArray(actors.id, [agreement.providerId, agreement.receiverId]));
  for (const review of opened) {
    const subject = parties.find(({ id }) => id === review.subjectId);
    const author = parties.find(({ id }) => id === review.authorId);
    if (subject === undefined || author?.deleted !== null || author.host !== null) continue;
    if (subject.host !== null)
      await emit(ctx, {
        name: "review.opened",
        subject: author.id.toString(),
        reviewId: review.id.toString(),
      });
    if (review.content === null) continue;
    const { content, language } = review;
    const postId = await insertPost(
      ctx,
      { accountId: review.accountId, actorId: review.authorId },
      {
        content: announcementHtml({
          ...{ rating: rating(review), content, language },
          ...{ subject: toActorView(subject), hub: hub.name },
        }),
        source: null,
        summary: null,
        visibility: "public",
        language: language ?? hub.locale,
        proposal: null,
      },
    );
    await ctx.db.update(reviews).set({ postId }).where(eq(reviews.id, review.id));
  }
  for (const [index, { id }] of parties.entries()) {
    await notify(ctx, id, "reviews_revealed", `/agreements/${agreement.id}/review`, {
      actor: parties[1 - index]?.name ?? "",
      title: agreement.title,
    });
  }
}
