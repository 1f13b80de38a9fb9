import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

/** A snowflake column (`ids.ts`). */
export const id = (name?: string) => (name ? bigint(name, { mode: "bigint" }) : bigint({ mode: "bigint" }));

/** A time column, `Date` in code, milliseconds kept. */
export const time = (name?: string) =>
  name
    ? timestamp(name, { withTimezone: true, precision: 3, mode: "date" })
    : timestamp({ withTimezone: true, precision: 3, mode: "date" });

export const bytes = customType<{ data: Buffer; driverData: Buffer }>({
  dataType: () => "bytea",
});
