import { dirOf, intlTag, type Locale, withUnit } from "../../locales/index.ts";
import type { PageContext } from "../ui/page.ts";

/** The hub's credits. */
export interface Currency {
  name: string;
  symbol: string;
  /** Decimal places of its minor units. */
  scale: number;
}

const formats = new Map<string, Intl.NumberFormat>();

function formatOf(locale: Locale, least: number, most: number): Intl.NumberFormat {
  const key = `${locale} ${least} ${most}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(intlTag(locale), {
      minimumFractionDigits: least,
      maximumFractionDigits: most,
    });
    formats.set(key, format);
  }
  return format;
}

export interface NumberStyle {
  /** A plus before what is more than nothing. */
  signed?: boolean;
  /** All decimal places, so that a column of numbers stands in line. */
  exact?: boolean;
}

/** An amount of credits as a number in the reader's notation, with a real minus sign. @param amount minor units */
export function creditNumber(
  locale: Locale,
  amount: bigint,
  scale: number,
  { signed = false, exact = false }: NumberStyle = {},
): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(scale + 1, "0");
  // A decimal string, not a number: amounts may be larger than a double is exact.
  const decimal = (
    scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  ) as `${number}`;
  const number = formatOf(locale, exact ? scale : 0, scale).format(decimal);
  const sign = amount < 0n ? "−" : signed && amount > 0n ? "+" : "";
  // Where lines run from right to left a sign would change sides.
  return sign !== "" && dirOf(locale) === "rtl" ? `\u2066${sign}${number}\u2069` : `${sign}${number}`;
}

/** An amount with its unit, for sentences ("7,5 ₳"). */
export function creditText(page: PageContext, { symbol, scale }: Currency, amount: bigint): string {
  return withUnit(page.locale, creditNumber(page.locale, amount, scale), symbol);
}

/** A sum that stands out, its unit smaller than its number. */
export const Sum = ({
  page,
  currency,
  amount,
}: {
  page: PageContext;
  currency: Currency;
  amount: bigint;
}) => (
  <span class="sum">
    {creditNumber(page.locale, amount, currency.scale)}
    <span class="sum-unit">
      {"\u00a0"}
      {currency.symbol}
    </span>
  </span>
);

/** A part of a whole, 0 to 1, as the reader's language writes percents. */
export function percentText(locale: Locale, part: number): string {
  return new Intl.NumberFormat(intlTag(locale), { style: "percent" }).format(part);
}

/** What a form's amount field is filled with beforehand: as one would type it. */
export function typedAmount(locale: Locale, amount: bigint, scale: number): string {
  const separator = formatOf(locale, 1, 1).format(0.5).replace(/[0-9]/g, "");
  const digits = amount.toString().padStart(scale + 1, "0");
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  return `${digits.slice(0, digits.length - scale)}${fraction && separator + fraction}`;
}
