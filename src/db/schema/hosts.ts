import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { time } from "./columns.ts";

export const SIGNATURE_SCHEMES = ["cavage", "rfc9421"] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** Servers we deliver to: which signature each accepts, and when to try one that is down again. */
export const hosts = pgTable("hosts", {
  /** host:port as in its inbox's address. */
  host: text().primaryKey(),
  scheme: text({ enum: SIGNATURE_SCHEMES }),
  failures: integer().notNull().default(0),
  retry: time(),
  succeeded: time(),
});
