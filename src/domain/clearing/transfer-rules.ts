// What the payee's hub and the payer's hub make of one transfer, from the request to the acknowledged entry.

import {
  begin,
  blank,
  type Evidence,
  exposure,
  frozen,
  type Incoming,
  type Link,
  MAX_OPEN,
  type Outcome,
  type Outgoing,
  type Pen,
  pull,
  type Rows,
  unchanged,
} from "./link-rules.ts";
import {
  type Checkpoint,
  type CreditPromise,
  type CreditTransfer,
  isFair,
  type LedgerEntry,
  type Message,
  partOf,
  type Refusal,
} from "./messages-rules.ts";

// ── The payee's side ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** R1: a promise is given, or refused for good. */
export function onReserve(link: Link, request: CreditTransfer, rows: Rows, pen: Pen): Outcome {
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
    const kept = remembered(link);
    if (kept === null) return unchanged(link);
    const incoming: Incoming = { ...blank(iri), state: "rejected", request, reason };
    return {
      ...unchanged(kept),
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

/**
 * What is said no to is remembered for good, and a peer may ask for as much as it likes. Beyond a day's room it gets no answer, as if the
 * message had been lost: it asks again, until it has one.
 */
function remembered(link: Link): Link | null {
  return link.room > 0 ? { ...link, room: link.room - 1 } : null;
}

function answerAgain({ iri, state, promise, reason }: Incoming): Message[] {
  if (state === "prepared" && promise !== null) return [{ type: "promise", promise }];
  if (state === "rejected") return [{ type: "refuse", transfer: iri, reason: reason ?? "limit" }];
  return state === "released" ? [{ type: "release", transfer: iri }] : [];
}

/** R3, strictly in sequence: what comes ahead of its turn is not kept, but asked for in turn. */
export function onEntry(link: Link, entry: LedgerEntry, rows: Rows, pen: Pen): Outcome {
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
export function take(link: Link, entry: LedgerEntry, known: Incoming | undefined, rows: Rows): Outcome {
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

/** R5: released for good, also when it was never asked for. */
export function onAbort(link: Link, iri: string, rows: Rows): Outcome {
  const known = rows.incoming(iri);
  if (known?.state === "settled") {
    const detail = `the transfer ${iri} was committed, and is said to be aborted`;
    const entry = known.seq === null ? undefined : rows.received(known.seq);
    return frozen(link, { kind: "decided_twice", detail, bodies: entry === undefined ? [] : [entry.body] });
  }
  const replies: Message[] = [{ type: "release", transfer: iri }];
  if (known === undefined) {
    const kept = remembered(link);
    return kept === null ? unchanged(link) : { ...unchanged(kept), incoming: [blank(iri)], replies };
  }
  return known.state === "prepared" ? { ...released(link, known), replies } : { ...unchanged(link), replies };
}

/** What was promised is not counted any more. */
export function released(link: Link, known: Incoming): Outcome {
  const seconds = known.request?.terms.quote.seconds ?? 0n;
  return {
    ...unchanged(link),
    link: { ...link, prepared: link.prepared - seconds, preparedCount: link.preparedCount - 1 },
    incoming: [{ ...known, state: "released" }],
  };
}

// ── The payer's side ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** R2: taken when it is for the very request that was made. */
export function onPromise(link: Link, promise: CreditPromise, rows: Rows): Outcome {
  const known = rows.outgoing(promise.transfer);
  if (known?.state === "aborted")
    return { ...unchanged(link), replies: [{ type: "abort", transfer: known.iri }] };
  const asked = known?.state === "reserved" && known.request?.digest === promise.request;
  if (known === undefined || !asked || known.promise !== null) return unchanged(link);
  return { ...unchanged(link), outgoing: [{ ...known, promise }] };
}

/** R2: there will be no promise, and so it is over. */
export function onRefuse(
  link: Link,
  { transfer, reason }: { transfer: string; reason: Refusal },
  rows: Rows,
): Outcome {
  const known = rows.outgoing(transfer);
  if (known?.state !== "reserved" || known.promise !== null || known.request === null) return unchanged(link);
  return { ...unchanged(link), outgoing: [{ ...known, state: "aborted", order: null, reason }] };
}

/** R4: so much of our log is acknowledged. */
export function onCheckpoint(link: Link, checkpoint: Checkpoint, rows: Rows, pen: Pen): Outcome {
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

/** The answer to an abort. */
export function onRelease(link: Link, iri: string, rows: Rows): Outcome {
  const known = rows.outgoing(iri);
  // The row is written again as it is: nothing more has to be said about it.
  return known?.state === "aborted" ? { ...unchanged(link), outgoing: [known] } : unchanged(link);
}

/** Q: what we do not know was never, and never will be: ids are not used twice. Nothing is written down, or a peer could fill the table. */
export function onQuery(link: Link, iri: string, rows: Rows): Outcome {
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
