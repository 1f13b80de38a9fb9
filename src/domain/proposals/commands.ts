import { and, eq, isNull, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { posts } from "../../db/schema/posts.ts";
import { proposalRevisions, proposals } from "../../db/schema/proposals.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { plainToHtml } from "../html.ts";
import { type HubView, localHub } from "../hubs/queries.ts";
import { changePost, deletePost, insertPost } from "../posts/commands.ts";
import { documentChanged, emit, transact } from "../transact.ts";
import { companionHtml } from "./companion.ts";
import { hubCategories } from "./hub-categories.ts";
import {
  type CheckedProposal,
  checkProposal,
  endOfDay,
  noticeDue,
  type ProposalInput,
  usualEnd,
} from "./rules.ts";

/**
 * Publishes an offer or a need, and beside it the post that stands for it where proposals are not understood. Followers
 * get the proposal first.
 *
 * @throws DomainError as checkProposal
 */
export async function publishProposal(ctx: Ctx, acting: Acting, input: ProposalInput): Promise<Id> {
  const hub = await localHub(ctx);
  const published = ctx.clock.now();
  const checked = checkProposal(input, {
    scale: hub.currencyScale,
    now: published,
    categories: await added(ctx),
  });
  return transact(ctx, async (ctx) => {
    const id = await ctx.ids.next(published);
    const iri = `${ctx.hub.origin}/proposals/${id}`;
    await ctx.db.insert(proposals).values({
      id,
      iri,
      url: iri,
      accountId: acting.accountId,
      actorId: acting.actorId,
      ...columnsOf(ctx, checked, hub),
      local: true,
      noticed: noticeDue(checked.ends, published),
      published,
    });
    await keepRevision(ctx, id, acting);
    await emit(ctx, {
      name: "proposal.published",
      subject: acting.actorId.toString(),
      proposalId: id.toString(),
    });
    await insertPost(ctx, acting, {
      content: companionHtml(checked, iri, hub, ctx.hub.origin),
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
 * Changes a proposal of ours: a new revision. What was agreed on an older one stays as it was agreed.
 *
 * @throws DomainError as checkProposal; not_found when it does not exist, was withdrawn, or belongs to somebody else
 */
export async function editProposal(ctx: Ctx, acting: Acting, id: Id, input: ProposalInput): Promise<void> {
  const hub = await localHub(ctx);
  const categories = await added(ctx);
  await transact(ctx, async (ctx) => {
    const { committed, category, subcategory, purpose, unit } = await lockOwn(ctx, acting, id);
    // A category that was retired meanwhile stays with what has it.
    categories.add(subcategory ?? category ?? "");
    const now = ctx.clock.now();
    // An offer does not become a need, and what is promised was promised in its unit.
    const fixed = { purpose, ...(committed > 0 ? { unit } : {}) };
    const facts = { scale: hub.currencyScale, now, categories, committed };
    const checked = checkProposal({ ...input, ...fixed }, facts);
    await revise(ctx, acting, id, { ...columnsOf(ctx, checked, hub), noticed: noticeDue(checked.ends, now) });
    await retell(ctx, acting, id, hub);
  });
}

/**
 * Makes a proposal stand for half a year from now, and takes up again one that was paused.
 *
 * @throws DomainError not_found
 */
export async function renewProposal(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  const hub = await localHub(ctx);
  await transact(ctx, async (ctx) => {
    await lockOwn(ctx, acting, id);
    const now = ctx.clock.now();
    const ends = endOfDay(usualEnd(now), now);
    await revise(ctx, acting, id, { ends, noticed: noticeDue(ends, now), paused: null });
    await retell(ctx, acting, id, hub);
  });
}

/**
 * Takes a proposal out of the exchange for a while, or back into it; twice is as good as once.
 *
 * @throws DomainError not_found
 */
export async function pauseProposal(ctx: Ctx, acting: Acting, id: Id, pause: boolean): Promise<void> {
  await transact(ctx, async (ctx) => {
    const { paused } = await lockOwn(ctx, acting, id);
    if ((paused !== null) === pause) return;
    await revise(ctx, acting, id, { paused: pause ? ctx.clock.now() : null });
  });
}

/**
 * Withdraws a proposal of ours, and the post that stands for it.
 *
 * @throws DomainError not_found when it does not exist, was withdrawn, or belongs to somebody else
 */
export async function withdrawProposal(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const { iri } = await lockOwn(ctx, acting, id);
    await ctx.db
      .update(proposals)
      .set({ deleted: ctx.clock.now(), content: "", source: null })
      .where(eq(proposals.id, id));
    await documentChanged(ctx, id);
    await emit(ctx, {
      name: "proposal.withdrawn",
      subject: acting.actorId.toString(),
      proposalId: id.toString(),
    });
    for (const companion of await companions(ctx, acting, iri)) await deletePost(ctx, acting, companion);
  });
}

/** A proposal of the one who acts, until the transaction ends. @throws DomainError not_found */
export async function lockOwn(ctx: Ctx, { actorId }: Acting, id: Id) {
  const [row] = await ctx.db
    .select({
      iri: proposals.iri,
      purpose: proposals.purpose,
      unit: proposals.unit,
      committed: proposals.committed,
      category: proposals.category,
      subcategory: proposals.subcategory,
      paused: proposals.paused,
    })
    .from(proposals)
    .where(
      and(
        eq(proposals.id, id),
        eq(proposals.actorId, actorId),
        eq(proposals.local, true),
        isNull(proposals.deleted),
      ),
    )
    .for("update");
  if (row === undefined) throw new DomainError("not_found", "no such proposal");
  return row;
}

/** Writes the next revision of a locked proposal, and tells it. */
export async function revise(
  ctx: Ctx,
  acting: Acting,
  id: Id,
  changes: Partial<typeof proposals.$inferInsert>,
): Promise<void> {
  await ctx.db
    .update(proposals)
    .set({ ...changes, revision: sql`${proposals.revision} + 1`, updated: ctx.clock.now() })
    .where(eq(proposals.id, id));
  await keepRevision(ctx, id, acting);
  await documentChanged(ctx, id);
  await emit(ctx, {
    name: "proposal.changed",
    subject: acting.actorId.toString(),
    proposalId: id.toString(),
  });
}

/** Keeps what a proposal says now: an agreement names the revision that it answers. */
async function keepRevision(ctx: Ctx, id: Id, { accountId }: Acting): Promise<void> {
  const [row] = await ctx.db.select().from(proposals).where(eq(proposals.id, id));
  if (row === undefined) return;
  const {
    purpose,
    name,
    source,
    language,
    category,
    subcategory,
    tags,
    languages,
    unit,
    available,
    minimum,
  } = row;
  const { unitBased, settlement, price, currency, location, country, online, leadDays, ends, paused } = row;
  const terms = {
    ...{ purpose, name, source, language, category, subcategory, tags, languages, unit, available, minimum },
    ...{
      unitBased,
      settlement,
      price: price?.toString() ?? null,
      currency,
      location,
      country,
      online,
      leadDays,
    },
    ...{ ends, paused },
  };
  await ctx.db.insert(proposalRevisions).values({
    proposalId: id,
    revision: row.revision,
    terms: JSON.stringify(terms),
    accountId,
    created: ctx.clock.now(),
  });
}

function columnsOf(ctx: Ctx, checked: CheckedProposal, hub: HubView) {
  const priced = checked.price !== null;
  return {
    ...checked,
    content: plainToHtml(checked.source),
    currency: priced ? `${ctx.hub.origin}/currency` : null,
    currencySymbol: priced ? hub.currencySymbol : null,
    currencyScale: priced ? hub.currencyScale : null,
  };
}

/** Writes the post that stands for a proposal anew, as the proposal is now. */
async function retell(ctx: Ctx, acting: Acting, id: Id, hub: HubView): Promise<void> {
  const [row] = await ctx.db.select().from(proposals).where(eq(proposals.id, id));
  if (row === undefined) return;
  for (const post of await companions(ctx, acting, row.iri))
    await changePost(ctx, acting, post, {
      content: companionHtml(row, row.iri, hub, ctx.hub.origin),
      language: row.language ?? hub.locale,
    });
}

/** The posts that stand for a proposal; there is one. */
async function companions(ctx: Ctx, { actorId }: Acting, iri: string): Promise<Id[]> {
  const rows = await ctx.db
    .select({ id: posts.id })
    .from(posts)
    .where(and(eq(posts.proposal, iri), eq(posts.actorId, actorId), isNull(posts.deleted)))
    .limit(10)
    // Who deletes it at this moment is waited for, or `deletePost` would find nothing and undo the withdrawal.
    .for("update");
  return rows.map(({ id }) => id);
}

async function added(ctx: Ctx): Promise<Set<string>> {
  return new Set((await hubCategories(ctx)).filter(({ retired }) => !retired).map(({ key }) => key));
}
