import { index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { accounts } from "./accounts.ts";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

export const MEMBERSHIP_ROLES = ["representative", "editor", "observer"] as const;
export type MembershipRole = (typeof MEMBERSHIP_ROLES)[number];

/** Which accounts act for which organization, and as what. An organization itself is an actor. */
export const memberships = pgTable(
  "memberships",
  {
    organizationId: id("organization_id")
      .notNull()
      .references(() => actors.id),
    accountId: id("account_id")
      .notNull()
      .references(() => accounts.id, { onDelete: "cascade" }),
    role: text({ enum: MEMBERSHIP_ROLES }).notNull(),
    created: time().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.organizationId, t.accountId] }),
    index("memberships_account").on(t.accountId),
  ],
);
