// What clearing with one peer is made of, and what all of its rules need: see transfer-rules.ts, handshake-rules.ts and rules.ts.

import type { ClearingState } from "../../db/schema/clearing.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import type {
  Amounts,
  Checkpoint,
  CreditPromise,
  CreditTransfer,
  Head,
  LedgerEntry,
  Message,
  Refusal,
  Resynced,
  Session,
  Terms,
} from "./messages-rules.ts";

/** Clearing with one peer, as one hub sees it. `out`: the log of what we pay, which we write; `in`: the peer's. */
export interface Link {
  /** Iri of the peer's hub actor. */
  peer: string;
  state: PeerState;
  /** Seconds: the most that the peer may owe us. */
  limit: bigint;
  /** Hands were shaken since the deciding process began. Before that nothing is decided, promised or believed. */
  ready: boolean;
  session: Session;
  peerSession: Session;
  out: Head;
  in: Head;
  /** How much of `out` the peer has acknowledged. */
  acked: Pick<Head, "seq" | "cumulative">;
  /** What we have promised and the peer has not decided about. */
  prepared: bigint;
  preparedCount: number;
  /** How much more that comes to nothing may be remembered today: refusals, and what is given up before it was asked for. */
  room: number;
  /** The peer's answer to our handshake, while we read what it gives back. */
  resync: Resynced | null;
}

/** What the payer's side is to do as soon as it may decide. */
export type Order =
  /** `payer`: what is paid of the hold; `confirm`: see LedgerEntry. */
  { type: "commit"; payer: bigint; confirm: string } | { type: "abort"; reason: string };

/** A transfer that we pay. Without terms: it was recovered, and the peer did not give them back. */
export interface Outgoing {
  iri: string;
  state: Extract<ClearingState, "reserved" | "committed" | "aborted">;
  terms: Terms | null;
  /** As we asked for it; null before. What was never asked for may be aborted at any time, and without a word to the peer. */
  request: CreditTransfer | null;
  promise: CreditPromise | null;
  order: Order | null;
  reason: string | null;
  /** Its place in our log, and what was paid. */
  seq: bigint | null;
  settled: Amounts | null;
}

/** A transfer that we are paid; without a request it is a tombstone. */
export interface Incoming {
  iri: string;
  state: Extract<ClearingState, "prepared" | "rejected" | "settled" | "released">;
  request: CreditTransfer | null;
  promise: CreditPromise | null;
  reason: Refusal | null;
  seq: bigint | null;
  settled: Amounts | null;
}

/** What was written down before, as far as a message needs it (`wants`). */
export interface Rows {
  outgoing(iri: string): Outgoing | undefined;
  incoming(iri: string): Incoming | undefined;
  /** Those that are reserved, and those that are prepared. */
  open(): { outgoing: Outgoing[]; incoming: Incoming[] };
  /** Entries of our log, and of the peer's. */
  sent(seq: bigint): LedgerEntry | undefined;
  received(seq: bigint): LedgerEntry | undefined;
  /** What the domain has against a request: its payee, agreement, consents, quote. */
  refusal(request: CreditTransfer): Refusal | null;
}

/** Signs as this hub for one peer, without I/O; and makes what nobody can guess. */
export interface Pen {
  /** Iri of this hub's actor. */
  hub: string;
  request(terms: Terms): CreditTransfer;
  promise(request: CreditTransfer): CreditPromise;
  entry(entry: Omit<LedgerEntry, "writer" | "reader" | "digest" | "body">): LedgerEntry;
  checkpoint(head: Head): Checkpoint;
  nonce(): string;
}

/** What the peer said that it may not: kept, and nothing more is settled with it. */
export interface Evidence {
  kind:
    | "equivocation"
    | "forked_log"
    | "no_promise"
    | "not_promised"
    | "wrong_sum"
    | "decided_twice"
    | "conflict";
  detail: string;
  /** Signed texts that prove it, beside the envelope. */
  bodies: string[];
}

/** What becomes of it all. Changed transfers are as they are now; what that means for the ledger follows from their states. */
export interface Outcome {
  link: Link;
  outgoing: Outgoing[];
  incoming: Incoming[];
  /** Entries to append to our log, and to the peer's. */
  sent: LedgerEntry[];
  received: LedgerEntry[];
  /** Our own entries that the peer gave back: they are posted also when the payer's floor is passed. */
  recovered: boolean;
  replies: Message[];
  evidence: Evidence | null;
}

/** The most transfers that may be open each way with one peer: a handshake names all of them. */
export const MAX_OPEN = 500;
/** Entries in one page. */
export const PAGE = 100;

/** Nothing becomes of it. */
export const unchanged = (link: Link): Outcome => ({
  link,
  outgoing: [],
  incoming: [],
  sent: [],
  received: [],
  recovered: false,
  replies: [],
  evidence: null,
});

/** What the peer owes us for certain, and could owe by what we promised. Own debts that it has not acknowledged may yet be lost. */
export function exposure(link: Pick<Link, "in" | "acked" | "prepared">): bigint {
  return link.in.cumulative - link.acked.cumulative + link.prepared;
}

/** A deciding process begins: nothing counts before hands are shaken. */
export function begin(link: Link, nonce: string): Link {
  return { ...link, ready: false, session: { epoch: link.session.epoch + 1n, nonce }, resync: null };
}

/** Whether it is one run of the same deciding process. */
export const isSame = (a: Session, b: Session) => a.epoch === b.epoch && a.nonce === b.nonce;
/** The sender may go on under this session: it is the one we know, or a later one. */
export const isCurrent = (session: Session, known: Session) =>
  session.epoch > known.epoch ||
  isSame(session, known) ||
  (session.epoch === known.epoch && known.nonce === "");

/** Nothing more is settled with the peer, and what proves it wrong is kept. */
export function frozen(link: Link, evidence: Evidence): Outcome {
  return { ...unchanged(link), link: { ...link, state: "frozen" }, evidence };
}

/** A tombstone: so much is known of a transfer of which nothing is known but its end. */
export const blank = (iri: string): Incoming => ({
  iri,
  state: "released",
  request: null,
  promise: null,
  reason: null,
  seq: null,
  settled: null,
});

/** Asks for more of a log. */
export const pull = (log: "yours" | "mine", after: bigint, nonce: string | null): Message => ({
  type: "pull",
  log,
  after,
  nonce,
});
