import type { Rate } from "../ledger/rules.ts";

/** What one transfer moves: minor units of the payer's and the payee's currency, and seconds of an HOUR between the hubs. */
export interface Amounts {
  payer: bigint;
  payee: bigint;
  seconds: bigint;
}

/** What both organizations consent to: the three amounts, by these rates (credits per HOUR, in minor units), to be asked for until then. */
export interface Quote extends Amounts {
  payerRate: Rate;
  payeeRate: Rate;
  until: Date;
}

/** A transfer between hubs, as its payer's hub writes it down. All names are iris. */
export interface Terms {
  iri: string;
  payer: string;
  payee: string;
  agreement: string;
  quote: Quote;
  /** Digests of the signed Offer and Accept; null until both are there. */
  evidence: { offer: string; accept: string } | null;
}

/** A document that one hub signed for another: its digest (without the proof) names it, its text is kept byte for byte. */
export interface Signed {
  /** Iris of the hubs: who signed, and for whom alone it is. */
  writer: string;
  reader: string;
  digest: string;
  body: string;
}

/** R1: the payer's hub holds the credit and asks for a promise. */
export interface CreditTransfer extends Signed {
  terms: Terms;
}

/** R2: the payee's hub will take the credit whenever the payer's hub commits. */
export interface CreditPromise extends Signed {
  transfer: string;
  /** Digest of the CreditTransfer. */
  request: string;
}

/** R3: one line of a log: final. */
export interface LedgerEntry extends Signed {
  seq: bigint;
  /** Digest of the entry before; empty for the first one. */
  prev: string;
  transfer: string;
  payer: string;
  payee: string;
  agreement: string;
  amounts: Amounts;
  /** Sum of the seconds of this log, this entry's included. */
  cumulative: bigint;
  /** Digest of the promise. */
  promise: string;
  /** Digest of the payer's confirmation, or why there is none: `auto`, `resolution`, `rule`. */
  confirm: string;
}

/** Where a log stands: its last entry. */
export interface Head {
  seq: bigint;
  cumulative: bigint;
  digest: string;
}

/** R4: so much of the sender's log was received and posted. */
export interface Checkpoint extends Head, Pick<Signed, "writer" | "reader" | "body"> {}

/** One run of a hub's deciding process: the higher epoch counts, and under one epoch there is one nonce. */
export interface Session {
  epoch: bigint;
  nonce: string;
}

/** Why a promise is not given. */
export const REFUSALS = [
  "limit",
  "payee-unknown",
  "no-agreement",
  "stale-quote",
  "draining",
  "too-many",
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** How the payee's hub sees a transfer of the peer's; `none`: it knows of no such one. */
export type IncomingState = "prepared" | "rejected" | "settled" | "released";

/** H2: all that the other side needs, to know what it may have forgotten. Logs are read in pages after it. */
export interface Resynced {
  type: "resynced";
  /** The nonce of the Resync that it answers. */
  nonce: string;
  /** The sender's own log, and what it has of the receiver's. */
  out: Head;
  in: Head;
  /** How the sender sees the open transfers that the receiver named. */
  states: { transfer: string; state: IncomingState | "none" }[];
  /** The sender's transfers that are open still; with the receiver's promise, where there is one. */
  open: { request: CreditTransfer | null; transfer: string; promise: CreditPromise | null }[];
  /** Transfers of the receiver's that the sender has promised to take. */
  prepared: string[];
}

/** What hubs say to one another. Each question is asked until its answer comes; answers are not repeated. */
export type Message =
  | { type: "reserve"; request: CreditTransfer }
  | { type: "promise"; promise: CreditPromise }
  | { type: "refuse"; transfer: string; reason: Refusal }
  | { type: "entry"; entry: LedgerEntry }
  | { type: "checkpoint"; checkpoint: Checkpoint }
  /** R5, and its answer. */
  | { type: "abort" | "release"; transfer: string }
  /** How did it end? Answered by `abort` or `entry`, or not as long as it is open. */
  | { type: "query"; transfer: string }
  /** More of a log: the receiver's own (`yours`), or what it has of the asker's (`mine`). With a nonce: the asker is recovering. */
  | { type: "pull"; log: "yours" | "mine"; after: bigint; nonce: string | null }
  | {
      type: "page";
      /** From the sender's side: its own log, or what it has of the receiver's. */
      log: "mine" | "yours";
      nonce: string;
      entries: LedgerEntry[];
      /** The receiver's promises behind the sender's own entries: it may have forgotten them. */
      requests: { request: CreditTransfer; promise: CreditPromise }[];
    }
  | { type: "resync"; out: Head; in: Head; open: string[] }
  | Resynced
  /** The sender has seen a later session than the one that spoke (`nonce`). */
  | { type: "known"; epoch: bigint; nonce: string };

/**
 * Whether all that is signed in a message is signed for this pair of hubs, in this direction: what a hub signed for another peer, or the
 * other way round, says nothing here.
 */
export function belongs(message: Message, peer: string, hub: string): boolean {
  const theirs = ({ writer, reader }: Pick<Signed, "writer" | "reader">) => writer === peer && reader === hub;
  const ours = ({ writer, reader }: Pick<Signed, "writer" | "reader">) => writer === hub && reader === peer;
  const mints = (writer: string, iri: string) => iri.startsWith(`${new URL(writer).origin}/transfers/`);
  const pairs = (
    side: typeof ours,
    { request, promise }: { request: CreditTransfer; promise: CreditPromise },
  ) =>
    side(request) &&
    promise.writer === request.reader &&
    promise.reader === request.writer &&
    promise.transfer === request.terms.iri &&
    promise.request === request.digest &&
    mints(request.writer, request.terms.iri);
  switch (message.type) {
    case "reserve":
      return theirs(message.request) && mints(peer, message.request.terms.iri);
    case "promise":
      return theirs(message.promise);
    case "entry":
      return theirs(message.entry);
    case "checkpoint":
      return theirs(message.checkpoint);
    case "query":
      return mints(hub, message.transfer);
    case "abort":
      return mints(peer, message.transfer);
    case "page": {
      const side = message.log === "mine" ? theirs : ours;
      return message.entries.every(side) && message.requests.every((pair) => pairs(side, pair));
    }
    case "resynced":
      return (
        message.prepared.every((iri) => mints(hub, iri)) &&
        message.open.every(
          ({ transfer, request, promise }) =>
            mints(peer, transfer) &&
            (request === null || (theirs(request) && request.terms.iri === transfer)) &&
            (request === null || promise === null || pairs(theirs, { request, promise })),
        )
      );
    default:
      return true;
  }
}

/** What a confirmation of less than everything pays: by the pinned rates, rounded down, never more than was promised. */
export function partOf(quote: Quote, paid: bigint): Amounts {
  if (paid >= quote.payer) return { payer: quote.payer, payee: quote.payee, seconds: quote.seconds };
  const least = (a: bigint, b: bigint) => (a < b ? a : b);
  const seconds = least((paid * 3600n * quote.payerRate.d) / quote.payerRate.n, quote.seconds);
  const payee = least((seconds * quote.payeeRate.n) / (3600n * quote.payeeRate.d), quote.payee);
  return { payer: paid, payee, seconds };
}

/** Neither hub's conversion account loses by it: what it gives is worth no more, at its own rate, than what it gets. */
export function isFair({ payer, payee, seconds, payerRate, payeeRate }: Quote): boolean {
  const positive = [payer, payee, seconds, payerRate.n, payerRate.d, payeeRate.n, payeeRate.d];
  return (
    positive.every((number) => number > 0n) &&
    payer * 3600n * payerRate.d >= seconds * payerRate.n &&
    payee * 3600n * payeeRate.d <= seconds * payeeRate.n
  );
}
