import { createHash } from "node:crypto";
import { and, eq, or, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements } from "../../db/schema/agreements.ts";
import { clearingEntries, clearingTransfers } from "../../db/schema/clearing.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { DAYS_BETWEEN_HUBS, isReviewable, type SealedReview, sealedText } from "./rules.ts";

/** When an agreement came to its end. */
export const SETTLED = sql<Date>`coalesce(${agreements.settled}, ${agreements.changed})`.mapWith(
  agreements.changed,
);

/** One of the two parties is another server's. */
export const BETWEEN_HUBS = sql<boolean>`exists (
  select from ${actors} party where party.id in (${agreements.providerId}, ${agreements.receiverId}) and party.host is not null)`;

/** Digest of the entry by which one hub paid the other for it, as this hub has it in its own log or the peer's. */
export const ENTRY = sql<string | null>`(
  select entry.digest from ${clearingTransfers} moved join ${clearingEntries} entry on entry.transfer = moved.iri
  where moved.agreement_id = ${agreements.id} and moved.state in ('committed', 'settled') limit 1)`;

/** What decides whether and until when an agreement is reviewed, and by whom; with the proposal joined. */
export const REVIEWED = {
  state: agreements.state,
  settled: SETTLED,
  settledAmount: agreements.settledAmount,
  providerId: agreements.providerId,
  receiverId: agreements.receiverId,
  title: proposals.name,
  betweenHubs: BETWEEN_HUBS,
  peerId: agreements.peerId,
  entry: ENTRY,
};

export type ReviewedAgreement = NonNullable<Awaited<ReturnType<typeof lockReviewed>>>;

/** An agreement under lock, so that its two reviews come one after the other. @param partyId only when it is a party to it */
export async function lockReviewed(ctx: Ctx, which: { id: Id } | { iri: string }, partyId: Id | null) {
  const where: SQL = "id" in which ? eq(agreements.id, which.id) : eq(agreements.iri, which.iri);
  const [row] = await ctx.db
    .select({
      id: agreements.id,
      iri: agreements.iri,
      ...REVIEWED,
    })
    .from(agreements)
    .innerJoin(proposals, eq(proposals.id, agreements.proposalId))
    .where(
      and(
        where,
        partyId === null
          ? undefined
          : or(eq(agreements.providerId, partyId), eq(agreements.receiverId, partyId)),
      ),
    )
    .for("update", { of: agreements });
  return row ?? null;
}

/** Is there something to review: and where credits went from hub to hub, is the entry there that says so? */
export function isSettled({
  state,
  settledAmount,
  peerId,
  entry,
}: Pick<ReviewedAgreement, "state" | "settledAmount" | "peerId" | "entry">): boolean {
  return isReviewable(state, settledAmount) && (peerId === null || entry !== null);
}

/** After how many days reviews of it are opened in any case. */
export async function sealedDays(
  ctx: Ctx,
  { betweenHubs }: Pick<ReviewedAgreement, "betweenHubs">,
): Promise<number> {
  return betweenHubs ? DAYS_BETWEEN_HUBS : (await currentPolicy(ctx)).reviewDays;
}

/** SHA-256, in hexadecimal. */
export function digestOf(review: SealedReview): string {
  return createHash("sha256").update(sealedText(review)).digest("hex");
}
