import { z } from "@hono/zod-openapi";
import { requireRole } from "../../domain/accounts/queries.ts";
import { actorByAcct, actorById } from "../../domain/actors/queries.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { DECISIONS, NOTE_MAX, SIZE_CLASSES, STATEMENT_MAX } from "../../domain/organizations/rules.ts";
import {
  decideVerification,
  requestVerification,
  type Verification as VerificationState,
  verificationOf,
  verificationQueue,
} from "../../domain/organizations/verification.ts";
import { type VouchView, vouch, vouchesOf, withdrawVouch } from "../../domain/organizations/vouching.ts";
import type { Api } from "./operation.ts";
import {
  Actor,
  Amount,
  AmountInput,
  ByHandle,
  currencyOf,
  orNull,
  Time,
  toActor,
  toAmount,
  toTime,
  typedAmount,
} from "./schemas.ts";

const tag = "Trust";
const Size = z.enum(SIZE_CLASSES).openapi("Size", { description: "Budget class: small, medium, large." });

const VERIFICATION = {
  state: z.enum(["requested", "verified", "refused", "revoked"]),
  size: Size,
  statement: z.string(),
  note: orNull(z.string()),
  requested: Time,
  decided: orNull(Time),
};
const Verification = z.strictObject(VERIFICATION).openapi("Verification");
const Request = z.strictObject({ ...VERIFICATION, organization: Actor }).openapi("VerificationRequest");

function toVerification(view: VerificationState): z.input<typeof Verification> {
  const { state, sizeClass, statement, note, requested, decided } = view;
  return {
    state,
    size: sizeClass,
    statement,
    note,
    requested: requested.toISOString(),
    decided: toTime(decided),
  };
}

const Vouch = z
  .strictObject({
    organization: Actor.openapi({ description: "The other one: for whom it was given, or who gave it." }),
    amount: Amount,
    created: Time,
  })
  .openapi("Vouch");
const Vouches = z.strictObject({ given: z.array(Vouch), received: z.array(Vouch) }).openapi("Vouches");

/** Verification by curators, and vouching with one's own credit line. */
export function organizationRoutes({ ctx, operation }: Api): void {
  const toVouch = (ctx: Ctx, { organization, amount, created }: VouchView) => ({
    organization: toActor(organization),
    amount: toAmount(ctx, amount),
    created: created.toISOString(),
  });
  const vouches = async (ctx: Ctx, id: bigint) => {
    const { given, received } = await vouchesOf(ctx, id);
    const map = (views: VouchView[]) => views.map((view) => toVouch(ctx, view));
    return { given: map(given), received: map(received) };
  };
  const verification = async (ctx: Ctx, id: bigint) => {
    const found = await verificationOf(ctx, id);
    if (found === null) throw new DomainError("not_found", "this organization did not ask to be verified");
    return toVerification(found);
  };

  operation({
    method: "get",
    path: "/me",
    id: "getMe",
    tag: "Hub",
    scope: "exchange:read",
    summary: "Whom the token acts as",
    answer: Actor,
    run: async ({ ctx, acting }) => ({ body: toActor(await actorById(ctx, acting.actorId)) }),
  });

  operation({
    method: "get",
    path: "/verification",
    id: "getVerification",
    tag,
    scope: "exchange:read",
    summary: "How it stands with the verification of the one who acts; 404 when it never asked",
    answer: Verification,
    run: async ({ ctx, acting }) => ({ body: await verification(ctx, acting.actorId) }),
  });

  operation({
    method: "post",
    path: "/verification",
    id: "requestVerification",
    tag,
    scope: "exchange:write",
    summary: "Ask to be verified, or change what was said before there is a decision",
    body: z.strictObject({ size: Size, statement: z.string().min(1).max(STATEMENT_MAX) }),
    example: {
      size: "S",
      statement: "Registered in 2011 under number 1234; the network of the south knows us.",
    },
    answer: Verification,
    async run({ ctx, acting, body: { size, statement } }) {
      await requestVerification(ctx, acting, { sizeClass: size, statement });
      return { body: await verification(ctx, acting.actorId) };
    },
  });

  operation({
    method: "get",
    path: "/verifications",
    id: "listVerifications",
    tag,
    scope: "exchange:read",
    summary: "What waits for a curator, the longest waiting first; at most 100; for curators",
    answer: z.array(Request),
    async run({ ctx, acting }) {
      await requireRole(ctx, acting.accountId, "curator");
      return {
        body: (await verificationQueue(ctx)).map((view) => ({
          ...toVerification(view),
          organization: toActor(view.organization),
        })),
      };
    },
  });

  operation({
    method: "post",
    path: "/organizations/{handle}/verification",
    id: "decideVerification",
    tag,
    scope: "exchange:write",
    summary: "Decide about an organization's verification; for curators",
    description:
      "A verified organization gets the credit line of its size; one whose verification is revoked loses it.",
    params: ByHandle,
    body: z.strictObject({
      state: z.enum(DECISIONS),
      size: Size,
      note: z.string().max(NOTE_MAX).optional().openapi({ description: "Required unless it is verified." }),
    }),
    example: { state: "verified", size: "S" },
    answer: Verification,
    async run({ ctx, acting, params: { handle }, body: { state, size, note } }) {
      await requireRole(ctx, acting.accountId, "curator");
      const { id } = await actorByAcct(ctx, handle);
      await decideVerification(ctx, acting, id, { state, sizeClass: size, note });
      return { body: await verification(ctx, id) };
    },
  });

  operation({
    method: "get",
    path: "/vouches",
    id: "listVouches",
    tag,
    scope: "ledger:read",
    summary: "Open pledges that the one who acts gave and received",
    answer: Vouches,
    run: async ({ ctx, acting }) => ({ body: await vouches(ctx, acting.actorId) }),
  });

  operation({
    method: "post",
    path: "/organizations/{handle}/vouch",
    id: "vouch",
    tag,
    scope: "ledger:write",
    summary: "Lend another organization a part of one's credit line",
    params: ByHandle,
    body: z.strictObject({ amount: AmountInput }),
    example: { amount: { value: "200", currency: currencyOf(ctx) } },
    answer: Vouches,
    async run({ ctx, acting, params: { handle }, body: { amount } }) {
      const { id } = await actorByAcct(ctx, handle);
      await vouch(ctx, acting, id, await typedAmount(ctx, amount));
      return { body: await vouches(ctx, acting.actorId) };
    },
  });

  operation({
    method: "delete",
    path: "/organizations/{handle}/vouch",
    id: "withdrawVouch",
    tag,
    scope: "ledger:write",
    summary: "Take a pledge back, whole",
    params: ByHandle,
    answer: Vouches,
    async run({ ctx, acting, params: { handle } }) {
      const { id } = await actorByAcct(ctx, handle);
      await withdrawVouch(ctx, acting, id);
      return { body: await vouches(ctx, acting.actorId) };
    },
  });
}
