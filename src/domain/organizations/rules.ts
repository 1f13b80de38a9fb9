import type { VerificationState } from "../../db/schema/organizations.ts";

export { SIZE_CLASSES, type SizeClass, type VerificationState } from "../../db/schema/organizations.ts";

/** Characters of what an organization tells the curators, and of what they answer. */
export const STATEMENT_MAX = 2000;
export const NOTE_MAX = 1000;
/** Open vouches that one organization may have received, and given. */
export const RECEIVED_MAX = 2;
export const GIVEN_MAX = 3;

export const DECISIONS = ["verified", "refused", "revoked"] as const;
export type Decision = (typeof DECISIONS)[number];

/** What curators can decide about a verification in each state. `verified` again: the size class was another one. */
export const DECIDABLE: Readonly<Record<VerificationState, readonly Decision[]>> = {
  requested: ["verified", "refused"],
  verified: ["verified", "revoked"],
  refused: ["verified"],
  revoked: ["verified"],
};

/** What a vouch looks at of a ledger account. Amounts are minor units; `minimum` is 0 or less: minus the credit line. */
export interface Line {
  posted: bigint;
  held: bigint;
  minimum: bigint;
}

/** What of its own credit line an organization could pledge now: neither in use nor lent already. */
export function freeLine({ posted, held, minimum }: Line): bigint {
  const unused = posted - held - minimum;
  const line = -minimum;
  const free = unused < line ? unused : line;
  return free > 0n ? free : 0n;
}

/** Can so much of its line be taken from an organization again? Not while it is in use. */
export function canGiveBack({ posted, held, minimum }: Line, amount: bigint): boolean {
  return minimum + amount <= posted - held;
}

/**
 * The floor of an organization whose own line would be `line`, with what it has lent to others and what others lend to it; never
 * above 0, and never above what is in use.
 */
export function floorFor(
  line: bigint,
  vouches: { given: bigint; received: bigint },
  { posted, held }: Pick<Line, "posted" | "held">,
): { minimum: bigint; inUse: boolean } {
  const own = vouches.given - line;
  const wanted = (own < 0n ? own : 0n) - vouches.received;
  const used = posted - held;
  return used < wanted ? { minimum: used, inUse: true } : { minimum: wanted, inUse: false };
}
