import { TOKEN_SCOPES } from "../../domain/accounts/rules.ts";
import { type Api, BASE } from "./operation.ts";

/** What the exchange's scopes allow. */
export const SCOPES = TOKEN_SCOPES.filter((scope) => scope.includes(":"));

const DESCRIPTION = `Everything that an organization does in the exchange, for programs.

- **Who asks** is known by a bearer token: \`ayni token create --account HANDLE --as ORGANIZATION --scopes "${SCOPES.join(" ")}"\`.
  A token acts as one organization (or person), for as long as its account may.
- **Amounts** are integer minor units as text, with their unit: \`{"value": "750", "currency": "<hub>/currency"}\`. \`GET /policy\`
  tells how many decimals a credit has. **Ids** are decimal snowflakes as text. **Times** are RFC 3339, UTC.
- **Lists** come in pages: follow \`Link: <…>; rel="next"\` until there is none.
- **Writes** take an \`Idempotency-Key\`: sent again, a request is not done again, and is answered alike.
- **Errors** are RFC 9457 problems (\`application/problem+json\`) with a stable \`code\`.
- **Limits**: 300 requests a minute for each token, 60 of them writes; bodies of 64 kB, \`application/json\`. Fields that are not
  described are refused.`;

/** The OpenAPI document, made once from the schemas that check what comes in. */
export function documentRoute({ app, ctx }: Api): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: `Of \`ayni token create\`. Scopes: ${SCOPES.join(", ")}.`,
  });
  let document: string | undefined;
  app.get(`${BASE}/openapi.json`, (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: "Ayni",
          version: "1",
          description: DESCRIPTION,
          license: { name: "AGPL-3.0-or-later", url: "https://www.gnu.org/licenses/agpl-3.0.html" },
        },
        servers: [{ url: ctx.hub.origin + BASE }],
        externalDocs: { url: ctx.hub.origin + BASE, description: "To read, and to try" },
      }),
    );
    c.header("Cache-Control", "no-cache");
    return c.body(document, 200, { "content-type": "application/json" });
  });
}
