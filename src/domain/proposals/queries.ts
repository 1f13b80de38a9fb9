import { and, desc, eq, inArray, isNotNull, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements } from "../../db/schema/agreements.ts";
import { media } from "../../db/schema/media.ts";
import {
  categories,
  type Purpose,
  proposalPhotos,
  proposals,
  type Settlement,
  type Unit,
} from "../../db/schema/proposals.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Page, toPage } from "../page.ts";
import { type CopiedHub, copiedHubs, type HereAmount, priceHere } from "../peers/hubs.ts";
import type { CategoryLabels } from "./hub-categories.ts";
import { PHOTOS_MAX, type ProposalState, remaining, stateOf } from "./rules.ts";
import {
  findProposals,
  firstOfGroups,
  type Home,
  mended,
  nearby,
  type ProposalFilter,
  standing,
  type Terms,
} from "./search.ts";

export type { Home, ProposalFilter } from "./search.ts";

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
  /** Key of the category list (`categories.<key>` in the locales, or the hub's own), null when unknown here. */
  category: string | null;
  /** Key of the second level (`training.facilitation`), if one was chosen. */
  subcategory: string | null;
  /** Where it is a category that this hub added: its name in each language of the interface. */
  categoryLabels: CategoryLabels | null;
  tags: string[];
  /** Languages in which it can be done. */
  languages: string[];
  unit: Unit;
  /** Units on offer in all. */
  available: number | null;
  /** Units that nobody has been promised yet; null when there is no bound. */
  remaining: number | null;
  minimum: number | null;
  committed: number;
  unitBased: boolean | null;
  settlement: Settlement;
  /** Minor units of the currency, per unit when `unitBased`. */
  price: bigint | null;
  /** The currency's iri. */
  currency: string | null;
  currencySymbol: string | null;
  currencyScale: number | null;
  location: string | null;
  country: string | null;
  online: boolean;
  /** How many days ahead one has to ask. */
  leadDays: number | null;
  revision: number;
  published: Date;
  updated: Date | null;
  ends: Date | null;
  state: ProposalState;
  /** The one who looks may change and withdraw it. */
  own: boolean;
  /** The peer whose exchange it is in; null for ours, and for those of servers that are no peers. */
  hub: CopiedHub | null;
  /** About what a peer's price is in this hub's currency. */
  here: HereAmount | null;
}

/**
 * Proposals of one actor, newest first: the open ones, and whatever else it has not withdrawn when it looks itself; or without an
 * actor the newest open ones of all.
 */
export async function proposalList(
  ctx: Ctx,
  filter: { actorId?: Id | undefined; purpose?: Purpose | undefined },
  viewerId: Id | null,
  before: Id | null,
  limit = 20,
): Promise<Page<ProposalView>> {
  const own = filter.actorId !== undefined && filter.actorId === viewerId;
  const page = await select(
    ctx,
    viewerId,
    and(
      filter.actorId === undefined ? undefined : eq(proposals.actorId, filter.actorId),
      filter.purpose === undefined ? undefined : eq(proposals.purpose, filter.purpose),
      own ? undefined : and(isNull(proposals.paused), standing(ctx, null)),
      before === null ? undefined : lt(proposals.id, before),
    ),
    limit + 1,
  );
  return toPage(page, limit, (proposal) => proposal.id);
}

/** Where the next page of the exchange begins. */
export interface ExchangeCursor {
  before: Id | null;
  /** Place in the order by nearness; 0 without one. */
  near: number;
}

/** A page of the exchange. `near` goes with `before`. */
export interface ExchangeList extends Page<ProposalView> {
  near: number;
  /** Nothing has the words that were asked for; these have words like them. */
  similar: boolean;
}

/**
 * Open proposals known here, of this hub and of others: newest first, or those near `home` before.
 *
 * Reads at most four bounded parts of the table, or of its index, whatever is asked for.
 */
export async function exchange(
  ctx: Ctx,
  filter: ProposalFilter,
  viewerId: Id | null,
  cursor: ExchangeCursor,
  home: Home | null,
  limit = 20,
): Promise<ExchangeList> {
  const start = cursor.before === null && cursor.near === 0;
  const found = await nearest(ctx, filter, viewerId, cursor, home, limit + 1);
  let similar = false;
  if (start && found.length === 0 && filter.text !== undefined) {
    const words = await mended(ctx, filter.text);
    if (words !== null)
      found.push(...(await nearest(ctx, { ...filter, words }, viewerId, cursor, null, limit)));
    similar = found.length > 0;
  }
  const { items, before } = toPage(found, limit, ({ id }) => id);
  const ids = items.map(({ id }) => id);
  return {
    items: await proposalsByIds(ctx, ids, viewerId),
    before,
    near: items.at(-1)?.near ?? 0,
    similar,
  };
}

/** One group of the order after the other, until there are enough. */
async function nearest(
  ctx: Ctx,
  filter: Terms,
  viewerId: Id | null,
  cursor: ExchangeCursor,
  home: Home | null,
  limit: number,
): Promise<{ id: Id; near: number }[]> {
  const groups = home === null ? [null] : nearby(home);
  const start = home !== null && cursor.before === null && cursor.near === 0;
  const first = start ? await firstOfGroups(ctx, filter, { viewerId, groups: nearby(home), limit }) : null;
  const found: { id: Id; near: number }[] = [];
  for (let near = Math.min(cursor.near, groups.length - 1); near < groups.length; near++) {
    const wanted = limit - found.length;
    const known = first?.ids[near] ?? [];
    const enough = known.length >= wanted || first?.complete === true;
    const before = near === cursor.near ? cursor.before : null;
    const search = { viewerId, near: groups[near] ?? null, before, limit: wanted, rare: first !== null };
    const ids = enough ? known.slice(0, wanted) : await findProposals(ctx, filter, search);
    found.push(...ids.map((id) => ({ id, near })));
    if (found.length >= limit) break;
  }
  return found;
}

/** The newest place and country that an actor named in its own proposals. */
export async function homeOf(ctx: Ctx, actorId: Id): Promise<Home | null> {
  const named = or(isNotNull(proposals.location), isNotNull(proposals.country));
  const [row] = await ctx.db
    .select({ location: proposals.location, country: proposals.country })
    .from(proposals)
    .where(and(eq(proposals.actorId, actorId), isNull(proposals.deleted), named))
    .orderBy(desc(proposals.id))
    .limit(1);
  return row ?? null;
}

/** @throws DomainError not_found, gone (withdrawn) */
export async function proposalById(ctx: Ctx, id: Id, viewerId: Id | null): Promise<ProposalView> {
  const [proposal] = await select(ctx, viewerId, eq(proposals.id, id), 1);
  if (proposal !== undefined) return proposal;
  const [row] = await ctx.db.select({ id: proposals.id }).from(proposals).where(eq(proposals.id, id));
  if (row !== undefined) throw new DomainError("gone", "this proposal was withdrawn");
  throw new DomainError("not_found", "no such proposal");
}

/** The currency (its iri) that a proposal's price is in, or that of the proposal an agreement is on; null: not known, or no price. */
export async function currencyOfProposal(
  ctx: Ctx,
  by: { proposalId: Id } | { agreementId: Id },
): Promise<string | null> {
  const answered = (agreementId: Id) =>
    ctx.db.select({ id: agreements.proposalId }).from(agreements).where(eq(agreements.id, agreementId));
  const [row] = await ctx.db
    .select({ currency: proposals.currency })
    .from(proposals)
    .where(
      "proposalId" in by ? eq(proposals.id, by.proposalId) : inArray(proposals.id, answered(by.agreementId)),
    );
  return row?.currency ?? null;
}

/** What the author of a proposal of ours typed, for the form in which it is changed. */
export async function proposalSource(ctx: Ctx, id: Id): Promise<string> {
  const [row] = await ctx.db.select({ source: proposals.source }).from(proposals).where(eq(proposals.id, id));
  return row?.source ?? "";
}

/** Those that exist, in the order of `ids`. */
export async function proposalsByIds(
  ctx: Ctx,
  ids: readonly Id[],
  viewerId: Id | null,
): Promise<ProposalView[]> {
  if (ids.length === 0) return [];
  const rows = await select(ctx, viewerId, inArray(proposals.id, [...ids]), ids.length);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined);
}

async function select(
  ctx: Ctx,
  viewerId: Id | null,
  where: SQL | undefined,
  limit: number,
): Promise<ProposalView[]> {
  const rows = await ctx.db
    .select({
      ...columns,
      actor: actorColumns,
      paused: proposals.paused,
      labels: categories.labels,
      peerId: proposals.peerId,
    })
    .from(proposals)
    .innerJoin(actors, eq(actors.id, proposals.actorId))
    .leftJoin(categories, eq(categories.key, sql`coalesce(${proposals.subcategory}, ${proposals.category})`))
    .where(and(where, isNull(proposals.deleted)))
    .orderBy(desc(proposals.id))
    .limit(limit);
  const now = ctx.clock.now();
  const hubs = rows.some(({ peerId }) => peerId !== null) ? await copiedHubs(ctx) : [];
  const whose = ({ peerId, ...price }: (typeof rows)[number]) => {
    const hub = hubs.find(({ id }) => id === peerId) ?? null;
    return { hub, here: hub && priceHere(hub, price) };
  };
  return rows.map(({ paused, labels, peerId, ...row }) => ({
    ...row,
    ...whose({ paused, labels, peerId, ...row }),
    categoryLabels: labels === null ? null : (JSON.parse(labels) as CategoryLabels),
    actor: toActorView(row.actor),
    remaining: remaining(row),
    state: stateOf({ ...row, paused }, now),
    own: row.local && row.actor.id === viewerId,
  }));
}

const columns = {
  id: proposals.id,
  iri: proposals.iri,
  url: proposals.url,
  local: proposals.local,
  purpose: proposals.purpose,
  name: proposals.name,
  content: proposals.content,
  language: proposals.language,
  category: proposals.category,
  subcategory: proposals.subcategory,
  tags: proposals.tags,
  languages: proposals.languages,
  unit: proposals.unit,
  available: proposals.available,
  minimum: proposals.minimum,
  committed: proposals.committed,
  unitBased: proposals.unitBased,
  settlement: proposals.settlement,
  price: proposals.price,
  currency: proposals.currency,
  currencySymbol: proposals.currencySymbol,
  currencyScale: proposals.currencyScale,
  location: proposals.location,
  country: proposals.country,
  online: proposals.online,
  leadDays: proposals.leadDays,
  revision: proposals.revision,
  published: proposals.published,
  updated: proposals.updated,
  ends: proposals.ends,
} as const;

/** What an agreement needs to know of the proposal that it answers. */
export interface OpenProposal {
  id: Id;
  iri: string;
  actorId: Id;
  actorIri: string;
  local: boolean;
  purpose: Purpose;
  name: string;
  settlement: Settlement;
  unit: Unit;
  available: number | null;
  minimum: number | null;
  committed: number;
  unitBased: boolean | null;
  price: bigint | null;
  currency: string | null;
  leadDays: number | null;
  revision: number;
  ends: Date | null;
  paused: Date | null;
  deleted: Date | null;
}

/**
 * A proposal for an agreement; a withdrawn, paused or ended one too (`stateOf` tells).
 *
 * @param lock keeps it as it is until the caller's transaction ends
 * @throws DomainError not_found
 */
export async function openProposal(ctx: Ctx, id: Id, lock = false): Promise<OpenProposal> {
  const query = ctx.db
    .select({
      id: proposals.id,
      iri: proposals.iri,
      actorId: proposals.actorId,
      actorIri: actors.iri,
      local: proposals.local,
      purpose: proposals.purpose,
      name: proposals.name,
      settlement: proposals.settlement,
      unit: proposals.unit,
      available: proposals.available,
      minimum: proposals.minimum,
      committed: proposals.committed,
      unitBased: proposals.unitBased,
      price: proposals.price,
      currency: proposals.currency,
      leadDays: proposals.leadDays,
      revision: proposals.revision,
      ends: proposals.ends,
      paused: proposals.paused,
      deleted: proposals.deleted,
    })
    .from(proposals)
    .innerJoin(actors, eq(actors.id, proposals.actorId))
    .where(eq(proposals.id, id));
  const [row] = await (lock ? query.for("update", { of: proposals }) : query);
  if (row === undefined) throw new DomainError("not_found", "no such proposal");
  return row;
}

/** What a proposal's document says, joined with its actor; all but its pictures. */
export const outgoingColumns = {
  ...columns,
  actorId: proposals.actorId,
  actorIri: actors.iri,
  followers: sql<string>`coalesce(${actors.followers}, ${actors.iri} || '/followers')`,
  paused: proposals.paused,
  deleted: proposals.deleted,
} as const;

/** A proposal of ours with what its document says; a withdrawn one too. */
export async function outgoingProposal(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select(outgoingColumns)
    .from(proposals)
    .innerJoin(actors, eq(actors.id, proposals.actorId))
    .where(and(eq(proposals.id, id), eq(proposals.local, true)));
  return row === undefined ? null : { ...row, photos: await picturesOf(ctx, id) };
}

export type OutgoingProposal = NonNullable<Awaited<ReturnType<typeof outgoingProposal>>>;

/** What documents say of a proposal's pictures. */
export async function picturesOf(ctx: Ctx, id: Id) {
  return ctx.db
    .select({
      id: media.id,
      type: media.type,
      description: media.description,
      width: media.width,
      height: media.height,
    })
    .from(proposalPhotos)
    .innerJoin(media, eq(media.id, proposalPhotos.mediaId))
    .where(eq(proposalPhotos.proposalId, id))
    .orderBy(proposalPhotos.position)
    .limit(PHOTOS_MAX);
}

export type Picture = Awaited<ReturnType<typeof picturesOf>>[number];
