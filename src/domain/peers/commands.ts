import { eq } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { peerKeys, peers } from "../../db/schema/peers.ts";
import { requireRole } from "../accounts/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { emit, transact } from "../transact.ts";
import { requiredText } from "../validate.ts";
import {
  currencyColumns,
  insertPeer,
  lockOrigin,
  lockPeer,
  newest,
  openPeer,
  shakeAgain,
  sign,
  takeTogether,
  tellDecider,
  termsOf,
} from "./peerings.ts";
import { findPeer, type Peer } from "./queries.ts";
import {
  type DayTerm,
  obstacles,
  outOfTerms,
  type PeeringTerms,
  type PeerMessage,
  type PeerState,
  peerStep,
  type RemoteHub,
} from "./rules.ts";
import { standingOf } from "./standing.ts";

const NOTE_MAX = 1_000;
const DAY = 86_400_000;

/**
 * Proposes to another hub to exchange with it on these terms, or agrees to what it proposed itself.
 *
 * @throws DomainError forbidden; not_a_number (a field of the terms); not_now: there is a peering already; and as `resolveHub`
 */
export async function proposePeering(
  ctx: Ctx,
  { accountId }: Acting,
  { origin, ...terms }: PeeringTerms & { origin: string },
): Promise<Id> {
  await requireRole(ctx, accountId, "admin");
  checkTerms(terms);
  const hub = await ctx.remote.resolveHub(origin);
  return transact(ctx, async (ctx) => {
    const known = await lockOrigin(ctx, hub.origin);
    if (known === null) {
      const peer = await insertPeer(ctx, hub, "proposed", terms);
      await sign(ctx, peer, "Offer", terms, "proposed", accountId);
      return peer.id;
    }
    const state = next(known, "propose");
    if (known.actorId !== hub.actorId)
      throw new DomainError("other_key", "another actor speaks for this hub than before");
    // It asked with this key, and the key that is shown is the one that counts.
    if (state === "active" && known.key !== hub.key)
      throw new DomainError("other_key", "the hub signs with another key than the one it asked with");
    await set(ctx, known.id, { state, reason: null, note: null, ...described(hub) });
    await sign(ctx, known, state === "active" ? "Accept" : "Offer", terms, state, accountId);
    if (state === "active") await activate(ctx, known);
    return known.id;
  });
}

const described = ({ key, clearing, currency }: RemoteHub) => ({
  key,
  newKey: null,
  clearing,
  ...currencyColumns(currency),
});

/** Agrees to what the other hub proposed, on our terms. @throws DomainError forbidden, not_found, not_now, not_a_number */
export async function acceptPeering(ctx: Ctx, acting: Acting, id: Id, terms: PeeringTerms): Promise<void> {
  checkTerms(terms);
  return change(ctx, acting, id, "accept", async (ctx, peer, state) => {
    await set(ctx, id, { state, reason: null, note: null });
    await sign(ctx, peer, "Accept", terms, state, acting.accountId);
    await activate(ctx, peer);
  });
}

/** Says no to what the other hub proposed. @throws DomainError forbidden, not_found, not_now, too_long */
export function rejectPeering(ctx: Ctx, acting: Acting, id: Id, note = ""): Promise<void> {
  return change(ctx, acting, id, "reject", async (ctx, peer, state) => {
    const theirs = await newest(ctx, id, "theirs");
    await set(ctx, id, { state, reason: "administrator", note: note.slice(0, NOTE_MAX) });
    if (theirs !== null) await end(ctx, peer, "Reject", theirs.activity, note.slice(0, NOTE_MAX));
  });
}

/**
 * Signs other terms of ours: they are in force at once as far as both allow. What was promised before stays promised.
 *
 * @throws DomainError forbidden, not_found, not_now, not_a_number
 */
export async function revisePeering(ctx: Ctx, acting: Acting, id: Id, terms: PeeringTerms): Promise<void> {
  checkTerms(terms);
  return change(ctx, acting, id, "revise", async (ctx, peer, state) => {
    await set(ctx, id, { state });
    const type = state === "proposed" ? "Offer" : "Update";
    await sign(ctx, peer, type, terms, state, acting.accountId);
    await takeTogether(ctx, id);
    await tellDecider(ctx, id);
  });
}

/** Nothing new is begun with it, what is under way comes to its end. @throws DomainError forbidden, not_found, not_now, too_long */
export function drainPeer(ctx: Ctx, acting: Acting, id: Id, note = ""): Promise<void> {
  return change(ctx, acting, id, "drain", async (ctx, peer, state) => {
    const drained = new Date(ctx.clock.now().getTime() + peer.drainDays * DAY);
    await set(ctx, id, { state, drained, reason: "administrator", note: note.slice(0, NOTE_MAX) });
    await signState(ctx, peer, state, acting.accountId);
  });
}

/** Goes on after all with one that was to part. @throws DomainError forbidden, not_found, not_now */
export function resumePeer(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  return change(ctx, acting, id, "resume", async (ctx, peer, state) => {
    await set(ctx, id, { state, drained: null, reason: null, note: null });
    await signState(ctx, peer, state, acting.accountId);
    await openPeer(ctx, peer);
  });
}

/** Nothing is decided with it or believed of it until an administrator says so. @throws DomainError forbidden, not_found, not_now, required, too_long */
export async function freezePeer(ctx: Ctx, acting: Acting, id: Id, note: string): Promise<void> {
  const why = requiredText("note", note, NOTE_MAX);
  return change(ctx, acting, id, "freeze", async (ctx, peer, state) => {
    await set(ctx, id, { state, reason: "administrator", note: why });
    await signState(ctx, peer, state, acting.accountId);
  });
}

/**
 * Goes on with a frozen one; hands are shaken anew first.
 *
 * @throws DomainError forbidden, not_found, not_now, required, too_long; other_key: its new key has to be accepted first
 */
export async function unfreezePeer(ctx: Ctx, acting: Acting, id: Id, note: string): Promise<void> {
  const why = requiredText("note", note, NOTE_MAX);
  return change(ctx, acting, id, "unfreeze", async (ctx, peer, state) => {
    if (peer.newKey !== null)
      throw new DomainError("other_key", "the hub signs with another key; it has to be accepted first");
    await set(ctx, id, { state, reason: null, note: why, drained: null });
    await signState(ctx, peer, state, acting.accountId);
    await shakeAgain(ctx, id);
  });
}

/**
 * Parts, or takes a proposal back. Only when nothing is open and nothing is owed.
 *
 * @throws DomainError forbidden, not_found, not_now; peer_not_settled: what stands in the way is in `details.obstacles`
 */
export function closePeer(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  return change(ctx, acting, id, "close", async (ctx, peer) => {
    const inTheWay = obstacles(await standingOf(ctx, id));
    if (inTheWay.length > 0)
      throw new DomainError("peer_not_settled", `in the way: ${inTheWay.join(", ")}`, {
        details: { obstacles: inTheWay.join(" ") },
      });
    await part(ctx, peer);
  });
}

/** Ends a peering in which nothing is open. In the caller's transaction, the peer locked. */
export async function part(ctx: Ctx, peer: Peer): Promise<void> {
  const ours = await newest(ctx, peer.id, "ours");
  await set(ctx, peer.id, { state: "closed", theyMayOwe: 0n, weMayOwe: 0n, drained: null, newKey: null });
  if (ours !== null) await end(ctx, peer, "Undo", ours.activity, "");
}

/**
 * Believes the key that the hub signs with now, which people have compared with what its administrators read out to them.
 *
 * @param key as it was shown; another one by now is not accepted
 * @throws DomainError forbidden, not_found, other_key, and as `resolveHub`
 */
export async function acceptKey(ctx: Ctx, acting: Acting, id: Id, key: string): Promise<void> {
  await requireRole(ctx, acting.accountId, "admin");
  const { origin } = await findPeer(ctx, id);
  const hub = await ctx.remote.resolveHub(origin);
  await transact(ctx, async (ctx) => {
    const peer = await lockPeer(ctx, id);
    if (hub.key !== key || hub.actorId !== peer.actorId)
      throw new DomainError("other_key", "this is not the key that the hub signs with now");
    const frozen = peer.state === "frozen" && peer.reason === "key_changed";
    const state = frozen ? next(peer, "unfreeze") : peer.state;
    await set(ctx, id, { ...described(hub), state, ...(frozen ? { reason: null } : {}) });
    await keepKeys(ctx, id, hub.retired);
    if (state === "proposed") {
      const ours = await newest(ctx, id, "ours");
      if (ours !== null) await sign(ctx, peer, "Offer", termsOf(ours), state, acting.accountId);
    } else if (frozen) await signState(ctx, peer, state, acting.accountId);
    await shakeAgain(ctx, id);
  });
}

/** What the hub says that it signed with before: whoever believes its present key believes that. */
async function keepKeys(ctx: Ctx, peerId: Id, keys: readonly string[]): Promise<void> {
  const accepted = ctx.clock.now();
  if (keys.length > 0)
    await ctx.db
      .insert(peerKeys)
      .values(keys.map((key) => ({ peerId, key, accepted })))
      .onConflictDoNothing();
}

/** @throws DomainError not_a_number, with the field that is out of bounds */
function checkTerms(terms: PeeringTerms): void {
  const field: "mayBeOwed" | "mayOwe" | DayTerm | null = outOfTerms(terms);
  if (field !== null) throw new DomainError("not_a_number", `${field} is out of bounds`, { field });
}

/** One intention of an administrator: role, lock, rule, and then what it does. */
async function change(
  ctx: Ctx,
  { accountId }: Acting,
  id: Id,
  message: PeerMessage,
  effect: (ctx: Ctx, peer: Peer, state: PeerState) => Promise<void>,
): Promise<void> {
  await requireRole(ctx, accountId, "admin");
  await transact(ctx, async (ctx) => {
    const peer = await lockPeer(ctx, id);
    await effect(ctx, peer, next(peer, message));
  });
}

function next(peer: Peer, message: PeerMessage): PeerState {
  const state = peerStep(peer.state, message);
  if (state === null)
    throw new DomainError("not_now", `cannot ${message}: not while the peering is ${peer.state}`);
  return state;
}

export async function set(ctx: Ctx, id: Id, columns: Partial<typeof peers.$inferInsert>): Promise<void> {
  await ctx.db
    .update(peers)
    .set({ ...columns, changed: ctx.clock.now() })
    .where(eq(peers.id, id));
}

/** Both have signed: limits, accounts, clearing, copy. */
export async function activate(ctx: Ctx, peer: Peer): Promise<void> {
  await takeTogether(ctx, peer.id);
  await openPeer(ctx, peer);
}

/** Tells the other hub how the peering stands on our side, as a new revision of terms that have not changed. */
export async function signState(ctx: Ctx, peer: Peer, state: PeerState, accountId: Id | null) {
  const ours = await newest(ctx, peer.id, "ours");
  if (ours !== null) await sign(ctx, peer, "Update", termsOf(ours), state, accountId);
  await tellDecider(ctx, peer.id);
}

async function end(ctx: Ctx, peer: Peer, type: "Reject" | "Undo", activity: string, note: string) {
  const { actorId } = await localHub(ctx);
  await emit(ctx, {
    name: "peering.ended",
    subject: actorId.toString(),
    peerActorId: peer.actorId.toString(),
    ...{ type, activity, note },
  });
  await tellDecider(ctx, peer.id);
}
