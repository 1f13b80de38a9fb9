import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { accounts } from "../../src/db/schema/accounts.ts";
import { decideVoucher, requestVoucher } from "../../src/domain/ledger/vouchers.ts";
import { lend } from "../support/credits.ts";
import { publish } from "../support/exchange.ts";
import { account, startHub } from "../support/hub.ts";
import { loggedIn } from "../support/visitor.ts";

test("who cannot pay yet is shown the way to a voucher, which is chosen where credits do not suffice", async () => {
  const hub = await startHub();
  const [poor, giver] = [await hub.organization("warmi"), await hub.organization("semilla")];
  const member = await loggedIn(hub);
  await member.submit("/acting", { as: "warmi" });
  const form = `/agreements/new?proposal=${await publish(hub.ctx, giver, { price: "5" })}`;
  const wayToVoucher = '<a class="button button-quiet" href="/vouchers">';
  expect((await member.get(form)).body).toContain(wayToVoucher);

  const { id } = await requestVoucher(hub.ctx, poor, { amount: "8", purpose: "Estatutos" });
  await decideVoucher(hub.ctx, poor, id, { approve: true });
  const chosen = (body: string) =>
    body.match(/<input[^>]*name="voucher"[^>]*>/g)?.find((input) => input.includes("checked"));
  expect(chosen((await member.get(form)).body)).toContain(`value="${id}"`);
  await lend(hub.ctx, poor, 10_000n);
  const able = (await member.get(form)).body;
  expect(chosen(able)).toContain('value=""');
  expect(able).not.toContain(wayToVoucher);
});

test("a curator's list holds only what a curator may open", async () => {
  const hub = await startHub();
  const carla = await account(hub, "carla");
  await hub.ctx.db.update(accounts).set({ role: "curator" }).where(eq(accounts.id, carla.accountId));
  const curator = await loggedIn(hub, "carla");
  const links = (await curator.get("/admin")).body.match(/(?<=href=")\/admin\/[^"]+/g) ?? [];
  expect(links).toContain("/admin/vouchers");
  for (const link of links) expect((await curator.get(link)).status, link).toBe(200);
});
