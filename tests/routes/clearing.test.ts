import { expect, test } from "vitest";
import { createToken } from "../../src/domain/accounts/commands.ts";
import { loadPublicKeys } from "../../src/domain/actors/keys.ts";
import { actorById } from "../../src/domain/actors/queries.ts";
import { publishTotals } from "../../src/domain/clearing/totals.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { checkStatement, writeQuery } from "../../src/federation/clearing/statement.ts";
import { signTotals } from "../../src/federation/clearing/totals.ts";
import { createWire } from "../../src/federation/clearing/wire.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { type JsonObject, verifyProof } from "../../src/federation/proofs.ts";
import { account, startHub, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

const wire = (hub: TestHub) => createWire(hub.ctx, createKeyring(hub.ctx));

test("a statement is read by administrators and by the peer whose it is, and by nobody else", async () => {
  const [a, b, c] = (await startHubs(3)) as [TestHub, TestHub, TestHub];
  await makePeers(a, b);
  await makePeers(a, c);
  const url = `${a.origin}/clearing/${b.host}/statement`;
  const get = (token?: string) =>
    fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const ask = (body: string) => fetch(url, { method: "POST", body });

  expect((await get()).status).toBe(401);
  expect((await get("ayni_nothing")).status).toBe(401);
  const luz = await account(a, "luz");
  expect((await get(await createToken(a.ctx, luz, ["read"]))).status).toBe(403);
  const token = await createToken(a.ctx, a.admin, ["read"]);
  const mine = await get(token);
  expect([mine.status, mine.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
  expect(checkStatement(await mine.text()).problems).toEqual([]);
  const nobody = await fetch(`${a.origin}/clearing/nobody.example/statement`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(nobody.status).toBe(404);

  const [ours, theirs, others] = [await wire(a), await wire(b), await wire(c)];
  const now = new Date();
  const answer = await ask(writeQuery(theirs, ours.hub, now));
  expect(answer.status).toBe(200);
  expect(checkStatement(await answer.text())).toMatchObject({
    problems: [],
    statement: { reader: theirs.hub },
  });
  // Another peer's question, one that is old, one for another hub, a stranger's, none, and too much.
  expect((await ask(writeQuery(others, ours.hub, now))).status).toBe(401);
  expect((await ask(writeQuery({ ...others, hub: theirs.hub }, ours.hub, now))).status).toBe(401);
  expect((await ask(writeQuery(theirs, ours.hub, new Date(now.getTime() - 600_000)))).status).toBe(401);
  expect((await ask(writeQuery(theirs, others.hub, now))).status).toBe(401);
  expect((await ask("{}")).status).toBe(401);
  expect((await ask("x".repeat(20_000))).status).toBe(413);
});

test("totals are written once a day, signed, without a name, and add up to nothing", async () => {
  const hub = await startHub();
  await hub.organization("raices");
  const { hub: iri, key } = await wire(hub);
  const sign = async (totals: Parameters<typeof signTotals>[0]) =>
    signTotals(totals, { hub: iri, origin: hub.origin, key });
  // Whoever dies while signing leaves nothing; two at once leave one row.
  const dead = publishTotals(hub.ctx, () => Promise.reject(new Error("killed")));
  await expect(dead).rejects.toThrow("killed");
  await Promise.all([1, 2, 3].map(() => publishTotals(hub.ctx, sign)));
  const today = hub.clock.now().toISOString().slice(0, 10);
  const first = await fetch(`${hub.origin}/ledger/totals/${today}`);
  expect(first.status).toBe(200);
  const text = await first.text();
  const totals = JSON.parse(text) as JsonObject;
  const { actorId } = await localHub(hub.ctx);
  expect(verifyProof(totals, (await loadPublicKeys(hub.ctx, actorId)).ed25519.key)).toBe(true);
  expect(totals).toMatchObject({
    attributedTo: (await actorById(hub.ctx, actorId)).iri,
    "ayni:day": today,
    "ayni:positive": "0",
    "ayni:negative": "0",
    "ayni:peers": 0,
  });
  expect(text).not.toMatch(/raices/i);

  for (let day = 0; day < 35; day++) {
    hub.clock.advance(86_400_000);
    await publishTotals(hub.ctx, sign);
    await publishTotals(hub.ctx, sign);
  }
  const page = async (url: string) =>
    (await (await fetch(url)).json()) as { totals: { "ayni:day": string }[]; next: string | null };
  const newest = await page(`${hub.origin}/ledger/totals`);
  const oldest = await page(newest.next!);
  const days = [...newest.totals, ...oldest.totals].map((one) => one["ayni:day"]);
  expect([days.length, new Set(days).size, days.at(-1), oldest.next]).toEqual([36, 36, today, null]);
  expect(days).toEqual([...days].sort().reverse());
  for (const [path, status] of [
    ["1999-01-01", 404],
    ["2026-02-31", 404],
    ["x", 404],
  ] as const)
    expect((await fetch(`${hub.origin}/ledger/totals/${path}`)).status).toBe(status);
  expect((await fetch(`${hub.origin}/ledger/totals?before=x`)).status).toBe(400);
});
