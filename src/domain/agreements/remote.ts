import { and, desc, eq, inArray, or } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreementSteps, agreements, type Party } from "../../db/schema/agreements.ts";
import { proposals } from "../../db/schema/proposals.ts";
import { formatAmount } from "../amounts.ts";
import { partOf } from "../clearing/messages-rules.ts";
import type { Ctx } from "../context.ts";
import { DomainError, type ErrorCode } from "../errors.ts";
import { emit, transact } from "../transact.ts";
import { lockAgreements } from "./clearing.ts";
import {
  acceptAgreement,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  lapseAgreement,
  NOTE_MAX,
  offerAgreement,
  rejectAgreement,
  withdrawAgreement,
} from "./commands.ts";
import type { Signed } from "./consents.ts";
import { lockForParty, newestSigned, partyOf, type Who } from "./load.ts";
import { pinnedOf, pricedIn } from "./quote.ts";
import { type Pinned, sameQuote } from "./quote-rules.ts";
import { hasLapsed, otherParty } from "./rules.ts";

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
  /** What it pins for both sides, where credits are settled between hubs. */
  quoted: Pinned | null;
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
      scale: proposals.currencyScale,
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
      peerId: agreements.peerId,
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
  nothing_arrives: "under-minimum",
  peering_paused: "peering-paused",
  stale_quote: "stale-quote",
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
    const proposer: Party = proposal.purpose === "offer" ? "provider" : "receiver";
    const credits = proposal.settlement === "credit";
    const quoted = credits ? checkPinned(offer.quoted, signed, offerer.iri, otherParty(proposer)) : null;
    checkFit(terms, { ...proposal, proposer, quoted });
    const [author] = await ctx.db
      .select({ iri: actors.iri })
      .from(actors)
      .where(eq(actors.id, proposal.actorId));
    const offers = proposer === "provider";
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
        ...{ quantity, due, until, quoted },
        ...{ proposalId: proposal.id, revision: revision ?? proposal.revision },
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
  { terms, note, until, quoted }: RemoteOffer,
  signed: Signed,
): Promise<void> {
  const { row, party, provider, receiver, proposal } = await lockNewest(ctx, who, known, answered);
  if (terms === null || terms.proposal !== known.proposal)
    throw new DomainError("invalid", "these are not terms of this agreement");
  const { unit, settlement, proposer } = row;
  const other = party === "provider" ? provider : receiver;
  const pins = row.peerId === null ? null : checkPinned(quoted, signed, other.iri, party);
  checkFit(terms, { unit, settlement, proposer, scale: proposal.scale, quoted: pins });
  checkRoles(terms, { provider: provider.iri, receiver: receiver.iri });
  const { quantity, due } = terms;
  const input = { quantity, due, amount: null, note, ...(pins === null ? {} : { until, quoted: pins }) };
  await counterOffer(ctx, who, known.agreementId, input, signed);
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
  accept: { answered: string; iri: string; note: string | null; quoted: Pinned | null },
  signed: Signed,
): Promise<void> {
  const { answered, iri, note } = accept;
  const { row, party, provider, receiver } = await lockNewest(ctx, who, known, answered);
  const lapsed = {
    name: "offer.lapsed" as const,
    subject: (party === "provider" ? receiver : provider).id.toString(),
    accepterId: who.actorId.toString(),
    offer: answered,
  };
  if (row.state === "expired" || hasLapsed(row, ctx.clock.now())) {
    await emit(ctx, lapsed);
    return;
  }
  let transfer: string | null = null;
  const pins = pinnedOf(row);
  if (pins !== null) {
    const other = party === "provider" ? provider : receiver;
    const quoted = checkPinned(accept.quoted, signed, other.iri, party);
    if (!sameQuote(quoted, pins)) throw new DomainError("invalid", "it agrees to other amounts");
    if (party === "receiver") transfer = quoted.transfer;
    else if (accept.quoted?.transfer !== pins.transfer)
      throw new DomainError("invalid", "it agrees to be paid by another transfer");
  }
  const taken = await agreementByIri(ctx, iri);
  if (taken !== null && taken.id !== known.agreementId)
    throw new DomainError("conflict", "another agreement has this id");
  try {
    // On a savepoint: what failed has left nothing behind.
    await transact(ctx, (ctx) =>
      acceptAgreement(ctx, who, known.agreementId, { iri, note, transfer }, signed),
    );
  } catch (error) {
    // The other hub holds credits, or waits for them: it hears that nothing comes of it.
    const gone =
      error instanceof DomainError && (error.code === "over_available" || error.code === "stale_proposal");
    if (!gone || pins === null) throw error;
    await emit(ctx, lapsed);
  }
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
 * @param undo.agreed it knows the agreement, and so had our answer when it said so
 * @param undo.lapsed its hub says that time is over
 * @throws DomainError not_found, not_now, other_party
 */
export async function receiveUndo(
  ctx: Ctx,
  who: Who,
  known: KnownStep,
  undo: { answered: string; note: string | null; agreed: boolean; lapsed: boolean },
  signed: Signed,
): Promise<void> {
  const { answered, note, agreed, lapsed } = undo;
  const { party, row } = await lockForParty(ctx, known.agreementId, who.actorId);
  if (known.party !== party) throw new DomainError("other_party", "one takes back what one said oneself");
  const { offer, accept } = await newestSigned(ctx, known.agreementId);
  const between = row.peerId !== null;
  // Between hubs: our other terms and their Undo have crossed.
  const crossed = between && !agreed && offer?.party !== party && (await isLastOf(ctx, known, answered));
  if (offer?.activity !== answered && accept?.activity !== answered && !crossed)
    throw new DomainError("not_now", "these terms are on the table no more");
  const unanswered = between ? !agreed : row.state === "offered";
  const end = between && lapsed ? lapseAgreement : unanswered ? withdrawAgreement : cancelAgreement;
  await end(ctx, who, known.agreementId, { note }, signed);
}

/** Whether it is the newest Offer of its party in an agreement. */
async function isLastOf(ctx: Ctx, { agreementId, party }: KnownStep, activity: string): Promise<boolean> {
  const [last] = await ctx.db
    .select({ activity: agreementSteps.activity })
    .from(agreementSteps)
    .where(
      and(
        eq(agreementSteps.agreementId, agreementId),
        eq(agreementSteps.party, party ?? "provider"),
        inArray(agreementSteps.message, ["offer", "counter"]),
      ),
    )
    .orderBy(desc(agreementSteps.id))
    .limit(1);
  return last?.activity === activity;
}

/** What the other party says about an agreement that it has come to. */
export type RemoteEvent =
  | { type: "deliver" | "dispute" }
  | {
      type: "confirm";
      quantity: number | null;
      unit: string | null;
      /** Between hubs: what is paid, in minor units of the payer's currency. */
      paid: bigint | null;
    };

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
  if (agreement.peerId !== null && (await wasSaid(ctx, agreement, event.type, who.actorId)))
    throw new DomainError("not_now", "it was said already");
  if (event.type === "confirm") {
    const { quantity, unit } = event;
    if (unit !== null && unit !== agreement.unit)
      throw new DomainError("invalid", `the unit is ${agreement.unit}`, { field: "quantity" });
    const amount = await paidHere(ctx, id, event.paid);
    await confirmAgreement(ctx, who, id, { note, quantity: quantity ?? undefined, amount }, signed);
  } else {
    const say = event.type === "deliver" ? deliverAgreement : disputeAgreement;
    await say(ctx, who, id, { note }, signed);
  }
}

/** What comes late may be said in any state, and so is kept once. */
async function wasSaid(
  ctx: Ctx,
  agreement: { id: Id; providerId: Id; receiverId: Id },
  message: string,
  actorId: Id,
): Promise<boolean> {
  const { id } = agreement;
  const party = partyOf(agreement, actorId);
  await lockAgreements(ctx, [id]);
  const rows = await ctx.db
    .select({ id: agreementSteps.id })
    .from(agreementSteps)
    .where(
      and(
        eq(agreementSteps.agreementId, id),
        eq(agreementSteps.party, party),
        eq(agreementSteps.message, message),
      ),
    )
    .limit(1);
  return rows.length > 0;
}

/** What the payee gets of what the payer says that it pays, by the pinned rates. @throws DomainError over_amount */
async function paidHere(ctx: Ctx, id: Id, paid: bigint | null): Promise<bigint | undefined> {
  const [row] = await ctx.db
    .select({ quote: agreements.quote })
    .from(agreements)
    .where(eq(agreements.id, id));
  const quote = row === undefined ? null : pinnedOf(row);
  if (quote === null || paid === null) return undefined;
  if (paid > quote.payer) throw new DomainError("over_amount", "more than was agreed", { field: "amount" });
  return partOf(quote, paid).payee;
}

/**
 * The agreement, locked, if these are the terms that are on its table.
 *
 * @throws DomainError not_found, not_now
 */
async function lockNewest(ctx: Ctx, who: Who, { agreementId }: KnownStep, answered: string) {
  const loaded = await lockForParty(ctx, agreementId, who.actorId);
  const { offer } = await newestSigned(ctx, agreementId);
  if (offer?.activity !== answered) throw new DomainError("not_now", "these terms are on the table no more");
  return loaded;
}

/**
 * What a party of another hub pins when credits are settled between the two: with its own proof behind it, and when it pays, with the
 * transfer that its hub holds the credits by.
 *
 * @param iri of that party, and `party` what it is in the agreement
 * @throws DomainError needs_peering (it pins nothing), invalid
 */
function checkPinned(quoted: Pinned | null, { proof }: Signed, iri: string, party: Party): Pinned {
  if (quoted === null) throw new DomainError("needs_peering", "credits are settled with peers of this hub");
  if (proof === "none") throw new DomainError("invalid", "credits need a consent with its own proof");
  const { origin } = new URL(iri);
  const own = quoted.transfer?.startsWith(`${origin}/transfers/`) ?? false;
  if (party === "receiver" && !own)
    throw new DomainError("invalid", "it names no transfer of the payer's hub");
  return party === "receiver" ? quoted : { ...quoted, transfer: null };
}

/** FEP-0837: the units of the commitments are the intents', and there is a reciprocal one where there is a reciprocal intent. */
function checkFit(
  { unit, reciprocal }: RemoteTerms,
  agreed: {
    unit: string;
    settlement: string;
    proposer: Party;
    scale: number | null;
    quoted: Pinned | null;
  },
): void {
  const { settlement, proposer, scale, quoted } = agreed;
  if (unit !== agreed.unit)
    throw new DomainError("invalid", `the unit is ${agreed.unit}`, { field: "quantity" });
  if (quoted !== null) {
    const price = formatAmount(pricedIn(quoted, proposer), scale ?? 0);
    if (reciprocal === null || reciprocal.unit !== "one" || reciprocal.amount !== price)
      throw new DomainError("invalid", "what is given back is not what is paid", { field: "amount" });
  } else if (reciprocal !== null && settlement !== "external")
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
