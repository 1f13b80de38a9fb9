import { eq } from "drizzle-orm";
import { beforeEach, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { follows } from "../../src/db/schema/follows.ts";
import { posts } from "../../src/db/schema/posts.ts";
import { createAccount } from "../../src/domain/accounts/commands.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { acceptFollow, requestFollow } from "../../src/domain/follows/commands.ts";
import {
  insertPost,
  type RemotePost,
  receivePost,
  removeRemotePost,
} from "../../src/domain/posts/commands.ts";
import {
  actorPosts,
  homeTimeline,
  hubTimeline,
  postById,
  postByIri,
  replies,
} from "../../src/domain/posts/queries.ts";
import { rollbackDatabase, testDatabase } from "../support/database.ts";
import { domainContext, localActor, remoteActor } from "../support/domain.ts";

const PASSWORD = "correct horse battery staple";
const IRI = "https://remote.example/notes/1";
const START = new Date("2026-02-01T10:00:00Z");

function note(change: Partial<RemotePost> = {}): RemotePost {
  return {
    iri: IRI,
    content: "<p>first</p>",
    summary: null,
    name: null,
    language: null,
    visibility: "public",
    inReplyTo: null,
    url: IRI,
    proposal: null,
    published: START,
    updated: null,
    ...change,
  };
}

async function followed(ctx: Ctx): Promise<Id> {
  const [reader, author] = [await localActor(ctx, "reader"), await remoteActor(ctx, "author")];
  await requestFollow(ctx, { followerId: reader, followedId: author });
  return author;
}

describe("a post of another server", () => {
  const minutes = (n: number) => new Date(START.getTime() + n * 60_000);

  test("changes by newer states only, in whatever order they come", async () => {
    const ctx = domainContext(await rollbackDatabase());
    const author = await followed(ctx);
    const other = await remoteActor(ctx, "other");
    const steps: [Id, Partial<RemotePost>, stored: boolean, content: string][] = [
      [author, {}, true, "<p>first</p>"],
      [author, { content: "again" }, false, "<p>first</p>"],
      [author, { content: "b", updated: minutes(2) }, true, "b"],
      [author, { content: "a", updated: minutes(1) }, false, "b"],
      [author, { content: "same time", updated: minutes(2) }, false, "b"],
      [other, { content: "not the author", updated: minutes(9) }, false, "b"],
      [author, { content: "c", updated: minutes(3) }, true, "c"],
    ];
    for (const [actorId, change, stored, content] of steps) {
      expect(await receivePost(ctx, actorId, note(change))).toBe(stored);
      expect((await postByIri(ctx, IRI, null))?.content).toBe(content);
    }
  });

  test("that is deleted while its update waits for the row does not get its text back", async () => {
    const { db, sql } = await testDatabase();
    const ctx = domainContext(db);
    const author = await followed(ctx);
    await receivePost(ctx, author, note());
    const change = note({ content: "too late", updated: minutes(1) });
    const { update } = await db.transaction(async (tx) => {
      await removeRemotePost({ ...ctx, db: tx }, author, IRI);
      const update = receivePost(ctx, author, change);
      // In this database: other tests have theirs on the same server.
      const waiting = () => sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      await expect.poll(async () => await waiting(), { timeout: 12_000 }).toHaveLength(1);
      return { update };
    });
    expect(await update).toBe(false);
    expect(await sql`select content from posts where iri = ${IRI}`).toEqual([{ content: "" }]);
  });
});

describe("what is for followers", () => {
  let ctx: Ctx;
  let who: Record<"visitor" | "stranger" | "asking" | "follower" | "author", Id | null>;
  let post: Id;
  let answer: Id;

  beforeEach(async () => {
    ctx = domainContext(await rollbackDatabase());
    const [author, follower, asking, stranger] = [
      await localActor(ctx, "author"),
      await localActor(ctx, "follower"),
      await remoteActor(ctx, "asking"),
      await localActor(ctx, "stranger"),
    ];
    who = { visitor: null, stranger, asking, follower, author };
    await requestFollow(ctx, { followerId: follower, followedId: author });
    await requestFollow(ctx, { followerId: asking, followedId: author });
    await ctx.db.update(follows).set({ state: "pending" }).where(eq(follows.followerId, asking));
    const fields = {
      source: null,
      summary: null,
      visibility: "followers",
      language: "es",
      proposal: null,
    } as const;
    const { accountId } = await createAccount(ctx, {
      handle: "ana",
      email: "ana@example.org",
      password: PASSWORD,
      locale: "es",
    });
    const acting = { accountId, actorId: author };
    post = await insertPost(ctx, acting, { ...fields, content: "<p>secret</p>" });
    answer = await insertPost(ctx, acting, { ...fields, content: "<p>secret answer</p>" });
  });

  test.each([
    ["visitor", false],
    ["stranger", false],
    ["asking", false],
    ["follower", true],
    ["author", true],
  ] as const)("%s: on every way %s", async (name, reads) => {
    const viewer = who[name];
    const author = who.author!;
    const iri = `${ctx.hub.origin}/posts/${post}`;
    await ctx.db.update(posts).set({ inReplyTo: iri }).where(eq(posts.id, answer));
    const seen = {
      byId: await postById(ctx, post, viewer).then(
        () => true,
        ({ code }: { code: string }) => code !== "not_found",
      ),
      byIri: (await postByIri(ctx, iri, viewer)) !== null,
      replies: (await replies(ctx, iri, viewer)).length > 0,
      profile: (await actorPosts(ctx, author, viewer, null)).items.length > 0,
      home: viewer !== null && (await homeTimeline(ctx, viewer, null)).items.length > 0,
    };
    expect(seen).toEqual({ byId: reads, byIri: reads, replies: reads, profile: reads, home: reads });
    expect((await hubTimeline(ctx, viewer, null)).items).toEqual([]);
  });

  test("a follow that was accepted opens it, one that was not does not", async () => {
    const author = await remoteActor(ctx, "elsewhere");
    const { follower } = who;
    await requestFollow(ctx, { followerId: follower!, followedId: author });
    await receivePost(ctx, author, note({ visibility: "followers" }));
    expect(await postByIri(ctx, IRI, follower)).toBeNull();
    await acceptFollow(ctx, { followerId: follower!, followedId: author });
    expect(await postByIri(ctx, IRI, follower)).toMatchObject({ content: "<p>first</p>" });
  });
});
