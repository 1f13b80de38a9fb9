import { IntlMessageFormat } from "intl-messageformat";
import ar from "./ar.json" with { type: "json" };
import en from "./en.json" with { type: "json" };
import es from "./es.json" with { type: "json" };
import fr from "./fr.json" with { type: "json" };
import pt from "./pt.json" with { type: "json" };

/** Languages of the interface, the default first. */
export const LOCALES = ["es", "pt", "en", "fr", "ar"] as const;
export type Locale = (typeof LOCALES)[number];
export const DEFAULT_LOCALE: Locale = "es";

/** Spanish is the source: a key that is missing in another language is a type error below. */
export type MessageKey = keyof typeof es;
export type MessageValues = Readonly<Record<string, string | number | Date>>;
/** Formats one message in the locale it was made for. */
export type T = (key: MessageKey, values?: MessageValues) => string;

/** Messages a page may show once on top, after a redirect. */
export type NoticeKey = Extract<MessageKey, `notices.${string}`>;

type NoticeTextKind = Extract<MessageKey, `notice.${string}`> extends `notice.${infer Kind}` ? Kind : never;

/** Each language's name for itself, as a reader looks for it. */
export const LOCALE_NAMES: Record<Locale, string> = {
  es: "Español",
  pt: "Português",
  en: "English",
  fr: "Français",
  ar: "العربية",
};

/** Languages people of the region write in, by BCP 47 tag, each with its own name for itself. */
export const POST_LANGUAGES: Readonly<Record<string, string>> = {
  ...LOCALE_NAMES,
  ay: "Aymar aru",
  gn: "Avañeʼẽ",
  ht: "Kreyòl ayisyen",
  nah: "Nāhuatl",
  qu: "Runasimi",
  quc: "Kʼicheʼ",
};

const MESSAGES: Record<Locale, Record<MessageKey, string>> = { es, pt, en, fr, ar };

/** Latin digits in Arabic too: prices and dates read as they are typed into forms. */
const INTL_TAGS: Record<Locale, string> = { es: "es", pt: "pt-BR", en: "en", fr: "fr", ar: "ar-u-nu-latn" };

/** The tag to give to `Intl` for a locale of the interface. */
export function intlTag(locale: Locale): string {
  return INTL_TAGS[locale];
}

const translators = new Map<Locale, T>();

/** The messages of one language; parsed once per key and kept for the life of the process. */
export function translator(locale: Locale): T {
  const known = translators.get(locale);
  if (known) return known;
  const parsed = new Map<MessageKey, IntlMessageFormat>();
  const t: T = (key, values) => {
    let message = parsed.get(key);
    if (!message) {
      message = new IntlMessageFormat(MESSAGES[locale][key], intlTag(locale), undefined, { ignoreTag: true });
      parsed.set(key, message);
    }
    return String(message.format(isolated(values, locale)));
  };
  translators.set(locale, t);
  return t;
}

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;

/**
 * Names and addresses inside a text keep to themselves where two directions could meet (Unicode's first strong isolate),
 * or their brackets and full stops wander. Messages therefore never select on a text.
 */
function isolated(values: MessageValues | undefined, locale: Locale): MessageValues | undefined {
  if (!values) return undefined;
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" && (dirOf(locale) === "rtl" || RIGHT_TO_LEFT.test(value))
        ? `\u2068${value}\u2069`
        : value,
    ]),
  );
}

/** A number with its unit ("7,5 ₳"), in this order wherever lines run from left to right, whatever script the unit is of. */
export function withUnit(locale: Locale, number: string, unit: string): string {
  const text = `${number}\u00a0${unit}`;
  return dirOf(locale) === "ltr" && RIGHT_TO_LEFT.test(unit) ? `\u2066${text}\u2069` : text;
}

/**
 * A notice in words. `days` is counted, so that each language can say it rightly; a detail that is missing is left out.
 *
 * @param kind one that has a text `notice.<kind>`
 */
export function noticeText(
  t: T,
  { kind, details }: { kind: NoticeTextKind; details: Readonly<Partial<Record<string, string>>> },
): string {
  const { actor = "", title = "", amount = "", days = "0", moment = "", count = "0", over = "0" } = details;
  const numbers = { days: Number(days), count: Number(count), over: Number(over) };
  return t(`notice.${kind}`, { actor, title, amount, moment, ...numbers });
}

export function dirOf(locale: Locale): "ltr" | "rtl" {
  return locale === "ar" ? "rtl" : "ltr";
}

export function isLocale(text: string | undefined): text is Locale {
  return LOCALES.some((locale) => locale === text);
}

/** Reads a notice back from where a redirect left it; undefined for anything that is not one. */
export function noticeKey(text: string | undefined): NoticeKey | undefined {
  const key = `notices.${text?.replace(/^notices\./, "")}`;
  return Object.hasOwn(es, key) ? (key as NoticeKey) : undefined;
}

/**
 * The language a browser would rather read, by its `Accept-Language` (RFC 9110, 12.5.4). Regions count as their
 * language; Spanish when nothing fits.
 */
export function negotiate(acceptLanguage: string | undefined): Locale {
  const wishes = (acceptLanguage ?? "")
    .slice(0, 500)
    .split(",")
    .map((part) => {
      const [tag = "", ...parameters] = part.trim().toLowerCase().split(";");
      const q = parameters
        .map((parameter) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(parameter)?.[1])
        .find(Boolean);
      return { language: tag.trim().split("-")[0], q: q === undefined ? 1 : Number(q) };
    })
    .filter((wish) => wish.q > 0)
    .sort((a, b) => b.q - a.q);
  for (const { language } of wishes) if (isLocale(language)) return language;
  return DEFAULT_LOCALE;
}
