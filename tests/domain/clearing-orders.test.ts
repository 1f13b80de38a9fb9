import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { peerFailed, peerReached } from "../../src/domain/clearing/work.ts";
import { peerOverview } from "../../src/domain/peers/overview.ts";
import {
  agree,
  balance,
  books,
  carry,
  clearingScene,
  deliver,
  pay,
  round,
  stateOf,
} from "../support/clearing-scene.ts";

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

test("an order that cannot be carried out waits by itself, is shown, and keeps no other one waiting", async () => {
  const scene = await clearingScene({ members: 2 });
  const { a, b } = scene;
  const [bad, good] = [await agree(a, b, 1_000n), await agree(a, b, 700n, { from: 1 })];
  await carry(scene);
  // The books do not take the one.
  await a.ctx.db.execute(sql`
    create function no_way() returns trigger language plpgsql as $$ begin raise exception 'no way'; end $$`);
  await a.ctx.db.execute(
    sql.raw(
      `create trigger no_way before update on transfers for each row when (old.id = ${bad.transferId}) execute function no_way()`,
    ),
  );
  await pay(bad);
  await pay(good);
  const first = await carry(scene);
  expect(first.failures.length).toBeGreaterThan(0);
  expect([await stateOf(a, bad.iri), await stateOf(a, good.iri)]).toEqual(["reserved", "committed"]);
  expect((await peerOverview(a.ctx, a.peerId)).problems).toContainEqual({ kind: "stuck", count: 1 });
  // Other work goes the usual way, and meets it no more.
  const third = await agree(a, b, 100n, { from: 1 });
  await carry(scene);
  await pay(third);
  expect((await carry(scene)).failures).toEqual([]);
  expect(await stateOf(b, third.iri)).toBe("settled");

  await a.ctx.db.execute(sql`drop trigger no_way on transfers`);
  scene.advance(601_000);
  await carry(scene);
  expect(await stateOf(b, bad.iri)).toBe("settled");
  expect((await peerOverview(a.ctx, a.peerId)).problems).toEqual([]);
});

test("a peer that refuses what we say is not reached by being heard: that ends when it takes something", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  await peerFailed(a.ctx, a.peerId, "key_changed");
  const deal = await agree(b, a, 500n);
  await deliver(a, ...(await round(b, a)).bodies);
  await round(a, b);
  const link = async () =>
    (
      await a.ctx.db.execute(sql`select failure, failures, resting is not null as rests from clearing_links`)
    )[0];
  expect(await link()).toEqual({ failure: "key_changed", failures: 1, rests: true });
  expect(await stateOf(a, deal.iri)).toBe("prepared");
  await peerReached(a.ctx, a.peerId);
  expect(await link()).toEqual({ failure: null, failures: 0, rests: false });
  // What was only in the way is over when the peer is heard.
  await peerFailed(a.ctx, a.peerId, "timeout");
  scene.advance(60_000);
  await deliver(a, ...(await round(b, a)).bodies);
  await round(a, b);
  expect(await link()).toEqual({ failure: null, failures: 0, rests: false });
});
