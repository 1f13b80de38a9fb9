import { createPublicKey } from "node:crypto";
import canonicalize from "canonicalize";
import { z } from "zod";
import { OLD_KEYS_MAX, type Standing, standingWith } from "../../domain/clearing/proof.ts";
import type { Ctx } from "../../domain/context.ts";
import type { Peer } from "../../domain/peers/queries.ts";
import type { SigningKey } from "../keyring.ts";
import { decodeMultikey, encodeMultikey, type JsonObject, proveCanonical, verifyProof } from "../proofs.ts";
import { CLEARING_CONTEXT } from "../vocab/context.ts";
import {
  iri,
  type Keys,
  proof,
  readCheckpoint,
  readEntry,
  seqOrNone,
  sign,
  time,
  toCheckpoint,
  total,
} from "./documents.ts";

/** A statement has two entries, two checkpoints and the open transfers: some hundred bytes each. */
export const MAX_STATEMENT = 2 * 1_048_576;

const key = z.string().regex(/^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/);
const keys = z.tuple([key], key).refine((list) => list.length <= OLD_KEYS_MAX + 1);
/** Signed documents whole, as they stand in both hubs' logs. */
const log = z.strictObject({
  "ayni:seq": seqOrNone,
  "ayni:cumulative": total,
  "ayni:acknowledged": total,
  "ayni:entry": z.record(z.string(), z.unknown()).nullable(),
  "ayni:checkpoint": z.record(z.string(), z.unknown()).nullable(),
});
const statement = z.strictObject({
  "@context": z.unknown(),
  type: z.tuple([z.literal("Document"), z.literal("ayni:ClearingStatement")]),
  ...{ attributedTo: iri, to: iri, published: time, proof },
  /** Multikeys: the writer's own, and the one that it has pinned for the reader; behind each what the hub proved with before. */
  "ayni:keys": z.strictObject({ writer: keys, reader: keys }),
  /** What the writer pays, and what the reader pays. */
  ...{ "ayni:out": log, "ayni:in": log },
  /** Seconds of an HOUR that the writer owes the reader; below zero: the other way. */
  "ayni:net": z
    .string()
    .regex(/^-?(?:0|[1-9]\d{0,18})$/)
    .transform(BigInt),
  "ayni:limits": z.strictObject({ readerMayOwe: total, writerMayOwe: total }),
  "ayni:heard": time.nullable(),
  "ayni:open": z
    .array(
      z.strictObject({
        "ayni:transfer": iri,
        side: z.enum(["payer", "payee"]),
        state: z.enum(["reserved", "prepared"]),
        "ayni:clearingAmount": total,
      }),
    )
    .max(2_000),
});

/** What a hub says of its standing with another one, with what both signed of it. Canonical JSON (RFC 8785), proven as a whole. */
export async function writeStatement(
  ctx: Ctx,
  peer: Peer,
  { hub, key }: { hub: string; key: SigningKey },
): Promise<string> {
  const now = ctx.clock.now();
  const standing = await standingWith(ctx, peer);
  const document = toStatement(standing, peer, { hub, key, now });
  return proveCanonical(document, key, now).whole;
}

function toStatement(
  standing: Standing,
  peer: Peer,
  { hub, key, now }: { hub: string; key: SigningKey; now: Date },
): JsonObject {
  const { out, in: incoming, acknowledged } = standing;
  const parse = (body: string | null) => (body === null ? null : (JSON.parse(body) as JsonObject));
  const ours = sign(toCheckpoint(incoming, { writer: hub, reader: peer.iri }), key, now);
  return {
    "@context": CLEARING_CONTEXT,
    type: ["Document", "ayni:ClearingStatement"],
    ...{ attributedTo: hub, to: peer.iri, published: now.toISOString() },
    "ayni:keys": {
      writer: [encodeMultikey(createPublicKey(key.privateKey)), ...standing.oldKeys.ours],
      reader: [peer.key, ...standing.oldKeys.theirs],
    },
    "ayni:out": {
      "ayni:seq": `${out.seq}`,
      "ayni:cumulative": `${out.cumulative}`,
      "ayni:acknowledged": `${acknowledged.seq}`,
      "ayni:entry": parse(standing.outEntry),
      "ayni:checkpoint": parse(standing.checkpoint),
    },
    "ayni:in": {
      "ayni:seq": `${incoming.seq}`,
      "ayni:cumulative": `${incoming.cumulative}`,
      "ayni:acknowledged": `${incoming.seq}`,
      "ayni:entry": parse(standing.inEntry),
      "ayni:checkpoint": incoming.seq === 0n ? null : parse(ours.body),
    },
    "ayni:net": `${out.cumulative - incoming.cumulative}`,
    "ayni:limits": { readerMayOwe: `${peer.theyMayOwe}`, writerMayOwe: `${peer.weMayOwe}` },
    "ayni:heard": standing.heard?.toISOString() ?? null,
    "ayni:open": standing.open.map(({ transfer, side, state, seconds }) => ({
      "ayni:transfer": transfer,
      ...{ side, state },
      "ayni:clearingAmount": `${seconds}`,
    })),
  };
}

export interface CheckedStatement {
  writer: string;
  reader: string;
  published: Date;
  /** Multikeys, the present one first. */
  keys: { writer: string[]; reader: string[] };
  /** Seconds of an HOUR that the writer owes the reader. */
  net: bigint;
  out: { seq: bigint; cumulative: bigint; acknowledged: bigint };
  in: { seq: bigint; cumulative: bigint; acknowledged: bigint };
  open: number;
}

/**
 * Checks a statement with nothing but itself: that it is byte for byte what its writer signed, that each log's newest entry is signed by
 * the one who pays, that checkpoints are signed by the other one, and that the sums are those of the entries. Whether the keys are
 * the hubs' is for people to compare with what the hubs' documents say.
 *
 * @returns problems in sentences, none when all of it is proven
 */
export function checkStatement(text: string): { statement: CheckedStatement | null; problems: string[] } {
  const nothing = (problem: string) => ({ statement: null, problems: [problem] });
  let json: JsonObject;
  try {
    json = JSON.parse(text) as JsonObject;
    if (canonicalize(json) !== text)
      return nothing("The file is not as its writer wrote it (not canonical JSON).");
  } catch {
    return nothing("The file is not JSON.");
  }
  const read = statement.safeParse(json);
  if (!read.success) return nothing("The file is not a statement between hubs.");
  const { attributedTo: writer, to: reader, published, "ayni:keys": named, ...rest } = read.data;
  const writerKeys = named.writer.map(decodeMultikey).filter((key) => key !== null);
  const readerKeys = named.reader.map(decodeMultikey).filter((key) => key !== null);
  if (writerKeys.length < named.writer.length || readerKeys.length < named.reader.length)
    return nothing("One of the keys is no Ed25519 key.");
  const [writerKey] = writerKeys;
  if (!read.data.proof.verificationMethod.startsWith(`${writer}#`) || !verifyProof(json, writerKey!))
    return nothing(`It is not signed by ${writer}, or it was changed.`);

  const problems: string[] = [];
  const keys: Keys = (hub) => (hub === writer ? writerKeys : hub === reader ? readerKeys : []);
  const check = (name: "ayni:out" | "ayni:in", payer: string, payee: string) => {
    const { "ayni:seq": seq, "ayni:cumulative": cumulative, ...log } = rest[name];
    const wrong = (what: string) => problems.push(`What ${payer} pays: ${what}.`);
    const entry = readEntry(log["ayni:entry"], keys);
    if (seq === 0n ? log["ayni:entry"] !== null : entry === null)
      wrong("its newest entry is not signed by it");
    if (entry !== null) {
      if (entry.writer !== payer || entry.reader !== payee) wrong("the entry is between other hubs");
      if (entry.seq !== seq || entry.cumulative !== cumulative) wrong("the sums are not those of its entry");
    } else if (cumulative !== 0n) wrong("there is a sum without an entry");
    const acknowledged = log["ayni:acknowledged"];
    const checkpoint = readCheckpoint(log["ayni:checkpoint"], keys);
    if (log["ayni:checkpoint"] === null ? acknowledged !== 0n : checkpoint === null)
      wrong(`what ${payee} has acknowledged is not signed by it`);
    if (checkpoint !== null) {
      if (checkpoint.writer !== payee || checkpoint.reader !== payer)
        wrong("the checkpoint is between other hubs");
      if (checkpoint.seq !== acknowledged || checkpoint.seq > seq || checkpoint.cumulative > cumulative)
        wrong("more is acknowledged than there is");
      if (
        checkpoint.seq === seq &&
        (checkpoint.digest !== entry?.digest || checkpoint.cumulative !== cumulative)
      )
        wrong("the two sides signed different entries of the same number");
    }
    return { seq, cumulative, acknowledged };
  };
  const out = check("ayni:out", writer, reader);
  const incoming = check("ayni:in", reader, writer);
  const net = rest["ayni:net"];
  if (net !== out.cumulative - incoming.cumulative)
    problems.push("What is owed is not the difference of both sums.");
  const open = rest["ayni:open"].length;
  return { statement: { writer, reader, published, keys: named, net, out, in: incoming, open }, problems };
}

const query = z.strictObject({
  "@context": z.unknown(),
  type: z.tuple([z.literal("Document"), z.literal("ayni:StatementQuery")]),
  ...{ attributedTo: iri, to: iri, published: time, proof },
});

/** A peer's question for a statement, signed for a few minutes. */
export function writeQuery({ hub, key }: { hub: string; key: SigningKey }, peer: string, now: Date): string {
  const document = {
    "@context": CLEARING_CONTEXT,
    type: ["Document", "ayni:StatementQuery"],
    ...{ attributedTo: hub, to: peer, published: now.toISOString() },
  };
  return proveCanonical(document, key, now).whole;
}

const QUERY_MINUTES = 5;

/** Whether this is the peer's question to this hub, by its pinned key and of now. */
export function isQuery(body: string, peer: Pick<Peer, "iri" | "key">, hub: string, now: Date): boolean {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return false;
  }
  const read = query.safeParse(json);
  const pinned = decodeMultikey(peer.key);
  if (!read.success || pinned === null) return false;
  const { attributedTo, to, published } = read.data;
  return (
    attributedTo === peer.iri &&
    to === hub &&
    Math.abs(published.getTime() - now.getTime()) <= QUERY_MINUTES * 60_000 &&
    verifyProof(json as JsonObject, pinned)
  );
}
