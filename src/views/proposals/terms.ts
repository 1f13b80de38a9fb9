import type { HereAmount } from "../../domain/peers/hubs.ts";
import {
  CATEGORIES,
  CATEGORY_TREE,
  type CategoryKey,
  isCategoryKey,
} from "../../domain/proposals/categories.ts";
import { COUNTRIES } from "../../domain/proposals/countries.ts";
import type { HubCategory } from "../../domain/proposals/hub-categories.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { intlTag, type Locale, withUnit } from "../../locales/index.ts";
import type { Option, OptionGroup } from "../ui/form.tsx";
import type { IconName } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";

/**
 * An amount of credits in the reader's notation.
 *
 * @param minor minor units of the currency
 * @param scale decimal digits of the currency (0 to 18)
 */
export function formatCredits(locale: Locale, minor: bigint, scale: number): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  // A decimal string, not a number: amounts may be larger than a double is exact.
  const decimal = `${minor < 0n ? "-" : ""}${whole}${fraction && `.${fraction}`}` as `${number}`;
  return new Intl.NumberFormat(intlTag(locale), { maximumFractionDigits: scale }).format(decimal);
}

/** What is asked in return, in one short line. */
export function returnText({ t, locale }: PageContext, proposal: ProposalView): string {
  if (proposal.settlement === "none") {
    return t(proposal.purpose === "offer" ? "return.gift" : "return.gift_request");
  }
  if (proposal.settlement === "count") return t("return.count");
  if (proposal.settlement === "external") return t("return.external");
  if (proposal.price === null) return t("return.credit_open");
  const amount = formatCredits(locale, proposal.price, proposal.currencyScale ?? 0);
  const price = withUnit(locale, amount, proposal.currencySymbol ?? t("return.credits"));
  if (!proposal.unitBased) return t("return.total", { price });
  return t(proposal.unit === "hour" ? "return.per_hour" : "return.per_one", { price });
}

/** About what another hub's price is in the credits of this one. */
export function hereText({ t, locale }: PageContext, { amount, symbol, scale }: HereAmount): string {
  return t("return.about_here", { price: withUnit(locale, formatCredits(locale, amount, scale), symbol) });
}

/** Stands beside the return: what kind of return it is, at a glance. */
export function returnIcon({ settlement, purpose }: ProposalView): IconName {
  if (settlement === "credit") return "coins";
  if (settlement === "external" || settlement === "count") return "exchange";
  return purpose === "offer" ? "offer" : "need";
}

/** How much there is or is needed: "40 hours", "3 units". */
export function amountText({ t }: PageContext, unit: ProposalView["unit"], amount: number): string {
  return t(unit === "hour" ? "amount.hours" : "amount.ones", { count: amount });
}

/** Name of a proposal's category, the second level where there is one; null when this hub does not know it. */
export function categoryText({ t, locale }: PageContext, proposal: ProposalView): string | null {
  const key = proposal.subcategory ?? proposal.category;
  if (key === null) return null;
  if (isCategoryKey(key)) return t(`categories.${key}`);
  return proposal.categoryLabels?.[locale] ?? null;
}

/** Name of a category by its key, of the common list or the hub's own. */
export function categoryName(
  { t, locale }: PageContext,
  key: string,
  added: readonly HubCategory[],
): string | null {
  if (isCategoryKey(key)) return t(`categories.${key}`);
  return added.find((category) => category.key === key)?.labels[locale] ?? null;
}

/** Both levels as a select offers them: each first level a group, which begins with itself. */
export function categoryOptions(page: PageContext, added: readonly HubCategory[]): OptionGroup[] {
  const offered = added.filter(({ retired }) => !retired);
  const own = ({ key, labels }: HubCategory): Option => ({ value: key, label: labels[page.locale] });
  const group = (key: string, label: string, common: readonly CategoryKey[]): OptionGroup => ({
    group: label,
    options: [
      { value: key, label },
      ...common.map((second) => ({ value: second, label: page.t(`categories.${second}`) })),
      ...offered.filter((category) => category.key.startsWith(`${key}.`)).map(own),
    ],
  });
  return [
    ...CATEGORIES.map((key) =>
      group(
        key,
        page.t(`categories.${key}`),
        CATEGORY_TREE[key].map((second) => `${key}.${second}` as CategoryKey),
      ),
    ),
    ...offered
      .filter(({ key }) => !key.includes("."))
      .map(({ key, labels }) => group(key, labels[page.locale], [])),
  ];
}

const names = new Map<Locale, Intl.DisplayNames>();

/** A country's name in the reader's language. */
export function countryName(locale: Locale, code: string): string {
  let known = names.get(locale);
  if (!known) {
    known = new Intl.DisplayNames(intlTag(locale), { type: "region" });
    names.set(locale, known);
  }
  return known.of(code) ?? code;
}

const lists = new Map<Locale, Option[]>();

/** All countries in the order of the reader's alphabet. Sorting them takes a while, and they rarely change. */
export function countryOptions(locale: Locale): Option[] {
  let list = lists.get(locale);
  if (!list) {
    const { compare } = new Intl.Collator(intlTag(locale));
    list = COUNTRIES.map((value) => ({ value, label: countryName(locale, value) })).sort((a, b) =>
      compare(a.label, b.label),
    );
    lists.set(locale, list);
  }
  return list;
}
