import { plainToHtml } from "../html.ts";
import { type CheckedProposal, formatPrice } from "./rules.ts";

/** The few words that the companion Note needs, in the language of the proposal (not of the one who reads). */
const WORDS = {
  es: {
    offer: "Ofrecemos:",
    request: "Necesitamos:",
    gift: "sin costo",
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
 * where, and a link.
 */
export function companionHtml(
  proposal: CheckedProposal,
  url: string,
  currencySymbol: string,
  scale: number,
): string {
  const language = Object.hasOwn(WORDS, proposal.language) ? (proposal.language as keyof typeof WORDS) : "en";
  const words = WORDS[language];
  const tag = TAGS[language];
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "long", timeZone: "UTC" });
  const facts = [
    priceText(proposal, currencySymbol, scale, words, tag),
    proposal.location,
    proposal.online ? words.online : null,
    proposal.ends === null ? null : `${words.until} ${day.format(proposal.ends)}`,
  ].filter((fact) => fact !== null);
  const text = [
    `${words[proposal.purpose]} ${proposal.name}`,
    proposal.source,
    ...(facts.length > 0 ? [facts.join(" · ")] : []),
    url,
  ];
  return plainToHtml(text.join("\n\n"));
}

function priceText(
  { price, settlement, unit }: CheckedProposal,
  symbol: string,
  scale: number,
  words: (typeof WORDS)[keyof typeof WORDS],
  tag: string,
): string {
  if (price === null) return settlement === "none" ? words.gift : words.external;
  // A decimal string, not a number: amounts may be larger than a double is exact.
  const amount = formatPrice(price, scale) as `${number}`;
  return `${new Intl.NumberFormat(tag, { maximumFractionDigits: scale }).format(amount)} ${symbol}/${words[unit]}`;
}
