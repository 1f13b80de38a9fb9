import type { KeyObject } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type {
  Checkpoint,
  CreditPromise,
  CreditTransfer,
  Head,
  LedgerEntry,
  Signed,
  Terms,
} from "../../domain/clearing/messages-rules.ts";
import { isObject } from "../envelope.ts";
import type { SigningKey } from "../keyring.ts";
import { canonical, digestOf, type JsonObject, proveCanonical, verifyProof } from "../proofs.ts";
import { CLEARING_CONTEXT } from "../vocab/context.ts";

/** Between whom a document is: iris of the hub actors. */
export type Parties = Pick<Signed, "writer" | "reader">;

/** The keys by which a hub's documents are believed, by the hub's iri; none for a hub that has no say here. */
export type Keys = (hub: string) => readonly KeyObject[];

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** R1, not signed yet. @throws TypeError when a consent's digest is missing */
export function toTransfer(terms: Terms, { writer, reader }: Parties): JsonObject {
  const { iri, payer, payee, agreement, quote, evidence } = terms;
  if (evidence === null) throw new TypeError(`Nobody has consented to ${iri} yet.`);
  const rate = ({ n, d }: { n: bigint; d: bigint }) => ({ n: `${n}`, d: `${d}` });
  return {
    "@context": CLEARING_CONTEXT,
    id: iri,
    type: ["Document", "ayni:CreditTransfer"],
    ...{ attributedTo: writer, to: reader, context: agreement },
    ...{ "ayni:payer": payer, "ayni:payee": payee },
    "ayni:payerAmount": `${quote.payer}`,
    "ayni:payeeAmount": `${quote.payee}`,
    "ayni:clearingAmount": `${quote.seconds}`,
    "ayni:payerRate": rate(quote.payerRate),
    "ayni:payeeRate": rate(quote.payeeRate),
    endTime: quote.until.toISOString(),
    "ayni:evidence": { "ayni:offer": evidence.offer, "ayni:accept": evidence.accept },
  };
}

/** R2, not signed yet. */
export function toPromise(
  { transfer, request }: Pick<CreditPromise, "transfer" | "request">,
  { writer, reader }: Parties,
): JsonObject {
  return {
    "@context": CLEARING_CONTEXT,
    type: ["Document", "ayni:CreditPromise"],
    ...{ attributedTo: writer, to: reader },
    ...{ "ayni:transfer": transfer, "ayni:request": request },
  };
}

/** R3, not signed yet. */
export function toEntry(entry: Omit<LedgerEntry, keyof Signed>, { writer, reader }: Parties): JsonObject {
  const { amounts } = entry;
  return {
    "@context": CLEARING_CONTEXT,
    type: ["Document", "EconomicEvent", "ayni:LedgerEntry"],
    ...{ attributedTo: writer, to: reader, context: entry.agreement },
    action: "transfer",
    "ayni:seq": `${entry.seq}`,
    "ayni:prev": entry.prev,
    "ayni:transfer": entry.transfer,
    ...{ "ayni:payer": entry.payer, "ayni:payee": entry.payee },
    "ayni:payerAmount": `${amounts.payer}`,
    "ayni:payeeAmount": `${amounts.payee}`,
    "ayni:clearingAmount": `${amounts.seconds}`,
    "ayni:cumulative": `${entry.cumulative}`,
    ...{ "ayni:promise": entry.promise, "ayni:confirm": entry.confirm },
  };
}

/** R4, not signed yet. */
export function toCheckpoint({ seq, cumulative, digest }: Head, { writer, reader }: Parties): JsonObject {
  return {
    "@context": CLEARING_CONTEXT,
    type: ["Document", "ayni:Checkpoint"],
    ...{ attributedTo: writer, to: reader },
    ...{ "ayni:seq": `${seq}`, "ayni:cumulative": `${cumulative}`, "ayni:entry": digest },
  };
}

/** Signs a document: what it is kept and sent as (canonical JSON, RFC 8785, its proof included), and the digest that names it. */
export function sign(
  document: JsonObject,
  key: SigningKey,
  now: Date,
): Pick<Signed, "writer" | "reader" | "digest" | "body"> {
  const { attributedTo, to } = document;
  const { bare, whole } = proveCanonical(document, key, now);
  return {
    ...{ writer: attributedTo as string, reader: to as string },
    ...{ digest: digestOf(bare), body: whole },
  };
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
//
// Strict: a document has the members that are listed here and no others, so that nobody signs what a reader passes over.
// `keys`: null for what was proven when it was taken, and is read again from where it is kept.

/** R1; null when it is none, or not proven by its writer. */
export function readTransfer(json: unknown, keys: Keys | null): CreditTransfer | null {
  const found = proven(json, transfer, keys);
  if (found === null) return null;
  const { signed, document } = found;
  const offer = document["ayni:evidence"]["ayni:offer"];
  return {
    ...signed,
    terms: {
      iri: document.id,
      payer: document["ayni:payer"],
      payee: document["ayni:payee"],
      agreement: document.context,
      quote: {
        ...amountsOf(document),
        payerRate: document["ayni:payerRate"],
        payeeRate: document["ayni:payeeRate"],
        until: document.endTime,
      },
      evidence: { offer, accept: document["ayni:evidence"]["ayni:accept"] },
    },
  };
}

/** R2, likewise. */
export function readPromise(json: unknown, keys: Keys | null): CreditPromise | null {
  const found = proven(json, promise, keys);
  if (found === null) return null;
  const { signed, document } = found;
  return { ...signed, transfer: document["ayni:transfer"], request: document["ayni:request"] };
}

/** R3, likewise. */
export function readEntry(json: unknown, keys: Keys | null): LedgerEntry | null {
  const found = proven(json, entry, keys);
  if (found === null) return null;
  const { signed, document } = found;
  return {
    ...signed,
    seq: document["ayni:seq"],
    prev: document["ayni:prev"],
    transfer: document["ayni:transfer"],
    payer: document["ayni:payer"],
    payee: document["ayni:payee"],
    agreement: document.context,
    amounts: amountsOf(document),
    cumulative: document["ayni:cumulative"],
    promise: document["ayni:promise"],
    confirm: document["ayni:confirm"],
  };
}

/** R4, likewise. */
export function readCheckpoint(json: unknown, keys: Keys | null): Checkpoint | null {
  const found = proven(json, checkpoint, keys);
  if (found === null) return null;
  const { writer, reader, body } = found.signed;
  const { document } = found;
  return {
    ...{ writer, reader, body },
    seq: document["ayni:seq"],
    cumulative: document["ayni:cumulative"],
    digest: document["ayni:entry"],
  };
}

function amountsOf(document: {
  "ayni:payerAmount": bigint;
  "ayni:payeeAmount": bigint;
  "ayni:clearingAmount": bigint;
}) {
  return {
    payer: document["ayni:payerAmount"],
    payee: document["ayni:payeeAmount"],
    seconds: document["ayni:clearingAmount"],
  };
}

/** Of the shape, and proven by who wrote it: with what is told of every signed document. */
function proven<T extends { attributedTo: string; to: string; proof: { verificationMethod: string } }>(
  json: unknown,
  schema: z.ZodType<T>,
  keys: Keys | null,
): { document: T; signed: Signed } | null {
  if (!isObject(json)) return null;
  const { data: document } = schema.safeParse(json);
  if (document === undefined) return null;
  const { attributedTo: writer, to: reader } = document;
  if (!document.proof.verificationMethod.startsWith(`${writer}#`)) return null;
  const { whole, bare } = canonical(json);
  if (keys !== null && !keys(writer).some((key) => verifyProof(json, key, bare))) return null;
  return { document, signed: { writer, reader, digest: digestOf(bare), body: whole } };
}

/** Amounts fit PostgreSQL's bigint; numbers of entries stay far enough below that the next hundred do as well. */
const MAX_AMOUNT = 2n ** 63n - 1n;
const MAX_SEQ = 2n ** 53n - 1n;

const decimal = (most: bigint, pattern: RegExp) =>
  z
    .string()
    .regex(pattern)
    .transform(BigInt)
    .refine((value) => value <= most);

/** Decimal digits as text: 1 … 2^63−1. */
export const amount = decimal(MAX_AMOUNT, /^[1-9][0-9]{0,18}$/);
export const total = decimal(MAX_AMOUNT, /^(?:0|[1-9][0-9]{0,18})$/);
export const seq = decimal(MAX_SEQ, /^[1-9][0-9]{0,15}$/);
export const seqOrNone = decimal(MAX_SEQ, /^(?:0|[1-9][0-9]{0,15})$/);
/** An absolute http(s) URI, in ASCII. */
export const iri = z
  .string()
  .max(500)
  .regex(/^https?:\/\/[!#-;=?-[\]_a-z~]+$/)
  .refine((text) => URL.canParse(text));
/** Multibase (base58btc) of a SHA-256 multihash. */
export const digest = z.string().regex(/^zQm[1-9A-HJ-NP-Za-km-z]{44}$/);
export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/)
  .transform((text) => new Date(text))
  .refine((date) => !Number.isNaN(date.getTime()));
const context = z.custom<unknown>((value) => isDeepStrictEqual(value, CLEARING_CONTEXT));
export const proof = z.strictObject({
  "@context": context.optional(),
  type: z.literal("DataIntegrityProof"),
  cryptosuite: z.literal("eddsa-jcs-2022"),
  created: time,
  verificationMethod: iri,
  proofPurpose: z.literal("assertionMethod"),
  proofValue: z.string().max(100),
});
/** Members that every signed document has. */
export const frame = { "@context": context, attributedTo: iri, to: iri, proof };

const rate = z.strictObject({ n: amount, d: amount });
const amounts = {
  "ayni:payerAmount": amount,
  "ayni:payeeAmount": amount,
  "ayni:clearingAmount": amount,
};
const DOCUMENT = z.literal("Document");

const transfer = z.strictObject({
  ...frame,
  id: iri,
  type: z.tuple([DOCUMENT, z.literal("ayni:CreditTransfer")]),
  context: iri,
  ...{ "ayni:payer": iri, "ayni:payee": iri },
  ...amounts,
  ...{ "ayni:payerRate": rate, "ayni:payeeRate": rate },
  endTime: time,
  "ayni:evidence": z.strictObject({ "ayni:offer": digest, "ayni:accept": digest }),
});

const promise = z.strictObject({
  ...frame,
  type: z.tuple([DOCUMENT, z.literal("ayni:CreditPromise")]),
  ...{ "ayni:transfer": iri, "ayni:request": digest },
});

const entry = z.strictObject({
  ...frame,
  type: z.tuple([DOCUMENT, z.literal("EconomicEvent"), z.literal("ayni:LedgerEntry")]),
  context: iri,
  action: z.literal("transfer"),
  "ayni:seq": seq,
  "ayni:prev": digest.or(z.literal("")),
  "ayni:transfer": iri,
  ...{ "ayni:payer": iri, "ayni:payee": iri },
  ...amounts,
  "ayni:cumulative": amount,
  "ayni:promise": digest,
  "ayni:confirm": digest.or(z.enum(["auto", "resolution", "rule"])),
});

const checkpoint = z.strictObject({
  ...frame,
  type: z.tuple([DOCUMENT, z.literal("ayni:Checkpoint")]),
  ...{ "ayni:seq": seq, "ayni:cumulative": amount, "ayni:entry": digest },
});
