import { and, eq, isNull, lt, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type Purpose, proposals, type Settlement, type Unit } from "../../db/schema/proposals.ts";
import { wasDeleted } from "../activities/commands.ts";
import type { Ctx } from "../context.ts";
import { followedHere } from "../follows/queries.ts";
import { noteArrival, peerOf } from "../peers/copied.ts";

/** A proposal of another server as it was parsed and sanitized at the door. */
export interface RemoteProposal {
  iri: string;
  purpose: Purpose;
  name: string;
  content: string;
  language: string | null;
  category: string | null;
  subcategory: string | null;
  tags: string[];
  languages: string[];
  unit: Unit;
  available: number | null;
  minimum: number | null;
  unitBased: boolean | null;
  settlement: Settlement;
  price: bigint | null;
  currency: string | null;
  currencySymbol: string | null;
  currencyScale: number | null;
  location: string | null;
  country: string | null;
  online: boolean;
  leadDays: number | null;
  paused: Date | null;
  revision: number;
  url: string;
  published: Date;
  updated: Date | null;
  ends: Date | null;
}

/**
 * Keeps a proposal of a remote actor that somebody here follows, or of a peer's; a known one changes only when its author sends a higher
 * revision.
 *
 * @returns whether anything was stored
 */
export async function receiveProposal(ctx: Ctx, actorId: Id, proposal: RemoteProposal): Promise<boolean> {
  const now = ctx.clock.now();
  const published = new Date(Math.min(proposal.published.getTime(), now.getTime()));
  const [known] = await ctx.db
    .select({
      id: proposals.id,
      actorId: proposals.actorId,
      revision: proposals.revision,
      deleted: proposals.deleted,
    })
    .from(proposals)
    .where(eq(proposals.iri, proposal.iri));
  if (known !== undefined) {
    if (known.actorId !== actorId || known.deleted !== null || proposal.revision <= known.revision)
      return false;
    const { iri: _, published: __, ...changes } = proposal;
    // Asked again with the row's lock: meanwhile it may have been withdrawn, or a newer revision have come on another way.
    const changed = await ctx.db
      .update(proposals)
      .set({ ...changes, ...keepPromised(proposal) })
      .where(
        and(eq(proposals.id, known.id), isNull(proposals.deleted), lt(proposals.revision, proposal.revision)),
      )
      .returning({ id: proposals.id });
    return changed.length > 0;
  }
  const peerId = await peerOf(ctx, actorId);
  if (peerId === null && !(await followedHere(ctx, actorId))) return false;
  if (await wasDeleted(ctx, actorId, proposal.iri)) return false;
  const inserted = await ctx.db
    .insert(proposals)
    .values({ id: await ctx.ids.next(published), actorId, local: false, peerId, ...proposal, published })
    .onConflictDoNothing({ target: proposals.iri })
    .returning({ id: proposals.id });
  for (const { id } of inserted) if (peerId !== null) await noteArrival(ctx, peerId, id);
  return inserted.length > 0;
}

/** Its author may offer less than was promised to organizations here; what was promised stays. */
function keepPromised({ available }: RemoteProposal) {
  return available === null ? {} : { available: sql`greatest(${available}::int, ${proposals.committed})` };
}

/** Its author withdrew a remote proposal. @returns whether there was one */
export async function removeRemoteProposal(ctx: Ctx, actorId: Id, iri: string): Promise<boolean> {
  const rows = await ctx.db
    .update(proposals)
    .set({ deleted: ctx.clock.now(), content: "" })
    .where(
      and(
        eq(proposals.iri, iri),
        eq(proposals.actorId, actorId),
        eq(proposals.local, false),
        isNull(proposals.deleted),
      ),
    )
    .returning({ id: proposals.id });
  return rows.length > 0;
}
