import { and, desc, eq, isNull, lt, ne, or, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements, type Party, reviews } from "../../db/schema/agreements.ts";
import { follows } from "../../db/schema/follows.ts";
import { posts, type Visibility } from "../../db/schema/posts.ts";
import { proposals } from "../../db/schema/proposals.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type Page, toPage } from "../page.ts";
import { ENTRY } from "../reviews/load.ts";
import { rating } from "../reviews/rules.ts";

export type { Page } from "../page.ts";

/** A post as pages and APIs show it. */
export interface PostView {
  id: Id;
  iri: string;
  /** Page on the author's own server. */
  url: string;
  author: ActorView;
  local: boolean;
  /** Title, where the post has one. */
  name: string | null;
  /** Sanitized HTML. */
  content: string;
  /** Content warning. */
  summary: string | null;
  language: string | null;
  visibility: Visibility;
  inReplyTo: string | null;
  /** Set when the post is the companion of a proposal that this hub knows. */
  proposalId: Id | null;
  published: Date;
  updated: Date | null;
  /** The one who looks may delete it. */
  own: boolean;
}

const PAGE = 20;

/**
 * Who may read a post: everybody what is public or unlisted, followers (and the author) what is for followers. Every read
 * path uses this one condition.
 */
function readable(viewerId: Id | null): SQL | undefined {
  const open = sql`${posts.visibility} in ('public', 'unlisted')`;
  if (viewerId === null) return open;
  return or(
    open,
    eq(posts.actorId, viewerId),
    sql`exists (select 1 from ${follows} f where f.follower_id = ${viewerId} and f.followed_id = ${posts.actorId} and f.state = 'accepted')`,
  );
}

/** The posts of those whom an actor follows, and its own. */
export async function homeTimeline(
  ctx: Ctx,
  viewerId: Id,
  before: Id | null,
  limit = PAGE,
): Promise<Page<PostView>> {
  // The newest few of each, merged: reads at most (follows × limit) index entries, and nothing has to be written for each
  // follower when a post arrives.
  const from = sql`(
    select p.id from (
      select f.followed_id as actor_id from ${follows} f where f.follower_id = ${viewerId} and f.state = 'accepted'
      union all select ${viewerId}::bigint
    ) a cross join lateral (
      select id from ${posts} where actor_id = a.actor_id and deleted is null
      ${before === null ? sql`` : sql`and id < ${before}`} order by id desc limit ${limit + 1}
    ) p order by p.id desc limit ${limit + 1}
  )`;
  return select(ctx, viewerId, sql`${posts.id} in ${from}`, limit);
}

/** Public posts of this hub. */
export async function hubTimeline(
  ctx: Ctx,
  viewerId: Id | null,
  before: Id | null,
  limit = PAGE,
): Promise<Page<PostView>> {
  return select(
    ctx,
    viewerId,
    and(
      // Spelled out, not as parameters: only so does a plan that is kept know that the index `posts_local` has them all.
      sql`${posts.local} and ${posts.visibility} = 'public'`,
      before === null ? undefined : lt(posts.id, before),
    ),
    limit,
  );
}

/** What an actor wrote, as far as the one who looks may read it. */
export async function actorPosts(
  ctx: Ctx,
  actorId: Id,
  viewerId: Id | null,
  before: Id | null,
  limit = PAGE,
): Promise<Page<PostView>> {
  return select(
    ctx,
    viewerId,
    and(eq(posts.actorId, actorId), readable(viewerId), before === null ? undefined : lt(posts.id, before)),
    limit,
  );
}

/** Answers to a post, oldest first, at most 100. */
export async function replies(ctx: Ctx, iri: string, viewerId: Id | null): Promise<PostView[]> {
  const page = await select(ctx, viewerId, and(eq(posts.inReplyTo, iri), readable(viewerId)), 100);
  return page.items.reverse();
}

/** How deep a conversation is followed, and how many posts of it are read. */
const DEPTH = 6;
const THREAD = 300;

/** Everything that was said to a post, and to that, oldest first: the newest 300 posts, answers to answers up to six deep. */
export async function thread(ctx: Ctx, iri: string, viewerId: Id | null): Promise<PostView[]> {
  const below = sql`(
    with recursive below (id, iri, depth) as (
      select id, iri, 1 from posts where in_reply_to = ${iri} and deleted is null
      union all
      select p.id, p.iri, below.depth + 1 from posts p join below on p.in_reply_to = below.iri
      where below.depth < ${DEPTH} and p.deleted is null
    ) select id from below limit ${2 * THREAD}
  )`;
  const page = await select(ctx, viewerId, and(sql`${posts.id} in ${below}`, readable(viewerId)), THREAD);
  return page.items.reverse();
}

/**
 * One post. Hidden and missing look the same.
 *
 * @throws DomainError not_found, gone (its author deleted it)
 */
export async function postById(ctx: Ctx, id: Id, viewerId: Id | null): Promise<PostView> {
  const page = await select(ctx, viewerId, and(eq(posts.id, id), readable(viewerId)), 1);
  const [post] = page.items;
  if (post !== undefined) return post;
  const [row] = await ctx.db
    .select({ deleted: posts.deleted })
    .from(posts)
    .where(and(eq(posts.id, id), sql`${posts.visibility} in ('public', 'unlisted')`));
  if (row?.deleted != null) throw new DomainError("gone", "this post was deleted");
  throw new DomainError("not_found", "no such post");
}

/** One post by its iri, as far as the one who looks may read it. */
export async function postByIri(ctx: Ctx, iri: string, viewerId: Id | null): Promise<PostView | null> {
  const page = await select(ctx, viewerId, and(eq(posts.iri, iri), readable(viewerId)), 1);
  return page.items[0] ?? null;
}

async function select(
  ctx: Ctx,
  viewerId: Id | null,
  where: SQL | undefined,
  limit: number,
): Promise<Page<PostView>> {
  const rows = await ctx.db
    .select({
      id: posts.id,
      iri: posts.iri,
      url: posts.url,
      author: actorColumns,
      local: posts.local,
      name: posts.name,
      content: posts.content,
      summary: posts.summary,
      language: posts.language,
      visibility: posts.visibility,
      inReplyTo: posts.inReplyTo,
      proposalId: proposals.id,
      published: posts.published,
      updated: posts.updated,
    })
    .from(posts)
    .innerJoin(actors, eq(actors.id, posts.actorId))
    // Only the proposal's own author may let a post stand for it.
    .leftJoin(
      proposals,
      and(eq(proposals.iri, posts.proposal), eq(proposals.actorId, posts.actorId), isNull(proposals.deleted)),
    )
    .where(and(where, isNull(posts.deleted)))
    .orderBy(desc(posts.id))
    .limit(limit + 1);
  return toPage(
    rows.map((row) => ({
      ...row,
      author: toActorView(row.author),
      own: row.local && row.author.id === viewerId,
    })),
    limit,
    (post) => post.id,
  );
}

/** Is this one of the posts we have? */
export async function knowsPost(ctx: Ctx, iri: string): Promise<boolean> {
  const [row] = await ctx.db
    .select({ id: posts.id })
    .from(posts)
    .where(and(eq(posts.iri, iri), isNull(posts.deleted)));
  return row !== undefined;
}

/** What the Note of a review says beside its text. */
export interface OutgoingReview {
  /** Iris of the agreement, and of the proposal that it came from. */
  agreement: string;
  exchanged: string;
  /** Iri of the actor it is about. */
  about: string;
  /** What that one did in the exchange. */
  role: Party;
  /** 1 to 5. */
  rating: number;
  /** Digest of the ledger entry by which one hub paid the other for the exchange. */
  settlement: string | null;
}

/** A post of ours with what its Note says; a deleted one too, so that it can be served as a tombstone. */
export interface OutgoingPost {
  id: Id;
  iri: string;
  actorId: Id;
  actorIri: string;
  /** The author's followers collection. */
  followers: string;
  content: string;
  summary: string | null;
  language: string | null;
  visibility: Visibility;
  inReplyTo: string | null;
  url: string;
  proposal: string | null;
  /** Of the proposal that it stands for. */
  tags: string[];
  /** The author of the post that it answers, where that is somebody else. */
  answered: { id: Id; iri: string; handle: string; host: string | null } | null;
  published: Date;
  updated: Date | null;
  deleted: Date | null;
  /** The review that it tells. */
  review: OutgoingReview | null;
}

const subject = alias(actors, "subject");
const exchanged = alias(proposals, "exchanged");

export async function outgoingPost(ctx: Ctx, id: Id): Promise<OutgoingPost | null> {
  const parent = alias(posts, "parent");
  const answered = alias(actors, "answered");
  const [row] = await ctx.db
    .select({
      id: posts.id,
      iri: posts.iri,
      actorId: posts.actorId,
      actorIri: actors.iri,
      followers: sql<string>`coalesce(${actors.followers}, ${actors.iri} || '/followers')`,
      content: posts.content,
      summary: posts.summary,
      language: posts.language,
      visibility: posts.visibility,
      inReplyTo: posts.inReplyTo,
      url: posts.url,
      proposal: posts.proposal,
      tags: sql<string[]>`coalesce(${proposals.tags}, '{}')`,
      answered: { id: answered.id, iri: answered.iri, handle: answered.handle, host: answered.host },
      published: posts.published,
      updated: posts.updated,
      deleted: posts.deleted,
      told: reviews,
      agreement: agreements.iri,
      exchanged: exchanged.iri,
      about: subject.iri,
      settlement: ENTRY,
    })
    .from(posts)
    .innerJoin(actors, eq(actors.id, posts.actorId))
    .leftJoin(reviews, eq(reviews.postId, posts.id))
    .leftJoin(agreements, eq(agreements.id, reviews.agreementId))
    .leftJoin(exchanged, eq(exchanged.id, agreements.proposalId))
    .leftJoin(subject, eq(subject.id, reviews.subjectId))
    .leftJoin(proposals, and(eq(proposals.iri, posts.proposal), eq(proposals.actorId, posts.actorId)))
    .leftJoin(parent, eq(parent.iri, posts.inReplyTo))
    .leftJoin(answered, and(eq(answered.id, parent.actorId), ne(answered.id, posts.actorId)))
    .where(and(eq(posts.id, id), eq(posts.local, true)));
  if (row === undefined) return null;
  const { told, agreement, exchanged: proposal, about, settlement, ...post } = row;
  const review =
    told === null || agreement === null || proposal === null || about === null
      ? null
      : { agreement, exchanged: proposal, about, role: told.role, rating: rating(told), settlement };
  return { ...post, review };
}
