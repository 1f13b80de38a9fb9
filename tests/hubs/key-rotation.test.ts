import { expect, test, vi } from "vitest";
import { acceptKey } from "../../src/domain/peers/commands.ts";
import { findPeer } from "../../src/domain/peers/queries.ts";
import { createWire } from "../../src/federation/clearing/wire.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { rotateHubKey } from "../../src/federation/rotation.ts";
import { until } from "../support/clearing-hubs.ts";
import { agree, books, type ClearingHub, type Deal, pay, stateOf } from "../support/clearing-scene.ts";
import { organizations } from "../support/exchange.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

vi.setConfig({ testTimeout: 240_000 });

/** Two hubs and an organization on each; `a` (on `lac`) pays `b` (on `mena`). */
async function scene() {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const ids = await makePeers(lac, mena);
  const known = async (hub: TestHub, peerId: bigint, name: string): Promise<ClearingHub> => ({
    ...{ ctx: hub.ctx, database: hub.database, admin: hub.admin, peerId, nonce: "" },
    wire: await createWire(hub.ctx, createKeyring(hub.ctx)),
    members: await organizations(hub.ctx, hub.admin, 1, 1_000_000n, name),
  });
  const [a, b] = [await known(lac, ids[0], "lac"), await known(mena, ids[1], "mena")];
  const quiet = () => settle(lac, mena);
  await quiet();
  /** Both hubs go on, with time passing, until something is so. */
  const goOn = (condition: () => Promise<boolean>) =>
    until(async () => {
      for (const hub of [lac, mena]) hub.clock.advance(31_000);
      await quiet();
      return condition();
    });
  const settled = async (deal: Deal) => {
    await goOn(async () => (await stateOf(b, deal.iri)) === "prepared");
    await pay(deal);
    await goOn(async () => (await stateOf(b, deal.iri)) === "settled");
  };
  return { lac, mena, a, b, goOn, settled };
}

const failureOf = async (hub: TestHub) =>
  (await hub.database.sql<{ failure: string | null }[]>`select failure from clearing_links`)[0]!.failure;

test("a hub's new key is refused and shown until people accept it; then all goes on, and nothing is lost", async () => {
  const { lac, mena, a, b, goOn, settled } = await scene();
  await settled(await agree(a, b, 1_000n));
  const { key, before } = await rotateHubKey(lac.ctx);
  // Until it has heard of it, the deciding process signs with the old key, which the peer still believes.
  await settle(lac);
  const waiting = await agree(a, b, 500n);
  await goOn(async () => (await findPeer(mena.ctx, b.peerId)).state === "frozen");
  expect(await findPeer(mena.ctx, b.peerId)).toMatchObject({
    reason: "key_changed",
    key: before,
    newKey: key,
  });
  expect(await count(mena, "notices where kind = 'peer_key_changed'")).toBe(1);
  await goOn(async () => (await failureOf(lac)) === "key_changed");
  expect(await stateOf(b, waiting.iri)).toBeNull();

  // Everybody can see which keys the hub had, and since when not any more.
  const document = (await (
    await fetch(`${lac.origin}/actor`, { headers: { accept: "application/activity+json" } })
  ).json()) as { assertionMethod: { id: string; publicKeyMultibase: string; revoked?: string }[] };
  expect(
    document.assertionMethod.map(({ publicKeyMultibase, revoked }) => [
      publicKeyMultibase,
      revoked === undefined,
    ]),
  ).toEqual([
    [key, true],
    [before, false],
  ]);
  expect(document.assertionMethod[1]!.id).toMatch(/#ed25519-key$/);

  await acceptKey(mena.ctx, mena.admin, b.peerId, key);
  await settled(waiting);
  await goOn(async () => (await failureOf(lac)) === null);
  expect(await books(a)).toMatchObject({ state: "active", out_seq: "2", findings: [] });
  expect(await books(b)).toMatchObject({ state: "active", in_seq: "2", findings: [] });
});
