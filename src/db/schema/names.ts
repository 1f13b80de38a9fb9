import { getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import * as schema from "./index.ts";

/** Every table that this program makes. */
export const ownTables: ReadonlySet<string> = new Set([
  "migrations",
  ...Object.values(schema)
    .filter((value) => is(value, PgTable))
    .map((table) => getTableName(table)),
]);
