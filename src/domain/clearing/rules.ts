import type { ClearingState } from "../../db/schema/clearing.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import {
  type Amounts,
  belongs,
  type Checkpoint,
  type CreditPromise,
  type CreditTransfer,
  type Head,
  isFair,
  type LedgerEntry,
  type Message,
  partOf,
  type Refusal,
  type Resynced,
  type Session,
  type Terms,
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
/** A peer that names an epoch so far ahead does not tell the truth. */
const MAX_LEAP = 1_000_000n;

export const EMPTY: Head = { seq: 0n, cumulative: 0n, digest: "" };

const unchanged = (link: Link): Outcome => ({
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

/**
 * What has to be read before `receive` can be asked about a message. Beside that: of a page that is pulled, its entries' transfers, and
 * of an abort, the entry that its transfer became.
 */
export function wants(
  message: Message,
  link: Pick<Link, "in" | "resync">,
): { transfers: string[]; sent: bigint[]; received: bigint[]; open: boolean } {
  const none = { transfers: [], sent: [], received: [], open: false };
  switch (message.type) {
    case "reserve":
      return { ...none, transfers: [message.request.terms.iri] };
    case "promise":
      return { ...none, transfers: [message.promise.transfer] };
    case "refuse":
    case "abort":
    case "release":
    case "query":
      return { ...none, transfers: [message.transfer] };
    case "entry":
      return {
        ...none,
        transfers: [message.entry.transfer],
        received: [message.entry.seq, link.in.seq],
      };
    case "checkpoint":
      return { ...none, sent: [message.checkpoint.seq] };
    case "pull":
      return { ...none, ...pageWants(message.log, message.after) };
    case "page":
      // When it is the last one, the rest of the handshake's answer counts.
      return {
        ...none,
        transfers: [
          ...message.entries.map(({ transfer }) => transfer),
          ...(link.resync?.open.map(({ transfer }) => transfer) ?? []),
          ...(link.resync?.prepared ?? []),
        ],
        received: [link.in.seq],
        open: true,
      };
    case "resync":
      return { transfers: message.open, sent: [message.in.seq], received: [message.out.seq], open: true };
    case "resynced":
      return {
        transfers: [
          ...message.states.map(({ transfer }) => transfer),
          ...message.open.map(({ transfer }) => transfer),
          ...message.prepared,
        ],
        sent: [message.in.seq],
        received: [message.out.seq],
        open: true,
      };
    case "known":
      return none;
  }
}

function pageWants(log: "yours" | "mine", after: bigint) {
  const seqs = Array.from({ length: PAGE }, (_, index) => after + 1n + BigInt(index));
  return log === "yours" ? { sent: seqs } : { received: seqs };
}

/**
 * What one message of the peer, proven to be its own, makes of clearing with it. Pure: the same message again, or an older one, changes
 * nothing; what cannot be is refused, ignored, or kept as evidence and ends in a freeze.
 *
 * @param session the sender's, as the message's envelope names it
 */
export function receive(link: Link, session: Session, message: Message, rows: Rows, pen: Pen): Outcome {
  if (link.state !== "active" && link.state !== "draining") return unchanged(link);
  if (!belongs(message, link.peer, pen.hub)) return unchanged(link);
  switch (message.type) {
    case "resync":
      return onResync(link, session, message, rows, pen);
    case "resynced":
      return onResynced(link, session, message, rows, pen);
    case "known":
      return onKnown(link, message, pen);
  }
  if (!isSame(session, link.peerSession)) {
    return session.epoch > link.peerSession.epoch
      ? unchanged(link)
      : {
          ...unchanged(link),
          replies: [{ type: "known", epoch: link.peerSession.epoch, nonce: session.nonce }],
        };
  }
  if (message.type === "page") return onPage(link, message, rows, pen);
  if (message.type === "pull" && message.nonce !== null) return onPull(link, message, rows);
  if (!link.ready) return unchanged(link);
  switch (message.type) {
    case "reserve":
      return onReserve(link, message.request, rows, pen);
    case "promise":
      return onPromise(link, message.promise, rows);
    case "refuse":
      return onRefuse(link, message, rows);
    case "entry":
      return onEntry(link, message.entry, rows, pen);
    case "checkpoint":
      return onCheckpoint(link, message.checkpoint, rows, pen);
    case "abort":
      return onAbort(link, message.transfer, rows);
    case "release":
      return onRelease(link, message.transfer, rows);
    case "query":
      return onQuery(link, message.transfer, rows);
    case "pull":
      return onPull(link, message, rows);
  }
}

const isSame = (a: Session, b: Session) => a.epoch === b.epoch && a.nonce === b.nonce;
/** The sender may go on under this session: it is the one we know, or a later one. */
const isCurrent = (session: Session, known: Session) =>
  session.epoch > known.epoch ||
  isSame(session, known) ||
  (session.epoch === known.epoch && known.nonce === "");

function frozen(link: Link, evidence: Evidence): Outcome {
  return { ...unchanged(link), link: { ...link, state: "frozen" }, evidence };
}

// ── The payee's side ─────────────────────────────────────────────────────────────────────────────────────────────────────

function onReserve(link: Link, request: CreditTransfer, rows: Rows, pen: Pen): Outcome {
  const { iri } = request.terms;
  const known = rows.incoming(iri);
  if (known?.request != null && known.request.digest !== request.digest) {
    const detail = `the transfer ${iri} was asked for with other terms`;
    return frozen(link, {
      kind: "conflict",
      detail,
      bodies: [known.request.body, request.body],
    });
  }
  if (known !== undefined) return { ...unchanged(link), replies: answerAgain(known) };
  const { seconds } = request.terms.quote;
  const reason =
    link.state === "draining"
      ? "draining"
      : link.preparedCount >= MAX_OPEN
        ? "too-many"
        : !isFair(request.terms.quote)
          ? "stale-quote"
          : (rows.refusal(request) ?? (exposure(link) + seconds > link.limit ? "limit" : null));
  if (reason !== null) {
    const incoming: Incoming = { ...blank(iri), state: "rejected", request, reason };
    return {
      ...unchanged(link),
      incoming: [incoming],
      replies: [{ type: "refuse", transfer: iri, reason }],
    };
  }
  const promise = pen.promise(request);
  return {
    ...unchanged(link),
    link: { ...link, prepared: link.prepared + seconds, preparedCount: link.preparedCount + 1 },
    incoming: [{ ...blank(iri), state: "prepared", request, promise }],
    replies: [{ type: "promise", promise }],
  };
}

const blank = (iri: string): Incoming => ({
  iri,
  state: "released",
  request: null,
  promise: null,
  reason: null,
  seq: null,
  settled: null,
});

function answerAgain({ iri, state, promise, reason }: Incoming): Message[] {
  if (state === "prepared" && promise !== null) return [{ type: "promise", promise }];
  if (state === "rejected") return [{ type: "refuse", transfer: iri, reason: reason ?? "limit" }];
  return state === "released" ? [{ type: "release", transfer: iri }] : [];
}

/** R3, strictly in sequence: what comes ahead of its turn is not kept, but asked for in turn. */
function onEntry(link: Link, entry: LedgerEntry, rows: Rows, pen: Pen): Outcome {
  const next = link.in.seq + 1n;
  if (entry.seq > next) return { ...unchanged(link), replies: [pull("yours", link.in.seq, null)] };
  if (entry.seq < next) {
    const known = rows.received(entry.seq);
    if (known !== undefined && known.digest !== entry.digest) return equivocation(link, known, entry);
    return { ...unchanged(link), replies: [{ type: "checkpoint", checkpoint: pen.checkpoint(link.in) }] };
  }
  const outcome = take(link, entry, rows.incoming(entry.transfer), rows);
  if (outcome.evidence !== null) return outcome;
  return {
    ...outcome,
    replies: [{ type: "checkpoint", checkpoint: pen.checkpoint(outcome.link.in) }],
  };
}

function equivocation(link: Link, known: LedgerEntry, entry: LedgerEntry): Outcome {
  const detail = `entry ${entry.seq} was signed twice, with different words`;
  return frozen(link, { kind: "equivocation", detail, bodies: [known.body, entry.body] });
}

/** Posts the peer's next entry, if it says what was promised. */
function take(link: Link, entry: LedgerEntry, known: Incoming | undefined, rows: Rows): Outcome {
  const refuse = (kind: Evidence["kind"], detail: string, ...bodies: (string | undefined)[]) =>
    frozen(link, { kind, detail, bodies: [entry.body, ...bodies.filter((body) => body !== undefined)] });
  if (entry.prev !== link.in.digest) {
    const before = rows.received(link.in.seq);
    return refuse("forked_log", `entry ${entry.seq} does not follow the one before it`, before?.body);
  }
  if (entry.cumulative !== link.in.cumulative + entry.amounts.seconds)
    return refuse("wrong_sum", `entry ${entry.seq} adds up to something else`);
  if (known === undefined || known.promise === null || known.request === null)
    return refuse("no_promise", `entry ${entry.seq} has no promise behind it`);
  if (known.state !== "prepared")
    return refuse(
      "decided_twice",
      `the transfer of entry ${entry.seq} is ${known.state}`,
      known.request.body,
    );
  const { terms } = known.request;
  const due = partOf(terms.quote, entry.amounts.payer);
  const promised =
    entry.promise === known.promise.digest &&
    entry.payer === terms.payer &&
    entry.payee === terms.payee &&
    entry.agreement === terms.agreement &&
    entry.amounts.payer > 0n &&
    entry.amounts.payer <= terms.quote.payer &&
    entry.amounts.seconds === due.seconds &&
    entry.amounts.payee === due.payee &&
    due.seconds > 0n &&
    due.payee > 0n;
  if (!promised)
    return refuse(
      "not_promised",
      `entry ${entry.seq} is not what was promised`,
      known.request.body,
      known.promise.body,
    );
  return {
    ...unchanged(link),
    link: {
      ...link,
      in: { seq: entry.seq, cumulative: entry.cumulative, digest: entry.digest },
      prepared: link.prepared - terms.quote.seconds,
      preparedCount: link.preparedCount - 1,
    },
    incoming: [{ ...known, state: "settled", seq: entry.seq, settled: entry.amounts }],
    received: [entry],
  };
}

function onAbort(link: Link, iri: string, rows: Rows): Outcome {
  const known = rows.incoming(iri);
  if (known?.state === "settled") {
    const detail = `the transfer ${iri} was committed, and is said to be aborted`;
    const entry = known.seq === null ? undefined : rows.received(known.seq);
    return frozen(link, { kind: "decided_twice", detail, bodies: entry === undefined ? [] : [entry.body] });
  }
  const replies: Message[] = [{ type: "release", transfer: iri }];
  if (known === undefined) return { ...unchanged(link), incoming: [blank(iri)], replies };
  return known.state === "prepared" ? { ...released(link, known), replies } : { ...unchanged(link), replies };
}

function released(link: Link, known: Incoming): Outcome {
  const seconds = known.request?.terms.quote.seconds ?? 0n;
  return {
    ...unchanged(link),
    link: { ...link, prepared: link.prepared - seconds, preparedCount: link.preparedCount - 1 },
    incoming: [{ ...known, state: "released" }],
  };
}

// ── The payer's side ─────────────────────────────────────────────────────────────────────────────────────────────────────

function onPromise(link: Link, promise: CreditPromise, rows: Rows): Outcome {
  const known = rows.outgoing(promise.transfer);
  if (known?.state === "aborted")
    return { ...unchanged(link), replies: [{ type: "abort", transfer: known.iri }] };
  const asked = known?.state === "reserved" && known.request?.digest === promise.request;
  if (known === undefined || !asked || known.promise !== null) return unchanged(link);
  return { ...unchanged(link), outgoing: [{ ...known, promise }] };
}

function onRefuse(
  link: Link,
  { transfer, reason }: { transfer: string; reason: Refusal },
  rows: Rows,
): Outcome {
  const known = rows.outgoing(transfer);
  if (known?.state !== "reserved" || known.promise !== null || known.request === null) return unchanged(link);
  return { ...unchanged(link), outgoing: [{ ...known, state: "aborted", order: null, reason }] };
}

function onCheckpoint(link: Link, checkpoint: Checkpoint, rows: Rows, pen: Pen): Outcome {
  const { seq, digest, cumulative } = checkpoint;
  // It has more of our log than we do: we forgot, and have to ask what.
  if (seq > link.out.seq) return { ...unchanged(link), link: begin(link, pen.nonce()) };
  if (seq <= link.acked.seq) return unchanged(link);
  const entry = rows.sent(seq);
  if (entry === undefined || entry.digest !== digest || entry.cumulative !== cumulative) {
    const detail = `the checkpoint at ${seq} is not of our log`;
    return frozen(link, {
      kind: "forked_log",
      detail,
      bodies: [checkpoint.body, ...(entry ? [entry.body] : [])],
    });
  }
  return { ...unchanged(link), link: { ...link, acked: { seq, cumulative } } };
}

function onRelease(link: Link, iri: string, rows: Rows): Outcome {
  const known = rows.outgoing(iri);
  // The row is written again as it is: nothing more has to be said about it.
  return known?.state === "aborted" ? { ...unchanged(link), outgoing: [known] } : unchanged(link);
}

/** Q: what we do not know was never, and never will be: ids are not used twice. Nothing is written down, or a peer could fill the table. */
function onQuery(link: Link, iri: string, rows: Rows): Outcome {
  const known = rows.outgoing(iri);
  const never = known === undefined || known.state === "aborted";
  return { ...unchanged(link), replies: never ? [{ type: "abort", transfer: iri }] : [] };
}

/** Signs what both organizations have consented to, if it may be asked for now; null: not now, or there is nothing to ask. */
export function ask(link: Link, known: Outgoing, pen: Pen): Outcome | null {
  const { state, terms, request, order } = known;
  if (!link.ready || link.state !== "active" || state !== "reserved") return null;
  // What is to be given up is not asked for; what is to be paid is: its order waits for the promise.
  if (order?.type === "abort") return null;
  if (request !== null || terms === null || terms.evidence === null) return null;
  return { ...unchanged(link), outgoing: [{ ...known, request: pen.request(terms) }] };
}

/** Carries out what a party has ordered, if it may be decided now; null: not now, or there is nothing to do. */
export function decide(link: Link, known: Outgoing, pen: Pen): Outcome | null {
  const going = link.state === "active" || link.state === "draining";
  if (!link.ready || !going || known.state !== "reserved" || known.order === null) return null;
  if (known.order.type === "abort") {
    const outgoing: Outgoing = { ...known, state: "aborted", reason: known.order.reason, order: null };
    return { ...unchanged(link), outgoing: [outgoing] };
  }
  if (known.promise === null || known.terms === null) return null;
  const { iri: transfer, payer, payee, agreement, quote } = known.terms;
  const amounts = partOf(quote, known.order.payer);
  const entry = pen.entry({
    ...{ transfer, payer, payee, agreement, amounts },
    seq: link.out.seq + 1n,
    prev: link.out.digest,
    cumulative: link.out.cumulative + amounts.seconds,
    promise: known.promise.digest,
    confirm: known.order.confirm,
  });
  const { seq, cumulative, digest } = entry;
  return {
    ...unchanged(link),
    link: { ...link, out: { seq, cumulative, digest } },
    outgoing: [{ ...known, state: "committed", order: null, seq, settled: amounts }],
    sent: [entry],
  };
}

/** What is to be asked about a transfer, again and again until it is answered; null: nothing. */
export function question(
  row: { outgoing: Outgoing; entry: LedgerEntry | null } | { incoming: Incoming },
): Message | null {
  if ("incoming" in row) {
    const { state, iri } = row.incoming;
    return state === "prepared" ? { type: "query", transfer: iri } : null;
  }
  const { state, iri, request, promise } = row.outgoing;
  if (state === "aborted") return request === null ? null : { type: "abort", transfer: iri };
  if (state === "committed") return row.entry === null ? null : { type: "entry", entry: row.entry };
  return request !== null && promise === null ? { type: "reserve", request } : null;
}

// ── Logs and the handshake ───────────────────────────────────────────────────────────────────────────────────────────────

const pull = (log: "yours" | "mine", after: bigint, nonce: string | null): Message => ({
  type: "pull",
  log,
  after,
  nonce,
});

function onPull(link: Link, message: Extract<Message, { type: "pull" }>, rows: Rows): Outcome {
  const { log, after, nonce } = message;
  const entries: LedgerEntry[] = [];
  for (let seq = after + 1n; entries.length < PAGE; seq++) {
    const entry = log === "yours" ? rows.sent(seq) : rows.received(seq);
    if (entry === undefined) break;
    entries.push(entry);
  }
  if (nonce === null) {
    const replies: Message[] = log === "yours" ? entries.map((entry) => ({ type: "entry", entry })) : [];
    return { ...unchanged(link), replies };
  }
  const requests = entries.flatMap(({ transfer }) => {
    const { request, promise } = rows.outgoing(transfer) ?? rows.incoming(transfer) ?? {};
    return request != null && promise != null ? [{ request, promise }] : [];
  });
  const side = log === "yours" ? "mine" : "yours";
  return { ...unchanged(link), replies: [{ type: "page", log: side, nonce, entries, requests }] };
}

/** H1: the peer begins anew. Whatever it said before is void from now on; it is told all that it may have forgotten. */
function onResync(
  link: Link,
  session: Session,
  message: Extract<Message, { type: "resync" }>,
  rows: Rows,
  pen: Pen,
): Outcome {
  if (!isCurrent(session, link.peerSession)) {
    const { epoch } = link.peerSession;
    return { ...unchanged(link), replies: [{ type: "known", epoch, nonce: session.nonce }] };
  }
  const fork = compareHeads(link, message, rows);
  if (fork !== null) return fork;
  // It has more of our log than we do: we forgot as well.
  const forgot = link.ready && message.in.seq > link.out.seq;
  // What it answered in an earlier session counts no more: it may have less now.
  const resync = isSame(session, link.peerSession) ? link.resync : null;
  const next = { ...(forgot ? begin(link, pen.nonce()) : { ...link, resync }), peerSession: session };
  const { outgoing, incoming } = rows.open();
  const resynced: Resynced = {
    type: "resynced",
    nonce: session.nonce,
    out: link.out,
    in: link.in,
    states: message.open.map((transfer) => ({ transfer, state: rows.incoming(transfer)?.state ?? "none" })),
    open: outgoing.map(({ iri, request, promise }) => ({ transfer: iri, request, promise })),
    prepared: incoming.map(({ iri }) => iri),
  };
  return { ...unchanged(next), replies: [resynced] };
}

/** Both sides must mean the same entries where both have them. */
function compareHeads(link: Link, peer: { out: Head; in: Head }, rows: Rows): Outcome | null {
  const sent = peer.in.seq > 0n && peer.in.seq <= link.out.seq ? rows.sent(peer.in.seq) : undefined;
  const received = peer.out.seq > 0n && peer.out.seq <= link.in.seq ? rows.received(peer.out.seq) : undefined;
  const wrong = [
    sent !== undefined && sent.digest !== peer.in.digest ? sent : null,
    received !== undefined && received.digest !== peer.out.digest ? received : null,
  ].filter((entry) => entry !== null);
  if (wrong.length === 0) return null;
  const detail = `the logs differ at entry ${wrong.map(({ seq }) => seq).join(" and ")}`;
  return frozen(link, { kind: "forked_log", detail, bodies: wrong.map(({ body }) => body) });
}

/** The answer to our handshake: first the logs are read to where they were then, then the rest of it counts. */
function onResynced(link: Link, session: Session, message: Resynced, rows: Rows, pen: Pen): Outcome {
  if (link.ready || message.nonce !== link.session.nonce || link.resync !== null) return unchanged(link);
  if (!isCurrent(session, link.peerSession)) {
    const { epoch } = link.peerSession;
    return { ...unchanged(link), replies: [{ type: "known", epoch, nonce: session.nonce }] };
  }
  const fork = compareHeads(link, message, rows);
  if (fork !== null) return fork;
  return goOn({ ...link, peerSession: session, resync: message }, rows, pen, unchanged(link));
}

/** What the handshake asks for next; null when hands are shaken. */
export function handshake(link: Link, rows: Pick<Rows, "open">): Message | null {
  const { resync, session } = link;
  if (link.ready) return null;
  if (resync === null) {
    const open = rows.open().outgoing.map(({ iri }) => iri);
    return { type: "resync", out: link.out, in: link.in, open };
  }
  return link.out.seq < resync.in.seq
    ? pull("mine", link.out.seq, session.nonce)
    : pull("yours", link.in.seq, session.nonce);
}

function goOn(link: Link, rows: Rows, pen: Pen, done: Outcome): Outcome {
  const { resync } = link;
  if (resync === null) return { ...done, link };
  if (link.out.seq >= resync.in.seq && link.in.seq >= resync.out.seq)
    return shaken(link, resync, rows, pen, done);
  const next = handshake(link, rows);
  return { ...done, link, replies: next === null ? [] : [next] };
}

function onPage(
  link: Link,
  { log, nonce, entries, requests }: Extract<Message, { type: "page" }>,
  rows: Rows,
  pen: Pen,
): Outcome {
  if (link.ready || link.resync === null || nonce !== link.session.nonce) return unchanged(link);
  const behind = new Map(requests.map((pair) => [pair.promise.transfer, pair]));
  let outcome: Outcome = { ...unchanged(link), recovered: log === "yours" };
  for (const entry of entries) {
    const { link: now } = outcome;
    const next = log === "yours" ? now.out.seq : now.in.seq;
    if (entry.seq !== next + 1n) continue;
    const step =
      log === "yours"
        ? recover(now, entry, rows.outgoing(entry.transfer), behind.get(entry.transfer))
        : takeForgotten(now, entry, rows, behind.get(entry.transfer));
    outcome = merge(outcome, step);
    if (step.evidence !== null) return outcome;
  }
  return goOn(outcome.link, withChanges(rows, outcome), pen, outcome);
}

/** One after the other: what the second one changes is changed last. */
function merge(first: Outcome, second: Outcome): Outcome {
  return {
    ...second,
    recovered: first.recovered || second.recovered,
    outgoing: [...first.outgoing, ...second.outgoing],
    incoming: [...first.incoming, ...second.incoming],
    sent: [...first.sent, ...second.sent],
    received: [...first.received, ...second.received],
    replies: [...first.replies, ...second.replies],
  };
}

/** The rows as they are after an outcome that is not written yet. */
export function withChanges(rows: Rows, { outgoing, incoming, sent, received }: Outcome): Rows {
  const paid = new Map(outgoing.map((row) => [row.iri, row]));
  const got = new Map(incoming.map((row) => [row.iri, row]));
  const ours = new Map(sent.map((entry) => [entry.seq, entry]));
  const theirs = new Map(received.map((entry) => [entry.seq, entry]));
  return {
    ...rows,
    outgoing: (iri) => paid.get(iri) ?? rows.outgoing(iri),
    incoming: (iri) => got.get(iri) ?? rows.incoming(iri),
    sent: (seq) => ours.get(seq) ?? rows.sent(seq),
    received: (seq) => theirs.get(seq) ?? rows.received(seq),
    open() {
      const open = rows.open();
      const all = {
        outgoing: new Map([...open.outgoing.map((row) => [row.iri, row] as const), ...paid]),
        incoming: new Map([...open.incoming.map((row) => [row.iri, row] as const), ...got]),
      };
      return {
        outgoing: [...all.outgoing.values()].filter(({ state }) => state === "reserved"),
        incoming: [...all.incoming.values()].filter(({ state }) => state === "prepared"),
      };
    },
  };
}

/** An entry of ours that we forgot: we signed it, so it was decided. */
function recover(
  link: Link,
  entry: LedgerEntry,
  known: Outgoing | undefined,
  behind: { request: CreditTransfer; promise: CreditPromise } | undefined,
): Outcome {
  const refuse = (detail: string) => frozen(link, { kind: "forked_log", detail, bodies: [entry.body] });
  if (entry.prev !== link.out.digest || entry.cumulative !== link.out.cumulative + entry.amounts.seconds)
    return refuse(`our own entry ${entry.seq}, as the peer has it, does not follow ours`);
  // What is not asked for is given back without waiting for hands to be shaken: here it was asked for, and we had forgotten.
  const asked = known?.state !== "aborted" || known.request !== null;
  if (known !== undefined && known.state !== "reserved" && asked)
    return refuse(`our own entry ${entry.seq} pays the transfer ${entry.transfer}, which is ${known.state}`);
  const { seq, cumulative, digest, amounts } = entry;
  const outgoing: Outgoing = {
    ...(known ?? { iri: entry.transfer, terms: behind?.request.terms ?? null, request: null, promise: null }),
    ...(behind === undefined ? {} : { request: behind.request, promise: behind.promise }),
    ...{ state: "committed", order: null, reason: null, seq, settled: amounts },
  };
  return {
    ...unchanged(link),
    link: { ...link, out: { seq, cumulative, digest } },
    outgoing: [outgoing],
    sent: [entry],
    recovered: true,
  };
}

/** An entry of the peer's that we forgot, perhaps with the promise behind it, which bears our own signature. */
function takeForgotten(
  link: Link,
  entry: LedgerEntry,
  rows: Rows,
  behind: { request: CreditTransfer; promise: CreditPromise } | undefined,
): Outcome {
  const known = rows.incoming(entry.transfer);
  if (known !== undefined || behind === undefined) return take(link, entry, known, rows);
  const prepared = promised(link, behind);
  const incoming = prepared.incoming.find(({ iri }) => iri === entry.transfer);
  return take(prepared.link, entry, incoming, rows);
}

function promised(
  link: Link,
  { request, promise }: { request: CreditTransfer; promise: CreditPromise },
): Outcome {
  const { iri, quote } = request.terms;
  return {
    ...unchanged(link),
    link: { ...link, prepared: link.prepared + quote.seconds, preparedCount: link.preparedCount + 1 },
    incoming: [{ ...blank(iri), state: "prepared", request, promise }],
  };
}

/** Both logs are read: what the peer said of the rest is taken over, and deciding begins. */
function shaken(link: Link, resync: Resynced, rows: Rows, pen: Pen, done: Outcome): Outcome {
  const { outgoing, incoming } = rows.open();
  let outcome: Outcome = { ...done, link, replies: [] };
  const states = new Map(resync.states.map(({ transfer, state }) => [transfer, state]));
  for (const row of outgoing) {
    const state = states.get(row.iri);
    // Its end is known over there: we forgot that we aborted it, or that it was refused. Or we forgot what we had asked for, and
    // what would be asked now could differ.
    if (state === "released" || state === "rejected" || (state === "prepared" && row.request === null))
      outcome = merge(outcome, {
        ...unchanged(outcome.link),
        outgoing: [{ ...row, state: "aborted", order: null, reason: row.reason ?? "forgotten" }],
      });
    // A promise that the peer does not know any more is void: it is asked again.
    else if (state === "none" && row.promise !== null)
      outcome = merge(outcome, { ...unchanged(outcome.link), outgoing: [{ ...row, promise: null }] });
  }
  const open = new Set(resync.open.map(({ transfer }) => transfer));
  for (const row of incoming) if (!open.has(row.iri)) outcome = merge(outcome, released(outcome.link, row));
  for (const { transfer, request, promise } of resync.open) {
    if (request === null || promise === null || rows.incoming(transfer) !== undefined) continue;
    outcome = merge(outcome, promised(outcome.link, { request, promise }));
  }
  for (const iri of resync.prepared)
    if (rows.outgoing(iri) === undefined) outcome.replies.push({ type: "abort", transfer: iri });
  const replies: Message[] =
    outcome.link.in.seq > 0n
      ? [...outcome.replies, { type: "checkpoint", checkpoint: pen.checkpoint(outcome.link.in) }]
      : outcome.replies;
  return { ...outcome, link: { ...outcome.link, ready: true, resync: null }, replies };
}

/** The peer has seen a later session of ours than the one that spoke: we lost data, and begin above what it knows. */
function onKnown(link: Link, { epoch, nonce }: Extract<Message, { type: "known" }>, pen: Pen): Outcome {
  const { session } = link;
  if (nonce !== session.nonce || epoch < session.epoch || (link.ready && epoch === session.epoch))
    return unchanged(link);
  if (epoch > session.epoch + MAX_LEAP) return unchanged(link);
  return {
    ...unchanged(link),
    link: begin({ ...link, session: { ...session, epoch } }, pen.nonce()),
  };
}
