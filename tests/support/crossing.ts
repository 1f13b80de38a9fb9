import type { TestHub } from "./hub.ts";

/**
 * Until `body` has ended nothing that either hub says leaves it: what is said on both meanwhile crosses on its way, however slow one of
 * them is.
 */
export function crossing(a: TestHub, b: TestHub, body: () => Promise<unknown>): Promise<unknown> {
  return silent(a, b, () => silent(b, a, body));
}

/** Has what the hub's worker needs to begin a delivery to the other one, and its deciding process to settle anything. */
function silent(hub: TestHub, other: TestHub, body: () => Promise<unknown>): Promise<unknown> {
  return hub.database.sql.begin(async (tx) => {
    await tx`set local idle_in_transaction_session_timeout = 0`;
    await tx`select pg_advisory_xact_lock(hashtextextended(${`${other.origin}/inbox`}, 0))`;
    await tx`select from clearing_links for update`;
    await body();
  });
}
