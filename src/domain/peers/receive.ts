import { and, count, eq } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { peerings, peerKeys, peers } from "../../db/schema/peers.ts";
import type { Signed } from "../agreements/consents.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { transact } from "../transact.ts";
import { activate, part, set } from "./commands.ts";
import {
  currencyColumns,
  insertPeer,
  keep,
  lockOrigin,
  lockPeer,
  newest,
  sign,
  takeTogether,
  tellAdmins,
  tellDecider,
  termsOf,
} from "./peerings.ts";
import { findPeer, type Peer } from "./queries.ts";
import { effective, outOfTerms, peerStep, type RemoteHub, type SignedTerms } from "./rules.ts";
import { isSettled } from "./standing.ts";

/** Proposals of strangers that wait for administrators: more are not taken. */
export const MAX_ASKED = 50;
const DAY = 86_400_000;

/** What a hub signed, with the key that it is proven with. */
export type Proven = Signed & { key: string };

/** Terms of ours that an activity of the peer is about; null when there are none of this name. */
export async function ownPeering(ctx: Ctx, activity: string): Promise<{ peer: Peer; digest: string } | null> {
  return findPeering(ctx, activity, "ours");
}

/** Terms of theirs, which they take back. */
export async function theirPeering(ctx: Ctx, activity: string): Promise<{ peer: Peer } | null> {
  return findPeering(ctx, activity, "theirs");
}

async function findPeering(ctx: Ctx, activity: string, side: "ours" | "theirs") {
  const [row] = await ctx.db
    .select({ peerId: peerings.peerId, digest: peerings.digest })
    .from(peerings)
    .where(and(eq(peerings.activity, activity), eq(peerings.side, side)));
  return row === undefined ? null : { peer: await findPeer(ctx, row.peerId), digest: row.digest };
}

/**
 * Another hub proposes to exchange with this one. To administrators here it is a question; where they have proposed the same, both have
 * signed, and it is the answer.
 *
 * @throws DomainError remote_invalid; too_many: so many wait already that nobody could look at this one
 */
export async function receiveOffer(
  ctx: Ctx,
  hub: RemoteHub,
  said: SignedTerms,
  signed: Proven,
): Promise<void> {
  check(said);
  const known = await lockOrigin(ctx, hub.origin);
  if (known === null) {
    const [asked] = await ctx.db.select({ count: count() }).from(peers).where(eq(peers.state, "asked"));
    if ((asked?.count ?? 0) >= MAX_ASKED)
      throw new DomainError("too_many", "too many proposals of hubs wait for an answer", {
        details: { max: MAX_ASKED },
      });
    const peer = await insertPeer(ctx, { ...hub, key: signed.key }, "asked", said.terms);
    await set(ctx, peer.id, { theirState: "proposed", ...currencyColumns(said.currency) });
    await keep(ctx, peer.id, "theirs", { ...signed, ...said, accountId: null });
    await tellAdmins(ctx, peer, "peering_asked");
    return;
  }
  if (known.actorId !== hub.actorId)
    throw new DomainError("remote_invalid", "another actor spoke for this hub before");
  const state = peerStep(known.state, "offered");
  if (state === null) return;
  const afresh = known.state === "asked" || known.state === "rejected" || known.state === "closed";
  if (known.key !== signed.key && !afresh) return saidByOther(ctx, known, signed.key);
  // A hub that was made anew counts from one again, with another key: nothing is under way that could suffer by it.
  if (!(await take(ctx, known, said, signed, afresh))) return;
  if (afresh) {
    const asks = { key: signed.key, newKey: null, clearing: hub.clearing, reason: null, note: null };
    await set(ctx, known.id, { state, ...asks, theirState: "proposed" });
    if (known.state !== "asked") await tellAdmins(ctx, known, "peering_asked");
    return;
  }
  if (known.state === "proposed") return agree(ctx, known);
  // It does not know that we have agreed: it lost our answer, or was restored from a backup.
  const ours = await newest(ctx, known.id, "ours");
  if (ours !== null) await sign(ctx, known, "Accept", termsOf(ours), state, null);
}

/** The other hub agrees to what we proposed, on terms of its own. @throws DomainError remote_invalid */
export async function receiveAccept(ctx: Ctx, peerId: Id, said: SignedTerms, signed: Proven): Promise<void> {
  const peer = await lockPeer(ctx, peerId);
  if (peerStep(peer.state, "accepted") === null) return;
  if (peer.key !== signed.key) return saidByOther(ctx, peer, signed.key);
  if (!(await take(ctx, peer, said, signed, false))) return;
  await set(ctx, peerId, { theirState: said.status });
  if (peer.state === "proposed") await agree(ctx, peer);
}

/** The other hub signed new terms, or tells how the peering stands on its side. @throws DomainError remote_invalid */
export async function receiveRevision(ctx: Ctx, peerId: Id, said: SignedTerms, signed: Proven) {
  const peer = await lockPeer(ctx, peerId);
  if (peerStep(peer.state, "revised") === null) return;
  if (peer.key !== signed.key) return saidByOther(ctx, peer, signed.key);
  const before = await newest(ctx, peerId, "theirs");
  if (!(await take(ctx, peer, said, signed, false))) return;
  await set(ctx, peerId, { theirState: said.status });
  const ours = await newest(ctx, peerId, "ours");
  const changed =
    before !== null &&
    ours !== null &&
    JSON.stringify(effective(ours, before), text) !== JSON.stringify(effective(ours, said.terms), text);
  if (changed) await tellAdmins(ctx, peer, "peering_revised");
}

const text = (_: string, value: unknown) => (typeof value === "bigint" ? value.toString() : value);

/** The other hub does not want to. */
export async function receiveReject(ctx: Ctx, peerId: Id, key: string, note: string | null) {
  const peer = await lockPeer(ctx, peerId);
  const state = peerStep(peer.state, "rejected");
  if (state === null) return;
  if (peer.key !== key) return saidByOther(ctx, peer, key);
  await set(ctx, peerId, { state, theirState: "rejected", reason: "peer", note });
  await tellAdmins(ctx, peer, "peering_rejected");
}

/** The other hub takes its word back: where something is still open, ours drains until it is not. */
export async function receiveUndo(ctx: Ctx, peerId: Id, key: string): Promise<void> {
  const peer = await lockPeer(ctx, peerId);
  const state = peerStep(peer.state, "closed");
  if (state === null) return;
  if (peer.key !== key) return saidByOther(ctx, peer, key);
  if (state === "frozen" || (await isSettled(ctx, peerId)))
    await set(ctx, peerId, {
      ...{ state, theirState: "closed", reason: state === "frozen" ? peer.reason : "peer" },
      ...(state === "closed" ? { theyMayOwe: 0n, weMayOwe: 0n, drained: null } : {}),
    });
  else {
    const drained = peer.drained ?? new Date(ctx.clock.now().getTime() + peer.drainDays * DAY);
    await set(ctx, peerId, { state: "draining", theirState: "closed", reason: "peer", drained });
  }
  await tellDecider(ctx, peerId);
  await tellAdmins(ctx, peer, "peering_ended");
}

/** Both have signed. */
async function agree(ctx: Ctx, peer: Peer): Promise<void> {
  await set(ctx, peer.id, { state: "active", theirState: "active", reason: null, note: null });
  await activate(ctx, peer);
  await tellAdmins(ctx, peer, "peering_accepted");
}

/**
 * Keeps what the peer signed, if it is newer than all it signed before, and takes both sides' terms together.
 *
 * @returns whether it was
 */
async function take(ctx: Ctx, peer: Peer, said: SignedTerms, signed: Proven, afresh: boolean) {
  check(said);
  const last = (await newest(ctx, peer.id, "theirs"))?.revision ?? 0;
  if (said.revision <= last && !afresh) return false;
  const revision = Math.max(said.revision, last + 1);
  await keep(ctx, peer.id, "theirs", { ...signed, ...said, revision, accountId: null });
  await set(ctx, peer.id, currencyColumns(said.currency));
  if (peer.state !== "rejected" && peer.state !== "closed") await takeTogether(ctx, peer.id);
  await tellDecider(ctx, peer.id);
  return true;
}

function check({ terms, revision }: SignedTerms): void {
  const wrong = outOfTerms(terms);
  if (wrong !== null) throw new DomainError("remote_invalid", `${wrong} is out of bounds`);
  if (!Number.isInteger(revision) || revision < 1 || revision > MAX_REVISION)
    throw new DomainError("remote_invalid", "the revision is no number that counts");
}

const MAX_REVISION = 1_000_000_000;

/**
 * What is signed with a key that was accepted once and replaced since was under way for long, or comes from a thief: it says nothing, and
 * freezes nothing.
 */
async function saidByOther(ctx: Ctx, peer: Peer, key: string): Promise<void> {
  const known = await ctx.db.$count(peerKeys, and(eq(peerKeys.peerId, peer.id), eq(peerKeys.key, key)));
  if (known === 0) await otherKey(ctx, peer, key);
}

/**
 * The hub's own document names another key than the one that administrators accepted: nothing more is believed until they have
 * accepted this one. They are told once.
 */
async function otherKey(ctx: Ctx, peer: Peer, key: string): Promise<void> {
  const frozen = peer.state === "active" || peer.state === "draining";
  if (peer.newKey === key && !frozen) return;
  await set(ctx, peer.id, {
    newKey: key,
    ...(frozen ? { state: "frozen" as const, reason: "key_changed" } : {}),
  });
  await tellDecider(ctx, peer.id);
  await tellAdmins(ctx, peer, "peer_key_changed");
}

/**
 * Asks a peer's own documents which key it has now, and freezes the peering when that is another one than was accepted. For whoever finds
 * that what comes from it cannot be proven. Reaches the other server: not in a transaction.
 *
 * @throws DomainError as `resolveHub`
 */
export async function checkKey(ctx: Ctx, peerId: Id): Promise<void> {
  const { origin } = await findPeer(ctx, peerId);
  const hub = await ctx.remote.resolveHub(origin);
  await transact(ctx, async (ctx) => {
    const peer = await lockPeer(ctx, peerId);
    if (hub.actorId === peer.actorId && hub.key !== peer.key) await otherKey(ctx, peer, hub.key);
  });
}

/** A peering that ended by itself: nothing is open any more. In the clock's transaction. */
export async function endDrained(ctx: Ctx, peerId: Id): Promise<boolean> {
  const peer = await lockPeer(ctx, peerId);
  if (peer.state !== "draining" || !(await isSettled(ctx, peerId))) return false;
  await part(ctx, peer);
  return true;
}
