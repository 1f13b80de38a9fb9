import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
} from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";
import { media } from "./media.ts";

export const PURPOSES = ["offer", "request"] as const;
export type Purpose = (typeof PURPOSES)[number];
/**
 * How the other side gives back: credits, nothing (a gift), nothing but a tally of given and received (count only), or as the
 * two agree elsewhere.
 */
export const SETTLEMENTS = ["credit", "none", "count", "external"] as const;
export type Settlement = (typeof SETTLEMENTS)[number];
/** Units of what is offered, with OM 2's short names. */
export const UNITS = ["hour", "one"] as const;
export type Unit = (typeof UNITS)[number];

const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });

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
    /** The peer hub whose it is (`peers.id`), as its actor's; null for ours and for those of servers that are no peers. */
    peerId: id("peer_id"),
    purpose: text({ enum: PURPOSES }).notNull(),
    name: text().notNull(),
    /** Sanitized HTML. */
    content: text().notNull(),
    source: text(),
    language: text(),
    /** Key of the category list; null when a remote proposal names one that we do not know. */
    category: text(),
    /** Second level (`training.facilitation`), if one was chosen. */
    subcategory: text(),
    tags: text().array().notNull().default(sql`'{}'`),
    /** In which languages it can be done (BCP 47), beside the one it is written in. */
    languages: text().array().notNull().default(sql`'{}'`),
    unit: text({ enum: UNITS }).notNull(),
    /** Whole units on offer; null when no bound was given. */
    available: integer(),
    minimum: integer(),
    /** Units in agreements that were accepted and not called off; never more than `available`. */
    committed: integer().notNull().default(0),
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
    /** ISO 3166-1 alpha-2. */
    country: text(),
    /** How many days ahead one has to ask. */
    leadDays: smallint("lead_days"),
    online: boolean().notNull().default(false),
    revision: integer().notNull().default(1),
    url: text().notNull(),
    published: time().notNull(),
    updated: time(),
    ends: time(),
    /** Which notice of its end was given last: 7, 1 or 0 days before. */
    noticed: smallint(),
    paused: time(),
    deleted: time(),
    /** The place as people who search spell it: lower case, no accents. */
    foldedLocation: text("folded_location").generatedAlwaysAs(sql`fold(location)`),
    /**
     * What it is found by: the words of its texts, folded, and its facets as lexemes that no text can hold (`c=training`, `o=1`;
     * `domain/proposals/search.ts` asks for them). One index answers every combination of both.
     */
    search: tsvector()
      .notNull()
      .generatedAlwaysAs(
        sql`proposal_search(name, content, location, tags, languages || language, purpose, category, subcategory, settlement, country, online, case when local then 'here' else peer_id::text end)`,
      ),
  },
  (t) => [
    index("proposals_open").on(t.id).where(sql`${t.deleted} is null and ${t.paused} is null`),
    index("proposals_actor").on(t.actorId, t.id).where(sql`${t.deleted} is null`),
    // What one hub has: ours is the collection that peers copy.
    index("proposals_local").on(t.id).where(sql`${t.local} and ${t.deleted} is null`),
    index("proposals_peer").on(t.peerId, t.id).where(sql`${t.peerId} is not null and ${t.deleted} is null`),
    // Without a list of what is pending: it is read through at every search until somebody vacuums.
    index("proposals_search").using("gin", t.search).with({ fastupdate: "off" }),
    index("proposals_ends")
      .on(t.ends)
      .where(
        sql`${t.deleted} is null and ${t.local} and ${t.ends} is not null and ${t.noticed} is distinct from 0`,
      ),
    check(
      "proposals_committed",
      sql`${t.committed} >= 0 and (${t.available} is null or ${t.committed} <= ${t.available})`,
    ),
  ],
);

/** Words that occur in open proposals, for who mistypes one; made anew by the clock. */
export const proposalWords = pgTable("proposal_words", { word: text().primaryKey() }, (t) => [
  index("proposal_words_similar").using("gin", t.word.op("gin_trgm_ops")),
]);

/** What a proposal said in each of its revisions: an agreement names the one it answers. */
export const proposalRevisions = pgTable(
  "proposal_revisions",
  {
    proposalId: id("proposal_id")
      .notNull()
      .references(() => proposals.id),
    revision: integer().notNull(),
    /** JSON of the terms. */
    terms: text().notNull(),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    created: time().notNull(),
  },
  (t) => [primaryKey({ columns: [t.proposalId, t.revision] })],
);

/** A proposal's pictures, in order. */
export const proposalPhotos = pgTable(
  "proposal_photos",
  {
    proposalId: id("proposal_id")
      .notNull()
      .references(() => proposals.id),
    position: smallint().notNull(),
    mediaId: id("media_id")
      .notNull()
      .references(() => media.id),
  },
  (t) => [primaryKey({ columns: [t.proposalId, t.position] })],
);

/** Categories that this hub added to the common list. */
export const categories = pgTable("categories", {
  /** `key`, or `parent.key` on the second level. */
  key: text().primaryKey(),
  /** JSON: a label for each language of the interface. */
  labels: text().notNull(),
  created: time().notNull(),
  /** No longer offered; what carries it keeps it. */
  retired: time(),
});
