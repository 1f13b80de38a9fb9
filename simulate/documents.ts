import type { Pen } from "../src/domain/clearing/link-rules.ts";
import type {
  Checkpoint,
  CreditPromise,
  CreditTransfer,
  LedgerEntry,
  Message,
} from "../src/domain/clearing/messages-rules.ts";
import { digestOf, type Random } from "./random.ts";

type Document = CreditTransfer | CreditPromise | LedgerEntry | Checkpoint;

/** What only the hub knows that has the key; `version` counts up with each rotation. */
export const secretOf = (hub: string, version: number) => `${hub} secret ${version}`;

const proofOf = (text: string, hub: string, version: number) =>
  `${version}:${digestOf(`${text} ${secretOf(hub, version)}`)}`;

/** Everything that a document says, as one text. */
function textOf(document: Document): string {
  const { writer, reader } = document;
  if ("terms" in document) {
    const { iri, payer, payee, agreement, quote, evidence } = document.terms;
    const rates = `${quote.payerRate.n}/${quote.payerRate.d} ${quote.payeeRate.n}/${quote.payeeRate.d}`;
    const amounts = `${quote.payer} ${quote.payee} ${quote.seconds} ${rates} ${quote.until.getTime()}`;
    return `R1 ${writer} ${reader} ${iri} ${payer} ${payee} ${agreement} ${amounts} ${evidence?.offer} ${evidence?.accept}`;
  }
  if ("request" in document) return `R2 ${writer} ${reader} ${document.transfer} ${document.request}`;
  if ("amounts" in document) {
    const { seq, prev, transfer, payer, payee, agreement, amounts, cumulative, promise, confirm } = document;
    const sums = `${amounts.payer} ${amounts.payee} ${amounts.seconds} ${cumulative}`;
    return `R3 ${writer} ${reader} ${seq} ${prev} ${transfer} ${payer} ${payee} ${agreement} ${sums} ${promise} ${confirm}`;
  }
  return `R4 ${writer} ${reader} ${document.seq} ${document.cumulative} ${document.digest}`;
}

/** Signs as one hub for one reader. The same words have the same digest, whatever the key. */
export function penOf(hub: string, reader: string, version: number, random: Random): Pen {
  const sign = <T extends Document>(document: T): T => {
    const text = textOf(document);
    document.body = `${text} ${proofOf(text, hub, version)}`;
    if (!("amounts" in document) && !("request" in document) && !("terms" in document)) return document;
    document.digest = digestOf(text);
    return document;
  };
  const blank = { writer: hub, reader, digest: "", body: "" };
  return {
    hub,
    request: (terms) => sign({ ...blank, terms }),
    promise: ({ terms, digest }) => sign({ ...blank, transfer: terms.iri, request: digest }),
    entry: (entry) => sign({ ...blank, ...entry }),
    checkpoint: ({ seq, cumulative, digest }) =>
      sign({ writer: hub, reader, seq, cumulative, digest, body: "" }),
    nonce: () => random.next().toString(36).slice(2, 12),
  };
}

/** Documents that were proven already: they are never changed, an altered one is another object. */
const proven = new WeakMap<object, number>();

/** The version of the key that signed the document; null when it is not what its writer signed. */
export function keyOf(document: Document): number | null {
  const known = proven.get(document);
  if (known !== undefined) return known;
  const text = textOf(document);
  const proof = document.body.slice(text.length + 1);
  const version = Number.parseInt(proof, 10);
  if (document.body !== `${text} ${proofOf(text, document.writer, version)}`) return null;
  if (
    ("terms" in document || "request" in document || "amounts" in document) &&
    document.digest !== digestOf(text)
  )
    return null;
  proven.set(document, version);
  return version;
}

/** All that is signed inside of a message. */
export function documentsOf(message: Message): Document[] {
  switch (message.type) {
    case "reserve":
      return [message.request];
    case "promise":
      return [message.promise];
    case "entry":
      return [message.entry];
    case "checkpoint":
      return [message.checkpoint];
    case "page":
      return [...message.entries, ...message.requests.flatMap(({ request, promise }) => [request, promise])];
    case "resynced":
      return message.open.flatMap(({ request, promise }) => [request, promise].filter((one) => one !== null));
    default:
      return [];
  }
}

/** What a hub signed before its key was rotated is proven by its present key when it is sent: the words, and so the digest, stay the same. */
export function renewed(message: Message, hub: string, version: number): Message {
  const old = documentsOf(message).some((one) => one.writer === hub && keyOf(one) !== version);
  if (!old) return message;
  const renew = <T extends Document>(document: T): T => {
    const text = textOf(document);
    return document.writer === hub
      ? { ...document, body: `${text} ${proofOf(text, hub, version)}` }
      : document;
  };
  switch (message.type) {
    case "reserve":
      return { ...message, request: renew(message.request) };
    case "promise":
      return { ...message, promise: renew(message.promise) };
    case "entry":
      return { ...message, entry: renew(message.entry) };
    case "checkpoint":
      return { ...message, checkpoint: renew(message.checkpoint) };
    case "page": {
      const requests = message.requests.map(({ request, promise }) => ({
        request: renew(request),
        promise: renew(promise),
      }));
      return { ...message, entries: message.entries.map(renew), requests };
    }
    case "resynced": {
      const open = message.open.map((one) => ({
        ...one,
        request: one.request && renew(one.request),
        promise: one.promise && renew(one.promise),
      }));
      return { ...message, open };
    }
    default:
      return message;
  }
}
