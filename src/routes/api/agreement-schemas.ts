import { z } from "@hono/zod-openapi";
import type {
  AgreementView,
  BetweenHubs,
  FullAgreement as FullView,
  MessageView,
} from "../../domain/agreements/queries.ts";
import { AGREEMENT_STATES, PARTIES, type Side } from "../../domain/agreements/rules.ts";
import type { BetweenProposal, Stewarding } from "../../domain/agreements/stewarding.ts";
import type { Ctx } from "../../domain/context.ts";
import { PEER_STATES } from "../../domain/peers/rules.ts";
import { PURPOSES, SETTLEMENTS, UNITS } from "../../domain/proposals/rules.ts";
import {
  Actor,
  Amount,
  Id,
  orNull,
  Time,
  toActor,
  toAmount,
  toAmountOrNull,
  toId,
  toTime,
} from "./schemas.ts";

const Party = z.enum(PARTIES).openapi("Party", {
  description: "`provider` does the service, `receiver` gets it and pays.",
});
const State = z.enum(AGREEMENT_STATES).openapi("AgreementState");
const TimeOrNull = orNull(Time);
const AmountOrNull = orNull(Amount);
const PartyOrNull = orNull(Party);

const SHORT = {
  id: Id,
  iri: z.string(),
  state: State,
  settlement: z.enum(SETTLEMENTS),
  proposal: z.strictObject({
    id: Id,
    iri: z.string(),
    name: z.string(),
    language: orNull(z.string()),
    purpose: z.enum(PURPOSES),
    revision: z.int(),
  }),
  provider: Actor,
  receiver: Actor,
  proposer: Party.openapi({ description: "Who published the proposal." }),
  offeredBy: Party.openapi({ description: "Who made the terms on the table: the other one answers." }),
  quantity: z.int(),
  unit: z.enum(UNITS),
  amount: AmountOrNull.openapi({
    description: "In all, in this hub's currency; null unless credits are paid.",
  }),
  payerAmount: AmountOrNull.openapi({
    description: "What the receiver pays, in the currency of its own hub.",
  }),
  payeeAmount: AmountOrNull.openapi({
    description: "What the provider gets, in the currency of its own hub.",
  }),
  quote: orNull(
    z.strictObject({
      until: Time.openapi({ description: "Until when the two amounts can be agreed to." }),
    }),
  ).openapi({ description: "Both amounts are fixed between two hubs; null where all is within one." }),
  hub: orNull(
    z.strictObject({
      name: z.string(),
      host: z.string(),
      state: z.enum(PEER_STATES).openapi({ description: "Of the peering." }),
      unreachable: TimeOrNull.openapi({ description: "Since when it has not answered; null: it does." }),
    }),
  ).openapi({ description: "The hub that credits are settled with; null: this one alone." }),
  due: TimeOrNull,
  voucher: orNull(Id),
  transfer: orNull(Id),
  donation: z.int().openapi({ description: "Percent that the provider gives to the solidarity fund." }),
  settledAmount: AmountOrNull,
  settledQuantity: orNull(z.int()),
  automatic: z.boolean().openapi({ description: "Settled by silence." }),
  disputedBy: PartyOrNull,
  created: Time,
  accepted: TimeOrNull,
  delivered: TimeOrNull,
  settled: TimeOrNull,
  changed: Time,
  deadline: TimeOrNull.openapi({ description: "When the hub moves it on by itself." }),
  party: PartyOrNull.openapi({ description: "Which party the one who asks is; null for a steward." }),
  waitsFor: z.array(Party).openapi({ description: "Who has to act now." }),
};

export const Agreement = z.strictObject(SHORT).openapi("Agreement");

const Step = z
  .strictObject({
    id: Id,
    message: z.string().openapi({
      description:
        "`offer`, `counter`, `accept`, `reject`, `withdraw`, `cancel`, `deliver`, `confirm`, `dispute`, `sign`; by stewards `propose`, and between two hubs `agree`; by the clock `expire`, `silence`, `rule`.",
    }),
    state: State.openapi({ description: "Which it led to." }),
    party: PartyOrNull,
    person: orNull(z.string()).openapi({ description: "Who it was, for those of the same side." }),
    amount: AmountOrNull,
    quantity: orNull(z.int()),
    due: TimeOrNull,
    note: orNull(z.string()),
    signed: z.boolean(),
    created: Time,
  })
  .openapi("Step");

const Resolution = z
  .strictObject({
    id: Id,
    release: Amount.openapi({
      description: "What the provider gets of the hold, in this hub's currency; the rest goes back.",
    }),
    payerAmount: Amount.openapi({
      description: "What the receiver pays by it, in the currency of its own hub.",
    }),
    payeeAmount: Amount.openapi({
      description: "What the provider gets by it, in the currency of its own hub.",
    }),
    theirs: z.boolean().openapi({ description: "A steward of the other hub proposes it." }),
    agreed: TimeOrNull.openapi({
      description:
        "Between two hubs: when a steward of the hub that did not propose it agreed; the parties can sign it since.",
    }),
    note: z.string(),
    created: Time,
    providerSigned: TimeOrNull,
    receiverSigned: TimeOrNull,
    applied: TimeOrNull,
  })
  .openapi("Resolution");

export const FullAgreement = z
  .strictObject({
    ...SHORT,
    possible: z.array(z.string()).openapi({ description: "What the one who asks can do now." }),
    steward: z.boolean().openapi({ description: "The one who asks may propose how the dispute ends." }),
    resolution: orNull(Resolution).openapi({ description: "The one that counts: the parties can sign it." }),
    resolutions: z.array(Resolution).openapi({
      description:
        "What stewards propose, newest first; between two hubs with those that wait for the other hub's steward.",
    }),
    steps: z.array(Step).openapi({ description: "Oldest first." }),
  })
  .openapi("FullAgreement");

export const Message = z
  .strictObject({
    id: Id,
    author: Actor,
    content: z.string().openapi({ description: "Plain text." }),
    document: orNull(
      z.strictObject({ id: Id, name: z.string(), type: z.string(), bytes: z.int(), url: z.string() }),
    ),
    own: z.boolean(),
    created: Time,
  })
  .openapi("Message");

const Consent = z
  .strictObject({
    message: z.string(),
    party: Party.openapi({
      description: "Whose words they are; of a steward's (`propose`, `agree`), whose hub it is.",
    }),
    activity: z.string().openapi({ description: "Its ActivityPub id." }),
    digest: z
      .string()
      .openapi({ description: "Multihash of its canonical JSON: later consents refer to it." }),
    sha256: z.string().openapi({ description: "Of the very bytes of `body`, in hexadecimal." }),
    body: z.string().openapi({ description: "The signed activity as it was sent, byte for byte." }),
    proof: z.enum(["ours", "verified", "none"]),
  })
  .openapi("Consent");

export const ConsentBundle = z
  .strictObject({
    type: z.literal("AyniAgreementConsents"),
    agreement: z.string().openapi({ description: "The agreement's ActivityPub id." }),
    parties: z.strictObject({ provider: z.string(), receiver: z.string() }),
    hubs: z
      .strictObject({ provider: z.string().optional(), receiver: z.string().optional() })
      .optional()
      .openapi({ description: "The parties' hubs, where these have spoken for their stewards." }),
    consents: z.array(Consent).openapi({ description: "Oldest first." }),
    keys: z
      .array(z.strictObject({ owner: z.string(), id: z.string(), publicKeyMultibase: z.string() }))
      .openapi({ description: "The keys that the proofs were made with." }),
  })
  .openapi("ConsentBundle");

export function toAgreement(ctx: Ctx, view: AgreementView): z.input<typeof Agreement> {
  const { id, iri, state, settlement, proposal, provider, receiver, proposer, offeredBy } = view;
  const { quantity, unit, donation, settledQuantity, automatic, disputedBy, party, waitsFor } = view;
  return {
    ...{ id: id.toString(), iri, state, settlement, proposer, offeredBy, quantity, unit, donation },
    ...{ settledQuantity, automatic, disputedBy, party, waitsFor },
    proposal: {
      ...{ id: proposal.id.toString(), iri: proposal.iri, name: proposal.name, language: proposal.language },
      ...{ purpose: proposal.purpose, revision: proposal.revision },
    },
    provider: toActor(provider),
    receiver: toActor(receiver),
    amount: toAmountOrNull(ctx, view.amount),
    ...toBetween(ctx, view),
    due: toTime(view.due),
    voucher: toId(view.voucherId),
    transfer: toId(view.transferId),
    settledAmount: toAmountOrNull(ctx, view.settledAmount),
    created: view.created.toISOString(),
    accepted: toTime(view.accepted),
    delivered: toTime(view.delivered),
    settled: toTime(view.settled),
    changed: view.changed.toISOString(),
    deadline: toTime(view.deadline),
  };
}

function toBetween(ctx: Ctx, { between, amount }: AgreementView) {
  if (between === null) {
    const own = toAmountOrNull(ctx, amount);
    return { payerAmount: own, payeeAmount: own, quote: null, hub: null };
  }
  const { hub, until } = between;
  const { name, host, state, unreachable } = hub;
  return {
    ...toBoth(ctx, between, { payer: between.payer.amount, payee: between.payee.amount }),
    quote: { until: until.toISOString() },
    hub: { name, host, state, unreachable: toTime(unreachable) },
  };
}

/** What one side pays and the other one gets, each in the currency of its own hub. */
function toBoth(
  ctx: Ctx,
  between: Pick<BetweenHubs, "side" | "hub"> | null,
  amounts: Record<Side, bigint>,
): Record<`${Side}Amount`, z.input<typeof Amount>> {
  const of = (side: Side) =>
    between === null || side === between.side
      ? toAmount(ctx, amounts[side])
      : { value: amounts[side].toString(), currency: between.hub.currency };
  return { payerAmount: of("payer"), payeeAmount: of("payee") };
}

/** @param stewarding what stewards of two hubs propose; null: within one, or nobody disputed */
export function toFullAgreement(
  ctx: Ctx,
  view: FullView,
  stewarding: Stewarding | null,
): z.input<typeof FullAgreement> {
  const resolutions = proposedIn(view, stewarding).map((resolution) =>
    toResolution(ctx, view.between, resolution),
  );
  return {
    ...toAgreement(ctx, view),
    possible: view.possible,
    steward: view.steward,
    resolution: resolutions.find(({ id }) => id === view.resolution?.id.toString()) ?? null,
    resolutions,
    steps: view.steps.map(({ id, message, state, party, person, quantity, note, signed, ...step }) => ({
      ...{ id: id.toString(), message, state, party, person, quantity, note, signed },
      amount: toAmountOrNull(ctx, step.amount),
      due: toTime(step.due),
      created: step.created.toISOString(),
    })),
  };
}

function proposedIn({ resolution }: FullView, stewarding: Stewarding | null): BetweenProposal[] {
  if (stewarding !== null) return stewarding.proposals;
  if (resolution === null) return [];
  const { release } = resolution;
  return [{ ...resolution, payer: release, payee: release, theirs: false, agreed: null }];
}

function toResolution(
  ctx: Ctx,
  between: FullView["between"],
  { id, release, payer, payee, theirs, note, ...times }: BetweenProposal,
): z.input<typeof Resolution> {
  return {
    ...{ id: id.toString(), theirs, note, release: toAmount(ctx, release) },
    ...toBoth(ctx, between, { payer, payee }),
    created: times.created.toISOString(),
    agreed: toTime(times.agreed),
    providerSigned: toTime(times.providerSigned),
    receiverSigned: toTime(times.receiverSigned),
    applied: toTime(times.applied),
  };
}

export function toMessage(ctx: Ctx, view: MessageView): z.input<typeof Message> {
  const { id, author, content, document, own, created } = view;
  return {
    ...{ id: id.toString(), author: toActor(author), content, own, created: created.toISOString() },
    document:
      document === null
        ? null
        : {
            ...{
              id: document.id.toString(),
              name: document.name,
              type: document.type,
              bytes: document.bytes,
            },
            url: `${ctx.hub.origin}/media/${document.id}`,
          },
  };
}
