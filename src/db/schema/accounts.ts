import { sql } from "drizzle-orm";
import { boolean, index, integer, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { actors } from "./actors.ts";
import { bytes, id, time } from "./columns.ts";

export const ACCOUNT_ROLES = ["member", "curator", "admin"] as const;
export type AccountRole = (typeof ACCOUNT_ROLES)[number];

/** A person's login. */
export const accounts = pgTable(
  "accounts",
  {
    id: id().primaryKey(),
    /** The account's `Person`. */
    actorId: id("actor_id")
      .notNull()
      .unique()
      .references(() => actors.id),
    email: text().notNull(),
    /** Argon2id, PHC string. */
    passwordHash: text("password_hash").notNull(),
    role: text({ enum: ACCOUNT_ROLES }).notNull().default("member"),
    locale: text().notNull(),
    /** Whether its notices are also sent by e-mail. */
    mails: boolean().notNull().default(true),
    created: time().notNull(),
  },
  (t) => [uniqueIndex("accounts_email").on(sql`lower(${t.email})`)],
);

/** Logged-in browsers and API tokens. The secret itself is never stored. */
export const sessions = pgTable(
  "sessions",
  {
    /** SHA-256 of the secret in the cookie. */
    tokenHash: bytes("token_hash").primaryKey(),
    accountId: id("account_id")
      .notNull()
      .references(() => accounts.id, { onDelete: "cascade" }),
    created: time().notNull(),
    seen: time().notNull(),
    expires: time().notNull(),
  },
  (t) => [index("sessions_account").on(t.accountId), index("sessions_expires").on(t.expires)],
);

/** Tokens of the JSON API. `actorId` is who the token acts as: the account's person or one of its organizations. */
export const tokens = pgTable(
  "tokens",
  {
    tokenHash: bytes("token_hash").primaryKey(),
    accountId: id("account_id")
      .notNull()
      .references(() => accounts.id, { onDelete: "cascade" }),
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    scopes: text().array().notNull(),
    created: time().notNull(),
    revoked: time(),
  },
  (t) => [index("tokens_account").on(t.accountId)],
);

/** How often something was tried since `started`, by what is counted (`login:<account>`, `login:<address>`). */
export const throttles = pgTable(
  "throttles",
  {
    subject: text().primaryKey(),
    started: time().notNull(),
    count: integer().notNull(),
  },
  (t) => [index("throttles_started").on(t.started)],
);
