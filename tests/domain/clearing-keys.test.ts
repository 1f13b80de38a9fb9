import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { peerKeys, peers } from "../../src/db/schema/peers.ts";
import { createWire } from "../../src/federation/clearing/wire.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { rememberHubKey, rotateHubKey } from "../../src/federation/rotation.ts";
import {
  agree,
  balance,
  books,
  type ClearingHub,
  clearingScene,
  converge,
  pay,
  restart,
  stateOf,
} from "../support/clearing-scene.ts";
import { restoreTables, saveTables } from "../support/saved-tables.ts";

/** What the hub's processes do when they hear of another key. */
async function goOn(hub: ClearingHub): Promise<void> {
  hub.wire = await createWire(hub.ctx, createKeyring(hub.ctx));
  await restart(hub);
}

async function rotate(hub: ClearingHub): Promise<string> {
  const { key } = await rotateHubKey(hub.ctx);
  await goOn(hub);
  return key;
}

/** Administrators accept a key; its hub lists the others as its own of before. */
async function accept({ ctx, peerId }: ClearingHub, key: string, retired: string[]): Promise<void> {
  await ctx.db.update(peers).set({ key }).where(eq(peers.id, peerId));
  for (const old of retired)
    await ctx.db
      .insert(peerKeys)
      .values({ peerId, key: old, accepted: ctx.clock.now() })
      .onConflictDoNothing();
}

test("whoever lost its last days gets back what was signed with each of the keys, on either side", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  const first = (await b.ctx.db.select({ key: peers.key }).from(peers))[0]!.key;
  for (const { ctx } of [a, b]) await saveTables(ctx.db);
  const settled = async (price: bigint) => {
    const deal = await agree(a, b, price);
    await pay(deal);
    await converge(scene, 2);
    expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
    return deal;
  };
  const deals = [await settled(1_000n)];
  const second = await rotate(a);
  await accept(b, second, [first]);
  deals.push(await settled(500n));

  // The payer's hub forgets its second key, too: it is told of it, and takes a third one.
  await restoreTables(a.ctx.db);
  expect(await rememberHubKey(a.ctx, second)).toBe(true);
  expect(await rememberHubKey(a.ctx, second)).toBe(false);
  expect(await rememberHubKey(a.ctx, first)).toBe(false);
  await expect(rememberHubKey(a.ctx, "z6Mk")).rejects.toMatchObject({ code: "invalid" });
  const third = await rotate(a);
  await accept(b, third, [first, second]);
  await converge(scene, 3);
  for (const { iri } of deals) expect(await stateOf(a, iri)).toBe("committed");
  expect(await books(a)).toMatchObject({ state: "active", out_seq: "2", findings: [] });

  // The payee's hub forgets that it ever knew another one than the first.
  await restoreTables(b.ctx.db);
  await restart(b);
  await accept(b, third, [first, second]);
  await converge(scene, 3);
  for (const { iri } of deals) expect(await stateOf(b, iri)).toBe("settled");
  expect(await books(b)).toMatchObject({ state: "active", in_seq: "2", findings: [] });
  expect(await balance(b)).toEqual({ posted: 1_500n, held: 0n });
});
