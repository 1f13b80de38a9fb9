import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import canonicalize from "canonicalize";
import type { Message, Terms } from "../src/domain/clearing/messages-rules.ts";
import { seal } from "../src/federation/clearing/envelope.ts";
import { createPen } from "../src/federation/clearing/pen.ts";
import { digestMultibase, encodeMultikey, type JsonObject, proveObject } from "../src/federation/proofs.ts";

/*
 * Writes the test vectors of the clearing protocol (docs/clearing/vectors): always the same, for keys and times are fixed.
 *
 *     node scripts/clearing-vectors.ts [directory]
 */

const NOW = new Date("2026-11-22T10:00:00.000Z");
const HOUR = 3_600_000;

interface Hub {
  iri: string;
  key: { id: string; privateKey: KeyObject };
  seed: string;
  multikey: string;
}

/** PKCS #8 of an Ed25519 key is these bytes and its seed. */
const PKCS8 = "302e020100300506032b657004220420";

function hub(origin: string, byte: string): Hub {
  const seed = byte.repeat(32);
  const der = Buffer.from(PKCS8 + seed, "hex");
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const iri = `${origin}/actor`;
  const multikey = encodeMultikey(createPublicKey(privateKey));
  return { iri, key: { id: `${iri}#ed25519-key`, privateKey }, seed, multikey };
}

const lac = hub("https://lac.example", "01");
const mena = hub("https://mena.example", "02");
const other = hub("https://other.example", "03");

const pens = {
  lac: createPen({ hub: lac.iri, peer: mena.iri, key: lac.key, now: () => NOW }),
  mena: createPen({ hub: mena.iri, peer: lac.iri, key: mena.key, now: () => NOW }),
};

const terms = (n: number): Terms => ({
  iri: `https://lac.example/transfers/${n}`,
  payer: "https://lac.example/actors/2",
  payee: "https://mena.example/actors/3",
  agreement: `https://mena.example/agreements/${n}`,
  quote: {
    ...{ payer: 120n, payee: 2000n, seconds: 7200n },
    payerRate: { n: 60n, d: 1n },
    payeeRate: { n: 1000n, d: 1n },
    until: new Date("2026-11-29T10:00:00.000Z"),
  },
  evidence: { offer: digestMultibase({ offer: n }), accept: digestMultibase({ accept: n }) },
});

/** Three settlements: all of it, half of it, and one that the rule decided. */
function log() {
  let head = { seq: 0n, cumulative: 0n, digest: "" };
  return [
    { paid: { payer: 120n, payee: 2000n, seconds: 7200n }, confirm: digestMultibase({ confirm: 1 }) },
    { paid: { payer: 61n, payee: 1016n, seconds: 3660n }, confirm: "auto" },
    { paid: { payer: 1n, payee: 16n, seconds: 60n }, confirm: "rule" },
  ].map(({ paid, confirm }, index) => {
    const { iri, payer, payee, agreement } = terms(index + 1);
    const request = pens.lac.request(terms(index + 1));
    const promise = pens.mena.promise(request);
    const entry = pens.lac.entry({
      ...{ seq: head.seq + 1n, prev: head.digest, transfer: iri, payer, payee, agreement, amounts: paid },
      ...{ cumulative: head.cumulative + paid.seconds, promise: promise.digest, confirm },
    });
    head = { seq: entry.seq, cumulative: entry.cumulative, digest: entry.digest };
    return { request, promise, entry, checkpoint: pens.mena.checkpoint(head) };
  });
}

const lines = log();
const first = lines[0]!;
const last = lines[2]!;
const head = {
  ...{ sender: lac.iri, receiver: mena.iri, published: NOW },
  ...{ session: { epoch: 41n, nonce: "bm9ib2R5IGNhbiBndWVz" }, state: "active" as const },
};
const none = { seq: 0n, cumulative: 0n, digest: "" };
const out = { seq: last.entry.seq, cumulative: last.entry.cumulative, digest: last.entry.digest };

const messages: Message[] = [
  { type: "reserve", request: first.request },
  { type: "entry", entry: first.entry },
  { type: "abort", transfer: "https://lac.example/transfers/4" },
  { type: "release", transfer: "https://mena.example/transfers/5" },
  { type: "refuse", transfer: "https://mena.example/transfers/6", reason: "limit" },
  { type: "query", transfer: "https://mena.example/transfers/7" },
  { type: "pull", log: "yours", after: 0n, nonce: null },
  { type: "resync", out, in: none, open: ["https://lac.example/transfers/8"] },
  { type: "known", epoch: 40n, nonce: "YW4gZWFybGllciBvbmU" },
  {
    ...{ type: "page", log: "mine", nonce: "c29tZWJvZHkgZWxzZSdz", entries: lines.map(({ entry }) => entry) },
    requests: lines.map(({ request, promise }) => ({ request, promise })),
  },
  {
    ...{ type: "resynced", nonce: "c29tZWJvZHkgZWxzZSdz", out, in: none },
    states: [{ transfer: "https://mena.example/transfers/7", state: "prepared" }],
    open: [{ transfer: first.request.terms.iri, request: first.request, promise: first.promise }],
    prepared: ["https://mena.example/transfers/7"],
  },
];
/** What `mena` says, of the two that its documents are in. */
const answers: Message[] = [
  { type: "promise", promise: first.promise },
  { type: "checkpoint", checkpoint: last.checkpoint },
];

const parse = (text: string) => JSON.parse(text) as JsonObject;

/** A signed document, step by step as eddsa-jcs-2022 makes it. */
function steps(name: string, body: string) {
  const { proof, ...document } = parse(body);
  const { proofValue, ...options } = proof as JsonObject;
  return {
    ...{ name, document, canonicalDocument: canonicalize(document), digest: digestMultibase(document) },
    ...{ proofOptions: options, canonicalProofOptions: canonicalize(options), proofValue, signed: body },
  };
}

const envelope = (said: Message[], change: object = {}, key = lac.key) =>
  seal({ ...head, ...change }, said, key)[0]!;
const later = (hours: number) => new Date(NOW.getTime() + hours * HOUR);
const reproven = (change: JsonObject, key = lac.key) => {
  const { proof: _, ...bare } = parse(envelope([]));
  return canonicalize(proveObject({ ...bare, ...change }, key, NOW))!;
};

/** What `mena` refuses at NOW. It knows `lac` as an active peer with the key of keys.json, and `other` not at all. */
const refusals = [
  { name: "no JSON", body: "{", status: 400, code: "malformed_envelope" },
  { name: "a member too many", body: reproven({ name: "x" }), status: 400, code: "malformed_envelope" },
  {
    name: "an epoch that is a number",
    body: reproven({ "ayni:epoch": 41 }),
    status: 400,
    code: "malformed_envelope",
  },
  {
    ...{ name: "the key of another actor", body: envelope([], {}, other.key) },
    ...{ status: 400, code: "malformed_envelope" },
  },
  {
    ...{ name: "a hub that is no peer", body: envelope([], { sender: other.iri }, other.key) },
    ...{ status: 403, code: "not_a_peer" },
  },
  {
    ...{ name: "for another hub", body: envelope([], { receiver: other.iri }) },
    ...{ status: 403, code: "other_receiver" },
  },
  {
    ...{ name: "altered on the way", body: envelope([]).replace('"ayni:epoch":"41"', '"ayni:epoch":"42"') },
    ...{ status: 401, code: "bad_proof" },
  },
  {
    ...{
      name: "another key under the sender's name",
      body: envelope([], {}, { ...other.key, id: lac.key.id }),
    },
    ...{ status: 401, code: "bad_proof" },
  },
  {
    ...{ name: "written 13 hours ago", body: envelope([], { published: later(-13) }) },
    ...{ status: 401, code: "clock_skew" },
  },
  {
    ...{ name: "written in two hours", body: envelope([], { published: later(2) }) },
    ...{ status: 401, code: "clock_skew" },
  },
];

const alteredEntry = { ...parse(first.entry.body), "ayni:payeeAmount": "2001" };
const hostile = (value: unknown) => {
  const { proof: _, ...bare } = parse(first.request.body);
  return proveObject({ ...bare, "ayni:clearingAmount": value }, lac.key, NOW);
};
/** Messages that are dropped, each alone; the envelope around them is good. */
const dropped = [
  { name: "of an unknown kind", message: { type: "Announce", object: first.request.terms.iri } },
  { name: "with a member too many", message: { type: "Undo", object: first.request.terms.iri, name: "x" } },
  { name: "an altered entry", message: { type: "Create", object: alteredEntry } },
  ...[7200, "-1", "0", "07200", "1e3", "0.5", "9223372036854775808", "７２００", null, ["7200"]].map(
    (value) => ({
      name: `a transfer of ${JSON.stringify(value)} seconds`,
      message: { type: "Offer", object: hostile(value) },
    }),
  ),
];

const FILES = {
  "keys.json": {
    about: "Ed25519 keys of two hubs; the seed is the private key (RFC 8032).",
    hubs: [lac, mena, other].map(({ iri, key, seed, multikey }) => ({
      ...{ hub: iri, keyId: key.id, seed, publicKeyMultibase: multikey },
    })),
  },
  "documents.json": {
    about:
      "Each signed document: without its proof, canonical (RFC 8785), its digest, and as it is sent and kept.",
    documents: [
      steps("CreditTransfer", first.request.body),
      steps("CreditPromise", first.promise.body),
      steps("LedgerEntry", first.entry.body),
      steps("Checkpoint", first.checkpoint.body),
    ],
  },
  "log.json": {
    about:
      "The log of lac.example for mena.example: three entries, what each pays for, and how mena.example acknowledges them.",
    lines: lines.map(({ request, promise, entry, checkpoint }) => ({
      digest: entry.digest,
      ...{ entry: parse(entry.body), request: parse(request.body), promise: parse(promise.body) },
      checkpoint: parse(checkpoint.body),
    })),
  },
  "envelope.json": {
    about: "One envelope each way, with every message there is.",
    envelopes: [
      { from: lac.iri, to: mena.iri, body: envelope(messages) },
      {
        from: mena.iri,
        to: lac.iri,
        body: envelope(answers, { sender: mena.iri, receiver: lac.iri }, mena.key),
      },
    ],
  },
  "refusals.json": {
    about:
      "What mena.example answers to these bodies at `now`, and messages that it drops from a good envelope.",
    now: NOW.toISOString(),
    refusals,
    dropped,
  },
};

const directory = process.argv[2] ?? join(import.meta.dirname, "..", "docs", "clearing", "vectors");
mkdirSync(directory, { recursive: true });
for (const [name, content] of Object.entries(FILES))
  writeFileSync(join(directory, name), `${JSON.stringify(content, null, 2)}\n`);
