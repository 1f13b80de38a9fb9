import { expect, test } from "vitest";
import { createToken } from "../../src/domain/accounts/commands.ts";
import { violations, visit } from "../support/browser.ts";
import { startHub } from "../support/hub.ts";

const PAGE = "/api/ayni/v1";

test("the API can be tried on its page, with a token that stays in the tab", async () => {
  const hub = await startHub();
  const raices = await hub.organization("raices");
  const token = await createToken(hub.ctx, raices, ["exchange:read", "exchange:write"]);
  const reader = await visit(hub, { locale: "ar", expected: [401, 422] });
  const { page, context } = reader;
  await page.goto(`${PAGE}#publishProposal`);
  expect(await violations(hub, reader)).toEqual([]);

  const publish = page.locator("#publishProposal");
  const answer = publish.locator("form pre");
  await publish.getByRole("button", { name: "Send" }).click();
  await answer.getByText("token_required").waitFor();
  await page.getByLabel("Token").fill(token);
  await publish.getByLabel("Body").fill('{"purpose":"offer"}');
  await publish.getByRole("button", { name: "Send" }).click();
  await answer.getByText('"code": "required"').waitFor();

  await page.reload();
  expect(await page.getByLabel("Token").inputValue()).toBe(token);
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 1]);
  expect((await context.cookies()).filter(({ value }) => value.includes(token))).toEqual([]);
  // The example is right as it stands.
  await publish.getByRole("button", { name: "Send" }).click();
  await answer.getByText('"state": "open"').waitFor();
  const id = /"id": "(\d+)"/.exec((await answer.textContent()) ?? "")?.[1] ?? "";

  const pause = page.locator("#pauseProposal");
  await pause.locator("summary").click();
  await pause.getByLabel("id").fill(id);
  await pause.getByRole("button", { name: "Send" }).click();
  await pause.locator("form pre").getByText('"state": "paused"').waitFor();
  expect(await violations(hub, reader)).toEqual([]);
});

test("without a script the page is documentation, with commands to copy", async () => {
  const hub = await startHub();
  const { page } = await visit(hub, { javaScript: false });
  await page.goto(PAGE);
  const offer = page.locator("#offerAgreement");
  await offer.locator("summary").click();
  expect(await offer.locator("pre").first().textContent()).toMatch(
    new RegExp(
      `^curl -X POST ${hub.origin}/api/ayni/v1/agreements \\\\\\n  -H "Authorization: Bearer \\$TOKEN"`,
    ),
  );
  expect(await page.locator("form[data-method]:visible, #api-token:visible").count()).toBe(0);
  expect(await page.locator("#problem-insufficient_credit").count()).toBe(1);
});
