import { DomainError } from "../errors.ts";
import { endOfDay } from "../proposals/rules.ts";
import { asciiNumber } from "../validate.ts";

const QUANTITY_MAX = 1_000_000;

/** A quantity as people type it. @throws DomainError required, not_a_number */
export function parseQuantity(field: string, text: string | undefined): number {
  const typed = asciiNumber(text ?? "");
  if (typed === "") throw new DomainError("required", `${field} is required`, { field });
  if (!/^[0-9]{1,7}$/.test(typed) || Number(typed) < 1 || Number(typed) > QUANTITY_MAX) {
    throw new DomainError("not_a_number", `${field} is a whole number from 1 to ${QUANTITY_MAX}`, { field });
  }
  return Number(typed);
}

/** The end of the day by which something is expected, in UTC; null when none was named. @throws DomainError not_a_date, in_the_past */
export function parseDue(text: string | undefined, now: Date): Date | null {
  try {
    return endOfDay(text, now);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new DomainError(error.code, error.message, { field: "due", details: error.details });
  }
}
