import type { Child } from "hono/jsx";
import type { Viewer } from "../../domain/accounts/queries.ts";
import type { Holding, LedgerBalance, StatementLine } from "../../domain/ledger/queries.ts";
import { type Point, StepChart } from "../ui/chart.tsx";
import { ErrorSummary, TextField, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { Day, shortDay } from "../ui/time.tsx";
import { type Currency, creditNumber, creditText, Sum, typedAmount } from "./amounts.tsx";
import { CreditsHow } from "./how.tsx";
import {
  AgreementLink,
  Statement,
  StatementFilter,
  type StatementQuery,
  statementPath,
  type Titles,
} from "./statement.tsx";

/** GET /ledger?direction=&kind=&from=&to=&before= for who acts as an organization. Forms: POST /ledger/donate. */
export interface LedgerPageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  balance: LedgerBalance;
  /** What it has above the soft maximum and may give away; 0 when there is nothing. */
  excess: bigint;
  /** What the agreements are about, by their ids. */
  titles: Titles;
  /** The newest first. */
  holds: readonly Holding[];
  /** Balances over time, oldest first. */
  history: readonly Point[];
  now: Date;
  query: StatementQuery;
  statement: { items: readonly StatementLine[]; before: bigint | null };
  /** Nothing can be paid now. */
  frozen: boolean;
}

export const LedgerPage = (props: LedgerPageProps) => {
  const { page, currency, statement, query } = props;
  const { t, viewer } = page;
  const filtered = Object.values(query).some((value) => value !== null);
  return (
    <Layout page={page} title={t("ledger.title")} section="ledger" aside={<CreditsHow page={page} member />}>
      <div class="page-head">
        <h1>{t("ledger.title_of", { name: viewer.acting.name })}</h1>
        {props.frozen ? <Frozen page={page} /> : null}
      </div>
      <Standing {...props} />
      {props.excess > 0n ? <Excess page={page} currency={currency} excess={props.excess} /> : null}
      <Holds {...props} />
      <History {...props} />
      <section aria-labelledby="statement">
        <h2 id="statement">{t("ledger.statement")}</h2>
        <StatementFilter page={page} query={query} />
        {statement.items.length === 0 ? (
          <EmptyState
            title={t(filtered ? "ledger.none_filter" : "ledger.none")}
            text={t(filtered ? "ledger.none_filter_text" : "ledger.none_text")}
            actions={
              <a class="button button-quiet" href={filtered ? "/ledger" : "/exchange"}>
                {t(filtered ? "ledger.all" : "nav.exchange")}
              </a>
            }
          />
        ) : (
          <Statement page={page} currency={currency} lines={statement.items} titles={props.titles} />
        )}
        <Pagination page={page} base={statementPath("/ledger", query)} before={statement.before} />
        {statement.items.length === 0 ? null : (
          <p class="quiet">
            <a class="context-link" href={statementPath("/ledger/statement.csv", query)} download>
              {t("ledger.csv")}
            </a>{" "}
            {t("ledger.csv_text")}
          </p>
        )}
      </section>
    </Layout>
  );
};

export const Frozen = ({ page }: { page: PageContext }) => (
  <p class="problem" role="status">
    <Icon name="alert" />
    {page.t("ledger.frozen")}
  </p>
);

/** Balance, what can be spent, and why. */
const Standing = ({ page, currency, balance, holds }: LedgerPageProps) => {
  const { t } = page;
  const line = -balance.minimum;
  const text = (amount: bigint) => creditText(page, currency, amount);
  return (
    <section class="card standing" aria-labelledby="balance">
      <dl class="sums">
        <div class="sums-first">
          <dt id="balance">{t("ledger.balance")}</dt>
          <dd>
            <Sum page={page} currency={currency} amount={balance.posted} />
          </dd>
        </div>
        <div>
          <dt>{t("ledger.available")}</dt>
          <dd>
            <Sum page={page} currency={currency} amount={balance.available} />
          </dd>
        </div>
        <div>
          <dt>{t("ledger.held")}</dt>
          <dd>
            <Sum page={page} currency={currency} amount={balance.held} />
          </dd>
        </div>
        <div>
          <dt>{t("ledger.line")}</dt>
          <dd>
            <Sum page={page} currency={currency} amount={line} />
          </dd>
        </div>
      </dl>
      <p>
        {line > 0n ? t("ledger.line_text", { floor: text(-line) }) : t("ledger.line_none")}{" "}
        {balance.growth > 0n ? t("ledger.line_grows", { most: text(line + balance.growth) }) : null}
        {line > 0n ? null : <a href="/settings/verification">{t("ledger.line_ask")}</a>}
      </p>
      {balance.held > 0n && holds.length > 0 ? <p class="quiet">{t("ledger.held_text")}</p> : null}
      <div class="actions">
        <a class="button" href="/exchange">
          {t("ledger.spend")}
        </a>
        <a class="button button-quiet" href="/ledger/donate">
          {t("ledger.donate")}
        </a>
      </div>
    </section>
  );
};

/** More than can be of use to anybody while it lies there: giving it away is one press of a button. */
const Excess = ({ page, currency, excess }: { page: PageContext; currency: Currency; excess: bigint }) => (
  <section class="card excess" aria-labelledby="excess">
    <h2 id="excess">{page.t("ledger.excess", { amount: creditText(page, currency, excess) })}</h2>
    <p>{page.t("ledger.excess_text")}</p>
    <WritingForm page={page} action="/ledger/donate" submit={(name) => page.t("ledger.donate_as", { name })}>
      <AmountField
        page={page}
        currency={currency}
        form={undefined}
        value={typedAmount(page.locale, excess, currency.scale)}
      />
    </WritingForm>
  </section>
);

/** An amount of credits to be typed, its unit behind it. */
export const AmountField = ({
  page,
  currency,
  form,
  value,
  hint,
}: {
  page: PageContext;
  currency: Currency;
  form: FormState | undefined;
  value?: string;
  hint?: string;
}) => (
  <TextField
    page={page}
    form={form}
    name="amount"
    label={page.t("ledger.amount")}
    hint={hint}
    inputmode="decimal"
    dir="ltr"
    suffix={currency.symbol}
    autocomplete="off"
    required
    {...(value === undefined ? {} : { value })}
  />
);

const Holds = ({ page, currency, holds, titles }: LedgerPageProps) => {
  const { t } = page;
  if (holds.length === 0) return null;
  return (
    <section aria-labelledby="holds">
      <h2 id="holds">{t("ledger.holds")}</h2>
      <ul class="rows">
        {holds.map((hold) => (
          <li>
            <span class="row-text">
              {hold.agreementId === null ? (
                t("ledger.kind_donation")
              ) : (
                <AgreementLink page={page} id={hold.agreementId} titles={titles} />
              )}
              <span class="quiet">
                <bdi>{hold.payee?.name ?? t("ledger.fund")}</bdi>
                {" · "}
                {t("ledger.since")} <Day page={page} at={hold.created} />
              </span>
            </span>
            <span class="number">{creditText(page, currency, hold.amount)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
};

const History = ({ page, currency, history, now }: LedgerPageProps) => {
  const { t } = page;
  const [first, last] = [history[0], history.at(-1)];
  if (first === undefined || last === undefined || history.length < 2) return null;
  const values = history.map(({ value }) => value);
  const extreme = (pick: (a: bigint, b: bigint) => boolean) =>
    values.reduce((found, value) => (pick(value, found) ? value : found));
  return (
    <section aria-labelledby="history">
      <h2 id="history">{t("ledger.history")}</h2>
      <div class="card">
        <StepChart
          page={page}
          points={history}
          until={now}
          valueText={(value) => creditNumber(page.locale, value, currency.scale)}
          dayText={(day) => shortDay(page, day)}
          caption={t("ledger.history_text", {
            highest: creditText(
              page,
              currency,
              extreme((a, b) => a > b),
            ),
            lowest: creditText(
              page,
              currency,
              extreme((a, b) => a < b),
            ),
            now: creditText(page, currency, last.value),
          })}
          tableTitle={t("ledger.as_table")}
          table={
            <NumberTable
              label={`${t("ledger.as_table")}: ${t("ledger.history")}`}
              head={[t("ledger.day"), `${t("ledger.balance")} (${currency.symbol})`]}
              rows={[...history]
                .reverse()
                .map(({ at, value }) => [
                  <Day page={page} at={at} />,
                  creditNumber(page.locale, value, currency.scale, { exact: true }),
                ])}
            />
          }
        />
      </div>
    </section>
  );
};

/** A table whose first column says what, and whose others are numbers. It scrolls sideways by itself where it is wider than the screen. */
export const NumberTable = ({
  label,
  head,
  rows,
}: {
  label: string;
  head: readonly string[];
  rows: readonly (readonly Child[])[];
}) => (
  <section class="scroll" aria-label={label} tabindex={0}>
    <table class="numbers">
      <thead>
        <tr>
          {head.map((name) => (
            <th scope="col">{name}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, ...numbers]) => (
          <tr>
            <th scope="row">{name}</th>
            {numbers.map((number) => (
              <td>{number}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

/** What went wrong, on top of a form that has an amount. */
export const AmountErrors = ({
  page,
  form,
  labels = {},
}: {
  page: PageContext;
  form: FormState | undefined;
  labels?: Readonly<Record<string, string>>;
}) => <ErrorSummary page={page} form={form} labels={{ amount: page.t("ledger.amount"), ...labels }} />;
