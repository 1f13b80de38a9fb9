import { createHash } from "node:crypto";
import { desc, eq, inArray, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { clearingEvidence, clearingLinks } from "../../db/schema/clearing.ts";
import { peerCopies, peerings, peers } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import { localHub } from "../hubs/queries.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { type Copy, copyOf } from "./copies.ts";
import { newest, type Revision } from "./peerings.ts";
import { findPeer, listPeers, type Peer } from "./queries.ts";
import {
  DEFAULT_TERMS,
  type Health,
  type PeeringTerms,
  type Problem,
  problemsOf,
  type Standing,
} from "./rules.ts";
import { linkOf, standingOf, standings, stuckOf } from "./standing.ts";

/** A peer as whoever looks after it sees it. */
export interface PeerOverview {
  peer: Peer;
  standing: Standing;
  health: Health;
  problems: Problem[];
  /** What each side signed last; null: nothing. */
  ours: PeeringTerms | null;
  theirs: PeeringTerms | null;
  /** Of the accepted key, of one that nobody accepted yet, and of our own, for comparing out of band. */
  fingerprint: string;
  newFingerprint: string | null;
  copy: Copy | null;
  /** Newest first. */
  revisions: Pick<Revision, "side" | "revision" | "mayBeOwed" | "mayOwe" | "created">[];
  evidence: number;
}

const REVISIONS = 20;
const EVIDENCE = 1_000;

/** @throws DomainError not_found */
export async function peerOverview(ctx: Ctx, id: Id): Promise<PeerOverview> {
  const [peer, standing, link, stuck, ours, theirs, copy, revisions, evidence] = await Promise.all([
    findPeer(ctx, id),
    standingOf(ctx, id),
    linkOf(ctx, id),
    stuckOf(ctx, [id]),
    newest(ctx, id, "ours"),
    newest(ctx, id, "theirs"),
    copyOf(ctx, id),
    ctx.db
      .select({
        side: peerings.side,
        revision: peerings.revision,
        mayBeOwed: peerings.mayBeOwed,
        mayOwe: peerings.mayOwe,
        created: peerings.created,
      })
      .from(peerings)
      .where(eq(peerings.peerId, id))
      .orderBy(desc(peerings.id))
      .limit(REVISIONS),
    ctx.db.$count(clearingEvidence, eq(clearingEvidence.peerId, id)),
  ]);
  const { state, reason, theirState, newKey, changed, drained } = peer;
  const health: Health = {
    ...{ state, reason, theirState, newKey, changed, drained, copy, evidence },
    ready: link?.ready ?? false,
    heard: link?.heard ?? null,
    reached: link?.reached ?? null,
    failure: link?.failure ?? null,
    skew: link?.skew ?? null,
    stuck: stuck.get(id) ?? 0,
  };
  return {
    ...{ peer, standing, health, ours, theirs, copy, revisions, evidence },
    problems: problemsOf(health, ctx.clock.now()),
    fingerprint: fingerprint(peer.key),
    newFingerprint: newKey === null ? null : fingerprint(newKey),
  };
}

/** All peers with what is owed and whether something is wrong. */
export async function peerList(
  ctx: Ctx,
): Promise<{ peer: Peer; standing: Standing | undefined; heard: Date | null; troubled: boolean }[]> {
  const found = await listPeers(ctx);
  const ids = found.map(({ id }) => id);
  if (ids.length === 0) return [];
  const now = ctx.clock.now();
  const [owed, stuck, links, copies] = await Promise.all([
    standings(ctx, ids),
    stuckOf(ctx, ids),
    ctx.db.select().from(clearingLinks).where(inArray(clearingLinks.peerId, ids)),
    ctx.db.select().from(peerCopies).where(inArray(peerCopies.peerId, ids)),
  ]);
  return found.map((peer) => {
    const link = links.find(({ peerId }) => peerId === peer.id);
    const copy = copies.find(({ peerId }) => peerId === peer.id) ?? null;
    const { ready = false, heard = null, reached = null, failure = null, skew = null } = link ?? {};
    const health = {
      ...peer,
      copy,
      ready,
      heard,
      reached,
      failure,
      skew,
      evidence: 0,
      stuck: stuck.get(peer.id) ?? 0,
    };
    const troubled = problemsOf(health, now).length > 0;
    return { peer, standing: owed.get(peer.id), heard, troubled };
  });
}

/** What anybody may know of a peering: totals, never whose. Seconds of an HOUR. */
export interface PublicPeer {
  name: string;
  origin: string;
  host: string;
  state: "active" | "draining";
  since: Date;
  theyMayOwe: bigint;
  weMayOwe: bigint;
  /** What organizations of this hub gave to those of that one, and got of them, in all. */
  given: bigint;
  received: bigint;
  exchanges: bigint;
}

/** The hubs that this one exchanges with, for everybody. */
export async function publicPeers(ctx: Ctx): Promise<PublicPeer[]> {
  const found = (await listPeers(ctx)).filter(({ state }) => state === "active" || state === "draining");
  if (found.length === 0) return [];
  const ids = found.map(({ id }) => id);
  const [links, began] = await Promise.all([
    ctx.db.select().from(clearingLinks).where(inArray(clearingLinks.peerId, ids)),
    ctx.db
      .select({ peerId: peerings.peerId, since: sql<string>`min(${peerings.created})` })
      .from(peerings)
      .where(inArray(peerings.peerId, ids))
      .groupBy(peerings.peerId),
  ]);
  return found.map(({ id, name, origin, host, state, theyMayOwe, weMayOwe, created }) => {
    const link = links.find(({ peerId }) => peerId === id);
    const since = began.find(({ peerId }) => peerId === id)?.since;
    return {
      ...{ name, origin, host, state: state as PublicPeer["state"], theyMayOwe, weMayOwe },
      since: since === undefined ? created : new Date(since),
      // Whoever gets work pays: what they pay us is what we gave.
      given: link?.inCumulative ?? 0n,
      received: link?.outCumulative ?? 0n,
      exchanges: (link?.inSeq ?? 0n) + (link?.outSeq ?? 0n),
    };
  });
}

/** What a peer said that it may not, oldest first, with the signed texts that prove it. */
export async function evidenceOf(ctx: Ctx, id: Id) {
  const { origin, iri, key, name } = await findPeer(ctx, id);
  const rows = await ctx.db
    .select()
    .from(clearingEvidence)
    .where(eq(clearingEvidence.peerId, id))
    .orderBy(clearingEvidence.id)
    .limit(EVIDENCE);
  return {
    type: "AyniClearingEvidence",
    ...{ hub: ctx.hub.origin, peer: { name, origin, actor: iri, key } },
    evidence: rows.map(({ kind, detail, bodies, created }) => ({
      ...{ kind, detail, created: created.toISOString() },
      documents: JSON.parse(bodies) as unknown,
    })),
  };
}

/** What a form of terms is filled with: what a hub begins with, by its own policy where it has one. */
export async function proposedTerms(ctx: Ctx): Promise<PeeringTerms> {
  const { disputeDays, settleDays } = await currentPolicy(ctx);
  return { ...DEFAULT_TERMS, disputeDays, settleDays };
}

/** How many proposals of hubs wait for administrators. */
export function peersWaiting(ctx: Ctx): Promise<number> {
  return ctx.db.$count(peers, eq(peers.state, "asked"));
}

/** A key as two people read it to one another: 128 bits of its digest. */
export function fingerprint(key: string): string {
  const hex = createHash("sha256").update(key).digest("hex").slice(0, 32);
  return hex.match(/.{4}/g)?.join(" ") ?? hex;
}

/** Of this hub's own key. @throws DomainError not_set_up */
export async function ownFingerprint(ctx: Ctx): Promise<string> {
  const { actorId } = await localHub(ctx);
  return fingerprint(await ctx.consents.publicKey(ctx.db, actorId));
}
