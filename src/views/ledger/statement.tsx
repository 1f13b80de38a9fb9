import type { AgreementTitle } from "../../domain/agreements/titles.ts";
import type { StatementLine } from "../../domain/ledger/queries.ts";
import { TRANSFER_KINDS, type TransferKind } from "../../domain/ledger/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { shortDay } from "../ui/time.tsx";
import { type Currency, creditNumber, creditText } from "./amounts.tsx";

/** What the statement is narrowed to; null means all. Days as yyyy-mm-dd, both included. */
export interface StatementQuery {
  direction: "in" | "out" | null;
  kind: TransferKind | null;
  from: string | null;
  to: string | null;
}

/** The statement's address with its filters. */
export function statementPath(path: string, query: StatementQuery): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== null);
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}

const KINDS: Record<TransferKind, MessageKey> = {
  agreement: "ledger.kind_agreement",
  donation: "ledger.kind_donation",
  correction: "ledger.kind_correction",
};

export const StatementFilter = ({ page, query }: { page: PageContext; query: StatementQuery }) => {
  const { t } = page;
  return (
    <details class="more" open={Object.values(query).some((value) => value !== null)}>
      <summary>
        {t("ledger.filter")}
        <Icon name="chevron" />
      </summary>
      <form class="columns" method="get" action="/ledger" aria-label={t("ledger.filter")}>
        <div class="field">
          <label for="statement-direction">{t("ledger.direction")}</label>
          <select id="statement-direction" name="direction">
            <option value="">{t("ledger.direction_all")}</option>
            <option value="in" selected={query.direction === "in"}>
              {t("ledger.direction_in")}
            </option>
            <option value="out" selected={query.direction === "out"}>
              {t("ledger.direction_out")}
            </option>
          </select>
        </div>
        <div class="field">
          <label for="statement-kind">{t("ledger.kind")}</label>
          <select id="statement-kind" name="kind">
            <option value="">{t("ledger.kind_all")}</option>
            {TRANSFER_KINDS.map((kind) => (
              <option value={kind} selected={query.kind === kind}>
                {t(KINDS[kind])}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="statement-from">{t("ledger.from")}</label>
          <input id="statement-from" type="date" name="from" value={query.from ?? undefined} />
        </div>
        <div class="field">
          <label for="statement-to">{t("ledger.to")}</label>
          <input id="statement-to" type="date" name="to" value={query.to ?? undefined} />
        </div>
        <button class="button button-quiet" type="submit">
          {t("exchange.apply")}
        </button>
      </form>
    </details>
  );
};

/** What agreements are about: the names of their proposals, by the agreements' ids. */
export type Titles = ReadonlyMap<bigint, AgreementTitle>;

export const AgreementLink = ({ page, id, titles }: { page: PageContext; id: bigint; titles: Titles }) => {
  const title = titles.get(id);
  return (
    <a href={`/agreements/${id}`} lang={title?.language ?? undefined} dir="auto">
      {title?.name ?? page.t("ledger.an_agreement")}
    </a>
  );
};

/** What moved, newest first. On a phone each line of the table is a block of its own. */
export const Statement = ({
  page,
  currency,
  lines,
  titles,
}: {
  page: PageContext;
  currency: Currency;
  lines: readonly StatementLine[];
  titles: Titles;
}) => {
  const { t } = page;
  const number = (amount: bigint, signed: boolean) =>
    creditNumber(page.locale, amount, currency.scale, { signed, exact: true });
  return (
    <table class="statement">
      <caption class="hidden">{t("ledger.statement")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("ledger.what_for")}</th>
          <th scope="col">
            {t("ledger.movement")} ({currency.symbol})
          </th>
          <th scope="col">
            {t("ledger.balance")} ({currency.symbol})
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr>
            <td>
              <What page={page} currency={currency} line={line} titles={titles} />
            </td>
            <td class={line.amount > 0n ? "number number-in" : "number"}>{number(line.amount, true)}</td>
            <td class="number quiet" data-label={t("ledger.balance")}>
              {number(line.balance, false)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
};

/** What a line is about; where there is an agreement, it leads there. */
const What = ({
  page,
  currency,
  line,
  titles,
}: {
  page: PageContext;
  currency: Currency;
  line: StatementLine;
  titles: Titles;
}) => {
  const { t } = page;
  return (
    <>
      <span class="statement-what">
        {line.agreementId === null ? (
          t(KINDS[line.kind])
        ) : (
          <AgreementLink page={page} id={line.agreementId} titles={titles} />
        )}
      </span>
      <span class="quiet">
        {line.kind === "agreement" || line.agreementId === null ? null : `${t(KINDS[line.kind])} · `}
        {line.counterparty ? (
          <a class="plain" href={actorPath(line.counterparty)}>
            <bdi>{line.counterparty.name}</bdi>
          </a>
        ) : (
          t("ledger.fund")
        )}
        {line.hub === null ? null : (
          <>
            {" · "}
            <bdi>{line.hub}</bdi>
          </>
        )}
        {" · "}
        <time datetime={line.created.toISOString()}>{shortDay(page, line.created)}</time>
        {line.kind === "agreement" && line.amount > 0n && line.hub === null ? (
          <>
            {" · "}
            <a href={`/ledger/transfers/${line.transferId}/return`}>
              {t("ledger.return_short")}
              <span class="hidden"> {creditText(page, currency, line.amount)}</span>
            </a>
          </>
        ) : null}
      </span>
      {line.note ? (
        <span class="quiet" dir="auto">
          {line.note}
        </span>
      ) : null}
    </>
  );
};
