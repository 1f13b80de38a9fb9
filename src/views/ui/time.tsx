import { intlTag, type Locale } from "../../locales/index.ts";
import type { PageContext } from "./page.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format is slow and there are few of them: one per locale, zone and style. */
function formatOf(page: PageContext, style: "date" | "moment" | "short"): Intl.DateTimeFormat {
  const key = `${page.locale} ${page.timeZone} ${style}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(intlTag(page.locale), {
      timeZone: page.timeZone,
      year: "numeric",
      day: "numeric",
      // Months as words: 3/2 is another day elsewhere.
      month: style === "date" ? "long" : "short",
      ...(style === "moment" ? { hour: "numeric", minute: "2-digit" } : {}),
      ...(style === "moment" && page.timeZone === "UTC" ? { timeZoneName: "short" } : {}),
    });
    formats.set(key, format);
  }
  return format;
}

/** A moment, in the reader's words; the browser puts it into the reader's time zone (client/times.ts). */
export const Moment = ({ page, at }: { page: PageContext; at: Date }) => (
  <time datetime={at.toISOString()} data-moment>
    {formatOf(page, "moment").format(at)}
  </time>
);

/** A day without its time. */
export const Day = ({ page, at }: { page: PageContext; at: Date }) => (
  <time datetime={at.toISOString()}>{formatOf(page, "date").format(at)}</time>
);

/** A day in few letters, for pictures. */
export function shortDay(page: PageContext, at: Date): string {
  return formatOf(page, "short").format(at);
}

/** A number with the separators of the reader's language. */
export function count(locale: Locale, value: number | bigint): string {
  return new Intl.NumberFormat(intlTag(locale)).format(value);
}
