import { pgSequence } from "drizzle-orm/pg-core";

/** The low bits of snowflakes (`db/ids.ts`), shared by all processes on one database. */
export const snowflake = pgSequence("snowflake");
