import type { Settlement } from "../../db/schema/proposals.ts";
import { DomainError } from "../errors.ts";

/** The part of a proposal that binds what is agreed on it (FEP-0837, "Commitment"). */
export interface ProposalTerms {
  settlement: Settlement;
  /** true: multiples of the price; false: exactly its price; null: any. */
  unitBased: boolean | null;
  price: bigint | null;
  minimum: number | null;
  available: number | null;
  committed: number;
}

/**
 * The amount that a quantity costs by a proposal: FEP-0837's rule for `unitBased`. Null for what is not paid in credits.
 *
 * @param wanted what the one who answers proposes to pay; only where the proposal leaves it open
 * @throws DomainError under_minimum, over_available, invalid
 */
export function amountFor(proposal: ProposalTerms, quantity: number, wanted: bigint | null): bigint | null {
  const { available, committed, minimum, unitBased, price, settlement } = proposal;
  if (minimum !== null && quantity < minimum)
    throw new DomainError("under_minimum", `at least ${minimum}`, {
      field: "quantity",
      details: { minimum },
    });
  const left = available === null ? null : available - committed;
  if (left !== null && quantity > left)
    throw new DomainError("over_available", `only ${left} are left`, {
      field: "quantity",
      details: { left },
    });
  if (settlement !== "credit" || price === null) return null;
  const fixed = unitBased === null ? null : unitBased ? price * BigInt(quantity) : price;
  if (fixed !== null && wanted !== null && wanted !== fixed)
    throw new DomainError("invalid", "the proposal sets the price", { field: "amount" });
  return fixed ?? wanted ?? price;
}
