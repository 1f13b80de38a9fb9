import type { Viewer } from "../../domain/accounts/queries.ts";
import type { FundStanding } from "../../domain/ledger/overview.ts";
import type { VoucherView } from "../../domain/ledger/vouchers.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { type Currency, creditText, typedAmount } from "../ledger/amounts.tsx";
import { SIZE_NAMES } from "../ledger/hub-page.tsx";
import { AmountErrors, AmountField } from "../ledger/ledger-page.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Radios, TextArea } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { EmptyState } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { AdminForm } from "./admin-form.tsx";
import { AdminBack } from "./admin-page.tsx";

/** GET /admin/vouchers, for curators. The oldest request first; each leads to its own page, where it is decided. */
export interface VoucherQueuePageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  queue: readonly VoucherView[];
  /** What organizations had before, by their ids. */
  before: ReadonlyMap<bigint, { count: number; amount: bigint }>;
  fund: FundStanding;
}

export const VoucherQueuePage = ({ page, currency, queue, before, fund }: VoucherQueuePageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("admin.vouchers")} section="me">
      <AdminBack page={page} />
      <div class="page-head">
        <h1>{t("admin.vouchers")}</h1>
        <p class="lead">{t("admin.vouchers_lead")}</p>
      </div>
      <Fund page={page} currency={currency} fund={fund} />
      {queue.length === 0 ? (
        <EmptyState title={t("admin.vouchers_none")} text={t("admin.vouchers_none_text")} />
      ) : (
        <ol class="choices">
          {queue.map((voucher) => (
            <li class="card voucher">
              <Request
                page={page}
                currency={currency}
                voucher={voucher}
                before={before.get(voucher.organization.id)}
              />
              <a class="button" href={`/admin/vouchers/${voucher.id}`}>
                {t("admin.decide")}
                <span class="hidden">: {voucher.organization.name}</span>
              </a>
            </li>
          ))}
        </ol>
      )}
    </Layout>
  );
};

/** What the fund has, and how much of that is promised to others already. */
const Fund = ({ page, currency, fund }: { page: PageContext; currency: Currency; fund: FundStanding }) => {
  const { t } = page;
  const text = (amount: bigint) => creditText(page, currency, amount);
  const free = fund.available - fund.promised;
  return (
    <section class="card" aria-labelledby="fund">
      <h2 id="fund">{t("ledger.fund")}</h2>
      <dl class="totals">
        {[
          [t("ledger.balance"), fund.posted],
          [t("admin.fund_available"), fund.available],
          [t("admin.fund_promised"), fund.promised],
        ].map(([name, amount]) => (
          <div>
            <dt>{name as string}</dt>
            <dd class="number">{text(amount as bigint)}</dd>
          </div>
        ))}
      </dl>
      {free > 0n ? null : (
        <p class="problem">
          <Icon name="alert" />
          {t("admin.fund_empty")}
        </p>
      )}
    </section>
  );
};

const Request = ({
  page,
  currency,
  voucher,
  before,
}: {
  page: PageContext;
  currency: Currency;
  voucher: VoucherView;
  before: { count: number; amount: bigint } | undefined;
}) => {
  const { t } = page;
  return (
    <>
      <p class="proposal-actor">
        <Avatar page={page} actor={voucher.organization} small />
        <a href={actorPath(voucher.organization)}>
          <bdi>{voucher.organization.name}</bdi>
        </a>
      </p>
      <p class="voucher-amount">{creditText(page, currency, voucher.requested)}</p>
      <p dir="auto">{voucher.purpose}</p>
      <p class="quiet">
        {t(SIZE_NAMES[voucher.sizeClass ?? "?"])} ·{" "}
        {before === undefined
          ? t("admin.voucher_first")
          : t("admin.voucher_before", {
              count: before.count,
              amount: creditText(page, currency, before.amount),
            })}{" "}
        · <Day page={page} at={voucher.created} />
      </p>
    </>
  );
};

/** GET and POST /admin/vouchers/<id>: decision (approve|refuse), amount, note, as. */
export interface DecideVoucherPageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  voucher: VoucherView;
  before: { count: number; amount: bigint } | undefined;
  fund: FundStanding;
  form?: FormState | undefined;
}

export const DecideVoucherPage = (props: DecideVoucherPageProps) => {
  const { page, currency, voucher, fund, form } = props;
  const { t } = page;
  const title = t("admin.decide_of", { name: voucher.organization.name });
  return (
    <Layout page={page} title={title} section="me">
      <a class="back" href="/admin/vouchers">
        <Icon name="arrow" />
        {t("admin.vouchers")}
      </a>
      <h1>{title}</h1>
      <div class="card voucher">
        <Request {...props} />
      </div>
      <Fund page={page} currency={currency} fund={fund} />
      <div class="card">
        <AdminForm page={page} action={`/admin/vouchers/${voucher.id}`} submit={t("admin.answer")}>
          <AmountErrors
            page={page}
            form={form}
            labels={{ decision: t("admin.decision"), note: t("admin.note") }}
          />
          <Radios
            page={page}
            form={form}
            name="decision"
            label={t("admin.decision")}
            value="approve"
            options={[
              { value: "approve", label: t("admin.approve"), hint: t("admin.approve_hint") },
              { value: "refuse", label: t("admin.refuse"), hint: t("admin.refuse_hint") },
            ]}
          />
          <AmountField
            page={page}
            currency={currency}
            form={form}
            value={typedAmount(page.locale, voucher.requested, currency.scale)}
            hint={t("admin.amount_hint")}
          />
          <TextArea
            page={page}
            form={form}
            name="note"
            label={t("admin.note")}
            hint={t("admin.note_hint")}
            rows={3}
            conditional
          />
        </AdminForm>
      </div>
    </Layout>
  );
};
