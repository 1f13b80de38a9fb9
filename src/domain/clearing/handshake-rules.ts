// Logs that are read again, and the handshake: how two hubs find out what one of them forgot.

import {
  begin,
  blank,
  frozen,
  isCurrent,
  isSame,
  type Link,
  type Outcome,
  type Outgoing,
  PAGE,
  type Pen,
  pull,
  type Rows,
  unchanged,
} from "./link-rules.ts";
import type {
  CreditPromise,
  CreditTransfer,
  Head,
  LedgerEntry,
  Message,
  Resynced,
  Session,
} from "./messages-rules.ts";
import { released, take } from "./transfer-rules.ts";

/** A peer that names an epoch so far ahead does not tell the truth. */
const MAX_LEAP = 1_000_000n;

/** P: more of a log, as entries to be taken in turn; to whom is recovering, as a page with the promises behind them. */
export function onPull(link: Link, message: Extract<Message, { type: "pull" }>, rows: Rows): Outcome {
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
export function onResync(
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
  if (fork !== null && isSame(session, link.peerSession)) return forked(link, fork);
  // It has more of our log than we do: we forgot as well.
  const forgot = link.ready && message.in.seq > link.out.seq;
  // What it answered in an earlier session counts no more: it may have less now.
  const resync = isSame(session, link.peerSession) ? link.resync : null;
  const next = { ...(forgot ? begin(link, pen.nonce()) : { ...link, resync }), peerSession: session };
  const { outgoing, incoming } = rows.open();
  const resynced: Resynced = {
    type: "resynced",
    nonce: session.nonce,
    out: fork?.sent ?? link.out,
    in: fork?.received ?? link.in,
    states: message.open.map((transfer) => ({ transfer, state: rows.incoming(transfer)?.state ?? "none" })),
    open: outgoing.map(({ iri, request, promise }) => ({ transfer: iri, request, promise })),
    prepared: incoming.map(({ iri }) => iri),
  };
  // It may be late, from a past that its sender has lost: only who is there to read the answer sees for certain that the logs differ.
  return { ...unchanged(fork === null ? next : link), replies: [resynced] };
}

/** The entries, ours and the peer's, at which the peer's heads name others than we have. */
type Fork = Record<"sent" | "received", LedgerEntry | null>;

/** Both sides must mean the same entries where both have them. */
function compareHeads(link: Link, peer: { out: Head; in: Head }, rows: Rows): Fork | null {
  const sent = peer.in.seq > 0n && peer.in.seq <= link.out.seq ? rows.sent(peer.in.seq) : undefined;
  const received = peer.out.seq > 0n && peer.out.seq <= link.in.seq ? rows.received(peer.out.seq) : undefined;
  const fork = {
    sent: sent !== undefined && sent.digest !== peer.in.digest ? sent : null,
    received: received !== undefined && received.digest !== peer.out.digest ? received : null,
  };
  return fork.sent === null && fork.received === null ? null : fork;
}

function forked(link: Link, { sent, received }: Fork): Outcome {
  const wrong = [sent, received].filter((entry) => entry !== null);
  const detail = `the logs differ at entry ${wrong.map(({ seq }) => seq).join(" and ")}`;
  return frozen(link, { kind: "forked_log", detail, bodies: wrong.map(({ body }) => body) });
}

/** The answer to our handshake: first the logs are read to where they were then, then the rest of it counts. */
export function onResynced(link: Link, session: Session, message: Resynced, rows: Rows, pen: Pen): Outcome {
  if (link.ready || message.nonce !== link.session.nonce || link.resync !== null) return unchanged(link);
  if (!isCurrent(session, link.peerSession)) {
    const { epoch } = link.peerSession;
    return { ...unchanged(link), replies: [{ type: "known", epoch, nonce: session.nonce }] };
  }
  const fork = compareHeads(link, message, rows);
  if (fork !== null) return forked(link, fork);
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

/** Part of a log that we asked for while we recover: what we forgot is posted, as far as it follows what we have. */
export function onPage(
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
function withChanges(rows: Rows, { outgoing, incoming, sent, received }: Outcome): Rows {
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
export function onKnown(
  link: Link,
  { epoch, nonce }: Extract<Message, { type: "known" }>,
  pen: Pen,
): Outcome {
  const { session } = link;
  if (nonce !== session.nonce || epoch < session.epoch) return unchanged(link);
  if (epoch > session.epoch + MAX_LEAP) return unchanged(link);
  return {
    ...unchanged(link),
    link: begin({ ...link, session: { ...session, epoch } }, pen.nonce()),
  };
}
