import { customType, index, pgTable, text } from "drizzle-orm/pg-core";
import { time } from "./columns.ts";

/** Compared byte by byte, whatever the database's own collation: a prefix is then a range of the primary key. */
const bytewise = customType<{ data: string; driverData: string }>({
  dataType: () => 'text collate "C"',
});

/** Fedify's key–value store (`src/queue/kv.ts`): caches that may be lost. */
export const kv = pgTable(
  "kv",
  {
    /** The key's parts as a JSON array. */
    key: bytewise().primaryKey(),
    /** JSON. */
    value: text().notNull(),
    expires: time().notNull(),
  },
  (t) => [index("kv_expires").on(t.expires)],
);
