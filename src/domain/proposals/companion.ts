import { formatAmount } from "../amounts.ts";
import { plainToHtml } from "../html.ts";
import type { HubView } from "../hubs/queries.ts";
import type { CheckedProposal } from "./rules.ts";

/** What the post tells of a proposal. */
export type Announced = Pick<
  CheckedProposal,
  | "purpose"
  | "name"
  | "price"
  | "settlement"
  | "unit"
  | "unitBased"
  | "location"
  | "country"
  | "online"
  | "ends"
  | "tags"
> & { source: string | null; language: string | null };

/** The few words that the companion Note needs, in the language of the proposal (not of the one who reads). */
const WORDS = {
  es: {
    offer: "Ofrecemos:",
    request: "Necesitamos:",
    gift: "sin costo",
    count: "sin créditos, se lleva la cuenta",
    total: "en total",
    external: "a convenir",
    hour: "hora",
    one: "unidad",
    online: "en línea",
    until: "hasta el",
  },
  pt: {
    offer: "Oferecemos:",
    request: "Precisamos:",
    gift: "gratuito",
    count: "sem créditos, fica registrado",
    total: "no total",
    external: "a combinar",
    hour: "hora",
    one: "unidade",
    online: "on-line",
    until: "até",
  },
  en: {
    offer: "We offer:",
    request: "We need:",
    gift: "free",
    count: "no credits, we keep count",
    total: "in all",
    external: "terms to be agreed",
    hour: "hour",
    one: "unit",
    online: "online",
    until: "until",
  },
  fr: {
    offer: "Nous proposons\u00a0:",
    request: "Nous cherchons\u00a0:",
    gift: "gratuit",
    count: "sans crédits, nous tenons le compte",
    total: "au total",
    external: "à convenir",
    hour: "heure",
    one: "unité",
    online: "en ligne",
    until: "jusqu’au",
  },
  ar: {
    offer: "نقدّم:",
    request: "نحتاج:",
    gift: "مجانًا",
    count: "بلا رصيد، مع تسجيل العطاء",
    total: "إجمالًا",
    external: "يُتفق عليه",
    hour: "ساعة",
    one: "وحدة",
    online: "عبر الإنترنت",
    until: "حتى",
  },
} as const;

/** Notation of numbers and days, for readers who write them as the proposal's language does; digits as in its form. */
const TAGS: Record<keyof typeof WORDS, string> = {
  es: "es",
  pt: "pt-BR",
  en: "en",
  fr: "fr",
  ar: "ar-u-nu-latn",
};

/**
 * A proposal as a readable post, for followers whose server knows no proposals: what, on which terms,
 * where, its tags, and a link.
 */
export function companionHtml(
  proposal: Announced,
  url: string,
  currency: Pick<HubView, "currencySymbol" | "currencyScale">,
  origin: string,
): string {
  const written = proposal.language ?? "";
  const language = Object.hasOwn(WORDS, written) ? (written as keyof typeof WORDS) : "en";
  const words = WORDS[language];
  const tag = TAGS[language];
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "long", timeZone: "UTC" });
  const country =
    proposal.country === null
      ? undefined
      : new Intl.DisplayNames(tag, { type: "region" }).of(proposal.country);
  const facts = [
    priceText(proposal, currency, words, tag),
    proposal.location,
    country ?? null,
    proposal.online ? words.online : null,
    proposal.ends === null ? null : `${words.until} ${day.format(proposal.ends)}`,
  ].filter((fact) => fact !== null);
  const text = [
    `${words[proposal.purpose]} ${proposal.name}`,
    proposal.source ?? "",
    ...(facts.length > 0 ? [facts.join(" · ")] : []),
    url,
  ];
  return plainToHtml(text.join("\n\n")) + hashtags(proposal.tags, origin);
}

/** Where the proposals with a tag are. */
export function tagPage(origin: string, tag: string): string {
  return `${origin}/exchange?tag=${encodeURIComponent(tag)}`;
}

/** Tags are letters, digits and underscores: there is nothing to escape. */
function hashtags(tags: readonly string[], origin: string): string {
  if (tags.length === 0) return "";
  const links = tags.map((tag) => `<a href="${tagPage(origin, tag)}" rel="tag">#${tag}</a>`);
  return `<p>${links.join(" ")}</p>`;
}

function priceText(
  { price, settlement, unit, unitBased }: Announced,
  { currencySymbol, currencyScale }: Pick<HubView, "currencySymbol" | "currencyScale">,
  words: (typeof WORDS)[keyof typeof WORDS],
  tag: string,
): string {
  if (settlement === "count") return words.count;
  if (price === null) return settlement === "none" ? words.gift : words.external;
  // A decimal string, not a number: amounts may be larger than a double is exact.
  const amount = formatAmount(price, currencyScale) as `${number}`;
  const shown = `${new Intl.NumberFormat(tag, { maximumFractionDigits: currencyScale }).format(amount)} ${currencySymbol}`;
  return unitBased === false ? `${shown} ${words.total}` : `${shown}/${words[unit]}`;
}
