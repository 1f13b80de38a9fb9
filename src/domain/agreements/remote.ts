import { and, eq, or } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreementSteps, agreements } from "../../db/schema/agreements.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { DomainError, type ErrorCode } from "../errors.ts";
import { emit } from "../transact.ts";
import {
  acceptAgreement,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  NOTE_MAX,
  offerAgreement,
  rejectAgreement,
  withdrawAgreement,
} from "./commands.ts";
import type { Signed } from "./consents.ts";
import { lockForParty, newestSigned, type Who } from "./load.ts";
import { hasLapsed } from "./rules.ts";

/** Terms as a party of another server wrote them: FEP-0837's two commitments. */
export interface RemoteTerms {
  /** The proposal whose primary intent they satisfy. */
  proposal: string;
  unit: string;
  quantity: number;
  due: Date | null;
  /** Decimal text; null where nothing is given back. */
  reciprocal: { unit: string; amount: string } | null;
  /** Who does it and who gets it, where they say so. */
  provider: string | null;
  receiver: string | null;
}

/** An Offer as it was read at the door. */
export interface RemoteOffer {
  /** The activity's iri. */
  iri: string;
  /** null: they make no sense. */
  terms: RemoteTerms | null;
  /** Which revision of the proposal was read; null: its author knows no revisions. */
  revision: number | null;
  until: Date | null;
  note: string | null;
}

/** A proposal of ours that somebody elsewhere answers. */
export type AnsweredProposal = NonNullable<Awaited<ReturnType<typeof localProposal>>>;

export async function localProposal(ctx: Ctx, iri: string) {
  const [row] = await ctx.db
    .select({
      id: proposals.id,
      iri: proposals.iri,
      actorId: proposals.actorId,
      purpose: proposals.purpose,
      unit: proposals.unit,
      settlement: proposals.settlement,
      revision: proposals.revision,
    })
    .from(proposals)
    .where(and(eq(proposals.iri, iri), eq(proposals.local, true)));
  return row ?? null;
}

/** The step that this activity was, with the agreement it belongs to. */
export async function stepOf(ctx: Ctx, activity: string) {
  const [row] = await ctx.db
    .select({
      agreementId: agreementSteps.agreementId,
      message: agreementSteps.message,
      party: agreementSteps.party,
      body: agreementSteps.body,
      digest: agreementSteps.digest,
      proposal: proposals.iri,
    })
    .from(agreementSteps)
    .innerJoin(agreements, eq(agreements.id, agreementSteps.agreementId))
    .innerJoin(proposals, eq(proposals.id, agreements.proposalId))
    .where(eq(agreementSteps.activity, activity));
  return row ?? null;
}

export type KnownStep = NonNullable<Awaited<ReturnType<typeof stepOf>>>;

/** An agreement by the id that both sides know it by. */
export async function agreementByIri(ctx: Ctx, iri: string) {
  const [row] = await ctx.db
    .select({
      id: agreements.id,
      proposer: agreements.proposer,
      providerId: agreements.providerId,
      receiverId: agreements.receiverId,
      unit: agreements.unit,
    })
    .from(agreements)
    .where(eq(agreements.iri, iri));
  return row ?? null;
}

/** Has this actor an agreement here? */
export async function hasAgreements(ctx: Ctx, actorId: Id): Promise<boolean> {
  const [row] = await ctx.db
    .select({ id: agreements.id })
    .from(agreements)
    .where(or(eq(agreements.providerId, actorId), eq(agreements.receiverId, actorId)))
    .limit(1);
  return row !== undefined;
}

/** What is wrong with an offer, in the words of the wire (`ayni:reason`). */
const REASONS: Partial<Record<ErrorCode, string>> = {
  needs_peering: "needs-peering",
  proposal_closed: "closed",
  gone: "closed",
  stale_proposal: "stale-revision",
  over_available: "over-available",
  under_minimum: "under-minimum",
};

/**
 * Somebody elsewhere answers a proposal of ours. What cannot be agreed to makes no agreement and is answered with the reason; the
 * other side may offer again.
 */
export async function receiveOffer(
  ctx: Ctx,
  offerer: { id: Id; iri: string },
  proposal: AnsweredProposal,
  offer: RemoteOffer,
  signed: Signed,
): Promise<void> {
  try {
    const { terms, revision, until } = offer;
    if (terms === null) throw new DomainError("invalid", "the terms cannot be read");
    if (proposal.settlement === "credit")
      throw new DomainError("needs_peering", "credits are settled within one hub");
    checkFit(terms, proposal);
    const [author] = await ctx.db
      .select({ iri: actors.iri })
      .from(actors)
      .where(eq(actors.id, proposal.actorId));
    const offers = proposal.purpose === "offer";
    checkRoles(terms, {
      provider: offers ? author?.iri : offerer.iri,
      receiver: offers ? offerer.iri : author?.iri,
    });
    if (until !== null && until <= ctx.clock.now()) throw new DomainError("in_the_past", "it has lapsed");
    const { quantity, due } = terms;
    await offerAgreement(
      ctx,
      { actorId: offerer.id, accountId: null },
      {
        ...{ quantity, due, until, proposalId: proposal.id, revision: revision ?? proposal.revision },
        note: offer.note ?? "",
      },
      signed,
    );
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    await emit(ctx, {
      name: "offer.refused",
      subject: proposal.actorId.toString(),
      offererId: offerer.id.toString(),
      offer: offer.iri,
      reason: REASONS[error.code] ?? "terms",
      content: error.message,
    });
  }
}

/**
 * The other party puts other terms on the table.
 *
 * @throws DomainError not_found, not_now, and as counterOffer
 */
export async function receiveCounter(
  ctx: Ctx,
  who: Who,
  known: KnownStep,
  answered: string,
  { terms, note }: RemoteOffer,
  signed: Signed,
): Promise<void> {
  const { unit, provider, receiver, settlement } = await lockNewest(ctx, who, known, answered);
  if (terms === null || terms.proposal !== known.proposal)
    throw new DomainError("invalid", "these are not terms of this agreement");
  checkFit(terms, { unit, settlement });
  checkRoles(terms, { provider: provider.iri, receiver: receiver.iri });
  const { quantity, due } = terms;
  await counterOffer(ctx, who, known.agreementId, { quantity, due, amount: null, note }, signed);
}

/**
 * The other party agrees to what one of ours offered.
 *
 * @param iri the agreement's id from now on: who agrees gives it one
 * @throws DomainError not_found, not_now, conflict (another agreement has this id), and as acceptAgreement
 */
export async function receiveAccept(
  ctx: Ctx,
  who: Who,
  known: KnownStep,
  { answered, iri, note }: { answered: string; iri: string; note: string | null },
  signed: Signed,
): Promise<void> {
  const loaded = await lockNewest(ctx, who, known, answered);
  if (loaded.state === "expired" || hasLapsed(loaded, ctx.clock.now())) {
    const own = loaded.party === "provider" ? loaded.receiver : loaded.provider;
    await emit(ctx, {
      name: "offer.lapsed",
      subject: own.id.toString(),
      accepterId: who.actorId.toString(),
      offer: answered,
    });
    return;
  }
  const taken = await agreementByIri(ctx, iri);
  if (taken !== null && taken.id !== known.agreementId)
    throw new DomainError("conflict", "another agreement has this id");
  await acceptAgreement(ctx, who, known.agreementId, { iri, note }, signed);
}

/** The other party says no. @throws DomainError not_found, not_now, other_party */
export async function receiveReject(
  ctx: Ctx,
  who: Who,
  known: KnownStep,
  { answered, note }: { answered: string; note: string | null },
  signed: Signed,
): Promise<void> {
  await lockNewest(ctx, who, known, answered);
  await rejectAgreement(ctx, who, known.agreementId, { note }, signed);
}

/**
 * The other party takes its own Offer or Accept back: it withdraws what was not answered yet, and calls off what was. So it ends on both
 * sides, even when the answer crossed it on the way.
 *
 * @throws DomainError not_found, not_now, other_party
 */
export async function receiveUndo(
  ctx: Ctx,
  who: Who,
  known: KnownStep,
  { answered, note }: { answered: string; note: string | null },
  signed: Signed,
): Promise<void> {
  const { party, row } = await lockForParty(ctx, known.agreementId, who.actorId);
  if (known.party !== party) throw new DomainError("other_party", "one takes back what one said oneself");
  const { offer, accept } = await newestSigned(ctx, known.agreementId);
  if (offer?.activity !== answered && accept?.activity !== answered)
    throw new DomainError("not_now", "these terms are on the table no more");
  const end = row.state === "offered" ? withdrawAgreement : cancelAgreement;
  await end(ctx, who, known.agreementId, { note }, signed);
}

/** What the other party says about an agreement that it has come to. */
export type RemoteEvent =
  | { type: "deliver" | "dispute" }
  | { type: "confirm"; quantity: number | null; unit: string | null };

/** Work was done, or received, or something is wrong. @throws DomainError not_found, not_now, other_party, over_amount */
export async function receiveEvent(
  ctx: Ctx,
  who: Who,
  agreement: NonNullable<Awaited<ReturnType<typeof agreementByIri>>>,
  event: RemoteEvent,
  note: string | null,
  signed: Signed,
): Promise<void> {
  const { id } = agreement;
  if (event.type === "confirm") {
    const { quantity, unit } = event;
    if (unit !== null && unit !== agreement.unit)
      throw new DomainError("invalid", `the unit is ${agreement.unit}`, { field: "quantity" });
    await confirmAgreement(ctx, who, id, { note, quantity: quantity ?? undefined }, signed);
  } else {
    const say = event.type === "deliver" ? deliverAgreement : disputeAgreement;
    await say(ctx, who, id, { note }, signed);
  }
}

/**
 * The agreement, locked, if these are the terms that are on its table.
 *
 * @throws DomainError not_found, not_now
 */
async function lockNewest(ctx: Ctx, who: Who, { agreementId }: KnownStep, answered: string) {
  const { row, party, provider, receiver } = await lockForParty(ctx, agreementId, who.actorId);
  const { offer } = await newestSigned(ctx, agreementId);
  if (offer?.activity !== answered) throw new DomainError("not_now", "these terms are on the table no more");
  const { state, deadline, unit, settlement } = row;
  return { party, provider, receiver, state, deadline, unit, settlement };
}

/** FEP-0837: the units of the commitments are the intents', and there is a reciprocal one where there is a reciprocal intent. */
function checkFit(terms: RemoteTerms, { unit, settlement }: { unit: string; settlement: string }): void {
  if (terms.unit !== unit) throw new DomainError("invalid", `the unit is ${unit}`, { field: "quantity" });
  if (terms.reciprocal !== null && settlement !== "external")
    throw new DomainError("invalid", "nothing is given back for it", { field: "amount" });
}

function checkRoles(
  { provider, receiver }: RemoteTerms,
  parties: { provider: string | undefined; receiver: string | undefined },
): void {
  const wrong =
    (provider !== null && provider !== parties.provider) ||
    (receiver !== null && receiver !== parties.receiver);
  if (wrong) throw new DomainError("invalid", "somebody else would do it or get it");
}

/** A text of another server as a note: cut, where it is longer than people here may write. */
export function toNote(text: string): string | null {
  const short = [...text].slice(0, NOTE_MAX).join("").trim();
  return short === "" ? null : short;
}
