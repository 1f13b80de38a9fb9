import type { ActorView } from "../../domain/actors/queries.ts";
import type { AgreementView } from "../../domain/agreements/queries.ts";
import { withUnit } from "../../locales/index.ts";
import { formatCredits } from "../proposals/terms.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";

export interface Currency {
  symbol: string;
  scale: number;
}

/** An amount with its unit: "20 ₳". */
export function creditText({ locale }: PageContext, amount: bigint, { symbol, scale }: Currency): string {
  return withUnit(locale, formatCredits(locale, amount, scale), symbol);
}

/** The agreement's amount, or what it is instead of one. */
export function amountOf(
  page: PageContext,
  agreement: Pick<AgreementView, "settlement" | "amount" | "currency" | "between">,
): string {
  const { settlement, amount, currency, between } = agreement;
  if (between !== null) {
    const [own, other] =
      between.side === "payer" ? [between.payer, between.payee] : [between.payee, between.payer];
    return `${creditText(page, own.amount, own.currency)} = ${creditText(page, other.amount, other.currency)}`;
  }
  if (amount !== null && currency !== null) return creditText(page, amount, currency);
  return page.t(settlement === "external" ? "agreement.external" : "agreement.gift");
}

interface Look {
  icon: IconName;
  /** Class of the badge. */
  tone: "offer" | "request" | "credit" | "ended";
}

const LOOKS: Readonly<Record<AgreementView["state"], Look>> = {
  offered: { icon: "mail", tone: "offer" },
  accepted: { icon: "check", tone: "offer" },
  funded: { icon: "coins", tone: "credit" },
  delivered: { icon: "offer", tone: "offer" },
  confirmed: { icon: "check", tone: "offer" },
  settled: { icon: "check", tone: "offer" },
  disputed: { icon: "alert", tone: "request" },
  resolved: { icon: "scales", tone: "ended" },
  rejected: { icon: "cross", tone: "ended" },
  withdrawn: { icon: "cross", tone: "ended" },
  expired: { icon: "clock", tone: "ended" },
  cancelled: { icon: "cross", tone: "ended" },
};

/** The state as a word, with its icon and colour. */
export const StateBadge = ({ page, state }: { page: PageContext; state: AgreementView["state"] }) => (
  <span class={`badge badge-${LOOKS[state].tone}`}>
    <Icon name={LOOKS[state].icon} />
    {page.t(`states.${state}`)}
  </span>
);

/** The one across the table. A steward sees the one who provides. */
export function counterparty({ party, provider, receiver }: AgreementView): ActorView {
  return party === "provider" ? receiver : provider;
}

/** Whose turn it is, in a sentence; null when it is nobody's any more. */
export function turnText({ t }: PageContext, agreement: AgreementView): string | null {
  const { party, waitsFor, state } = agreement;
  if (waitsFor.length === 0) return null;
  if (state === "disputed" && party === null) return t("agreement.turn_steward");
  if (party !== null && waitsFor.includes(party)) return t("agreement.turn_own");
  const names = waitsFor.map((side) => agreement[side].name || agreement[side].handle);
  return t("agreement.turn_other", { name: names.join(" · ") });
}

/** Is the one who looks expected to do something? */
export function ownTurn({ party, waitsFor }: AgreementView): boolean {
  return party !== null && waitsFor.includes(party);
}
