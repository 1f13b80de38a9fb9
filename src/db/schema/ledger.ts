import { sql } from "drizzle-orm";
import {
  type AnyPgColumn,
  bigint,
  bigserial,
  boolean,
  check,
  index,
  pgTable,
  serial,
  smallint,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

/**
 * Whose an account of the ledger is: an organization's, the solidarity fund's, or (for what is built later) the guarantee
 * fund's, the hub's own costs', and per peer hub the conversion and the clearing account.
 */
export const LEDGER_ACCOUNT_KINDS = [
  "organization",
  "solidarity",
  "guarantee",
  "operations",
  "conversion",
  "clearing",
] as const;
export type LedgerAccountKind = (typeof LEDGER_ACCOUNT_KINDS)[number];

/** Minor units of the hub's currency, or what hubs owe one another (seconds of an HOUR). Entries sum to zero per unit. */
export const LEDGER_UNITS = ["credit", "hour-second"] as const;
export type LedgerUnit = (typeof LEDGER_UNITS)[number];

const amount = (name: string) => bigint(name, { mode: "bigint" });

/**
 * An account of the double-entry ledger. `posted`, `held` and `entries` are kept by the database's own triggers as entries
 * and holds are written; nobody may set them.
 */
export const ledgerAccounts = pgTable(
  "ledger_accounts",
  {
    id: id().primaryKey(),
    kind: text({ enum: LEDGER_ACCOUNT_KINDS }).notNull(),
    /** The organization, or the peer hub's actor; null for the hub's own funds. */
    actorId: id("actor_id").references(() => actors.id),
    unit: text({ enum: LEDGER_UNITS }).notNull().default("credit"),
    /** Sum of the account's entries. */
    posted: amount("posted").notNull().default(sql`0`),
    /** Sum of its open holds. */
    held: amount("held").notNull().default(sql`0`),
    /** `posted - held` never falls below it: minus the credit line. Null: no floor. */
    minimum: amount("minimum"),
    /** How much the credit line may still grow by what the account earns. */
    growth: amount("growth").notNull().default(sql`0`),
    /** Above it the account is asked to give the excess to the fund; never enforced. */
    maximum: amount("maximum"),
    /** How many entries it has: the last one's `seq`. */
    entries: bigint({ mode: "bigint" }).notNull().default(sql`0`),
    opened: time().notNull(),
    closed: time(),
  },
  (t) => [
    unique("ledger_accounts_owner").on(t.kind, t.actorId, t.unit).nullsNotDistinct(),
    index("ledger_accounts_actor").on(t.actorId),
    check("ledger_accounts_floor", sql`${t.minimum} is null or ${t.posted} - ${t.held} >= ${t.minimum}`),
    check("ledger_accounts_held", sql`${t.held} >= 0`),
    check("ledger_accounts_growth", sql`${t.growth} >= 0`),
  ],
);

export const TRANSFER_KINDS = ["agreement", "donation", "correction"] as const;
export type TransferKind = (typeof TRANSFER_KINDS)[number];
/** A reserved transfer is a hold; committed and aborted are final. */
export const TRANSFER_STATES = ["reserved", "committed", "aborted"] as const;
export type TransferState = (typeof TRANSFER_STATES)[number];

/** One movement of credits, in two phases: reserved on the payer's account, then committed (in whole or in part) or aborted. */
export const transfers = pgTable(
  "transfers",
  {
    id: id().primaryKey(),
    /** Minted by the payer's hub, which alone decides. */
    iri: text().notNull().unique(),
    kind: text({ enum: TRANSFER_KINDS }).notNull(),
    state: text({ enum: TRANSFER_STATES }).notNull(),
    payerId: id("payer_id")
      .notNull()
      .references(() => ledgerAccounts.id),
    payeeId: id("payee_id")
      .notNull()
      .references(() => ledgerAccounts.id),
    /** What is, or was, held. */
    amount: amount("amount").notNull(),
    /** What was posted in the end: at most `amount`; null unless committed. */
    settled: amount("settled"),
    /** The agreement it pays for. No reference: the agreement names its transfer, and one of the two comes first. */
    agreementId: id("agreement_id"),
    /** The committed transfer that this one takes back, in whole or in part. */
    corrects: id().references((): AnyPgColumn => transfers.id),
    /** Why it was decided as it was: a message of the agreement (`confirm`, `auto`, `withdraw` …). */
    decision: text(),
    /** What whoever made a donation or correction says about it. */
    note: text(),
    /** Who pressed the button; null for the clock. */
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    created: time().notNull(),
    decided: time(),
  },
  (t) => [
    index("transfers_payer").on(t.payerId, t.created),
    index("transfers_holds").on(t.payerId, t.id).where(sql`${t.state} = 'reserved'`),
    index("transfers_agreement").on(t.agreementId).where(sql`${t.agreementId} is not null`),
    index("transfers_noted").on(t.id).where(sql`${t.note} is not null`),
    index("transfers_corrects").on(t.corrects).where(sql`${t.corrects} is not null`),
    check("transfers_parties", sql`${t.payerId} <> ${t.payeeId}`),
    check("transfers_amount", sql`${t.amount} > 0`),
    check(
      "transfers_settled",
      sql`(${t.state} = 'committed') = (${t.settled} is not null) and (${t.settled} is null or (${t.settled} > 0 and ${t.settled} <= ${t.amount}))`,
    ),
    check("transfers_decided", sql`(${t.state} = 'reserved') = (${t.decided} is null)`),
  ],
);

/** The ledger's lines, append-only. The entries of one transfer sum to zero. `seq` and `balance` are set by the database. */
export const entries = pgTable(
  "entries",
  {
    id: id().primaryKey(),
    transferId: id("transfer_id")
      .notNull()
      .references(() => transfers.id),
    accountId: id("account_id")
      .notNull()
      .references(() => ledgerAccounts.id),
    unit: text({ enum: LEDGER_UNITS }).notNull().default("credit"),
    /** Plus for what the account receives, minus for what it gives. */
    amount: amount("amount").notNull(),
    /** The account's 1st, 2nd, 3rd … entry. */
    seq: bigint({ mode: "bigint" }).notNull().default(sql`0`),
    /** The account's balance after it. */
    balance: amount("balance").notNull().default(sql`0`),
    created: time().notNull(),
  },
  (t) => [
    uniqueIndex("entries_account").on(t.accountId, t.seq),
    index("entries_transfer").on(t.transferId),
    check("entries_amount", sql`${t.amount} <> 0`),
  ],
);

/** Every change of an account's limits that a person made, or a rule other than growth. */
export const limitChanges = pgTable(
  "limit_changes",
  {
    id: bigserial({ mode: "bigint" }).primaryKey(),
    ledgerAccountId: id("ledger_account_id")
      .notNull()
      .references(() => ledgerAccounts.id),
    minimum: amount("minimum"),
    growth: amount("growth").notNull(),
    maximum: amount("maximum"),
    reason: text().notNull(),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    created: time().notNull(),
  },
  (t) => [index("limit_changes_account").on(t.ledgerAccountId, t.id)],
);

/** Runs of the checkers. `findings` is JSON: `[{ check, subject, detail }]`, empty when all is well. */
export const ledgerChecks = pgTable("ledger_checks", {
  id: serial().primaryKey(),
  checked: time().notNull(),
  findings: text().notNull(),
  entries: bigint({ mode: "bigint" }).notNull(),
});

/** While one is open nothing is reserved, committed or posted. */
export const ledgerFreezes = pgTable(
  "ledger_freezes",
  {
    id: serial().primaryKey(),
    reason: text().notNull(),
    frozen: time().notNull(),
    released: time(),
    releasedBy: id("released_by").references(() => accounts.id, { onDelete: "set null" }),
  },
  (t) => [uniqueIndex("ledger_freezes_open").on(sql`(1)`).where(sql`${t.released} is null`)],
);

export const DISPUTE_RULES = ["refund", "half", "release"] as const;
export type DisputeRule = (typeof DISPUTE_RULES)[number];

/** The rules of this hub's exchange, as its administrators published them. The newest revision counts. Amounts: minor units. */
export const exchangePolicies = pgTable("exchange_policies", {
  revision: serial().primaryKey(),
  /** Credit line of a verified organization, and how far it may grow. */
  startLine: amount("start_line").notNull(),
  maxLine: amount("max_line").notNull(),
  /** A small organization's line is so many times as long. */
  smallFactor: smallint("small_factor").notNull(),
  softMaximum: amount("soft_maximum").notNull(),
  /** The most that an organization may promise within a day. */
  dailyLimit: amount("daily_limit").notNull(),
  /** The solidarity fund's own floor (0 or less). */
  fundMinimum: amount("fund_minimum").notNull(),
  /** Vouchers up to this sum per small organization and quarter need no curator. */
  voucherQuota: amount("voucher_quota").notNull(),
  /** The most that one organization pledges for another. */
  vouchMax: amount("vouch_max").notNull(),
  /** Days to answer an offer; after the due day before the hold is given back; before silence settles; until a dispute's rule; for reviews. */
  answerDays: smallint("answer_days").notNull(),
  graceDays: smallint("grace_days").notNull(),
  settleDays: smallint("settle_days").notNull(),
  disputeDays: smallint("dispute_days").notNull(),
  reviewDays: smallint("review_days").notNull(),
  disputeRule: text("dispute_rule", { enum: DISPUTE_RULES }).notNull(),
  accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
  created: time().notNull(),
});

export const VOUCHER_STATES = ["requested", "approved", "refused", "used", "expired", "cancelled"] as const;
export type VoucherState = (typeof VOUCHER_STATES)[number];

/** The solidarity fund pays, the organization receives. */
export const vouchers = pgTable(
  "vouchers",
  {
    id: id().primaryKey(),
    organizationId: id("organization_id")
      .notNull()
      .references(() => actors.id),
    purpose: text().notNull(),
    requested: amount("requested").notNull(),
    /** The most it pays; null until approved. */
    approved: amount("approved"),
    state: text({ enum: VOUCHER_STATES }).notNull(),
    /** Within the quota: no curator decided. */
    automatic: boolean().notNull().default(false),
    note: text(),
    requestedBy: id("requested_by").references(() => accounts.id, { onDelete: "set null" }),
    decidedBy: id("decided_by").references(() => accounts.id, { onDelete: "set null" }),
    agreementId: id("agreement_id"),
    created: time().notNull(),
    decided: time(),
    expires: time(),
  },
  (t) => [
    index("vouchers_organization").on(t.organizationId, t.id),
    index("vouchers_queue").on(t.id).where(sql`${t.state} = 'requested'`),
    index("vouchers_approved").on(t.expires).where(sql`${t.state} = 'approved'`),
    check("vouchers_amounts", sql`${t.requested} > 0 and (${t.approved} is null or ${t.approved} > 0)`),
  ],
);

/** One organization lends another a part of its credit line, until the other's balance is at zero again. */
export const vouches = pgTable(
  "vouches",
  {
    id: id().primaryKey(),
    voucherId: id("voucher_id")
      .notNull()
      .references(() => actors.id),
    vouchedId: id("vouched_id")
      .notNull()
      .references(() => actors.id),
    amount: amount("amount").notNull(),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    created: time().notNull(),
    released: time(),
  },
  (t) => [
    uniqueIndex("vouches_open").on(t.voucherId, t.vouchedId).where(sql`${t.released} is null`),
    index("vouches_vouched").on(t.vouchedId).where(sql`${t.released} is null`),
    check("vouches_amount", sql`${t.amount} > 0 and ${t.voucherId} <> ${t.vouchedId}`),
  ],
);
