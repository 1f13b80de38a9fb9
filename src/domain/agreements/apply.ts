import { eq } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type AgreementState, agreementSteps, agreements, type Party } from "../../db/schema/agreements.ts";
import type { Purpose } from "../../db/schema/proposals.ts";
import { askAcross, orderAbort, orderCommit } from "../clearing/orders.ts";
import type { Ctx } from "../context.ts";
import type { DomainEvent } from "../events.ts";
import { localHub } from "../hubs/queries.ts";
import { fundAccount, organizationAccount } from "../ledger/accounts.ts";
import { abort, commit, reserve } from "../ledger/transfers.ts";
import { returnVoucher, useVoucher } from "../ledger/vouchers.ts";
import { type Notice, notifyAll, notifyStaff } from "../notices/commands.ts";
import { releaseVouches } from "../organizations/vouching.ts";
import { documentChanged, emit, emitAll, together } from "../transact.ts";
import { holdAcross } from "./across.ts";
import type { Signed, Statement } from "./consents.ts";
import { idAfter, type Loaded, newestSigned, type Past, type partyActor, type Who } from "./load.ts";
import { type answerableProposal, giveBackQuantity, retakeQuantity, takeQuantity } from "./proposal.ts";
import { pinnedOf, pricedIn, toQuoteColumn } from "./quote.ts";
import type { Pinned } from "./quote-rules.ts";
import { type Agreement, type Effect, type Message, otherParty, step } from "./rules.ts";

/** A step as it is taken: what was said, by whom, and how it is signed. */
export interface Step {
  message: Message;
  /** null: the clock. A steward has an account and no actor. */
  who: Who | null;
  note: string | null;
  sign: ((statement: Statement, now: Date) => Signed) | null;
  /** Between hubs: a steward agreed to the resolution that this message proposes to the parties, and how the step is signed. */
  agreed?: (id: Id, now: Date) => Signed;
  voucherId?: Id | null | undefined;
  donation?: number;
  /** The agreement's id at a remote proposer, who gives it one by accepting. */
  iri?: string;
  /** New terms between two hubs: what they pin. */
  quote?: Pinned | null;
  /** The payer's hub accepted: the transfer that it holds the credits by. */
  transfer?: string | null;
  /** Between hubs: the proposal of the stewards that is signed. */
  resolution?: Statement["resolution"];
}

interface Outcome {
  agreement: Agreement;
  effects: readonly Effect[];
}

/** What the effects changed of an agreement's row beside its state. */
interface Paying {
  id: Id;
  providerId: Id;
  receiverId: Id;
  proposalId: Id;
  transferId: Id | null;
  voucherId: Id | null;
  donation: number;
  /** The hub that credits are settled with, and what is pinned with it. */
  peerId: Id | null;
  quote: Pinned | null;
}

type Ends = Pick<Loaded, "provider" | "receiver"> & { iri: string };

/** The ledger's answers need no deadlines. */
const NO_DEADLINES = {
  answerDays: 0,
  graceDays: 0,
  settleDays: 0,
  disputeDays: 0,
  disputeRule: "half",
} as const;

type Side = Awaited<ReturnType<typeof partyActor>>;

/** Writes a new agreement with all that its offer brings about, in the caller's transaction. */
export async function openAgreement(
  ctx: Ctx,
  parties: {
    proposal: Awaited<ReturnType<typeof answerableProposal>>;
    provider: Side;
    receiver: Side;
    /** The hub that credits are settled with. */
    peerId: Id | null;
  },
  outcome: Outcome,
  taken: Step,
): Promise<Id> {
  const { proposal, provider, receiver, peerId } = parties;
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  const iri = `${ctx.hub.origin}/agreements/${id}`;
  const paying: Paying = {
    id,
    providerId: provider.id,
    receiverId: receiver.id,
    proposalId: proposal.id,
    transferId: null,
    voucherId: null,
    donation: 0,
    peerId,
    quote: taken.quote ?? null,
  };
  const agreement = await perform(ctx, paying, { provider, receiver, iri }, outcome, taken);
  const [row] = await ctx.db
    .insert(agreements)
    .values({
      ...toColumns(agreement),
      ...paying,
      quote: toQuoteColumn(paying.quote),
      iri,
      proposalRevision: proposal.revision,
      settlement: agreement.settlement,
      proposer: agreement.proposer,
      unit: proposal.unit,
      created: now,
      changed: now,
    })
    .returning();
  if (row === undefined) throw new Error("The agreement was not written.");
  const loaded: Loaded = { row, provider, receiver, proposal, vouched: false };
  await together([
    writeStep(ctx, loaded, agreement, taken, NO_PAST),
    tellParties(ctx, loaded, outcome.effects),
  ]);
  return id;
}

/**
 * Carries out what the rules decided for an agreement whose row is locked: ledger, proposal, row, signed step, notices; in the
 * caller's transaction.
 *
 * @returns the state it is in now
 */
export async function takeStep(
  ctx: Ctx,
  loaded: Loaded,
  outcome: Outcome,
  taken: Step,
): Promise<AgreementState> {
  const { row } = loaded;
  const now = ctx.clock.now();
  const { id, providerId, receiverId, proposalId, transferId, voucherId, peerId } = row;
  const pinned = taken.quote === undefined ? pinnedOf(row) : taken.quote;
  const paying: Paying = {
    ...{ id, providerId, receiverId, proposalId, transferId, voucherId, peerId },
    donation: taken.donation ?? row.donation,
    quote: pinned === null || taken.transfer == null ? pinned : { ...pinned, transfer: taken.transfer },
  };
  const ends: Ends = { provider: loaded.provider, receiver: loaded.receiver, iri: taken.iri ?? row.iri };
  const [agreement, past] = await together([
    perform(ctx, paying, ends, outcome, taken),
    newestSigned(ctx, id),
  ]);
  const { type } = taken.message;
  const changes = {
    ...changesOf(row, agreement, type, now),
    transferId: paying.transferId,
    voucherId: paying.voucherId,
    donation: paying.donation,
    ...(peerId === null ? {} : { quote: toQuoteColumn(paying.quote) }),
    ...(taken.iri === undefined ? {} : { iri: taken.iri }),
  };
  const after: Loaded = { ...loaded, row: { ...row, ...changes } };
  const silent = type === "tick" && agreement.state === row.state;
  const earns = type === "settled" || outcome.effects.some((effect) => effect.type === "commit");
  // None of them needs what another one finds: sent together they take one round trip.
  const [, signed] = await together([
    ctx.db.update(agreements).set(changes).where(eq(agreements.id, id)),
    silent ? null : writeStep(ctx, after, agreement, taken, past),
    tellParties(ctx, after, outcome.effects),
    loaded.vouched && earns && loaded.provider.host === null ? releaseVouches(ctx, row.providerId) : null,
  ]);
  if (peerId !== null) await orderAcross(ctx, after, agreement, outcome, taken, past, signed);
  await emitAll(ctx, settledEvents(loaded, agreement));
  return agreement.state;
}

/** What a step changes of an agreement's row, beside what it pays with. */
export function changesOf(row: Loaded["row"], agreement: Agreement, type: Message["type"], now: Date) {
  const answers = ["accept", "reject", "counter"].includes(type);
  return {
    ...toColumns(agreement),
    ...(agreement.state === row.state ? {} : { changed: now }),
    ...(answers && row.answered === null ? { answered: now } : {}),
    ...(type === "accept" ? { accepted: now } : {}),
    ...(row.settled === null && agreement.settled !== null ? { settled: now } : {}),
    // A promise was lost, and with it what was to be paid.
    ...(row.settled !== null && agreement.settled === null ? { settled: null } : {}),
  };
}

/** The proposer tells the other server what came of it. */
export function settledEvents(
  { row, provider, receiver }: Loaded,
  agreement: Pick<Agreement, "state">,
): DomainEvent[] {
  const remote = provider.host !== null || receiver.host !== null;
  const proposer = row.proposer === "provider" ? provider : receiver;
  if (!remote || proposer.host !== null || agreement.state !== "settled" || row.state === "settled")
    return [];
  return [{ name: "agreement.settled", subject: proposer.id.toString(), agreementId: row.id.toString() }];
}

/**
 * Orders between hubs, which name the signed words that are behind them: to ask for the promise, and to pay. And the other hub hears
 * that time is over here.
 */
async function orderAcross(
  ctx: Ctx,
  { row, provider, receiver }: Loaded,
  agreement: Agreement,
  { effects }: Outcome,
  { who, message }: Step,
  past: Past,
  signed: Signed | null,
): Promise<void> {
  const accountId = who?.accountId ?? null;
  for (const effect of effects) {
    if (effect.type === "ask") {
      const offer = past.offer?.digest ?? "";
      const evidence = { offer, accept: signed?.digest ?? "" };
      await askAcross(ctx, paidBy(row), { agreement: row.iri, evidence });
    } else if (effect.type === "commit") {
      const decision = nameOf(message, agreement);
      const confirm = message.type === "confirm" ? signed?.digest : WITHOUT_WORDS[decision];
      await orderCommit(ctx, paidBy(row), {
        ...{ payer: effect.amount, confirm: confirm ?? "rule", decision, accountId },
      });
    } else if (effect.type === "lapse") {
      const [own, other] = provider.host === null ? [provider, receiver] : [receiver, provider];
      const party = own === provider ? "provider" : "receiver";
      const said = [past.offer, past.accept].find((step) => step?.party === party);
      if (said != null && other.host !== null)
        await emit(ctx, {
          name: "offer.lapsed",
          subject: own.id.toString(),
          accepterId: other.id.toString(),
          offer: said.activity,
        });
    }
  }
}

/** What is paid without a confirmation of the payer, as entries between hubs name it (`LedgerEntry.confirm`). */
const WITHOUT_WORDS: Readonly<Record<string, string>> = {
  silence: "auto",
  sign: "resolution",
  rule: "rule",
};

function paidBy({ id, transferId }: Pick<Paying, "id" | "transferId">): Id {
  if (transferId === null) throw new Error(`Agreement ${id} has nothing to pay with.`);
  return transferId;
}

/**
 * Does what the rules want done, and tells them the ledger's answers until they want nothing more. Locks in one order whatever is
 * done: agreement, proposal, voucher, ledger accounts.
 */
async function perform(
  ctx: Ctx,
  paying: Paying,
  ends: Ends,
  outcome: Outcome,
  taken: Step,
): Promise<Agreement> {
  let { agreement } = outcome;
  const of = <T extends Effect["type"]>(...types: T[]) =>
    outcome.effects.filter((effect): effect is Extract<Effect, { type: T }> =>
      types.some((type) => effect.type === type),
    );
  const accountId = taken.who?.accountId ?? null;
  const decision = taken.message.type;
  for (const { type, quantity } of of("take", "giveBack", "retake")) {
    const change = { take: takeQuantity, giveBack: giveBackQuantity, retake: retakeQuantity }[type];
    await change(ctx, paying.proposalId, quantity);
    await documentChanged(ctx, paying.proposalId);
  }
  const voucherId = taken.voucherId ?? paying.voucherId;
  if (of("abort", "freed").length > 0 && paying.transferId !== null) {
    const { transferId } = paying;
    if (paying.voucherId !== null) await returnVoucher(ctx, paying.voucherId);
    paying.voucherId = null;
    paying.transferId = null;
    if (of("abort").length > 0 && paying.peerId !== null)
      await orderAbort(ctx, transferId, { reason: decision, decision, accountId });
    else if (of("abort").length > 0) await abort(ctx, transferId, { decision, accountId });
  }
  for (const { amount } of of("reserve")) {
    if (voucherId !== null) await useVoucher(ctx, voucherId, paying.receiverId, amount, paying.id);
    paying.voucherId = voucherId;
    if (paying.peerId !== null) {
      if (paying.quote === null) throw new Error(`Agreement ${paying.id} pins no amounts.`);
      const { peerId, quote, id: agreementId } = paying;
      const { iri: agreement, provider, receiver } = ends;
      const held = await holdAcross(ctx, {
        ...{ peerId, agreementId, agreement, provider, receiver, quote, voucherId, accountId },
      });
      paying.transferId = held.transferId;
      paying.quote = { ...quote, transfer: held.iri };
      continue;
    }
    const [payerId, payeeId] = await together([
      voucherId === null ? organizationAccount(ctx, paying.receiverId) : fundAccount(ctx),
      organizationAccount(ctx, paying.providerId),
    ]);
    paying.transferId = await reserve(ctx, {
      kind: "agreement",
      payerId,
      payeeId,
      amount,
      agreementId: paying.id,
      accountId,
    });
    // A hold that came before its acceptance is part of the offer: nothing waits for it.
    if (agreement.state === "accepted") agreement = answer(agreement, "reserved", ctx);
  }
  for (const { amount } of paying.peerId === null ? of("commit") : []) {
    const { donation } = paying;
    await commit(ctx, paidBy(paying), { amount, decision, donation, accountId });
    agreement = answer(agreement, "committed", ctx);
  }
  return agreement;
}

function answer(agreement: Agreement, type: "reserved" | "committed", ctx: Ctx): Agreement {
  return step(agreement, { type }, ctx.clock.now(), NO_DEADLINES).agreement;
}

function toColumns(agreement: Agreement) {
  const { terms, settled } = agreement;
  return {
    state: agreement.state,
    offeredBy: agreement.offeredBy,
    quantity: terms.quantity,
    amount: terms.amount,
    due: terms.due,
    delivered: agreement.delivered,
    disputedBy: agreement.disputedBy,
    settledAmount: settled?.amount ?? null,
    settledQuantity: settled?.quantity ?? null,
    automatic: settled?.automatic ?? false,
    deadline: agreement.deadline,
    remind: agreement.remind,
  };
}

const NO_PAST: Past = { offer: null, accept: null, last: null };
const said = (step: Past["offer"]) =>
  step === null ? null : { activity: step.activity, digest: step.digest };

/** Records a step, with the signed words of the party whose it is, and lets them travel when the other one is elsewhere. */
async function writeStep(
  ctx: Ctx,
  loaded: Loaded,
  agreement: Agreement,
  taken: Step,
  past: Past,
): Promise<Signed | null> {
  const { provider, receiver } = loaded;
  const { message, note, sign, agreed } = taken;
  const now = ctx.clock.now();
  const id = await idAfter(ctx, past.last);
  const unsigned = unsignedStep(id, loaded, agreement, taken, now);
  const consents = { offer: said(past.offer), accept: said(past.accept) };
  const party = "by" in message ? message.by : null;
  const { amount, quantity } = unsigned;
  const signed =
    sign !== null && party !== null
      ? sign(
          toStatement(loaded, agreement, {
            ...{ id, party, note, amount, quantity, ...consents, type: message.type },
            resolution: taken.resolution ?? null,
          }),
          now,
        )
      : (agreed?.(id, now) ?? null);
  await ctx.db.insert(agreementSteps).values({ ...unsigned, ...(signed ?? {}) });
  const other = party === "provider" ? receiver : provider;
  if (signed?.proof === "ours" && party !== null && other.host !== null)
    await emitSigned(ctx, (party === "provider" ? provider : receiver).id, id);
  else if (signed?.proof === "ours" && agreed !== undefined)
    await emitSigned(ctx, (await localHub(ctx)).actorId, id);
  return signed;
}

/** Lets a signed step travel to whom it is for. */
export function emitSigned(ctx: Ctx, actorId: Id, stepId: Id): Promise<void> {
  return emit(ctx, { name: "agreement.signed", subject: actorId.toString(), stepId: stepId.toString() });
}

/** A step as its row tells it, without what its party signed. */
export function unsignedStep(
  id: Id,
  { row }: Pick<Loaded, "row">,
  agreement: Agreement,
  { message, who, note, agreed }: Pick<Step, "message" | "who" | "note" | "agreed">,
  now: Date,
) {
  const name = agreed === undefined ? nameOf(message, agreement) : "agree";
  return {
    ...{ id, agreementId: row.id, message: name, state: agreement.state },
    ...{ party: "by" in message ? message.by : null, accountId: who?.accountId ?? null },
    ...{ amount: amountOf(message, agreement), quantity: quantityOf(message, agreement) },
    due: message.type === "offer" || message.type === "counter" ? message.terms.due : null,
    ...{ note, created: now },
  };
}

/** What the clock did has a name of its own: nobody said it. */
function nameOf(message: Message, { state }: Agreement): string {
  if (message.type !== "tick") return message.type;
  return state === "expired" ? "expire" : state === "resolved" ? "rule" : "silence";
}

function amountOf(message: Message, { terms, settled, resolution }: Agreement): bigint | null {
  if (message.type === "propose") return message.release;
  if (message.type === "sign") return resolution?.release ?? null;
  if (message.type === "offer" || message.type === "counter" || message.type === "accept")
    return terms.amount;
  return settled?.amount ?? null;
}

function quantityOf(message: Message, { terms, settled }: Agreement): number | null {
  const offers = message.type === "offer" || message.type === "counter" || message.type === "accept";
  return offers ? terms.quantity : (settled?.quantity ?? null);
}

function toStatement(
  { row, provider, receiver, proposal }: Loaded,
  agreement: Agreement,
  said: Omit<Statement, "type" | "actor" | "to" | "agreement" | "until"> & { type: Message["type"] },
): Statement {
  const own = said.party === "provider" ? provider : receiver;
  const other = said.party === "provider" ? receiver : provider;
  const pinned = pinnedOf(row);
  return {
    ...said,
    type: said.type as Statement["type"],
    actor: own.iri,
    to: other.iri,
    agreement: {
      iri: row.iri,
      proposal: proposal.iri,
      purpose: proposal.purpose as Purpose,
      revision: row.proposalRevision,
      proposer: row.proposer,
      offeredBy: row.offeredBy,
      unit: row.unit,
      scale: proposal.scale ?? 0,
      terms: agreement.terms,
      reciprocal:
        (pinned === null ? agreement.terms.amount : pricedIn(pinned, row.proposer)) ??
        priceElsewhere(proposal, agreement.terms.quantity),
      quote: pinned,
      transfer:
        pinned !== null || row.transferId === null
          ? (pinned?.transfer ?? null)
          : `${new URL(row.iri).origin}/transfers/${row.transferId}`,
    },
    until: agreement.deadline,
  };
}

/** What a proposal of another server asks for in its own currency, which is paid outside of any ledger here. */
function priceElsewhere(
  { settlement, price, unitBased }: Loaded["proposal"],
  quantity: number,
): bigint | null {
  if (settlement !== "external" || price === null) return null;
  return unitBased === true ? price * BigInt(quantity) : price;
}

/** Notices to the parties of this hub, and of a dispute to those who may help. */
async function tellParties(ctx: Ctx, loaded: Loaded, effects: readonly Effect[]): Promise<void> {
  const { row, proposal } = loaded;
  const staff = effects.flatMap((effect) => {
    // Of two hubs each has its stewards.
    if (effect.type !== "tell" || effect.kind !== "agreement_disputed") return [];
    const details = { actor: nameFor(loaded, effect.to), title: proposal.name };
    return [notifyStaff(ctx, "curator", effect.kind, `/agreements/${row.id}`, details)];
  });
  await together([notifyAll(ctx, noticesOf(loaded, effects)), ...staff]);
}

/** Notices to the parties of this hub. */
export function noticesOf(loaded: Loaded, effects: readonly Effect[]): Notice[] {
  const { row, proposal } = loaded;
  return effects.flatMap((effect) => {
    if ((effect.type !== "tell" && effect.type !== "remind") || loaded[effect.to].host !== null) return [];
    const kind = effect.type === "remind" ? "agreement_reminder" : effect.kind;
    const details = { actor: nameFor(loaded, effect.to), title: proposal.name };
    return [{ actorId: loaded[effect.to].id, kind, path: `/agreements/${row.id}`, details }];
  });
}

/** The other party, as this one reads of it. */
function nameFor(loaded: Loaded, to: Party): string {
  const from = loaded[otherParty(to)];
  return from.name || from.handle;
}
