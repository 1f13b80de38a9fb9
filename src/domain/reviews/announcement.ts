import { plainToHtml } from "../html.ts";
import { stars } from "./rules.ts";

/** The line below a review, in the review's language (not in that of the one who reads). */
const AFTER_EXCHANGE: Record<string, (subject: string, hub: string) => string> = {
  es: (subject, hub) => `Reseña sobre ${subject} tras un intercambio en ${hub}`,
  pt: (subject, hub) => `Avaliação sobre ${subject} após uma troca em ${hub}`,
  en: (subject, hub) => `Review of ${subject} after an exchange on ${hub}`,
  fr: (subject, hub) => `Avis sur ${subject} après un échange sur ${hub}`,
  // Names of the other direction keep to themselves.
  ar: (subject, hub) => `تقييم \u2068${subject}\u2069 بعد تبادل في \u2068${hub}\u2069`,
};

export interface Announced {
  rating: number;
  /** Plain text. */
  content: string;
  language: string | null;
  subject: { name: string; url: string };
  hub: string;
}

/** A review as a readable post, for followers anywhere: stars, what was said, about whom. */
export function announcementHtml({ rating, content, language, subject, hub }: Announced): string {
  const line = (AFTER_EXCHANGE[language ?? "en"] ?? AFTER_EXCHANGE.en)?.(subject.name, hub);
  return plainToHtml(`${stars(rating)} — ${content}\n\n${line}\n${subject.url}`);
}
