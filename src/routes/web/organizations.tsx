import { Hono } from "hono";
import { actorById } from "../../domain/actors/queries.ts";
import { createOrganization } from "../../domain/organizations/commands.ts";
import { NewOrganizationPage } from "../../views/organizations/new-organization-page.tsx";
import type { Env } from "../env.ts";
import { chooseActing, requireViewer } from "../middleware/session.ts";
import { formFields, render, submit, type Web } from "./page.tsx";

export function organizationRoutes(web: Web) {
  const { ctx } = web;
  return new Hono<Env>()
    .get("/organizations/new", async (c) => {
      if (c.get("viewer") === null) return c.redirect("/login?next=%2Forganizations%2Fnew");
      return render(c, <NewOrganizationPage page={web.page(c)} />);
    })
    .post("/organizations/new", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const id = await createOrganization(ctx, viewer.accountId, {
            handle: fields.handle ?? "",
            name: fields.name ?? "",
            summary: fields.summary,
          });
          const { handle } = await actorById(ctx, id);
          // Whoever makes an organization goes on as it.
          chooseActing(c, ctx, handle);
          return web.done(c, `/@${handle}`, "notices.organization_created");
        },
        (form) => <NewOrganizationPage page={web.page(c)} form={form} />,
      );
    });
}
