import type { Policy } from "../../domain/ledger/policy.ts";
import type { Flow, HubTotals } from "../../domain/ledger/queries.ts";
import type { MessageKey } from "../../locales/index.ts";
import { BarChart } from "../ui/chart.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState } from "../ui/text.tsx";
import { count } from "../ui/time.tsx";
import { type Currency, creditNumber, creditText, percentText } from "./amounts.tsx";
import { CreditsHow } from "./how.tsx";
import { NumberTable } from "./ledger-page.tsx";
import { Rules } from "./rules.tsx";
import { type Quarter, quartersOf, type Size, shareChange, sizesOf } from "./shares.ts";

/** GET /ledger/hub: for everybody, without a name. */
export interface HubLedgerPageProps {
  page: PageContext;
  currency: Currency;
  totals: HubTotals;
  flows: readonly Flow[];
  policy: Policy;
  /** How many requests for a voucher wait. */
  waiting: number;
  /** The newest day whose totals were signed (`2026-11-22`). */
  signed: string | null;
}

export const SIZE_NAMES: Record<Size, MessageKey> = {
  S: "ledger.size_s",
  M: "ledger.size_m",
  L: "ledger.size_l",
  "?": "ledger.size_unknown",
};

export const HubLedgerPage = ({
  page,
  currency,
  totals,
  flows,
  policy,
  waiting,
  signed,
}: HubLedgerPageProps) => {
  const { t, locale } = page;
  const text = (amount: bigint) => creditText(page, currency, amount);
  return (
    <Layout
      page={page}
      title={t("ledger.hub")}
      section="ledger"
      aside={<CreditsHow page={page} member={page.viewer !== null} />}
    >
      <div class="page-head">
        <h1>{t("ledger.hub")}</h1>
        <p class="lead">{t("ledger.hub_text")}</p>
      </div>
      <section class="card" aria-labelledby="totals">
        <h2 id="totals">{t("ledger.totals")}</h2>
        <dl class="totals">
          {[
            [t("ledger.members"), text(totals.members)],
            [t("ledger.fund"), text(totals.fund)],
            [t("ledger.held_all"), text(totals.held)],
            [t("ledger.accounts"), count(locale, totals.accounts)],
          ].map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd class="number">{value}</dd>
            </div>
          ))}
        </dl>
        <p class="quiet">{t("ledger.zero_sum")}</p>
        {signed === null ? null : (
          <p>
            <a href={`/ledger/totals/${signed}`}>{t("ledger.signed_totals", { day: signed })}</a> ·{" "}
            <a href="/ledger/totals">{t("ledger.signed_history")}</a>
          </p>
        )}
        <h3>{t("ledger.last_90")}</h3>
        <dl class="totals">
          {[
            [t("ledger.settled"), text(totals.settled)],
            [t("ledger.done_credit"), count(locale, totals.exchanges.credit)],
            [t("ledger.done_gift"), count(locale, totals.exchanges.gift)],
            [t("ledger.done_count"), count(locale, totals.exchanges.count)],
            [t("ledger.done_external"), count(locale, totals.exchanges.external)],
          ].map(([name, value]) => (
            <div>
              <dt>{name}</dt>
              <dd class="number">{value}</dd>
            </div>
          ))}
        </dl>
        <p>{t("ledger.queue", { count: waiting })}</p>
      </section>
      <Flows page={page} currency={currency} flows={flows} />
      <Rules page={page} currency={currency} policy={policy} />
    </Layout>
  );
};

/** Who gives and who receives: is the gap between large and small organizations widening? */
const Flows = ({ page, currency, flows }: Pick<HubLedgerPageProps, "page" | "currency" | "flows">) => {
  const { t, locale } = page;
  const quarters = quartersOf(flows);
  const sizes = sizesOf(quarters);
  const name = ({ start }: Quarter) =>
    t("ledger.quarter", {
      number: Math.floor(start.getUTCMonth() / 3) + 1,
      year: String(start.getUTCFullYear()),
    });
  const percent = (share: number) => percentText(locale, share);
  const change = shareChange(quarters);
  const number = (amount: bigint) => creditNumber(locale, amount, currency.scale, { exact: true });
  if (quarters.length === 0) {
    return (
      <section aria-labelledby="flows">
        <h2 id="flows">{t("ledger.flows")}</h2>
        <EmptyState title={t("ledger.flows_none")} text={t("ledger.flows_none_text")} />
      </section>
    );
  }
  return (
    <section aria-labelledby="flows">
      <h2 id="flows">{t("ledger.flows")}</h2>
      <div class="card">
        <BarChart
          page={page}
          times={quarters.map(name)}
          panels={sizes.map((size) => ({
            title: t(SIZE_NAMES[size]),
            bars: quarters.map(({ flows }) => ({ up: flows[size].received, down: flows[size].given })),
          }))}
          legend={{ up: t("ledger.received"), down: t("ledger.given") }}
          caption={
            change === null
              ? t("ledger.share_first", { share: percent(quarters.at(-1)?.smallShare ?? 0) })
              : t(
                  change.direction === "up"
                    ? "ledger.share_up"
                    : change.direction === "down"
                      ? "ledger.share_down"
                      : "ledger.share_same",
                  {
                    share: percent(change.now),
                    before: percent(change.before),
                    quarter: name(change.quarter),
                    last: name(change.last),
                  },
                )
          }
          tableTitle={t("ledger.as_table")}
          table={
            <NumberTable
              label={`${t("ledger.as_table")}: ${t("ledger.flows")}`}
              head={[
                t("ledger.quarter_name"),
                ...sizes.flatMap((size) => [
                  `${t(SIZE_NAMES[size])}: ${t("ledger.received_short")}`,
                  `${t(SIZE_NAMES[size])}: ${t("ledger.given_short")}`,
                ]),
                t("ledger.share"),
              ]}
              rows={quarters.map((quarter) => [
                name(quarter),
                ...sizes.flatMap((size) => [
                  number(quarter.flows[size].received),
                  number(quarter.flows[size].given),
                ]),
                quarter.smallShare === null ? "–" : percent(quarter.smallShare),
              ])}
            />
          }
        />
      </div>
    </section>
  );
};
