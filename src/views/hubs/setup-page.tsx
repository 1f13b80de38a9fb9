import { LOCALE_NAMES, LOCALES } from "../../locales/index.ts";
import { ErrorSummary, Select, TextArea, TextField } from "../ui/form.tsx";
import { BareLayout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/**
 * GET and POST /setup: name, description, locale, admin_name, admin_handle, admin_email, admin_password,
 * currency_name, currency_symbol, currency_rate. There is no hub yet: `page.hub` carries the address, and the product's name as its name.
 */
export interface SetupPageProps {
  page: PageContext;
  form?: FormState | undefined;
}

/** Hosts that no other computer can reach. */
const LOOPBACK = /^(localhost|127\.|\[::1\])/;

export const SetupPage = ({ page, form }: SetupPageProps) => {
  const { t } = page;
  return (
    <BareLayout page={page} title={t("setup.title")}>
      <header class="hero">
        <h1>{t("setup.title")}</h1>
        <p class="lead">{t("setup.text")}</p>
        <p class="quiet">{t("setup.address", { origin: page.hub.origin })}</p>
        {LOOPBACK.test(page.hub.host) ? <p>{t("setup.address_local")}</p> : null}
      </header>
      <form class="form" method="post" action="/setup">
        <ErrorSummary
          page={page}
          form={form}
          labels={{
            name: t("setup.name"),
            description: t("setup.description"),
            locale: t("setup.locale"),
            admin_name: t("setup.admin_name"),
            admin_handle: t("setup.admin_handle"),
            admin_email: t("setup.admin_email"),
            admin_password: t("setup.admin_password"),
            currency_name: t("setup.currency_name"),
            currency_symbol: t("setup.currency_symbol"),
            currency_rate: t("setup.currency_rate"),
          }}
        />
        <HubFields page={page} form={form} />
        <AdministratorFields page={page} form={form} />
        <CurrencyFields page={page} form={form} />
        <button class="button button-wide" type="submit">
          {t("setup.submit")}
        </button>
      </form>
    </BareLayout>
  );
};

const HubFields = ({ page, form }: SetupPageProps) => {
  const { t } = page;
  return (
    <fieldset class="card form">
      <legend>{t("setup.hub")}</legend>
      <TextField
        page={page}
        form={form}
        name="name"
        label={t("setup.name")}
        hint={t("setup.name_hint")}
        required
      />
      <TextArea
        page={page}
        form={form}
        name="description"
        label={t("setup.description")}
        hint={t("setup.description_hint")}
        rows={3}
      />
      <Select
        page={page}
        form={form}
        name="locale"
        label={t("setup.locale")}
        hint={t("setup.locale_hint")}
        value={page.locale}
        required
        options={LOCALES.map((locale) => ({ value: locale, label: LOCALE_NAMES[locale], lang: locale }))}
      />
    </fieldset>
  );
};

const AdministratorFields = ({ page, form }: SetupPageProps) => {
  const { t } = page;
  return (
    <fieldset class="card form">
      <legend>{t("setup.admin")}</legend>
      <TextField
        page={page}
        form={form}
        name="admin_name"
        label={t("setup.admin_name")}
        hint={t("setup.admin_name_hint")}
        autocomplete="name"
      />
      <TextField
        page={page}
        form={form}
        name="admin_handle"
        label={t("setup.admin_handle")}
        hint={t("setup.admin_handle_hint")}
        dir="ltr"
        prefix="@"
        suffix={`@${page.hub.host}`}
        autocomplete="off"
        required
      />
      <TextField
        page={page}
        form={form}
        name="admin_email"
        label={t("setup.admin_email")}
        type="email"
        dir="ltr"
        autocomplete="username"
        required
      />
      <TextField
        page={page}
        form={form}
        name="admin_password"
        label={t("setup.admin_password")}
        hint={t("setup.admin_password_hint")}
        type="password"
        dir="ltr"
        autocomplete="new-password"
        required
      />
    </fieldset>
  );
};

const CurrencyFields = ({ page, form }: SetupPageProps) => {
  const { t } = page;
  return (
    <fieldset class="card form">
      <legend>{t("setup.currency")}</legend>
      <p class="hint">{t("setup.currency_text")}</p>
      <TextField
        page={page}
        form={form}
        name="currency_name"
        label={t("setup.currency_name")}
        value={t("setup.currency_name_default")}
        required
      />
      <TextField
        page={page}
        form={form}
        name="currency_symbol"
        label={t("setup.currency_symbol")}
        value={t("setup.currency_symbol_default")}
        required
      />
      <TextField
        page={page}
        form={form}
        name="currency_rate"
        label={t("setup.currency_rate")}
        hint={t("setup.currency_rate_hint")}
        value="1"
        inputmode="decimal"
        dir="ltr"
      />
    </fieldset>
  );
};
