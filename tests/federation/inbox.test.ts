import { readdirSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { homeTimeline } from "../../src/domain/posts/queries.ts";
import { count, type Organization, settle, startHub, type TestHub } from "../support/hub.ts";
import { AS2, type Json, PUBLIC, type Remote, startRemote } from "../support/remote-server.ts";
import { sample } from "../support/samples.ts";

let hub: TestHub;
let remote: Remote;
let nour: Organization;
let serial = 0;

beforeAll(async () => {
  remote = await startRemote({ accepts: true, actors: ["alice", "bob", "carol", "dave", "erin"] });
  hub = await startHub({ allow: [remote.host] });
  nour = await hub.organization("nour");
  await follow("alice");
});
afterAll(() => remote.close());
beforeEach(async () => {
  await hub.database.sql`delete from proposals where not local`;
  await hub.database.sql`truncate posts, deletions, received_activities`;
  remote.received.length = 0;
});

/** Our organization follows the remote actor; it accepts. */
async function follow(name: string): Promise<bigint> {
  const followedId = await hub.ctx.remote.resolveActor(remote.actor(name).iri);
  await requestFollow(hub.ctx, { followerId: nour.actorId, followedId });
  await settle(hub);
  return followedId;
}

async function deliver(activity: Json): Promise<void> {
  const { status, body } = await remote.deliver(`${hub.origin}/inbox`, activity);
  expect([status, body]).toEqual([202, ""]);
  await settle(hub);
}

function activity(type: string, object: unknown, change: Json = {}): Json {
  const actor = remote.actor("alice").iri;
  return {
    "@context": AS2,
    id: `${actor}/${type}/${++serial}`,
    type,
    actor,
    object,
    to: [PUBLIC],
    ...change,
  };
}

function note(change: Json = {}): Json {
  const attributedTo = remote.actor("alice").iri;
  const content = `<p>n. ${++serial}</p>`;
  return {
    id: `${remote.origin}/notes/${serial}`,
    type: "Note",
    attributedTo,
    content,
    to: [PUBLIC],
    ...change,
  };
}

async function timeline() {
  const { items } = await homeTimeline(hub.ctx, nour.actorId, null);
  return items.map(({ iri, url, name, content, summary, language, visibility, published }) => ({
    ...{ iri: iri.replace(remote.origin, ""), url: url.replace(remote.origin, "") },
    ...{ name, content, summary, language, visibility, published: published.toISOString() },
  }));
}

async function followState(name: string): Promise<string | undefined> {
  const [row] = await hub.database.sql<{ state: string }[]>`
    select f.state from follows f join actors a on a.id = f.followed_id
    where a.iri = ${remote.actor(name).iri} and f.follower_id = ${String(nour.actorId)}`;
  return row?.state;
}

describe("what other servers send", () => {
  const expected: Record<string, object> = {
    "mastodon-create-note": {
      iri: "/users/alice/statuses/1001",
      url: "/@alice/1001",
      name: null,
      content:
        '<p>Cuaderno de <strong>facilitación</strong> <a href="ORIGIN/tags/formacion" rel="nofollow noopener noreferrer ugc">#<span>formacion</span></a></p>',
      summary: null,
      language: "es",
      visibility: "public",
      published: "2026-02-01T10:00:00.000Z",
    },
    "gotosocial-create-note": {
      iri: "/users/alice/statuses/01JK2Q",
      url: "/@alice/statuses/01JK2Q",
      name: null,
      content: "<p>¿Quién presta un proyector?</p>",
      summary: null,
      language: "es",
      visibility: "unlisted",
      published: "2026-02-02T08:30:00.000Z",
    },
    "misskey-create-note": {
      iri: "/notes/9x1",
      url: "/notes/9x1",
      name: null,
      content: "<p>Reunión de la red el jueves</p>",
      summary: null,
      language: null,
      visibility: "public",
      published: "2026-02-02T12:00:00.000Z",
    },
    "wordpress-create-article": {
      iri: "/?p=77",
      url: "/guia-datos/",
      name: "Guía para cuidar los datos de las personas",
      content: "<h2>Antes de empezar</h2><p>Texto largo de la guía.</p>",
      summary: null,
      language: "es",
      visibility: "public",
      published: "2026-02-03T08:00:00.000Z",
    },
    "lemmy-create-page": {
      iri: "/post/55",
      url: "/post/55",
      name: "Lista de imprentas solidarias",
      content: "<p>La actualizamos entre todas.</p>",
      summary: null,
      language: null,
      visibility: "public",
      published: "2026-02-04T10:00:00.123Z",
    },
    "mobilizon-create-event": {
      iri: "/events/3f6c",
      url: "/events/3f6c",
      name: "Encuentro regional de radios comunitarias",
      content: "<p>Dos días de talleres.</p>",
      summary: null,
      language: null,
      visibility: "public",
      published: "2026-02-05T10:00:00.000Z",
    },
  };

  test.each(Object.keys(expected))("%s is read as it was meant", async (name) => {
    await deliver(sample(name, remote, hub));
    const [post] = await timeline();
    expect({ ...post, content: post?.content.replace(remote.origin, "ORIGIN") }).toEqual(expected[name]);
  });

  test("mitra-create-proposal: FEP-0837 without the types of its terms and without our extensions", async () => {
    await deliver(sample("mitra-create-proposal", remote, hub));
    const rows = await hub.database.sql`
      select purpose, name, content, unit, settlement, price, category, unit_based, local from proposals`;
    expect(rows).toEqual([
      {
        ...{ purpose: "offer", name: "Bicicletas de carga", content: "<p>Para mudanzas de la red.</p>" },
        ...{
          unit: "one",
          settlement: "external",
          price: null,
          category: null,
          unit_based: true,
          local: false,
        },
      },
    ]);
  });

  test("a proposal waits for its hub to say what its price is in", async () => {
    const create = sample("mitra-create-proposal", remote, hub);
    const currency = `${remote.origin}/currency`;
    const reciprocal = {
      ...{ type: "Intent", action: "transfer", resourceConformsTo: currency },
      resourceQuantity: { hasUnit: "one", hasNumericalValue: "7.5" },
    };
    const object = { ...(create.object as Json), reciprocal, "ayni:settlement": "credit" };
    remote.documents.set("/currency", { body: {}, status: 503 });
    await deliver({ ...create, object });
    expect(await count(hub, "proposals")).toBe(0);
    const described = { id: currency, type: "Document", "ayni:symbol": "₳", "ayni:scale": 2 };
    remote.documents.set("/currency", { body: described });
    hub.clock.advance(60_000);
    hub.worker.wake();
    await settle(hub);
    expect(await hub.database.sql`select price::text, currency_symbol, settlement from proposals`).toEqual([
      { price: "750", currency_symbol: "₳", settlement: "credit" },
    ]);
    hub.clock.advance(-60_000);
    remote.documents.clear();
  });

  test("a Note is changed by its Update, and an older or repeated one changes nothing", async () => {
    await deliver(sample("mastodon-create-note", remote, hub));
    const update = sample("mastodon-update-note", remote, hub);
    await deliver(update);
    const changed = await timeline();
    expect(changed).toMatchObject([
      { content: "<p>Cuaderno de facilitación, segunda edición</p>", summary: "Violencia" },
    ]);
    const object = { ...(update.object as Json), content: "<p>antes</p>", updated: "2026-02-01T10:30:00Z" };
    await deliver({ ...update, id: `${update.id}-old`, object });
    await deliver(sample("mastodon-create-note", remote, hub));
    expect(await timeline()).toEqual(changed);
  });

  test("a Note is taken away by its Delete, and does not come back", async () => {
    await deliver(sample("mastodon-create-note", remote, hub));
    await deliver(sample("mastodon-delete-note", remote, hub));
    expect(await timeline()).toEqual([]);
    expect(await count(hub, "posts where content <> ''")).toBe(0);
    await deliver({
      ...sample("mastodon-create-note", remote, hub),
      id: `${remote.origin}/again/${++serial}`,
    });
    expect(await timeline()).toEqual([]);
  });

  test("a Delete that overtakes its Create is remembered", async () => {
    await deliver(sample("mastodon-delete-note", remote, hub));
    await deliver(sample("mastodon-create-note", remote, hub));
    expect(await timeline()).toEqual([]);
  });

  test("every sample is used", () => {
    const files = readdirSync(new URL("../fixtures/inbound", import.meta.url)).filter((f) =>
      f.endsWith(".json"),
    );
    const others = ["mastodon-update-note", "mastodon-delete-note", "mitra-create-proposal"];
    expect(files.toSorted()).toEqual(
      [...Object.keys(expected), ...others].map((f) => `${f}.json`).toSorted(),
    );
  });
});

describe("what nobody asked for", () => {
  test("is not stored: posts and proposals of whom nobody here follows", async () => {
    const { iri } = remote.actor("bob");
    await deliver(activity("Create", note({ attributedTo: iri }), { actor: iri }));
    const proposal = sample("mitra-create-proposal", remote, hub);
    const object = { ...(proposal.object as Json), attributedTo: iri };
    await deliver({ ...proposal, id: `${iri}/p/1`, actor: iri, object });
    expect([await count(hub, "posts"), await count(hub, "proposals")]).toEqual([0, 0]);
    expect(await count(hub, "received_activities")).toBe(0);
  });

  test("an answer to a post of ours is stored, whoever wrote it; an answer to an answer too", async () => {
    const postId = await publishPost(hub.ctx, nour, { content: "¿?", visibility: "public", language: "es" });
    const { iri } = remote.actor("bob");
    const answer = note({ attributedTo: iri, inReplyTo: `${hub.origin}/posts/${postId}` });
    await deliver(activity("Create", answer, { actor: iri }));
    const further = note({ attributedTo: remote.actor("carol").iri, inReplyTo: answer.id });
    await deliver(activity("Create", further, { actor: remote.actor("carol").iri }));
    expect(await count(hub, "posts where not local")).toBe(2);
  });

  test("a stranger whose post is of no concern takes no row", async () => {
    const { iri } = remote.actor("erin");
    await deliver(activity("Create", note({ attributedTo: iri }), { actor: iri }));
    const gone = { id: `${remote.origin}/notes/1`, type: "Tombstone" };
    await deliver(activity("Delete", gone, { actor: iri }));
    expect(await count(hub, `actors where iri = '${iri}'`)).toBe(0);
  });

  test("what is addressed to nobody in particular is not shown to anybody", async () => {
    await deliver(activity("Create", note({ to: [nour.iri] }), { to: [nour.iri] }));
    await deliver(activity("Create", note({ to: [] }), { to: [] }));
    expect(await count(hub, "posts")).toBe(0);
  });
});

describe("follows", () => {
  test("one that asks is accepted, and gone after its Undo, which may embed the Follow or name it", async () => {
    for (const shape of ["embedded", "named"]) {
      const follow = await remote.follow("bob", nour.iri);
      const accept = await remote.waitFor(({ activity }) => (activity.object as Json)?.id === follow.id);
      expect(accept.activity).toMatchObject({ type: "Accept", actor: nour.iri });
      await settle(hub);
      const followers = `follows where followed_id = ${nour.actorId}`;
      expect(await count(hub, followers)).toBe(1);
      const { iri } = remote.actor("bob");
      await deliver(activity("Undo", shape === "named" ? follow.id : follow, { actor: iri }));
      expect([shape, await count(hub, followers)]).toEqual([shape, 0]);
    }
  });

  test("who follows again with the very same activities is a follower again (Misskey makes ids of the two actors)", async () => {
    const { iri } = remote.actor("bob");
    const follow = { id: `${remote.origin}/follows/bob/nour`, type: "Follow", actor: iri, object: nour.iri };
    const undo = activity("Undo", follow, { id: `${follow.id}/undo`, actor: iri });
    for (let round = 0; round < 2; round++) {
      await deliver({ "@context": AS2, ...follow });
      expect(await count(hub, `follows where followed_id = ${nour.actorId}`)).toBe(1);
      await deliver(undo);
      expect(await count(hub, `follows where followed_id = ${nour.actorId}`)).toBe(0);
    }
    expect(remote.received.filter(({ activity }) => activity.type === "Accept")).toHaveLength(2);
  });

  test("a repeated Follow is accepted again: the first answer may have been lost", async () => {
    const first = await remote.follow("bob", nour.iri);
    await remote.waitFor(({ activity }) => (activity.object as Json)?.id === first.id);
    const second = await remote.follow("bob", nour.iri);
    await remote.waitFor(({ activity }) => (activity.object as Json)?.id === second.id);
    await settle(hub);
    expect(await count(hub, `follows where followed_id = ${nour.actorId}`)).toBe(1);
    await deliver(activity("Undo", second, { actor: remote.actor("bob").iri }));
  });

  test.each([
    ["the Follow by its id", (follow: Json) => follow.id],
    ["the Follow itself", (follow: Json) => follow],
    [
      "a Follow by another id",
      (follow: Json) => ({ ...follow, id: `${remote.actor("dave").iri}/follow-requests/9` }),
    ],
    ["a Follow without an id", ({ type, actor, object }: Json) => ({ type, actor, object })],
  ])("ours are accepted by %s, and end with a Reject of the same kind", async (_, answered) => {
    const { iri } = remote.actor("dave");
    const followedId = await hub.ctx.remote.resolveActor(iri);
    const taciturn = { body: {}, status: 202 };
    remote.documents.set("/inbox", taciturn);
    remote.documents.set("/actors/dave/inbox", taciturn);
    await requestFollow(hub.ctx, { followerId: nour.actorId, followedId });
    await settle(hub);
    remote.documents.clear();
    const [row] = await hub.database.sql<{ iri: string }[]>`
      select iri from follows where followed_id = ${String(followedId)}`;
    expect(await followState("dave")).toBe("pending");
    const sent = { id: row?.iri, type: "Follow", actor: nour.iri, object: iri };
    await deliver(activity("Accept", answered(sent), { actor: iri }));
    expect(await followState("dave")).toBe("accepted");
    await deliver(activity("Reject", answered(sent), { actor: iri }));
    expect(await followState("dave")).toBeUndefined();
  });
});

describe("actors", () => {
  test("who changes is read anew from its own server, whatever the activity says", async () => {
    await follow("carol");
    const carol = remote.actor("carol");
    const told = { ...carol.document, name: "what the activity says" };
    Object.assign(carol.document, { name: "Carol <b>changed</b>", summary: "<p>hola</p><script>x</script>" });
    await deliver(activity("Update", told, { actor: carol.iri }));
    const [row] = await hub.database.sql`select name, summary from actors where iri = ${carol.iri}`;
    expect(row).toEqual({ name: "Carol changed", summary: "<p>hola</p>" });
  });

  test("who is gone leaves nothing: posts, proposals, follows", async () => {
    await follow("dave");
    await remote.follow("dave", nour.iri);
    const { iri } = remote.actor("dave");
    await deliver(activity("Create", note({ attributedTo: iri }), { actor: iri }));
    expect(await count(hub, "posts where deleted is null")).toBe(1);
    remote.documents.set("/actors/dave", { body: { error: "gone" }, status: 410, type: "application/json" });
    await deliver(activity("Delete", iri, { actor: iri }));
    const [actor] = await hub.database.sql`select deleted is not null as gone from actors where iri = ${iri}`;
    expect(actor).toEqual({ gone: true });
    expect(await count(hub, "posts where deleted is null or content <> ''")).toBe(0);
    expect(
      await count(
        hub,
        `follows f join actors a on a.id in (f.follower_id, f.followed_id) where a.iri = '${iri}'`,
      ),
    ).toBe(0);
    remote.documents.clear();
  });

  test("who is said to be gone but is still there stays", async () => {
    const { iri } = remote.actor("alice");
    await deliver(activity("Create", note()));
    await deliver(activity("Delete", iri));
    expect(await followState("alice")).toBe("accepted");
    expect(await count(hub, "posts where deleted is null")).toBe(1);
  });
});

describe("what has no meaning here", () => {
  test.each([
    "Like",
    "Announce",
    "Dislike",
    "Flag",
    "Block",
    "Move",
    "Add",
    "Remove",
    "Join",
    "Offer",
    "Arrive",
    "Zot",
  ])("%s is taken and has no effect", async (type) => {
    const theirs = note();
    await deliver(activity("Create", theirs));
    const before = await timeline();
    await deliver(activity(type, theirs.id, { target: nour.iri }));
    await deliver(activity(type, activity("Create", note()), { target: nour.iri }));
    expect(await timeline()).toEqual(before);
    expect(await count(hub, "received_activities")).toBe(1);
    expect(await followState("alice")).toBe("accepted");
    expect(await count(hub, "jobs where error is not null")).toBe(0);
  });
});
