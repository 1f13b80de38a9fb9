import { z } from "@hono/zod-openapi";
import type { Id as SnowflakeId } from "../../db/ids.ts";
import { requireRole } from "../../domain/accounts/queries.ts";
import {
  acceptAgreement,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  NOTE_MAX,
  offerAgreement,
  proposeResolution,
  rejectAgreement,
  signResolution,
  withdrawAgreement,
} from "../../domain/agreements/commands.ts";
import { agreementById, agreementList, disputes } from "../../domain/agreements/queries.ts";
import { AGREEMENT_GROUPS } from "../../domain/agreements/rules.ts";
import { stewardingOf } from "../../domain/agreements/stewarding.ts";
import { agreeToResolution, proposeBetween } from "../../domain/agreements/stewards.ts";
import type { Acting, Ctx } from "../../domain/context.ts";
import { currencyOfProposal } from "../../domain/proposals/queries.ts";
import { Agreement, FullAgreement, toAgreement, toFullAgreement } from "./agreement-schemas.ts";
import type { Api } from "./operation.ts";
import {
  AmountInput,
  AmountOrZero,
  ById,
  currencyOf,
  IdInput,
  list,
  minorUnits,
  PAGE,
  PAGE_SIZE,
  TimeInput,
  unitsOf,
} from "./schemas.ts";

const tag = "Agreements";
const Note = z.string().max(NOTE_MAX);
const WithNote = z.strictObject({ note: Note.optional() });
const WithReason = z.strictObject({ note: Note.min(1).openapi({ description: "The reason." }) });
const Quantity = z.int().min(1).max(1_000_000);

const Terms = {
  quantity: Quantity,
  amount: AmountInput.optional().openapi({
    description: "In all, in the proposal's currency; only where the proposal leaves the price open.",
  }),
  due: TimeInput.optional().openapi({ description: "By when it is to be done." }),
  note: Note.optional(),
  voucher: IdInput.optional().openapi({
    description: "A voucher of the solidarity fund that pays in the receiver's place.",
  }),
};

/** Offers on proposals, and what becomes of them. */
export function agreementRoutes({ ctx, operation }: Api): void {
  const currency = currencyOf(ctx);
  const full = async (ctx: Ctx, acting: Acting, id: SnowflakeId) => {
    const agreement = await agreementById(ctx, id, acting);
    return toFullAgreement(
      ctx,
      agreement,
      agreement.disputedBy === null ? null : await stewardingOf(ctx, id),
    );
  };

  operation({
    method: "get",
    path: "/agreements",
    id: "listAgreements",
    tag,
    scope: "exchange:read",
    summary: "Agreements of the one who acts, newest first",
    query: z.strictObject({
      group: z.enum(AGREEMENT_GROUPS).optional().openapi({
        description: "`waiting`: those that wait for the one who asks; `open` (the default); `ended`.",
      }),
      ...PAGE,
    }),
    answer: z.array(Agreement),
    async run({ ctx, acting, query: { group = "open", before, limit = PAGE_SIZE } }) {
      const page = await agreementList(ctx, acting.actorId, group, before ?? null, limit);
      return list({ ...page, items: page.items.map((item) => toAgreement(ctx, item)) });
    },
  });

  operation({
    method: "post",
    path: "/agreements",
    id: "offerAgreement",
    tag,
    scope: "exchange:write",
    summary: "Answer a proposal with an offer",
    description:
      "FEP-0837's Offer of an Agreement. Where the one who answers receives the service and pays credits, they are held from now on.",
    body: z.strictObject({
      proposal: IdInput,
      revision: z
        .int()
        .min(1)
        .max(2 ** 31 - 1)
        .openapi({ description: "The revision of the proposal that was read." }),
      ...Terms,
    }),
    example: {
      proposal: "120795955118080000",
      revision: 1,
      quantity: 3,
      note: "Three sessions for our new volunteers.",
    },
    status: 201,
    answer: FullAgreement,
    async run({ ctx, acting, body }) {
      const { proposal, revision, quantity, amount, due, note, voucher } = body;
      const id = await offerAgreement(ctx, acting, {
        ...{ proposalId: proposal, revision, quantity, due: due ?? null, note, voucherId: voucher ?? null },
        amount: await priceOf(ctx, { proposalId: proposal }, amount),
      });
      return { body: await full(ctx, acting, id), location: `/agreements/${id}` };
    },
  });

  operation({
    method: "get",
    path: "/agreements/{id}",
    id: "getAgreement",
    tag,
    scope: "exchange:read",
    summary: "An agreement, for its parties and in a dispute for stewards",
    params: ById,
    answer: FullAgreement,
    run: async ({ ctx, acting, params: { id } }) => ({ body: await full(ctx, acting, id) }),
  });

  operation({
    method: "post",
    path: "/agreements/{id}/accept",
    id: "acceptAgreement",
    tag,
    scope: "exchange:write",
    summary: "Agree to the terms on the table",
    description: "Where the one who agrees is the receiver, the credits are held from now on.",
    params: ById,
    body: z.strictObject({ note: Note.optional(), voucher: Terms.voucher }),
    example: {},
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { note, voucher } }) {
      await acceptAgreement(ctx, acting, id, { note, voucherId: voucher ?? null });
      return { body: await full(ctx, acting, id) };
    },
  });

  operation({
    method: "post",
    path: "/agreements/{id}/counter",
    id: "counterOffer",
    tag,
    scope: "exchange:write",
    summary: "Put other terms on the table",
    params: ById,
    body: z.strictObject(Terms),
    example: { quantity: 2, note: "Two would be possible in May." },
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { quantity, amount, due, note, voucher } }) {
      await counterOffer(ctx, acting, id, {
        ...{ quantity, due: due ?? null, note, voucherId: voucher ?? null },
        amount: await priceOf(ctx, { agreementId: id }, amount),
      });
      return { body: await full(ctx, acting, id) };
    },
  });

  const steps = [
    ["reject", rejectAgreement, WithNote, "Say no to the terms on the table", "We are closed in May."],
    [
      "withdraw",
      withdrawAgreement,
      WithNote,
      "Take back one's own offer before it was answered",
      "We found help.",
    ],
    [
      "cancel",
      cancelAgreement,
      WithReason,
      "Call off what was agreed; what was held is given back",
      "Our trainer is ill.",
    ],
    [
      "dispute",
      disputeAgreement,
      WithReason,
      "Say that something is wrong: stewards step in",
      "Half of it is missing.",
    ],
  ] as const;
  for (const [step, command, body, summary, note] of steps) {
    operation({
      ...{ method: "post", path: `/agreements/{id}/${step}`, id: `${step}Agreement`, tag, summary },
      scope: "exchange:write",
      params: ById,
      body,
      example: { note },
      answer: FullAgreement,
      async run({ ctx, acting, params: { id }, body }) {
        await command(ctx, acting, id, body);
        return { body: await full(ctx, acting, id) };
      },
    });
  }

  operation({
    method: "post",
    path: "/agreements/{id}/deliver",
    id: "deliverAgreement",
    tag,
    scope: "exchange:write",
    summary: "The provider says that the work is done",
    params: ById,
    body: z.strictObject({
      donation: z
        .int()
        .min(0)
        .max(20)
        .optional()
        .openapi({ description: "Percent of what it earns that it gives to the solidarity fund." }),
      note: Note.optional(),
    }),
    example: { donation: 5, note: "The recordings are in your folder." },
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { donation = 0, note } }) {
      await deliverAgreement(ctx, acting, id, { donation, note });
      return { body: await full(ctx, acting, id) };
    },
  });

  operation({
    method: "post",
    path: "/agreements/{id}/confirm",
    id: "confirmAgreement",
    tag,
    scope: "exchange:write",
    summary: "The receiver says that it got it, and so pays: all, or a part with a reason",
    params: ById,
    body: z.strictObject({
      amount: AmountInput.optional().openapi({ description: "All of it unless told." }),
      quantity: Quantity.optional().openapi({ description: "All of it unless told." }),
      note: Note.optional().openapi({ description: "The reason; a part needs one." }),
    }),
    example: {
      amount: { value: "200", currency },
      quantity: 2,
      note: "The third session did not take place.",
    },
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { amount, quantity, note } }) {
      await confirmAgreement(ctx, acting, id, {
        ...{ quantity, note },
        amount: amount === undefined ? undefined : minorUnits(ctx, amount),
      });
      return { body: await full(ctx, acting, id) };
    },
  });

  operation({
    method: "post",
    path: "/agreements/{id}/sign",
    id: "signResolution",
    tag,
    scope: "exchange:write",
    summary: "Sign how a steward proposes to end the dispute; when both have, it is carried out",
    params: ById,
    body: z.strictObject({ resolution: IdInput.openapi({ description: "The one that was read." }) }),
    example: { resolution: "120795955118080002" },
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { resolution } }) {
      await signResolution(ctx, acting, id, resolution);
      return { body: await full(ctx, acting, id) };
    },
  });

  operation({
    method: "post",
    path: "/agreements/{id}/resolutions",
    id: "proposeResolution",
    tag,
    scope: "exchange:write",
    summary: "A steward proposes how to end a dispute",
    description:
      "For curators who belong to neither of the two organizations. Between two hubs a steward of the other one has to agree before the parties can sign.",
    params: ById,
    body: z.strictObject({
      release: AmountOrZero.openapi({
        description:
          "What is paid of what is held, in the currency of the receiver's hub (`payerAmount`); the rest goes back.",
      }),
      note: Note.min(1),
    }),
    example: { release: { value: "100", currency }, note: "Half was done, so half is paid." },
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { release, note } }) {
      const { between } = await agreementById(ctx, id, acting);
      if (between === null)
        await proposeResolution(ctx, acting.accountId, id, {
          release: minorUnits(ctx, release, "release"),
          note,
        });
      else {
        const currency = between.side === "payer" ? currencyOf(ctx) : between.hub.currency;
        const payer = unitsOf(currency, release, "release");
        await proposeBetween(ctx, acting.accountId, id, { payer, note });
      }
      return { body: await full(ctx, acting, id) };
    },
  });

  operation({
    method: "post",
    path: "/agreements/{id}/agree",
    id: "agreeToResolution",
    tag,
    scope: "exchange:write",
    summary: "A steward agrees to what one of the other hub proposes: the parties can sign it",
    description:
      "Only between two hubs, for curators who belong to neither of the two organizations; to the newest in `resolutions` that is `theirs`.",
    params: ById,
    body: z.strictObject({ resolution: IdInput.openapi({ description: "The one that was read." }) }),
    example: { resolution: "120795955118080002" },
    answer: FullAgreement,
    async run({ ctx, acting, params: { id }, body: { resolution } }) {
      // Whoever may not see it finds none.
      await agreementById(ctx, id, acting);
      await agreeToResolution(ctx, acting.accountId, id, resolution);
      return { body: await full(ctx, acting, id) };
    },
  });

  operation({
    method: "get",
    path: "/disputes",
    id: "listDisputes",
    tag,
    scope: "exchange:read",
    summary: "Disputes that stewards may help with, oldest first; for curators",
    answer: z.array(Agreement),
    async run({ ctx, acting }) {
      await requireRole(ctx, acting.accountId, "curator");
      return { body: (await disputes(ctx)).map((item) => toAgreement(ctx, item)) };
    },
  });
}

/** A price in the currency of the proposal that it is for, which may be of another hub. @throws DomainError invalid */
async function priceOf(
  ctx: Ctx,
  by: Parameters<typeof currencyOfProposal>[1],
  amount: { value: string; currency: string } | undefined,
): Promise<bigint | null> {
  if (amount === undefined) return null;
  return unitsOf((await currencyOfProposal(ctx, by)) ?? currencyOf(ctx), amount, "amount");
}
