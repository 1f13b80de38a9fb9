import { CATEGORIES, type Category } from "../../domain/proposals/categories.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { intlTag, type Locale } from "../../locales/index.ts";
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
  if (proposal.settlement === "external") return t("return.external");
  if (proposal.price === null) return t("return.credit_open");
  const amount = formatCredits(locale, proposal.price, proposal.currencyScale ?? 0);
  const price = `${amount} ${proposal.currencySymbol ?? t("return.credits")}`;
  if (!proposal.unitBased) return t("return.total", { price });
  return t(proposal.unit === "hour" ? "return.per_hour" : "return.per_one", { price });
}

/** Stands beside the return: what kind of return it is, at a glance. */
export function returnIcon({ settlement, purpose }: ProposalView): IconName {
  if (settlement === "credit") return "coins";
  if (settlement === "external") return "exchange";
  return purpose === "offer" ? "offer" : "need";
}

/** How much there is or is needed: "40 hours", "3 units". */
export function amountText({ t }: PageContext, unit: ProposalView["unit"], amount: number): string {
  return t(unit === "hour" ? "amount.hours" : "amount.ones", { count: amount });
}

/** Name of a category, null when this hub does not know it. */
export function categoryText({ t }: PageContext, category: string | null): string | null {
  return category !== null && isCategory(category) ? t(`categories.${category}`) : null;
}

function isCategory(text: string): text is Category {
  return CATEGORIES.some((category) => category === text);
}
