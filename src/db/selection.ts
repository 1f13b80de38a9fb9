import type { GetColumnData } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

type Columns = Record<string, Record<string, PgColumn>>;
type Row<T extends Columns> = { [G in keyof T]: { [C in keyof T[G]]: GetColumnData<T[G][C]> } };

/**
 * A select list whose text is made once, with what reads its rows: for a statement that is asked for again and again. Drizzle
 * makes a query's text anew each time, which for sixty columns takes longer than the database takes to answer it.
 *
 * @param groups columns by the alias of their table in the statement
 */
export function selection<T extends Columns>(groups: T) {
  const fields = Object.entries(groups).flatMap(([group, columns]) =>
    Object.entries(columns).map(([name, column]) => ({ group, name, column })),
  );
  return {
    list: fields.map(({ group, column }, index) => `"${group}"."${column.name}" as c${index}`).join(", "),
    /** @param row as `db.execute` gives it */
    read(row: Record<string, unknown>): Row<T> {
      const result: Record<string, Record<string, unknown>> = {};
      for (const [index, { group, name, column }] of fields.entries()) {
        const value = row[`c${index}`];
        result[group] ??= {};
        result[group][name] = value === null ? null : column.mapFromDriverValue(value);
      }
      return result as Row<T>;
    },
  };
}
