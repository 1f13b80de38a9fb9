import type { Quote } from "../clearing/messages-rules.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { type Rate, rateOf } from "../ledger/rules.ts";
import type { ProposalView } from "../proposals/queries.ts";
import type { Currency } from "./queries.ts";
import { acrossHubs, peerRate } from "./quote.ts";
import { quoteFor, quoteTimes } from "./quote-rules.ts";
import type { Side } from "./rules.ts";

/** What an offer on a proposal of another hub would cost on both sides, before it is made. */
export interface Preview {
  hub: { name: string; host: string };
  /** Whose hub this one would be, and in whose currency the price is. */
  side: Side;
  priced: Side;
  payer: { currency: Currency; rate: Rate };
  payee: { currency: Currency; rate: Rate };
  /** For the smallest quantity; null where the two name the sum themselves, or nothing of it would arrive. */
  least: Pick<Quote, Side> | null;
  /** Until when the amounts of an offer that is made now are fixed. */
  until: Date;
}

/**
 * What one who answers a proposal for credits is shown about the other hub; null when the proposal is of this one.
 *
 * @throws DomainError needs_peering, peering_paused
 */
export async function previewOffer(ctx: Ctx, proposal: ProposalView): Promise<Preview | null> {
  if (proposal.local || proposal.settlement !== "credit") return null;
  const { actor, purpose, currency, price, unitBased, minimum } = proposal;
  const author = { host: actor.host, kind: "Organization" };
  const own = { host: null, kind: "Organization" };
  const offers = purpose === "offer";
  const across = await acrossHubs(ctx, {
    provider: offers ? author : own,
    receiver: offers ? own : author,
  });
  if (across === null || currency !== across.peer.currency.iri)
    throw new DomainError("needs_peering", "its price is in a currency of nobody that is known here");
  const { peer, hub, side } = across;
  const here = {
    currency: { symbol: hub.currencySymbol, scale: hub.currencyScale },
    rate: rateOf(hub),
  };
  const there = {
    currency: { symbol: peer.currency.symbol, scale: peer.currency.scale },
    rate: peerRate(peer),
  };
  const [payer, payee] = side === "payer" ? [here, there] : [there, here];
  const priced: Side = offers ? "payee" : "payer";
  const { answerDays } = await currentPolicy(ctx);
  const { until } = quoteTimes(ctx.clock.now(), answerDays, peer.quoteDays);
  const cost = price === null ? null : unitBased === true ? price * BigInt(minimum ?? 1) : price;
  const rates = { payer: payer.rate, payee: payee.rate };
  return {
    ...{ hub: { name: peer.name, host: peer.host }, side, priced, payer, payee, until },
    least: cost === null || unitBased === null ? null : leastOf(cost, priced, rates, until),
  };
}

function leastOf(
  cost: bigint,
  priced: Side,
  rates: Record<Side, Rate>,
  until: Date,
): Pick<Quote, Side> | null {
  try {
    return quoteFor(cost, priced, rates, until);
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}
