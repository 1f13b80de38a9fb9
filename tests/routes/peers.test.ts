import { expect, test } from "vitest";
import { listPeers } from "../../src/domain/peers/queries.ts";
import { settle, startHubs, type TestHub } from "../support/hub.ts";
import { loggedIn, visitor } from "../support/visitor.ts";

test("administrators propose, agree and revise by forms alone; everybody sees the totals", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const [here, there] = [await loggedIn(lac), await loggedIn(mena)];
  const terms = { quoteDays: "10", disputeDays: "14", settleDays: "14", drainDays: "30", as: "ana" };
  const limits = { mayBeOwed: "20,5", mayOwe: "10" };
  const wrong = await here.submit("/admin/peers/new", {
    ...terms,
    ...limits,
    origin: mena.origin,
    mayOwe: "x",
  });
  expect(wrong.status).toBe(422);
  const sent = await here.submit("/admin/peers/new", { ...terms, ...limits, origin: mena.origin });
  expect(sent.status).toBe(303);
  await settle(lac, mena);
  const id = (await listPeers(mena.ctx))[0]!.id;
  for (const path of [`/admin/peers/${id}`, `/admin/peers/${id}/accept`, "/admin/peers", "/admin"])
    expect((await there.get(path)).status, path).toBe(200);
  const agreed = await there.submit(`/admin/peers/${id}/accept`, { ...terms, mayBeOwed: "5", mayOwe: "50" });
  expect(agreed.status).toBe(303);
  await settle(lac, mena);
  const [peer] = await listPeers(lac.ctx);
  expect(peer).toMatchObject({ state: "active", weMayOwe: 18_000n, theyMayOwe: 73_800n, quoteDays: 10 });
  expect((await here.get(`/admin/peers/${peer!.id}`)).status).toBe(200);
  expect((await here.get(`/admin/peers/${peer!.id}/evidence.json`)).status).toBe(200);
  expect((await here.get(`/admin/peers/${peer!.id}/nothing`)).status).toBe(404);
  expect((await visitor(lac).get("/peers")).body).toContain(mena.host);
  expect([401, 302]).toContain((await visitor(lac).get("/admin/peers")).status);
  const api = await visitor(lac).get("/api/ayni/v1/peers");
  expect(JSON.parse(api.body)).toMatchObject([{ origin: mena.origin, state: "active", weMayOwe: "18000" }]);
});
