import type { Id } from "../../db/ids.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import type { Rate } from "../ledger/rules.ts";

export { PEER_STATES, type PeerState } from "../../db/schema/peers.ts";

/** What one side of a peering is willing to: it signs this for the other one. */
export interface PeeringTerms {
  /** Seconds of an HOUR, from the signer's side: the most it is willing to be owed, and to owe. */
  mayBeOwed: bigint;
  mayOwe: bigint;
  /** For how many days a quoted price stands. */
  quoteDays: number;
  /** After how many days a dispute that nobody settled ends by rule. */
  disputeDays: number;
  /** After how many days of silence delivered work counts as received. */
  settleDays: number;
  /** How long what is under way has to come to its end when the two part. */
  drainDays: number;
}

/** A peer's currency, as its newest terms say. */
export interface PeerCurrency {
  iri: string;
  name: string;
  symbol: string;
  scale: number;
  /** Credits per HOUR. */
  rateN: bigint;
  rateD: bigint;
}

/** Another hub, as its own documents describe it. */
export interface RemoteHub {
  /** Row of its actor here. */
  actorId: Id;
  iri: string;
  origin: string;
  name: string;
  /** Multikey (Ed25519) that its documents are proven with. */
  key: string;
  /** Keys that it proved with before, as it says itself. */
  retired: readonly string[];
  /** Where its clearing messages go. */
  clearing: string;
  currency: PeerCurrency;
}

/** Terms as one side signed them. */
export interface SignedTerms {
  revision: number;
  terms: PeeringTerms;
  currency: PeerCurrency;
  /** The state of the peering on the signer's side. */
  status: PeerState;
}

/** What this hub signs of a peering. The wire form is the signer's business. */
export interface PeeringStatement extends SignedTerms {
  type: "Offer" | "Accept" | "Update";
  /** The statement's id, which the activity's iri is made of. */
  id: Id;
  /** The peering's own iri, and those of the two hubs. */
  peering: string;
  actor: string;
  to: string;
  /** Since when the currency's rate is as it is. */
  rateSince: Date;
  /** The Offer that an Accept answers. */
  offer: { activity: string; digest: string } | null;
}

/** What both signed, taken together: it is the same on both hubs. */
export interface EffectiveTerms extends Omit<PeeringTerms, "mayBeOwed" | "mayOwe"> {
  /** Seconds: the most that the peer may owe us, and we may owe the peer. */
  theyMayOwe: bigint;
  weMayOwe: bigint;
}

/** 50 hours each way, for a start; the rest as most hubs have it. */
export const DEFAULT_TERMS: PeeringTerms = {
  mayBeOwed: 180_000n,
  mayOwe: 180_000n,
  quoteDays: 15,
  disputeDays: 14,
  settleDays: 14,
  drainDays: 30,
};

export const MAX_HOURS = 1_000_000;
/** Seconds. Far below what a JSON number holds exactly. */
export const MAX_LIMIT = BigInt(MAX_HOURS) * 3600n;
export const MAX_DAYS = 365;
export const DAY_TERMS = ["quoteDays", "disputeDays", "settleDays", "drainDays"] as const;
export type DayTerm = (typeof DAY_TERMS)[number];

/** Which of the terms is out of bounds; null when none is. */
export function outOfTerms(terms: PeeringTerms): keyof PeeringTerms | null {
  for (const name of ["mayBeOwed", "mayOwe"] as const)
    if (terms[name] < 0n || terms[name] > MAX_LIMIT) return name;
  return DAY_TERMS.find((name) => !isDays(terms[name])) ?? null;
}

const isDays = (days: number) => Number.isInteger(days) && days >= 1 && days <= MAX_DAYS;

/**
 * The smaller of what both signed for each direction, the shorter of their days, but the longer time to part: nobody is held to more
 * than it signed.
 */
export function effective(ours: PeeringTerms, theirs: PeeringTerms): EffectiveTerms {
  return {
    theyMayOwe: smaller(ours.mayBeOwed, theirs.mayOwe),
    weMayOwe: smaller(ours.mayOwe, theirs.mayBeOwed),
    quoteDays: Math.min(ours.quoteDays, theirs.quoteDays),
    disputeDays: Math.min(ours.disputeDays, theirs.disputeDays),
    settleDays: Math.min(ours.settleDays, theirs.settleDays),
    drainDays: Math.max(ours.drainDays, theirs.drainDays),
  };
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);

/** What our administrators do, and what the peer's hub says of its own doing. */
export const PEER_MESSAGES = [
  "propose",
  "accept",
  "reject",
  "revise",
  "drain",
  "resume",
  "freeze",
  "unfreeze",
  "close",
  "offered",
  "accepted",
  "rejected",
  "revised",
  "closed",
] as const;
export type PeerMessage = (typeof PEER_MESSAGES)[number];

/**
 * The life of a peering. `close` and `closed` presuppose that nothing is open and nothing owed; where something is, the peer's word
 * makes ours drain (`commands.ts`).
 *
 * Two that propose to one another at the same time have both signed: they are peers.
 */
const STEPS: Readonly<Record<PeerState, Partial<Record<PeerMessage, PeerState>>>> = {
  proposed: {
    propose: "proposed",
    revise: "proposed",
    close: "closed",
    offered: "active",
    accepted: "active",
    rejected: "rejected",
    closed: "closed",
  },
  asked: {
    propose: "active",
    accept: "active",
    reject: "rejected",
    offered: "asked",
    revised: "asked",
    closed: "closed",
  },
  rejected: { propose: "proposed", offered: "asked", close: "closed" },
  active: {
    revise: "active",
    drain: "draining",
    freeze: "frozen",
    close: "closed",
    offered: "active",
    accepted: "active",
    revised: "active",
    closed: "closed",
  },
  draining: {
    resume: "active",
    freeze: "frozen",
    close: "closed",
    offered: "draining",
    accepted: "draining",
    revised: "draining",
    closed: "closed",
  },
  frozen: {
    unfreeze: "active",
    close: "closed",
    offered: "frozen",
    accepted: "frozen",
    revised: "frozen",
    closed: "frozen",
  },
  closed: { propose: "proposed", offered: "asked" },
};

/**
 * What becomes of a peering by a message; null: it cannot be, or means nothing.
 *
 * @param state null when the two have never heard of each other
 */
export function peerStep(state: PeerState | null, message: PeerMessage): PeerState | null {
  if (state === null) return message === "propose" ? "proposed" : message === "offered" ? "asked" : null;
  return STEPS[state][message] ?? null;
}

/** What an administrator may do now. */
export function actionsOf(state: PeerState): PeerMessage[] {
  const ours = ["accept", "reject", "revise", "drain", "resume", "freeze", "unfreeze", "close"] as const;
  return ours.filter((message) => STEPS[state][message] !== undefined);
}

/** What is known of the settling with a peer. */
export interface Standing {
  /** Seconds: what is settled, by both logs. Above zero they owe us. */
  owed: bigint;
  /** Seconds under way: what we promised to take, and what our organizations have put aside. */
  incoming: bigint;
  outgoing: bigint;
  /** Transfers and agreements that are not at their end. */
  openTransfers: number;
  openAgreements: number;
  /** Entries of ours that the peer has not acknowledged. */
  unacknowledged: bigint;
}

/** What stands in the way of parting: nothing may be lost. */
export function obstacles(standing: Standing): ("owed" | "transfers" | "agreements" | "unacknowledged")[] {
  return [
    ...(standing.owed !== 0n ? (["owed"] as const) : []),
    ...(standing.openTransfers > 0 ? (["transfers"] as const) : []),
    ...(standing.openAgreements > 0 ? (["agreements"] as const) : []),
    ...(standing.unacknowledged > 0n ? (["unacknowledged"] as const) : []),
  ];
}

/** Seconds of an HOUR in minor units of a currency, to the nearest: for people to read, never to settle by. */
export function inCurrency(seconds: bigint, { n, d }: Rate): bigint {
  const whole = 3600n * d;
  const negative = seconds < 0n;
  const product = (negative ? -seconds : seconds) * n;
  const rounded = (2n * product + whole) / (2n * whole);
  return negative ? -rounded : rounded;
}

// ── What is wrong ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What is known of a peer, for whoever looks after it. Times are milliseconds ago; null: never. */
export interface Health {
  state: PeerState;
  reason: string | null;
  theirState: PeerState | null;
  newKey: string | null;
  ready: boolean;
  heard: Date | null;
  reached: Date | null;
  failure: string | null;
  /** How far its clock is ahead of ours (ms). */
  skew: number | null;
  changed: Date;
  drained: Date | null;
  copy: { completed: Date | null; compared: Date | null } | null;
  evidence: number;
  /** Orders of ours that cannot be carried out. */
  stuck?: number;
}

export type Problem =
  /** It signs with another key than the one that was accepted. */
  | { kind: "key" }
  /** It said what it may not; there is evidence. */
  | { kind: "evidence" }
  /** Administrators of this hub, or of the other one, froze it. */
  | { kind: "frozen_here" }
  | { kind: "frozen_there" }
  | { kind: "parting_there" }
  | { kind: "unreachable"; hours: number }
  | { kind: "silent"; hours: number }
  | { kind: "handshake" }
  | { kind: "clock"; minutes: number; ahead: boolean }
  /** Envelopes from so far away are not taken. */
  | { kind: "clock_refused"; hours: number; ahead: boolean }
  | { kind: "stuck"; count: number }
  | { kind: "overdue" }
  | { kind: "old_copy"; days: number };

const MINUTE = 60_000;
export const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Hubs that have nothing to say say so, several times a day. */
export const SILENCE = 24 * HOUR;
const SHAKING = 5 * MINUTE;
const SKEW = 10 * MINUTE;
const OLD_COPY = 2 * DAY;

/** What is wrong with a peer, the gravest first. */
export function problemsOf(health: Health, now: Date): Problem[] {
  const { state, reason, theirState, newKey, copy, skew } = health;
  const since = (time: Date | null) => now.getTime() - (time ?? health.changed).getTime();
  const problems: Problem[] = [];
  if (newKey !== null) problems.push({ kind: "key" });
  if (state === "frozen" && newKey === null && reason !== "key_changed")
    problems.push({ kind: reason === "administrator" ? "frozen_here" : "evidence" });
  if (state !== "active" && state !== "draining" && state !== "frozen") return problems;
  if (theirState === "frozen") problems.push({ kind: "frozen_there" });
  if (theirState === "draining" || theirState === "closed") problems.push({ kind: "parting_there" });
  if (state === "frozen") return problems;
  if (health.failure !== null && since(health.reached) > SHAKING)
    problems.push({ kind: "unreachable", hours: Math.floor(since(health.reached) / HOUR) });
  else if (since(health.heard) > SILENCE)
    problems.push({ kind: "silent", hours: Math.floor(since(health.heard) / HOUR) });
  if (!health.ready && since(health.changed) > SHAKING) problems.push({ kind: "handshake" });
  if (skew !== null && Math.abs(skew) > SKEW) {
    const ahead = skew > 0;
    const refused = skew > HOUR || skew < -12 * HOUR;
    const off = Math.abs(skew);
    problems.push(
      refused
        ? { kind: "clock_refused", hours: Math.floor(off / HOUR), ahead }
        : { kind: "clock", minutes: Math.floor(off / MINUTE), ahead },
    );
  }
  if (health.stuck !== undefined && health.stuck > 0) problems.push({ kind: "stuck", count: health.stuck });
  if (state === "draining" && health.drained !== null && health.drained <= now)
    problems.push({ kind: "overdue" });
  // What was found to be the same is as good as read again.
  const fresh = copy === null ? null : (copy.compared ?? copy.completed);
  if (copy !== null && since(fresh) > OLD_COPY)
    problems.push({ kind: "old_copy", days: Math.floor(since(fresh) / DAY) });
  return problems;
}
