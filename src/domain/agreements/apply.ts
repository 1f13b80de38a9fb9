import { eq } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type AgreementState, agreementSteps, agreements } from "../../db/schema/agreements.ts";
import type { Purpose } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { fundAccount, organizationAccount } from "../ledger/accounts.ts";
import { abort, commit, reserve } from "../ledger/transfers.ts";
import { returnVoucher, useVoucher } from "../ledger/vouchers.ts";
import { notify, notifyStaff } from "../notices/commands.ts";
import { releaseVouches } from "../organizations/vouching.ts";
import { documentChanged, emit, together } from "../transact.ts";
import type { Signed, Statement } from "./consents.ts";
import { idAfter, type Loaded, newestSigned, type partyActor, type Who } from "./load.ts";
import { type answerableProposal, giveBackQuantity, takeQuantity } from "./proposal.ts";
import { type Agreement, type Effect, type Message, otherParty, step } from "./rules.ts";

/** A step as it is taken: what was said, by whom, and how it is signed. */
export interface Step {
  message: Message;
  /** null: the clock. A steward has an account and no actor. */
  who: Who | null;
  note: string | null;
  sign: ((statement: Statement, now: Date) => Signed) | null;
  voucherId?: Id | null | undefined;
  donation?: number;
  /** The agreement's id at a remote proposer, who gives it one by accepting. */
  iri?: string;
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
}

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
  parties: { proposal: Awaited<ReturnType<typeof answerableProposal>>; provider: Side; receiver: Side },
  outcome: Outcome,
  taken: Step,
): Promise<Id> {
  const { proposal, provider, receiver } = parties;
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  const paying: Paying = {
    id,
    providerId: provider.id,
    receiverId: receiver.id,
    proposalId: proposal.id,
    transferId: null,
    voucherId: null,
    donation: 0,
  };
  const agreement = await perform(ctx, paying, outcome, taken);
  const [row] = await ctx.db
    .insert(agreements)
    .values({
      ...toColumns(agreement),
      ...paying,
      iri: `${ctx.hub.origin}/agreements/${id}`,
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
  const { id, providerId, receiverId, proposalId, transferId, voucherId } = row;
  const paying: Paying = {
    ...{ id, providerId, receiverId, proposalId, transferId, voucherId },
    donation: taken.donation ?? row.donation,
  };
  const [agreement, past] = await together([perform(ctx, paying, outcome, taken), newestSigned(ctx, id)]);
  const { type } = taken.message;
  const answers = ["accept", "reject", "counter"].includes(type);
  const changes = {
    ...toColumns(agreement),
    transferId: paying.transferId,
    voucherId: paying.voucherId,
    donation: paying.donation,
    ...(taken.iri === undefined ? {} : { iri: taken.iri }),
    ...(agreement.state === row.state ? {} : { changed: now }),
    ...(answers && row.answered === null ? { answered: now } : {}),
    ...(type === "accept" ? { accepted: now } : {}),
    ...(row.settled === null && agreement.settled !== null ? { settled: now } : {}),
  };
  const after: Loaded = { ...loaded, row: { ...row, ...changes } };
  const silent = type === "tick" && agreement.state === row.state;
  // None of them needs what another one finds: sent together they take one round trip.
  await together([
    ctx.db.update(agreements).set(changes).where(eq(agreements.id, id)),
    silent ? null : writeStep(ctx, after, agreement, taken, past),
    tellParties(ctx, after, outcome.effects),
    loaded.vouched && outcome.effects.some((effect) => effect.type === "commit")
      ? releaseVouches(ctx, row.providerId)
      : null,
  ]);
  const remote = [loaded.provider, loaded.receiver].some(({ host }) => host !== null);
  if (remote && agreement.state === "settled" && row.state !== "settled") {
    const proposer = row.proposer === "provider" ? loaded.provider : loaded.receiver;
    if (proposer.host === null)
      await emit(ctx, {
        name: "agreement.settled",
        subject: proposer.id.toString(),
        agreementId: id.toString(),
      });
  }
  return agreement.state;
}

/**
 * Does what the rules want done, and tells them the ledger's answers until they want nothing more. Locks in one order whatever is
 * done: agreement, proposal, voucher, ledger accounts.
 */
async function perform(ctx: Ctx, paying: Paying, outcome: Outcome, taken: Step): Promise<Agreement> {
  let { agreement } = outcome;
  const of = <T extends Effect["type"]>(...types: T[]) =>
    outcome.effects.filter((effect): effect is Extract<Effect, { type: T }> =>
      types.some((type) => effect.type === type),
    );
  const accountId = taken.who?.accountId ?? null;
  const decision = taken.message.type;
  for (const { type, quantity } of of("take", "giveBack")) {
    const change = type === "take" ? takeQuantity : giveBackQuantity;
    await change(ctx, paying.proposalId, quantity);
    await documentChanged(ctx, paying.proposalId);
  }
  const voucherId = taken.voucherId ?? paying.voucherId;
  if (of("abort").length > 0 && paying.transferId !== null) {
    if (paying.voucherId !== null) await returnVoucher(ctx, paying.voucherId);
    paying.voucherId = null;
    await abort(ctx, paying.transferId, { decision, accountId });
    paying.transferId = null;
  }
  for (const { amount } of of("reserve")) {
    if (voucherId !== null) await useVoucher(ctx, voucherId, paying.receiverId, amount, paying.id);
    paying.voucherId = voucherId;
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
  for (const { amount } of of("commit")) {
    if (paying.transferId === null) throw new Error(`Agreement ${paying.id} has nothing to pay with.`);
    const { donation } = paying;
    await commit(ctx, paying.transferId, { amount, decision, donation, accountId });
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

type Past = Awaited<ReturnType<typeof newestSigned>>;
const NO_PAST: Past = { offer: null, accept: null, last: null };

/** Records a step, with the signed words of the party whose it is, and lets them travel when the other one is elsewhere. */
async function writeStep(
  ctx: Ctx,
  loaded: Loaded,
  agreement: Agreement,
  taken: Step,
  { last, ...consents }: Past,
): Promise<void> {
  const { row, provider, receiver } = loaded;
  const { message, who, note, sign } = taken;
  const now = ctx.clock.now();
  const id = await idAfter(ctx, last);
  const party = "by" in message ? message.by : null;
  const said = { amount: amountOf(message, agreement), quantity: quantityOf(message, agreement) };
  const signed =
    sign !== null && party !== null
      ? sign(
          toStatement(loaded, agreement, { id, party, note, ...said, ...consents, type: message.type }),
          now,
        )
      : null;
  await ctx.db.insert(agreementSteps).values({
    id,
    agreementId: row.id,
    message: nameOf(message, agreement),
    state: agreement.state,
    party,
    accountId: who?.accountId ?? null,
    ...said,
    due: message.type === "offer" || message.type === "counter" ? message.terms.due : null,
    note,
    ...(signed ?? {}),
    created: now,
  });
  const other = party === "provider" ? receiver : provider;
  if (signed?.proof === "ours" && party !== null && other.host !== null) {
    const own = party === "provider" ? provider : receiver;
    await emit(ctx, { name: "agreement.signed", subject: own.id.toString(), stepId: id.toString() });
  }
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
  said: Pick<Statement, "id" | "party" | "note" | "amount" | "quantity" | "offer" | "accept"> & {
    type: Message["type"];
  },
): Statement {
  const own = said.party === "provider" ? provider : receiver;
  const other = said.party === "provider" ? receiver : provider;
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
      reciprocal: agreement.terms.amount ?? priceElsewhere(proposal, agreement.terms.quantity),
      transfer: row.transferId === null ? null : `${new URL(row.iri).origin}/transfers/${row.transferId}`,
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
  const path = `/agreements/${row.id}`;
  const told = effects.map((effect) => {
    if (effect.type !== "tell" && effect.type !== "remind") return [];
    const to = loaded[effect.to];
    if (to.host !== null) return [];
    const from = loaded[otherParty(effect.to)];
    const details = { actor: from.name || from.handle, title: proposal.name };
    if (effect.type === "remind") return [notify(ctx, to.id, "agreement_reminder", path, details)];
    const notices = [notify(ctx, to.id, effect.kind, path, details)];
    if (effect.kind === "agreement_disputed")
      notices.push(notifyStaff(ctx, "curator", "agreement_disputed", path, details));
    return notices;
  });
  await together(told.flat());
}
