import { z } from "@hono/zod-openapi";
import { localHub } from "../../domain/hubs/queries.ts";
import { donate, returnCredits } from "../../domain/ledger/donate.ts";
import { currentPolicy } from "../../domain/ledger/policy.ts";
import {
  balance,
  flowsBySize,
  holds,
  hubTotals,
  openFreeze,
  overflow,
  statement,
} from "../../domain/ledger/queries.ts";
import { DISPUTE_RULES, TRANSFER_KINDS } from "../../domain/ledger/rules.ts";
import type { Api } from "./operation.ts";
import {
  Actor,
  Amount,
  AmountInput,
  ById,
  currencyOf,
  Id,
  list,
  orNull,
  PAGE,
  PAGE_SIZE,
  Time,
  TimeInput,
  toActor,
  toAmount,
  toId,
  toTime,
  typedAmount,
} from "./schemas.ts";

const tag = "Ledger";
const NOTE_MAX = 1_000;

const Balance = z
  .strictObject({
    posted: Amount,
    held: Amount.openapi({ description: "Promised and not yet paid." }),
    available: Amount.openapi({ description: "What can still be promised, the credit line included." }),
    minimum: Amount.openapi({ description: "Minus the credit line." }),
    growth: Amount.openapi({ description: "How much longer the line may grow by what is earned." }),
    maximum: Amount.openapi({ description: "Above it one is asked to give; never enforced." }),
    excess: Amount.openapi({ description: "What is above it." }),
  })
  .openapi("Balance");

const Entry = z
  .strictObject({
    seq: z.string().openapi({ description: "The account's 1st, 2nd, 3rd … line.", example: "12" }),
    amount: Amount.openapi({ description: "Minus for what was given." }),
    balance: Amount.openapi({ description: "After it." }),
    created: Time,
    transfer: Id,
    kind: z.enum(TRANSFER_KINDS),
    agreement: orNull(Id),
    counterparty: orNull(Actor).openapi({ description: "Null: the solidarity fund." }),
    corrects: orNull(Id).openapi({ description: "The transfer that it gives back." }),
    note: orNull(z.string()),
  })
  .openapi("Entry");

const Hold = z
  .strictObject({
    transfer: Id,
    amount: Amount,
    created: Time,
    agreement: orNull(Id),
    payee: orNull(Actor).openapi({ description: "Null: the solidarity fund." }),
  })
  .openapi("Hold");

const HubLedger = z
  .strictObject({
    members: Amount.openapi({ description: "Sum of all organizations' balances." }),
    fund: Amount,
    held: Amount,
    accounts: z.int(),
    settled: Amount.openapi({ description: "Paid within 90 days." }),
    exchanges: z
      .strictObject({ credit: z.int(), gift: z.int(), count: z.int(), external: z.int() })
      .openapi({ description: "Brought to an end within 90 days, by how they are settled." }),
    flows: z
      .array(
        z.strictObject({
          quarter: Time,
          size: z
            .enum(["S", "M", "L", "?"])
            .openapi({ description: "Budget class of verified organizations." }),
          given: Amount,
          received: Amount,
          gave: z.int(),
          got: z.int(),
        }),
      )
      .openapi({ description: "Who gives and who receives, by size and quarter: whether the gap widens." }),
    frozen: orNull(Time).openapi({ description: "Since when nothing is paid, because a check failed." }),
  })
  .openapi("HubLedger");

const Policy = z
  .strictObject({
    revision: z.int().openapi({ description: "0: as a hub begins." }),
    created: orNull(Time),
    currency: z.strictObject({
      id: z.string(),
      name: z.string(),
      symbol: z.string(),
      scale: z.int().openapi({ description: "Decimals of a credit: 2 means that 750 minor units are 7.50." }),
      hour: z
        .strictObject({ numerator: z.string(), denominator: z.string() })
        .openapi({ description: "Credits that an hour is worth." }),
    }),
    startLine: Amount,
    maxLine: Amount,
    smallFactor: z.int(),
    softMaximum: Amount,
    dailyLimit: Amount,
    fundMinimum: Amount,
    voucherQuota: Amount,
    vouchMax: Amount,
    answerDays: z.int(),
    graceDays: z.int(),
    settleDays: z.int(),
    disputeDays: z.int(),
    reviewDays: z.int(),
    disputeRule: z.enum(DISPUTE_RULES),
  })
  .openapi("Policy");

/** Balances, statements and gifts of the one who acts; sums and rules of the hub for everybody. */
export function ledgerRoutes({ ctx, operation }: Api): void {
  const currency = currencyOf(ctx);

  operation({
    method: "get",
    path: "/policy",
    id: "getPolicy",
    tag: "Hub",
    scope: null,
    summary: "The hub's currency, and the rules of its exchange",
    answer: Policy,
    async run({ ctx }) {
      const [hub, policy] = await Promise.all([localHub(ctx), currentPolicy(ctx)]);
      const {
        revision,
        smallFactor,
        answerDays,
        graceDays,
        settleDays,
        disputeDays,
        reviewDays,
        disputeRule,
      } = policy;
      return {
        body: {
          ...{
            revision,
            smallFactor,
            answerDays,
            graceDays,
            settleDays,
            disputeDays,
            reviewDays,
            disputeRule,
          },
          created: toTime(policy.created),
          currency: {
            id: currencyOf(ctx),
            name: hub.currencyName,
            symbol: hub.currencySymbol,
            scale: hub.currencyScale,
            hour: { numerator: hub.currencyRateN.toString(), denominator: hub.currencyRateD.toString() },
          },
          startLine: toAmount(ctx, policy.startLine),
          maxLine: toAmount(ctx, policy.maxLine),
          softMaximum: toAmount(ctx, policy.softMaximum),
          dailyLimit: toAmount(ctx, policy.dailyLimit),
          fundMinimum: toAmount(ctx, policy.fundMinimum),
          voucherQuota: toAmount(ctx, policy.voucherQuota),
          vouchMax: toAmount(ctx, policy.vouchMax),
        },
      };
    },
  });

  operation({
    method: "get",
    path: "/ledger/hub",
    id: "getHubLedger",
    tag: "Hub",
    scope: null,
    summary: "The hub's sums, and who gives and receives by size",
    answer: HubLedger,
    async run({ ctx }) {
      const [totals, flows, freeze] = await Promise.all([hubTotals(ctx), flowsBySize(ctx), openFreeze(ctx)]);
      const { accounts, exchanges } = totals;
      return {
        body: {
          accounts,
          exchanges,
          members: toAmount(ctx, totals.members),
          fund: toAmount(ctx, totals.fund),
          held: toAmount(ctx, totals.held),
          settled: toAmount(ctx, totals.settled),
          flows: flows.map(({ quarter, sizeClass, given, received, gave, got }) => ({
            quarter: quarter.toISOString(),
            size: sizeClass,
            given: toAmount(ctx, given),
            received: toAmount(ctx, received),
            gave,
            got,
          })),
          frozen: toTime(freeze?.frozen ?? null),
        },
      };
    },
  });

  operation({
    method: "get",
    path: "/ledger",
    id: "getBalance",
    tag,
    scope: "ledger:read",
    summary: "The balance of the one who acts",
    answer: Balance,
    async run({ ctx, acting: { actorId } }) {
      const [own, { maximum, excess }] = await Promise.all([balance(ctx, actorId), overflow(ctx, actorId)]);
      return {
        body: {
          posted: toAmount(ctx, own.posted),
          held: toAmount(ctx, own.held),
          available: toAmount(ctx, own.available),
          minimum: toAmount(ctx, own.minimum),
          growth: toAmount(ctx, own.growth),
          maximum: toAmount(ctx, maximum),
          excess: toAmount(ctx, excess),
        },
      };
    },
  });

  operation({
    method: "get",
    path: "/ledger/entries",
    id: "listEntries",
    tag,
    scope: "ledger:read",
    summary: "The statement of the one who acts, newest first, with the balance after each line",
    query: z.strictObject({
      kind: z.enum(TRANSFER_KINDS).optional(),
      direction: z.enum(["in", "out"]).optional(),
      from: TimeInput.optional(),
      to: TimeInput.optional(),
      ...PAGE,
    }),
    answer: z.array(Entry),
    async run({ ctx, acting, query: { before, limit = PAGE_SIZE, ...filter } }) {
      const page = await statement(ctx, acting.actorId, filter, before ?? null, limit);
      const items = page.items.map(
        ({ seq, created, transferId, kind, agreementId, corrects, note, ...line }) => ({
          seq: seq.toString(),
          amount: toAmount(ctx, line.amount),
          balance: toAmount(ctx, line.balance),
          created: created.toISOString(),
          transfer: transferId.toString(),
          kind,
          agreement: toId(agreementId),
          counterparty: line.counterparty === null ? null : toActor(line.counterparty),
          corrects: toId(corrects),
          note,
        }),
      );
      return list({ items, before: page.before });
    },
  });

  operation({
    method: "get",
    path: "/ledger/holds",
    id: "listHolds",
    tag,
    scope: "ledger:read",
    summary: "What the one who acts has promised and not yet paid, newest first; at most 200",
    answer: z.array(Hold),
    async run({ ctx, acting }) {
      const found = await holds(ctx, acting.actorId);
      return {
        body: found.map(({ transferId, amount, created, agreementId, payee }) => ({
          transfer: transferId.toString(),
          amount: toAmount(ctx, amount),
          created: created.toISOString(),
          agreement: toId(agreementId),
          payee: payee === null ? null : toActor(payee),
        })),
      };
    },
  });

  const Given = z.strictObject({ transfer: Id }).openapi("Given");

  operation({
    method: "post",
    path: "/ledger/donations",
    id: "donate",
    tag,
    scope: "ledger:write",
    summary: "Give credits to the solidarity fund: of what one has, never of what one is lent",
    body: z.strictObject({ amount: AmountInput, note: z.string().max(NOTE_MAX).optional() }),
    example: { amount: { value: "500", currency }, note: "For those who begin." },
    status: 201,
    answer: Given,
    async run({ ctx, acting, body: { amount, note } }) {
      const id = await donate(ctx, acting, { amount: await typedAmount(ctx, amount), note });
      return { body: { transfer: id.toString() }, location: "/ledger/entries" };
    },
  });

  operation({
    method: "post",
    path: "/ledger/transfers/{id}/returns",
    id: "returnCredits",
    tag,
    scope: "ledger:write",
    summary: "Who was paid gives back all or a part of it, by a transfer the other way",
    params: ById,
    body: z.strictObject({ amount: AmountInput, note: z.string().min(1).max(NOTE_MAX) }),
    example: { amount: { value: "100", currency }, note: "One hour was counted twice." },
    status: 201,
    answer: Given,
    async run({ ctx, acting, params, body: { amount, note } }) {
      const id = await returnCredits(ctx, acting, params.id, {
        amount: await typedAmount(ctx, amount),
        note,
      });
      return { body: { transfer: id.toString() }, location: "/ledger/entries" };
    },
  });
}
