import { createHash } from "node:crypto";
import { and, asc, eq, gt, inArray, isNull, lte, or, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements, reviews } from "../../db/schema/agreements.ts";
import { proposals } from "../../db/schema/proposals.ts";
import { actorById, actorColumns, toActorView } from "../actors/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { notify } from "../notices/commands.ts";
import { deletePost, insertPost } from "../posts/commands.ts";
import { transact } from "../transact.ts";
import { announcementHtml } from "./announcement.ts";
import { checkReview, isReviewable, type ReviewInput, rating, reviewWindow, sealedText } from "./rules.ts";

const DAY = 86_400_000;
const BATCH = 200;

/**
 * Says how an exchange was, as one of its two parties; once, and not to be changed. It stays sealed until the other party has
 * said so too or the hub's time for it is over; after that it is still taken for a while, marked late, and read at once.
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
    const agreement = await lockedAgreement(ctx, agreementId, acting.actorId);
    if (agreement === null) throw new DomainError("not_found", "no such agreement");
    if (!isReviewable(agreement.state, agreement.settledAmount))
      throw new DomainError("not_reviewable", `the agreement is ${agreement.state}`);
    const now = ctx.clock.now();
    const { reviewDays } = await currentPolicy(ctx);
    const window = reviewWindow(agreement.settled, reviewDays, now);
    if (window === "over") throw new DomainError("review_over", "it was settled too long ago");
    const known = await ctx.db
      .select({ authorId: reviews.authorId })
      .from(reviews)
      .where(eq(reviews.agreementId, agreementId))
      .limit(2);
    if (known.some(({ authorId }) => authorId === acting.actorId))
      throw new DomainError("already_reviewed", "this party has reviewed the agreement");

    const id = await ctx.ids.next(now);
    const iri = `${ctx.hub.origin}/reviews/${id}`;
    const author = await actorById(ctx, acting.actorId);
    const byProvider = agreement.providerId === acting.actorId;
    const subjectId = byProvider ? agreement.receiverId : agreement.providerId;
    const sealed = sealedText({ ...checked, agreement: agreement.iri, author: author.iri, review: iri });
    await ctx.db.insert(reviews).values({
      id,
      iri,
      agreementId,
      authorId: acting.actorId,
      subjectId,
      accountId: acting.accountId,
      role: byProvider ? "receiver" : "provider",
      ...checked,
      digest: createHash("sha256").update(sealed).digest("hex"),
      created: now,
      late: window === "late",
    });
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
    const deleted = await ctx.db
      .update(reviews)
      .set({ deleted: ctx.clock.now(), content: null, language: null })
      .where(and(own, isNull(reviews.postId)))
      .returning({ id: reviews.id });
    if (deleted.length > 0) return;
    // It was revealed in between, and became a post: or else somebody deleted it at the same time.
  }
}

/** Opens the reviews whose time is over; called by the clock. One that fails does not keep the others closed. */
export async function revealDue(ctx: Ctx): Promise<void> {
  const { reviewDays } = await currentPolicy(ctx);
  const settledBefore = new Date(ctx.clock.now().getTime() - reviewDays * DAY);
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
        const agreement = await lockedAgreement(ctx, agreementId, null);
        if (agreement !== null) await reveal(ctx, agreement);
      }).catch((error: unknown) => failures.push(error));
    }
    const last = due.at(-1);
    if (last === undefined || due.length < BATCH) break;
    after = last.id;
  }
  if (failures.length > 0) throw failures[0];
}

/** When an agreement came to its end. */
export const SETTLED = sql<Date>`coalesce(${agreements.settled}, ${agreements.changed})`.mapWith(
  agreements.changed,
);

type LockedAgreement = NonNullable<Awaited<ReturnType<typeof lockedAgreement>>>;

/** An agreement under lock, so that its two reviews come one after the other. @param partyId only when it is a party to it */
async function lockedAgreement(ctx: Ctx, id: Id, partyId: Id | null) {
  const [row] = await ctx.db
    .select({
      id: agreements.id,
      iri: agreements.iri,
      state: agreements.state,
      settled: SETTLED,
      settledAmount: agreements.settledAmount,
      providerId: agreements.providerId,
      receiverId: agreements.receiverId,
      title: proposals.name,
    })
    .from(agreements)
    .innerJoin(proposals, eq(proposals.id, agreements.proposalId))
    .where(
      and(
        eq(agreements.id, id),
        partyId === null
          ? undefined
          : or(eq(agreements.providerId, partyId), eq(agreements.receiverId, partyId)),
      ),
    )
    .for("update", { of: agreements });
  return row ?? null;
}

/** Opens what is still sealed of an agreement, in the caller's transaction and under the agreement's lock. */
async function reveal(ctx: Ctx, agreement: LockedAgreement): Promise<void> {
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
    if (review.content === null || subject === undefined || author?.deleted !== null) continue;
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
