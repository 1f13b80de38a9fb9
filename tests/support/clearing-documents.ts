import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { CreditTransfer, Message, Terms } from "../../src/domain/clearing/messages-rules.ts";
import type { Keys } from "../../src/federation/clearing/documents.ts";
import { createPen } from "../../src/federation/clearing/pen.ts";

/** Two hubs on paper: their iris, keys, and pens for one another. */
export interface Party {
  iri: string;
  key: { id: string; privateKey: KeyObject };
  publicKey: KeyObject;
}

export const LAC = "https://lac.example";
export const MENA = "https://mena.example";
export const NOW = new Date("2026-11-22T10:00:00.000Z");

export function party(origin: string): Party {
  const iri = `${origin}/actors/1`;
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { iri, key: { id: `${iri}#ed25519-key`, privateKey }, publicKey };
}

/** Believes these two, and nobody else. */
export function keysOf(...parties: Party[]): Keys {
  return (hub) => parties.filter(({ iri }) => iri === hub).map(({ publicKey }) => publicKey);
}

export function pen(writer: Party, reader: Party) {
  return createPen({ hub: writer.iri, peer: reader.iri, key: writer.key, now: () => NOW });
}

/** A digest of nothing in particular. */
export const someDigest = (n = 1) => `zQm${"123456789ABCDEFGHJKLMNPQRSTUVWXYZ"[n]!.repeat(44)}`;

export const terms: Terms = {
  iri: `${LAC}/transfers/7`,
  payer: `${LAC}/actors/2`,
  payee: `${MENA}/actors/3`,
  agreement: `${MENA}/agreements/9`,
  quote: {
    ...{ payer: 120n, payee: 2000n, seconds: 7200n },
    payerRate: { n: 60n, d: 1n },
    payeeRate: { n: 1000n, d: 1n },
    until: new Date("2026-11-29T10:00:00.000Z"),
  },
  evidence: { offer: someDigest(1), accept: someDigest(2) },
};

/** One message of each kind, as `lac` writes them to `mena`, who has asked and promised things too. */
export function everyMessage(lac: Party, mena: Party): { [type in Message["type"]]: Message[] } {
  const ours = pen(lac, mena);
  const theirs = pen(mena, lac);
  const request = ours.request(terms);
  const promise = theirs.promise(request);
  const asked: CreditTransfer = theirs.request({ ...terms, iri: `${MENA}/transfers/8` });
  const granted = ours.promise(asked);
  const { payer, payee, agreement, quote } = terms;
  const entry = ours.entry({
    ...{ seq: 1n, prev: "", transfer: terms.iri, payer, payee, agreement },
    amounts: { payer: quote.payer, payee: quote.payee, seconds: quote.seconds },
    ...{ cumulative: 7200n, promise: promise.digest, confirm: "auto" },
  });
  const next = ours.entry({
    ...entry,
    ...{ seq: 2n, prev: entry.digest, cumulative: 14_400n, confirm: someDigest(5) },
  });
  const none = { seq: 0n, cumulative: 0n, digest: "" };
  const head = { seq: 2n, cumulative: 14_400n, digest: next.digest };
  return {
    reserve: [{ type: "reserve", request }],
    promise: [{ type: "promise", promise: granted }],
    refuse: [{ type: "refuse", transfer: asked.terms.iri, reason: "limit" }],
    entry: [
      { type: "entry", entry },
      { type: "entry", entry: next },
    ],
    checkpoint: [{ type: "checkpoint", checkpoint: ours.checkpoint(head) }],
    abort: [{ type: "abort", transfer: terms.iri }],
    release: [{ type: "release", transfer: asked.terms.iri }],
    query: [{ type: "query", transfer: asked.terms.iri }],
    pull: [
      { type: "pull", log: "yours", after: 0n, nonce: null },
      { type: "pull", log: "mine", after: 3n, nonce: "n-1" },
    ],
    page: [
      {
        ...{ type: "page", log: "mine", nonce: "n-1", entries: [entry, next] },
        requests: [{ request, promise }],
      },
      { type: "page", log: "yours", nonce: "n-1", entries: [], requests: [] },
    ],
    resync: [{ type: "resync", out: head, in: none, open: [terms.iri] }],
    resynced: [
      {
        ...{ type: "resynced", nonce: "n-1", out: head, in: none },
        states: [
          { transfer: asked.terms.iri, state: "prepared" },
          { transfer: `${MENA}/transfers/9`, state: "none" },
        ],
        open: [
          { transfer: terms.iri, request, promise },
          { transfer: `${LAC}/transfers/8`, request, promise: null },
          { transfer: `${LAC}/transfers/9`, request: null, promise: null },
        ],
        prepared: [asked.terms.iri],
      },
    ],
    known: [{ type: "known", epoch: 41n, nonce: "n-2" }],
  };
}
