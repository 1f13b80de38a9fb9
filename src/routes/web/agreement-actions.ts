import { type Id, parseId } from "../../db/ids.ts";
import {
  acceptAgreement,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  proposeResolution,
  rejectAgreement,
  signResolution,
  withdrawAgreement,
} from "../../domain/agreements/commands.ts";
import { parseDue, parseQuantity } from "../../domain/agreements/input.ts";
import type { FullAgreement } from "../../domain/agreements/queries.ts";
import { priceOf } from "../../domain/agreements/quote-rules.ts";
import { parseRelease } from "../../domain/agreements/stewarding.ts";
import { agreeToResolution, proposeBetween } from "../../domain/agreements/stewards.ts";
import { parseAmount } from "../../domain/amounts.ts";
import type { Acting, Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { type ProposalView, proposalById } from "../../domain/proposals/queries.ts";
import type { NoticeKey } from "../../locales/index.ts";
import type { ExplainedAction } from "../../views/agreements/action-page.tsx";

export type Fields = Record<string, string>;

/** What a party's form does, and what is said about it on the next page. */
interface Action {
  /** What has a page of its own is asked there again when it fails; the rest on the agreement's page. */
  explained: ExplainedAction | null;
  notice: NoticeKey;
  run(acting: Acting, agreement: FullAgreement, fields: Fields): Promise<unknown>;
}

/** The forms of an agreement by the last part of their address. */
export function agreementActions(ctx: Ctx): Record<string, Action> {
  return {
    accept: {
      explained: null,
      notice: "notices.agreement_accepted",
      run: (acting, { id }, { voucher }) =>
        acceptAgreement(ctx, acting, id, { voucherId: voucherOf(voucher) }),
    },
    counter: {
      explained: "counter",
      notice: "notices.agreement_countered",
      run: async (acting, agreement, fields) => {
        const { id } = agreement;
        const price = priceOf(agreement);
        const open = (await proposalTerms(ctx, agreement))?.unitBased === null;
        return counterOffer(ctx, acting, id, {
          quantity: parseQuantity("quantity", fields.quantity),
          amount:
            open && price !== null ? parseAmount("amount", fields.amount ?? "", price.currency.scale) : null,
          due: parseDue(fields.due, ctx.clock.now()),
          note: fields.note,
          voucherId: voucherOf(fields.voucher),
        });
      },
    },
    reject: {
      explained: "reject",
      notice: "notices.agreement_rejected",
      run: (acting, { id }, { note }) => rejectAgreement(ctx, acting, id, { note }),
    },
    withdraw: {
      explained: "withdraw",
      notice: "notices.agreement_withdrawn",
      run: (acting, { id }) => withdrawAgreement(ctx, acting, id),
    },
    cancel: {
      explained: "cancel",
      notice: "notices.agreement_cancelled",
      run: (acting, { id }, { note }) => cancelAgreement(ctx, acting, id, { note }),
    },
    deliver: {
      explained: null,
      notice: "notices.agreement_delivered",
      run: (acting, { id }, { donation }) =>
        deliverAgreement(ctx, acting, id, { donation: Number(donation === "" ? 0 : (donation ?? 0)) }),
    },
    confirm: {
      explained: "confirm",
      notice: "notices.agreement_confirmed",
      // The button on the agreement's page sends neither amount nor quantity: all of it.
      run: (acting, { id, currency }, { amount, quantity, note }) =>
        confirmAgreement(ctx, acting, id, {
          ...(amount === undefined || currency === null
            ? {}
            : { amount: parseAmount("amount", amount, currency.scale) }),
          ...(quantity === undefined ? {} : { quantity: parseQuantity("quantity", quantity) }),
          note,
        }),
    },
    dispute: {
      explained: "dispute",
      notice: "notices.agreement_disputed",
      run: (acting, { id }, { note }) => disputeAgreement(ctx, acting, id, { note }),
    },
    sign: {
      explained: null,
      notice: "notices.resolution_signed",
      run: (acting, { id }, { resolution }) =>
        signResolution(ctx, acting, id, parseId(resolution) ?? missing()),
    },
    agree: {
      explained: null,
      notice: "notices.resolution_agreed",
      run: ({ accountId }, { id }, { resolution }) =>
        agreeToResolution(ctx, accountId, id, parseId(resolution) ?? missing()),
    },
    resolution: {
      explained: null,
      notice: "notices.resolution_proposed",
      run: ({ accountId }, { id, amount, currency }, { release, note }) =>
        proposeResolution(ctx, accountId, id, {
          release:
            amount === null || currency === null
              ? 0n
              : parseAmount("release", release ?? "", currency.scale, 0n),
          note: note ?? "",
        }),
    },
    // Between two hubs: amounts are the payer's.
    propose: {
      explained: null,
      notice: "notices.resolution_sent",
      run: async ({ accountId }, { id }, { release, note }) =>
        proposeBetween(ctx, accountId, id, {
          payer: await parseRelease(ctx, id, release ?? ""),
          note: note ?? "",
        }),
    },
  };
}

/** The proposal an agreement is about; null when it was withdrawn since. */
export async function proposalTerms(
  ctx: Ctx,
  { proposal, provider }: FullAgreement,
): Promise<ProposalView | null> {
  return proposalById(ctx, proposal.id, provider.id).catch((error: unknown) => {
    if (error instanceof DomainError && error.code === "gone") return null;
    throw error;
  });
}

/** Empty: one's own credits. */
export function voucherOf(text: string | undefined): Id | null {
  return text === undefined || text === "" ? null : (parseId(text) ?? missing());
}

export function missing(): never {
  throw new DomainError("not_found", "no such agreement");
}
