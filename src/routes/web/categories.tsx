import { Hono } from "hono";
import { actingAs, requireRole } from "../../domain/accounts/queries.ts";
import {
  addCategory,
  type CategoryLabels,
  hubCategories,
  LABEL_LANGUAGES,
  retireCategory,
} from "../../domain/proposals/hub-categories.ts";
import { CategoriesPage } from "../../views/admin/categories-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { formFields, render, submitAs, type Web } from "./page.tsx";

/** Where administrators add to the list of what is exchanged. */
export function categoryRoutes(web: Web) {
  const { ctx } = web;

  async function page(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    await requireRole(ctx, viewer.accountId, "admin");
    const categories = await hubCategories(ctx);
    return <CategoriesPage page={{ ...web.page(c), viewer }} categories={categories} form={form} />;
  }

  return new Hono<Env>()
    .get("/admin/categories", async (c) => render(c, await page(c)))
    .post("/admin/categories", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const labels = LABEL_LANGUAGES.map((language) => [language, fields[`label_${language}`] ?? ""]);
          await addCategory(ctx, acting, {
            parent: fields.parent ?? "",
            key: fields.key ?? "",
            labels: Object.fromEntries(labels) as CategoryLabels,
          });
          return web.done(c, "/admin/categories", "notices.category_added");
        },
        (form) => page(c, form),
      ),
    )
    .post("/admin/categories/retire", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      await retireCategory(ctx, acting, fields.category ?? "");
      return web.done(c, "/admin/categories", "notices.category_retired");
    });
}
