import type { Peer } from "../../domain/peers/queries.ts";
import { inCurrency, type PeerState, type Standing } from "../../domain/peers/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { type Currency, creditNumber, creditText } from "../ledger/amounts.tsx";
import type { PageContext } from "../ui/page.ts";

/** The hub's own credits, with what an hour is worth in them (minor units, as a fraction). */
export interface RatedCurrency extends Currency {
  rate: { n: bigint; d: bigint };
}

export const PEER_STATE_TEXTS: Record<PeerState, MessageKey> = {
  proposed: "peers.state_proposed",
  asked: "peers.state_asked",
  rejected: "peers.state_rejected",
  active: "peers.state_active",
  draining: "peers.state_draining",
  frozen: "peers.state_frozen",
  closed: "peers.state_closed",
};

export const StateBadge = ({ page, state }: { page: PageContext; state: PeerState }) => (
  <span class={state === "asked" || state === "frozen" ? "badge badge-request" : "badge"}>
    {page.t(PEER_STATE_TEXTS[state])}
  </span>
);

/** Seconds of an HOUR as hours ("7,5 h"), to a hundredth. */
export function hoursText({ locale, t }: PageContext, seconds: bigint): string {
  return t("peers.hours", { hours: creditNumber(locale, inCurrency(seconds, { n: 100n, d: 1n }), 2) });
}

/** The same with what it is in the hub's own credits. */
export function bothText(page: PageContext, currency: RatedCurrency, seconds: bigint): string {
  return `${hoursText(page, seconds)} (${creditText(page, currency, inCurrency(seconds, currency.rate))})`;
}

/** Who owes whom, in a sentence. */
export function owedText(page: PageContext, currency: RatedCurrency, { owed }: Pick<Standing, "owed">) {
  if (owed === 0n) return page.t("peers.even");
  const amount = bothText(page, currency, owed < 0n ? -owed : owed);
  return page.t(owed > 0n ? "peers.they_owe" : "peers.we_owe", { amount });
}

export const limitsText = (
  page: PageContext,
  { theyMayOwe, weMayOwe }: Pick<Peer, "theyMayOwe" | "weMayOwe">,
) => page.t("peers.limits", { they: hoursText(page, theyMayOwe), we: hoursText(page, weMayOwe) });
