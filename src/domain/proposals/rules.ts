import type { Purpose, Settlement, Unit } from "../../db/schema/proposals.ts";
import { DomainError } from "../errors.ts";
import { asciiNumber, optionalText, requiredText } from "../validate.ts";
import { CATEGORIES, type Category } from "./categories.ts";

export { PURPOSES, SETTLEMENTS, UNITS } from "../../db/schema/proposals.ts";

export const NAME_MAX = 120;
export const CONTENT_MAX = 5000;
const QUANTITY_MAX = 1_000_000;
/** A price in whole credits, so that minor units stay far below 2^63. */
const PRICE_MAX = 1_000_000n;

/** What the form or API hands over: texts as typed, choices already known to be among those offered. */
export interface ProposalInput {
  purpose: Purpose;
  name: string;
  content: string;
  category: string;
  unit: Unit;
  available?: string | undefined;
  minimum?: string | undefined;
  settlement: Settlement;
  /** In credits, with a decimal point or comma. */
  price?: string | undefined;
  location?: string | undefined;
  online: boolean;
  language: string;
  /** `YYYY-MM-DD`, the last day on which it stands. */
  ends?: string | undefined;
}

export interface CheckedProposal {
  purpose: Purpose;
  name: string;
  source: string;
  category: Category;
  unit: Unit;
  available: number | null;
  minimum: number | null;
  settlement: Settlement;
  /** Minor units. */
  price: bigint | null;
  location: string | null;
  online: boolean;
  language: string;
  ends: Date | null;
}

/**
 * Checks a proposal.
 *
 * @param scale decimal places of the hub's currency
 * @throws DomainError required, too_long, invalid, not_a_number, not_a_date, in_the_past, minimum_over_available
 */
export function checkProposal(input: ProposalInput, scale: number, now: Date): CheckedProposal {
  const category = CATEGORIES.find((known) => known === input.category);
  if (category === undefined) {
    throw new DomainError(input.category === "" ? "required" : "invalid", "no such category", {
      field: "category",
    });
  }
  const available = quantity("available", input.available);
  const minimum = quantity("minimum", input.minimum);
  if (available !== null && minimum !== null && minimum > available) {
    throw new DomainError("minimum_over_available", "the minimum is more than what is available", {
      field: "minimum",
    });
  }
  return {
    purpose: input.purpose,
    name: requiredText("name", input.name, NAME_MAX),
    source: requiredText("content", input.content, CONTENT_MAX),
    category,
    unit: input.unit,
    available,
    minimum,
    settlement: input.settlement,
    price: input.settlement === "credit" ? parsePrice(input.price ?? "", scale) : null,
    location: optionalText("location", input.location, 120),
    online: input.online,
    language: input.language,
    ends: endOfDay(input.ends, now),
  };
}

/**
 * A price as people type it ("10", "7,5", "7.50", "٧٫٥") in minor units.
 *
 * @throws DomainError required, not_a_number
 */
export function parsePrice(text: string, scale: number): bigint {
  const typed = asciiNumber(text);
  if (typed === "") throw new DomainError("required", "a price is required", { field: "price" });
  const match = /^([0-9]{1,9})(?:[.,]([0-9]{1,6}))?$/.exec(typed);
  const fraction = match?.[2] ?? "";
  if (match === null || fraction.replace(/0+$/, "").length > scale) {
    throw new DomainError("not_a_number", `a price is a number with at most ${scale} decimals`, {
      field: "price",
    });
  }
  const unit = 10n ** BigInt(scale);
  const price = BigInt(match[1] ?? "0") * unit + BigInt(fraction.slice(0, scale).padEnd(scale, "0") || "0");
  if (price <= 0n || price > PRICE_MAX * unit) {
    throw new DomainError("not_a_number", "a price is more than 0 and at most 1,000,000", { field: "price" });
  }
  return price;
}

/** Minor units as people read them, without grouping ("7.5"); the opposite of `parsePrice`. */
export function formatPrice(price: bigint, scale: number): string {
  const digits = price.toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function quantity(field: string, text: string | undefined): number | null {
  const typed = asciiNumber(text ?? "");
  if (typed === "") return null;
  if (!/^[0-9]{1,7}$/.test(typed) || Number(typed) < 1 || Number(typed) > QUANTITY_MAX) {
    throw new DomainError("not_a_number", `${field} is a whole number from 1 to ${QUANTITY_MAX}`, { field });
  }
  return Number(typed);
}

/** How long after midnight UTC a day lasts where it ends last (UTC−12). A day that was named stands until it is over there too. */
export const DAY_LAG = 12 * 3_600_000;

/** The end of the day named, in UTC. */
function endOfDay(text: string | undefined, now: Date): Date | null {
  const typed = asciiNumber(text ?? "");
  if (typed === "") return null;
  const end = new Date(`${typed}T23:59:59.999Z`);
  if (
    !/^\d{4}-\d{2}-\d{2}$/.test(typed) ||
    Number.isNaN(end.getTime()) ||
    !end.toISOString().startsWith(typed)
  ) {
    throw new DomainError("not_a_date", "a date is written as year-month-day", { field: "ends" });
  }
  if (end.getTime() + DAY_LAG <= now.getTime())
    throw new DomainError("in_the_past", "this day has passed", { field: "ends" });
  return end;
}
