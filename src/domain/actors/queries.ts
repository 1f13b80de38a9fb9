import { and, desc, eq, gt, inArray, isNotNull, isNull, lt, ne, or, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { type ActorKind, actors } from "../../db/schema/actors.ts";
import { follows } from "../../db/schema/follows.ts";
import { posts } from "../../db/schema/posts.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Page, toPage } from "../page.ts";
import { parseHandle } from "./rules.ts";

/** An actor as pages and APIs show it. */
export interface ActorView {
  id: Id;
  iri: string;
  kind: ActorKind;
  handle: string;
  /** null for actors of this hub. */
  host: string | null;
  /** `name`, or `name@host` for remote actors: what comes after the first `@`. */
  acct: string;
  name: string;
  /** Sanitized HTML. */
  summary: string;
  /** Page on the actor's own server. */
  url: string;
  avatar: string | null;
  locked: boolean;
  /** This hub knows the organization to be what it says it is. */
  verified: boolean;
  created: Date;
}

/** An actor's page: counts, and how the one who looks stands to it. */
export interface ProfileView extends ActorView {
  followers: number;
  following: number;
  posts: number;
  relation: {
    /** Does the one who looks follow it? */
    following: "no" | "pending" | "accepted";
    followedBy: boolean;
    /** The one who looks is this actor. */
    own: boolean;
  };
}

/** The columns behind an ActorView of a table of actors that may be joined under a name of its own. */
export const actorColumnsOf = (table: typeof actors) => ({
  id: table.id,
  iri: table.iri,
  kind: table.kind,
  handle: table.handle,
  host: table.host,
  name: table.name,
  summary: table.summary,
  url: table.url,
  avatar: table.avatar,
  locked: table.locked,
  // Looked up by its primary key: as good as a join, and nobody who selects these columns has to know of it.
  verified: sql<boolean>`exists (
    select from verifications where verifications.organization_id = ${table}.id and verifications.state = 'verified')`,
  created: table.created,
});

/** The columns behind an ActorView, for joins. */
export const actorColumns = actorColumnsOf(actors);

type ActorRow = Omit<ActorView, "acct" | "url"> & { url: string | null };

export function toActorView(row: ActorRow): ActorView {
  return {
    ...row,
    acct: row.host === null ? row.handle : `${row.handle}@${row.host}`,
    url: row.url ?? row.iri,
    name: row.name === "" ? row.handle : row.name,
  };
}

/** @throws DomainError not_found, gone */
export async function actorById(ctx: Ctx, id: Id): Promise<ActorView> {
  return found(
    await ctx.db
      .select({ ...actorColumns, deleted: actors.deleted })
      .from(actors)
      .where(eq(actors.id, id)),
  );
}

/**
 * An actor by `name` (ours) or `name@host` (known here; `name@our-host` is ours as well).
 *
 * @throws DomainError not_found, gone
 */
export async function actorByAcct(ctx: Ctx, acct: string): Promise<ActorView> {
  // PostgreSQL takes no NUL, and no handle has one.
  if (acct.includes("\0")) throw new DomainError("not_found", "no such actor");
  const full = parseHandle(acct);
  const host = full === null || full.host === ctx.hub.host ? null : full.host;
  const name = (full?.name ?? acct.replace(/^@/, "")).toLowerCase();
  return found(
    await ctx.db
      .select({ ...actorColumns, deleted: actors.deleted })
      .from(actors)
      .where(
        and(
          sql`lower(${actors.handle}) = ${name}`,
          host === null ? isNull(actors.host) : eq(actors.host, host),
        ),
      )
      .orderBy(desc(actors.id))
      .limit(1),
  );
}

function found(rows: (ActorRow & { deleted: Date | null })[]): ActorView {
  const [row] = rows;
  if (row === undefined) throw new DomainError("not_found", "no such actor");
  if (row.deleted !== null) throw new DomainError("gone", "this actor was deleted");
  const { deleted: _, ...actor } = row;
  return toActorView(actor);
}

/** An actor's page as `viewerId` (or a visitor) sees it. */
export async function profile(ctx: Ctx, actor: ActorView, viewerId: Id | null): Promise<ProfileView> {
  const mine = alias(follows, "mine");
  const theirs = alias(follows, "theirs");
  const viewer = viewerId ?? 0n;
  const [row] = await ctx.db
    .select({
      followers: sql<string>`(select count(*) from ${follows} where ${follows.followedId} = ${actor.id} and ${follows.state} = 'accepted')`,
      following: sql<string>`(select count(*) from ${follows} where ${follows.followerId} = ${actor.id} and ${follows.state} = 'accepted')`,
      posts: sql<string>`(select count(*) from ${posts} where ${posts.actorId} = ${actor.id} and ${posts.deleted} is null)`,
      mine: mine.state,
      theirs: theirs.state,
    })
    .from(actors)
    .leftJoin(mine, and(eq(mine.followerId, viewer), eq(mine.followedId, actors.id)))
    .leftJoin(theirs, and(eq(theirs.followerId, actors.id), eq(theirs.followedId, viewer)))
    .where(eq(actors.id, actor.id));
  return {
    ...actor,
    followers: Number(row?.followers ?? 0),
    following: Number(row?.following ?? 0),
    posts: Number(row?.posts ?? 0),
    relation: {
      following: row?.mine ?? "no",
      followedBy: row?.theirs === "accepted",
      own: viewerId === actor.id,
    },
  };
}

/** How an actor stands to several others: one query for a whole list. */
export async function relations(
  ctx: Ctx,
  others: readonly ActorView[],
  viewerId: Id,
): Promise<Map<Id, ProfileView["relation"]>> {
  const ids = others.map((other) => other.id);
  const rows =
    ids.length === 0
      ? []
      : await ctx.db
          .select({ followerId: follows.followerId, followedId: follows.followedId, state: follows.state })
          .from(follows)
          .where(
            or(
              and(eq(follows.followerId, viewerId), inArray(follows.followedId, ids)),
              and(eq(follows.followedId, viewerId), inArray(follows.followerId, ids)),
            ),
          );
  return new Map(
    ids.map((id) => [
      id,
      {
        following: rows.find((row) => row.followerId === viewerId && row.followedId === id)?.state ?? "no",
        followedBy: rows.some((row) => row.followerId === id && row.state === "accepted"),
        own: id === viewerId,
      },
    ]),
  );
}

/**
 * Organizations of this hub and of its peers, newest first.
 *
 * @param hub only this hub's, or a peer's
 */
export async function directory(
  ctx: Ctx,
  before: Id | null,
  { hub, limit = 20 }: { hub?: "here" | Id | undefined; limit?: number } = {},
): Promise<Page<ActorView>> {
  const whose = {
    all: or(isNull(actors.host), isNotNull(actors.peerId)),
    here: isNull(actors.host),
    peer: eq(actors.peerId, typeof hub === "bigint" ? hub : 0n),
  }[hub === undefined ? "all" : hub === "here" ? hub : "peer"];
  const rows = await ctx.db
    .select(actorColumns)
    .from(actors)
    .where(
      and(
        eq(actors.kind, "Organization"),
        whose,
        isNull(actors.deleted),
        before === null ? undefined : lt(actors.id, before),
      ),
    )
    .orderBy(desc(actors.id))
    .limit(limit + 1);
  return toPage(rows.map(toActorView), limit, (actor) => actor.id);
}

/**
 * Actors known here, of this hub and of others, whose name or handle contains the words; at most `limit`. Who is not to be found (Mastodon's
 * `discoverable`) is found by the whole handle alone; so are people by visitors, who might collect them otherwise.
 *
 * @param member somebody of this hub searches
 */
export async function searchActors(
  ctx: Ctx,
  words: string,
  { member, limit = 20 }: { member: boolean; limit?: number },
): Promise<ActorView[]> {
  const text = words.trim().replace(/^@/, "");
  if (text === "") return [];
  const pattern = `%${text.replace(/[\\%_]/g, "\\$&")}%`;
  const rows = await ctx.db
    .select(actorColumns)
    .from(actors)
    .where(
      and(
        sql`(${actors.name} || ' ' || ${actors.handle}) ilike ${pattern}`,
        or(
          and(actors.discoverable, member ? undefined : ne(actors.kind, "Person")),
          eq(sql`lower(${actors.handle})`, text.toLowerCase()),
        ),
        sql`${actors.kind} <> 'Application'`,
        isNull(actors.deleted),
      ),
    )
    .orderBy(desc(actors.id))
    .limit(limit);
  return rows.map(toActorView);
}

/** An actor of ours with everything its document says; null when there is none. */
export async function localActor(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select()
    .from(actors)
    .where(and(eq(actors.id, id), isNull(actors.host), isNull(actors.deleted)));
  if (row === undefined) return null;
  return {
    ...row,
    url: row.url ?? row.iri,
    outbox: row.outbox ?? `${row.iri}/outbox`,
    followers: row.followers ?? `${row.iri}/followers`,
    following: row.following ?? `${row.iri}/following`,
    sharedInbox: row.sharedInbox ?? `${ctx.hub.origin}/inbox`,
  };
}

/** The little of an actor that federation needs to know whom it deals with. */
export interface ActorRef {
  id: Id;
  iri: string;
  /** null for actors of this hub. */
  host: string | null;
  followers: string | null;
  fetched: Date | null;
}

const refColumns = {
  id: actors.id,
  iri: actors.iri,
  host: actors.host,
  followers: actors.followers,
  fetched: actors.fetched,
};

/** A known actor by its iri, or else by the address of its page: nobody is found by an iri that another names as a page. */
export async function findActor(ctx: Ctx, address: string): Promise<ActorRef | null> {
  const [row] = await ctx.db
    .select(refColumns)
    .from(actors)
    .where(and(or(eq(actors.iri, address), eq(actors.url, address)), isNull(actors.deleted)))
    .orderBy(desc(eq(actors.iri, address)))
    .limit(1);
  return row ?? null;
}

/** A known actor by its handle; `host` null for ours. Of remote ones only those read after `since`. */
export async function findActorByHandle(
  ctx: Ctx,
  name: string,
  host: string | null,
  since?: Date,
): Promise<ActorRef | null> {
  const [row] = await ctx.db
    .select(refColumns)
    .from(actors)
    .where(
      and(
        sql`lower(${actors.handle}) = ${name.toLowerCase()}`,
        host === null ? isNull(actors.host) : eq(actors.host, host),
        since === undefined ? undefined : gt(actors.fetched, since),
        isNull(actors.deleted),
      ),
    )
    .orderBy(desc(actors.id))
    .limit(1);
  return row ?? null;
}

/** Several known actors at once; what is not there is left out. */
export async function findActors(ctx: Ctx, ids: readonly Id[]): Promise<ActorRef[]> {
  return ctx.db
    .select(refColumns)
    .from(actors)
    .where(inArray(actors.id, [...ids]));
}

/** Known actors by their iris. */
export async function findActorsByIri(ctx: Ctx, iris: readonly string[]): Promise<Map<string, ActorRef>> {
  if (iris.length === 0) return new Map();
  const rows = await ctx.db
    .select(refColumns)
    .from(actors)
    .where(and(inArray(actors.iri, [...iris]), isNull(actors.deleted)));
  return new Map(rows.map((row) => [row.iri, row]));
}
