import { Hono } from "hono";
import { createToken, revokeToken } from "../../domain/accounts/commands.ts";
import { tokensOf } from "../../domain/accounts/queries.ts";
import { EXCHANGE_SCOPES } from "../../domain/accounts/rules.ts";
import { DomainError } from "../../domain/errors.ts";
import { TokensPage } from "../../views/accounts/tokens-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { render, submitAs, type Web } from "./page.tsx";

/** Tokens of the JSON API, each person's own. */
export function tokenRoutes(web: Web) {
  const { ctx } = web;

  async function tokensPage(c: WebContext, secret: string | null, form?: FormState) {
    const viewer = requireViewer(c);
    const tokens = await tokensOf(ctx, viewer.accountId);
    return <TokensPage page={{ ...web.page(c), viewer }} tokens={tokens} secret={secret} form={form} />;
  }

  return new Hono<Env>()
    .get("/settings/tokens", async (c) => render(c, await tokensPage(c, null)))
    .post("/settings/tokens", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const scopes = EXCHANGE_SCOPES.filter((scope) => fields[scope] !== undefined);
          if (scopes.length === 0)
            throw new DomainError("required", "a token is for something", { field: "scopes" });
          // The answer itself shows it: whatever leads on to another page would have to keep it somewhere.
          return render(c, await tokensPage(c, await createToken(ctx, acting, scopes)));
        },
        (form) => tokensPage(c, null, form),
      ),
    )
    .post("/settings/tokens/:id/revoke", async (c) => {
      const { accountId } = requireViewer(c);
      await revokeToken(ctx, accountId, c.req.param("id"));
      return web.done(c, "/settings/tokens", "notices.token_revoked");
    });
}
