import { and, desc, eq, isNotNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements, resolutions } from "../../db/schema/agreements.ts";
import { parseAmount } from "../amounts.ts";
import { partOf, type Quote } from "../clearing/messages-rules.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { findPeer } from "../peers/queries.ts";
import { sideOf } from "./load.ts";
import { pinnedOf } from "./quote.ts";
import type { Side } from "./rules.ts";

/** So many proposals are shown beside the newest that counts. */
const SHOWN = 10;
/** Of one dispute; more proposals help nobody. */
export const PROPOSALS_MAX = 50;

/** A proposal of the stewards as the pages show it. */
export interface BetweenProposal {
  id: Id;
  /** A steward of the other hub made it. */
  theirs: boolean;
  /** What the provider gets of the hold: minor units of this hub's currency. */
  release: bigint;
  /** What the receiver pays, and what of it arrives: minor units of either currency. */
  payer: bigint;
  payee: bigint;
  note: string;
  created: Date;
  /** When the other one's steward agreed; null while that is waited for. */
  agreed: Date | null;
  providerSigned: Date | null;
  receiverSigned: Date | null;
  applied: Date | null;
}

/** How it stands with the stewards of a dispute between two hubs. */
export interface Stewarding {
  side: Side;
  /** Name of the other hub. */
  peer: string;
  currency: Record<Side, { symbol: string; scale: number }>;
  /** What is held, and what of it would arrive. */
  held: Record<Side, bigint>;
  /** Newest first; those before the newest that counts are not in it. */
  proposals: BetweenProposal[];
}

/** null: no credits cross between hubs for it. The viewer's right to see it is `agreementById`'s to find out. */
export async function stewardingOf(ctx: Ctx, id: Id): Promise<Stewarding | null> {
  const found = await between(ctx, id);
  if (found === null) return null;
  const { pinned, ...known } = found;
  const rows = await ctx.db
    .select()
    .from(resolutions)
    .where(and(eq(resolutions.agreementId, id), isNotNull(resolutions.iri)))
    .orderBy(desc(resolutions.created), desc(resolutions.iri))
    .limit(PROPOSALS_MAX);
  const counts = rows.findIndex(({ agreed }) => agreed !== null);
  const waiting = rows.slice(0, counts < 0 ? rows.length : counts).slice(0, SHOWN);
  return {
    ...known,
    held: { payer: pinned.payer, payee: pinned.payee },
    proposals: [...waiting, ...(counts < 0 ? [] : rows.slice(counts, counts + 1))].map((row) => {
      const { id, theirs, release, note, created, agreed, providerSigned, receiverSigned, applied } = row;
      const payer = row.payer ?? 0n;
      const shown = { id, theirs, release, note, created, agreed, providerSigned, receiverSigned, applied };
      return { ...shown, payer, payee: arriving(pinned, payer) };
    }),
  };
}

/** What is pinned between the two hubs, and in which currencies. */
async function between(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({ peerId: agreements.peerId, quote: agreements.quote, receiver: { host: actors.host } })
    .from(agreements)
    .innerJoin(actors, eq(actors.id, agreements.receiverId))
    .where(eq(agreements.id, id));
  if (row === undefined || row.peerId === null) return null;
  const pinned = pinnedOf(row);
  const side = sideOf(row, row.receiver);
  if (pinned === null || side === null) return null;
  const [{ name, currency }, hub] = await Promise.all([findPeer(ctx, row.peerId), localHub(ctx)]);
  const own = { symbol: hub.currencySymbol, scale: hub.currencyScale };
  const theirs = { symbol: currency.symbol, scale: currency.scale };
  const sides: Record<Side, typeof own> =
    side === "payer" ? { payer: own, payee: theirs } : { payer: theirs, payee: own };
  return { pinned, side, peer: name, currency: sides };
}

/**
 * What a steward wants released, as it was typed, in the payer's currency.
 *
 * @throws DomainError not_found, required, not_a_number
 */
export async function parseRelease(ctx: Ctx, id: Id, text: string): Promise<bigint> {
  const found = await between(ctx, id);
  if (found === null) throw new DomainError("not_found", "no such agreement");
  return parseAmount("release", text, found.currency.payer.scale, 0n);
}

/** What of so much paid arrives, in minor units of the payee's currency. */
export const arriving = (quote: Quote, payer: bigint): bigint =>
  payer === 0n ? 0n : partOf(quote, payer).payee;
