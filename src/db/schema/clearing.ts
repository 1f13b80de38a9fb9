import { sql } from "drizzle-orm";
import {
  bigint,
  bigserial,
  boolean,
  check,
  date,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import { id, time } from "./columns.ts";
import { transfers } from "./ledger.ts";
import { peers } from "./peers.ts";

const big = (name: string) => bigint(name, { mode: "bigint" });

/**
 * One peer's clearing, as the rules see it (`domain/clearing/rules.ts`): a row that the deciding process locks for whatever it does with
 * that peer. `out` is the log of what we pay, written by us; `in` the peer's.
 */
export const clearingLinks = pgTable("clearing_links", {
  peerId: id("peer_id")
    .primaryKey()
    .references(() => peers.id),
  /** Shaken hands since the deciding process took its lock. */
  ready: boolean().notNull().default(false),
  /** This hub's session with the peer; `nonce` is the deciding process's: no other one writes. */
  epoch: big("epoch").notNull().default(sql`0`),
  nonce: text().notNull().default(""),
  peerEpoch: big("peer_epoch").notNull().default(sql`0`),
  peerNonce: text("peer_nonce").notNull().default(""),
  outSeq: big("out_seq").notNull().default(sql`0`),
  outCumulative: big("out_cumulative").notNull().default(sql`0`),
  outDigest: text("out_digest").notNull().default(""),
  inSeq: big("in_seq").notNull().default(sql`0`),
  inCumulative: big("in_cumulative").notNull().default(sql`0`),
  inDigest: text("in_digest").notNull().default(""),
  /** How much of our log the peer has acknowledged, by its signed checkpoint. */
  ackedSeq: big("acked_seq").notNull().default(sql`0`),
  ackedCumulative: big("acked_cumulative").notNull().default(sql`0`),
  checkpoint: text(),
  /** Seconds promised to the peer that it has not decided about, and how many transfers those are. */
  prepared: big("prepared").notNull().default(sql`0`),
  preparedCount: integer("prepared_count").notNull().default(0),
  /** JSON of the peer's answer to our handshake, while what it gives back is still being read. */
  resync: text(),
  /** When the peer was last heard, how far its clock is off (ms), when it could last be reached, and what was in the way since. */
  heard: time(),
  skew: bigint({ mode: "number" }),
  reached: time(),
  failure: text(),
  failures: integer().notNull().default(0),
  /** Not before: the peer could not be reached. */
  resting: time(),
});

/** Payer's side: reserved, then committed or aborted. Payee's side: prepared or rejected, then settled or released. */
export const CLEARING_STATES = [
  "reserved",
  "committed",
  "aborted",
  "prepared",
  "rejected",
  "settled",
  "released",
] as const;
export type ClearingState = (typeof CLEARING_STATES)[number];

/** A transfer between two hubs, on either side. One that is known by its id alone is a tombstone: decided, and never to be. */
export const clearingTransfers = pgTable(
  "clearing_transfers",
  {
    /** Minted by the payer's hub. */
    iri: text().primaryKey(),
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    side: text({ enum: ["payer", "payee"] }).notNull(),
    state: text({ enum: CLEARING_STATES }).notNull(),
    /** The hold on this hub's ledger: on the payer's account there, on the conversion account here. */
    transferId: id("transfer_id")
      .unique()
      .references(() => transfers.id),
    /** No reference: a restored hub may know the transfer and not the agreement. */
    agreementId: id("agreement_id"),
    /** JSON of the terms (`rules.ts`, Terms); null for a tombstone. */
    terms: text(),
    seconds: big("seconds").notNull().default(sql`0`),
    /** The signed CreditTransfer and its digest; null until it is asked for. */
    request: text(),
    digest: text(),
    /** The payee hub's signed promise. */
    promise: text(),
    promiseDigest: text("promise_digest"),
    /** Why it was rejected or aborted. */
    reason: text(),
    /** JSON of what the payer's side is to do as soon as it may decide: `{"type":"commit",…}` or `{"type":"abort"}`. */
    order: text(),
    /** Why the order could not be carried out, and when it is tried again: until then it keeps nothing else waiting. */
    stuck: text(),
    retry: time(),
    /** Its place in the log, once posted. */
    seq: big("seq"),
    /** When to say it again to the peer; null when nothing is waited for. */
    due: time(),
    attempts: integer().notNull().default(0),
    created: time().notNull(),
    decided: time(),
  },
  (t) => [
    index("clearing_transfers_due").on(t.peerId, t.due).where(sql`${t.due} is not null`),
    index("clearing_transfers_open").on(t.peerId).where(sql`${t.state} in ('reserved', 'prepared')`),
    index("clearing_transfers_orders").on(t.peerId).where(sql`${t.order} is not null`),
    index("clearing_transfers_refused")
      .on(t.peerId, t.created)
      .where(sql`${t.state} = 'rejected' or ${t.state} = 'released' and ${t.request} is null`),
    index("clearing_transfers_agreement").on(t.agreementId).where(sql`${t.agreementId} is not null`),
    check(
      "clearing_transfers_side",
      sql`(${t.side} = 'payer') = (${t.state} in ('reserved', 'committed', 'aborted'))`,
    ),
  ],
);

/** Both logs of a peer, append-only: `out` as we signed it, `in` as the peer did, byte for byte. */
export const clearingEntries = pgTable(
  "clearing_entries",
  {
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    direction: text({ enum: ["out", "in"] }).notNull(),
    /** 1, 2, 3 … without a gap. */
    seq: big("seq").notNull(),
    transfer: text().notNull().unique(),
    seconds: big("seconds").notNull(),
    cumulative: big("cumulative").notNull(),
    digest: text().notNull(),
    prev: text().notNull(),
    body: text().notNull(),
    created: time().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.peerId, t.direction, t.seq] }),
    check("clearing_entries_seconds", sql`${t.seconds} > 0`),
  ],
);

/** The settlement queue: envelopes that came and were proven, until the deciding process has worked on them. */
export const clearingInbox = pgTable(
  "clearing_inbox",
  {
    id: bigserial({ mode: "bigint" }).primaryKey(),
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    body: text().notNull(),
    received: time().notNull(),
  },
  (t) => [index("clearing_inbox_peer").on(t.peerId, t.id)],
);

/** What a peer said that it may not: kept for people, append-only. `bodies`: JSON array of signed texts. */
export const clearingEvidence = pgTable(
  "clearing_evidence",
  {
    id: bigserial({ mode: "bigint" }).primaryKey(),
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    kind: text().notNull(),
    detail: text().notNull(),
    bodies: text().notNull(),
    created: time().notNull(),
  },
  (t) => [index("clearing_evidence_peer").on(t.peerId, t.id)],
);

/** The hub's public totals of a day, signed. */
export const publicTotals = pgTable("public_totals", {
  day: date().primaryKey(),
  body: text().notNull(),
  created: time().notNull(),
});
