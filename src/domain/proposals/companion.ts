import { plainToHtml } from "../html.ts";
import { type CheckedProposal, formatPrice } from "./rules.ts";

/** The few words that the companion Note needs, in the language of the proposal (not of the one who reads). */
const WORDS = {
  es: {
    offer: "Ofrecemos",
    request: "Necesitamos",
    gift: "sin costo",
    hour: "hora",
    one: "unidad",
    online: "en línea",
  },
  pt: {
    offer: "Oferecemos",
    request: "Precisamos",
    gift: "gratuito",
    hour: "hora",
    one: "unidade",
    online: "on-line",
  },
  en: { offer: "We offer", request: "We need", gift: "free", hour: "hour", one: "unit", online: "online" },
  fr: {
    offer: "Nous offrons",
    request: "Nous cherchons",
    gift: "gratuit",
    hour: "heure",
    one: "unité",
    online: "en ligne",
  },
  ar: { offer: "نقدّم", request: "نحتاج", gift: "مجانًا", hour: "ساعة", one: "وحدة", online: "عبر الإنترنت" },
} as const;

/**
 * A proposal as a readable post, for followers whose server knows no proposals (exchange.md, 5.2): what, on which terms,
 * where, and a link.
 */
export function companionHtml(
  proposal: CheckedProposal,
  url: string,
  currencySymbol: string,
  scale: number,
): string {
  const words = WORDS[proposal.language as keyof typeof WORDS] ?? WORDS.en;
  const price =
    proposal.price !== null
      ? `${formatPrice(proposal.price, scale)} ${currencySymbol}/${words[proposal.unit]}`
      : proposal.settlement === "none"
        ? words.gift
        : null;
  const place = proposal.online ? words.online : proposal.location;
  const facts = [price, place, proposal.ends?.toISOString().slice(0, 10) ?? null].filter(
    (fact) => fact !== null,
  );
  const text = [
    `${words[proposal.purpose]}: ${proposal.name}`,
    proposal.source,
    ...(facts.length > 0 ? [facts.join(" · ")] : []),
    url,
  ];
  return plainToHtml(text.join("\n\n"));
}
