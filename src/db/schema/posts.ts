import { sql } from "drizzle-orm";
import { boolean, index, pgTable, text } from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

/** Who may read a post; the names are Mastodon's, the meaning is the addressing. */
export const VISIBILITIES = ["public", "unlisted", "followers"] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export const posts = pgTable(
  "posts",
  {
    id: id().primaryKey(),
    iri: text().notNull().unique(),
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    /** The account that wrote it, when it was written here. */
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    local: boolean().notNull(),
    /** Sanitized HTML. */
    content: text().notNull(),
    /** What was typed, when it was written here. */
    source: text(),
    /** Content warning. */
    summary: text(),
    /** Title of a post that has one (Article, Page, Event). */
    name: text(),
    language: text(),
    visibility: text({ enum: VISIBILITIES }).notNull(),
    inReplyTo: text("in_reply_to"),
    url: text().notNull(),
    /**
     * The iri of the proposal that this Note stands for where proposals are not understood (FEP-0ea0). An iri, not
     * a reference: the two arrive in any order, and the proposal perhaps never.
     */
    proposal: text(),
    published: time().notNull(),
    updated: time(),
    deleted: time(),
  },
  (t) => [
    index("posts_actor").on(t.actorId, t.id).where(sql`${t.deleted} is null`),
    index("posts_local")
      .on(t.id)
      .where(sql`${t.local} and ${t.visibility} = 'public' and ${t.deleted} is null`),
    index("posts_replies").on(t.inReplyTo, t.id).where(sql`${t.inReplyTo} is not null`),
    index("posts_proposal").on(t.proposal).where(sql`${t.proposal} is not null`),
  ],
);
