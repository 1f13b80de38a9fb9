/** SQLSTATE classes, postgres.js's own codes, and those of sockets (an embedded database that is gone has no file: ENOENT). */
const PASSING = /^(08|25P|40|53|55|57|58)|^(CONNECTION_|CONNECT_|E[A-Z]+$)/;

/** Was the connection or the server the matter, and not what was to be done? Then the same may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ("code" in cause && typeof cause.code === "string" && PASSING.test(cause.code)) return true;
  return false;
}
