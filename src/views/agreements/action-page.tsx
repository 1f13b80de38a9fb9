import { priceOf } from "../../domain/agreements/quote-rules.ts";
import { formatAmount } from "../../domain/amounts.ts";
import { ErrorSummary, TextArea, TextField } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { ActionForm } from "./action-form.tsx";
import type { PageAction } from "./actions.tsx";
import type { AgreementContext } from "./agreement-page.tsx";
import { Terms } from "./agreement-page.tsx";
import { VoucherChoice } from "./new-agreement-page.tsx";
import { amountOf, counterparty } from "./state.tsx";

/** What has a page of its own; `confirm` is that of a part. */
export type ExplainedAction = PageAction | "confirm";

/** GET /agreements/<id>/<action>: says what will happen and asks what is needed; POST to the same address does it. */
export interface AgreementActionPageProps extends AgreementContext {
  action: ExplainedAction;
  /** The proposal leaves the amount open. */
  openAmount: boolean;
  form?: FormState | undefined;
}

export const AgreementActionPage = (props: AgreementActionPageProps) => {
  const { page, agreement, action, as, form } = props;
  const { t } = page;
  const name = counterparty(agreement).name;
  const held = agreement.settlement === "credit" && agreement.transferId !== null;
  return (
    <Layout page={page} title={t(`asking.${action}`)} section="agreements">
      <a class="back" href={`/agreements/${agreement.id}`}>
        <Icon name="arrow" />
        {t("agreement.back")}
      </a>
      <h1>{t(`asking.${action}`)}</h1>
      <p>
        {t(`asking.${action}_text`, { name })}{" "}
        {held && GIVES_BACK.includes(action) ? t("asking.given_back") : null}
        {action === "counter" && agreement.party === "receiver" && agreement.settlement === "credit"
          ? t("agreement.held_now")
          : null}
      </p>
      <section class="card form" aria-label={t("agreement.terms")}>
        <h2 class="proposal-name">
          <bdi lang={agreement.proposal.language ?? undefined}>{agreement.proposal.name}</bdi>
        </h2>
        <Terms page={page} agreement={agreement} />
      </section>
      <div class="card form">
        <ErrorSummary page={page} form={form} labels={labels(page)} />
        <ActionForm
          {...props}
          icon={action === "counter" || action === "confirm" ? "check" : "cross"}
          danger={action !== "counter" && action !== "confirm"}
          label={t(`asking.${action}_as`, { name: as.name })}
        >
          {action === "counter" ? <CounterFields {...props} /> : null}
          {action === "confirm" ? <PartFields {...props} /> : null}
          {action === "withdraw" ? null : (
            <TextArea
              page={page}
              form={form}
              name="note"
              label={t("asking.reason")}
              hint={t(action === "dispute" ? "asking.reason_dispute" : "asking.reason_hint")}
              rows={3}
              required={action === "cancel" || action === "dispute" || action === "confirm"}
            />
          )}
        </ActionForm>
      </div>
    </Layout>
  );
};

const GIVES_BACK: readonly ExplainedAction[] = ["reject", "withdraw", "cancel"];

const labels = ({ t }: PageContext) => ({
  quantity: t("agreement.quantity"),
  amount: t("agreement.amount"),
  due: t("agreement.due"),
  voucher: t("agreement.pay_with"),
  note: t("asking.reason"),
});

/** Other terms, those on the table filled in. */
const CounterFields = (props: AgreementActionPageProps) => {
  const { page, agreement, form, openAmount, available, vouchers } = props;
  const { t } = page;
  const { quantity, unit, amount, currency, due } = agreement;
  const price = priceOf(agreement);
  return (
    <>
      <TextField
        page={page}
        form={form}
        name="quantity"
        label={t(unit === "hour" ? "agreement.hours" : "agreement.units")}
        value={String(quantity)}
        inputmode="numeric"
        dir="ltr"
        required
      />
      {openAmount && price !== null ? (
        <TextField
          page={page}
          form={form}
          name="amount"
          label={t("agreement.amount")}
          value={formatAmount(price.amount, price.currency.scale)}
          suffix={price.currency.symbol}
          inputmode="decimal"
          dir="ltr"
          required
        />
      ) : null}
      <TextField
        page={page}
        form={form}
        name="due"
        label={t("agreement.due")}
        value={due === null ? "" : due.toISOString().slice(0, 10)}
        type="date"
      />
      {available !== null && currency !== null ? (
        <VoucherChoice
          page={page}
          form={form}
          available={available}
          vouchers={vouchers}
          currency={currency}
          cost={amount}
        />
      ) : null}
    </>
  );
};

/** Less than was agreed: how much of it was done, and what is paid for that. */
const PartFields = ({ page, agreement, form }: AgreementActionPageProps) => {
  const { t } = page;
  const { quantity, unit, amount, currency } = agreement;
  return (
    <>
      {amount !== null && currency !== null ? (
        <TextField
          page={page}
          form={form}
          name="amount"
          label={t("asking.part_amount")}
          hint={t("asking.part_amount_hint", { amount: amountOf(page, agreement) })}
          suffix={currency.symbol}
          inputmode="decimal"
          dir="ltr"
          required
        />
      ) : null}
      {quantity > 1 ? (
        <TextField
          page={page}
          form={form}
          name="quantity"
          label={t(unit === "hour" ? "asking.part_hours" : "asking.part_units")}
          value={String(quantity)}
          inputmode="numeric"
          dir="ltr"
        />
      ) : null}
    </>
  );
};
