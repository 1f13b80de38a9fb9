import { DomainError } from "./errors.ts";

/**
 * Text as people type it: trimmed, line ends unified, control characters (NUL included, which PostgreSQL cannot store)
 * and lone surrogates removed.
 */
export function cleanText(text: string): string {
  return (
    text
      .replace(/\r\n?/g, "\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "")
      .toWellFormed()
      .trim()
  );
}

/** Marks, fillers and spaces that take no ink: a name of nothing else could be neither read nor clicked. */
const INVISIBLE = /^[\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\s]*$/u;

/**
 * A required text of 1 to `max` characters, some of them visible.
 *
 * @throws DomainError required, too_long
 */
export function requiredText(field: string, text: string, max: number): string {
  const clean = cleanText(text);
  if (INVISIBLE.test(clean)) throw new DomainError("required", `${field} is required`, { field });
  return bounded(field, clean, max);
}

/** A text that may be missing: null when empty. @throws DomainError too_long */
export function optionalText(field: string, text: string | null | undefined, max: number): string | null {
  const clean = cleanText(text ?? "");
  return clean === "" ? null : bounded(field, clean, max);
}

function bounded(field: string, text: string, max: number): string {
  // Counted as people count: characters, not UTF-16 units.
  const length = [...text].length;
  if (length > max) {
    throw new DomainError("too_long", `${field} has ${length} characters; at most ${max} are allowed`, {
      field,
      details: { max, length },
    });
  }
  return text;
}

/**
 * A number as it was typed, in ASCII: Arabic and Persian keyboards have digits, a decimal separator and a comma of their
 * own.
 */
export function asciiNumber(text: string): string {
  return (
    text
      .trim()
      // The last four bits of these digits are their value.
      .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 0xf))
      .replace(/[\u066b\u060c]/g, ",")
  );
}
