import { and, eq, isNull, sql } from "drizzle-orm";
import { actors } from "../../db/schema/actors.ts";
import { restoredLinks, restores } from "../../db/schema/backups.ts";
import { clearingLinks } from "../../db/schema/clearing.ts";
import { limitChanges } from "../../db/schema/ledger.ts";
import { peers } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import { notifyStaff } from "../notices/commands.ts";
import { transact } from "../transact.ts";

/**
 * Tells administrators what a peer gave back after a restore, once hands were shaken with it: how many payments of both logs, and how
 * many accounts have gone below their floor by all that came back so far.
 */
export async function tellRecovered(ctx: Ctx): Promise<void> {
  await transact(ctx, async (ctx) => {
    const waiting = await ctx.db
      .select({
        restoreId: restoredLinks.restoreId,
        peerId: restoredLinks.peerId,
        name: actors.name,
        host: actors.host,
        count: sql<string>`${clearingLinks.outSeq} - ${restoredLinks.outSeq} + ${clearingLinks.inSeq} - ${restoredLinks.inSeq}`,
        over: sql<string>`(
          select count(distinct ${limitChanges.ledgerAccountId}) from ${limitChanges}
          where ${limitChanges.reason} = 'recovery' and ${limitChanges.created} >= ${restores.restored})`,
      })
      .from(restoredLinks)
      .innerJoin(restores, eq(restores.id, restoredLinks.restoreId))
      .innerJoin(clearingLinks, eq(clearingLinks.peerId, restoredLinks.peerId))
      .innerJoin(peers, eq(peers.id, restoredLinks.peerId))
      .innerJoin(actors, eq(actors.id, peers.actorId))
      .where(and(isNull(restoredLinks.told), eq(clearingLinks.ready, true)))
      .limit(100)
      .for("update", { of: restoredLinks, skipLocked: true });
    for (const { restoreId, peerId, name, host, count, over } of waiting) {
      const actor = name === "" ? (host ?? "") : name;
      await notifyStaff(ctx, "admin", "payments_recovered", "/admin/ledger", { actor, count, over });
      await ctx.db
        .update(restoredLinks)
        .set({ told: ctx.clock.now() })
        .where(and(eq(restoredLinks.restoreId, restoreId), eq(restoredLinks.peerId, peerId)));
    }
  });
}
