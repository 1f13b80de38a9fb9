import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { hubs } from "../../db/schema/hubs.ts";
import { type PeerState, peerings, peers } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import type { PeerCurrency } from "./rules.ts";

export type { PeerCurrency } from "./rules.ts";

/** A hub that this one exchanges with, or is asked to. */
export interface Peer {
  id: Id;
  /** Its own actor. */
  actorId: Id;
  iri: string;
  /** `https://hub.example` */
  origin: string;
  /** As in handles, with a port where the origin has one. */
  host: string;
  name: string;
  state: PeerState;
  reason: string | null;
  note: string | null;
  /** What it last said of its side; null: nothing yet. */
  theirState: PeerState | null;
  /** Multikey that administrators accepted, and one that it signs with now which nobody accepted yet. */
  key: string;
  newKey: string | null;
  /** Where its clearing messages go. */
  clearing: string;
  /** Seconds of an HOUR: what both allow, taken together. */
  theyMayOwe: bigint;
  weMayOwe: bigint;
  quoteDays: number;
  disputeDays: number;
  settleDays: number;
  drainDays: number;
  /** Its rate: credits per HOUR. */
  currency: PeerCurrency;
  created: Date;
  changed: Date;
  /** When draining ends. */
  drained: Date | null;
  /** Since when administrators know that nothing is heard of it. */
  silent: Date | null;
}

const columns = {
  id: peers.id,
  actorId: peers.actorId,
  iri: actors.iri,
  origin: peers.origin,
  name: actors.name,
  state: peers.state,
  reason: peers.reason,
  note: peers.note,
  theirState: peers.theirState,
  key: peers.key,
  newKey: peers.newKey,
  clearing: peers.clearing,
  theyMayOwe: peers.theyMayOwe,
  weMayOwe: peers.weMayOwe,
  quoteDays: peers.quoteDays,
  disputeDays: peers.disputeDays,
  settleDays: peers.settleDays,
  drainDays: peers.drainDays,
  currency: {
    iri: peers.currency,
    name: peers.currencyName,
    symbol: peers.currencySymbol,
    scale: peers.currencyScale,
    rateN: peers.currencyRateN,
    rateD: peers.currencyRateD,
  },
  created: peers.created,
  changed: peers.changed,
  drained: peers.drained,
  silent: peers.silent,
};

const toPeer = (row: Omit<Peer, "host">): Peer => ({
  ...row,
  host: new URL(row.origin).host,
  name: row.name === "" ? new URL(row.origin).host : row.name,
});

const select = (ctx: Ctx) =>
  ctx.db.select(columns).from(peers).innerJoin(actors, eq(actors.id, peers.actorId));

/** The peer whose organizations' handles end with this host. */
export async function peerOfHost(ctx: Ctx, host: string): Promise<Peer | null> {
  const [row] = await select(ctx).where(inArray(peers.origin, [`https://${host}`, `http://${host}`]));
  return row === undefined ? null : toPeer(row);
}

/** The peer with this origin, or whose hub actor has this iri. */
export async function peerOf(ctx: Ctx, address: { origin: string } | { iri: string }): Promise<Peer | null> {
  const [row] = await select(ctx).where(
    "origin" in address ? eq(peers.origin, address.origin) : eq(actors.iri, address.iri),
  );
  return row === undefined ? null : toPeer(row);
}

/** @throws DomainError not_found */
export async function findPeer(ctx: Ctx, id: Id): Promise<Peer> {
  const [row] = await select(ctx).where(eq(peers.id, id));
  if (row === undefined) throw new DomainError("not_found", "no such peer");
  return toPeer(row);
}

/** All peers: those that wait for us first, then those we exchange with, then the rest. A hub has few. */
export async function listPeers(ctx: Ctx): Promise<Peer[]> {
  const rank = sql`array_position(array['asked', 'frozen', 'active', 'draining', 'proposed', 'rejected', 'closed'], ${peers.state})`;
  const rows = await select(ctx).orderBy(rank, asc(peers.origin)).limit(MAX_PEERS);
  return rows.map(toPeer);
}

/** Terms that this hub signed, and who gets them. */
export async function signedPeering(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({
      id: peerings.id,
      peerId: peerings.peerId,
      body: peerings.body,
      hubId: hubs.actorId,
      peerActorId: peers.actorId,
    })
    .from(peerings)
    .innerJoin(peers, eq(peers.id, peerings.peerId))
    .innerJoin(hubs, eq(hubs.id, 1))
    .where(and(eq(peerings.id, id), eq(peerings.side, "ours")));
  return row ?? null;
}

const MAX_PEERS = 1_000;
