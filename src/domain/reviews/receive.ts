import { and, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { type Party, reviewDigests, reviews } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { notify } from "../notices/commands.ts";
import { together } from "../transact.ts";
import { whoReviewed } from "./commands.ts";
import { eraseReviews } from "./erase.ts";
import { digestOf, isSettled, lockReviewed, type ReviewedAgreement, sealedDays } from "./load.ts";
import { reveal, timeIsOver } from "./reveal.ts";
import { checkReview, maySettleElsewhere, reviewWindow, type Scores } from "./rules.ts";

/** What a party on another hub says of its review, sealed or open. Its proof was verified at the door. */
export interface RemoteReview {
  /** On its author's hub. */
  iri: string;
  agreement: string;
  author: { id: Id; iri: string };
  /** Iri of the one it is about, and what that one did. */
  about: string;
  role: Party;
  /** Digest of the ledger entry that settled the agreement; null where none was needed. */
  settlement: string | null;
}

export interface RemoteDigest extends RemoteReview {
  /** SHA-256 in hexadecimal. */
  digest: string;
  /** The signed activity, byte for byte. */
  body: string;
}

export interface RemoteOpening extends RemoteReview, Scores {
  content: string | null;
  language: string | null;
  salt: string;
}

/**
 * The other party, on another hub, has sealed its review: from now on it can be no other. In the caller's transaction.
 *
 * @throws DomainError not_found (no agreement of the two, or no party of ours), not_reviewable, review_over, already_reviewed, invalid
 */
export async function receiveDigest(ctx: Ctx, said: RemoteDigest): Promise<void> {
  const { agreement, subjectId } = await reviewedBy(ctx, said);
  if (isSettled(agreement)) checkSettlement(agreement, said);
  else if (!maySettleElsewhere(agreement.state))
    throw new DomainError("not_reviewable", `the agreement is ${agreement.state}`);
  const known = await announced(ctx, agreement.id, said.author.id);
  if (known !== null) {
    if (known.iri === said.iri && known.digest === said.digest) return;
    throw new DomainError("already_reviewed", "this party has sealed another review");
  }
  await keepDigest(ctx, agreement, said, said);
  // Whoever had their say cannot answer this one.
  if (await hasReviewed(ctx, agreement.id, subjectId)) return reveal(ctx, agreement);
  if (!isSettled(agreement)) return;
  const [author] = await ctx.db
    .select({ name: actors.name, handle: actors.handle })
    .from(actors)
    .where(eq(actors.id, said.author.id));
  await notify(ctx, subjectId, "review_received", `/agreements/${agreement.id}/review`, {
    actor: author?.name || (author?.handle ?? ""),
    title: agreement.title,
  });
}

/**
 * The other party's hub opens its review: it is what was sealed, or nothing. It is read here when this hub, too, finds that both are in or
 * that the time is over; until then it stays closed. In the caller's transaction.
 *
 * @throws DomainError as receiveDigest, gone (its author took it back), too_long
 */
export async function receiveOpening(ctx: Ctx, said: RemoteOpening): Promise<void> {
  const { agreement, subjectId } = await reviewedBy(ctx, said);
  if (!isSettled(agreement)) throw new DomainError("not_reviewable", `the agreement is ${agreement.state}`);
  checkSettlement(agreement, said);
  const { keptWord, quality, communication, content, language, salt, iri, author } = said;
  const scores = { keptWord, quality, communication };
  const checked = checkReview({ ...scores, content: content ?? "", language: language ?? "" });
  if (checked.content !== content || checked.language !== language)
    throw new DomainError("invalid", "this is no text that a hub keeps as it is");
  const digest = digestOf({
    ...{ ...scores, content, language, salt },
    ...{ agreement: said.agreement, author: author.iri, review: iri },
  });
  const sealed =
    (await announced(ctx, agreement.id, author.id)) ??
    // What announced it was lost on the way. No body: its text is to be erased when its author wants that.
    (await keepDigest(ctx, agreement, said, { digest, body: "" }));
  if (sealed.iri !== iri || sealed.digest !== digest)
    throw new DomainError("invalid", "this is not what was sealed");
  if (sealed.deleted !== null) throw new DomainError("gone", "its author took it back");
  await ctx.db
    .insert(reviews)
    .values({
      id: await ctx.ids.next(ctx.clock.now()),
      ...{ iri, agreementId: agreement.id, authorId: author.id, subjectId, role: said.role },
      ...{ ...scores, content, language, salt, digest },
      ...{ created: sealed.received, late: sealed.late },
    })
    .onConflictDoNothing();
  const both = await hasReviewed(ctx, agreement.id, subjectId);
  if (both || (await timeIsOver(ctx, agreement))) await reveal(ctx, agreement);
}

/** Its author on another hub takes a review back, sealed or open. @returns whether there was one */
export async function removeRemoteReview(ctx: Ctx, authorId: Id, iri: string): Promise<boolean> {
  const [sealed, erased] = await together([
    ctx.db
      .update(reviewDigests)
      .set({ deleted: ctx.clock.now() })
      .where(
        and(eq(reviewDigests.iri, iri), eq(reviewDigests.authorId, authorId), isNull(reviewDigests.deleted)),
      )
      .returning({ id: reviewDigests.id }),
    eraseReviews(ctx, and(eq(reviews.iri, iri), eq(reviews.authorId, authorId))),
  ]);
  return sealed.length > 0 || erased > 0;
}

/** The agreement, locked, if its two parties are the author, elsewhere, and the one it is about, here. */
async function reviewedBy(
  ctx: Ctx,
  { agreement: iri, author, about, role }: RemoteReview,
): Promise<{ agreement: ReviewedAgreement; subjectId: Id }> {
  const agreement = await lockReviewed(ctx, { iri }, author.id);
  if (agreement === null) throw new DomainError("not_found", "no such agreement");
  const subjectId = agreement.providerId === author.id ? agreement.receiverId : agreement.providerId;
  const [subject] = await ctx.db
    .select({ iri: actors.iri, host: actors.host })
    .from(actors)
    .where(and(eq(actors.id, subjectId), isNull(actors.deleted)));
  if (subject?.host !== null) throw new DomainError("not_found", "no party of this hub");
  const did: Party = agreement.providerId === subjectId ? "provider" : "receiver";
  if (subject.iri !== about || did !== role)
    throw new DomainError("invalid", "it is about somebody or something else");
  return { agreement, subjectId };
}

function checkSettlement({ entry }: ReviewedAgreement, { settlement }: RemoteReview): void {
  if (entry !== settlement) throw new DomainError("invalid", "it names another settlement");
}

async function announced(ctx: Ctx, agreementId: Id, authorId: Id) {
  const [row] = await ctx.db
    .select()
    .from(reviewDigests)
    .where(and(eq(reviewDigests.agreementId, agreementId), eq(reviewDigests.authorId, authorId)));
  return row ?? null;
}

/** @throws DomainError review_over, already_reviewed (the iri is another review's) */
async function keepDigest(
  ctx: Ctx,
  agreement: ReviewedAgreement,
  said: RemoteReview,
  { digest, body }: Pick<RemoteDigest, "digest" | "body">,
) {
  const now = ctx.clock.now();
  const window = isSettled(agreement)
    ? reviewWindow(agreement.settled, await sealedDays(ctx, agreement), now)
    : "sealed";
  if (window === "over") throw new DomainError("review_over", "it was settled too long ago");
  const [row] = await ctx.db
    .insert(reviewDigests)
    .values({
      id: await ctx.ids.next(now),
      ...{ iri: said.iri, agreementId: agreement.id, authorId: said.author.id, digest, body },
      ...{ late: window === "late", received: now },
    })
    .onConflictDoNothing()
    .returning();
  if (row === undefined) throw new DomainError("already_reviewed", "this is another review's id");
  return row;
}

async function hasReviewed(ctx: Ctx, agreementId: Id, partyId: Id): Promise<boolean> {
  return (await whoReviewed(ctx, agreementId)).includes(partyId);
}
