import { ErrorSummary, LanguageSelect, Select, TextArea, TextField, WritingForm } from "../ui/form.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

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
        <details class="more" open={Boolean(form?.values.summary)}>
          <summary>{t("compose.more")}</summary>
          <TextField
            page={page}
            form={form}
            name="summary"
            label={t("compose.summary")}
            hint={t("compose.summary_hint")}
          />
        </details>
        <div class="columns">
          <Select
            page={page}
            form={form}
            name="visibility"
            label={t("compose.visibility")}
            required
            value="public"
            options={[
              { value: "public", label: t("visibility.public") },
              { value: "unlisted", label: t("visibility.unlisted") },
              { value: "followers", label: t("visibility.followers") },
            ]}
          />
          <LanguageSelect page={page} form={form} />
        </div>
      </WritingForm>
    </section>
  );
};
