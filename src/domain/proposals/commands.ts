import { and, eq, isNull, lt } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { posts } from "../../db/schema/posts.ts";
import { type Purpose, proposals, type Settlement, type Unit } from "../../db/schema/proposals.ts";
import { wasDeleted } from "../activities/commands.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { followedHere } from "../follows/queries.ts";
import { plainToHtml } from "../html.ts";
import { localHub } from "../hubs/queries.ts";
import { deletePost, insertPost } from "../posts/commands.ts";
import { documentChanged, emit, transact } from "../transact.ts";
import { companionHtml } from "./companion.ts";
import { checkProposal, type ProposalInput } from "./rules.ts";

/**
 * Publishes an offer or a need, and beside it the post that stands for it where proposals are not understood. Followers
 * get the proposal first.
 *
 * @throws DomainError as checkProposal
 */
export async function publishProposal(ctx: Ctx, acting: Acting, input: ProposalInput): Promise<Id> {
  const hub = await localHub(ctx);
  const published = ctx.clock.now();
  const checked = checkProposal(input, hub.currencyScale, published);
  return transact(ctx, async (ctx) => {
    const id = await ctx.ids.next(published);
    const iri = `${ctx.hub.origin}/proposals/${id}`;
    const priced = checked.price !== null;
    await ctx.db.insert(proposals).values({
      id,
      iri,
      url: iri,
      accountId: acting.accountId,
      actorId: acting.actorId,
      ...checked,
      local: true,
      content: plainToHtml(checked.source),
      unitBased: priced ? true : null,
      currency: priced ? `${ctx.hub.origin}/currency` : null,
      currencySymbol: priced ? hub.currencySymbol : null,
      currencyScale: priced ? hub.currencyScale : null,
      published,
    });
    await emit(ctx, {
      name: "proposal.published",
      subject: acting.actorId.toString(),
      proposalId: id.toString(),
    });
    await insertPost(ctx, acting, {
      content: companionHtml(checked, iri, hub.currencySymbol, hub.currencyScale),
      source: null,
      summary: null,
      visibility: "public",
      language: checked.language,
      proposal: iri,
    });
    return id;
  });
}

/**
 * Withdraws a proposal of ours, and the post that stands for it.
 *
 * @throws DomainError not_found when it does not exist, was withdrawn, or belongs to somebody else
 */
export async function withdrawProposal(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const [row] = await ctx.db
      .update(proposals)
      .set({ deleted: ctx.clock.now(), content: "", source: null })
      .where(
        and(
          eq(proposals.id, id),
          eq(proposals.actorId, acting.actorId),
          eq(proposals.local, true),
          isNull(proposals.deleted),
        ),
      )
      .returning({ iri: proposals.iri });
    if (row === undefined) throw new DomainError("not_found", "no such proposal");
    await documentChanged(ctx, id);
    await emit(ctx, {
      name: "proposal.withdrawn",
      subject: acting.actorId.toString(),
      proposalId: id.toString(),
    });
    const companions = await ctx.db
      .select({ id: posts.id })
      .from(posts)
      .where(and(eq(posts.proposal, row.iri), eq(posts.actorId, acting.actorId), isNull(posts.deleted)))
      .limit(10)
      // Who deletes it at this moment is waited for, or `deletePost` would find nothing and undo the withdrawal.
      .for("update");
    for (const companion of companions) await deletePost(ctx, acting, companion.id);
  });
}

/** A proposal of another server as it was parsed and sanitized at the door. */
export interface RemoteProposal {
  iri: string;
  purpose: Purpose;
  name: string;
  content: string;
  language: string | null;
  category: string | null;
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
  online: boolean;
  revision: number;
  url: string;
  published: Date;
  updated: Date | null;
  ends: Date | null;
}

/**
 * Keeps a proposal of a remote actor that somebody here follows; a known one changes only when its author sends a higher
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
      .set(changes)
      .where(
        and(eq(proposals.id, known.id), isNull(proposals.deleted), lt(proposals.revision, proposal.revision)),
      )
      .returning({ id: proposals.id });
    return changed.length > 0;
  }
  if (!(await followedHere(ctx, actorId)) || (await wasDeleted(ctx, actorId, proposal.iri))) return false;
  const inserted = await ctx.db
    .insert(proposals)
    .values({ id: await ctx.ids.next(published), actorId, local: false, ...proposal, published })
    .onConflictDoNothing({ target: proposals.iri })
    .returning({ id: proposals.id });
  return inserted.length > 0;
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
