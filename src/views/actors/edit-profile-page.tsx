import type { Viewer } from "../../domain/accounts/queries.ts";
import { ErrorSummary, TextArea, TextField } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/** GET and POST /settings/profile: name and summary of the one who acts. */
export interface EditProfilePageProps {
  page: PageContext & { viewer: Viewer };
  form: FormState;
}

export const EditProfilePage = ({ page, form }: EditProfilePageProps) => {
  const { t, viewer } = page;
  return (
    <Layout page={page} title={t("profile.edit")} section="me">
      <h1>{t("profile.edit")}</h1>
      <p class="lead">{t("profile.edit_text", { name: viewer.acting.name })}</p>
      <form class="card form" method="post" action="/settings/profile">
        <ErrorSummary
          page={page}
          form={form}
          labels={{ name: t("profile.name"), summary: t("profile.summary") }}
        />
        <input type="hidden" name="as" value={viewer.acting.handle} />
        <TextField
          page={page}
          form={form}
          name="name"
          label={t("profile.name")}
          autocomplete="off"
          required
        />
        <TextArea
          page={page}
          form={form}
          name="summary"
          label={t("profile.summary")}
          hint={t("profile.summary_hint")}
        />
        <button class="button button-wide" type="submit">
          {t("profile.save_as", { name: viewer.acting.name })}
        </button>
      </form>
    </Layout>
  );
};
