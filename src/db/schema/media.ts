import { boolean, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

export const MEDIA_KINDS = ["image", "document"] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** A file that somebody uploaded. Its bytes are in the media directory under `sha256`; images were made anew, without what cameras add. */
export const media = pgTable(
  "media",
  {
    id: id().primaryKey(),
    kind: text({ enum: MEDIA_KINDS }).notNull(),
    ownerId: id("owner_id")
      .notNull()
      .references(() => actors.id),
    accountId: id("account_id").references(() => accounts.id, { onDelete: "set null" }),
    /** As it was called; shown with documents. */
    name: text().notNull(),
    /** Text alternative of an image. */
    description: text(),
    type: text().notNull(),
    bytes: integer().notNull(),
    width: integer(),
    height: integer(),
    /** Hex, of the bytes that are kept. */
    sha256: text().notNull(),
    /** Anybody who knows the address may read it; otherwise only who may read what it belongs to. */
    open: boolean().notNull(),
    created: time().notNull(),
  },
  (t) => [index("media_owner").on(t.ownerId, t.id), index("media_sha256").on(t.sha256)],
);
