import { Hono } from "hono";
import { logIn, logOut, setLocale } from "../../domain/accounts/commands.ts";
import { LOCALES } from "../../locales/index.ts";
import { LoginPage } from "../../views/accounts/login-page.tsx";
import { MePage } from "../../views/accounts/me-page.tsx";
import type { Env } from "../env.ts";
import { clearCookie, readCookie, writeCookie } from "../middleware/cookies.ts";
import { chooseActing, requireViewer } from "../middleware/session.ts";
import { choice, formFields, render, safePath, submit, type Web } from "./page.tsx";

const YEAR = 365 * 86_400_000;

export function accountRoutes(web: Web) {
  const { ctx } = web;
  const { origin } = ctx.hub;
  return new Hono<Env>()
    .get("/login", async (c) => {
      const next = safePath(c.req.query("next"));
      if (c.get("viewer") !== null) return c.redirect(next ?? "/");
      return render(c, <LoginPage page={web.page(c)} next={next} />);
    })
    .post("/login", async (c) => {
      const fields = await formFields(c);
      const next = safePath(fields.next);
      return submit(
        c,
        fields,
        async () => {
          const session = await logIn(ctx, {
            login: fields.email ?? "",
            password: fields.password ?? "",
            address: web.clientAddress(c),
          });
          writeCookie(c, origin, "session", session.secret, session.expires);
          return web.done(c, next ?? "/", "notices.logged_in");
        },
        (form) => <LoginPage page={web.page(c)} form={form} next={next} />,
      );
    })
    .post("/logout", async (c) => {
      const secret = readCookie(c, origin, "session");
      if (secret !== undefined) await logOut(ctx, secret);
      clearCookie(c, origin, "session");
      clearCookie(c, origin, "as");
      return web.done(c, "/", "notices.logged_out");
    })
    .get("/me", async (c) => {
      if (c.get("viewer") === null) return c.redirect("/login?next=%2Fme");
      const viewer = requireViewer(c);
      return render(c, <MePage page={{ ...web.page(c), viewer }} />);
    })
    .post("/acting", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const handles = [viewer.person, ...viewer.organizations].map((actor) => actor.handle);
      chooseActing(c, ctx, choice("as", fields.as, handles));
      return web.done(c, safePath(fields.next) ?? "/", "notices.acting_changed");
    })
    .post("/locale", async (c) => {
      const fields = await formFields(c);
      const locale = choice("locale", fields.locale, LOCALES);
      const viewer = c.get("viewer");
      if (viewer !== null) await setLocale(ctx, viewer.accountId, locale);
      writeCookie(c, origin, "locale", locale, new Date(ctx.clock.now().getTime() + YEAR));
      return web.done(c, safePath(fields.next) ?? "/", "notices.locale_changed");
    });
}
