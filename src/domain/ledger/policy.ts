import { sql } from "drizzle-orm";
import { hubs } from "../../db/schema/hubs.ts";
import { type DisputeRule, exchangePolicies } from "../../db/schema/ledger.ts";
import { requireRole } from "../accounts/queries.ts";
import { parseAmount } from "../amounts.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { transact } from "../transact.ts";
import { asciiNumber } from "../validate.ts";
import { fundAccount, setAccountLimits } from "./accounts.ts";
import { defaultPolicy, type PolicyRules, rateOf } from "./rules.ts";

export interface Policy extends PolicyRules {
  /** 0: nobody has changed what a hub begins with. */
  revision: number;
  /** Null for the defaults. */
  created: Date | null;
}

/** The hub's rules as they stand. @throws DomainError not_set_up */
export async function currentPolicy(ctx: Ctx): Promise<Policy> {
  const { currencyScale, currencyRateN, currencyRateD } = hubs;
  const [row] = await ctx.db
    .select({ hub: { currencyScale, currencyRateN, currencyRateD }, policy: exchangePolicies })
    .from(hubs)
    .leftJoin(exchangePolicies, sql`true`)
    .orderBy(sql`${exchangePolicies.revision} desc nulls last`)
    .limit(1);
  if (row === undefined) throw new DomainError("not_set_up", "this hub is not set up yet");
  if (row.policy === null) return { ...defaultPolicy(rateOf(row.hub)), revision: 0, created: null };
  const { accountId: _, ...policy } = row.policy;
  return policy;
}

/** What the form hands over: amounts and numbers as typed. */
export interface PolicyInput {
  startLine: string;
  maxLine: string;
  smallFactor: string;
  softMaximum: string;
  dailyLimit: string;
  /** How far the fund may go below zero. */
  fundLine: string;
  voucherQuota: string;
  vouchMax: string;
  answerDays: string;
  graceDays: string;
  settleDays: string;
  disputeDays: string;
  reviewDays: string;
  disputeRule: DisputeRule;
}

/**
 * Publishes new rules. Credit lines that organizations have stay as they are; the fund's floor follows at once.
 *
 * @throws DomainError forbidden, required, not_a_number, invalid, limit_in_use
 */
export async function changePolicy(ctx: Ctx, { accountId }: Acting, input: PolicyInput): Promise<void> {
  await requireRole(ctx, accountId, "admin");
  const { currencyScale } = await localHub(ctx);
  const policy = checkPolicy(input, currencyScale);
  await transact(ctx, async (ctx) => {
    const fundId = await fundAccount(ctx);
    await ctx.db.insert(exchangePolicies).values({ ...policy, accountId, created: ctx.clock.now() });
    await setAccountLimits(
      ctx,
      fundId,
      { minimum: policy.fundMinimum, growth: 0n, maximum: null },
      "policy",
      accountId,
    );
  });
}

function checkPolicy(input: PolicyInput, scale: number): PolicyRules {
  const amount = (field: keyof PolicyInput, least = 0n) => parseAmount(field, input[field], scale, least);
  const startLine = amount("startLine");
  const maxLine = amount("maxLine");
  if (maxLine < startLine) {
    throw new DomainError("invalid", "the line grows from its start, and not down", { field: "maxLine" });
  }
  return {
    startLine,
    maxLine,
    smallFactor: whole("smallFactor", input.smallFactor, 10),
    softMaximum: amount("softMaximum"),
    dailyLimit: amount("dailyLimit", 1n),
    fundMinimum: -amount("fundLine"),
    voucherQuota: amount("voucherQuota"),
    vouchMax: amount("vouchMax"),
    answerDays: whole("answerDays", input.answerDays, 365),
    graceDays: whole("graceDays", input.graceDays, 365),
    settleDays: whole("settleDays", input.settleDays, 365),
    disputeDays: whole("disputeDays", input.disputeDays, 365),
    reviewDays: whole("reviewDays", input.reviewDays, 365),
    disputeRule: input.disputeRule,
  };
}

function whole(field: string, text: string, max: number): number {
  const typed = asciiNumber(text);
  if (typed === "") throw new DomainError("required", `${field} is required`, { field });
  const number = /^[0-9]{1,4}$/.test(typed) ? Number(typed) : 0;
  if (number < 1 || number > max)
    throw new DomainError("not_a_number", `${field} is a whole number from 1 to ${max}`, { field });
  return number;
}
