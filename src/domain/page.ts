import type { Id } from "../db/ids.ts";

/** One keyset page, newest first. `before` is the cursor of the next page, null at the end. */
export interface Page<T> {
  items: T[];
  before: Id | null;
}

/** Cuts rows that were read with `limit + 1` into a page. */
export function toPage<T>(rows: T[], limit: number, cursor: (row: T) => Id): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, before: rows.length > limit && last !== undefined ? cursor(last) : null };
}
