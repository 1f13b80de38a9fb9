import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

export const PURPOSES = ["offer", "request"] as const;
export type Purpose = (typeof PURPOSES)[number];
/** How the other side gives back: credits between hubs, nothing (a gift), or as the two agree elsewhere. */
export const SETTLEMENTS = ["credit", "none", "external"] as const;
export type Settlement = (typeof SETTLEMENTS)[number];
/** Units of what is offered, with OM 2's short names. */
export const UNITS = ["hour", "one"] as const;
export type Unit = (typeof UNITS)[number];

/** FEP-0837 Proposal: an offer or a need, of this hub or of another. */
export const proposals = pgTable(
  "proposals",
  {
    id: id().primaryKey(),
    iri: text().notNull().unique(),
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    local: boolean().notNull(),
    purpose: text({ enum: PURPOSES }).notNull(),
    name: text().notNull(),
    /** Sanitized HTML. */
    content: text().notNull(),
    source: text(),
    language: text(),
    /** Key of the category list; null when a remote proposal names one that we do not know. */
    category: text(),
    unit: text({ enum: UNITS }).notNull(),
    /** Whole units on offer; null when no bound was given. */
    available: integer(),
    minimum: integer(),
    unitBased: boolean("unit_based"),
    settlement: text({ enum: SETTLEMENTS }).notNull(),
    /** Minor units of `currency` per unit (or in all, when not unit-based); null unless `settlement` is credit. */
    price: bigint({ mode: "bigint" }),
    /** The currency document's iri. */
    currency: text(),
    /** The currency as shown beside the price. */
    currencySymbol: text("currency_symbol"),
    currencyScale: integer("currency_scale"),
    location: text(),
    online: boolean().notNull().default(false),
    revision: integer().notNull().default(1),
    url: text().notNull(),
    published: time().notNull(),
    updated: time(),
    ends: time(),
    deleted: time(),
  },
  (t) => [
    index("proposals_open").on(t.id).where(sql`${t.deleted} is null`),
    index("proposals_purpose").on(t.purpose, t.id).where(sql`${t.deleted} is null`),
    index("proposals_category").on(t.category, t.id).where(sql`${t.deleted} is null`),
    index("proposals_actor").on(t.actorId, t.id).where(sql`${t.deleted} is null`),
  ],
);
