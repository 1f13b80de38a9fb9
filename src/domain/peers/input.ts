import { parseAmount } from "../amounts.ts";
import { DomainError } from "../errors.ts";
import { asciiNumber } from "../validate.ts";
import { DAY_TERMS, type DayTerm, MAX_DAYS, type PeeringTerms } from "./rules.ts";

const HUNDREDTH = 36n;

/**
 * Terms as people type them: limits in hours ("50", "7,5"), the rest in days. What is left out is as in `fallback`.
 *
 * @throws DomainError required, not_a_number (with the field)
 */
export function readTerms(
  fields: Readonly<Record<string, string | undefined>>,
  fallback: PeeringTerms,
): PeeringTerms {
  const days = (name: DayTerm) => {
    const text = fields[name];
    if (text === undefined) return fallback[name];
    const typed = asciiNumber(text);
    if (typed === "") throw new DomainError("required", `${name} is required`, { field: name });
    const number = /^[0-9]{1,3}$/.test(typed) ? Number(typed) : 0;
    if (number < 1 || number > MAX_DAYS)
      throw new DomainError("not_a_number", `${name} is a whole number from 1 to ${MAX_DAYS}`, {
        field: name,
      });
    return number;
  };
  return {
    mayBeOwed: hours("mayBeOwed", fields.mayBeOwed, fallback.mayBeOwed),
    mayOwe: hours("mayOwe", fields.mayOwe, fallback.mayOwe),
    ...(Object.fromEntries(DAY_TERMS.map((name) => [name, days(name)])) as Record<DayTerm, number>),
  };
}

function hours(field: string, text: string | undefined, fallback: bigint): bigint {
  return text === undefined ? fallback : parseAmount(field, text, 2, 0n) * HUNDREDTH;
}
