import { beforeEach, expect, test } from "vitest";
import {
  acceptPeering,
  closePeer,
  drainPeer,
  freezePeer,
  proposePeering,
  rejectPeering,
  revisePeering,
  unfreezePeer,
} from "../../src/domain/peers/commands.ts";
import { listPeers, type Peer } from "../../src/domain/peers/queries.ts";
import { DEFAULT_TERMS } from "../../src/domain/peers/rules.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";

const HOUR = 3600n;
let lac: TestHub;
let mena: TestHub;

beforeEach(async () => {
  [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
});

/** How a hub sees the other one. */
async function seen(hub: TestHub): Promise<Peer | undefined> {
  const [peer, ...others] = await listPeers(hub.ctx);
  expect(others).toEqual([]);
  return peer;
}

function propose(from: TestHub, to: TestHub, terms: Partial<typeof DEFAULT_TERMS> = {}) {
  return proposePeering(from.ctx, from.admin, { ...DEFAULT_TERMS, ...terms, origin: to.origin });
}

/** Proposed by the first, accepted by the second. */
async function peered(): Promise<[bigint, bigint]> {
  const here = await propose(lac, mena);
  await settle(lac, mena);
  const there = (await seen(mena))!.id;
  await acceptPeering(mena.ctx, mena.admin, there, DEFAULT_TERMS);
  await settle(lac, mena);
  return [here, there];
}

const notices = async (hub: TestHub) =>
  (await hub.database.sql<{ kind: string }[]>`select kind from notices order by id`).map(({ kind }) => kind);

test("a proposal that is accepted makes an active peering on both hubs, with the smaller of both limits", async () => {
  const here = await propose(lac, mena, { mayBeOwed: 80n * HOUR, mayOwe: 30n * HOUR, quoteDays: 10 });
  expect(await seen(lac)).toMatchObject({ id: here, state: "proposed", theyMayOwe: 0n, weMayOwe: 0n });
  await settle(lac, mena);
  const asked = await seen(mena);
  expect(asked).toMatchObject({
    state: "asked",
    origin: lac.origin,
    iri: `${lac.origin}/actor`,
    theyMayOwe: 0n,
    weMayOwe: 0n,
    currency: { iri: `${lac.origin}/currency`, symbol: "₳", scale: 2, rateN: 1n, rateD: 1n },
  });
  expect(await notices(mena)).toEqual(["peering_asked"]);
  const own = { ...DEFAULT_TERMS, mayBeOwed: 50n * HOUR, mayOwe: 60n * HOUR, disputeDays: 7, drainDays: 60 };
  await acceptPeering(mena.ctx, mena.admin, asked!.id, own);
  await settle(lac, mena);

  const days = { quoteDays: 10, disputeDays: 7, settleDays: 14, drainDays: 60 };
  expect(await seen(lac)).toMatchObject({
    ...{ state: "active", theirState: "active", theyMayOwe: 60n * HOUR, weMayOwe: 30n * HOUR, ...days },
    currency: { iri: `${mena.origin}/currency` },
  });
  expect(await seen(mena)).toMatchObject({
    ...{ state: "active", theyMayOwe: 30n * HOUR, weMayOwe: 60n * HOUR, ...days },
  });
  expect(await notices(lac)).toEqual(["peering_accepted"]);
  for (const hub of [lac, mena]) {
    expect(await count(hub, "clearing_links")).toBe(1);
    expect(await count(hub, "peer_copies")).toBe(1);
    expect(await count(hub, "ledger_accounts where kind in ('conversion', 'clearing')")).toBe(3);
    expect(await count(hub, "peerings")).toBe(2);
  }
  // Both keep the same two texts, byte for byte.
  const texts = (hub: TestHub) => hub.database.sql`select body, digest from peerings order by digest`;
  expect(await texts(lac)).toEqual(await texts(mena));
});

test("hubs that propose to each other at the same time are peers, and one that asks again is answered again", async () => {
  await Promise.all([propose(lac, mena, { mayOwe: 10n * HOUR }), propose(mena, lac)]);
  await settle(lac, mena);
  expect(await seen(lac)).toMatchObject({ state: "active", weMayOwe: 10n * HOUR, theyMayOwe: 50n * HOUR });
  expect(await seen(mena)).toMatchObject({ state: "active", theyMayOwe: 10n * HOUR, weMayOwe: 50n * HOUR });
});

test("who proposes to a hub that has asked agrees to it", async () => {
  await propose(lac, mena);
  await settle(lac, mena);
  await propose(mena, lac);
  await settle(lac, mena);
  expect([(await seen(lac))?.state, (await seen(mena))?.state]).toEqual(["active", "active"]);
});

test("a new revision is in force on both as far as both allow", async () => {
  const [here, there] = await peered();
  await revisePeering(lac.ctx, lac.admin, here, { ...DEFAULT_TERMS, mayBeOwed: 5n * HOUR, quoteDays: 3 });
  expect(await seen(lac)).toMatchObject({ theyMayOwe: 5n * HOUR, weMayOwe: 50n * HOUR, quoteDays: 3 });
  await settle(lac, mena);
  expect(await seen(mena)).toMatchObject({ weMayOwe: 5n * HOUR, theyMayOwe: 50n * HOUR, quoteDays: 3 });
  expect(await notices(mena)).toContain("peering_revised");
  await revisePeering(mena.ctx, mena.admin, there, { ...DEFAULT_TERMS, mayOwe: 100n * HOUR });
  await settle(lac, mena);
  expect(await seen(lac)).toMatchObject({ theyMayOwe: 5n * HOUR });
});

test("a refused proposal is refused on both, and may be made again", async () => {
  await propose(lac, mena);
  await settle(lac, mena);
  await rejectPeering(mena.ctx, mena.admin, (await seen(mena))!.id, "Antes nos conocemos.");
  await settle(lac, mena);
  expect(await seen(lac)).toMatchObject({ state: "rejected", note: "Antes nos conocemos." });
  expect(await seen(mena)).toMatchObject({ state: "rejected" });
  await propose(lac, mena);
  await settle(lac, mena);
  expect(await seen(mena)).toMatchObject({ state: "asked" });
});

test("a proposal that is taken back is gone on both", async () => {
  const here = await propose(lac, mena);
  await settle(lac, mena);
  await closePeer(lac.ctx, lac.admin, here);
  await settle(lac, mena);
  expect([(await seen(lac))?.state, (await seen(mena))?.state]).toEqual(["closed", "closed"]);
  await expect(
    acceptPeering(mena.ctx, mena.admin, (await seen(mena))!.id, DEFAULT_TERMS),
  ).rejects.toMatchObject({
    code: "not_now",
  });
});

test("the other side learns of draining and freezing, and of their end; what is frozen shakes hands anew", async () => {
  const [here] = await peered();
  await drainPeer(lac.ctx, lac.admin, here);
  await settle(lac, mena);
  expect(await seen(mena)).toMatchObject({ state: "active", theirState: "draining" });
  const epoch = async () =>
    (
      await lac.database.sql<{ epoch: bigint; ready: boolean }[]>`select epoch, ready from clearing_links`
    )[0]!;
  const before = await epoch();
  await freezePeer(lac.ctx, lac.admin, here, "We look into it.");
  await settle(lac, mena);
  expect(await seen(mena)).toMatchObject({ theirState: "frozen" });
  await unfreezePeer(lac.ctx, lac.admin, here, "All is well.");
  await settle(lac, mena);
  expect(await seen(lac)).toMatchObject({ state: "active", reason: null });
  expect(await seen(mena)).toMatchObject({ theirState: "active" });
  const after = await epoch();
  expect([after.ready, after.epoch > before.epoch]).toEqual([true, true]);
});

test("nobody parts while something is owed; one who is parted from drains until nothing is", async () => {
  const [here, there] = await peered();
  await lac.database.sql`update clearing_links set out_cumulative = 3600, out_seq = 1, acked_seq = 1`;
  await mena.database.sql`update clearing_links set in_cumulative = 3600, in_seq = 1`;
  await expect(closePeer(lac.ctx, lac.admin, here)).rejects.toMatchObject({
    code: "peer_not_settled",
    details: { obstacles: "owed" },
  });
  await lac.database.sql`update clearing_links set in_cumulative = 3600, in_seq = 1`;
  await closePeer(lac.ctx, lac.admin, here);
  await settle(lac, mena);
  expect(await seen(lac)).toMatchObject({ state: "closed", theyMayOwe: 0n, weMayOwe: 0n });
  // It has not heard yet that it is even.
  expect(await seen(mena)).toMatchObject({ state: "draining", theirState: "closed" });
  await mena.database.sql`update clearing_links set out_cumulative = 3600, out_seq = 1, acked_seq = 1`;
  await closePeer(mena.ctx, mena.admin, there);
  expect(await seen(mena)).toMatchObject({ state: "closed" });
});

test("only administrators decide", async () => {
  const [here] = await peered();
  const { account } = await import("../support/hub.ts");
  const member = await account(lac, "rosa");
  for (const attempt of [
    () => proposePeering(lac.ctx, member, { ...DEFAULT_TERMS, origin: mena.origin }),
    () => revisePeering(lac.ctx, member, here, DEFAULT_TERMS),
    () => drainPeer(lac.ctx, member, here),
    () => freezePeer(lac.ctx, member, here, "no"),
    () => closePeer(lac.ctx, member, here),
  ])
    await expect(attempt()).rejects.toMatchObject({ code: "forbidden" });
  expect(await seen(lac)).toMatchObject({ state: "active" });
});
