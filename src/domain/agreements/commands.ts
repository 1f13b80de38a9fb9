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
import { emit, together, transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { openAgreement, type Step, takeStep } from "./apply.ts";
import type { Signed } from "./consents.ts";
import { stepFromAfar } from "./crossing-rules.ts";
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
import {
  type Across,
  acrossHubs,
  acrossOf,
  checkRate,
  pinned,
  pinnedOf,
  policyBetween,
  pricedIn,
} from "./quote.ts";
import type { Pinned } from "./quote-rules.ts";
import { type AgreementPolicy, type Message, otherParty, step } from "./rules.ts";

export const NOTE_MAX = 1000;
export const MESSAGE_MAX = 4000;

export interface NewOffer {
  proposalId: Id;
  /** The revision that was read. */
  revision: number;
  quantity: number;
  /** Minor units of the proposal's currency in all; only where the proposal leaves the price open. */
  amount?: bigint | null | undefined;
  due: Date | null;
  note?: string | undefined;
  /** A voucher of the solidarity fund pays instead of the receiver. */
  voucherId?: Id | null | undefined;
  /** When a remote offer says that it lapses. */
  until?: Date | null | undefined;
  /** What a remote offer pins for both sides, when credits are settled between the two hubs. */
  quoted?: Pinned | null | undefined;
}

/**
 * Answers a proposal: FEP-0837's Offer of an Agreement. Where the one who answers is the receiver, the credits are held from
 * now on.
 *
 * @param received a remote party's own signed words; without it the actor's key here signs
 * @throws DomainError not_found, gone, own_proposal, proposal_closed, stale_proposal, under_minimum, over_available, invalid,
 *   not_a_number, in_the_past, too_long, organization_needed, as `reserve` of the ledger; with somebody of another hub needs_peering,
 *   peering_paused, stale_quote, not_proven
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
    const by: Party = proposal.purpose === "offer" ? "receiver" : "provider";
    const provider = by === "provider" ? answerer : author;
    const receiver = by === "provider" ? author : answerer;
    const across = proposal.settlement === "credit" ? await acrossHubs(ctx, { provider, receiver }) : null;
    // Whose currency a price is in decides what it is worth.
    if (across !== null && !proposal.local && proposal.currency !== across.peer.currency.iri)
      throw new DomainError("needs_peering", "its price is in a currency of nobody that is known here");
    const { quantity, due } = input;
    const now = ctx.clock.now();
    const proposer = otherParty(by);
    const price = amountFor(proposal, quantity, openPrice(input, proposer));
    const { amount, until, quote } = crossed(across, { ...input, price, proposer }, now, policy);
    const message: Message = {
      type: "offer",
      ...{ by, proposer, settlement: proposal.settlement, between: across?.side ?? null, until },
      terms: { quantity, amount, due },
    };
    const taken: Step = { message, who, note, sign, voucherId: input.voucherId ?? null, quote };
    const outcome = step(null, message, now, policy);
    const peerId = across?.peer.id ?? null;
    return openAgreement(ctx, { proposal, provider, receiver, peerId }, outcome, taken);
  });
}

/** What the other side proposes to pay where a proposal leaves that open: for a remote offer it is what it has pinned. */
function openPrice({ amount, quoted }: Pick<NewOffer, "amount" | "quoted">, proposer: Party): bigint | null {
  return amount ?? (quoted == null ? null : pricedIn(quoted, proposer));
}

/** The terms' amount in this hub's currency; between hubs with what is pinned, and until when it can be answered. */
function crossed(
  across: Across | null,
  terms: Pick<NewOffer, "until" | "quoted"> & { price: bigint | null; proposer: Party },
  now: Date,
  policy: AgreementPolicy,
): { amount: bigint | null; until: Date | null; quote: Pinned | null } {
  const { price, proposer, quoted = null, until = null } = terms;
  if (across === null || price === null) return { amount: price, until, quote: null };
  const made = pinned(across, { price, proposer, quoted, until }, now, policy);
  return { amount: made.amount, until: made.answer, quote: made.pinned };
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
  input: StepInput & Pick<NewOffer, "quantity" | "amount" | "due" | "voucherId" | "until" | "quoted">,
  received?: Signed,
): Promise<AgreementState> {
  return partyStep(
    ctx,
    who,
    id,
    async (by, { loaded, across, ctx, policy }) => {
      const { proposer } = loaded.row;
      const { quantity, due } = input;
      if (across !== null) requireActive(across);
      const price = amountFor(await answeredTerms(ctx, loaded), quantity, openPrice(input, proposer));
      const terms = crossed(across, { ...input, price, proposer }, ctx.clock.now(), policy);
      const { amount, until, quote } = terms;
      return {
        message: { type: "counter", by, terms: { quantity, amount, due }, until },
        ...(across === null ? {} : { quote }),
      };
    },
    input,
    received,
  );
}

/**
 * Agrees to the terms on the table. Where the one who agrees is the receiver, the credits are held from now on.
 *
 * @throws DomainError as `step`, over_available, stale_proposal (it has another unit by now), as `reserve` of the ledger; between hubs
 *   stale_quote, peering_paused, not_proven
 */
export function acceptAgreement(
  ctx: Ctx,
  who: Who,
  id: Id,
  input: StepInput & { voucherId?: Id | null | undefined; iri?: string; transfer?: string | null } = {},
  received?: Signed,
): Promise<AgreementState> {
  return partyStep(
    ctx,
    who,
    id,
    (by, { loaded, across, ctx }) => {
      const quote = pinnedOf(loaded.row);
      if (across !== null && quote !== null && received === undefined) {
        requireActive(across);
        checkRate(across, quote, ctx.clock.now());
      }
      return { message: { type: "accept", by } };
    },
    input,
    received,
  );
}

/** Says no, with a reason if one likes. @throws DomainError as `step` */
export function rejectAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput = {}, received?: Signed) {
  return partyStep(ctx, who, id, (by) => ({ message: { type: "reject", by } }), input, received);
}

/** Takes back what one offered, before it was answered. @throws DomainError as `step` */
export function withdrawAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput = {}, received?: Signed) {
  return partyStep(ctx, who, id, (by) => ({ message: { type: "withdraw", by } }), input, received);
}

/** Calls off what was agreed; what was held is given back. @throws DomainError as `step`, reason_required */
export function cancelAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput, received?: Signed) {
  if (received === undefined) requireReason(input.note);
  return partyStep(ctx, who, id, (by) => ({ message: { type: "cancel", by } }), input, received);
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
  return partyStep(ctx, who, id, (by) => ({ message: { type: "deliver", by } }), input, received);
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
    (by, { loaded: { row } }) => {
      const partial =
        (amount !== undefined && amount !== row.amount) ||
        (quantity !== undefined && quantity !== row.quantity);
      if (partial && received === undefined) requireReason(note);
      return {
        message: {
          type: "confirm",
          by,
          ...(amount === undefined ? {} : { amount }),
          ...(quantity === undefined ? {} : { quantity }),
        },
      };
    },
    input,
    received,
  );
}

/**
 * Between hubs: the other hub's clock ended it, as it tells with its party's own words.
 *
 * @throws DomainError as `step`
 */
export function lapseAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput, received: Signed) {
  return partyStep(ctx, who, id, (by) => ({ message: { type: "lapse", by } }), input, received);
}

/** Says that something is wrong: stewards step in. @throws DomainError as `step`, reason_required */
export function disputeAgreement(ctx: Ctx, who: Who, id: Id, input: StepInput, received?: Signed) {
  if (received === undefined) requireReason(input.note);
  return partyStep(ctx, who, id, (by) => ({ message: { type: "dispute", by } }), input, received);
}

/** Signs the newest resolution; when both have, it is carried out. @throws DomainError as `step`, stale_resolution */
export function signResolution(ctx: Ctx, who: Who, id: Id, resolutionId: Id): Promise<AgreementState> {
  return partyStep(
    ctx,
    who,
    id,
    (by, { resolution }) => {
      // Signed is what was read, not what a steward proposed meanwhile.
      if (resolution?.id !== resolutionId)
        throw new DomainError("not_now", "there is a newer proposal to end the dispute");
      return { message: { type: "sign", by } };
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
    if (loaded.row.peerId !== null)
      throw new DomainError("not_now", "between hubs stewards of both propose (proposeBetween)");
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
    // Whose subject it is: what one actor says goes out in the order in which it was said.
    if (content !== "" && sides.some(({ host }) => host !== null))
      await emit(ctx, {
        name: "message.written",
        subject: acting.actorId.toString(),
        messageId: messageId.toString(),
      });
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
        const across = await acrossOf(ctx, loaded);
        const outcome = step(before, message, now, policyBetween(policy, across?.peer ?? null));
        await takeStep(ctx, loaded, outcome, { message, who: null, note: null, sign: null });
      }).catch((error: unknown) => failed.push({ id, error }));
    }
    if (due.length < BATCH) return failed;
  }
}

type PartyMessage = Extract<Message, { by: Party }>;

/** What a step is made from: the agreement, locked, and what holds for it. */
interface Facts {
  /** With the transaction. */
  ctx: Ctx;
  loaded: Awaited<ReturnType<typeof lockForParty>>;
  resolution: Awaited<ReturnType<typeof newestResolution>>;
  /** The other hub, when credits are settled with it. */
  across: Across | null;
  policy: AgreementPolicy;
}

type Saying = { message: PartyMessage; quote?: Pinned | null };

/** One step of one party, in one transaction: load with lock, rule, effects, consent. */
async function partyStep(
  ctx: Ctx,
  who: Who,
  id: Id,
  say: (by: Party, facts: Facts) => Saying | Promise<Saying>,
  input: StepInput & {
    voucherId?: Id | null | undefined;
    donation?: number;
    iri?: string;
    transfer?: string | null;
  },
  received?: Signed,
): Promise<AgreementState> {
  const note = optionalText("note", input.note, NOTE_MAX);
  const [sign, ownPolicy] = await Promise.all([signerOf(ctx, who, received), currentPolicy(ctx)]);
  return transact(ctx, async (ctx) => {
    const loaded = await lockForParty(ctx, id, who.actorId);
    const resolution = loaded.row.state === "disputed" ? await newestResolution(ctx, id) : null;
    const across = await acrossOf(ctx, loaded);
    const policy = policyBetween(ownPolicy, across?.peer ?? null);
    const { message, ...said } = await say(loaded.party, { ctx, loaded, resolution, across, policy });
    const now = ctx.clock.now();
    const before = toMachine(loaded, resolution);
    // What comes from afar may have been said before its party knew what was said here.
    const outcome =
      received === undefined
        ? step(before, message, now, policy)
        : stepFromAfar(before, message, now, policy);
    if (message.type === "accept" || message.type === "counter") requireSameUnit(loaded);
    if (message.type === "sign" && resolution !== null) {
      const signed = message.by === "provider" ? { providerSigned: now } : { receiverSigned: now };
      const applied = outcome.agreement.state === "resolved" ? { applied: now } : {};
      await ctx.db
        .update(resolutions)
        .set({ ...signed, ...applied })
        .where(eq(resolutions.id, resolution.id));
    }
    const { iri = null, payer = null } = resolution ?? {};
    const between = iri === null || payer === null ? null : { iri, payer };
    return takeStep(ctx, loaded, outcome, {
      ...{ ...input, ...said, message, who, note, sign },
      resolution: between,
    });
  });
}

async function signerOf(ctx: Ctx, who: Who, received: Signed | undefined): Promise<Step["sign"]> {
  return received === undefined ? ctx.consents.signer(ctx.db, who.actorId) : () => received;
}

function requireReason(note: string | null | undefined): void {
  if ((note ?? "").trim() === "")
    throw new DomainError("reason_required", "the other side needs a reason", { field: "note" });
}

/** Nothing new is begun with a hub that one parts from. @throws DomainError peering_paused */
function requireActive({ peer }: Across): void {
  if (peer.state !== "active") throw new DomainError("peering_paused", "nothing new is begun with this hub");
}
