import { expect, test } from "vitest";
import { createToken } from "../../src/domain/accounts/commands.ts";
import { translator } from "../../src/locales/index.ts";
import { apiClient } from "../support/api-client.ts";
import { elementById, textOf, typedIn } from "../support/html.ts";
import { account, startHub } from "../support/hub.ts";
import { loggedIn } from "../support/visitor.ts";

const t = translator("es");
const PATH = "/settings/tokens";

test("a key is made, shown once, used, and revoked", async () => {
  const hub = await startHub();
  await hub.organization("raices");
  const ana = await loggedIn(hub);
  const fields = { as: "raices", "exchange:read": "on", "ledger:read": "on" };

  const empty = await ana.submit(PATH, { as: "raices" });
  expect(empty.status).toBe(422);
  expect(textOf(elementById(empty.body, "field-scopes-error"))).toBe(t("errors.required"));
  expect(typedIn(empty.body, "as")).toBe("raices");

  const made = await ana.submit(PATH, fields);
  expect([made.status, made.headers["cache-control"]]).toEqual([200, "private, no-store"]);
  const [secret = ""] = /ayni_[\w-]{43}/.exec(made.body) ?? [];
  const page = (await ana.get(PATH)).body;
  expect(secret).not.toBe("");
  for (const { body } of [{ body: page }, await ana.get("/me")]) expect(body).not.toContain(secret);
  expect(textOf(page)).toContain("Como Organization raices");
  expect(textOf(page)).toContain(`${t("tokens.exchange_read")} · ${t("tokens.ledger_read")}`);

  const program = await apiClient(hub, null);
  const asked = () => program.get("/ledger", { authorization: `Bearer ${secret}` });
  expect((await asked()).status).toBe(200);

  const [revoke = ""] = /\/settings\/tokens\/\w+\/revoke/.exec(page) ?? [];
  await account(hub, "berta");
  expect((await (await loggedIn(hub, "berta")).submit(revoke, {})).status).toBe(404);
  expect((await asked()).status).toBe(200);
  const revoked = await ana.submit(revoke, {});
  expect([revoked.status, revoked.headers.location]).toEqual([303, PATH]);
  expect((await asked()).status).toBe(401);
  expect((await ana.get(PATH)).body).not.toContain("/revoke");
  expect((await ana.submit(revoke, {})).status).toBe(404);
});

test("an account has no more keys than are listed", async () => {
  const hub = await startHub();
  const ana = await loggedIn(hub);
  for (let made = 0; made < 100; made++) await createToken(hub.ctx, hub.admin, ["exchange:read"]);
  const refused = await ana.submit(PATH, { as: "ana", "exchange:read": "on" });
  expect(refused.status).toBe(422);
  expect(textOf(refused.body)).toContain(t("errors.too_many", { max: 100 }));
  expect(refused.body).not.toMatch(/ayni_[\w-]{43}/);
  const [revoke = ""] = /\/settings\/tokens\/\w+\/revoke/.exec(refused.body) ?? [];
  await ana.submit(revoke, {});
  expect((await ana.submit(PATH, { as: "ana", "exchange:read": "on" })).status).toBe(200);
});
