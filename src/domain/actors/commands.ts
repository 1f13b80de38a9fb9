import { and, eq, isNull, or, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type ActorKind, actors } from "../../db/schema/actors.ts";
import { reviews } from "../../db/schema/agreements.ts";
import { follows } from "../../db/schema/follows.ts";
import { peers } from "../../db/schema/peers.ts";
import { posts } from "../../db/schema/posts.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { plainToHtml } from "../html.ts";
import { eraseReviews } from "../reviews/erase.ts";
import { documentChanged, emit, transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { type NewKey, saveKeys } from "./keys.ts";
import { NAME_MAX, SUMMARY_MAX } from "./rules.ts";

export interface NewActor {
  kind: ActorKind;
  handle: string;
  name: string;
  /** Sanitized HTML. */
  summary: string;
}

/**
 * Makes an actor of this hub, in the caller's transaction. Keys come from `generateKeys`, made before it.
 *
 * @throws DomainError handle_taken
 */
export async function createActor(ctx: Ctx, actor: NewActor, keys: readonly NewKey[]): Promise<Id> {
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  const isHub = actor.kind === "Application";
  const base = `${ctx.hub.origin}/actors/${id}`;
  const iri = isHub ? `${ctx.hub.origin}/actor` : base;
  const inserted = await ctx.db
    .insert(actors)
    .values({
      id,
      iri,
      ...actor,
      host: null,
      url: isHub ? `${ctx.hub.origin}/` : `${ctx.hub.origin}/@${actor.handle}`,
      inbox: `${base}/inbox`,
      sharedInbox: `${ctx.hub.origin}/inbox`,
      outbox: `${iri}/outbox`,
      followers: `${iri}/followers`,
      following: `${iri}/following`,
      created: now,
      updated: now,
    })
    .onConflictDoNothing()
    .returning({ id: actors.id });
  if (inserted.length === 0) {
    throw new DomainError("handle_taken", `the handle ${actor.handle} is taken`, { field: "handle" });
  }
  await saveKeys(ctx, id, keys);
  return id;
}

/** A remote actor as its own server describes it (parsed, sanitized and checked at the door). */
export interface RemoteActor {
  iri: string;
  kind: ActorKind;
  handle: string;
  host: string;
  name: string;
  summary: string;
  url: string | null;
  avatar: string | null;
  inbox: string;
  sharedInbox: string | null;
  outbox: string | null;
  followers: string | null;
  following: string | null;
  locked: boolean;
  discoverable: boolean;
  published: Date | null;
}

/** Stores what a remote server says of its actor: a new row, or the newest state of the one we have. */
export async function saveRemoteActor(ctx: Ctx, actor: RemoteActor): Promise<Id> {
  const now = ctx.clock.now();
  const { published, ...fields } = actor;
  const created = published !== null && published < now ? published : now;
  const peerId = sql`(
    select id from ${peers} where ${peers.origin} = ${new URL(actor.iri).origin} and ${peers.state} in ('active', 'draining', 'frozen')
  )`;
  const state = { ...fields, updated: now, fetched: now, deleted: null, peerId };
  const [row] = await ctx.db
    .insert(actors)
    .values({ id: await ctx.ids.next(now), created, ...state })
    .onConflictDoUpdate({
      target: actors.iri,
      set: state,
      // An iri of ours is never overwritten by what somebody else says.
      setWhere: sql`${actors.host} is not null`,
    })
    .returning({ id: actors.id });
  if (row === undefined) throw new DomainError("remote_invalid", `${actor.iri} is an actor of this hub`);
  return row.id;
}

/** A remote actor is gone for good: what it wrote disappears, and nobody follows it or is followed by it. */
export async function removeRemoteActor(ctx: Ctx, iri: string): Promise<void> {
  await transact(ctx, async (ctx) => {
    const now = ctx.clock.now();
    const [actor] = await ctx.db
      .update(actors)
      .set({ deleted: now, summary: "", avatar: null })
      .where(and(eq(actors.iri, iri), sql`${actors.host} is not null`, isNull(actors.deleted)))
      .returning({ id: actors.id });
    if (actor === undefined) return;
    await ctx.db
      .delete(follows)
      .where(or(eq(follows.followerId, actor.id), eq(follows.followedId, actor.id)));
    await ctx.db
      .update(posts)
      .set({ deleted: now, content: "", summary: null, name: null })
      .where(and(eq(posts.actorId, actor.id), isNull(posts.deleted)));
    await ctx.db
      .update(proposals)
      .set({ deleted: now, content: "" })
      .where(and(eq(proposals.actorId, actor.id), isNull(proposals.deleted)));
    await eraseReviews(ctx, eq(reviews.authorId, actor.id));
  });
}

/**
 * Changes how a person or organization of ours presents itself, and tells the followers elsewhere.
 *
 * @param summary plain text
 * @throws DomainError required, too_long
 */
export async function updateProfile(
  ctx: Ctx,
  { actorId }: Acting,
  input: { name: string; summary?: string | undefined },
): Promise<void> {
  const name = requiredText("name", input.name, NAME_MAX);
  const summary = plainToHtml(optionalText("summary", input.summary, SUMMARY_MAX) ?? "");
  await transact(ctx, async (ctx) => {
    await ctx.db
      .update(actors)
      .set({ name, summary, updated: ctx.clock.now() })
      .where(and(eq(actors.id, actorId), isNull(actors.host), isNull(actors.deleted)));
    await documentChanged(ctx, actorId);
    await emit(ctx, { name: "actor.updated", subject: actorId.toString(), actorId: actorId.toString() });
  });
}
