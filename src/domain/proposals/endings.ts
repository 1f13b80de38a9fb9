import { and, asc, eq, gt, isNull, lte, or, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { notify } from "../notices/commands.ts";
import { transact } from "../transact.ts";
import { noticeDue } from "./rules.ts";

const BATCH = 200;
const WEEK = 7 * 86_400_000;

/**
 * Tells authors that a proposal of theirs ends in a week, ends tomorrow, or has ended; called by the clock. Each notice is given
 * once: who is late with all of them gets the last one only. One that fails keeps no other.
 */
export async function noticeEndings(ctx: Ctx): Promise<void> {
  const failures: unknown[] = [];
  let after: { ends: Date; id: Id } | null = null;
  for (;;) {
    const batch: { id: Id; ends: Date | null }[] = await ctx.db
      .select({ id: proposals.id, ends: proposals.ends })
      .from(proposals)
      .where(
        and(
          isNull(proposals.deleted),
          eq(proposals.local, true),
          sql`${proposals.ends} is not null and ${proposals.noticed} is distinct from 0`,
          lte(proposals.ends, new Date(ctx.clock.now().getTime() + WEEK)),
          after === null
            ? undefined
            : or(
                gt(proposals.ends, after.ends),
                and(eq(proposals.ends, after.ends), gt(proposals.id, after.id)),
              ),
        ),
      )
      .orderBy(asc(proposals.ends), asc(proposals.id))
      .limit(BATCH);
    for (const { id } of batch) await noticeEnding(ctx, id).catch((error: unknown) => failures.push(error));
    const last = batch.at(-1);
    if (batch.length < BATCH || last === undefined || last.ends === null) break;
    after = { ends: last.ends, id: last.id };
  }
  if (failures.length > 0) throw failures[0];
}

/** What was true when the batch was read is asked again, with the row's lock. */
async function noticeEnding(ctx: Ctx, id: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const [row] = await ctx.db
      .select({
        actorId: proposals.actorId,
        name: proposals.name,
        ends: proposals.ends,
        noticed: proposals.noticed,
        paused: proposals.paused,
      })
      .from(proposals)
      .where(and(eq(proposals.id, id), isNull(proposals.deleted)))
      .for("update");
    const due = noticeDue(row?.ends ?? null, ctx.clock.now());
    if (row === undefined || due === null || (row.noticed !== null && row.noticed <= due)) return;
    await ctx.db.update(proposals).set({ noticed: due }).where(eq(proposals.id, id));
    const path = `/proposals/${id}`;
    // What is paused is in nobody's way: only that it could be renewed is worth a word, once it has ended.
    if (due === 0) await notify(ctx, row.actorId, "proposal_ended", path, { title: row.name });
    else if (row.paused === null)
      await notify(ctx, row.actorId, "proposal_ends_soon", path, { title: row.name, days: String(due) });
  });
}
