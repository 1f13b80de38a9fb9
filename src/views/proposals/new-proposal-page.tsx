import { CATEGORIES } from "../../domain/proposals/categories.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import {
  Checkbox,
  ErrorSummary,
  LanguageSelect,
  Radios,
  Select,
  TextArea,
  TextField,
  WritingForm,
} from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/**
 * GET /proposals/new?purpose=offer|request; also what POST /proposals answers when something is wrong. Fields: purpose,
 * name, content, category, unit (hour|one), available, minimum, settlement (none|credit|external), price (credits, with a
 * decimal comma or point), location, online ("on" or absent), language, ends (yyyy-mm-dd), as.
 */
export interface NewProposalPageProps {
  page: PageContext;
  purpose: ProposalView["purpose"];
  currency: { name: string; symbol: string };
  form?: FormState | undefined;
}

export const NewProposalPage = ({ page, purpose, currency, form }: NewProposalPageProps) => {
  const { t } = page;
  const chosen =
    form?.values.purpose === "request" || form?.values.purpose === "offer" ? form.values.purpose : purpose;
  const title = t(chosen === "offer" ? "proposal.publish_offer" : "proposal.publish_request");
  return (
    <Layout page={page} title={title} section="exchange">
      <h1>{title}</h1>
      <p class="lead">{t("proposal.new_text")}</p>
      <WritingForm
        page={page}
        action="/proposals"
        draft={`proposal:${chosen}`}
        submit={(name) => t("compose.publish_as", { name })}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{
            purpose: t("proposal.purpose"),
            name: t("proposal.name"),
            content: t("proposal.content"),
            category: t("proposal.category"),
            unit: t("proposal.unit"),
            available: t("proposal.available"),
            minimum: t("proposal.minimum"),
            settlement: t("proposal.settlement"),
            price: t("proposal.price", { symbol: currency.symbol }),
            location: t("proposal.location"),
            online: t("proposal.online"),
            language: t("form.language"),
            ends: t("proposal.ends"),
          }}
        />
        <WhatFields page={page} purpose={chosen} form={form} />
        <ReturnFields page={page} currency={currency} form={form} />
        <WhereFields page={page} form={form} />
      </WritingForm>
    </Layout>
  );
};

const WhatFields = ({ page, purpose, form }: Pick<NewProposalPageProps, "page" | "purpose" | "form">) => {
  const { t } = page;
  return (
    <fieldset class="card form">
      <legend>{t("proposal.what")}</legend>
      <Radios
        page={page}
        form={form}
        name="purpose"
        label={t("proposal.purpose")}
        value={purpose}
        inline
        options={[
          { value: "offer", label: t("proposal.we_offer") },
          { value: "request", label: t("proposal.we_need") },
        ]}
      />
      <TextField
        page={page}
        form={form}
        name="name"
        label={t("proposal.name")}
        hint={t("proposal.name_hint")}
        required
      />
      <TextArea
        page={page}
        form={form}
        name="content"
        label={t("proposal.content")}
        hint={t("proposal.content_hint")}
        rows={6}
        required
      />
      <Select
        page={page}
        form={form}
        name="category"
        label={t("proposal.category")}
        required
        options={[
          { value: "", label: t("proposal.category_choose") },
          ...CATEGORIES.map((category) => ({ value: category, label: t(`categories.${category}`) })),
        ]}
      />
    </fieldset>
  );
};

const ReturnFields = ({ page, currency, form }: Pick<NewProposalPageProps, "page" | "currency" | "form">) => {
  const { t } = page;
  return (
    <fieldset class="card form">
      <legend>{t("proposal.how_much")}</legend>
      <Radios
        page={page}
        form={form}
        name="unit"
        label={t("proposal.unit")}
        value="hour"
        inline
        options={[
          { value: "hour", label: t("proposal.unit_hour") },
          { value: "one", label: t("proposal.unit_one") },
        ]}
      />
      <div class="columns">
        <TextField
          page={page}
          form={form}
          name="available"
          label={t("proposal.available")}
          inputmode="numeric"
          dir="ltr"
        />
        <TextField
          page={page}
          form={form}
          name="minimum"
          label={t("proposal.minimum")}
          inputmode="numeric"
          dir="ltr"
        />
      </div>
      <Radios
        page={page}
        form={form}
        name="settlement"
        label={t("proposal.settlement")}
        value="credit"
        options={[
          {
            value: "credit",
            label: currency.name,
            hint: t("proposal.settlement_credit_hint"),
          },
          { value: "none", label: t("proposal.settlement_none"), hint: t("proposal.settlement_none_hint") },
          {
            value: "external",
            label: t("proposal.settlement_external"),
            hint: t("proposal.settlement_external_hint"),
          },
        ]}
      />
      <div class="only-credit">
        <TextField
          page={page}
          form={form}
          name="price"
          label={t("proposal.price", { symbol: currency.symbol })}
          hint={t("proposal.price_hint")}
          inputmode="decimal"
          conditional
          dir="ltr"
        />
      </div>
    </fieldset>
  );
};

const WhereFields = ({ page, form }: Pick<NewProposalPageProps, "page" | "form">) => {
  const { t } = page;
  return (
    <fieldset class="card form">
      <legend>{t("proposal.where")}</legend>
      <TextField
        page={page}
        form={form}
        name="location"
        label={t("proposal.location")}
        hint={t("proposal.location_hint")}
      />
      <Checkbox page={page} form={form} name="online" label={t("proposal.online_label")} />
      <div class="columns">
        <TextField
          page={page}
          form={form}
          name="ends"
          label={t("proposal.ends")}
          hint={t("proposal.ends_hint")}
          type="date"
        />
        <LanguageSelect page={page} form={form} />
      </div>
    </fieldset>
  );
};
