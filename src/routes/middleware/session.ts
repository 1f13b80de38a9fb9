import { createMiddleware } from "hono/factory";
import { sessionAccount } from "../../domain/accounts/commands.ts";
import { type Viewer, viewer } from "../../domain/accounts/queries.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { findHub } from "../../domain/hubs/queries.ts";
import { isLocale, negotiate, translator } from "../../locales/index.ts";
import { type Env, isRead, type RouteOptions, type WebContext } from "../env.ts";
import { readCookie, writeCookie } from "./cookies.ts";

/**
 * Who looks, on which hub, in which language: the account's, or the one chosen in the footer, or what the browser asks for.
 * Before the setup every page leads to it.
 */
export function session({ ctx }: RouteOptions) {
  const { origin } = ctx.hub;
  return createMiddleware<Env>(async (c, next) => {
    const hub = await findHub(ctx);
    c.set("hub", hub);
    const who = hub === null ? null : await sessionViewer(c, ctx);
    c.set("viewer", who);
    const chosen = readCookie(c, origin, "locale");
    const locale = isLocale(who?.locale)
      ? who.locale
      : isLocale(chosen)
        ? chosen
        : negotiate(c.req.header("accept-language"));
    c.set("locale", locale);
    c.set("t", translator(locale));
    c.header("Vary", "Cookie, Accept-Language", { append: true });
    // Pages of somebody who is logged in are nobody else's; those of visitors change with language.
    c.header("Cache-Control", who === null ? "no-cache" : "private, no-store");
    if (hub === null && !c.req.path.startsWith("/setup") && !c.req.path.startsWith("/locale")) {
      if (isRead(c)) return c.redirect("/setup");
      throw new DomainError("not_set_up", "this hub is not set up yet");
    }
    await next();
  });
}

/** Whoever is logged in, by the session's cookie; null for a visitor. */
export async function sessionViewer(c: WebContext, ctx: Ctx): Promise<Viewer | null> {
  const { origin } = ctx.hub;
  const secret = readCookie(c, origin, "session");
  const accountId = secret === undefined ? null : await sessionAccount(ctx, secret);
  return accountId === null ? null : viewer(ctx, accountId, readCookie(c, origin, "as"));
}

/** Who the account acts as from now on in this browser, until it logs out. */
export function chooseActing(c: WebContext, { clock, hub }: RouteOptions["ctx"], handle: string): void {
  writeCookie(c, hub.origin, "as", handle, new Date(clock.now().getTime() + YEAR));
}

const YEAR = 365 * 86_400_000;

/** Whoever is logged in. @throws DomainError login_required */
export function requireViewer(c: WebContext) {
  const who = c.get("viewer");
  if (who === null) throw new DomainError("login_required", "log in first");
  return who;
}
