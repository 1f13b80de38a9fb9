import type { Viewer } from "../../domain/accounts/queries.ts";
import { CATEGORIES } from "../../domain/proposals/categories.ts";
import type { HubCategory } from "../../domain/proposals/hub-categories.ts";
import { LOCALE_NAMES, LOCALES } from "../../locales/index.ts";
import { categoryName } from "../proposals/terms.ts";
import { ErrorSummary, Select, TextField } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { AdminForm } from "./admin-form.tsx";

/**
 * GET /admin/categories. POST to the same address adds one: parent, key, label_<locale>, as. POST
 * /admin/categories/retire: category, as.
 */
export interface CategoriesPageProps {
  page: PageContext & { viewer: Viewer };
  categories: readonly HubCategory[];
  form?: FormState | undefined;
}

export const CategoriesPage = ({ page, categories, form }: CategoriesPageProps) => {
  const { t, locale } = page;
  const firstLevel = categories.filter(({ key, retired }) => !retired && !key.includes("."));
  const labels = Object.fromEntries(
    LOCALES.map((other) => [
      `label_${other}`,
      t("categories_admin.label", { language: LOCALE_NAMES[other] }),
    ]),
  );
  return (
    <Layout page={page} title={t("categories_admin.title")} section={null}>
      <h1>{t("categories_admin.title")}</h1>
      <p class="lead">{t("categories_admin.text")}</p>
      <section class="card context-block" aria-labelledby="own">
        <h2 id="own">{t("categories_admin.own")}</h2>
        {categories.length === 0 ? <p class="quiet">{t("categories_admin.none")}</p> : null}
        <ul class="lines">
          {categories.map(({ key, labels, retired }) => (
            <li>
              <span>
                {parentName(page, key, categories)}
                {labels[locale]}
              </span>
              {retired ? (
                <span class="badge">{t("categories_admin.retired")}</span>
              ) : (
                <AdminForm
                  page={page}
                  action="/admin/categories/retire"
                  submit={t("categories_admin.retire")}
                  quiet
                >
                  <input type="hidden" name="category" value={key} />
                </AdminForm>
              )}
            </li>
          ))}
        </ul>
      </section>
      <section class="card context-block" aria-labelledby="add">
        <h2 id="add">{t("categories_admin.add")}</h2>
        <AdminForm page={page} action="/admin/categories" submit={t("categories_admin.add")}>
          <ErrorSummary
            page={page}
            form={form}
            labels={{
              parent: t("categories_admin.parent"),
              key: t("categories_admin.key"),
              ...labels,
            }}
          />
          <Select
            page={page}
            form={form}
            name="parent"
            label={t("categories_admin.parent")}
            conditional
            options={[
              { value: "", label: t("categories_admin.parent_none") },
              ...CATEGORIES.map((key) => ({ value: key, label: t(`categories.${key}`) })),
              ...firstLevel.map((category) => ({ value: category.key, label: category.labels[locale] })),
            ]}
          />
          <TextField
            page={page}
            form={form}
            name="key"
            label={t("categories_admin.key")}
            hint={t("categories_admin.key_hint")}
            required
            dir="ltr"
          />
          {LOCALES.map((other) => (
            <TextField
              page={page}
              form={form}
              name={`label_${other}`}
              label={labels[`label_${other}`] ?? ""}
              required
            />
          ))}
        </AdminForm>
      </section>
    </Layout>
  );
};

function parentName(page: PageContext, key: string, categories: readonly HubCategory[]): string {
  const parent = key.split(".")[0] ?? "";
  const name = parent === key ? null : categoryName(page, parent, categories);
  return name === null ? "" : `${name} · `;
}
