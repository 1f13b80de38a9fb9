import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { follows } from "../../db/schema/follows.ts";
import { type PeerState, peerCopies, peerCopyItems, peers } from "../../db/schema/peers.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { RemoteActor } from "../actors/commands.ts";
import type { Ctx } from "../context.ts";
import { followedHere } from "../follows/queries.ts";
import type { RemoteProposal } from "../proposals/receive.ts";

/** With these peers what is public is told to each other as it changes, and copied. */
export const COPYING_STATES: readonly PeerState[] = ["active", "draining"];

/** The peer that is under this origin; null when there is none whose proposals are copied. */
export async function copiedPeer(ctx: Ctx, origin: string): Promise<Id | null> {
  const [row] = await ctx.db
    .select({ id: peers.id })
    .from(peers)
    .where(and(eq(peers.origin, origin), inArray(peers.state, [...COPYING_STATES])));
  return row?.id ?? null;
}

/** Is what this actor says in public kept here: does somebody follow it, or is it of a peer? */
export async function keptHere(ctx: Ctx, actorId: Id): Promise<boolean> {
  return (await peerOf(ctx, actorId)) !== null || followedHere(ctx, actorId);
}

/** The peer whose actor this is, while it is copied. */
export async function peerOf(ctx: Ctx, actorId: Id): Promise<Id | null> {
  const [row] = await ctx.db
    .select({ id: peers.id })
    .from(actors)
    .innerJoin(peers, eq(peers.id, actors.peerId))
    .where(and(eq(actors.id, actorId), inArray(peers.state, [...COPYING_STATES])));
  return row?.id ?? null;
}

/** A peer's proposal came by itself. Were its list being read, it would not be met there any more, and be taken for gone. */
export async function noteArrival(ctx: Ctx, peerId: Id, proposalId: Id): Promise<void> {
  await ctx.db.execute(sql`
    insert into ${peerCopyItems} (peer_id, item_id, listed)
    select peer_id, ${proposalId}::bigint, false from ${peerCopies}
    where peer_id = ${peerId} and cursor like 'proposals %' on conflict do nothing`);
}

/** What of a peer is here, as its own collections count it. */
export interface Held {
  organizations: number;
  proposals: number;
  revisions: number;
}

export async function held(ctx: Ctx, peerId: Id): Promise<Held> {
  const [row] = await ctx.db.execute<Record<keyof Held, string>>(sql`
    select count(*) as proposals, coalesce(sum(revision), 0) as revisions,
      (select count(*) from ${actors} where peer_id = ${peerId} and deleted is null and kind = 'Organization') as organizations
    from ${proposals} where peer_id = ${peerId} and deleted is null`);
  return {
    organizations: Number(row?.organizations),
    proposals: Number(row?.proposals),
    revisions: Number(row?.revisions),
  };
}

const PROFILE = [
  ...["kind", "handle", "name", "summary", "url", "avatar", "inbox", "shared_inbox", "outbox", "followers"],
  ...["following", "locked", "discoverable", "updated", "fetched", "peer_id"],
];

/**
 * Writes a page of a peer's organizations, in two statements however many they are: the rows are one JSON text.
 *
 * @param asked when the page was asked for: who was deleted since is not brought back by it
 * @returns how many had not been met in this round
 */
export async function storeOrganizations(
  ctx: Ctx,
  peerId: Id,
  organizations: readonly RemoteActor[],
  asked: Date,
): Promise<number> {
  const now = ctx.clock.now();
  const rows = await Promise.all(
    organizations.map(async ({ sharedInbox, published, ...fields }) => ({
      ...fields,
      ...{ id: String(await ctx.ids.next(now)), peer_id: String(peerId), shared_inbox: sharedInbox },
      ...{ created: published !== null && published < now ? published : now, updated: now, fetched: now },
    })),
  );
  const columns = sql.raw(["id", "iri", "host", "created", ...PROFILE].join());
  await ctx.db.execute(sql`
    insert into ${actors} (${columns})
    select ${columns} from json_populate_recordset(null::actors, ${JSON.stringify(rows)}::json)
    on conflict (iri) do update set ${taken(PROFILE)}, deleted = null
    where actors.host is not null and (actors.deleted is null or actors.deleted < ${asked.toISOString()}::timestamptz)`);
  return met(ctx, peerId, sql`${actors} where host is not null and deleted is null`, organizations);
}

const TERMS = [
  ...["purpose", "name", "content", "language", "category", "subcategory", "tags", "languages", "unit"],
  ...["minimum", "unit_based", "settlement", "price", "currency", "currency_symbol", "currency_scale"],
  ...[
    "location",
    "country",
    "online",
    "lead_days",
    "paused",
    "revision",
    "url",
    "updated",
    "ends",
    "peer_id",
  ],
];

/**
 * Writes a page of a peer's proposals: new ones, newer revisions, and those that only this hub took for gone.
 *
 * @param asked when the page was asked for: what was withdrawn since is not brought back by it
 * @returns how many had not been met in this round
 */
export async function storeProposals(
  ctx: Ctx,
  peerId: Id,
  list: readonly (RemoteProposal & { actorId: Id })[],
  asked: Date,
): Promise<number> {
  const now = ctx.clock.now();
  const rows = await Promise.all(
    list.map(async (proposal) => {
      const { actorId, unitBased, currencySymbol, currencyScale, leadDays, price, ...fields } = proposal;
      const published = new Date(Math.min(fields.published.getTime(), now.getTime()));
      return {
        ...{ ...fields, published, local: false, peer_id: String(peerId), actor_id: String(actorId) },
        ...{ id: String(await ctx.ids.next(published)), price: price === null ? null : String(price) },
        ...{ unit_based: unitBased, currency_symbol: currencySymbol, currency_scale: currencyScale },
        lead_days: leadDays,
      };
    }),
  );
  const columns = sql.raw(["id", "iri", "actor_id", "local", "published", "available", ...TERMS].join());
  await ctx.db.execute(sql`
    insert into ${proposals} (${columns})
    select ${columns} from json_populate_recordset(null::proposals, ${JSON.stringify(rows)}::json) as page
    where not exists (select from deletions where deletions.iri = page.iri and deletions.actor_id = page.actor_id)
    on conflict (iri) do update set ${taken(TERMS)}, deleted = null,
      available = case when excluded.available is not null then greatest(excluded.available, proposals.committed) end
    where proposals.actor_id = excluded.actor_id and not proposals.local and case
      when proposals.deleted is null then proposals.revision < excluded.revision
      else proposals.deleted < ${asked.toISOString()}::timestamptz
    end`);
  // Those that were known before the two hubs were peers.
  await ctx.db.execute(sql`
    update ${proposals} set peer_id = ${peerId}
    where iri = any(${iris(list)}) and peer_id is distinct from ${peerId} and not local`);
  return met(ctx, peerId, sql`${proposals} where not local and deleted is null`, list);
}

/** Notes that these were in the list. */
async function met(ctx: Ctx, peerId: Id, from: SQL, list: readonly { iri: string }[]): Promise<number> {
  const rows = await ctx.db.execute(sql`
    insert into ${peerCopyItems} as item (peer_id, item_id, listed)
    select ${peerId}::bigint, id, true from ${from} and iri = any(${iris(list)})
    on conflict (peer_id, item_id) do update set listed = true where not item.listed
    returning 1`);
  return rows.length;
}

/** What was read of a list does not matter for the next. */
export async function clearItems(ctx: Ctx, peerId: Id): Promise<void> {
  await ctx.db.delete(peerCopyItems).where(eq(peerCopyItems.peerId, peerId));
}

/**
 * Organizations that the peer does not list any more are in no list here either.
 *
 * @returns their iris: their server says whether they are gone for good
 */
export async function sweepOrganizations(ctx: Ctx, peerId: Id): Promise<string[]> {
  const rows = await ctx.db.execute<{ iri: string }>(sql`
    update ${actors} set peer_id = null
    where peer_id = ${peerId} and deleted is null and kind = 'Organization' and ${notMet(peerId, actors)}
    returning iri`);
  await clearItems(ctx, peerId);
  return Array.from(rows, ({ iri }) => iri);
}

/** Proposals that the peer does not list any more were withdrawn, and this hub did not hear of it. */
export async function sweepProposals(ctx: Ctx, peerId: Id): Promise<void> {
  await ctx.db.execute(sql`
    update ${proposals} set deleted = ${ctx.clock.now().toISOString()}::timestamptz, content = ''
    where peer_id = ${peerId} and deleted is null and ${notMet(peerId, proposals)}`);
  await clearItems(ctx, peerId);
}

/** Forgets the copies of peers that were parted from, but for what somebody here follows; called by the clock. */
export async function dropCopies(ctx: Ctx): Promise<void> {
  const rows = await ctx.db
    .select({ peerId: peerCopies.peerId })
    .from(peerCopies)
    .innerJoin(peers, eq(peers.id, peerCopies.peerId))
    .where(inArray(peers.state, ["closed", "rejected"]));
  for (const { peerId } of rows) {
    await ctx.db.transaction(async (tx) => {
      const now = ctx.clock.now().toISOString();
      const followed = sql`exists (
        select from ${follows} join ${actors} follower on follower.id = ${follows.followerId} and follower.host is null
        where ${follows.followedId} = ${proposals.actorId})`;
      await tx.execute(sql`
        update ${proposals} set deleted = ${now}::timestamptz, content = ''
        where peer_id = ${peerId} and deleted is null and not ${followed}`);
      await tx.execute(
        sql`update ${proposals} set peer_id = null where peer_id = ${peerId} and deleted is null`,
      );
      await tx.execute(sql`update ${actors} set peer_id = null where peer_id = ${peerId}`);
      await tx.delete(peerCopyItems).where(eq(peerCopyItems.peerId, peerId));
      await tx.delete(peerCopies).where(eq(peerCopies.peerId, peerId));
    });
  }
}

function notMet(peerId: Id, table: typeof actors | typeof proposals): SQL {
  return sql`not exists (
    select from ${peerCopyItems} where ${peerCopyItems.peerId} = ${peerId} and ${peerCopyItems.itemId} = ${table.id}
  )`;
}

function taken(columns: readonly string[]): SQL {
  return sql.raw(columns.map((column) => `${column} = excluded.${column}`).join());
}

function iris(list: readonly { iri: string }[]): SQL {
  return sql`${sql.param(list.map(({ iri }) => iri))}::text[]`;
}
