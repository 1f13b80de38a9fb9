import type { ProposalView } from "./queries.ts";

type Side = Pick<
  ProposalView,
  | "id"
  | "name"
  | "category"
  | "subcategory"
  | "tags"
  | "language"
  | "languages"
  | "location"
  | "country"
  | "online"
>;

/** Why an offer and a need belong together. */
export interface Reason {
  /** Both have this tag, or neither a tag nor a category alone decided. */
  tag: string | null;
  /** They meet in the second level of the list, or only in the first. */
  category: "second" | "first" | null;
  /** What makes it easy, the strongest only. */
  also: "place" | "online" | "language" | null;
  /** The language that both know, where that is what makes it easy. */
  language: string | null;
  score: number;
}

/** How well an offer and a need fit, or null when they have nothing in common. */
export function reasonFor(one: Side, other: Side, fold: (text: string) => string): Reason | null {
  const tags = new Set(one.tags.map(fold));
  const tag = other.tags.find((text) => tags.has(fold(text))) ?? null;
  const second = one.subcategory !== null && one.subcategory === other.subcategory;
  const first = one.category !== null && one.category === other.category;
  if (tag === null && !first) return null;
  const place =
    one.location !== null && other.location !== null && fold(one.location) === fold(other.location);
  const online = one.online && other.online;
  const known = new Set([...one.languages, one.language]);
  const language =
    [...other.languages, other.language].find((text) => text !== null && known.has(text)) ?? null;
  const nation = one.country !== null && one.country === other.country;
  const score =
    (second ? 5 : first ? 2 : 0) +
    (tag === null ? 0 : 3) +
    (place ? 2 : nation ? 1 : 0) +
    (online ? 1 : 0) +
    (language === null ? 0 : 1);
  const also = place ? "place" : online ? "online" : language === null ? null : "language";
  return { tag, category: second ? "second" : first ? "first" : null, also, language, score };
}
