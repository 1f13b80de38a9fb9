import { getLogger } from "@logtape/logtape";
import { Hono } from "hono";
import { agreementsWaiting } from "../../domain/agreements/queries.ts";
import { DomainError, ERROR_STATUS, isPassing } from "../../domain/errors.ts";
import { negotiate, translator } from "../../locales/index.ts";
import { ErrorPage } from "../../views/ui/error-page.tsx";
import { type Env, isRead, type RouteOptions, type WebContext } from "../env.ts";
import { pageHeaders, sameSiteOnly } from "../middleware/security.ts";
import { session } from "../middleware/session.ts";
import { accountRoutes } from "./accounts.tsx";
import { actorRoutes } from "./actors.tsx";
import { adminRoutes } from "./admin.tsx";
import { agreementRoutes } from "./agreements.tsx";
import { apiPageRoutes } from "./api.tsx";
import { categoryRoutes } from "./categories.tsx";
import { homeRoutes } from "./home.tsx";
import { ledgerRoutes } from "./ledger.tsx";
import { noticeRoutes } from "./notices.tsx";
import { organizationRoutes } from "./organizations.tsx";
import { createWeb, render, safePath, type Web } from "./page.tsx";
import { peerRoutes } from "./peers.tsx";
import { postRoutes } from "./posts.tsx";
import { proposalRoutes } from "./proposals.tsx";
import { reviewRoutes } from "./reviews.tsx";
import { setupRoutes } from "./setup.tsx";
import { tokenRoutes } from "./tokens.tsx";
import { verificationRoutes } from "./verifications.tsx";
import { voucherRoutes } from "./vouchers.tsx";

const logger = getLogger(["ayni", "web"]);

/** The pages for people. */
export function webRoutes(options: RouteOptions): Hono<Env> {
  const web = createWeb(options);
  const { origin } = options.ctx.hub;
  const app = new Hono<Env>();
  app.use(pageHeaders(origin));
  app.use(sameSiteOnly(origin));
  app.use(session(options));
  app.use(async (c, next) => {
    const acting = c.get("viewer")?.acting;
    if (acting !== undefined && isRead(c)) c.set("waiting", await agreementsWaiting(options.ctx, acting.id));
    await next();
  });
  for (const routes of [
    setupRoutes(web),
    accountRoutes(web),
    homeRoutes(web),
    postRoutes(web),
    organizationRoutes(web),
    noticeRoutes(web),
    proposalRoutes(web),
    agreementRoutes(web),
    ledgerRoutes(web),
    voucherRoutes(web),
    peerRoutes(web),
    adminRoutes(web),
    categoryRoutes(web),
    reviewRoutes(web),
    verificationRoutes(web),
    tokenRoutes(web),
    apiPageRoutes(web),
    actorRoutes(web),
  ]) {
    app.route("/", routes);
  }
  // Not `notFound`, which an app that is mounted in another one is never asked for.
  app.all("*", (c) => errorPage(web, c, new DomainError("not_found", "no such page")));
  app.onError((error, c) => errorPage(web, c, error));
  return app;
}

/**
 * Every error becomes a page here, once. What is not a DomainError is our fault: logged, and told without details. A
 * database that does not answer is worth another attempt, and the page says so.
 */
async function errorPage(web: Web, c: WebContext, error: Error): Promise<Response> {
  const known = error instanceof DomainError ? error : null;
  const code = known?.code ?? (isPassing(error) ? "busy" : null);
  if (known?.code === "login_required" && isRead(c)) {
    const url = new URL(c.req.url);
    return c.redirect(`/login?next=${encodeURIComponent(safePath(url.pathname + url.search) ?? "/")}`);
  }
  if (known === null)
    logger.error("{method} {path} failed: {error}", { method: c.req.method, path: c.req.path, error });
  // It may have failed before the session was known.
  if (c.get("t") === undefined) {
    c.set("hub", null);
    c.set("viewer", null);
    const locale = negotiate(c.req.header("accept-language"));
    c.set("locale", locale);
    c.set("t", translator(locale));
  }
  const status = code === null ? 500 : ERROR_STATUS[code];
  c.header("Cache-Control", "no-store");
  if (status === 503) c.header("Retry-After", "5");
  const details = known?.details ?? {};
  return render(c, <ErrorPage page={web.page(c)} status={status} code={code} details={details} />, status);
}
