import { beforeAll, describe, expect, test } from "vitest";
import { updateProfile } from "../../src/domain/actors/commands.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { deletePost, publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal, withdrawProposal } from "../../src/domain/proposals/commands.ts";
import { golden } from "../support/golden.ts";
import { account, type Organization, settle, startHub, type TestHub } from "../support/hub.ts";
import { type Json, type Remote, startRemote } from "../support/remote-server.ts";
import { type WebAnswer, webClient } from "../support/web-client.ts";

/** What other servers read of a hub and what it sends them, kept as files: a change of a byte is a change that somebody decided. */

const ACTIVITY = "application/activity+json";
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

let hub: TestHub;
let remote: Remote;
let nour: Organization;
let person: { iri: string; handle: string };
let postId: bigint;
let offerId: bigint;
let needId: bigint;
let deletedId: bigint;
let withdrawnId: bigint;
let privateId: bigint;

beforeAll(async () => {
  remote = await startRemote({ accepts: true });
  hub = await startHub({ allow: [remote.host] });
  nour = await hub.organization("nour");
  const { actorId } = await account(hub, "samira");
  person = { iri: `${hub.origin}/actors/${actorId}`, handle: "samira" };
  const followedId = await hub.ctx.remote.resolveActor(remote.actor("alice").handle);
  for (const followerId of [nour.actorId, actorId]) await requestFollow(hub.ctx, { followerId, followedId });
  await remote.follow("alice", nour.iri);
  await remote.follow("alice", person.iri);
  await settle(hub);

  const post = { visibility: "public", language: "es" } as const;
  postId = await publishPost(hub.ctx, nour, {
    ...post,
    content: "Primera línea <b>\nsegunda línea\n\nhttps://example.org/?a=1&b=2 مرحبا 🌱",
  });
  await publishPost(hub.ctx, nour, {
    ...post,
    content: "Con aviso",
    summary: "Violencia",
    visibility: "unlisted",
  });
  privateId = await publishPost(hub.ctx, nour, { ...post, content: "Reservado", visibility: "followers" });
  deletedId = await publishPost(hub.ctx, nour, { ...post, content: "Por borrar" });
  const proposal = {
    content: "Detalles.",
    online: true,
    language: "es",
    available: "20",
    minimum: "2",
  } as const;
  offerId = await publishProposal(hub.ctx, nour, {
    ...{ ...proposal, purpose: "offer", name: "Taller de seguridad digital" },
    ...{ category: "training.digital", tags: "seguridad, defensa digital", languages: ["ar", "es"] },
    ...{
      unit: "hour",
      settlement: "credit",
      price: "7,50",
      ends: "2099-12-31",
      leadDays: "7",
      country: "TN",
    },
  });
  needId = await publishProposal(hub.ctx, nour, {
    ...{ ...proposal, purpose: "request", name: "Traducción al árabe", category: "translation" },
    ...{ unit: "one", settlement: "count", location: "Túnez", online: false, available: "", minimum: "" },
  });
  withdrawnId = await publishProposal(hub.ctx, nour, {
    ...{ ...proposal, purpose: "offer", name: "Por retirar", category: "training" },
    ...{ unit: "hour", settlement: "external" },
  });
  // Read before it is deleted, so that what is kept in memory has to be forgotten.
  await get(`/posts/${deletedId}`);
  await get(`/proposals/${withdrawnId}`);
  await settle(hub);
  await deletePost(hub.ctx, nour, deletedId);
  await withdrawProposal(hub.ctx, nour, withdrawnId);
  await updateProfile(hub.ctx, nour, { name: "Organization nour" });
  await settle(hub);
  return () => remote.close();
});

function get(path: string, accept = ACTIVITY, headers: Record<string, string> = {}): Promise<WebAnswer> {
  return webClient(hub.origin).get(path, { accept, ...headers });
}

function expectGolden(value: unknown, file: string): Promise<void> {
  const hosts = { [hub.host]: "hub.example", [remote.host]: "remote.example" };
  return expect(golden(value, hosts)).toMatchFileSnapshot(`../fixtures/golden/${file}`);
}

describe("documents, as they are served", () => {
  const documents: Record<string, () => string> = {
    "actor-organization": () => `/actors/${nour.actorId}`,
    "actor-person": () => new URL(person.iri).pathname,
    "actor-hub": () => "/actor",
    "post-public": () => `/posts/${postId}`,
    "post-tombstone": () => `/posts/${deletedId}`,
    "proposal-offer": () => `/proposals/${offerId}`,
    "proposal-request": () => `/proposals/${needId}`,
    "proposal-tombstone": () => `/proposals/${withdrawnId}`,
    outbox: () => `/actors/${nour.actorId}/outbox`,
    "outbox-page": () => `/actors/${nour.actorId}/outbox?page=1`,
    "followers-organization": () => `/actors/${nour.actorId}/followers`,
    "followers-organization-page": () => `/actors/${nour.actorId}/followers?page=1`,
    "followers-person": () => `${new URL(person.iri).pathname}/followers`,
    "following-organization-page": () => `/actors/${nour.actorId}/following?page=1`,
    "following-person": () => `${new URL(person.iri).pathname}/following`,
    featured: () => `/actors/${nour.actorId}/featured`,
    currency: () => "/currency",
  };
  test.each(Object.keys(documents))("%s", async (name) => {
    const { status, headers, body } = await get(documents[name]!());
    expect(status).toBe(name.endsWith("tombstone") ? 410 : 200);
    expect(headers["content-type"]).toBe("application/activity+json; charset=utf-8");
    await expectGolden(JSON.parse(body), `${name}.json`);
  });

  test("NodeInfo", async () => {
    await expectGolden(
      JSON.parse((await get("/.well-known/nodeinfo", "application/json")).body),
      "nodeinfo-links.json",
    );
    const { body, headers } = await get("/nodeinfo/2.1", "application/json");
    expect(headers["content-type"]).toContain("application/json");
    await expectGolden(body.replace(/"version":"[^"]+"/, '"version":"<version>"'), "nodeinfo.json");
  });

  test("host-meta", async () => {
    const { body, headers } = await get("/.well-known/host-meta", "*/*");
    expect(headers["content-type"]).toContain("application/xrd+xml");
    await expectGolden(body, "host-meta.xml");
  });
});

describe("activities, as they are sent", () => {
  const sent: Record<string, (activity: Json) => boolean> = {
    "accept-follow": ({ type, actor }) => type === "Accept" && actor === nour.iri,
    follow: ({ type, actor }) => type === "Follow" && actor === nour.iri,
    "create-note": ({ object }) => (object as Json).id === `${hub.origin}/posts/${postId}`,
    "create-note-followers": ({ object }) => (object as Json).id === `${hub.origin}/posts/${privateId}`,
    "create-proposal": ({ object }) => (object as Json).id === `${hub.origin}/proposals/${offerId}`,
    "create-companion": ({ object }) => (object as Json).context === `${hub.origin}/proposals/${offerId}`,
    "delete-note": ({ type, object }) =>
      type === "Delete" && (object as Json).id === `${hub.origin}/posts/${deletedId}`,
    "delete-proposal": ({ type, object }) =>
      type === "Delete" && (object as Json).id === `${hub.origin}/proposals/${withdrawnId}`,
    "update-actor": ({ type }) => type === "Update",
  };
  test.each(Object.keys(sent))("%s", async (name) => {
    const { activity } = await remote.waitFor((received) => sent[name]!(received.activity));
    await expectGolden(activity, `${name}.json`);
    expect(remote.problems).toEqual([]);
  });
});

describe("WebFinger", () => {
  const finger = (resource: string) =>
    get(`/.well-known/webfinger?resource=${encodeURIComponent(resource)}`, "application/jrd+json");

  test("finds an actor by its handle, in any case, and by its address", async () => {
    const byHandle = await finger(`acct:nour@${hub.host}`);
    expect(byHandle.headers).toMatchObject({
      "content-type": "application/jrd+json",
      "access-control-allow-origin": "*",
    });
    await expectGolden(JSON.parse(byHandle.body), "webfinger-organization.json");
    for (const resource of [`acct:NOUR@${hub.host}`, nour.iri, `${hub.origin}/@nour`]) {
      const { status, body } = await finger(resource);
      expect([resource, status, JSON.parse(body).links]).toEqual([
        resource,
        200,
        expect.arrayContaining([{ rel: "self", type: ACTIVITY, href: nour.iri }]),
      ]);
    }
  });

  test("finds the hub's own actor by the hub's address (FEP-d556) and by its handle", async () => {
    for (const resource of [`${hub.origin}/`, `${hub.origin}/actor`, `acct:hub@${hub.host}`]) {
      const { body } = await finger(resource);
      const self = (JSON.parse(body) as { links: Json[] }).links.filter(({ rel }) => rel === "self");
      expect([resource, self]).toEqual([
        resource,
        [{ rel: "self", type: ACTIVITY, href: `${hub.origin}/actor` }],
      ]);
    }
  });

  test("knows nobody else: 404, and 400 without a usable resource", async () => {
    for (const resource of [
      `acct:nobody@${hub.host}`,
      "acct:nour@other.example",
      "https://other.example/@nour",
    ])
      expect([resource, (await finger(resource)).status]).toEqual([resource, 404]);
    expect((await get("/.well-known/webfinger")).status).toBe(400);
    expect((await finger("nonsense")).status).toBe(400);
    expect((await finger("a".repeat(600))).status).toBe(400);
  });

  test("does not name remote actors", async () => {
    expect((await finger(`acct:alice@${remote.host}`)).status).toBe(404);
  });
});

describe("content negotiation", () => {
  test.each([
    [ACTIVITY, "document"],
    ['application/ld+json; profile="https://www.w3.org/ns/activitystreams"', "document"],
    // Mastodon
    [`${ACTIVITY}, application/ld+json`, "document"],
    // Lemmy, Misskey, Pleroma
    [`${ACTIVITY}, application/ld+json, application/json`, "document"],
    [`${ACTIVITY}, */*;q=0.1`, "document"],
    [`text/html;q=0.5, ${ACTIVITY}`, "document"],
    [BROWSER, "page"],
    [`text/html, ${ACTIVITY};q=0.9`, "page"],
    ["*/*", "page"],
    ["text/html", "page"],
  ])("Accept: %s gets the %s", async (accept, what) => {
    for (const path of [`/posts/${postId}`, `/proposals/${offerId}`]) {
      const { status, headers } = await get(path, accept);
      expect([path, status]).toEqual([path, 200]);
      expect(headers["content-type"]).toContain(what === "document" ? ACTIVITY : "text/html");
      expect(String(headers.vary).toLowerCase()).toContain("accept");
    }
  });

  test("an actor's address leads people to its page, and its page leads servers to the actor", async () => {
    const toPage = await get(`/actors/${nour.actorId}`, BROWSER);
    expect([toPage.status, toPage.headers.location]).toEqual([302, "/@nour"]);
    expect(toPage.headers.vary).toContain("Accept");
    const toActor = await get("/@nour");
    expect([toActor.status, toActor.headers.location]).toEqual([302, nour.iri]);
    expect(toActor.headers.vary).toContain("Accept");
  });

  test("an unchanged document is not sent again (ETag), by whichever form of it a cache asks", async () => {
    const path = `/posts/${postId}`;
    const { headers, body } = await get(path);
    const etag = String(headers.etag);
    expect(etag).toMatch(/^"[\w-]{22}"$/);
    for (const asked of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await get(path, ACTIVITY, { "if-none-match": asked });
      expect([asked, again.status, again.body]).toEqual([asked, 304, ""]);
      expect(again.headers.etag).toBe(etag);
    }
    const other = await get(path, ACTIVITY, { "if-none-match": '"other"' });
    expect([other.status, other.body]).toEqual([200, body]);
  });

  test("what was deleted is gone, for servers and for people", async () => {
    for (const path of [`/posts/${deletedId}`, `/proposals/${withdrawnId}`]) {
      expect((await get(path)).status).toBe(410);
      const page = await get(path, BROWSER);
      expect(page.status).toBe(410);
      expect(page.body).not.toContain("Por borrar");
      expect(page.body).not.toContain("Por retirar");
    }
  });

  test("the activity that published a post ends with the post", async () => {
    const content = "Fugaz";
    const id = await publishPost(hub.ctx, nour, { content, visibility: "public", language: "es" });
    const { activity } = await remote.waitFor((received) => received.raw.includes(content));
    const { pathname } = new URL(String(activity.id));
    expect((await get(pathname)).body).toContain(content);
    await deletePost(hub.ctx, nour, id);
    await settle(hub);
    const after = await get(pathname);
    expect([after.status, after.body.includes(content)]).toEqual([404, false]);
  });

  test("what does not exist is 404 in either form", async () => {
    const paths = [
      "/posts/1",
      "/posts/x",
      "/proposals/1",
      "/actors/1",
      "/actors/1/outbox",
      "/actors/1/featured",
    ];
    for (const path of [...paths, "/activities/1", "/@nobody"]) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
      expect([path, (await get(path, BROWSER)).status]).toEqual([path, 404]);
    }
  });

  test("an inbox is for POST only", async () => {
    for (const path of ["/inbox", `/actors/${nour.actorId}/inbox`])
      expect([path, (await get(path)).status]).toEqual([path, 405]);
  });
});

describe("what is for followers", () => {
  test("is delivered to them and served to nobody by address, page, outbox or activity", async () => {
    const { activity } = await remote.waitFor(({ raw }) => raw.includes("Reservado"));
    expect((activity.object as Json).to).toEqual([`${nour.iri}/followers`]);
    expect(activity.cc).toEqual([]);
    const paths = [
      ...[
        `/posts/${privateId}`,
        new URL(String(activity.id)).pathname,
        `/actors/${nour.actorId}/outbox?page=1`,
      ],
      ...["/", "/?timeline=hub", "/@nour", `/@nour?tab=posts`, "/directory", "/search?q=Reservado"],
    ];
    for (const path of paths) {
      for (const accept of [ACTIVITY, BROWSER]) {
        const { body } = await get(path, accept);
        expect([path, accept, body.includes("Reservado<")]).toEqual([path, accept, false]);
      }
    }
    const signed = await remote.fetch(`${hub.origin}/posts/${privateId}`, { signed: "alice" });
    const missing = await remote.fetch(`${hub.origin}/posts/1`, { signed: "alice" });
    expect([signed.status, signed.body]).toEqual([missing.status, missing.body]);
    expect(await get(`/posts/${privateId}`, BROWSER).then(({ status }) => status)).toBe(404);
  });

  test("counts in no total that a stranger can read", async () => {
    const { body } = await get(`/actors/${nour.actorId}/outbox`);
    const page = JSON.parse((await get(`/actors/${nour.actorId}/outbox?page=1`)).body) as {
      orderedItems: Json[];
    };
    expect((JSON.parse(body) as Json).totalItems).toBe(page.orderedItems.length);
  });
});

describe("an outbox of several pages", () => {
  test("has every post once, newest first, and ends", async () => {
    const many = await hub.organization("many");
    const posts: string[] = [];
    for (let i = 0; i < 45; i++) {
      const id = await publishPost(hub.ctx, many, {
        content: `n. ${i}`,
        visibility: "public",
        language: "es",
      });
      posts.unshift(`${hub.origin}/posts/${id}`);
    }
    await settle(hub);
    const collection = JSON.parse((await get(`/actors/${many.actorId}/outbox`)).body) as Json;
    expect(collection.totalItems).toBe(45);
    const seen: unknown[] = [];
    let pages = 0;
    for (let next = collection.first; next !== undefined; pages++) {
      const { pathname, search } = new URL(String(next));
      const page = JSON.parse((await get(pathname + search)).body) as { id: string; partOf: string } & {
        orderedItems: { object: Json }[];
        next?: string;
      };
      expect(page).toMatchObject({ id: next, partOf: collection.id, type: "OrderedCollectionPage" });
      seen.push(...page.orderedItems.map(({ object }) => object.id));
      next = page.next;
    }
    expect(seen).toEqual(posts);
    expect(pages).toBe(3);
  });
});
