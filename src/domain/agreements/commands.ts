import { and, eq, gt, lte, or } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import {
  type AgreementState,
  agreementMessages,
  agreements,
  type Party,
  resolutions,
} from "../../db/schema/agreements.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { notify } from "../notices/commands.ts";
import { together, transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { openAgreement, type Step, takeStep } from "./apply.ts";
import type { Signed } from "./consents.ts";
import {
  idAfter,
  lockAgreement,
  lockForParty,
  newestResolution,
  partyActor,
  requireSteward,
  toMachine,
  type Who,
} from "./load.ts";
import { amountFor } from "./price-rules.ts";
import { answerableProposal, answeredTerms, requireSameUnit } from "./proposal.ts";
import { type Message, otherParty, step } from "./rules.ts";

export const NOTE_MAX = 1000;
export const MESSAGE_MAX = 4000;

export interface NewOffer {
  proposalId: Id;
  /** The revision that was read. */
  revision: number;
  quantity: number;
  /** Minor units in all; only where the proposal leaves the price open. */
  amount?: bigint | null | undefined;
  due: Date | null;
  note?: string | undefined;
  /** A voucher of the solidarity fund pays instead of the receiver. */
  voucherId?: Id | null | undefined;
  /** When a remote offer says that it lapses. */
  until?: Date | null | undefined;
}

/**
 * Answers a proposal: FEP-0837's Offer of an Agreement. Where the one who answers is the receiver, the credits are held from
 * now on.
 *
 * @param received a remote party's own signed words; without it the actor's key here signs
 * @throws DomainError not_found, gone, own_proposal, proposal_closed, stale_proposal, under_minimum, over_available, invalid,
 *   not_a_number, in_the_past, too_long, organization_needed, needs_peering, and as `reserve` of the ledger
 */
export async function offerAgreement(ctx: Ctx, who: Who, input: NewOffer, received?: Signed): Promise<Id> {
  const note = optionalText("note", input.note, NOTE_MAX);
  const [sign, policy] = await Promise.all([signerOf(ctx, who, received), currentPolicy(ctx)]);
  return transact(ctx, async (ctx) => {
    const proposal = await answerableProposal(ctx, input.proposalId, input.revision);
    if (proposal.actorId === who.actorId) throw new DomainError("own_proposal", "this is one's own proposal");
    const [author, answerer] = await together([
      partyActor(ctx, proposal.actorId),
      partyActor(ctx, who.actorId),
    ]);
    if (proposal.settlement === "credit") requireLocalOrganizations(author, answerer);
    const by: Party = proposal.purpose === "offer" ? "receiver" : "provider";
    const message: Message = {
      type: "offer",
      by,
      proposer: otherParty(by),
      settlement: proposal.settlement,
      terms: {
        quantity: input.quantity,
        amount: amountFor(proposal, input.quantity, input.amount ?? null),
        due: input.due,
      },
      until: input.until ?? null,
    };
    const taken: Step = { message, who, note, sign, voucherId: input.voucherId ?? null };
    const outcome = step(null, message, ctx.clock.now(), policy);
    const provider = by === "provider" ? answerer : author;
    const receiver = by === "provider" ? author : answerer;
    return openAgreement(ctx, { proposal, provider, receiver }, outcome, taken);
  });
}

/** What a party may add to a step. */
export interface StepInput {
  note?: string | null | undefined;
}

/**
 * Puts other terms on the table: the other one answers now. What the proposal fixed when it was answered stays fixed.
 *
 * @throws DomainError as offerAgreement and `step`
 */
export function counterOffer(
  ctx: Ctx,
  who: Who,
  id: Id,
  input: StepInput & Pick<NewOffer, "quantity" | "amount" | "due" | "voucherId">,
  received?: Signed,
): Promise<AgreementState> {
  return partyStep(
    ctx,
    who,
    id,
    async (by, loaded, _resolution, ctx) => ({
      type: "counter",
      by,
      terms: {
        quantity: input.quantity,
        amount: amountFor(await answeredTerms(ctx, loaded), input.quantity, input.amount ?? null),
        due: input.due,
      },
    }),
    input,
    received,
  );
}

/**
 * Agrees to the terms on the table. Where the one who agrees is the receiver, the credits are held from now on.
 *
 * @throws DomainError as `step`, over_available, stale_proposal (it has another unit by now), and as `reserve` of the ledger
 */
export function acceptAgreement(
  ctx: Ctx,
  who: Who,
  id: Id,
  input: StepInput & { voucherId?: Id | null | undefined; iri?: string } = {},
  received?: Signed,
): Promise<AgreementState> {
  return partyStep(ctx, who, id, (by) => ({ type: "accept", by }), input, received);
}

/** Says no, with a reason if one likes. @throws DomainError as `step` */
export function rejectAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput = {}, received?: Signed) {
  return partyStep(ctx, who, id, (by) => ({ type: "reject", by }), input, received);
}

/** Takes back what one offered, before it was answered. @throws DomainError as `step` */
export function withdrawAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput = {}, received?: Signed) {
  return partyStep(ctx, who, id, (by) => ({ type: "withdraw", by }), input, received);
}

/** Calls off what was agreed; what was held is given back. @throws DomainError as `step`, reason_required */
export function cancelAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput, received?: Signed) {
  if (received === undefined) requireReason(input.note);
  return partyStep(ctx, who, id, (by) => ({ type: "cancel", by }), input, received);
}

/**
 * The provider says that the work is done.
 *
 * @param input.donation percent (0 to 20) of what it earns that it gives to the solidarity fund
 * @throws DomainError as `step`, invalid
 */
export function deliverAgreement(
  ctx: Ctx,
  who: Who,
  id: Id,
  input: StepInput & { donation?: number } = {},
  received?: Signed,
) {
  const { donation = 0 } = input;
  if (!Number.isInteger(donation) || donation < 0 || donation > 20)
    throw new DomainError("invalid", "a donation is 0 to 20 percent", { field: "donation" });
  return partyStep(ctx, who, id, (by) => ({ type: "deliver", by }), input, received);
}

/**
 * The receiver says that it got it, and so pays: all, or a part with a reason.
 *
 * @throws DomainError as `step`, over_amount, reason_required, and as `commit` of the ledger
 */
export function confirmAgreement(
  ctx: Ctx,
  who: Who,
  id: Id,
  input: StepInput & { amount?: bigint | undefined; quantity?: number | undefined } = {},
  received?: Signed,
) {
  const { amount, quantity, note } = input;
  return partyStep(
    ctx,
    who,
    id,
    (by, { row }) => {
      const partial =
        (amount !== undefined && amount !== row.amount) ||
        (quantity !== undefined && quantity !== row.quantity);
      if (partial && received === undefined) requireReason(note);
      return {
        type: "confirm",
        by,
        ...(amount === undefined ? {} : { amount }),
        ...(quantity === undefined ? {} : { quantity }),
      };
    },
    input,
    received,
  );
}

/** Says that something is wrong: stewards step in. @throws DomainError as `step`, reason_required */
export function disputeAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput, received?: Signed) {
  if (received === undefined) requireReason(input.note);
  return partyStep(ctx, who, id, (by) => ({ type: "dispute", by }), input, received);
}

/** Signs the newest resolution; when both have, it is carried out. @throws DomainError as `step`, stale_resolution */
export function signResolution(ctx: Ctx, who: Who, id: Id, resolutionId: Id): Promise<AgreementState> {
  return partyStep(
    ctx,
    who,
    id,
    (by, _loaded, resolution) => {
      // Signed is what was read, not what a steward proposed meanwhile.
      if (resolution?.id !== resolutionId)
        throw new DomainError("not_now", "there is a newer proposal to end the dispute");
      return { type: "sign", by };
    },
    {},
  );
}

/**
 * A steward proposes how to end a dispute.
 *
 * @param input.release minor units that the provider gets; the rest goes back. 0 where no credits are held
 * @throws DomainError not_found (no curator, or one of the two organizations'), not_now, over_amount, required, too_long
 */
export async function proposeResolution(
  ctx: Ctx,
  accountId: Id,
  id: Id,
  input: { release: bigint; note: string },
): Promise<void> {
  const note = requiredText("note", input.note, NOTE_MAX);
  const policy = await currentPolicy(ctx);
  await transact(ctx, async (ctx) => {
    const loaded = await lockAgreement(ctx, id);
    await requireSteward(ctx, accountId, loaded.row);
    const message: Message = { type: "propose", release: input.release };
    const outcome = step(toMachine(loaded, null), message, ctx.clock.now(), policy);
    const now = ctx.clock.now();
    await ctx.db.insert(resolutions).values({
      id: await idAfter(ctx, (await newestResolution(ctx, id))?.id ?? null),
      agreementId: id,
      accountId,
      release: input.release,
      note,
      created: now,
    });
    await takeStep(ctx, loaded, outcome, { message, who: { actorId: 0n, accountId }, note, sign: null });
  });
}

/** Writes to the other party (and in a dispute to the stewards). @throws DomainError not_found, required, too_long */
export async function writeMessage(
  ctx: Ctx,
  acting: Acting,
  id: Id,
  input: { content: string; mediaId?: Id | null },
): Promise<Id> {
  const mediaId = input.mediaId ?? null;
  const content =
    mediaId === null
      ? requiredText("content", input.content, MESSAGE_MAX)
      : (optionalText("content", input.content, MESSAGE_MAX) ?? "");
  return transact(ctx, async (ctx) => {
    const loaded = await lockAgreement(ctx, id);
    const { row, provider, receiver, proposal } = loaded;
    const sides = [provider, receiver];
    const author = sides.find((side) => side.id === acting.actorId);
    if (author === undefined) {
      if (row.state !== "disputed") throw new DomainError("not_found", "no such agreement");
      await requireSteward(ctx, acting.accountId, row);
    }
    const now = ctx.clock.now();
    const messageId = await ctx.ids.next(now);
    await ctx.db.insert(agreementMessages).values({
      id: messageId,
      agreementId: id,
      authorId: acting.actorId,
      accountId: acting.accountId,
      content,
      mediaId,
      created: now,
    });
    const from = author ?? (await partyActor(ctx, acting.actorId));
    for (const side of sides) {
      if (side.id === acting.actorId || side.host !== null) continue;
      await notify(ctx, side.id, "agreement_message", `/agreements/${id}`, {
        actor: from.name || from.handle,
        title: proposal.name,
      });
    }
    return messageId;
  });
}

const BATCH = 200;

/**
 * What the clock does: reminds, lets offers lapse, settles what nobody contested, ends disputes by the hub's rule. Each agreement in
 * a transaction of its own, so that one that cannot move on holds up no other.
 *
 * @returns agreements that could not be moved on now, with what was in the way
 */
export async function advanceAgreements(ctx: Ctx): Promise<{ id: Id; error: unknown }[]> {
  const failed: { id: Id; error: unknown }[] = [];
  const policy = await currentPolicy(ctx);
  const now = ctx.clock.now();
  let last = 0n;
  for (;;) {
    const due = await ctx.db
      .select({ id: agreements.id })
      .from(agreements)
      .where(and(gt(agreements.id, last), or(lte(agreements.deadline, now), lte(agreements.remind, now))))
      .orderBy(agreements.id)
      .limit(BATCH);
    for (const { id } of due) {
      last = id;
      await transact(ctx, async (ctx) => {
        const loaded = await lockAgreement(ctx, id);
        const resolution = loaded.row.state === "disputed" ? await newestResolution(ctx, id) : null;
        const message: Message = { type: "tick" };
        const before = toMachine(loaded, resolution);
        // Somebody may have acted since it was listed.
        if (before.deadline === null && before.remind === null) return;
        const outcome = step(before, message, now, policy);
        await takeStep(ctx, loaded, outcome, { message, who: null, note: null, sign: null });
      }).catch((error: unknown) => failed.push({ id, error }));
    }
    if (due.length < BATCH) return failed;
  }
}

type PartyMessage = Extract<Message, { by: Party }>;

/** One step of one party, in one transaction: load with lock, rule, effects, consent. */
async function partyStep(
  ctx: Ctx,
  who: Who,
  id: Id,
  say: (
    by: Party,
    loaded: Awaited<ReturnType<typeof lockForParty>>,
    resolution: Awaited<ReturnType<typeof newestResolution>>,
    ctx: Ctx,
  ) => PartyMessage | Promise<PartyMessage>,
  input: StepInput & { voucherId?: Id | null | undefined; donation?: number; iri?: string },
  received?: Signed,
): Promise<AgreementState> {
  const note = optionalText("note", input.note, NOTE_MAX);
  const [sign, policy] = await Promise.all([signerOf(ctx, who, received), currentPolicy(ctx)]);
  return transact(ctx, async (ctx) => {
    const loaded = await lockForParty(ctx, id, who.actorId);
    const resolution = loaded.row.state === "disputed" ? await newestResolution(ctx, id) : null;
    const message = await say(loaded.party, loaded, resolution, ctx);
    const now = ctx.clock.now();
    const outcome = step(toMachine(loaded, resolution), message, now, policy);
    if (message.type === "accept" || message.type === "counter") requireSameUnit(loaded);
    if (message.type === "sign" && resolution !== null) {
      const signed = message.by === "provider" ? { providerSigned: now } : { receiverSigned: now };
      const applied = outcome.agreement.state === "resolved" ? { applied: now } : {};
      await ctx.db
        .update(resolutions)
        .set({ ...signed, ...applied })
        .where(eq(resolutions.id, resolution.id));
    }
    return takeStep(ctx, loaded, outcome, { ...input, message, who, note, sign });
  });
}

async function signerOf(ctx: Ctx, who: Who, received: Signed | undefined): Promise<Step["sign"]> {
  return received === undefined ? ctx.consents.signer(ctx.db, who.actorId) : () => received;
}

function requireReason(note: string | null | undefined): void {
  if ((note ?? "").trim() === "")
    throw new DomainError("reason_required", "the other side needs a reason", { field: "note" });
}

/** Credits are held and paid in this hub's ledger: between hubs that takes an agreement of theirs first. */
function requireLocalOrganizations(...parties: { host: string | null; kind: string }[]): void {
  if (parties.some(({ host }) => host !== null))
    throw new DomainError("needs_peering", "credits are settled within one hub");
  if (parties.some(({ kind }) => kind !== "Organization"))
    throw new DomainError("organization_needed", "credits are an organization's");
}
