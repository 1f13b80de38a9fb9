import { expect, test } from "vitest";
import { orderAbort } from "../../src/domain/clearing/orders.ts";
import { transact } from "../../src/domain/transact.ts";
import { agree, balance, books, carry, clearingScene, pay, stateOf } from "../support/clearing-scene.ts";

test("from reservation to checkpoint: the payer has paid, the payee was paid, the hubs owe one another what crossed", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  const deal = await agree(a, b, 1_000n);
  expect(await balance(a)).toEqual({ posted: 0n, held: deal.quote.payer });
  expect(await carry(scene)).toMatchObject({ failures: [] });
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["reserved", "prepared"]);
  expect(await books(b)).toMatchObject({
    prepared: `${deal.quote.seconds}`,
    prepared_count: 1,
    findings: [],
  });
  await pay(deal);
  expect(await carry(scene)).toMatchObject({ failures: [] });
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
  expect(await balance(a)).toEqual({ posted: -deal.quote.payer, held: 0n });
  expect(await balance(b)).toEqual({ posted: 1_000n, held: 0n });
  const seconds = `${deal.quote.seconds}`;
  expect(await books(a)).toMatchObject({
    out_seq: "1",
    acked_seq: "1",
    clearing: seconds,
    open: "0",
    findings: [],
  });
  expect(await books(b)).toMatchObject({
    in_seq: "1",
    prepared: "0",
    clearing: `-${seconds}`,
    open: "0",
    findings: [],
  });
});

test("a payer who takes it back gets the hold back, and the peer its room", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  const deal = await agree(a, b, 1_000n);
  await carry(scene);
  await transact(a.ctx, (ctx) =>
    orderAbort(ctx, deal.transferId, { reason: "withdrawn", decision: "cancel", accountId: null }),
  );
  expect(await carry(scene)).toMatchObject({ failures: [] });
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual([
    "aborted: withdrawn",
    "released",
  ]);
  expect(await balance(a)).toEqual({ posted: 0n, held: 0n });
  expect(await books(a)).toMatchObject({ open: "0", findings: [] });
  expect(await books(b)).toMatchObject({ prepared: "0", prepared_count: 0, findings: [] });
});
