import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { bytes, id, time } from "./columns.ts";
import { vouchers } from "./ledger.ts";
import { media } from "./media.ts";
import { peers } from "./peers.ts";
import { proposals, SETTLEMENTS, UNITS } from "./proposals.ts";

export const AGREEMENT_STATES = [
  "offered",
  "accepted",
  "funded",
  "delivered",
  "confirmed",
  "settled",
  "rejected",
  "withdrawn",
  "expired",
  "cancelled",
  "disputed",
  "resolved",
] as const;
export type AgreementState = (typeof AGREEMENT_STATES)[number];
/** Who does the service, and who gets it (and pays, where there is a price). */
export const PARTIES = ["provider", "receiver"] as const;
export type Party = (typeof PARTIES)[number];

/** Goes on still. Written out, as queries are to say it in the words of the indexes. */
export const isOpen = (state: AnyPgColumn) =>
  sql`${state} not in ('settled', 'rejected', 'withdrawn', 'expired', 'cancelled', 'resolved')`;

/** FEP-0837 Agreement between the one who published a proposal and the one who answered it. */
export const agreements = pgTable(
  "agreements",
  {
    id: id().primaryKey(),
    iri: text().notNull().unique(),
    proposalId: id("proposal_id")
      .notNull()
      .references(() => proposals.id),
    /** Which state of the proposal it answers. */
    proposalRevision: integer("proposal_revision").notNull(),
    settlement: text({ enum: SETTLEMENTS }).notNull(),
    providerId: id("provider_id")
      .notNull()
      .references(() => actors.id),
    receiverId: id("receiver_id")
      .notNull()
      .references(() => actors.id),
    /** Which of the two published the proposal. */
    proposer: text({ enum: PARTIES }).notNull(),
    state: text({ enum: AGREEMENT_STATES }).notNull(),
    /** Which of the two made the terms that are on the table: the other one answers. */
    offeredBy: text("offered_by", { enum: PARTIES }).notNull(),
    quantity: integer().notNull(),
    unit: text({ enum: UNITS }).notNull(),
    /** Minor units of the hub's currency, in all; null unless `settlement` is credit. */
    amount: bigint({ mode: "bigint" }),
    due: time(),
    /** The hub of the other party, when credits are settled with it. `amount` is in this hub's currency on both sides. */
    peerId: id("peer_id").references(() => peers.id),
    /** JSON of the pinned quote (`domain/clearing/rules.ts`, Quote): both amounts, what crosses, the rates, until when. */
    quote: text(),
    /** The transfer that holds, and then pays, the amount. */
    transferId: id("transfer_id"),
    /** The fund pays in the receiver's place. */
    voucherId: id("voucher_id").references(() => vouchers.id),
    /** Percent of what it earns that the provider gives to the solidarity fund. */
    donation: smallint().notNull().default(0),
    /** What was paid in the end, and for how much. */
    settledAmount: bigint("settled_amount", { mode: "bigint" }),
    settledQuantity: integer("settled_quantity"),
    /** Settled by silence. */
    automatic: boolean().notNull().default(false),
    /** Which party disputed; null when nobody did. */
    disputedBy: text("disputed_by", { enum: PARTIES }),
    created: time().notNull(),
    /** When the last terms were first answered. */
    answered: time(),
    accepted: time(),
    delivered: time(),
    /** When it came into its present state. */
    changed: time().notNull(),
    settled: time(),
    /** When the clock moves it on. */
    deadline: time(),
    /** When the parties are reminded next. */
    remind: time(),
  },
  (t) => [
    index("agreements_provider").on(t.providerId, t.id),
    index("agreements_receiver").on(t.receiverId, t.id),
    index("agreements_provider_open").on(t.providerId, t.id).where(isOpen(t.state)),
    index("agreements_receiver_open").on(t.receiverId, t.id).where(isOpen(t.state)),
    index("agreements_proposal").on(t.proposalId, t.id),
    index("agreements_deadline").on(t.deadline).where(sql`${t.deadline} is not null`),
    index("agreements_remind").on(t.remind).where(sql`${t.remind} is not null`),
    index("agreements_disputed").on(t.id).where(sql`${t.state} = 'disputed'`),
    index("agreements_settled").on(t.settled).where(sql`${t.settled} is not null`),
    check("agreements_parties", sql`${t.providerId} <> ${t.receiverId}`),
    check("agreements_quantity", sql`${t.quantity} > 0`),
    check(
      "agreements_amount",
      sql`(${t.settlement} = 'credit') = (${t.amount} is not null) and (${t.amount} is null or ${t.amount} > 0)`,
    ),
    check("agreements_donation", sql`${t.donation} between 0 and 20`),
  ],
);

/**
 * What happened to an agreement, step by step, append-only. A step that a party signed (FEP-8b32) keeps the activity byte for
 * byte: the pair of Offer and Accept is the contract.
 */
export const agreementSteps = pgTable(
  "agreement_steps",
  {
    id: id().primaryKey(),
    agreementId: id("agreement_id")
      .notNull()
      .references(() => agreements.id),
    /** The message of the rules: `offer`, `accept`, `deliver` … */
    message: text().notNull(),
    /** The state it led to. */
    state: text({ enum: AGREEMENT_STATES }).notNull(),
    /** Who did it; null for the clock. */
    party: text({ enum: PARTIES }),
    /** A curator who acted as steward of a dispute has an account and no party. */
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    amount: bigint({ mode: "bigint" }),
    quantity: integer(),
    due: time(),
    note: text(),
    /** The signed activity: its id, its text as it was sent, the multihash of its canonical JSON. */
    activity: text(),
    body: text(),
    digest: text(),
    /** `ours`: signed here; `verified`: the sender's proof was checked; `none`: it came without one, over a signed request. */
    proof: text({ enum: ["ours", "verified", "none"] }),
    /** The Multikey of that proof: the actor may have another one by now. */
    key: text(),
    created: time().notNull(),
  },
  (t) => [
    index("agreement_steps_agreement").on(t.agreementId, t.id),
    uniqueIndex("agreement_steps_activity").on(t.activity).where(sql`${t.activity} is not null`),
  ],
);

/** What the parties (and in a dispute the stewards) write to one another. */
export const agreementMessages = pgTable(
  "agreement_messages",
  {
    id: id().primaryKey(),
    agreementId: id("agreement_id")
      .notNull()
      .references(() => agreements.id),
    authorId: id("author_id")
      .notNull()
      .references(() => actors.id),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    /** Plain text. */
    content: text().notNull(),
    mediaId: id("media_id").references(() => media.id),
    created: time().notNull(),
  },
  (t) => [index("agreement_messages_agreement").on(t.agreementId, t.id)],
);

/** How a steward proposes to end a dispute. Both parties may sign; the newest proposal counts. */
export const resolutions = pgTable(
  "resolutions",
  {
    id: id().primaryKey(),
    agreementId: id("agreement_id")
      .notNull()
      .references(() => agreements.id),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    /** What the provider gets of the hold; the rest goes back. */
    release: bigint({ mode: "bigint" }).notNull(),
    note: text().notNull(),
    created: time().notNull(),
    providerSigned: time("provider_signed"),
    receiverSigned: time("receiver_signed"),
    applied: time(),
    /** Between two hubs: what both know it by. A steward of the other hub has to agree to it before the parties can sign. */
    iri: text().unique(),
    /** The same `release` in minor units of the payer's currency: what is signed on both sides. */
    payer: bigint({ mode: "bigint" }),
    /** A steward of the other hub proposed it. */
    theirs: boolean().notNull().default(false),
    agreed: time(),
    /** The steward of ours who agreed to theirs. */
    agreedBy: id("agreed_by").references(() => accounts.id, { onDelete: "set null" }),
  },
  (t) => [index("resolutions_agreement").on(t.agreementId, t.id)],
);

/** One per party and settled agreement; sealed until both are in or the time is over. */
export const reviews = pgTable(
  "reviews",
  {
    id: id().primaryKey(),
    iri: text().notNull().unique(),
    agreementId: id("agreement_id")
      .notNull()
      .references(() => agreements.id),
    authorId: id("author_id")
      .notNull()
      .references(() => actors.id),
    subjectId: id("subject_id")
      .notNull()
      .references(() => actors.id),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    /** What the subject did in it. */
    role: text({ enum: PARTIES }).notNull(),
    /** 1 to 5, shown only as means from three counterparties on. */
    keptWord: smallint("kept_word").notNull(),
    quality: smallint().notNull(),
    communication: smallint().notNull(),
    content: text(),
    language: text(),
    /** Nobody finds out by trying which scores have the digest. Null when the text was erased. */
    salt: text(),
    /** SHA-256 of what is sealed, in hexadecimal. */
    digest: text().notNull(),
    created: time().notNull(),
    /** When everybody may read it; null while sealed. */
    revealed: time(),
    /** Written when the time for sealed ones was over, and so revealed at once. */
    late: boolean().notNull().default(false),
    /** The public post it became. */
    postId: id("post_id"),
    deleted: time(),
  },
  (t) => [
    uniqueIndex("reviews_party").on(t.agreementId, t.authorId),
    index("reviews_subject").on(t.subjectId, t.id).where(sql`${t.revealed} is not null`),
    index("reviews_author").on(t.authorId, t.id),
    index("reviews_sealed").on(t.id).where(sql`${t.revealed} is null and ${t.deleted} is null`),
    uniqueIndex("reviews_post").on(t.postId).where(sql`${t.postId} is not null`),
    check(
      "reviews_scores",
      sql`${t.keptWord} between 1 and 5 and ${t.quality} between 1 and 5 and ${t.communication} between 1 and 5`,
    ),
  ],
);

/**
 * Reviews that a party on another hub has sealed: what binds its author, before anybody may read it. The review itself comes when it
 * is opened; one per party and agreement.
 */
export const reviewDigests = pgTable(
  "review_digests",
  {
    id: id().primaryKey(),
    /** Of the review, on its author's hub. */
    iri: text().notNull().unique(),
    agreementId: id("agreement_id")
      .notNull()
      .references(() => agreements.id),
    authorId: id("author_id")
      .notNull()
      .references(() => actors.id),
    /** SHA-256 of what is sealed, in hexadecimal. */
    digest: text().notNull(),
    /** The signed activity that said so, byte for byte. */
    body: text().notNull(),
    /** It came when the time for sealed ones was over. */
    late: boolean().notNull(),
    received: time().notNull(),
    /** Its author took it back. */
    deleted: time(),
  },
  (t) => [uniqueIndex("review_digests_party").on(t.agreementId, t.authorId)],
);

/** Answers of writes that carry an `Idempotency-Key`: the same request gets the same answer, another one under its key none. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    key: text().notNull(),
    /** SHA-256 of method, path and body. */
    request: bytes().notNull(),
    status: smallint().notNull(),
    location: text(),
    body: text().notNull(),
    created: time().notNull(),
  },
  (t) => [primaryKey({ columns: [t.actorId, t.key] }), index("idempotency_keys_created").on(t.created)],
);
