import type { Id } from "../../db/ids.ts";
import type { Party } from "../../db/schema/agreements.ts";
import { pack, unpack } from "../clearing/packed.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type HubView, localHub } from "../hubs/queries.ts";
import { type Rate, rateOf } from "../ledger/rules.ts";
import { findPeer, type Peer, peerOfHost } from "../peers/queries.ts";
import { sideOf } from "./load.ts";
import { checkQuote, type Pinned, quoteFor, quoteTimes, sameRate } from "./quote-rules.ts";
import type { AgreementPolicy, Side } from "./rules.ts";

/** The two hubs that settle an agreement for credits with one another, as this one knows them. */
export interface Across {
  peer: Peer;
  hub: HubView;
  /** Whose hub this one is. */
  side: Side;
}

interface Parties {
  provider: { host: string | null; kind: string };
  receiver: { host: string | null; kind: string };
}

/**
 * With which hub credits between two parties are settled; null: both are of this one.
 *
 * @throws DomainError needs_peering, peering_paused (nothing new is begun with that hub), organization_needed
 */
export async function acrossHubs(ctx: Ctx, { provider, receiver }: Parties): Promise<Across | null> {
  if (provider.kind !== "Organization" || receiver.kind !== "Organization")
    throw new DomainError("organization_needed", "credits are an organization's");
  const host = provider.host ?? receiver.host;
  if (host === null) return null;
  const peer = await peerOfHost(ctx, host);
  if (peer === null || ["proposed", "asked", "rejected"].includes(peer.state))
    throw new DomainError("needs_peering", "credits are settled with hubs that are peers of this one");
  const going = peer.state === "active" && (peer.theirState ?? "active") === "active";
  if (!going) throw new DomainError("peering_paused", "nothing new is begun with this hub");
  return { peer, hub: await localHub(ctx), side: receiver.host === null ? "payer" : "payee" };
}

/** The hubs of an agreement that exists already. */
export async function acrossOf(
  ctx: Ctx,
  { row, receiver }: { row: { peerId: Id | null }; receiver: { host: string | null } },
): Promise<Across | null> {
  const side = sideOf(row, receiver);
  if (row.peerId === null || side === null) return null;
  const [peer, hub] = await Promise.all([findPeer(ctx, row.peerId), localHub(ctx)]);
  return { peer, hub, side };
}

export function peerRate({ currency }: Pick<Peer, "currency">): Rate {
  const { scale, rateN, rateD } = currency;
  return rateOf({ currencyScale: scale, currencyRateN: rateN, currencyRateD: rateD });
}

/** What is new about an agreement's terms when they cross: pinned amounts, and until when they can be answered. */
export interface Crossing {
  pinned: Pinned;
  /** What this hub's side pays or gets. */
  amount: bigint;
  answer: Date;
}

/**
 * Pins what an offer costs on both sides: by the rates of today, or as the other hub has pinned it, if that is right.
 *
 * @param terms.price minor units of the proposal's own currency: its author's
 * @param terms.quoted what the other party's signed offer names; null when the offer is made here
 * @throws DomainError stale_quote, invalid, nothing_arrives
 */
export function pinned(
  { peer, hub, side }: Across,
  terms: { price: bigint; proposer: Party; quoted: Pinned | null; until: Date | null },
  now: Date,
  { answerDays }: Pick<AgreementPolicy, "answerDays">,
): Crossing {
  const { price, proposer, quoted } = terms;
  const priced: Side = proposer === "receiver" ? "payer" : "payee";
  const own = rateOf(hub);
  const { quoteDays } = peer;
  if (quoted !== null) {
    checkQuote(quoted, { price, priced, side, rate: own, now, quoteDays });
    const answer = terms.until !== null && terms.until < quoted.until ? terms.until : quoted.until;
    return { pinned: quoted, amount: quoted[side], answer };
  }
  const times = quoteTimes(now, answerDays, quoteDays);
  const theirs = peerRate(peer);
  const rates = side === "payer" ? { payer: own, payee: theirs } : { payer: theirs, payee: own };
  const quote = quoteFor(price, priced, rates, times.until);
  return { pinned: { ...quote, transfer: null }, amount: quote[side], answer: times.answer };
}

/** What an agreement pins; null where all is within one hub. */
export function pinnedOf({ quote }: { quote: string | null }): Pinned | null {
  return quote === null ? null : unpack<Pinned>(quote);
}

export const toQuoteColumn = (quote: Pinned | null): string | null => (quote === null ? null : pack(quote));

/** Whoever agrees now agrees by the rate that its own hub has now. @throws DomainError stale_quote */
export function checkRate({ hub, side }: Across, quote: Pinned, now: Date): void {
  const own = side === "payer" ? quote.payerRate : quote.payeeRate;
  if (!sameRate(own, rateOf(hub)) || quote.until <= now)
    throw new DomainError("stale_quote", "the rate of this hub is another one by now");
}

/** The price of pinned terms, in the currency of the one who set it. */
export function pricedIn(quote: Pinned, proposer: Party): bigint {
  return proposer === "receiver" ? quote.payer : quote.payee;
}

/** The shorter of the two hubs' times counts. */
export function policyBetween<P extends AgreementPolicy>(policy: P, peer: Peer | null): P {
  if (peer === null) return policy;
  const settleDays = Math.min(policy.settleDays, peer.settleDays);
  return { ...policy, settleDays, disputeDays: Math.min(policy.disputeDays, peer.disputeDays) };
}
