import { sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../context.ts";

/** The most envelopes of one peer that wait to be worked on. */
const MAX_STORED = 200;
/** A change of a peer's clock that is worth writing down, in milliseconds. */
const NOTABLE = 60_000;

/**
 * Stores a proven envelope of a peer and tells the deciding process, in one statement.
 *
 * @param skew how far the peer's clock is ahead of ours, in milliseconds
 * @returns false, and nothing is stored, when too many of them wait
 */
export async function storeEnvelope(
  ctx: Ctx,
  { peerId, body, skew }: { peerId: Id; body: string; skew: number },
): Promise<boolean> {
  const rows = await ctx.db.execute(sql`
    with stored as (
      insert into clearing_inbox (peer_id, body, received)
      select ${peerId}::bigint, ${body}, ${ctx.clock.now().toISOString()}::timestamptz
      where (select count(*) from (select from clearing_inbox where peer_id = ${peerId}::bigint limit ${MAX_STORED}) s) < ${MAX_STORED}
      returning peer_id
    ), clock as (
      update clearing_links set skew = ${skew}::bigint
      where peer_id = (select peer_id from stored) and (skew is null or abs(skew - ${skew}::bigint) > ${NOTABLE})
    )
    select pg_notify('clearing', peer_id::text) from stored`);
  return rows.length > 0;
}

/** Writes down how far a peer's clock is ahead, for its page; nothing else is known of an envelope that was refused for it. */
export async function noteSkew(ctx: Ctx, peerId: Id, skew: number): Promise<void> {
  await ctx.db.execute(sql`
    update clearing_links set skew = ${skew}::bigint
    where peer_id = ${peerId}::bigint and (skew is null or abs(skew - ${skew}::bigint) > ${NOTABLE})`);
}

/** A peer that something is settled with. */
export interface ClearingPeer {
  id: Id;
  iri: string;
  state: "active" | "draining";
  /** Where its envelopes go. */
  clearing: string;
}

/** Those that the deciding process is to keep a session with. */
export async function clearingPeers(ctx: Ctx): Promise<ClearingPeer[]> {
  const rows = await ctx.db.execute<{
    id: string;
    iri: string;
    state: "active" | "draining";
    clearing: string;
  }>(sql`
    select p.id, a.iri, p.state, p.clearing from peers p
    join actors a on a.id = p.actor_id
    join clearing_links l on l.peer_id = p.id
    where p.state in ('active', 'draining') order by p.id`);
  return rows.map((row) => ({ ...row, id: BigInt(row.id) }));
}

/** Whether envelopes of peers that are settled with wait to be worked on. */
export async function isClearingBusy(ctx: Ctx): Promise<boolean> {
  const [row] = await ctx.db.execute<{ busy: boolean }>(sql`
    select exists (select from clearing_inbox i join peers p on p.id = i.peer_id
      where p.state in ('active', 'draining')) as busy`);
  return row?.busy === true;
}
