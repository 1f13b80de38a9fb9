import type { Viewer } from "../../domain/accounts/queries.ts";
import type { ActorView } from "../../domain/actors/queries.ts";
import type { AgreementView } from "../../domain/agreements/queries.ts";
import { TextArea, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { EmptyState } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { type Currency, creditText, typedAmount } from "./amounts.tsx";
import { AmountErrors, AmountField } from "./ledger-page.tsx";

/** GET and POST /ledger/donate: amount, note, as. */
export interface DonatePageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  /** What the organization has and may give. */
  free: bigint;
  /** What the fund has. */
  fund: bigint;
  form?: FormState | undefined;
}

export const DonatePage = ({ page, currency, free, fund, form }: DonatePageProps) => {
  const { t } = page;
  const text = (amount: bigint) => creditText(page, currency, amount);
  return (
    <Layout page={page} title={t("ledger.donate")} section="ledger">
      <Back page={page} />
      <h1>{t("ledger.donate")}</h1>
      <p class="lead">{t("ledger.donate_text", { fund: text(fund) })}</p>
      {free <= 0n && form === undefined ? (
        <EmptyState
          title={t("ledger.donate_none")}
          text={t("ledger.donate_none_text")}
          actions={
            <a class="button" href="/proposals/new?purpose=offer">
              {t("proposal.publish_offer")}
            </a>
          }
        />
      ) : (
        <div class="card">
          <WritingForm page={page} action="/ledger/donate" submit={(name) => t("ledger.donate_as", { name })}>
            <AmountErrors page={page} form={form} labels={{ note: t("ledger.note") }} />
            <AmountField
              page={page}
              currency={currency}
              form={form}
              hint={t("ledger.donate_free", { free: text(free) })}
            />
            <TextArea
              page={page}
              form={form}
              name="note"
              label={t("ledger.note")}
              hint={t("ledger.note_hint")}
              rows={2}
            />
          </WritingForm>
        </div>
      )}
    </Layout>
  );
};

const Back = ({ page }: { page: PageContext }) => (
  <a class="back" href="/ledger">
    <Icon name="arrow" />
    {page.t("ledger.title")}
  </a>
);

/** GET and POST /ledger/transfers/<id>/return: amount, note, as. */
export interface ReturnPageProps {
  page: PageContext;
  currency: Currency;
  /** Who was paid, whoever the viewer acts as on other pages. */
  author: ActorView;
  transferId: bigint;
  /** What the credits were paid for; null when no agreement was behind it. */
  agreement: AgreementView | null;
  /** What was not given back yet. */
  left: bigint;
  form?: FormState | undefined;
}

export const ReturnPage = (props: ReturnPageProps) => {
  const { page, currency, author, transferId, agreement, left, form } = props;
  const { t } = page;
  const text = (amount: bigint) => creditText(page, currency, amount);
  // Who paid gets it back: with a voucher that was the fund.
  const whom =
    agreement === null || agreement.voucherId !== null ? t("ledger.fund") : agreement.receiver.name;
  return (
    <Layout page={page} title={t("ledger.return")} section="ledger">
      <Back page={page} />
      <h1>{t("ledger.return_to", { name: whom })}</h1>
      <p class="lead">{t("ledger.return_text")}</p>
      <dl class="facts card">
        {agreement === null ? null : (
          <>
            <div>
              <dt>{t("ledger.return_of")}</dt>
              <dd>
                <a
                  href={`/agreements/${agreement.id}`}
                  lang={agreement.proposal.language ?? undefined}
                  dir="auto"
                >
                  {agreement.proposal.name}
                </a>
              </dd>
            </div>
            <div>
              <dt>{t("ledger.paid")}</dt>
              <dd>
                {text(agreement.settledAmount ?? left)}
                {agreement.settled === null ? null : (
                  <>
                    {" · "}
                    <Day page={page} at={agreement.settled} />
                  </>
                )}
              </dd>
            </div>
          </>
        )}
        <div>
          <dt>{t("ledger.return_left")}</dt>
          <dd>{text(left)}</dd>
        </div>
      </dl>
      {left <= 0n && form === undefined ? (
        <p class="notice">
          <Icon name="check" />
          {t("ledger.return_done")}
        </p>
      ) : (
        <div class="card">
          <WritingForm
            page={page}
            author={author}
            action={`/ledger/transfers/${transferId}/return`}
            submit={(name) => t("ledger.return_as", { name })}
          >
            <AmountErrors page={page} form={form} labels={{ note: t("ledger.reason") }} />
            <AmountField
              page={page}
              currency={currency}
              form={form}
              value={typedAmount(page.locale, left, currency.scale)}
            />
            <TextArea
              page={page}
              form={form}
              name="note"
              label={t("ledger.reason")}
              hint={t("ledger.reason_hint")}
              rows={3}
              required
            />
          </WritingForm>
        </div>
      )}
    </Layout>
  );
};
