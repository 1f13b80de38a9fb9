import type { PostView } from "../../domain/posts/queries.ts";
import { ErrorSummary, LanguageSelect, Select, TextArea, TextField, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

const VISIBILITIES = ["public", "unlisted", "followers"] as const satisfies readonly PostView["visibility"][];

/** Whether what the details hide is worth opening them: something was chosen, or something there is wrong. */
function changed(form: FormState | undefined): boolean {
  return (
    form !== undefined &&
    (Boolean(form.values.summary) ||
      form.errors.some((error) => error.field === "summary" || error.field === "language"))
  );
}

/** POST /posts: content, summary, visibility, language, as. */
export const ComposerForm = ({ page, form }: { page: PageContext; form: FormState | undefined }) => {
  const { t, viewer } = page;
  if (!viewer) return null;
  return (
    <section class="card composer" aria-label={t("compose.title")}>
      <WritingForm
        page={page}
        action="/posts"
        draft="post"
        submit={(name) => t("compose.publish_as", { name })}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{
            content: t("compose.content"),
            summary: t("compose.summary"),
            visibility: t("compose.visibility"),
            language: t("form.language"),
          }}
        />
        <TextArea page={page} form={form} name="content" label={t("compose.content")} rows={3} required />
        <Select
          page={page}
          form={form}
          name="visibility"
          label={t("compose.visibility")}
          required
          value="public"
          options={VISIBILITIES.map((value) => ({ value, label: t(`visibility.${value}`) }))}
        />
        <details class="more" open={changed(form)}>
          <summary>
            {t("compose.more")}
            <Icon name="chevron" />
          </summary>
          <div class="more-fields">
            <LanguageSelect page={page} form={form} />
            <TextField
              page={page}
              form={form}
              name="summary"
              label={t("compose.summary")}
              hint={t("compose.summary_hint")}
            />
          </div>
        </details>
      </WritingForm>
    </section>
  );
};
