import { createPrivateKey } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import { generateKeys } from "../../src/domain/actors/keys.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import {
  acceptKey,
  acceptPeering,
  proposePeering,
  rejectPeering,
  unfreezePeer,
} from "../../src/domain/peers/commands.ts";
import { listPeers, type Peer } from "../../src/domain/peers/queries.ts";
import { MAX_ASKED } from "../../src/domain/peers/receive.ts";
import { DEFAULT_TERMS, type PeeringStatement } from "../../src/domain/peers/rules.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { encodeMultikey, type JsonObject, proveObject } from "../../src/federation/proofs.ts";
import { toPeering } from "../../src/federation/vocab/peers.ts";
import { count, settle, startHubs, type TestHub } from "../support/hub.ts";
import { askedBy } from "../support/peers.ts";

const HOUR = 3600n;
let lac: TestHub;
let mena: TestHub;
let other: TestHub;

beforeEach(async () => {
  [lac, mena, other] = (await startHubs(3)) as [TestHub, TestHub, TestHub];
});

interface Forgery {
  /** Who sends it, and who proves it; null: nobody. Both are actors of `by`. Its own hub's unless said. */
  sender?: bigint;
  prover?: bigint | null;
  change?: (activity: JsonObject) => JsonObject;
}

/** Sends terms, by the usual way of deliveries, that the hub itself would not. @returns their id */
async function send(
  by: TestHub,
  statement: Partial<PeeringStatement>,
  forgery: Forgery = {},
): Promise<string> {
  const { ctx } = by;
  const hub = await localHub(ctx);
  const sender = forgery.sender ?? hub.actorId;
  const id = await ctx.ids.next(ctx.clock.now());
  const [row] = await by.database.sql<
    { iri: string }[]
  >`select iri from actors where id = ${sender.toString()}`;
  const activity = toPeering(
    by.origin,
    {
      ...{
        type: "Offer",
        id,
        peering: `${by.origin}/peerings/1`,
        actor: row!.iri,
        to: `${lac.origin}/actor`,
      },
      ...{ revision: 1, status: "active", terms: DEFAULT_TERMS, rateSince: hub.created, offer: null },
      currency: {
        iri: `${by.origin}/currency`,
        ...{ name: "Ayni", symbol: "₳", scale: 2, rateN: 1n, rateD: 1n },
      },
      ...statement,
    },
    ctx.clock.now(),
  );
  const changed = (forgery.change ?? ((same) => same))(activity);
  const prover = forgery.prover === undefined ? sender : forgery.prover;
  const proven =
    prover === null
      ? changed
      : proveObject(changed, await createKeyring(ctx).ed25519(prover), ctx.clock.now());
  await deliver(by, id, sender, JSON.stringify(proven));
  return changed.id as string;
}

async function deliver(by: TestHub, id: bigint, actorId: bigint, body: string): Promise<void> {
  const to = await by.ctx.remote.resolveActor(`${lac.origin}/actor`);
  await storeActivity(by.ctx, {
    ...{ id, actorId, type: "Offer", object: "forged", audience: "direct", body },
    ...{ recipients: { actors: [to] }, retracts: false },
  });
  await settle(lac, mena, other);
}

async function seen(): Promise<Peer> {
  const [peer] = await listPeers(lac.ctx);
  return peer!;
}

/** LAC and MENA exchange. @returns how LAC knows MENA */
async function peered(): Promise<Peer> {
  await proposePeering(mena.ctx, mena.admin, { ...DEFAULT_TERMS, origin: lac.origin });
  await settle(lac, mena);
  await acceptPeering(lac.ctx, lac.admin, (await seen()).id, DEFAULT_TERMS);
  await settle(lac, mena);
  return seen();
}

test("only a hub's own actor proposes, with its own proof, to the hub that it names", async () => {
  const nour = await mena.organization("nour");
  const { actorId: hub } = await localHub(mena.ctx);
  await send(mena, {}, { sender: nour.actorId });
  await send(mena, {}, { prover: null });
  await send(mena, { to: `${other.origin}/actor` });
  await send(mena, { actor: nour.iri }, { sender: nour.actorId, prover: nour.actorId });
  const limit = (mayBeOwed: unknown) => (activity: JsonObject) => ({
    ...activity,
    object: {
      ...(activity.object as JsonObject),
      "ayni:limit": { "ayni:mayBeOwed": mayBeOwed, "ayni:mayOwe": 1 },
    },
  });
  for (const wrong of [-1, 0.5, 2 ** 60, "3600", null]) await send(mena, {}, { change: limit(wrong) });
  await send(mena, { revision: 0 });
  await send(mena, { terms: { ...DEFAULT_TERMS, quoteDays: 0 } });
  await send(mena, {
    currency: { iri: `${other.origin}/currency`, name: "Ayni", symbol: "₳", scale: 2, rateN: 1n, rateD: 1n },
  });
  expect(await count(lac, "peers")).toBe(0);
  await lac.database.sql`delete from throttles`;
  // The very same, with nothing wrong in it, is a question to administrators.
  await send(mena, {}, { sender: hub });
  expect(await seen()).toMatchObject({ state: "asked", origin: mena.origin });
});

test("a third hub can neither accept, revise nor end what two others have", async () => {
  const here = await proposePeering(lac.ctx, lac.admin, { ...DEFAULT_TERMS, origin: mena.origin });
  await settle(lac, mena);
  const [ours] = await lac.database.sql<
    { activity: string; digest: string }[]
  >`select activity, digest from peerings`;
  await send(other, { type: "Accept", offer: { activity: ours!.activity, digest: ours!.digest } });
  await send(
    other,
    {},
    { change: ({ object: _, ...rest }) => ({ ...rest, type: "Reject", object: ours!.activity }) },
  );
  expect(await seen()).toMatchObject({ id: here, state: "proposed" });
  await acceptPeering(mena.ctx, mena.admin, (await listPeers(mena.ctx))[0]!.id, DEFAULT_TERMS);
  await settle(lac, mena);
  const active = await seen();
  expect(active.state).toBe("active");
  const [theirs] = await lac.database.sql<
    { activity: string }[]
  >`select activity from peerings where side = 'theirs'`;
  await send(other, { type: "Update", revision: 9, terms: { ...DEFAULT_TERMS, mayOwe: 1n } });
  await send(
    other,
    {},
    { change: ({ object: _, ...rest }) => ({ ...rest, type: "Undo", object: theirs!.activity }) },
  );
  expect(await seen()).toEqual(active);
});

test("what was said once has no effect a second time, and an older revision none at all", async () => {
  const peer = await peered();
  const [offer] = await lac.database.sql<{ activity: string; body: string }[]>`
    select activity, body from peerings where side = 'theirs' order by revision`;
  await send(mena, { type: "Update", revision: 5, terms: { ...DEFAULT_TERMS, mayOwe: 10n * HOUR } });
  expect(await seen()).toMatchObject({ theyMayOwe: 10n * HOUR });
  await send(mena, { type: "Update", revision: 4, terms: { ...DEFAULT_TERMS, mayOwe: 40n * HOUR } });
  expect(await seen()).toMatchObject({ theyMayOwe: 10n * HOUR });
  // Months later, when the ids of what came are forgotten, the signed text still names what it names.
  await lac.database.sql`delete from received_activities`;
  const { actorId } = await localHub(mena.ctx);
  await deliver(mena, await mena.ctx.ids.next(), actorId, offer!.body);
  expect(await seen()).toMatchObject({ id: peer.id, state: "active", theyMayOwe: 10n * HOUR });
  expect(await count(lac, "peerings where side = 'theirs'")).toBe(2);
});

test("a refused hub that asks again asks once; the same question again is none", async () => {
  await send(mena, {});
  await rejectPeering(lac.ctx, lac.admin, (await seen()).id);
  const [asked] = await lac.database.sql<{ body: string }[]>`select body from peerings`;
  await lac.database.sql`delete from received_activities`;
  const { actorId } = await localHub(mena.ctx);
  await deliver(mena, await mena.ctx.ids.next(), actorId, asked!.body);
  expect(await seen()).toMatchObject({ state: "rejected" });
});

test("no more proposals of strangers wait than administrators can look at, and no more are taken of one in an hour", async () => {
  for (let n = 0; n < MAX_ASKED; n++) await askedBy(lac.ctx, n);
  await send(mena, {});
  expect(await count(lac, "peers")).toBe(MAX_ASKED);
  expect(await count(lac, `peers where origin = '${mena.origin}'`)).toBe(0);
  const [first] = await listPeers(lac.ctx);
  await lac.database.sql`update peers set state = 'rejected' where id = ${first!.id.toString()}`;
  for (let revision = 1; revision <= 12; revision++) await send(mena, { revision });
  expect(await count(lac, `peers where origin = '${mena.origin}' and state = 'asked'`)).toBe(1);
  // Ten within an hour, and the first of them was the one that there was no room for.
  expect(await count(lac, "peerings where side = 'theirs'")).toBe(9);
});

test("a hub that signs with another key is frozen until people have compared and accepted the key", async () => {
  const { id, key: old } = await peered();
  const { actorId } = await localHub(mena.ctx);
  const fresh = (await generateKeys(mena.ctx)).find(({ kind }) => kind === "ed25519")!;
  await mena.database.sql`
    update actor_keys set public_key = ${fresh.publicKey}, private_key = ${fresh.privateKey}
    where actor_id = ${actorId.toString()} and kind = 'ed25519'`;
  // A process knows its keys from its start on.
  await mena.stop();
  await mena.start();
  // As after an hour: what LAC remembers of MENA's keys is forgotten.
  await lac.database.sql`delete from public_keys`;
  await lac.database.sql`select pg_notify('ayni_keys_forgotten', ${`${mena.origin}/actor`})`;
  await lac.heard();
  await send(mena, { type: "Update", revision: 7, terms: { ...DEFAULT_TERMS, mayOwe: 1n } });
  const frozen = await seen();
  expect(frozen).toMatchObject({ state: "frozen", reason: "key_changed", key: old, theyMayOwe: 50n * HOUR });
  const now = encodeMultikey(
    createPrivateKey({ key: mena.ctx.vault.open(fresh.privateKey), format: "der", type: "pkcs8" }),
  );
  expect(frozen.newKey).toBe(now);
  await expect(unfreezePeer(lac.ctx, lac.admin, id, "It will do.")).rejects.toMatchObject({
    code: "other_key",
  });
  await expect(acceptKey(lac.ctx, lac.admin, id, old)).rejects.toMatchObject({ code: "other_key" });
  await acceptKey(lac.ctx, lac.admin, id, now);
  expect(await seen()).toMatchObject({ state: "active", reason: null, key: now, newKey: null });
  expect(await count(lac, "notices where kind = 'peer_key_changed'")).toBe(1);
  await send(mena, { type: "Update", revision: 8, terms: { ...DEFAULT_TERMS, mayOwe: 7n * HOUR } });
  expect(await count(lac, "peers where state = 'active' and they_may_owe = 7 * 3600")).toBe(1);
});
