import type { Totals } from "../../domain/clearing/totals.ts";
import type { SigningKey } from "../keyring.ts";
import { proveCanonical } from "../proofs.ts";
import { CLEARING_CONTEXT } from "../vocab/context.ts";

/** A day's public totals, signed by the hub's actor (FEP-8b32). Amounts are decimal digits, as everywhere in clearing. */
export function signTotals(
  totals: Totals,
  { hub, origin, key }: { hub: string; origin: string; key: SigningKey },
): string {
  const { funds } = totals;
  const document = {
    "@context": CLEARING_CONTEXT,
    id: `${origin}/ledger/totals/${totals.day}`,
    type: ["Document", "ayni:PublicTotals"],
    attributedTo: hub,
    published: totals.written.toISOString(),
    "ayni:day": totals.day,
    "ayni:currency": `${origin}/currency`,
    "ayni:positive": `${totals.positive}`,
    "ayni:negative": `${totals.negative}`,
    "ayni:funds": {
      "ayni:solidarity": `${funds.solidarity}`,
      "ayni:guarantee": `${funds.guarantee}`,
      "ayni:operations": `${funds.operations}`,
    },
    "ayni:conversion": `${totals.conversion}`,
    "ayni:external": `${totals.external}`,
    "ayni:peers": totals.peers,
  };
  return proveCanonical(document, key, totals.written).whole;
}
