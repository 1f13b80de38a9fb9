import type { Purpose, Settlement, Unit } from "../../db/schema/proposals.ts";
import { parseAmount } from "../amounts.ts";
import { DomainError } from "../errors.ts";
import { asciiNumber, cleanText, optionalText, requiredText } from "../validate.ts";
import { isCategoryKey, splitCategory } from "./categories.ts";
import { COUNTRIES } from "./countries.ts";

export { PURPOSES, SETTLEMENTS, UNITS } from "../../db/schema/proposals.ts";

export const NAME_MAX = 120;
export const CONTENT_MAX = 5000;
export const LOCATION_MAX = 120;
export const TAGS_MAX = 8;
export const PHOTOS_MAX = 4;
const TAG_MAX = 40;
export const LEAD_DAYS_MAX = 365;
const QUANTITY_MAX = 1_000_000;

/** What the form or API hands over: texts as typed, choices already known to be among those offered. */
export interface ProposalInput {
  purpose: Purpose;
  name: string;
  content: string;
  /** Key of the first or the second level. */
  category: string;
  /** Separated by spaces, or by commas where some have spaces in them. */
  tags?: string | undefined;
  unit: Unit;
  available?: string | undefined;
  minimum?: string | undefined;
  settlement: Settlement;
  /** The price is for each unit (the default) or for all of them together. */
  unitBased?: boolean | undefined;
  /** In credits, with a decimal point or comma. */
  price?: string | undefined;
  location?: string | undefined;
  /** ISO 3166-1 alpha-2, or empty. */
  country?: string | undefined;
  online: boolean;
  language: string;
  /** Languages in which it can be done (BCP 47). */
  languages?: readonly string[] | undefined;
  leadDays?: string | undefined;
  /** `YYYY-MM-DD`, the last day on which it stands. */
  ends?: string | undefined;
}

export interface CheckedProposal {
  purpose: Purpose;
  name: string;
  source: string;
  category: string;
  subcategory: string | null;
  tags: string[];
  unit: Unit;
  available: number | null;
  minimum: number | null;
  settlement: Settlement;
  /** null where nothing is paid in credits. */
  unitBased: boolean | null;
  /** Minor units. */
  price: bigint | null;
  location: string | null;
  country: string | null;
  online: boolean;
  language: string;
  languages: string[];
  leadDays: number | null;
  ends: Date | null;
}

/** What a proposal is checked against. */
export interface ProposalFacts {
  /** Decimal places of the hub's currency. */
  scale: number;
  now: Date;
  /** Keys that this hub added to the common list. */
  categories?: ReadonlySet<string>;
  /** Units that are promised already. */
  committed?: number;
}

/**
 * Checks a proposal.
 *
 * @throws DomainError required, too_long, too_many, invalid, not_a_number, not_a_date, in_the_past, minimum_over_available,
 * under_committed
 */
export function checkProposal(input: ProposalInput, facts: ProposalFacts): CheckedProposal {
  const { scale, now, categories, committed = 0 } = facts;
  if (!isCategoryKey(input.category) && !categories?.has(input.category)) {
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
  if (available !== null && available < committed) {
    throw new DomainError("under_committed", `${committed} are promised already`, {
      field: "available",
      details: { committed },
    });
  }
  const unitBased = input.settlement === "credit" ? (input.unitBased ?? true) : null;
  return {
    purpose: input.purpose,
    name: requiredText("name", input.name, NAME_MAX),
    source: requiredText("content", input.content, CONTENT_MAX),
    ...splitCategory(input.category),
    tags: parseTags(input.tags ?? ""),
    unit: input.unit,
    available,
    // One price for everything: nobody can take a part of it.
    minimum: unitBased === false ? available : minimum,
    settlement: input.settlement,
    unitBased,
    price: input.settlement === "credit" ? parseAmount("price", input.price ?? "", scale) : null,
    location: optionalText("location", input.location, LOCATION_MAX),
    country: country(input.country),
    online: input.online,
    language: input.language,
    languages: [...new Set(input.languages)].sort(),
    leadDays: leadDays(input.leadDays),
    ends: endOfDay(input.ends, now),
  };
}

/**
 * Tags as people type them ("#agua, #economía solidaria"): lower case, letters, digits and underscores, each once.
 *
 * @throws DomainError too_many, too_long, invalid
 */
export function parseTags(text: string): string[] {
  const clean = cleanText(text).normalize("NFC").toLowerCase();
  const tags = clean
    .split(/[,;،؛#]/.test(clean) ? /[,;،؛#\n]+/ : /\s+/)
    .map((tag) => tag.trim().replace(/[\s-]+/g, "_"))
    .filter((tag) => tag !== "");
  const unique = [...new Set(tags)];
  if (unique.length > TAGS_MAX) {
    throw new DomainError("too_many", `at most ${TAGS_MAX} tags`, {
      field: "tags",
      details: { max: TAGS_MAX },
    });
  }
  for (const tag of unique) {
    if ([...tag].length > TAG_MAX) {
      throw new DomainError("too_long", `a tag has at most ${TAG_MAX} characters`, {
        field: "tags",
        details: { max: TAG_MAX },
      });
    }
    if (!isTag(tag)) {
      throw new DomainError("invalid", "a tag is made of letters, digits and underscores", { field: "tags" });
    }
  }
  return unique;
}

/** What other servers take for a hashtag: letters (with their marks), digits and underscores, and not digits alone. */
export function isTag(text: string): boolean {
  return /^[\p{L}\p{M}\p{N}_]{1,100}$/u.test(text) && /\p{L}/u.test(text);
}

function country(text: string | undefined): string | null {
  if (text === undefined || text === "") return null;
  if (!COUNTRIES.includes(text)) throw new DomainError("invalid", "no such country", { field: "country" });
  return text;
}

function leadDays(text: string | undefined): number | null {
  const typed = asciiNumber(text ?? "");
  if (typed === "") return null;
  if (!/^[0-9]{1,3}$/.test(typed) || Number(typed) > LEAD_DAYS_MAX) {
    throw new DomainError("not_a_number", `a whole number of days up to ${LEAD_DAYS_MAX}`, {
      field: "leadDays",
    });
  }
  return Number(typed);
}

/** What of a proposal decides whether somebody can take it up now. */
export interface Standing {
  available: number | null;
  minimum: number | null;
  committed: number;
  ends: Date | null;
  paused: Date | null;
}

export type ProposalState = "open" | "paused" | "ended" | "taken";

/** Paused comes before ended: who resumes it sees the next reason. */
export function stateOf(proposal: Standing, now: Date): ProposalState {
  if (proposal.paused !== null) return "paused";
  if (proposal.ends !== null && proposal.ends.getTime() + DAY_LAG <= now.getTime()) return "ended";
  const { available, committed } = proposal;
  if (available !== null && available - committed < Math.max(proposal.minimum ?? 1, 1)) return "taken";
  return "open";
}

/** Units that nobody has been promised yet; null when there is no bound. */
export function remaining({
  available,
  committed,
}: Pick<Standing, "available" | "committed">): number | null {
  return available === null ? null : Math.max(0, available - committed);
}

/** How many days before its end a notice is given, the earliest first. */
const NOTICES = [7, 1, 0] as const;

/** The notice that is due by now, or that would come too soon after a proposal was given this end; null while none is. */
export function noticeDue(ends: Date | null, now: Date): (typeof NOTICES)[number] | null {
  if (ends === null) return null;
  const left = ends.getTime() - now.getTime();
  return NOTICES.findLast((days) => left <= (days === 0 ? -DAY_LAG : days * DAY)) ?? null;
}

const DAY = 86_400_000;
const VALID_MONTHS = 6;

/** The day half a year from now, as a form writes it: until when a proposal stands unless its author says otherwise. */
export function usualEnd(now: Date): string {
  const day = new Date(now);
  day.setUTCMonth(day.getUTCMonth() + VALID_MONTHS, Math.min(day.getUTCDate(), 28));
  return day.toISOString().slice(0, 10);
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
export function endOfDay(text: string | undefined, now: Date): Date | null {
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
