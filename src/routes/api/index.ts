import { cors } from "hono/cors";
import type { RouteOptions } from "../env.ts";
import { agreementRoutes } from "./agreements.ts";
import { documentRoute } from "./document.ts";
import { ledgerRoutes } from "./ledger.ts";
import { messageRoutes } from "./messages.ts";
import { type Api, BASE, createApi } from "./operation.ts";
import { organizationRoutes } from "./organizations.ts";
import { peerRoutes } from "./peers.ts";
import { ApiError, problem } from "./problem.ts";
import { proposalRoutes } from "./proposals.ts";
import { reviewRoutes } from "./reviews.ts";
import { voucherRoutes } from "./vouchers.ts";

/** Everything of the API; its address alone is the page to read and try it. */
const BELOW = `${BASE}/:rest{.+}`;

/**
 * Ayni's JSON API. Who asks is known by a bearer token alone: no cookie is read, and so any site's script may call it with a token
 * that it was given.
 */
export function apiRoutes(options: RouteOptions): Api {
  const api = createApi(options);
  const { app } = api;
  const base = options.ctx.hub.origin + BASE;
  app.use(
    BELOW,
    cors({
      origin: "*",
      allowMethods: ["GET", "POST", "PATCH", "DELETE"],
      allowHeaders: ["Authorization", "Content-Type", "Idempotency-Key"],
      exposeHeaders: ["Link", "Location", "Retry-After", "WWW-Authenticate"],
      maxAge: 86_400,
    }),
  );
  app.use(BELOW, async (c, next) => {
    c.header("Cache-Control", "no-store");
    await next();
  });
  const nouns = [
    proposalRoutes,
    agreementRoutes,
    messageRoutes,
    ledgerRoutes,
    voucherRoutes,
    reviewRoutes,
    organizationRoutes,
    peerRoutes,
  ];
  for (const routes of nouns) routes(api);
  documentRoute(api);
  // Not `notFound`, which an app that is mounted in another one is never asked for.
  app.all(BELOW, (c) => {
    const allowed = methodsFor(api, c.req.path);
    if (allowed.length === 0) throw new ApiError("unknown_address", "nothing has this address");
    throw new ApiError("method_not_allowed", `${c.req.method} does nothing here`, {
      allow: allowed.join(", "),
    });
  });
  app.onError((error, c) => problem(c, base, error));
  return api;
}

/** Methods of the operations that have this path. */
function methodsFor({ operations }: Api, path: string): string[] {
  const parts = path.slice(BASE.length).split("/");
  const matching = operations.filter((operation) => {
    const own = operation.path.split("/");
    return own.length === parts.length && own.every((part, at) => part.startsWith("{") || part === parts[at]);
  });
  return [...new Set(matching.map(({ method }) => method))];
}
