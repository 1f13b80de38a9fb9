import type { Party } from "../../db/schema/agreements.ts";
import { isFair, type Quote } from "../clearing/messages-rules.ts";
import { DomainError } from "../errors.ts";
import { quoteFromPayee, quoteFromPayer, type Rate } from "../ledger/rules.ts";
import type { Side } from "./rules.ts";

/** A quote as an agreement pins it, with the transfer that is to pay it: its payer's hub gives that its name. */
export interface Pinned extends Quote {
  transfer: string | null;
}

const DAY = 86_400_000;

/**
 * Until when an offer can be answered, and until when its quote can be asked for: somewhat longer, since what is accepted at the last
 * moment has to reach the other hub.
 *
 * @param quoteDays how long quotes are good between the two hubs
 */
export function quoteTimes(now: Date, answerDays: number, quoteDays: number): { answer: Date; until: Date } {
  const grace = Math.min(DAY, (quoteDays * DAY) / 2);
  const answer = Math.min(now.getTime() + answerDays * DAY, now.getTime() + quoteDays * DAY - grace);
  return { answer: new Date(answer), until: new Date(answer + grace) };
}

/**
 * What both sides pay and get for a price in the currency of the one who set it. Rounded so that neither hub's conversion account
 * loses by it.
 *
 * @param price minor units of the currency of `priced`
 * @throws DomainError nothing_arrives
 */
export function quoteFor(
  price: bigint,
  priced: Side,
  rates: { payer: Rate; payee: Rate },
  until: Date,
): Quote {
  const pinned = { payerRate: rates.payer, payeeRate: rates.payee, until };
  let quote: Quote;
  if (priced === "payee") {
    const { seconds, paid } = quoteFromPayee(price, rates.payee, rates.payer);
    quote = { ...pinned, payer: paid, payee: price, seconds };
  } else {
    const { seconds, received } = quoteFromPayer(price, rates.payer, rates.payee);
    quote = { ...pinned, payer: price, payee: received, seconds };
  }
  if (!isFair(quote))
    throw new DomainError("nothing_arrives", "nothing of it would arrive at the other hub", {
      field: "amount",
    });
  return quote;
}

/** Rates that are worth the same are the same, however they are written. */
export const sameRate = (a: Rate, b: Rate): boolean => a.n * b.d === b.n * a.d;

/**
 * Whether a quote that the other hub made is one that this hub would make: for the price that was named, by its own rate of today. The
 * other hub's rate is its own business: it loses what it gives away.
 *
 * @throws DomainError stale_quote (this hub has another rate by now, or its time is over), invalid
 */
export function checkQuote(
  quote: Quote,
  expected: { price: bigint; priced: Side; side: Side; rate: Rate; now: Date; quoteDays: number },
): void {
  const { price, priced, side, rate, now, quoteDays } = expected;
  const own = side === "payer" ? quote.payerRate : quote.payeeRate;
  if (!sameRate(own, rate) || quote.until <= now)
    throw new DomainError("stale_quote", "the rate of this hub is another one by now");
  if (quote.until.getTime() > now.getTime() + (quoteDays + 1) * DAY)
    throw new DomainError("invalid", "the quote would be good for too long");
  const rates = { payer: quote.payerRate, payee: quote.payeeRate };
  const right = quoteFor(price, priced, rates, quote.until);
  if (right.payer !== quote.payer || right.payee !== quote.payee || right.seconds !== quote.seconds)
    throw new DomainError("invalid", "the amounts are not those of the proposal's price", {
      field: "amount",
    });
}

/** Do both name the same amounts, by the same rates, for as long, and the same transfer? */
export function sameQuote(a: Quote, b: Quote): boolean {
  return (
    a.payer === b.payer &&
    a.payee === b.payee &&
    a.seconds === b.seconds &&
    sameRate(a.payerRate, b.payerRate) &&
    sameRate(a.payeeRate, b.payeeRate) &&
    a.until.getTime() === b.until.getTime()
  );
}

/** An amount with the currency that it is in. */
export interface Money {
  amount: bigint;
  currency: { symbol: string; scale: number };
}

/** The price on the table, in the currency of whoever set it; null where no credits are paid. */
export function priceOf({
  amount,
  currency,
  between,
  proposer,
}: {
  amount: bigint | null;
  currency: Money["currency"] | null;
  between: Record<Side, Money> | null;
  proposer: Party;
}): Money | null {
  if (between !== null) return proposer === "receiver" ? between.payer : between.payee;
  return amount === null || currency === null ? null : { amount, currency };
}
