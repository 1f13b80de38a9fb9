import { expect, test, vi } from "vitest";
import { createWire } from "../../src/federation/clearing/wire.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { proveObject } from "../../src/federation/proofs.ts";
import { envelope, postClearing, signer, until } from "../support/clearing-hubs.ts";
import { type Road, startRoad } from "../support/clearing-road.ts";
import { agree, balance, books, type ClearingHub, pay, stateOf } from "../support/clearing-scene.ts";
import { organizations } from "../support/exchange.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

// Hubs, clocks and roads that lose things: on a busy machine it takes its time.
vi.setConfig({ testTimeout: 180_000 });

const HOUR = 3_600_000;

interface Scene {
  lac: TestHub;
  mena: TestHub;
  /** The same hubs, as the helpers of clearing know them: `a` pays `b`. */
  a: ClearingHub;
  b: ClearingHub;
  /** What `lac` posts to `mena` goes this way, and the other way back. */
  there: Road;
  back: Road;
  quiet(): Promise<void>;
}

/** Two whole hubs, peers, with an organization each; all that they post to one another can be seen, lost and doubled. */
async function scene({ limit = 3_600_000n } = {}): Promise<Scene> {
  const [there, back] = [await startRoad(), await startRoad()];
  const [lac, mena] = (await startHubs(2, { allow: [there.host, back.host] })) as [TestHub, TestHub];
  [there.target, back.target] = [mena.origin, lac.origin];
  const ids = await makePeers(lac, mena, { limit });
  await lac.database.sql`update peers set clearing = ${`http://${there.host}/clearing`}`;
  await mena.database.sql`update peers set clearing = ${`http://${back.host}/clearing`}`;
  const known = async (hub: TestHub, peerId: bigint, name: string): Promise<ClearingHub> => ({
    ...{ ctx: hub.ctx, database: hub.database, admin: hub.admin, peerId, nonce: "" },
    wire: await createWire(hub.ctx, createKeyring(hub.ctx)),
    members: await organizations(hub.ctx, hub.admin, 1, 1_000_000n, name),
  });
  const [a, b] = [await known(lac, ids[0], "lac"), await known(mena, ids[1], "mena")];
  const quiet = () => settle(lac, mena);
  await quiet();
  return { lac, mena, a, b, there, back, quiet };
}

const link = async (hub: TestHub) => (await hub.database.sql`select * from clearing_links`)[0]!;

/** Everything that clearing has written down on a hub, and what its members have. */
async function all(hub: TestHub, known: ClearingHub) {
  const [row] = await hub.database.sql`
    select (select count(*) from clearing_entries) as entries, (select count(*) from clearing_evidence) as evidence,
      (select count(*) from entries) as postings, (select string_agg(iri || state, ',' order by iri) from clearing_transfers) as states`;
  return { ...row, balance: await balance(known), books: await books(known) };
}

test("what is ordered on one hub is settled on both, over HTTP, by itself", async () => {
  const { lac, mena, a, b, quiet } = await scene();
  expect([(await link(lac)).ready, (await link(mena)).ready]).toEqual([true, true]);
  const deal = await agree(a, b, 1_000n);
  await quiet();
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["reserved", "prepared"]);
  await pay(deal);
  await quiet();
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
  expect(await books(a)).toMatchObject({ state: "active", out_seq: "1", acked_seq: "1", findings: [] });
  expect(await books(b)).toMatchObject({ state: "active", in_seq: "1", prepared: "0", findings: [] });
  const [{ heard, failure }] = [await link(lac)];
  expect([heard === null, failure]).toEqual([false, null]);
});

test("envelopes that come again, altered or signed by others change nothing, twenty times over", async () => {
  const { lac, mena, a, b, there, quiet } = await scene();
  const deal = await agree(a, b, 1_000n);
  await quiet();
  await pay(deal);
  await quiet();
  const before = await all(mena, b);
  const said = [...there.bodies];
  expect(said.some((body) => body.includes("ayni:LedgerEntry"))).toBe(true);

  for (let time = 0; time < 20; time++)
    for (const body of said.toReversed())
      expect([202, 429]).toContain((await postClearing(mena, body)).status);
  await quiet();
  expect(await all(mena, b)).toEqual(before);

  const altered = said.flatMap((body) => [
    body.replace(/"ayni:payeeAmount":"1/, '"ayni:payeeAmount":"9'),
    body.replace(/"ayni:seq":"1"/, '"ayni:seq":"2"'),
    body.replace(/"ayni:epoch":"/, '"ayni:epoch":"9'),
    body.replace(/"published":"20/, '"published":"21'),
  ]);
  for (const body of altered) {
    if (said.includes(body)) continue;
    const { status, problem } = await postClearing(mena, body);
    expect([status, problem?.code]).toEqual([401, "bad_proof"]);
  }
  // The documents are another's, only the envelope is the sender's own.
  const { iri, key } = await signer(lac);
  const entry = JSON.parse(said.find((body) => body.includes("ayni:LedgerEntry"))!).orderedItems.find(
    (item: { type: string }) => item.type === "Create",
  ).object;
  const { proof: _, ...bare } = entry;
  const forged = proveObject(
    { ...bare, "ayni:seq": "2" },
    { ...(await signer(mena)).key, id: `${iri}#ed25519-key` },
    lac.clock.now(),
  );
  const { proof: _proof, ...around } = JSON.parse(await envelope(lac, mena));
  const { peer_epoch, peer_nonce } = await link(mena);
  for (let time = 0; time < 20; time++) {
    const body = proveObject(
      {
        ...{ ...around, "ayni:epoch": `${peer_epoch}`, "ayni:nonce": peer_nonce },
        orderedItems: [{ type: "Create", object: forged }],
      },
      key,
      lac.clock.now(),
    );
    expect((await postClearing(mena, JSON.stringify(body))).status).toBe(202);
  }
  await quiet();
  expect(await all(mena, b)).toEqual(before);
});

test("twenty settlements end once each on a road that loses, doubles and delays", async () => {
  const { lac, mena, a, b, there, back, quiet } = await scene();
  let n = 0;
  const road = () => [1, 0, 2, 1, 3][n++ % 5]!;
  there.copies = road;
  back.copies = road;
  const deals = [];
  for (let time = 0; time < 20; time++) deals.push(await agree(a, b, 100n));
  const goOn = async () => {
    await quiet();
    lac.clock.advance(31_000);
    mena.clock.advance(31_000);
  };
  await until(async () => {
    await goOn();
    return (await count(mena, "clearing_transfers where state = 'prepared'")) === 20;
  });
  for (const deal of deals) await pay(deal);
  await until(async () => {
    await goOn();
    const [{ acked_seq }] = [await link(lac)];
    return (await count(mena, "clearing_transfers where state = 'settled'")) === 20 && acked_seq === 20n;
  });
  expect(await books(a)).toMatchObject({ state: "active", out_seq: "20", acked_seq: "20", findings: [] });
  expect(await books(b)).toMatchObject({ state: "active", in_seq: "20", prepared: "0", findings: [] });
  expect(await balance(b)).toEqual({ posted: 2_000n, held: 0n });
});

test.each([26, -26])(
  "a hub whose clock is %d hours off is refused and told so; both go on when it is right again",
  async (hours) => {
    const { lac, mena, a, b, quiet } = await scene();
    const deal = await agree(a, b, 1_000n);
    await quiet();
    mena.clock.advance(hours * HOUR);
    await pay(deal);
    await quiet();
    expect(await stateOf(b, deal.iri)).toBe("prepared");
    expect((await link(lac)).failure).toBe("clock_skew");
    expect(Math.round(Number((await link(mena)).skew) / HOUR)).toBe(-hours);
    mena.clock.advance(-hours * HOUR);
    await until(async () => {
      for (const hub of [lac, mena]) hub.clock.advance(31_000);
      await quiet();
      return (await stateOf(b, deal.iri)) === "settled";
    });
    expect(await books(a)).toMatchObject({ state: "active", acked_seq: "1", findings: [] });
    expect((await link(lac)).failure).toBeNull();
  },
);

test("a second process waits for the lock, and takes over when the first one's connection is gone", async () => {
  const { lac, a, b, quiet } = await scene();
  const second = await lac.work();
  try {
    await second.clearing.idle();
    const { epoch } = await link(lac);
    // The first one ends like a process that was killed: its connection is gone, and it says nothing to anybody.
    const [{ ended }] = await lac.database.sql<[{ ended: boolean }]>`
      select pg_terminate_backend(pid) as ended from pg_locks
      where locktype = 'advisory' and granted and classid = ${0x61796e69} and database = (select oid from pg_database where datname = current_database())`;
    expect(ended).toBe(true);
    await lac.clearing.stop();
    await until(async () => (await link(lac)).epoch > epoch && (await link(lac)).ready === true);
    const deal = await agree(a, b, 1_000n);
    await until(async () => (await stateOf(b, deal.iri)) === "prepared");
    await pay(deal);
    await until(async () => (await stateOf(b, deal.iri)) === "settled");
    await second.clearing.idle();
    await quiet();
    expect(await books(a)).toMatchObject({ state: "active", out_seq: "1", findings: [] });
  } finally {
    await second.stop();
  }
});
