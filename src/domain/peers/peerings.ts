import { and, desc, eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { clearingLinks } from "../../db/schema/clearing.ts";
import { peerings, peers } from "../../db/schema/peers.ts";
import { actorById } from "../actors/queries.ts";
import type { Signed } from "../agreements/consents.ts";
import type { Ctx } from "../context.ts";
import { localHub } from "../hubs/queries.ts";
import { peerAccounts } from "../ledger/accounts.ts";
import { notifyStaff } from "../notices/commands.ts";
import type { NoticeKind } from "../notices/kinds.ts";
import { emit } from "../transact.ts";
import { startCopy } from "./copies.ts";
import { findPeer, type Peer, peerOf } from "./queries.ts";
import {
  type DayTerm,
  effective,
  type PeerCurrency,
  type PeeringStatement,
  type PeeringTerms,
  type PeerState,
  type RemoteHub,
} from "./rules.ts";

/** What commands and messages have in common: rows of a peering, locked, signed and taken together. All in the caller's transaction. */

export const peerPath = (id: Id) => `/admin/peers/${id}`;

/**
 * A peer, which nobody else changes until the caller's transaction ends; its clearing is locked before it, in the order of the deciding
 * process.
 *
 * @throws DomainError not_found
 */
export async function lockPeer(ctx: Ctx, id: Id): Promise<Peer> {
  await ctx.db
    .select({ peerId: clearingLinks.peerId })
    .from(clearingLinks)
    .where(eq(clearingLinks.peerId, id))
    .for("no key update");
  await ctx.db.select({ id: peers.id }).from(peers).where(eq(peers.id, id)).for("no key update");
  return findPeer(ctx, id);
}

/** The same by its origin; null when there is none, and then nobody else makes it meanwhile. */
export async function lockOrigin(ctx: Ctx, origin: string): Promise<Peer | null> {
  await ctx.db.execute(sql`select pg_advisory_xact_lock(hashtext(${`peering ${origin}`}))`);
  const known = await peerOf(ctx, { origin });
  return known === null ? null : lockPeer(ctx, known.id);
}

export const currencyColumns = (currency: PeerCurrency) => ({
  currency: currency.iri,
  currencyName: currency.name,
  currencySymbol: currency.symbol,
  currencyScale: currency.scale,
  currencyRateN: currency.rateN,
  currencyRateD: currency.rateD,
});

/** A peer that was not known. Nothing is allowed before both have signed. */
export async function insertPeer(
  ctx: Ctx,
  hub: RemoteHub,
  state: "proposed" | "asked",
  terms: PeeringTerms,
): Promise<Peer> {
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  const { actorId, origin, key, clearing, currency } = hub;
  await ctx.db.insert(peers).values({
    ...{ id, actorId, origin, state, key, clearing, created: now, changed: now },
    ...days(terms),
    ...currencyColumns(currency),
  });
  return findPeer(ctx, id);
}

const days = ({ quoteDays, disputeDays, settleDays, drainDays }: Pick<PeeringTerms, DayTerm>) => ({
  quoteDays,
  disputeDays,
  settleDays,
  drainDays,
});

export interface Revision extends PeeringTerms {
  id: Id;
  side: "ours" | "theirs";
  revision: number;
  activity: string;
  digest: string;
  body: string;
  /** As it was signed (`currencyText`). */
  currency: string;
  created: Date;
}

/** The newest that a side signed. */
export async function newest(ctx: Ctx, peerId: Id, side: "ours" | "theirs"): Promise<Revision | null> {
  const [row] = await ctx.db
    .select()
    .from(peerings)
    .where(and(eq(peerings.peerId, peerId), eq(peerings.side, side)))
    .orderBy(desc(peerings.revision))
    .limit(1);
  return row ?? null;
}

/** Signs terms of ours, keeps them and sends them. @param accountId who pressed the button; null for the clock */
export async function sign(
  ctx: Ctx,
  peer: Peer,
  type: PeeringStatement["type"],
  terms: PeeringTerms,
  status: PeerState,
  accountId: Id | null,
): Promise<void> {
  const now = ctx.clock.now();
  const hub = await localHub(ctx);
  const [signer, { iri: actor }, last, theirs, id] = await Promise.all([
    ctx.consents.hubSigner(ctx.db, hub.actorId),
    actorById(ctx, hub.actorId),
    newest(ctx, peer.id, "ours"),
    type === "Accept" ? newest(ctx, peer.id, "theirs") : null,
    ctx.ids.next(now),
  ]);
  const revision = (last?.revision ?? 0) + 1;
  const peering = `${ctx.hub.origin}/peerings/${peer.id}`;
  const currency = currencyOf(ctx, hub);
  const offer = theirs === null ? null : { activity: theirs.activity, digest: theirs.digest };
  const statement = { type, id, peering, actor, to: peer.iri, revision, terms, currency, status, offer };
  const { activity, body, digest } = signer({ ...statement, rateSince: hub.created }, now);
  await keep(ctx, peer.id, "ours", { id, revision, terms, currency, accountId, activity, body, digest });
  await emit(ctx, {
    name: "peering.signed",
    subject: hub.actorId.toString(),
    peeringId: id.toString(),
  });
}

/** This hub's currency, as it is signed now. */
export async function ownCurrency(ctx: Ctx): Promise<PeerCurrency> {
  return currencyOf(ctx, await localHub(ctx));
}

const currencyOf = (ctx: Ctx, hub: Awaited<ReturnType<typeof localHub>>): PeerCurrency => ({
  iri: `${ctx.hub.origin}/currency`,
  name: hub.currencyName,
  symbol: hub.currencySymbol,
  scale: hub.currencyScale,
  rateN: hub.currencyRateN,
  rateD: hub.currencyRateD,
});

/** Writes down what a side signed. */
export async function keep(
  ctx: Ctx,
  peerId: Id,
  side: "ours" | "theirs",
  signed: Pick<Signed, "activity" | "body" | "digest"> & {
    id?: Id;
    revision: number;
    terms: PeeringTerms;
    currency: PeerCurrency;
    accountId: Id | null;
  },
): Promise<void> {
  const created = ctx.clock.now();
  const { terms, id = await ctx.ids.next(created), activity, body, digest, revision, accountId } = signed;
  const currency = currencyText(signed.currency);
  await ctx.db.insert(peerings).values({
    ...{ id, peerId, side, revision, currency, activity, body, digest, accountId, created },
    ...termsOf(terms),
  });
}

/** Takes together what both signed; with only one side's word nothing may be owed. */
export async function takeTogether(ctx: Ctx, peerId: Id): Promise<void> {
  const [ours, theirs] = await Promise.all([newest(ctx, peerId, "ours"), newest(ctx, peerId, "theirs")]);
  if (ours === null || theirs === null) return;
  await ctx.db.update(peers).set(effective(ours, theirs)).where(eq(peers.id, peerId));
}

/** What a peer's clearing and copy stand on. Does nothing for what is there. */
export async function openPeer(ctx: Ctx, { id, actorId }: Pick<Peer, "id" | "actorId">): Promise<void> {
  await ctx.db.insert(clearingLinks).values({ peerId: id }).onConflictDoNothing();
  await peerAccounts(ctx, actorId);
  await startCopy(ctx, id);
  await tellDecider(ctx, id);
}

/** Hands have to be shaken anew before anything is decided with it. */
export async function shakeAgain(ctx: Ctx, id: Id): Promise<void> {
  await ctx.db
    .update(clearingLinks)
    .set({ ready: false, resync: null, resting: null })
    .where(eq(clearingLinks.peerId, id));
  await tellDecider(ctx, id);
}

/** The deciding process hears it when the transaction commits: its session with the peer begins, ends, or looks again. */
export async function tellDecider(ctx: Ctx, id: Id): Promise<void> {
  await ctx.db.execute(sql`select pg_notify('clearing', ${`peer ${id}`})`);
}

/** Tells administrators about a peer. */
export async function tellAdmins(
  ctx: Ctx,
  { id, name, host }: Pick<Peer, "id" | "name" | "host">,
  kind: Extract<NoticeKind, `peer${string}`>,
): Promise<void> {
  await notifyStaff(ctx, "admin", kind, peerPath(id), { actor: `${name} (${host})` });
}

/** Only the terms of what may have more members. */
export const termsOf = ({ mayBeOwed, mayOwe, ...rest }: PeeringTerms): PeeringTerms => ({
  mayBeOwed,
  mayOwe,
  ...days(rest),
});

/** A currency as `peerings` keeps it. */
export const currencyText = (currency: PeerCurrency): string =>
  JSON.stringify({ ...currency, rateN: currency.rateN.toString(), rateD: currency.rateD.toString() });
