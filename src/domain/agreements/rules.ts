import type { AgreementState, Party } from "../../db/schema/agreements.ts";
import type { DisputeRule } from "../../db/schema/ledger.ts";
import type { Settlement } from "../../db/schema/proposals.ts";
import { DomainError } from "../errors.ts";

export { AGREEMENT_STATES, PARTIES } from "../../db/schema/agreements.ts";

/** What the two agree on. `amount`: minor units in all, null unless credits are paid. */
export interface Terms {
  quantity: number;
  amount: bigint | null;
  due: Date | null;
}

/** An agreement as the rules see it. */
export interface Agreement {
  state: AgreementState;
  settlement: Settlement;
  /** Whose hub this one is, when credits are settled with the other party's hub; null: all is within one hub. */
  between: Side | null;
  /** Who published the proposal. */
  proposer: Party;
  /** Who made the terms on the table; the other one answers. */
  offeredBy: Party;
  terms: Terms;
  /** Credits are held for it: the receiver has consented to these very terms. */
  held: boolean;
  delivered: Date | null;
  disputedBy: Party | null;
  /** How a steward proposes to end the dispute, and who signed that. */
  resolution: { release: bigint; signed: readonly Party[] } | null;
  /** What was paid (null: nothing is ever paid) and what was done in the end. */
  settled: { amount: bigint | null; quantity: number; automatic: boolean } | null;
  deadline: Date | null;
  remind: Date | null;
}

/** Which of two hubs that settle with one another: the payer's decides, the payee's has promised to take what it decides. */
export type Side = "payer" | "payee";

/** What a party, a steward, the ledger or the clock says to it. */
export type Message =
  | {
      type: "offer";
      by: Party;
      terms: Terms;
      settlement: Settlement;
      between?: Side | null;
      proposer: Party;
      until?: Date | null;
    }
  | { type: "counter"; by: Party; terms: Terms; until?: Date | null }
  | { type: "accept" | "reject" | "withdraw" | "cancel" | "deliver" | "dispute" | "sign"; by: Party }
  /** Without an amount: all of it. */
  | { type: "confirm"; by: Party; amount?: bigint; quantity?: number }
  /** A steward's: what the provider gets of the hold. */
  | { type: "propose"; release: bigint }
  /** The ledger's answers to `reserve` and `commit`; between hubs `reserved` is the other hub's promise, which it may also refuse. */
  | { type: "reserved" | "refused" | "committed" }
  /** Between hubs, from the ledger: the payer's hub has paid (`decided`: by the end of a dispute), or will never pay. */
  | { type: "settled"; amount: bigint; automatic: boolean; decided: boolean }
  | { type: "released" }
  /** Between hubs: the other hub's clock ended it. */
  | { type: "lapse"; by: Party }
  | { type: "tick" };

export type MessageType = Message["type"];

/** What is to be done about it: by the ledger, on the proposal, by those who are told. */
export type Effect =
  | { type: "reserve"; amount: bigint }
  | { type: "abort" }
  /** Between hubs: what was held is given back already. */
  | { type: "freed" }
  | { type: "commit"; amount: bigint; automatic: boolean }
  /** Between hubs: both have agreed, and the payee's hub is asked for its promise. */
  | { type: "ask" }
  /** `retake`: what was given back is used after all, also when nothing is left. */
  | { type: "take" | "giveBack" | "retake"; quantity: number }
  /** Between hubs: the other one has to hear that time is over. */
  | { type: "lapse" }
  | { type: "tell"; to: Party; kind: Told }
  | { type: "remind"; to: Party; target: Date };

export type Told =
  | "agreement_offered"
  | "agreement_countered"
  | "agreement_accepted"
  | "agreement_rejected"
  | "agreement_withdrawn"
  | "agreement_expired"
  | "agreement_cancelled"
  | "agreement_delivered"
  | "agreement_settled"
  | "agreement_disputed"
  | "dispute_late"
  | "agreement_funded"
  | "agreement_refused"
  | "resolution_proposed"
  | "agreement_resolved";

/** The hub's deadlines, in days, and its rule for disputes that nobody ends. */
export interface AgreementPolicy {
  answerDays: number;
  graceDays: number;
  settleDays: number;
  disputeDays: number;
  disputeRule: DisputeRule;
}

type Role = "offerer" | "answerer" | Party;

/** Who may say what, when. What is not here is refused. Ledger, stewards and clock are not parties and are marked so. */
export const ALLOWED: Readonly<Record<AgreementState, Allowed>> = {
  offered: {
    accept: ["answerer"],
    reject: ["answerer"],
    counter: ["answerer"],
    withdraw: ["offerer"],
    tick: "clock",
  },
  accepted: {
    deliver: ["provider"],
    confirm: ["receiver"],
    cancel: ["provider", "receiver"],
    reserved: "ledger",
    refused: "ledger",
    tick: "clock",
  },
  funded: {
    deliver: ["provider"],
    confirm: ["receiver"],
    cancel: ["provider", "receiver"],
    tick: "clock",
  },
  delivered: {
    confirm: ["receiver"],
    dispute: ["provider", "receiver"],
    // Only who did the work may waive what it earned.
    cancel: ["provider"],
    tick: "clock",
  },
  confirmed: { committed: "ledger" },
  disputed: {
    confirm: ["receiver"],
    cancel: ["provider"],
    propose: "steward",
    sign: ["provider", "receiver"],
    tick: "clock",
  },
  // The ledger's answer to what the resolution pays.
  resolved: { committed: "ledger" },
  settled: {},
  rejected: {},
  withdrawn: {},
  expired: {},
  cancelled: {},
};

type Allowed = Partial<Record<MessageType, readonly Role[] | "ledger" | "steward" | "clock">>;

const LOST: Allowed = { refused: "ledger", released: "ledger" };
const PAID: Allowed = { settled: "ledger" };
const PROMISED: Allowed = { ...PAID, ...LOST };

/**
 * What else may be said when credits are settled between hubs. A promise can be lost when a hub is restored, and be refused when it is
 * asked for again; and what the payer's hub has paid is paid, whatever was heard of it before.
 */
const BETWEEN: Readonly<Record<Side, Partial<Record<AgreementState, Allowed>>>> = {
  payer: {
    accepted: LOST,
    funded: LOST,
    delivered: LOST,
    disputed: LOST,
    confirmed: LOST,
    resolved: { refused: "ledger" },
  },
  payee: {
    offered: PAID,
    accepted: PROMISED,
    funded: PROMISED,
    delivered: PROMISED,
    disputed: PROMISED,
    confirmed: PROMISED,
    rejected: PAID,
    withdrawn: PAID,
    expired: PAID,
    cancelled: PAID,
  },
};

function allowedOf({ state, between }: Pick<Agreement, "state" | "between">): Allowed {
  return between === null ? ALLOWED[state] : { ...ALLOWED[state], ...BETWEEN[between][state] };
}

/** Its end: nothing that anybody says changes it any more. */
export const FINAL: readonly AgreementState[] = [
  "settled",
  "rejected",
  "withdrawn",
  "expired",
  "cancelled",
  "resolved",
];

export const AGREEMENT_GROUPS = ["waiting", "open", "ended"] as const;
/** Lists: what waits for the one who looks, all that go on, and those that ended. */
export type AgreementGroup = (typeof AGREEMENT_GROUPS)[number];

const DAY = 86_400_000;
/** An agreement without a due day is expected within so many days. */
const UNDATED_DAYS = 60;
/** A reminder is given so many days before, and on the day. */
const REMINDERS = [7, 1, 0];

export const otherParty = (party: Party): Party => (party === "provider" ? "receiver" : "provider");

const after = (at: Date, days: number) => new Date(at.getTime() + days * DAY);

/** When to remind of `target` next; null when it is over. */
export function nextReminder(target: Date, now: Date): Date | null {
  return REMINDERS.map((days) => after(target, -days)).find((at) => at > now) ?? null;
}

/** What a party can do with an agreement now, in the order in which a page offers it. */
export function possible(agreement: Agreement, party: Party): MessageType[] {
  return (Object.keys(allowedOf(agreement)) as MessageType[]).filter((type) => {
    if (roleRefusal(agreement, type, party) !== null) return false;
    if (type === "sign") return agreement.resolution !== null && !agreement.resolution.signed.includes(party);
    return !awaitsFunds(agreement, type);
  });
}

/**
 * The agreement's whole machine (FEP-0837 ends at `accepted`; the rest is Ayni's): what becomes of it by one message, and what
 * has to be done about it. Pure. `reserve` is answered by `reserved` or `refused`, `commit` by `committed`; on one hub within
 * the same transaction.
 *
 * @param agreement null for the message `offer`, which makes one
 * @throws DomainError not_now (not in this state, or an offer that has lapsed), other_party (not this party's to say),
 *   over_amount, invalid
 */
export function step(
  agreement: Agreement | null,
  message: Message,
  now: Date,
  policy: AgreementPolicy,
): { agreement: Agreement; effects: Effect[] } {
  if (agreement === null) {
    if (message.type !== "offer") throw new DomainError("not_now", "there is no agreement yet");
    return offered(message, now, policy);
  }
  const refusal = roleRefusal(agreement, message.type, "by" in message ? message.by : null);
  if (refusal !== null || awaitsFunds(agreement, message.type))
    throw new DomainError(refusal ?? "not_now", `${message.type} is not possible: it is ${agreement.state}`);
  if ((message.type === "accept" || message.type === "counter") && hasLapsed(agreement, now))
    throw new DomainError("not_now", "the offer has lapsed");
  return HANDLERS[message.type](agreement, message as never, now, policy);
}

function roleRefusal(
  agreement: Agreement,
  type: MessageType,
  by: Party | null,
): "not_now" | "other_party" | null {
  const { offeredBy } = agreement;
  const allowed = allowedOf(agreement)[type];
  if (allowed === undefined) return "not_now";
  if (typeof allowed === "string") return by === null ? null : "other_party";
  if (by === null) return "other_party";
  const roles: Role[] = [by, by === offeredBy ? "offerer" : "answerer"];
  return allowed.some((role) => roles.includes(role)) ? null : "other_party";
}

/** An offer whose time is over: it binds nobody any more, also before the clock comes by. */
export function hasLapsed({ state, deadline }: Pick<Agreement, "state" | "deadline">, now: Date): boolean {
  return state === "offered" && deadline !== null && now >= deadline;
}

/** Accepted, but its credits are not held yet: nobody can work or pay before. */
function awaitsFunds({ state, settlement }: Agreement, type: MessageType): boolean {
  return state === "accepted" && settlement === "credit" && (type === "deliver" || type === "confirm");
}

/** Which hub holds the receiver's credits for an offer or an acceptance of its: its own. */
function holdsFor(by: Party, { settlement, between }: Pick<Agreement, "settlement" | "between">): boolean {
  return settlement === "credit" && by === "receiver" && between !== "payee";
}

export type Result = { agreement: Agreement; effects: Effect[] };
type Handler<T extends MessageType> = (
  agreement: Agreement,
  message: Extract<Message, { type: T }>,
  now: Date,
  policy: AgreementPolicy,
) => Result;

function offered(message: Extract<Message, { type: "offer" }>, now: Date, policy: AgreementPolicy): Result {
  const { by, terms, settlement, proposer, between = null } = message;
  checkTerms(terms, settlement, now);
  const deadline = answerBy(message.until, now, policy);
  const held = holdsFor(by, { settlement, between });
  return {
    agreement: {
      state: "offered",
      settlement,
      between,
      proposer,
      offeredBy: by,
      terms,
      held,
      delivered: null,
      disputedBy: null,
      resolution: null,
      settled: null,
      deadline,
      remind: nextReminder(deadline, now),
    },
    effects: [...hold(held, terms), tell(otherParty(by), "agreement_offered")],
  };
}

function answerBy(until: Date | null | undefined, now: Date, { answerDays }: AgreementPolicy): Date {
  const latest = after(now, answerDays);
  return until != null && until < latest ? until : latest;
}

const HANDLERS: { readonly [T in MessageType]: Handler<T> } = {
  offer() {
    throw new DomainError("not_now", "it was offered already");
  },
  counter(agreement, { by, terms, until }, now, policy) {
    checkTerms(terms, agreement.settlement, now);
    const held = holdsFor(by, agreement);
    const deadline = answerBy(until, now, policy);
    return {
      agreement: {
        ...agreement,
        state: "offered",
        offeredBy: by,
        terms,
        held,
        deadline,
        remind: nextReminder(deadline, now),
      },
      effects: [...free(agreement), ...hold(held, terms), tell(otherParty(by), "agreement_countered")],
    };
  },
  accept(agreement, { by }, now, policy) {
    const { terms, settlement, between } = agreement;
    const reserves = settlement === "credit" && !agreement.held && between !== "payee";
    const held = agreement.held || (reserves && between === "payer");
    const target = terms.due ?? after(now, UNDATED_DAYS);
    return {
      agreement: {
        ...agreement,
        // Between hubs credits are sure when the other hub has promised to take them, not when they are held.
        state: agreement.held && between === null ? "funded" : "accepted",
        held,
        deadline: after(target, policy.graceDays),
        remind: nextReminder(target, now),
      },
      effects: [
        { type: "take", quantity: terms.quantity },
        ...hold(reserves, terms),
        ...(between === "payer" ? [{ type: "ask" as const }] : []),
        tell(otherParty(by), "agreement_accepted"),
      ],
    };
  },
  reserved: (agreement) => ({
    agreement: { ...agreement, state: "funded", held: agreement.between !== "payee" },
    effects: agreement.between === null ? [] : [tell("provider", "agreement_funded")],
  }),
  refused: (agreement) =>
    agreement.state === "resolved"
      ? { agreement: { ...agreement, settled: null }, effects: [FREED, ...toldBoth("agreement_refused")] }
      : ended({ ...agreement, settled: null }, "cancelled", [
          FREED,
          { type: "giveBack", quantity: agreement.terms.quantity },
          ...toldBoth("agreement_refused"),
        ]),
  settled(agreement, { amount, automatic, decided }, now) {
    const { state, terms } = agreement;
    const quantity = agreement.settled?.quantity ?? terms.quantity;
    const end = ended(agreement, decided ? "resolved" : "settled", [
      ...(UNTAKEN.includes(state) ? [{ type: "retake" as const, quantity: terms.quantity }] : []),
      tell("provider", decided ? "agreement_resolved" : "agreement_settled"),
      ...(agreement.disputedBy !== null && !decided ? [tell("provider", "dispute_late")] : []),
    ]);
    const settled = { amount, quantity, automatic };
    return { ...end, agreement: { ...end.agreement, delivered: agreement.delivered ?? now, settled } };
  },
  released(agreement, _message, now) {
    if (agreement.state === "disputed") return resolved({ ...agreement, held: false }, 0n, now);
    return ended({ ...agreement, settled: null }, "expired", [
      FREED,
      { type: "giveBack", quantity: agreement.terms.quantity },
      // On the payee's hub whoever ended it says so, or the other hub's clock.
      ...(agreement.between === "payer" ? toldBoth("agreement_expired") : []),
    ]);
  },
  lapse() {
    throw new DomainError("not_now", "only the other hub's clock says so");
  },
  reject: (agreement, { by }) =>
    ended(agreement, "rejected", [...free(agreement), tell(otherParty(by), "agreement_rejected")]),
  withdraw: (agreement, { by }) =>
    ended(agreement, "withdrawn", [...free(agreement), tell(otherParty(by), "agreement_withdrawn")]),
  cancel: (agreement, { by }) =>
    ended(agreement, "cancelled", [
      ...free(agreement),
      { type: "giveBack", quantity: agreement.terms.quantity },
      tell(otherParty(by), "agreement_cancelled"),
    ]),
  deliver(agreement, _message, now, policy) {
    const deadline = after(now, policy.settleDays);
    return {
      agreement: {
        ...agreement,
        state: "delivered",
        delivered: now,
        deadline,
        remind: nextReminder(deadline, now),
      },
      effects: [tell("receiver", "agreement_delivered")],
    };
  },
  confirm(agreement, message, now) {
    const { terms, state } = agreement;
    const { amount, quantity } = confirmed(agreement, message);
    if (state === "disputed" && (amount !== terms.amount || quantity !== terms.quantity))
      throw new DomainError("not_now", "what is disputed is confirmed in whole, or ended by a resolution");
    return settling(agreement, { amount, quantity, automatic: false }, now);
  },
  committed: (agreement) => ({
    agreement: agreement.state === "resolved" ? agreement : { ...agreement, state: "settled" },
    effects: [],
  }),
  dispute(agreement, { by }, now, policy) {
    const deadline = after(now, policy.disputeDays);
    return {
      agreement: {
        ...agreement,
        state: "disputed",
        disputedBy: by,
        resolution: null,
        deadline,
        remind: nextReminder(deadline, now),
      },
      effects: [tell(otherParty(by), "agreement_disputed")],
    };
  },
  propose(agreement, { release }) {
    if (release < 0n || release > (agreement.terms.amount ?? 0n))
      throw new DomainError("over_amount", "more than is held", { field: "release" });
    return {
      agreement: { ...agreement, resolution: { release, signed: [] } },
      effects: [tell("provider", "resolution_proposed"), tell("receiver", "resolution_proposed")],
    };
  },
  sign(agreement, { by }, now) {
    const { resolution } = agreement;
    if (resolution === null) throw new DomainError("not_now", "no resolution was proposed");
    if (resolution.signed.includes(by)) throw new DomainError("not_now", "it was signed already");
    const signed = { ...resolution, signed: [...resolution.signed, by] };
    const next = { ...agreement, resolution: signed };
    // Between hubs the payer's hub carries it out.
    return signed.signed.length < 2 || agreement.between === "payee"
      ? { agreement: next, effects: [] }
      : resolved(next, resolution.release, now);
  },
  tick(agreement, _message, now, policy) {
    if (agreement.deadline !== null && now >= agreement.deadline) return overdue(agreement, now, policy);
    if (agreement.remind === null || now < agreement.remind) return { agreement, effects: [] };
    const target = reminderTarget(agreement, policy);
    if (target === null) return { agreement: { ...agreement, remind: null }, effects: [] };
    return {
      agreement: { ...agreement, remind: nextReminder(target, now) },
      effects: whoActs(agreement).map((to) => ({ type: "remind", to, target })),
    };
  },
};

/** Its deadline is over: silence has a meaning in each state. What was agreed between hubs, the payer's ends. */
function overdue(agreement: Agreement, now: Date, policy: AgreementPolicy): Result {
  const { state, terms, between } = agreement;
  const told = toldBoth("agreement_expired");
  if (between === "payee" && state !== "offered")
    return { agreement: { ...agreement, deadline: null, remind: null }, effects: [] };
  if (state === "offered") return ended(agreement, "expired", [...free(agreement), ...told]);
  if (state === "delivered")
    return settling(agreement, { amount: terms.amount, quantity: terms.quantity, automatic: true }, now);
  if (state === "disputed") return resolved(agreement, releaseBy(policy.disputeRule, terms.amount), now);
  return ended(agreement, "expired", [
    ...free(agreement),
    { type: "giveBack", quantity: terms.quantity },
    ...(between === null ? [] : [{ type: "lapse" as const }]),
    ...told,
  ]);
}

/** What the hub's rule gives the provider of a disputed amount; half is rounded down, the receiver's credits are held. */
function releaseBy(rule: DisputeRule, amount: bigint | null): bigint {
  const all = amount ?? 0n;
  return { refund: 0n, half: all / 2n, release: all }[rule];
}

/** What a confirmation pays, and for how much of the work. @throws DomainError over_amount, invalid */
export function confirmed(
  { terms }: Pick<Agreement, "terms">,
  message: Extract<Message, { type: "confirm" }>,
): { amount: bigint | null; quantity: number } {
  const amount = message.amount ?? terms.amount;
  const quantity = message.quantity ?? terms.quantity;
  if (quantity < 1 || quantity > terms.quantity)
    throw new DomainError("over_amount", "more than was agreed", { field: "quantity" });
  if ((amount === null) !== (terms.amount === null))
    throw new DomainError("invalid", "no amount was agreed", { field: "amount" });
  if (amount !== null && (amount <= 0n || amount > (terms.amount ?? 0n)))
    throw new DomainError("over_amount", "more than was agreed, or nothing", { field: "amount" });
  return { amount, quantity };
}

/** The receiver, or the clock in its place, has confirmed: it is paid now, by the payer's hub. */
export function settling(
  agreement: Agreement,
  settled: NonNullable<Agreement["settled"]>,
  now: Date,
): Result {
  const { amount, automatic } = settled;
  const pays = amount !== null;
  const decides = agreement.between !== "payee";
  return {
    agreement: {
      ...agreement,
      state: pays ? "confirmed" : "settled",
      delivered: agreement.delivered ?? now,
      settled,
      held: false,
      deadline: null,
      remind: null,
    },
    effects: [
      ...(pays && decides ? [{ type: "commit" as const, amount, automatic }] : []),
      ...(decides ? [tell("provider", "agreement_settled")] : []),
      ...(automatic ? [tell("receiver", "agreement_settled")] : []),
    ],
  };
}

function resolved(agreement: Agreement, release: bigint, _now: Date): Result {
  const { terms, settlement } = agreement;
  const pays = settlement === "credit" && release > 0n;
  return {
    agreement: {
      ...agreement,
      state: "resolved",
      held: false,
      settled: pays ? { amount: release, quantity: terms.quantity, automatic: false } : null,
      deadline: null,
      remind: null,
    },
    effects: [
      ...(pays
        ? [{ type: "commit" as const, amount: release, automatic: false }]
        : [...free(agreement), { type: "giveBack" as const, quantity: terms.quantity }]),
      tell("provider", "agreement_resolved"),
      tell("receiver", "agreement_resolved"),
    ],
  };
}

/** It is over, with this end. */
export function ended(agreement: Agreement, state: AgreementState, effects: Effect[]): Result {
  return { agreement: { ...agreement, state, held: false, deadline: null, remind: null }, effects };
}

const FREED: Effect = { type: "freed" };

export const tell = (to: Party, kind: Told): Effect => ({ type: "tell", to, kind });

const toldBoth = (kind: Told): Effect[] => [tell("provider", kind), tell("receiver", kind)];

/** States in which nothing of the proposal is taken for it. */
const UNTAKEN: readonly AgreementState[] = ["offered", "rejected", "withdrawn", "expired", "cancelled"];

function hold(wanted: boolean, { amount }: Terms): Effect[] {
  return wanted && amount !== null ? [{ type: "reserve", amount }] : [];
}

export function free({ held }: Agreement): Effect[] {
  return held ? [{ type: "abort" }] : [];
}

/** Whose turn it is: who is reminded, and whom the step bar names. Both in a dispute with nothing to sign. */
export function whoActs({
  state,
  offeredBy,
  settlement,
  resolution,
}: Pick<Agreement, "state" | "offeredBy" | "settlement" | "resolution">): Party[] {
  switch (state) {
    case "offered":
      return [otherParty(offeredBy)];
    case "accepted":
      return settlement === "credit" ? [] : ["provider"];
    case "funded":
      return ["provider"];
    case "delivered":
      return ["receiver"];
    case "disputed":
      return (["provider", "receiver"] as const).filter((party) => !resolution?.signed.includes(party));
    default:
      return [];
  }
}

/** The day that reminders lead up to: the due day while work is awaited, otherwise the deadline. */
export function reminderTarget(
  { state, terms, deadline }: Agreement,
  policy: Pick<AgreementPolicy, "graceDays">,
): Date | null {
  if (state !== "accepted" && state !== "funded") return deadline;
  return terms.due ?? (deadline === null ? null : after(deadline, -policy.graceDays));
}

function checkTerms(terms: Terms, settlement: Settlement, now: Date): void {
  if (!Number.isSafeInteger(terms.quantity) || terms.quantity < 1)
    throw new DomainError("not_a_number", "a quantity is a whole number from 1", { field: "quantity" });
  if ((settlement === "credit") !== (terms.amount !== null))
    throw new DomainError("invalid", "an amount belongs to an exchange for credits", { field: "amount" });
  if (terms.amount !== null && terms.amount <= 0n)
    throw new DomainError("not_a_number", "an amount is more than 0", { field: "amount" });
  if (terms.due !== null && terms.due <= now)
    throw new DomainError("in_the_past", "this day has passed", { field: "due" });
}
