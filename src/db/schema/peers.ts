import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

/**
 * `proposed`: by us, the other hub has not answered; `asked`: by them, our administrators have not; `draining`: nothing new is begun,
 * what is under way is ended; `frozen`: nothing is decided or believed until an administrator has looked; `closed`: parted, owing
 * nothing.
 */
export const PEER_STATES = [
  "proposed",
  "asked",
  "rejected",
  "active",
  "draining",
  "frozen",
  "closed",
] as const;
export type PeerState = (typeof PEER_STATES)[number];

const seconds = (name: string) => bigint(name, { mode: "bigint" });

/** Another hub that this one exchanges with, or is asked to: what administrators decided, and what both signed taken together. */
export const peers = pgTable("peers", {
  id: id().primaryKey(),
  /** The hub's own actor, and the address it is under. */
  actorId: id("actor_id")
    .notNull()
    .unique()
    .references(() => actors.id),
  origin: text().notNull().unique(),
  state: text({ enum: PEER_STATES }).notNull(),
  /** Why it is frozen, draining or rejected: `equivocation`, `key_changed`, `administrator` … and in words. */
  reason: text(),
  note: text(),
  /** What the peer says of its side, by its latest message: a hub that froze us answers nothing. */
  theirState: text("their_state", { enum: PEER_STATES }),
  /** The peer's Ed25519 key (Multikey) that administrators accepted: clearing messages are proven by it alone. */
  key: text().notNull(),
  /** Another key that it signs with now: until administrators have compared and accepted it, the peering is frozen. */
  newKey: text("new_key"),
  /** Where its clearing messages go. */
  clearing: text().notNull(),
  /** Seconds of an HOUR: the most that the peer may owe this hub, and the other way; the smaller of what both signed. */
  theyMayOwe: seconds("they_may_owe").notNull().default(sql`0`),
  weMayOwe: seconds("we_may_owe").notNull().default(sql`0`),
  /** Taken together from both sides' terms: the shorter ones, but the longer drain. */
  quoteDays: smallint("quote_days").notNull(),
  disputeDays: smallint("dispute_days").notNull(),
  settleDays: smallint("settle_days").notNull(),
  drainDays: smallint("drain_days").notNull(),
  /** The peer's currency, as its newest terms say. Its rate: credits per HOUR. */
  currency: text().notNull(),
  currencyName: text("currency_name").notNull(),
  currencySymbol: text("currency_symbol").notNull(),
  currencyScale: integer("currency_scale").notNull(),
  currencyRateN: bigint("currency_rate_n", { mode: "bigint" }).notNull(),
  currencyRateD: bigint("currency_rate_d", { mode: "bigint" }).notNull(),
  created: time().notNull(),
  changed: time().notNull(),
  /** When draining ends. */
  drained: time(),
  /** Since when administrators know that nothing is heard of it: they are told once. */
  silent: time(),
});

/**
 * All keys that administrators ever accepted for a peer (a trigger on `peers.key`), and those that it had before by its own word when
 * they did; append-only. What it signed stays readable when its key is another one by now.
 */
export const peerKeys = pgTable(
  "peer_keys",
  {
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    /** Multikey. */
    key: text().notNull(),
    accepted: time().notNull(),
  },
  (t) => [primaryKey({ columns: [t.peerId, t.key] })],
);

/** What each side signed, revision by revision, append-only. A peering stands on the newest of both. */
export const peerings = pgTable(
  "peerings",
  {
    id: id().primaryKey(),
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    side: text({ enum: ["ours", "theirs"] }).notNull(),
    revision: integer().notNull(),
    /** Seconds of an HOUR, from the signer's side: the most it is willing to be owed, and to owe. */
    mayBeOwed: seconds("may_be_owed").notNull(),
    mayOwe: seconds("may_owe").notNull(),
    quoteDays: smallint("quote_days").notNull(),
    disputeDays: smallint("dispute_days").notNull(),
    settleDays: smallint("settle_days").notNull(),
    drainDays: smallint("drain_days").notNull(),
    /** JSON of the signer's currency (`domain/peers/rules.ts`, PeerCurrency; numbers as texts). */
    currency: text().notNull(),
    /** The signed activity, byte for byte, and its digest. */
    activity: text().notNull().unique(),
    body: text().notNull(),
    digest: text().notNull(),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    created: time().notNull(),
  },
  (t) => [unique("peerings_revision").on(t.peerId, t.side, t.revision)],
);

/** How far the copy of a peer's proposals and organizations is, and how old. */
export const peerCopies = pgTable(
  "peer_copies",
  {
    peerId: id("peer_id")
      .primaryKey()
      .references(() => peers.id),
    /** The page to read next; null when all is there. */
    cursor: text(),
    /** How many were read of this round, and how many there are by the peer's own count. */
    copied: integer().notNull().default(0),
    total: integer(),
    /** Entries of this round that could not be taken: not the peer's own, or not understood. */
    skipped: integer().notNull().default(0),
    /** When a round began, when one was last ended, when totals were last compared, and what was in the way. */
    began: time(),
    completed: time(),
    compared: time(),
    failure: text(),
    failures: integer().notNull().default(0),
    /** When the clock goes on with it. */
    due: time(),
    /** The round reads all again although totals agreed before: somebody asked for it. */
    forced: boolean().notNull().default(false),
  },
  (t) => [index("peer_copies_due").on(t.due).where(sql`${t.due} is not null`)],
);

/** What was found in the list that is being read: whatever else there is of this peer was taken from the list meanwhile. */
export const peerCopyItems = pgTable(
  "peer_copy_items",
  {
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    /** Of an actor or a proposal, as the list is. */
    itemId: id("item_id").notNull(),
    /** False where it arrived by itself while the list was being read, and has not been met there (yet). */
    listed: boolean().notNull(),
  },
  (t) => [primaryKey({ columns: [t.peerId, t.itemId] })],
);
