import type { LedgerAccountKind, TransferState } from "../../db/schema/ledger.ts";
import type { SizeClass } from "../../db/schema/organizations.ts";

export { DISPUTE_RULES, TRANSFER_KINDS, type TransferKind, VOUCHER_STATES } from "../../db/schema/ledger.ts";

/** A transfer as the rules see it. Amounts are minor units of the hub's currency. */
export interface Transfer {
  state: TransferState;
  /** What is, or was, held. */
  amount: bigint;
  /** What was posted; null unless committed. */
  settled: bigint | null;
  decided: Date | null;
}

export type TransferMessage =
  | { type: "reserve"; amount: bigint }
  | { type: "commit"; amount: bigint }
  | { type: "abort" };

/** What the ledger does about it. `refuse`: whoever sent the message is told that it cannot be. */
export type TransferEffect =
  | { type: "hold" | "release" | "post"; amount: bigint }
  | { type: "refuse"; code: "not_found" | "conflict" | "over_amount" };

export interface TransferResult {
  state: Transfer | null;
  messages: TransferEffect[];
}

/**
 * The life of a transfer. It is decided once, and the first decision stands: the same message again does nothing, the opposite one
 * is refused.
 *
 * @param state null when the transfer does not exist yet
 */
export function transferStep(state: Transfer | null, message: TransferMessage, now: Date): TransferResult {
  const refuse = (code: "not_found" | "conflict" | "over_amount"): TransferResult => ({
    state,
    messages: [{ type: "refuse", code }],
  });
  if (message.type === "reserve") {
    const { amount } = message;
    if (state !== null) return state.amount === amount ? { state, messages: [] } : refuse("conflict");
    if (amount <= 0n) return refuse("over_amount");
    return {
      state: { state: "reserved", amount, settled: null, decided: null },
      messages: [{ type: "hold", amount }],
    };
  }
  if (state === null) return refuse("not_found");
  const target = message.type === "commit" ? "committed" : "aborted";
  if (state.state !== "reserved") {
    const same = state.state === target && (message.type === "abort" || message.amount === state.settled);
    return same ? { state, messages: [] } : refuse("conflict");
  }
  const release: TransferEffect = { type: "release", amount: state.amount };
  if (message.type === "abort") {
    return { state: { ...state, state: "aborted", decided: now }, messages: [release] };
  }
  if (message.amount <= 0n || message.amount > state.amount) return refuse("over_amount");
  return {
    state: { ...state, state: "committed", settled: message.amount, decided: now },
    messages: [release, { type: "post", amount: message.amount }],
  };
}

/** An account as the rules see it. */
export interface Account {
  kind: LedgerAccountKind;
  posted: bigint;
  held: bigint;
  /** `posted - held` never falls below it; null: no floor. */
  minimum: bigint | null;
  /** How much the floor may still sink by what the account earns. */
  growth: bigint;
  closed: boolean;
}

/** What can still be promised; null when there is no floor. */
export function available({
  posted,
  held,
  minimum,
}: Pick<Account, "posted" | "held" | "minimum">): bigint | null {
  return minimum === null ? null : posted - held - minimum;
}

export interface Refusal {
  code: "account_closed" | "fund_empty" | "insufficient_credit" | "daily_limit";
  /** What could be promised instead. */
  available: bigint;
}

/**
 * May this account promise the amount? Null when it may.
 *
 * @param today what it promised within 24 hours, without what was taken back
 * @param dailyLimit the most that an organization may promise in that time
 */
export function checkReserve(
  account: Account,
  amount: bigint,
  today: bigint,
  dailyLimit: bigint,
): Refusal | null {
  if (account.closed) return { code: "account_closed", available: 0n };
  const left = available(account);
  if (left !== null && amount > left) {
    return { code: account.kind === "solidarity" ? "fund_empty" : "insufficient_credit", available: left };
  }
  if (account.kind === "organization" && today + amount > dailyLimit) {
    return { code: "daily_limit", available: dailyLimit > today ? dailyLimit - today : 0n };
  }
  return null;
}

/** By how much the payee's credit line grows: by what it earned, while it may grow. */
export function growthBy({ kind, minimum, growth }: Account, earned: bigint): bigint {
  if (kind !== "organization" || minimum === null || growth <= 0n) return 0n;
  return earned < growth ? earned : growth;
}

/** What of its earnings the provider gives to the fund: rounded down, in the provider's favour. */
export function donationOf(settled: bigint, percent: number): bigint {
  return (settled * BigInt(percent)) / 100n;
}

/** What an account has above its soft maximum and is free to give away. */
export function excess({ posted, held }: Pick<Account, "posted" | "held">, maximum: bigint): bigint {
  const over = posted - maximum;
  const free = posted - held;
  const least = over < free ? over : free;
  return least > 0n ? least : 0n;
}

/** When the quarter of a year began, in UTC. */
export function quarterOf(now: Date): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (now.getUTCMonth() % 3), 1));
}

/** What an account may give away: only what it has, never what it is lent. */
export function donatable({ posted, held }: Pick<Account, "posted" | "held">): bigint {
  return posted - held > 0n ? posted - held : 0n;
}

/** The rules of a hub's exchange, as it publishes them. Amounts are minor units. */
export interface PolicyRules {
  /** How far a verified organization may go below zero, and how far in the end, as it earns. */
  startLine: bigint;
  maxLine: bigint;
  /** A small organization's line is so many times as long. */
  smallFactor: number;
  softMaximum: bigint;
  dailyLimit: bigint;
  /** 0 or less. */
  fundMinimum: bigint;
  voucherQuota: bigint;
  vouchMax: bigint;
  answerDays: number;
  graceDays: number;
  settleDays: number;
  disputeDays: number;
  reviewDays: number;
  disputeRule: "refund" | "half" | "release";
}

/** Minor units of a currency per HOUR, as a fraction. */
export interface Rate {
  n: bigint;
  d: bigint;
}

/** @param scale decimal places of the currency */
export function rateOf(hub: { currencyScale: number; currencyRateN: bigint; currencyRateD: bigint }): Rate {
  return { n: hub.currencyRateN * 10n ** BigInt(hub.currencyScale), d: hub.currencyRateD };
}

/** What a hub begins with. */
export function defaultPolicy({ n, d }: Rate): PolicyRules {
  // Never nothing, however little an HOUR is worth in minor units.
  const hours = (count: bigint) => (count * n < d ? 1n : (count * n) / d);
  return {
    startLine: hours(10n),
    maxLine: hours(40n),
    smallFactor: 2,
    softMaximum: hours(80n),
    dailyLimit: hours(40n),
    fundMinimum: 0n,
    voucherQuota: hours(10n),
    vouchMax: hours(5n),
    answerDays: 14,
    graceDays: 30,
    settleDays: 14,
    disputeDays: 14,
    reviewDays: 14,
    disputeRule: "half",
  };
}

export interface Limits {
  minimum: bigint;
  growth: bigint;
  maximum: bigint | null;
}

/** What an account has before its organization was verified: it can earn and spend what it earned, and is lent nothing. */
export const NO_LINE: Limits = { minimum: 0n, growth: 0n, maximum: null };

/** The credit line of a verified organization: the smaller its budget, the longer. */
export function creditLine(policy: PolicyRules, sizeClass: SizeClass): Limits {
  const factor = sizeClass === "S" ? BigInt(policy.smallFactor) : 1n;
  const start = policy.startLine * factor;
  const most = policy.maxLine * factor;
  return { minimum: -start, growth: most > start ? most - start : 0n, maximum: policy.softMaximum };
}

/**
 * What a price in the payee's unit costs the payer, and what crosses between the hubs (seconds of an HOUR). Both are rounded up:
 * the conversion account never loses, so no way there and back gains.
 */
export function quoteFromPayee(price: bigint, payee: Rate, payer: Rate): { seconds: bigint; paid: bigint } {
  const seconds = ceil(price * 3600n * payee.d, payee.n);
  return { seconds, paid: ceil(seconds * payer.n, 3600n * payer.d) };
}

/** What the payee gets of an amount in the payer's unit, and what crosses between the hubs. Both are rounded down. */
export function quoteFromPayer(
  paid: bigint,
  payer: Rate,
  payee: Rate,
): { seconds: bigint; received: bigint } {
  const seconds = (paid * 3600n * payer.d) / payer.n;
  return { seconds, received: (seconds * payee.n) / (3600n * payee.d) };
}

function ceil(n: bigint, d: bigint): bigint {
  return (n + d - 1n) / d;
}
