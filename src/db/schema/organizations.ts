import { sql } from "drizzle-orm";
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

export const SIZE_CLASSES = ["S", "M", "L"] as const;
/** Budget class: small, medium, large; declared by the organization, checked by a curator. */
export type SizeClass = (typeof SIZE_CLASSES)[number];
export const VERIFICATION_STATES = ["requested", "verified", "refused", "revoked"] as const;
export type VerificationState = (typeof VERIFICATION_STATES)[number];

/** Whether this hub knows an organization to be what it says it is. None: it never asked. */
export const verifications = pgTable(
  "verifications",
  {
    organizationId: id("organization_id")
      .primaryKey()
      .references(() => actors.id),
    state: text({ enum: VERIFICATION_STATES }).notNull(),
    sizeClass: text("size_class", { enum: SIZE_CLASSES }).notNull(),
    /** What the organization tells the curators (registration, people who know it). */
    statement: text().notNull(),
    note: text(),
    requested: time().notNull(),
    decided: time(),
    decidedBy: id("decided_by").references(() => accounts.id, { onDelete: "set null" }),
  },
  (t) => [index("verifications_queue").on(t.requested).where(sql`${t.state} = 'requested'`)],
);
