import { and, desc, eq, gt, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { type Purpose, proposals, type Settlement, type Unit } from "../../db/schema/proposals.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Page, toPage } from "../page.ts";
import { DAY_LAG } from "./rules.ts";

/** An offer or a need as pages and APIs show it. */
export interface ProposalView {
  id: Id;
  iri: string;
  url: string;
  actor: ActorView;
  local: boolean;
  purpose: Purpose;
  name: string;
  /** Sanitized HTML. */
  content: string;
  language: string | null;
  /** Key of the category list (`categories.<key>` in the locales), null when unknown here. */
  category: string | null;
  unit: Unit;
  available: number | null;
  minimum: number | null;
  unitBased: boolean | null;
  settlement: Settlement;
  /** Minor units of the currency, per unit when `unitBased`. */
  price: bigint | null;
  currencySymbol: string | null;
  currencyScale: number | null;
  location: string | null;
  online: boolean;
  published: Date;
  ends: Date | null;
  /** The one who looks may withdraw it. */
  own: boolean;
}

export interface ProposalFilter {
  purpose?: Purpose | undefined;
  category?: string | undefined;
  actorId?: Id | undefined;
}

/** Open proposals known here, of this hub and of others, newest first. */
export async function proposalList(
  ctx: Ctx,
  filter: ProposalFilter,
  viewerId: Id | null,
  before: Id | null,
  limit = 20,
): Promise<Page<ProposalView>> {
  const page = await select(
    ctx,
    viewerId,
    and(
      filter.purpose === undefined ? undefined : eq(proposals.purpose, filter.purpose),
      filter.category === undefined ? undefined : eq(proposals.category, filter.category),
      filter.actorId === undefined ? undefined : eq(proposals.actorId, filter.actorId),
      or(isNull(proposals.ends), gt(proposals.ends, new Date(ctx.clock.now().getTime() - DAY_LAG))),
      before === null ? undefined : lt(proposals.id, before),
    ),
    limit + 1,
  );
  return toPage(page, limit, (proposal) => proposal.id);
}

/** @throws DomainError not_found, gone (withdrawn) */
export async function proposalById(ctx: Ctx, id: Id, viewerId: Id | null): Promise<ProposalView> {
  const [proposal] = await select(ctx, viewerId, eq(proposals.id, id), 1);
  if (proposal !== undefined) return proposal;
  const [row] = await ctx.db.select({ id: proposals.id }).from(proposals).where(eq(proposals.id, id));
  if (row !== undefined) throw new DomainError("gone", "this proposal was withdrawn");
  throw new DomainError("not_found", "no such proposal");
}

async function select(
  ctx: Ctx,
  viewerId: Id | null,
  where: SQL | undefined,
  limit: number,
): Promise<ProposalView[]> {
  const rows = await ctx.db
    .select({
      id: proposals.id,
      iri: proposals.iri,
      url: proposals.url,
      actor: actorColumns,
      local: proposals.local,
      purpose: proposals.purpose,
      name: proposals.name,
      content: proposals.content,
      language: proposals.language,
      category: proposals.category,
      unit: proposals.unit,
      available: proposals.available,
      minimum: proposals.minimum,
      unitBased: proposals.unitBased,
      settlement: proposals.settlement,
      price: proposals.price,
      currencySymbol: proposals.currencySymbol,
      currencyScale: proposals.currencyScale,
      location: proposals.location,
      online: proposals.online,
      published: proposals.published,
      ends: proposals.ends,
    })
    .from(proposals)
    .innerJoin(actors, eq(actors.id, proposals.actorId))
    .where(and(where, isNull(proposals.deleted)))
    .orderBy(desc(proposals.id))
    .limit(limit);
  return rows.map((row) => ({
    ...row,
    actor: toActorView(row.actor),
    own: row.local && row.actor.id === viewerId,
  }));
}

/** A proposal of ours with what its document says; a withdrawn one too. */
export async function outgoingProposal(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({
      id: proposals.id,
      iri: proposals.iri,
      actorId: proposals.actorId,
      actorIri: actors.iri,
      followers: sql<string>`coalesce(${actors.followers}, ${actors.iri} || '/followers')`,
      purpose: proposals.purpose,
      name: proposals.name,
      content: proposals.content,
      language: proposals.language,
      category: proposals.category,
      unit: proposals.unit,
      available: proposals.available,
      minimum: proposals.minimum,
      unitBased: proposals.unitBased,
      settlement: proposals.settlement,
      price: proposals.price,
      currency: proposals.currency,
      currencyScale: proposals.currencyScale,
      location: proposals.location,
      online: proposals.online,
      revision: proposals.revision,
      url: proposals.url,
      published: proposals.published,
      updated: proposals.updated,
      ends: proposals.ends,
      deleted: proposals.deleted,
    })
    .from(proposals)
    .innerJoin(actors, eq(actors.id, proposals.actorId))
    .where(and(eq(proposals.id, id), eq(proposals.local, true)));
  return row ?? null;
}

export type OutgoingProposal = NonNullable<Awaited<ReturnType<typeof outgoingProposal>>>;
