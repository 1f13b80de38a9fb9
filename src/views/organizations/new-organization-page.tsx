import { ErrorSummary, TextArea, TextField } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/** GET and POST /organizations/new: handle, name, summary. */
export interface NewOrganizationPageProps {
  page: PageContext;
  form?: FormState | undefined;
}

export const NewOrganizationPage = ({ page, form }: NewOrganizationPageProps) => {
  const { t, viewer } = page;
  return (
    <Layout page={page} title={t("organization.create")} section="me">
      <h1>{t("organization.create")}</h1>
      <p class="lead">{t("organization.text")}</p>
      <form
        class="card form"
        method="post"
        action="/organizations/new"
        data-draft={viewer ? `organization:${viewer.person.handle}` : undefined}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{
            name: t("organization.name"),
            handle: t("organization.handle"),
            summary: t("organization.summary"),
          }}
        />
        {viewer ? <input type="hidden" name="as" value={viewer.person.handle} /> : null}
        <TextField
          page={page}
          form={form}
          name="name"
          label={t("organization.name")}
          autocomplete="organization"
          required
        />
        <TextField
          page={page}
          form={form}
          name="handle"
          label={t("organization.handle")}
          hint={t("organization.handle_hint")}
          dir="ltr"
          prefix="@"
          suffix={`@${page.hub.host}`}
          autocomplete="off"
          required
        />
        <TextArea
          page={page}
          form={form}
          name="summary"
          label={t("organization.summary")}
          hint={t("organization.summary_hint")}
        />
        <button class="button button-wide" type="submit">
          {t("organization.submit")}
        </button>
      </form>
    </Layout>
  );
};
