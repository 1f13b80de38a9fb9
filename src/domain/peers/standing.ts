import { and, eq, inArray, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreements, isOpen } from "../../db/schema/agreements.ts";
import { clearingLinks, clearingTransfers } from "../../db/schema/clearing.ts";
import type { Ctx } from "../context.ts";
import { obstacles, type Standing } from "./rules.ts";

const NOTHING: Standing = {
  owed: 0n,
  incoming: 0n,
  outgoing: 0n,
  openTransfers: 0,
  openAgreements: 0,
  unacknowledged: 0n,
};

/** What is owed and under way with each of these peers. */
export async function standings(ctx: Ctx, peerIds: readonly Id[]): Promise<Map<Id, Standing>> {
  if (peerIds.length === 0) return new Map();
  const ids = [...peerIds];
  const link = clearingLinks;
  const transfer = clearingTransfers;
  const sum = (state: "reserved" | "prepared") =>
    sql<string>`coalesce(sum(${transfer.seconds}) filter (where ${transfer.state} = ${state}), 0)`;
  const [links, open, agreed] = await Promise.all([
    ctx.db
      .select({
        peerId: link.peerId,
        owed: sql<string>`${link.inCumulative} - ${link.outCumulative}`,
        unacknowledged: sql<string>`${link.outSeq} - ${link.ackedSeq}`,
      })
      .from(link)
      .where(inArray(link.peerId, ids)),
    ctx.db
      .select({
        peerId: transfer.peerId,
        count: sql<number>`count(*)::int`,
        outgoing: sum("reserved"),
        incoming: sum("prepared"),
      })
      .from(transfer)
      .where(and(inArray(transfer.peerId, ids), sql`${transfer.state} in ('reserved', 'prepared')`))
      .groupBy(transfer.peerId),
    ctx.db
      .select({ peerId: agreements.peerId, count: sql<number>`count(*)::int` })
      .from(agreements)
      .where(and(inArray(agreements.peerId, ids), isOpen(agreements.state)))
      .groupBy(agreements.peerId),
  ]);
  const found = new Map(ids.map((id) => [id, { ...NOTHING }]));
  for (const { peerId, owed, unacknowledged } of links)
    Object.assign(found.get(peerId) ?? {}, { owed: BigInt(owed), unacknowledged: BigInt(unacknowledged) });
  for (const { peerId, count, outgoing, incoming } of open)
    Object.assign(found.get(peerId) ?? {}, {
      openTransfers: count,
      outgoing: BigInt(outgoing),
      incoming: BigInt(incoming),
    });
  for (const { peerId, count } of agreed)
    if (peerId !== null) Object.assign(found.get(peerId) ?? {}, { openAgreements: count });
  return found;
}

/** @returns nothing of everything for a peer that nothing was ever settled with */
export async function standingOf(ctx: Ctx, peerId: Id): Promise<Standing> {
  return (await standings(ctx, [peerId])).get(peerId) ?? NOTHING;
}

/** Whether the two may part without anybody losing anything. */
export async function isSettled(ctx: Ctx, peerId: Id): Promise<boolean> {
  return obstacles(await standingOf(ctx, peerId)).length === 0;
}

/** How many orders of ours cannot be carried out, by peer; only where there are any. */
export async function stuckOf(ctx: Ctx, peerIds: readonly Id[]): Promise<Map<Id, number>> {
  const rows = await ctx.db
    .select({ peerId: clearingTransfers.peerId, count: sql<number>`count(*)::int` })
    .from(clearingTransfers)
    .where(
      and(
        inArray(clearingTransfers.peerId, [...peerIds]),
        eq(clearingTransfers.state, "reserved"),
        sql`${clearingTransfers.stuck} is not null`,
      ),
    )
    .groupBy(clearingTransfers.peerId);
  return new Map(rows.map(({ peerId, count }) => [peerId, count]));
}

/** A peer's clearing as it is now; null when it never was a peer. */
export async function linkOf(ctx: Ctx, peerId: Id) {
  const [row] = await ctx.db.select().from(clearingLinks).where(eq(clearingLinks.peerId, peerId));
  return row ?? null;
}
