import { expect, test } from "vitest";
import { agree, balance, books, carry, clearingScene, pay, stateOf } from "../support/clearing-scene.ts";

test("what is ordered to be paid before the peer was asked is asked for first, and then paid", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  const deal = await agree(a, b, 1_000n);
  await pay(deal);
  await carry(scene);
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
  expect(await balance(b)).toEqual({ posted: 1_000n, held: 0n });
  expect(await books(a)).toMatchObject({ out_seq: "1", acked_seq: "1", findings: [] });
});
