import { beforeEach, expect, test } from "vitest";
import { acceptPeering, drainPeer, proposePeering } from "../../src/domain/peers/commands.ts";
import { findPeer, listPeers } from "../../src/domain/peers/queries.ts";
import { DEFAULT_TERMS } from "../../src/domain/peers/rules.ts";
import { watchPeers } from "../../src/domain/peers/watch.ts";
import { until } from "../support/clearing-hubs.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let lac: TestHub;
let mena: TestHub;
/** How LAC knows MENA. */
let id: bigint;

beforeEach(async () => {
  [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  await proposePeering(mena.ctx, mena.admin, { ...DEFAULT_TERMS, origin: lac.origin });
  await settle(lac, mena);
  const [asked] = await listPeers(lac.ctx);
  id = asked!.id;
  await acceptPeering(lac.ctx, lac.admin, id, DEFAULT_TERMS);
  await settle(lac, mena);
});

const seen = async (hub: TestHub) => (await listPeers(hub.ctx))[0]!;
const told = (kind: string) => count(lac, `notices where kind = '${kind}'`);

/** What the clock does. */
async function tick(): Promise<void> {
  expect(await watchPeers(lac.ctx)).toEqual([]);
}

/** Something between the two that is not at its end. */
async function owe(seconds: number): Promise<void> {
  await lac.database.sql`update clearing_links set out_cumulative = ${seconds}`;
}

test("a peer that was to part is parted from as soon as nothing is open, on both hubs", async () => {
  await owe(3600);
  await drainPeer(lac.ctx, lac.admin, id);
  await tick();
  expect((await findPeer(lac.ctx, id)).state).toBe("draining");
  await owe(0);
  await tick();
  await settle(lac, mena);
  expect([(await seen(lac)).state, (await seen(mena)).state]).toEqual(["closed", "closed"]);
});

test("administrators are told once that the time to part is over, and again when it was set anew", async () => {
  await owe(3600);
  await drainPeer(lac.ctx, lac.admin, id);
  await tick();
  expect(await told("peer_overdue")).toBe(0);
  lac.clock.advance(31 * DAY);
  await tick();
  await tick();
  expect(await told("peer_overdue")).toBe(1);
  await lac.database.sql`update peers set drained = ${new Date(lac.clock.now().getTime() + DAY)}`;
  lac.clock.advance(2 * DAY);
  await tick();
  await tick();
  expect(await told("peer_overdue")).toBe(2);
});

test("administrators are told once for each silence of a day", async () => {
  await mena.stop();
  lac.clock.advance(23 * HOUR);
  await tick();
  expect(await told("peer_silent")).toBe(0);
  lac.clock.advance(2 * HOUR);
  await tick();
  await tick();
  expect(await told("peer_silent")).toBe(1);
  await lac.database.sql`update clearing_links set heard = ${lac.clock.now()}`;
  await tick();
  expect((await findPeer(lac.ctx, id)).silent).toBeNull();
  lac.clock.advance(25 * HOUR);
  await tick();
  expect(await told("peer_silent")).toBe(2);
});

test("hubs that have nothing to say to each other say that they are there", async () => {
  for (let hours = 0; hours < 48; hours += 8) {
    lac.clock.advance(8 * HOUR);
    mena.clock.advance(8 * HOUR);
    lac.clearing.wake();
    mena.clearing.wake();
    const [now] = [lac.clock.now()];
    for (const hub of [lac, mena])
      await until(async () => {
        const [link] = await hub.database.sql<{ heard: Date }[]>`select heard from clearing_links`;
        return link!.heard.getTime() > now.getTime() - HOUR;
      });
    await tick();
  }
  expect(await told("peer_silent")).toBe(0);
});

test("what the currency is now is signed anew, once, and known to the peer", async () => {
  await tick();
  const before = await count(lac, "peerings where side = 'ours'");
  await lac.database.sql`update hubs set currency_rate_n = 15, currency_rate_d = 2`;
  await tick();
  await tick();
  await settle(lac, mena);
  expect(await count(lac, "peerings where side = 'ours'")).toBe(before + 1);
  expect((await seen(mena)).currency).toMatchObject({ rateN: 15n, rateD: 2n });
  expect((await seen(mena)).state).toBe("active");
});
