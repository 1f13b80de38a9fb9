import type { Viewer } from "../../domain/accounts/queries.ts";
import type { VoucherView } from "../../domain/ledger/vouchers.ts";
import type { MessageKey } from "../../locales/index.ts";
import { TextArea, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { Day } from "../ui/time.tsx";
import { type Currency, creditText } from "./amounts.tsx";
import { CreditsHow } from "./how.tsx";
import { AmountErrors, AmountField } from "./ledger-page.tsx";

/** GET /vouchers and POST /vouchers: amount, purpose, as. POST /vouchers/<id>/cancel. */
export interface VouchersPageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  /** Newest first. */
  vouchers: readonly VoucherView[];
  /** Place in the queue of the request that waits, from 1; null when none does. */
  place: number | null;
  /** What the fund can pay, less what it has promised. */
  fundFree: bigint;
  /** What the organization can get in this quarter without a curator; 0 when there is no quota for it. */
  quota: bigint;
  form?: FormState | undefined;
}

type VoucherState = VoucherView["state"];

const STATES: Record<VoucherState, MessageKey> = {
  requested: "vouchers.requested",
  approved: "vouchers.approved",
  refused: "vouchers.refused",
  used: "vouchers.used",
  expired: "vouchers.expired",
  cancelled: "vouchers.cancelled",
};

export const VouchersPage = (props: VouchersPageProps) => {
  const { page, currency, vouchers, place, fundFree, quota, form } = props;
  const { t } = page;
  const waits = vouchers.some(({ state }) => state === "requested");
  return (
    <Layout
      page={page}
      title={t("vouchers.title")}
      section="ledger"
      aside={<CreditsHow page={page} member />}
    >
      <div class="page-head">
        <h1>{t("vouchers.title")}</h1>
        <p class="lead">{t("vouchers.text")}</p>
      </div>
      {vouchers.length > 0 ? (
        <section aria-labelledby="vouchers">
          <h2 id="vouchers">{t("vouchers.own")}</h2>
          {vouchers.map((voucher) => (
            <Voucher page={page} currency={currency} voucher={voucher} place={place} />
          ))}
        </section>
      ) : null}
      <section class="card" aria-labelledby="request">
        <h2 id="request">{t("vouchers.request")}</h2>
        {waits && form === undefined ? (
          <p>{t("vouchers.waits")}</p>
        ) : (
          <>
            <p>
              {fundFree > 0n
                ? t("vouchers.fund_free", { amount: creditText(page, currency, fundFree) })
                : t("vouchers.fund_empty")}
              {quota > 0n ? ` ${t("vouchers.quota", { amount: creditText(page, currency, quota) })}` : null}
            </p>
            <WritingForm
              page={page}
              action="/vouchers"
              draft="voucher"
              submit={(name) => t("vouchers.request_as", { name })}
            >
              <AmountErrors page={page} form={form} labels={{ purpose: t("vouchers.purpose") }} />
              <AmountField page={page} currency={currency} form={form} hint={t("vouchers.amount_hint")} />
              <TextArea
                page={page}
                form={form}
                name="purpose"
                label={t("vouchers.purpose")}
                hint={t("vouchers.purpose_hint")}
                rows={4}
                required
              />
            </WritingForm>
          </>
        )}
      </section>
    </Layout>
  );
};

export const VoucherBadge = ({ page, state }: { page: PageContext; state: VoucherState }) => (
  <span
    class={
      state === "approved"
        ? "badge badge-offer"
        : state === "refused" || state === "requested"
          ? "badge badge-request"
          : "badge"
    }
  >
    <Icon
      name={state === "approved" || state === "used" ? "check" : state === "requested" ? "clock" : "alert"}
    />
    {page.t(STATES[state])}
  </span>
);

const Voucher = ({
  page,
  currency,
  voucher,
  place,
}: {
  page: PageContext;
  currency: Currency;
  voucher: VoucherView;
  place: number | null;
}) => {
  const { t, viewer } = page;
  const { state, requested, approved } = voucher;
  const text = (amount: bigint) => creditText(page, currency, amount);
  return (
    <article class="card voucher">
      <p class="proposal-top">
        <VoucherBadge page={page} state={state} />
        <span class="quiet">
          <Day page={page} at={voucher.created} />
        </span>
      </p>
      <p class="voucher-amount">
        {text(approved ?? requested)}
        {approved !== null && approved < requested ? (
          <span class="quiet"> {t("vouchers.of", { amount: text(requested) })}</span>
        ) : null}
      </p>
      <p dir="auto">{voucher.purpose}</p>
      {state === "requested" && place !== null ? <p class="quiet">{t("vouchers.place", { place })}</p> : null}
      {state === "approved" && voucher.expires !== null ? (
        <p>
          {t("vouchers.use_until")} <Day page={page} at={voucher.expires} />.
        </p>
      ) : null}
      {voucher.note ? (
        <p class="quiet" dir="auto">
          {voucher.note}
        </p>
      ) : null}
      {voucher.agreementId === null ? null : (
        <p>
          <a class="context-link" href={`/agreements/${voucher.agreementId}`}>
            {t("ledger.an_agreement")}
          </a>
        </p>
      )}
      {(state === "requested" || state === "approved") && viewer ? (
        <form class="actions" method="post" action={`/vouchers/${voucher.id}/cancel`}>
          <input type="hidden" name="as" value={viewer.acting.handle} />
          {state === "approved" ? (
            <a class="button" href="/exchange?purpose=offer">
              {t("vouchers.use")}
            </a>
          ) : null}
          <button class="button button-quiet" type="submit">
            {t(state === "requested" ? "vouchers.withdraw" : "vouchers.give_up")}
          </button>
        </form>
      ) : null}
    </article>
  );
};
