import { sql } from "drizzle-orm";
import { bigint, check, integer, pgTable, text } from "drizzle-orm/pg-core";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

/** This hub: one row, made by the setup. Peers get a table of their own. */
export const hubs = pgTable(
  "hubs",
  {
    /** Always 1: there is one local hub per database. */
    id: integer().primaryKey().default(1),
    /** The public address that every id starts with; the hub refuses to start under another one. */
    origin: text().notNull(),
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    name: text().notNull(),
    description: text().notNull().default(""),
    locale: text().notNull(),
    /** The hub's currency: minor units per credit are 10^scale, `rate` is credits per HOUR. */
    currencyName: text("currency_name").notNull(),
    currencySymbol: text("currency_symbol").notNull(),
    currencyScale: integer("currency_scale").notNull().default(2),
    currencyRateN: bigint("currency_rate_n", { mode: "bigint" }).notNull().default(sql`1`),
    currencyRateD: bigint("currency_rate_d", { mode: "bigint" }).notNull().default(sql`1`),
    created: time().notNull(),
  },
  (t) => [check("hubs_single", sql`${t.id} = 1`)],
);
