import { sql } from "drizzle-orm";
import { bigserial, index, pgTable, text } from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

/** What an account should know: something happened, or waits for it. */
export const notices = pgTable(
  "notices",
  {
    id: bigserial({ mode: "bigint" }).primaryKey(),
    accountId: id("account_id")
      .notNull()
      .references(() => accounts.id, { onDelete: "cascade" }),
    /** As whom it concerns the account: its person or an organization. */
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    /** Its text is `notice.<kind>` in the locales. */
    kind: text().notNull(),
    /** Where it leads: a path of this hub. */
    path: text().notNull(),
    /** Fills the text; JSON object of strings. */
    details: text().notNull(),
    created: time().notNull(),
    read: time(),
    /** When it was sent by e-mail, or when it was decided that it is not. */
    mailed: time(),
  },
  (t) => [
    index("notices_account").on(t.accountId, t.id),
    index("notices_unread").on(t.accountId).where(sql`${t.read} is null`),
    index("notices_unmailed").on(t.accountId).where(sql`${t.mailed} is null`),
    index("notices_created").on(t.created),
  ],
);
