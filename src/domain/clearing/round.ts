import type { Evidence, Incoming, Link, Outcome, Outgoing, Pen, Rows } from "./link-rules.ts";
import { type Kept, type Loaded, toIncoming, toOutgoing } from "./load.ts";
import type { LedgerEntry, Message } from "./messages-rules.ts";

/** What was read for one round with a peer, and what the rules have made of it so far: nothing of it is written yet. */
export interface Round {
  loaded: Loaded;
  link: Link;
  kept: Map<string, Kept>;
  outgoing: Map<string, Outgoing>;
  incoming: Map<string, Incoming>;
  sent: Map<bigint, () => LedgerEntry>;
  received: Map<bigint, () => LedgerEntry>;
  refusals: Map<string, ReturnType<Rows["refusal"]>>;
  /** What differs from what was read. */
  changed: Map<string, Change>;
  newSent: LedgerEntry[];
  newReceived: LedgerEntry[];
  replies: Message[];
  evidence: Evidence | null;
}

/** Who brought a transfer to where it is: that decides what is said about it, and to whom. */
export interface Change {
  /** By an order of ours; else by what the peer said. */
  ordered: boolean;
  /** Our own entry, given back by the peer. */
  recovered: boolean;
  /** The peer knows how it ended. */
  released: boolean;
}

export function newRound(loaded: Loaded, rows: readonly Kept[]): Round {
  const round: Round = {
    ...{ loaded, link: loaded.link, kept: new Map(), outgoing: new Map(), incoming: new Map() },
    ...{ sent: new Map(), received: new Map(), refusals: new Map(), changed: new Map() },
    ...{ newSent: [], newReceived: [], replies: [], evidence: null },
  };
  addRows(round, rows);
  return round;
}

export function addRows(round: Round, rows: readonly Kept[]): void {
  for (const row of rows) {
    if (round.kept.has(row.iri)) continue;
    round.kept.set(row.iri, row);
    if (row.side === "payer") round.outgoing.set(row.iri, toOutgoing(row, round.loaded));
    else round.incoming.set(row.iri, toIncoming(row, round.loaded));
  }
}

/** The rules' view of a round; it follows what `apply` changes. */
export function rowsOf(round: Round): Rows {
  return {
    outgoing: (iri) => round.outgoing.get(iri),
    incoming: (iri) => round.incoming.get(iri),
    open: () => ({
      outgoing: [...round.outgoing.values()].filter(({ state }) => state === "reserved"),
      incoming: [...round.incoming.values()].filter(({ state }) => state === "prepared"),
    }),
    sent: (seq) => round.sent.get(seq)?.(),
    received: (seq) => round.received.get(seq)?.(),
    refusal({ digest, terms }) {
      const refusal = round.refusals.get(digest);
      if (refusal === undefined) throw new Error(`The request for ${terms.iri} was not weighed.`);
      return refusal;
    },
  };
}

/** Takes over what the rules made of one message, or of one order. */
export function apply(round: Round, outcome: Outcome, ordered: boolean): void {
  const { recovered } = outcome;
  const note = (iri: string, released: boolean) => {
    const before = round.changed.get(iri);
    round.changed.set(iri, { ordered: ordered || before?.ordered === true, recovered, released });
  };
  for (const row of outcome.outgoing) {
    const released = row.state === "aborted" && round.outgoing.get(row.iri)?.state === "aborted";
    round.outgoing.set(row.iri, row);
    note(row.iri, released);
  }
  for (const row of outcome.incoming) {
    round.incoming.set(row.iri, row);
    note(row.iri, false);
  }
  for (const entry of outcome.sent) round.sent.set(entry.seq, () => entry);
  for (const entry of outcome.received) round.received.set(entry.seq, () => entry);
  round.newSent.push(...outcome.sent);
  round.newReceived.push(...outcome.received);
  round.replies.push(...outcome.replies);
  round.evidence ??= outcome.evidence;
  round.link = outcome.link;
}

/**
 * A pen that signs no checkpoints: one envelope may bring hundreds of entries, and only the last checkpoint of all says anything that
 * the others do not.
 */
export function sparing(pen: Pen, { loaded }: Pick<Round, "loaded">): Pen {
  const { hub, link } = loaded;
  return { ...pen, checkpoint: (head) => ({ ...head, writer: hub, reader: link.peer, body: "" }) };
}

/** What is answered: each thing once, at most so many, and one checkpoint, signed now. */
export function repliesOf(round: Round, pen: Pen, most: number): Message[] {
  const said = new Set<string>();
  const replies: Message[] = [];
  let acknowledged = false;
  for (const reply of round.replies) {
    if (reply.type === "checkpoint") {
      acknowledged = true;
      continue;
    }
    const name = nameOf(reply);
    if (name !== null && said.has(name)) continue;
    if (name !== null) said.add(name);
    if (replies.length < most) replies.push(reply);
  }
  if (acknowledged) replies.push({ type: "checkpoint", checkpoint: pen.checkpoint(round.link.in) });
  return replies;
}

function nameOf(message: Message): string | null {
  switch (message.type) {
    case "promise":
      return `promise ${message.promise.transfer}`;
    case "refuse":
    case "abort":
    case "release":
    case "query":
      return `${message.type} ${message.transfer}`;
    case "entry":
      return `entry ${message.entry.seq}`;
    case "pull":
      return `pull ${message.log} ${message.after} ${message.nonce}`;
    case "known":
      return `known ${message.epoch} ${message.nonce}`;
    default:
      return null;
  }
}
