import type { HubCategory } from "../../domain/proposals/hub-categories.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import {
  Checkbox,
  ErrorSummary,
  FieldErrorOf,
  LanguageSelect,
  Radios,
  Select,
  TextArea,
  TextField,
  WritingForm,
} from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { categoryOptions, countryOptions } from "./terms.ts";

/**
 * GET /proposals/new?purpose=offer|request and GET /proposals/<id>/edit; also what the POST answers when something is wrong.
 * Fields: purpose, name, content, category (of either level), tags, unit (hour|one), available, minimum, settlement
 * (credit|credit_total|none|count|external), price (credits, with a decimal comma or point), location, country, online ("on" or
 * absent), lang_<tag> ("on" or absent) for each language in which it can be done, leadDays, language, ends (yyyy-mm-dd), as.
 */
export interface NewProposalPageProps {
  page: PageContext;
  purpose: ProposalView["purpose"];
  currency: { name: string; symbol: string };
  /** What the hub added to the list. */
  categories: readonly HubCategory[];
  /** The last day that is suggested, yyyy-mm-dd. */
  ends: string;
  /** The one that is changed; without it a new one is written. */
  proposalId?: bigint | undefined;
  form?: FormState | undefined;
}

export const NewProposalPage = (props: NewProposalPageProps) => {
  const { page, purpose, currency, proposalId, form } = props;
  const { t } = page;
  const offer = purpose === "offer";
  const edited = proposalId !== undefined;
  const title = edited
    ? t(offer ? "proposal.edit_title_offer" : "proposal.edit_title_request")
    : t(offer ? "proposal.publish_offer" : "proposal.publish_request");
  return (
    <Layout page={page} title={title} section="exchange">
      <h1>{title}</h1>
      <p class="lead">{t(edited ? "proposal.edit_text" : "proposal.new_text")}</p>
      {edited ? null : (
        <p>
          <a href={`/proposals/new?purpose=${offer ? "request" : "offer"}`}>
            {t(offer ? "proposal.instead_request" : "proposal.instead_offer")}
          </a>
        </p>
      )}
      <WritingForm
        page={page}
        action={edited ? `/proposals/${proposalId}/edit` : "/proposals"}
        draft={edited ? `proposal:${proposalId}` : `proposal:${purpose}`}
        submit={(name) => t(edited ? "proposal.save_as" : "compose.publish_as", { name })}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{
            purpose: t("proposal.purpose"),
            name: t("proposal.name"),
            content: t("proposal.content"),
            category: t("proposal.category"),
            tags: t("proposal.tags"),
            unit: t("proposal.unit"),
            available: t(offer ? "proposal.available" : "proposal.available_request"),
            minimum: t(offer ? "proposal.minimum" : "proposal.minimum_request"),
            settlement: t(offer ? "proposal.settlement" : "proposal.settlement_request"),
            price: t("proposal.price", { symbol: currency.symbol }),
            location: t("proposal.location"),
            country: t("proposal.country"),
            online: t("proposal.online"),
            leadDays: t("proposal.lead_days"),
            language: t("form.language"),
            ends: t("proposal.ends"),
          }}
        />
        <div id="field-purpose">
          <input type="hidden" name="purpose" value={purpose} />
          <FieldErrorOf page={page} form={form} name="purpose" />
        </div>
        <WhatFields {...props} />
        <ReturnFields {...props} />
        <WhereFields {...props} />
      </WritingForm>
    </Layout>
  );
};

const WhatFields = ({ page, purpose, categories, form }: NewProposalPageProps) => {
  const { t } = page;
  const offer = purpose === "offer";
  return (
    <fieldset class="card form">
      <legend>{t("proposal.what")}</legend>
      <TextField
        page={page}
        form={form}
        name="name"
        label={t("proposal.name")}
        hint={t(offer ? "proposal.name_hint" : "proposal.name_hint_request")}
        required
      />
      <TextArea
        page={page}
        form={form}
        name="content"
        label={t("proposal.content")}
        hint={t(offer ? "proposal.content_hint" : "proposal.content_hint_request")}
        rows={6}
        required
      />
      <Select
        page={page}
        form={form}
        name="category"
        label={t("proposal.category")}
        required
        options={[{ value: "", label: t("proposal.category_choose") }, ...categoryOptions(page, categories)]}
      />
      <TextField
        page={page}
        form={form}
        name="tags"
        label={t("proposal.tags")}
        hint={t("proposal.tags_hint")}
      />
    </fieldset>
  );
};

const ReturnFields = ({ page, purpose, currency, form }: NewProposalPageProps) => {
  const { t } = page;
  const offer = purpose === "offer";
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
          label={t(offer ? "proposal.available" : "proposal.available_request")}
          inputmode="numeric"
          dir="ltr"
        />
        <TextField
          page={page}
          form={form}
          name="minimum"
          label={t(offer ? "proposal.minimum" : "proposal.minimum_request")}
          inputmode="numeric"
          dir="ltr"
        />
      </div>
      <Radios
        page={page}
        form={form}
        name="settlement"
        label={t(offer ? "proposal.settlement" : "proposal.settlement_request")}
        value="credit"
        options={[
          {
            value: "credit",
            label: t("proposal.credit_each", { currency: currency.name }),
            hint: t(offer ? "proposal.settlement_credit_hint" : "proposal.settlement_credit_hint_request"),
          },
          {
            value: "credit_total",
            label: t("proposal.credit_total", { currency: currency.name }),
            hint: t("proposal.credit_total_hint"),
          },
          {
            value: "none",
            label: t(offer ? "proposal.settlement_none" : "proposal.settlement_none_request"),
            hint: t(offer ? "proposal.settlement_none_hint" : "proposal.settlement_none_hint_request"),
          },
          {
            value: "count",
            label: t("proposal.settlement_count"),
            hint: t("proposal.settlement_count_hint"),
          },
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

const WhereFields = ({ page, purpose, ends, form }: NewProposalPageProps) => {
  const { t, locale } = page;
  const offer = purpose === "offer";
  return (
    <fieldset class="card form">
      <legend>{t("proposal.where")}</legend>
      <div class="columns">
        <TextField
          page={page}
          form={form}
          name="location"
          label={t("proposal.location")}
          hint={t("proposal.location_hint")}
        />
        <Select
          page={page}
          form={form}
          name="country"
          label={t("proposal.country")}
          options={[{ value: "", label: t("proposal.country_none") }, ...countryOptions(locale)]}
        />
      </div>
      <Checkbox
        page={page}
        form={form}
        name="online"
        label={t(offer ? "proposal.online_label" : "proposal.online_label_request")}
      />
      <fieldset class="field radios checks">
        <legend>
          {t("proposal.languages")}
          <span class="quiet"> {t("form.optional")}</span>
        </legend>
        {Object.entries(POST_LANGUAGES).map(([tag, label]) => (
          <Checkbox page={page} form={form} name={`lang_${tag}`} label={label} lang={tag} />
        ))}
      </fieldset>
      {offer ? (
        <TextField
          page={page}
          form={form}
          name="leadDays"
          label={t("proposal.lead_days")}
          inputmode="numeric"
          dir="ltr"
        />
      ) : null}
      <div class="columns">
        <TextField
          page={page}
          form={form}
          name="ends"
          label={t("proposal.ends")}
          hint={t("proposal.ends_hint")}
          type="date"
          value={ends}
        />
        <LanguageSelect page={page} form={form} />
      </div>
    </fieldset>
  );
};
