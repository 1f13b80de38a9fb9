import { z } from "@hono/zod-openapi";
import type { Id as SnowflakeId } from "../../db/ids.ts";
import { requireRole } from "../../domain/accounts/queries.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { VOUCHER_STATES } from "../../domain/ledger/rules.ts";
import {
  cancelVoucher,
  decideVoucher,
  PURPOSE_MAX,
  requestVoucher,
  type VoucherView,
  voucherQueue,
  vouchersOf,
} from "../../domain/ledger/vouchers.ts";
import { SIZE_CLASSES } from "../../domain/organizations/rules.ts";
import type { Api } from "./operation.ts";
import {
  Actor,
  Amount,
  AmountInput,
  ById,
  currencyOf,
  Id,
  orNull,
  Time,
  toActor,
  toAmount,
  toAmountOrNull,
  toId,
  toTime,
  typedAmount,
} from "./schemas.ts";

const tag = "Solidarity";

const Voucher = z
  .strictObject({
    id: Id,
    organization: Actor,
    size: orNull(z.enum(SIZE_CLASSES)).openapi({ description: "Of a verified organization." }),
    purpose: z.string(),
    requested: Amount,
    approved: orNull(Amount).openapi({ description: "The most that it pays." }),
    state: z.enum(VOUCHER_STATES),
    automatic: z.boolean().openapi({ description: "Within the quota: no curator decided." }),
    note: orNull(z.string()),
    agreement: orNull(Id),
    created: Time,
    decided: orNull(Time),
    expires: orNull(Time),
  })
  .openapi("Voucher");

function toVoucher(ctx: Ctx, view: VoucherView): z.input<typeof Voucher> {
  const { id, organization, sizeClass, purpose, requested, state, automatic, note } = view;
  return {
    ...{
      id: id.toString(),
      organization: toActor(organization),
      size: sizeClass,
      purpose,
      state,
      automatic,
      note,
    },
    requested: toAmount(ctx, requested),
    approved: toAmountOrNull(ctx, view.approved),
    agreement: toId(view.agreementId),
    created: view.created.toISOString(),
    decided: toTime(view.decided),
    expires: toTime(view.expires),
  };
}

/** Vouchers of the solidarity fund: the fund pays, the organization receives. */
export function voucherRoutes({ ctx, operation }: Api): void {
  const currency = currencyOf(ctx);
  const own = async (ctx: Ctx, organizationId: SnowflakeId, id: SnowflakeId) => {
    const found = (await vouchersOf(ctx, organizationId)).find((voucher) => voucher.id === id);
    if (found === undefined) throw new DomainError("not_found", "no such voucher");
    return toVoucher(ctx, found);
  };

  operation({
    method: "get",
    path: "/vouchers",
    id: "listVouchers",
    tag,
    scope: "ledger:read",
    summary: "Vouchers of the one who acts, newest first; at most 100",
    answer: z.array(Voucher),
    run: async ({ ctx, acting }) => ({
      body: (await vouchersOf(ctx, acting.actorId)).map((voucher) => toVoucher(ctx, voucher)),
    }),
  });

  operation({
    method: "post",
    path: "/vouchers",
    id: "requestVoucher",
    tag,
    scope: "ledger:write",
    summary: "Ask that the solidarity fund pays in one's place",
    description: "A small organization's quota needs no curator: then the voucher is approved at once.",
    body: z.strictObject({ amount: AmountInput, purpose: z.string().min(1).max(PURPOSE_MAX) }),
    example: { amount: { value: "300", currency }, purpose: "An audit, which our funder asks for." },
    status: 201,
    answer: Voucher,
    async run({ ctx, acting, body: { amount, purpose } }) {
      const { id } = await requestVoucher(ctx, acting, { amount: await typedAmount(ctx, amount), purpose });
      return { body: await own(ctx, acting.actorId, id), location: "/vouchers" };
    },
  });

  operation({
    method: "post",
    path: "/vouchers/{id}/cancel",
    id: "cancelVoucher",
    tag,
    scope: "ledger:write",
    summary: "Do without a voucher",
    params: ById,
    answer: Voucher,
    async run({ ctx, acting, params: { id } }) {
      await cancelVoucher(ctx, acting, id);
      return { body: await own(ctx, acting.actorId, id) };
    },
  });

  operation({
    method: "get",
    path: "/vouchers/queue",
    id: "listVoucherQueue",
    tag,
    scope: "ledger:read",
    summary: "Requests that wait for a curator, oldest first; at most 100; for curators",
    answer: z.array(Voucher),
    async run({ ctx, acting }) {
      await requireRole(ctx, acting.accountId, "curator");
      return { body: (await voucherQueue(ctx)).map((voucher) => toVoucher(ctx, voucher)) };
    },
  });

  operation({
    method: "post",
    path: "/vouchers/{id}/decide",
    id: "decideVoucher",
    tag,
    scope: "ledger:write",
    summary: "Approve or refuse a request; for curators",
    params: ById,
    body: z.strictObject({
      approve: z.boolean(),
      amount: AmountInput.optional().openapi({
        description: "Less than was asked for; all of it unless told.",
      }),
      note: z.string().max(PURPOSE_MAX).optional(),
    }),
    example: { approve: true, amount: { value: "200", currency }, note: "The rest next quarter." },
    status: 204,
    async run({ ctx, acting, params: { id }, body: { approve, amount, note } }) {
      const typed = amount === undefined ? undefined : await typedAmount(ctx, amount);
      await decideVoucher(ctx, acting, id, { approve, amount: typed, note });
      return { body: null };
    },
  });
}
