import type { Viewer } from "../../domain/accounts/queries.ts";
import type { ActorView } from "../../domain/actors/queries.ts";
import { ActorCard, actorPath } from "../actors/actor-card.tsx";
import { type Currency, creditText } from "../ledger/amounts.tsx";
import { Back } from "../reviews/trust.tsx";
import { ErrorSummary, TextField, WritingForm } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/** GET and POST /@handle/vouch: for verified organizations. Fields: amount, as. */
export interface VouchPageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  organization: ActorView;
  /** The most that can be pledged now. */
  max: bigint;
  form?: FormState | undefined;
}

export const VouchPage = ({ page, currency, organization, max, form }: VouchPageProps) => {
  const { t } = page;
  const title = t("vouch.title", { name: organization.name });
  return (
    <Layout page={page} title={title} section={null}>
      <Back href={actorPath(organization)}>
        <bdi>{organization.name}</bdi>
      </Back>
      <div class="page-head">
        <h1>{title}</h1>
        <p class="lead">{t("vouch.lead")}</p>
      </div>
      <ActorCard page={page} actor={organization} />
      <div class="card">
        <WritingForm
          page={page}
          action={`${actorPath(organization)}/vouch`}
          submit={(name) => t("vouch.submit", { name })}
        >
          <ErrorSummary page={page} form={form} labels={{ amount: t("vouch.amount") }} />
          <TextField
            page={page}
            form={form}
            name="amount"
            label={t("vouch.amount")}
            hint={t("vouch.amount_hint", { max: creditText(page, currency, max) })}
            inputmode="decimal"
            dir="ltr"
            suffix={currency.symbol}
            autocomplete="off"
            required
          />
        </WritingForm>
      </div>
    </Layout>
  );
};
