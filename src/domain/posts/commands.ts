import { and, eq, isNull, lt, ne, or, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { reviews } from "../../db/schema/agreements.ts";
import { posts, type Visibility } from "../../db/schema/posts.ts";
import { isDeleted } from "../activities/commands.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { isFollowedHere } from "../follows/queries.ts";
import { plainToHtml } from "../html.ts";
import { eraseReviews } from "../reviews/erase.ts";
import { documentChanged, emit, transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { tellQuestion } from "./replies.ts";
import { POST_MAX, SUMMARY_MAX } from "./rules.ts";

export interface NewPost {
  content: string;
  /** Content warning. */
  summary?: string | undefined;
  visibility: Visibility;
  language: string;
  /** The iri of the post that it answers. */
  inReplyTo?: string | undefined;
}

/** Publishes what somebody wrote. @throws DomainError required, too_long */
export async function publishPost(ctx: Ctx, acting: Acting, input: NewPost): Promise<Id> {
  const source = requiredText("content", input.content, POST_MAX);
  const summary = optionalText("summary", input.summary, SUMMARY_MAX);
  return transact(ctx, (ctx) =>
    insertPost(ctx, acting, {
      content: plainToHtml(source),
      source,
      summary,
      visibility: input.visibility,
      language: input.language,
      inReplyTo: input.inReplyTo ?? null,
      proposal: null,
    }),
  );
}

interface PostFields {
  content: string;
  source: string | null;
  summary: string | null;
  visibility: Visibility;
  language: string;
  inReplyTo?: string | null;
  /** The proposal that this post stands for. */
  proposal: string | null;
}

/** Writes a post of ours and tells the followers, in the caller's transaction. */
export async function insertPost(
  ctx: Ctx,
  { accountId, actorId }: { accountId: Id | null; actorId: Id },
  fields: PostFields,
): Promise<Id> {
  const published = ctx.clock.now();
  const id = await ctx.ids.next(published);
  const iri = `${ctx.hub.origin}/posts/${id}`;
  await ctx.db
    .insert(posts)
    .values({ id, iri, url: iri, accountId, actorId, ...fields, local: true, published });
  await emit(ctx, { name: "post.published", subject: actorId.toString(), postId: id.toString() });
  if (fields.inReplyTo) await tellQuestion(ctx, actorId, fields.inReplyTo);
  return id;
}

/** Changes a post of ours that stands for something that changed, in the caller's transaction. */
export async function changePost(
  ctx: Ctx,
  { actorId }: Acting,
  id: Id,
  { content, language }: Pick<PostFields, "content" | "language">,
): Promise<void> {
  await ctx.db.update(posts).set({ content, language, updated: ctx.clock.now() }).where(eq(posts.id, id));
  await documentChanged(ctx, id);
  await emit(ctx, { name: "post.changed", subject: actorId.toString(), postId: id.toString() });
}

/** A post of another server as it was parsed and sanitized at the door. */
export interface RemotePost {
  iri: string;
  content: string;
  summary: string | null;
  name: string | null;
  language: string | null;
  visibility: Visibility;
  inReplyTo: string | null;
  url: string;
  proposal: string | null;
  published: Date;
  updated: Date | null;
}

/**
 * Keeps a post of a remote actor: a new one when somebody here follows the author or it answers a post we have, a changed
 * one when it is newer than ours. Only its author changes a post.
 *
 * @returns whether anything was stored
 */
export async function receivePost(ctx: Ctx, actorId: Id, post: RemotePost): Promise<boolean> {
  const now = ctx.clock.now();
  const published = new Date(Math.min(post.published.getTime(), now.getTime()));
  const { known, wanted, gone } = await arrivalOf(ctx, actorId, post);
  if (known !== null) {
    if (known.actorId !== actorId || known.deleted !== null || post.updated === null) return false;
    if (known.updated !== null && known.updated >= post.updated) return false;
    const { iri: _, published: __, ...changes } = post;
    // Asked again with the row's lock: meanwhile it may have been deleted, or a newer state have come on another way.
    const changed = await ctx.db
      .update(posts)
      .set(changes)
      .where(
        and(
          eq(posts.id, known.id),
          isNull(posts.deleted),
          or(isNull(posts.updated), lt(posts.updated, post.updated)),
        ),
      )
      .returning({ id: posts.id });
    return changed.length > 0;
  }
  if (!wanted || gone) return false;
  const inserted = await ctx.db
    .insert(posts)
    .values({ id: await ctx.ids.next(published), actorId, local: false, ...post, published })
    // Of the iri only: where the id is taken the job fails, and gets another one when it is tried again.
    .onConflictDoNothing({ target: posts.iri })
    .returning({ id: posts.id });
  if (inserted.length > 0 && post.inReplyTo !== null) await tellQuestion(ctx, actorId, post.inReplyTo);
  return inserted.length > 0;
}

/** All that decides what becomes of a post that arrives, in one query: it runs for every post of everybody followed. */
async function arrivalOf(ctx: Ctx, actorId: Id, post: RemotePost) {
  const parent = alias(posts, "parent");
  const [row] = await ctx.db
    .select({
      known: { id: posts.id, actorId: posts.actorId, updated: posts.updated, deleted: posts.deleted },
      wanted: sql<boolean>`${isFollowedHere(actorId)} or exists (
        select from ${posts} ${parent} where ${parent.iri} = ${post.inReplyTo} and ${parent.deleted} is null
      )`,
      gone: isDeleted(actorId, post.iri),
    })
    .from(sql`(select 1) as one`)
    .leftJoin(posts, eq(posts.iri, post.iri));
  return row ?? { known: null, wanted: false, gone: false };
}

/**
 * Deletes a post of ours. Its text is erased at once; the row stays as a tombstone, since its address was given away.
 *
 * @throws DomainError not_found when it does not exist, is deleted, or belongs to somebody else
 */
export async function deletePost(ctx: Ctx, acting: Acting, id: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const [row] = await ctx.db
      .update(posts)
      .set(erased(ctx))
      .where(
        and(
          eq(posts.id, id),
          eq(posts.actorId, acting.actorId),
          eq(posts.local, true),
          isNull(posts.deleted),
        ),
      )
      .returning({ id: posts.id });
    if (row === undefined) throw new DomainError("not_found", "no such post");
    // The review that it tells is taken back with it.
    await eraseReviews(ctx, eq(reviews.postId, id));
    await documentChanged(ctx, id);
    await emit(ctx, { name: "post.deleted", subject: acting.actorId.toString(), postId: id.toString() });
  });
}

/**
 * A remote post was deleted by its author, or (`actorId` null) is no longer served by its own server.
 *
 * @returns whether there was one
 */
export async function removeRemotePost(ctx: Ctx, actorId: Id | null, iri: string): Promise<boolean> {
  const rows = await ctx.db
    .update(posts)
    .set(erased(ctx))
    .where(
      and(
        eq(posts.iri, iri),
        // What is for followers is served to nobody, and so proves nothing by not being served.
        actorId === null ? ne(posts.visibility, "followers") : eq(posts.actorId, actorId),
        eq(posts.local, false),
        isNull(posts.deleted),
      ),
    )
    .returning({ id: posts.id });
  return rows.length > 0;
}

function erased(ctx: Ctx) {
  return { deleted: ctx.clock.now(), content: "", source: null, summary: null, name: null };
}
