import { DomainError } from "./errors.ts";
import { asciiNumber } from "./validate.ts";

/** An amount in whole credits, so that minor units stay far below 2^63. */
const AMOUNT_MAX = 1_000_000n;

/**
 * An amount as people type it ("10", "7,5", "7.50", "٧٫٥") in minor units.
 *
 * @param scale decimal places of the hub's currency
 * @param least smallest amount that is allowed, in minor units
 * @throws DomainError required, not_a_number
 */
export function parseAmount(field: string, text: string, scale: number, least = 1n): bigint {
  const typed = asciiNumber(text);
  if (typed === "") throw new DomainError("required", `${field} is required`, { field });
  const match = /^([0-9]{1,9})(?:[.,]([0-9]{1,6}))?$/.exec(typed);
  const fraction = match?.[2] ?? "";
  if (match === null || fraction.replace(/0+$/, "").length > scale) {
    throw new DomainError("not_a_number", `${field} is a number with at most ${scale} decimals`, { field });
  }
  const unit = 10n ** BigInt(scale);
  const amount = BigInt(match[1] ?? "0") * unit + BigInt(fraction.slice(0, scale).padEnd(scale, "0") || "0");
  if (amount < least || amount > AMOUNT_MAX * unit) {
    throw new DomainError("not_a_number", `${field} is too small, or over ${AMOUNT_MAX}`, { field });
  }
  return amount;
}

/** Minor units as people read them, without grouping ("7.5", "-0.25"); the opposite of `parseAmount`. */
export function formatAmount(amount: bigint, scale: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
