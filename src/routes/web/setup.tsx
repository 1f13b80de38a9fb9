import { Hono } from "hono";
import { openSession } from "../../domain/accounts/commands.ts";
import { setUpHub } from "../../domain/hubs/commands.ts";
import { LOCALES } from "../../locales/index.ts";
import { SetupPage } from "../../views/hubs/setup-page.tsx";
import type { Env } from "../env.ts";
import { writeCookie } from "../middleware/cookies.ts";
import { choice, formFields, render, submit, type Web } from "./page.tsx";

export function setupRoutes(web: Web) {
  const { ctx } = web;
  return new Hono<Env>()
    .get("/setup", async (c) => {
      if (c.get("hub") !== null) return c.redirect("/");
      return render(c, <SetupPage page={web.page(c)} />);
    })
    .post("/setup", async (c) => {
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const locale = choice("locale", fields.locale, LOCALES);
          const admin = await setUpHub(ctx, {
            name: fields.name ?? "",
            description: fields.description,
            locale,
            currencyName: fields.currency_name ?? "",
            currencySymbol: fields.currency_symbol ?? "",
            currencyRate: fields.currency_rate,
            admin: {
              name: fields.admin_name,
              handle: fields.admin_handle ?? "",
              email: fields.admin_email ?? "",
              password: fields.admin_password ?? "",
            },
          });
          const session = await openSession(ctx, admin.accountId);
          writeCookie(c, ctx.hub.origin, "session", session.secret, session.expires);
          return web.done(c, "/", "notices.set_up");
        },
        (form) => <SetupPage page={web.page(c)} form={form} />,
      );
    });
}
