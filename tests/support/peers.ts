import type { Id } from "../../src/db/ids.ts";
import { clearingLinks } from "../../src/db/schema/clearing.ts";
import { peerCopies, peers } from "../../src/db/schema/peers.ts";
import { saveRemoteActor } from "../../src/domain/actors/commands.ts";
import { loadPublicKeys } from "../../src/domain/actors/keys.ts";
import { actorById } from "../../src/domain/actors/queries.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { peerAccounts } from "../../src/domain/ledger/accounts.ts";
import { insertPeer } from "../../src/domain/peers/peerings.ts";
import type { Peer } from "../../src/domain/peers/queries.ts";
import { DEFAULT_TERMS } from "../../src/domain/peers/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { encodeMultikey } from "../../src/federation/proofs.ts";

/** A hub that nobody can reach has asked this one to exchange with it. @param n tells it from others */
export function askedBy(ctx: Ctx, n: number): Promise<Peer> {
  const [host, name] = [`hub-${n}.example`, `Hub ${n}`];
  const origin = `https://${host}`;
  const iri = `${origin}/actor`;
  return transact(ctx, async (ctx) => {
    const actorId = await saveRemoteActor(ctx, {
      ...{ iri, handle: "hub", host, kind: "Application", name, summary: "", url: origin, avatar: null },
      ...{ inbox: `${iri}/inbox`, sharedInbox: null, outbox: null, followers: null, following: null },
      ...{ locked: false, discoverable: false, published: null },
    });
    const currency = { iri: `${origin}/currency`, name: "Ayni", symbol: "₳", scale: 2, rateN: 1n, rateD: 1n };
    const hub = {
      actorId,
      iri,
      origin,
      name,
      key: "z6Mk",
      retired: [],
      clearing: `${origin}/clearing`,
      currency,
    };
    return insertPeer(ctx, hub, "asked", DEFAULT_TERMS);
  });
}

/** A hub as far as its peer is concerned. */
type Side = { ctx: Ctx };

/** What may be owed each way unless a test says otherwise: 100 HOURs. */
export const PEER_LIMIT = 360_000n;

/**
 * An active peering of two hubs, as rows on both, with the keys that they really have.
 *
 * @param limit seconds of an HOUR: the most that either may owe the other
 * @returns how `a` knows `b`, and how `b` knows `a`
 */
export async function makePeers(
  a: Side,
  b: Side,
  { limit = PEER_LIMIT }: { limit?: bigint } = {},
): Promise<[Id, Id]> {
  return [await addPeer(a.ctx, b.ctx, limit), await addPeer(b.ctx, a.ctx, limit)];
}

async function addPeer(ctx: Ctx, other: Ctx, limit: bigint): Promise<Id> {
  const hub = await localHub(other);
  const { iri, handle } = await actorById(other, hub.actorId);
  const keys = await loadPublicKeys(other, hub.actorId);
  const { origin, host } = other.hub;
  return transact(ctx, async (ctx) => {
    const now = ctx.clock.now();
    const actorId = await saveRemoteActor(ctx, {
      ...{ iri, handle, host, kind: "Application", name: hub.name, summary: "", url: origin, avatar: null },
      ...{
        inbox: `${iri}/inbox`,
        sharedInbox: `${origin}/inbox`,
        outbox: null,
        followers: null,
        following: null,
      },
      ...{ locked: false, discoverable: false, published: null },
    });
    const id = await ctx.ids.next(now);
    await ctx.db.insert(peers).values({
      ...{ id, actorId, origin, state: "active", theirState: "active" },
      ...{ key: encodeMultikey(keys.ed25519.key), clearing: `${origin}/clearing` },
      ...{ theyMayOwe: limit, weMayOwe: limit },
      ...{ quoteDays: 7, disputeDays: 14, settleDays: 14, drainDays: 30 },
      ...{
        currency: `${origin}/currency`,
        currencyName: hub.currencyName,
        currencySymbol: hub.currencySymbol,
      },
      ...{
        currencyScale: hub.currencyScale,
        currencyRateN: hub.currencyRateN,
        currencyRateD: hub.currencyRateD,
      },
      ...{ created: now, changed: now },
    });
    await ctx.db.insert(clearingLinks).values({ peerId: id });
    await ctx.db.insert(peerCopies).values({ peerId: id, due: now });
    await peerAccounts(ctx, actorId);
    return id;
  });
}
