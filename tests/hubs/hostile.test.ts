import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { actorPosts, homeTimeline, postByIri } from "../../src/domain/posts/queries.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { type Scene, startScene } from "../support/hostile.ts";
import { count, settle } from "../support/hub.ts";
import type { Json } from "../support/remote-server.ts";
import { sample } from "../support/samples.ts";

/** Group A of the cases that the hub must hold against: one who means ill, one whom it would speak for, and the hub between them. */

let scene: Scene;
let before: unknown;

beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene.close());
beforeEach(async () => {
  await scene.hub.database.sql`delete from proposals where not local`;
  await scene.hub.database.sql`truncate posts, deletions, received_activities`;
  scene.attacker.requests.length = 0;
  scene.victim.requests.length = 0;
  scene.attacker.documents.clear();
  scene.victim.documents.clear();
});

/** What is there before something hostile comes. */
async function note(): Promise<Json> {
  const note = await scene.published(scene.victim, scene.alice);
  before = await scene.state();
  return note;
}

async function proposal(): Promise<Json> {
  const create = sample("mitra-create-proposal", scene.victim, scene.hub);
  expect(await scene.send(scene.victim, create)).toBe(202);
  expect(await count(scene.hub, "proposals")).toBe(1);
  before = await scene.state();
  return create.object as Json;
}

/** A Follow of our organization that the victim's actor has not answered. */
async function pendingFollow(): Promise<{ id: string; object: string }> {
  const { hub, nour, victim } = scene;
  const object = victim.actor("carol").iri;
  const followedId = await hub.ctx.remote.resolveActor(object);
  await hub.database.sql`delete from follows where followed_id = ${String(followedId)}`;
  victim.documents.set("/inbox", { body: {}, status: 202 });
  await requestFollow(hub.ctx, { followerId: nour.actorId, followedId });
  await settle(hub);
  victim.documents.clear();
  const [row] = await hub.database.sql<{ iri: string }[]>`
    select iri from follows where followed_id = ${String(followedId)} and state = 'pending'`;
  return { id: String(row?.iri), object };
}

describe("the signer is not the actor (CVE-2026-96625, CVE-2025-54888, CVE-2023-49079, CVE-2026-90679)", () => {
  const forged: Record<string, () => Promise<Json>> = {
    Create: async () => scene.activity("Create", scene.alice, scene.note(scene.alice)),
    "Create of a proposal": async () => sample("mitra-create-proposal", scene.victim, scene.hub),
    Update: async () => {
      const known = await note();
      const object = { ...known, content: "<p>forged</p>", updated: new Date().toISOString() };
      return scene.activity("Update", scene.alice, object);
    },
    "Update of the actor": async () =>
      scene.activity("Update", scene.alice, { ...scene.alice.document, name: "forged" }),
    Delete: async () => scene.activity("Delete", scene.alice, (await note()).id),
    "Delete of the actor": async () => scene.activity("Delete", scene.alice, scene.alice.iri),
    Follow: async () => scene.activity("Follow", scene.alice, scene.nour.iri),
    Accept: async () => scene.activity("Accept", scene.victim.actor("carol"), (await pendingFollow()).id),
    Reject: async () => {
      const [row] = await scene.hub.database.sql<{ iri: string }[]>`
        select f.iri from follows f join actors a on a.id = f.followed_id where a.iri = ${scene.alice.iri}`;
      return scene.activity("Reject", scene.alice, String(row?.iri));
    },
    Undo: async () => {
      const follow = await scene.victim.follow("alice", scene.nour.iri);
      await settle(scene.hub);
      return scene.activity("Undo", scene.alice, follow);
    },
  };

  test.each(Object.keys(forged))("%s", async (name) => {
    const activity = await forged[name]!();
    before = await scene.state();
    expect(await scene.send(scene.attacker, activity, { as: "mallory" })).toBe(202);
    await scene.expectUnharmed(before);
  });

  test.each(Object.keys(forged))("%s, by another actor of the same server", async (name) => {
    const activity = await forged[name]!();
    before = await scene.state();
    expect(await scene.send(scene.victim, activity, { as: "bob" })).toBe(202);
    await scene.expectUnharmed(before);
  });

  test("a key that the attacker's server serves in the victim's name", async () => {
    const { attacker, alice, mallory } = scene;
    const keyId = `${attacker.origin}/keys/1`;
    const key = { id: keyId, owner: alice.iri, publicKeyPem: mallory.publicKeyPem };
    for (const body of [
      key,
      { ...alice.document, publicKey: key },
      { ...alice.document, id: keyId, publicKey: key },
    ]) {
      attacker.documents.set("/keys/1", { body });
      before = await scene.state();
      const activity = scene.activity("Create", alice, scene.note(alice));
      expect(await scene.send(attacker, activity, { as: "mallory", keyId })).toBe(401);
      await scene.expectUnharmed(before);
    }
  });

  test("an LD signature beside the body grants nothing (CVE-2022-24307, CVE-2026-42462, CVE-2026-46713)", async () => {
    before = await scene.state();
    const { alice } = scene;
    const signature = {
      ...{ type: "RsaSignature2017", creator: alice.keyId, created: new Date().toISOString() },
      signatureValue: Buffer.alloc(256, 1).toString("base64"),
    };
    const activity = scene.activity("Create", alice, scene.note(alice), { signature });
    expect(await scene.send(scene.attacker, activity, { as: "mallory" })).toBe(202);
    await scene.expectUnharmed(before);
  });
});

describe("ids on somebody else's origin", () => {
  test("an activity's id: refused, and the genuine activity with that id is stored afterwards (GHSA-4qhx)", async () => {
    const { victim, attacker, alice, mallory, hub } = scene;
    const genuine = scene.activity("Create", alice, scene.note(alice));
    before = await scene.state();
    const stolen = scene.activity("Create", mallory, scene.note(mallory), { id: genuine.id });
    expect(await scene.send(attacker, stolen)).toBe(400);
    expect(await scene.state()).toEqual(before);
    expect(await scene.send(victim, genuine)).toBe(202);
    expect(await count(hub, "posts")).toBe(1);
  });

  test("an activity's id, by an alias of JSON-LD: dropped, and the genuine activity is stored afterwards", async () => {
    const { victim, attacker, alice, mallory, hub } = scene;
    const genuine = scene.activity("Create", alice, scene.note(alice));
    before = await scene.state();
    const context = [
      "https://www.w3.org/ns/activitystreams",
      { id: "https://attacker.invalid/ns#id", identifier: "@id" },
    ];
    const change = { "@context": context, identifier: genuine.id };
    await scene.send(attacker, scene.activity("Create", mallory, scene.note(mallory), change));
    expect(await scene.state()).toEqual(before);
    expect(await scene.send(victim, genuine)).toBe(202);
    expect(await count(hub, "posts")).toBe(1);
  });

  test.each(["of a post that is there", "of one that is not"])(
    "an object's id, %s (CVE-2024-52591)",
    async (which) => {
      const { attacker, mallory, victim, alice } = scene;
      const known = which.includes("not") ? scene.note(alice) : await note();
      before = await scene.state();
      for (const attributedTo of [mallory.iri, alice.iri]) {
        for (const type of ["Create", "Update"]) {
          const object = {
            ...known,
            attributedTo,
            content: "<p>forged</p>",
            updated: new Date().toISOString(),
          };
          await scene.send(attacker, scene.activity(type, mallory, object));
        }
      }
      // What is embedded of another origin is not believed: its own server was asked.
      expect(victim.requests).toContain(`GET ${new URL(String(known.id)).pathname}`);
      await scene.expectUnharmed(before);
    },
  );

  test("an embedded object of another origin counts as its own server has it (FEP-fe34)", async () => {
    const { attacker, mallory, victim, alice } = scene;
    const theirs = scene.note(alice);
    victim.documents.set(new URL(String(theirs.id)).pathname, {
      body: { "@context": "https://www.w3.org/ns/activitystreams", ...theirs },
    });
    before = await scene.state();
    // It is genuine, but not the attacker's to publish.
    await scene.send(attacker, scene.activity("Create", mallory, { ...theirs, content: "<p>forged</p>" }));
    await scene.expectUnharmed(before);
  });
});

describe("authors", () => {
  test.each([
    ["the victim", (): unknown => scene.alice.iri],
    ["the victim, embedded", () => ({ id: scene.alice.iri, type: "Person" })],
    ["the attacker and the victim", () => [scene.mallory.iri, scene.alice.iri]],
    ["the victim and the attacker", () => [scene.alice.iri, scene.mallory.iri]],
    ["both, embedded", () => [{ id: scene.mallory.iri }, { id: scene.alice.iri }]],
    ["an actor of the hub", () => scene.nour.iri],
    ["nobody", () => []],
  ])("attributedTo %s: nothing is stored (CVE-2025-25306)", async (_, attributedTo) => {
    before = await scene.state();
    const { attacker, mallory } = scene;
    await scene.send(
      attacker,
      scene.activity("Create", mallory, scene.note(mallory, { attributedTo: attributedTo() })),
    );
    const proposal = sample("mitra-create-proposal", attacker, scene.hub);
    const object = { ...(proposal.object as Json), attributedTo: attributedTo() };
    await scene.send(
      attacker,
      scene.activity("Create", mallory, object, { "@context": proposal["@context"] }),
    );
    await scene.expectUnharmed(before);
  });

  test.each([
    ["the attacker and the victim", () => [scene.mallory.iri, scene.alice.iri]],
    ["the victim and the attacker", () => [scene.alice.iri, scene.mallory.iri]],
  ])("actors %s: refused (CVE-2026-55103)", async (_, actor) => {
    before = await scene.state();
    const activity = scene.activity("Create", scene.mallory, scene.note(scene.alice), { actor: actor() });
    expect(await scene.send(scene.attacker, activity, { as: "mallory" })).toBe(400);
    await scene.expectUnharmed(before);
  });
});

describe("Update and Delete by somebody who is not the owner (Hollo 0.8.5, CVE-2026-73090, GHSA-v2qh)", () => {
  test.each(["attacker", "victim"] as const)("of a post, from the %s's server", async (from) => {
    const known = await note();
    const by = from === "attacker" ? scene.mallory : scene.bob;
    const object = { ...known, content: "<p>forged</p>", updated: new Date().toISOString() };
    for (const attributedTo of [scene.alice.iri, by.iri]) {
      await scene.send(scene[from], scene.activity("Update", by, { ...object, attributedTo }));
      await scene.send(scene[from], scene.activity("Create", by, { ...object, attributedTo }));
    }
    await scene.send(scene[from], scene.activity("Delete", by, known.id));
    await scene.send(scene[from], scene.activity("Delete", by, { id: known.id, type: "Tombstone" }));
    await scene.expectUnharmed(before);
  });

  test.each(["attacker", "victim"] as const)("of a proposal, from the %s's server", async (from) => {
    const known = await proposal();
    const by = from === "attacker" ? scene.mallory : scene.bob;
    const context = sample("mitra-create-proposal", scene.victim, scene.hub)["@context"];
    const object = { ...known, name: "forged", "ayni:revision": 99 };
    for (const attributedTo of [scene.alice.iri, by.iri]) {
      const update = scene.activity("Update", by, { ...object, attributedTo }, { "@context": context });
      await scene.send(scene[from], update);
    }
    await scene.send(scene[from], scene.activity("Delete", by, known.id));
    await scene.expectUnharmed(before);
  });

  test.each(["attacker", "victim"] as const)("of an actor, from the %s's server", async (from) => {
    before = await scene.state();
    const by = from === "attacker" ? scene.mallory : scene.bob;
    await scene.send(scene[from], scene.activity("Update", by, { ...scene.alice.document, name: "forged" }));
    await scene.send(scene[from], scene.activity("Delete", by, scene.alice.iri));
    await scene.send(scene[from], scene.activity("Delete", by, { id: scene.alice.iri, type: "Tombstone" }));
    await scene.expectUnharmed(before);
  });

  test("of what this hub's own actors wrote", async () => {
    const { hub, nour, attacker, mallory } = scene;
    const postId = await publishPost(hub.ctx, nour, {
      content: "nuestro",
      visibility: "public",
      language: "es",
    });
    const iri = `${hub.origin}/posts/${postId}`;
    await settle(hub);
    before = await scene.state();
    const forged = scene.note(mallory, { id: iri, updated: new Date(Date.now() + 1000).toISOString() });
    for (const attributedTo of [mallory.iri, nour.iri]) {
      await scene.send(attacker, scene.activity("Update", mallory, { ...forged, attributedTo }));
      await scene.send(attacker, scene.activity("Create", mallory, { ...forged, attributedTo }));
    }
    await scene.send(attacker, scene.activity("Delete", mallory, iri));
    await scene.send(attacker, scene.activity("Delete", mallory, nour.iri));
    await scene.expectUnharmed(before);
  });

  test("a Delete by another actor of the same server does not keep out what has not arrived yet", async () => {
    const { victim, alice, bob, hub } = scene;
    const coming = scene.note(alice);
    await scene.send(victim, scene.activity("Delete", bob, coming.id));
    await scene.send(victim, scene.activity("Create", alice, coming));
    expect(await count(hub, "posts where deleted is null")).toBe(1);
  });
});

describe("one effect", () => {
  test("the same id five times, twenty times at once, by shared and personal inbox", async () => {
    const { hub, nour, victim, alice } = scene;
    const [first] = [scene.activity("Create", alice, scene.note(alice))];
    const inboxes = [`${hub.origin}/inbox`, `${nour.iri}/inbox`];
    for (let i = 0; i < 5; i++) {
      // Each with another object, so that nothing but the activity's id can tell.
      const again = { ...first, object: scene.note(alice) };
      expect(await scene.send(victim, again, { inbox: inboxes[i % 2]! })).toBe(202);
    }
    expect(await count(hub, "posts")).toBe(1);
    const id = `${alice.iri}/create/parallel`;
    const parallel = Array.from({ length: 20 }, (_, i) =>
      victim.deliver(inboxes[i % 2]!, scene.activity("Create", alice, scene.note(alice), { id }), {
        date: hub.clock.now(),
      }),
    );
    for (const { status } of await Promise.all(parallel)) expect(status).toBe(202);
    await settle(hub);
    expect(await count(hub, "posts")).toBe(2);
  });

  test("none without an id", async () => {
    before = await scene.state();
    const { id: _, ...nameless } = scene.activity("Create", scene.alice, scene.note(scene.alice));
    expect(await scene.send(scene.victim, nameless)).toBe(202);
    await scene.expectUnharmed(before);
  });

  test("still one when it comes again after a day, when every cache has forgotten it", async () => {
    const { hub, victim, alice } = scene;
    const create = scene.activity("Create", alice, scene.note(alice));
    await scene.send(victim, create);
    hub.clock.advance(25 * 3_600_000);
    await scene.send(victim, { ...create, object: scene.note(alice) });
    expect(await count(hub, "posts")).toBe(1);
    hub.clock.advance(-25 * 3_600_000);
  });
});

describe("follows", () => {
  test("a pending Follow is accepted by the one who was asked and by nobody else (CVE-2025-30741)", async () => {
    const { hub, nour, attacker, victim, mallory, bob } = scene;
    const { id, object } = await pendingFollow();
    const follow = { id, type: "Follow", actor: nour.iri, object };
    before = await scene.state();
    for (const answered of [id, follow, { ...follow, id: `${mallory.iri}/follows/1` }]) {
      await scene.send(attacker, scene.activity("Accept", mallory, answered));
      await scene.send(victim, scene.activity("Accept", bob, answered));
      await scene.send(attacker, scene.activity("Accept", mallory, { ...follow, object: mallory.iri, id }));
    }
    await scene.expectUnharmed(before);
    await scene.send(victim, scene.activity("Accept", victim.actor("carol"), follow));
    expect(await count(hub, "follows where state = 'pending'")).toBe(0);
  });

  test("an Accept of a Follow that nobody sent makes none", async () => {
    const { hub, attacker, mallory, admin } = { ...scene, admin: scene.hub.admin };
    const person = `${hub.origin}/actors/${admin.actorId}`;
    before = await scene.state();
    const invented = { id: `${hub.origin}/follows/1`, type: "Follow", actor: person, object: mallory.iri };
    await scene.send(attacker, scene.activity("Accept", mallory, invented));
    await scene.send(attacker, scene.activity("Accept", mallory, invented.id));
    await scene.expectUnharmed(before);
  });

  test("a locked account gets no follower by forged answers or by Undo and Follow at once", async () => {
    const { hub, attacker, mallory } = scene;
    const locked = await hub.organization("locked");
    await hub.database.sql`update actors set locked = true where id = ${String(locked.actorId)}`;
    const follow = scene.activity("Follow", mallory, locked.iri);
    await scene.send(attacker, follow);
    const state = () =>
      hub.database.sql`select state from follows where followed_id = ${String(locked.actorId)}`;
    expect(await state()).toEqual([{ state: "pending" }]);
    await scene.send(attacker, scene.activity("Accept", mallory, follow));
    await scene.send(attacker, scene.activity("Accept", mallory, follow, { actor: locked.iri }), {
      as: "mallory",
    });
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const again = scene.activity("Follow", mallory, locked.iri);
        const options = { date: hub.clock.now() };
        await Promise.all([
          attacker.deliver(`${hub.origin}/inbox`, again, options),
          attacker.deliver(`${locked.iri}/inbox`, scene.activity("Undo", mallory, again), options),
          attacker.deliver(`${hub.origin}/inbox`, scene.activity("Accept", mallory, again), options),
        ]);
      }),
    );
    await settle(hub);
    expect((await state()).filter(({ state }) => state !== "pending")).toEqual([]);

    attacker.received.length = 0;
    const secret = { content: "reservado", visibility: "followers", language: "es" } as const;
    await publishPost(hub.ctx, locked, secret);
    await settle(hub);
    expect(attacker.received).toEqual([]);
  });

  test("nobody follows in another's name, or undoes another's follow", async () => {
    const { hub, nour, victim, attacker, mallory, bob } = scene;
    const follow = await victim.follow("alice", nour.iri);
    await settle(hub);
    before = await scene.state();
    for (const [from, by] of [
      [attacker, mallory],
      [victim, bob],
    ] as const) {
      await scene.send(from, scene.activity("Undo", by, follow));
      await scene.send(from, scene.activity("Undo", by, follow.id));
      await scene.send(from, scene.activity("Undo", by, { ...follow, actor: by.iri }));
    }
    await scene.expectUnharmed(before);
  });
});

describe("what is forwarded by a third server", () => {
  async function forwarded(content: string, served: Json | null) {
    const { hub, nour, victim, alice, attacker } = scene;
    const postId = await publishPost(hub.ctx, nour, { content: "¿?", visibility: "public", language: "es" });
    const reply = scene.note(alice, { inReplyTo: `${hub.origin}/posts/${postId}` });
    const path = new URL(String(reply.id)).pathname;
    if (served !== null)
      victim.documents.set(path, {
        body: { "@context": "https://www.w3.org/ns/activitystreams", ...reply, ...served },
      });
    const activity = scene.activity("Create", alice, { ...reply, content });
    expect(await scene.send(attacker, activity, { as: "mallory" })).toBe(202);
    return { reply, path, activity };
  }

  test("a reply in a thread of ours is asked for once, where it comes from, and counts as it is there", async () => {
    const { path, activity } = await forwarded("<p>forged</p>", { content: "<p>genuine</p>" });
    const rows = () => scene.hub.database.sql`select content from posts where not local`;
    expect(await rows()).toEqual([{ content: "<p>genuine</p>" }]);
    for (let i = 0; i < 5; i++) await scene.send(scene.attacker, activity, { as: "mallory" });
    expect(await rows()).toEqual([{ content: "<p>genuine</p>" }]);
    const asked = () => scene.victim.requests.filter((request) => request === `GET ${path}`).length;
    expect(asked()).toBe(1);
    for (let i = 0; i < 9; i++)
      await scene.send(scene.attacker, { ...activity, id: `${activity.id}/${i}` }, { as: "mallory" });
    expect(asked()).toBe(5);
  });

  test("what its own server does not have is not stored", async () => {
    await forwarded("<p>forged</p>", null);
    expect(await count(scene.hub, "posts where not local")).toBe(0);
  });

  test("a document whose id is another object's is not stored (CVE-2024-23832)", async () => {
    await forwarded("<p>forged</p>", { id: `${scene.victim.origin}/notes/other` });
    await forwarded("<p>forged</p>", { id: `${scene.attacker.origin}/notes/other` });
    expect(await count(scene.hub, "posts where not local")).toBe(0);
  });

  test("a document of another author's is not stored as anybody's", async () => {
    await forwarded("<p>forged</p>", { attributedTo: scene.mallory.iri });
    await forwarded("<p>forged</p>", { attributedTo: [scene.mallory.iri, scene.alice.iri] });
    expect(await count(scene.hub, "posts where not local")).toBe(0);
  });

  test.each([404, 410, "Tombstone", 200, 500])("a Delete: its server says %s", async (says) => {
    const { hub, victim, attacker, alice } = scene;
    const known = await note();
    const path = new URL(String(known.id)).pathname;
    const context = { "@context": "https://www.w3.org/ns/activitystreams" };
    const body =
      says === "Tombstone" ? { ...context, id: known.id, type: "Tombstone" } : { ...context, ...known };
    victim.documents.set(path, { body, status: typeof says === "number" ? says : 200 });
    const activity = scene.activity("Delete", alice, known.id);
    await scene.send(attacker, activity, { as: "mallory" });
    const gone = await count(hub, "posts where deleted is not null");
    expect(gone).toBe(says === 200 || says === 500 ? 0 : 1);
    // What cannot be known now is asked again later.
    await hub.database.sql`delete from jobs where error is not null`;
  });

  test("a Delete of what is for followers, which no server serves to strangers, does not delete it", async () => {
    const { victim, attacker, alice } = scene;
    const known = await scene.published(victim, alice, { to: [`${alice.iri}/followers`] });
    victim.documents.clear();
    before = await scene.state();
    await scene.send(attacker, scene.activity("Delete", alice, known.id), { as: "mallory" });
    await scene.expectUnharmed(before);
  });

  test("what is in no thread of ours is not even asked for", async () => {
    const { victim, attacker, alice } = scene;
    const other = scene.note(alice);
    await scene.send(attacker, scene.activity("Create", alice, other), { as: "mallory" });
    expect(victim.requests.filter((request) => request.includes("/notes/"))).toEqual([]);
  });
});

describe("documents that are not what they seem", () => {
  const AS2 = "https://www.w3.org/ns/activitystreams";

  test.each(["text/plain", "image/png", "text/html", "application/json", "application/octet-stream", ""])(
    "an actor served as %s is none (GHSA-jhrq, CVE-2024-25623, CVE-2024-25636)",
    async (type) => {
      const { hub, victim, alice } = scene;
      const path = "/media/upload";
      victim.documents.set(path, { body: { ...alice.document, id: `${victim.origin}${path}` }, type });
      await expect(hub.ctx.remote.resolveActor(`${victim.origin}${path}`)).rejects.toThrow(
        expect.objectContaining({ code: "remote_invalid" }),
      );
    },
  );

  test("an address that serves somebody else's document is not that somebody (CVE-2024-23832)", async () => {
    const { hub, attacker, alice } = scene;
    before = await scene.state();
    attacker.documents.set("/lure", {
      body: { ...alice.document, name: "forged", inbox: `${attacker.origin}/inbox` },
    });
    await expect(hub.ctx.remote.resolveActor(`${attacker.origin}/lure`)).rejects.toThrow();
    await scene.expectUnharmed(before);
  });

  test("an upload on the victim's own server that says it is the victim leads to the genuine document", async () => {
    const { hub, victim, alice } = scene;
    const body = { ...alice.document, name: "forged" };
    victim.documents.set("/media/upload.json", { body });
    await hub.ctx.remote.resolveActor(`${victim.origin}/media/upload.json`);
    const [row] = await hub.database.sql`select name from actors where iri = ${alice.iri}`;
    expect(row).toEqual({ name: "ALICE" });
  });

  test("an actor of another server's address, an actor without an inbox of its own, a note", async () => {
    const { hub, attacker, victim, mallory } = scene;
    const id = `${attacker.origin}/odd`;
    for (const change of [
      { inbox: `${victim.origin}/inbox` },
      { inbox: undefined },
      { inbox: `http://127.0.0.3:${scene.canary.port}/inbox` },
      { type: "Note" },
      { type: ["Person", "https://attacker.invalid/ns#Alien"], inbox: 7 },
      { preferredUsername: "alice@victim.example" },
      { preferredUsername: "" },
    ]) {
      attacker.documents.set("/odd", { body: { ...mallory.document, id, ...change } });
      await expect(hub.ctx.remote.resolveActor(id), JSON.stringify(change)).rejects.toThrow();
    }
    await expect(hub.ctx.remote.resolveActor(`${attacker.origin}/none`)).rejects.toThrow(
      expect.objectContaining({ code: "remote_not_found" }),
    );
  });

  test("an actor cannot speak for addresses of other servers", async () => {
    const { hub, attacker, victim, mallory } = scene;
    const id = `${attacker.origin}/other`;
    const theirs = {
      ...{ outbox: `${victim.origin}/o`, followers: `${victim.origin}/f`, following: `${victim.origin}/g` },
      ...{ endpoints: { sharedInbox: `${victim.origin}/inbox` }, url: `${victim.origin}/@alice` },
    };
    attacker.documents.set("/other", { body: { ...mallory.document, id, ...theirs } });
    await hub.ctx.remote.resolveActor(id);
    const [row] = await hub.database.sql`
      select outbox, followers, following, shared_inbox, url from actors where iri = ${id}`;
    expect(row).toEqual({ outbox: null, followers: null, following: null, shared_inbox: null, url: null });
  });

  test("a redirect does not make one actor another (GHSA-8863)", async () => {
    const { hub, attacker, alice } = scene;
    attacker.documents.set("/hop", { body: "", status: 302, headers: { location: alice.iri } });
    await expect(hub.ctx.remote.resolveActor(`${attacker.origin}/hop`)).rejects.toThrow();
  });

  test("an actor of one server does not pass for another of it by claiming its address as page", async () => {
    const { hub, victim, alice, bob } = scene;
    Object.assign(bob.document, { url: alice.iri });
    await scene.send(victim, scene.activity("Update", bob, bob.document));
    await scene.published(victim, alice);
    Object.assign(bob.document, { url: `${victim.origin}/@bob` });
    await scene.send(victim, scene.activity("Update", bob, bob.document));
    const [row] = await hub.database.sql`
      select a.iri from posts p join actors a on a.id = p.actor_id`;
    expect(row).toEqual({ iri: alice.iri });
  });

  test.each([
    ["nested 20,000 deep", () => `{"@context":"${AS2}","a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`],
    ["not JSON", () => "<html>"],
    ["an array", () => "[]"],
    ["null", () => "null"],
    [
      "with NUL in its name",
      () =>
        JSON.stringify({
          ...scene.mallory.document,
          id: `${scene.attacker.origin}/poison`,
          name: "a\u0000b",
        }),
    ],
    [
      "with half a character in its name",
      () =>
        JSON.stringify({ ...scene.mallory.document, id: `${scene.attacker.origin}/poison`, name: "\ud800" }),
    ],
    [
      "published in the year 999999",
      () =>
        JSON.stringify({
          ...scene.mallory.document,
          id: `${scene.attacker.origin}/poison`,
          published: "+999999-01-01T00:00:00Z",
        }),
    ],
    [
      "with wrong types everywhere",
      () =>
        JSON.stringify({
          ...scene.mallory.document,
          id: `${scene.attacker.origin}/poison`,
          name: 1,
          summary: {},
          icon: [[]],
          url: false,
          published: [],
          endpoints: "x",
        }),
    ],
  ])("a poisoned document, %s, is refused or tamed", async (_, body) => {
    const { attacker, hub } = scene;
    attacker.documents.set("/poison", { body: body() });
    const outcome = await hub.ctx.remote.resolveActor(`${attacker.origin}/poison`).then(
      () => "tamed",
      (error: { code?: string }) => error.code,
    );
    expect(["tamed", "remote_invalid"]).toContain(outcome);
  });
});

describe("handles", () => {
  /** What `host` answers to WebFinger for `name`. */
  function finger(at: typeof scene.attacker, name: string, host: string, body: Json): void {
    const resource = encodeURIComponent(`acct:${name}@${host}`);
    at.documents.set(`/.well-known/webfinger?resource=${resource}`, { body, type: "application/jrd+json" });
  }
  const self = (href: string) => [{ rel: "self", type: "application/activity+json", href }];

  async function shown(handle: string): Promise<string | null> {
    const { hub } = scene;
    await hub.database.sql`update actors set fetched = '2020-01-01' where host is not null`;
    try {
      const id = await hub.ctx.remote.resolveActor(handle);
      const [row] = await hub.database.sql<{ acct: string }[]>`
        select handle || '@' || host as acct from actors where id = ${String(id)}`;
      return row?.acct ?? null;
    } catch {
      return null;
    }
  }

  test("a WebFinger that points at an actor of another server does not give that actor a handle", async () => {
    const { attacker, victim, alice } = scene;
    finger(attacker, "alice", attacker.host, {
      subject: `acct:alice@${attacker.host}`,
      links: self(alice.iri),
    });
    expect(await shown(`@alice@${attacker.host}`)).toBe(`alice@${victim.host}`);
  });

  test("a WebFinger that claims another server's subject does not get it", async () => {
    const { attacker, victim, mallory } = scene;
    finger(attacker, "mallory", attacker.host, {
      subject: `acct:alice@${victim.host}`,
      links: self(mallory.iri),
    });
    expect(await shown(`@mallory@${attacker.host}`)).toBe(`mallory@${attacker.host}`);
  });

  test("a handle on a domain of its own is shown when both sides say so", async () => {
    const { attacker: apex, victim, bob } = scene;
    const subject = `acct:bob@${apex.host}`;
    finger(apex, "bob", apex.host, { subject, links: self(bob.iri) });
    finger(victim, "bob", victim.host, { subject, links: self(bob.iri) });
    expect(await shown(`@bob@${apex.host}`)).toBe(`bob@${apex.host}`);
  });

  test("… and not when only the domain says so", async () => {
    const { attacker: apex, victim } = scene;
    const carol = victim.actor("carol");
    finger(apex, "carol", apex.host, { subject: `acct:carol@${apex.host}`, links: self(carol.iri) });
    expect(await shown(`@carol@${apex.host}`)).toBe(`carol@${victim.host}`);
  });

  test("a WebFinger that points at the hub itself, at the canary or at nothing finds nobody", async () => {
    const { hub, attacker, nour, canary } = scene;
    for (const href of [
      nour.iri,
      `http://127.0.0.3:${canary.port}/a`,
      `https://127.0.0.3:${canary.port}/a`,
      "javascript:1",
      "",
    ]) {
      finger(attacker, "nour", attacker.host, { subject: `acct:nour@${attacker.host}`, links: self(href) });
      const found = await shown(`@nour@${attacker.host}`);
      expect([href, found === null || !found.endsWith(attacker.host)]).toEqual([href, true]);
    }
    const [row] = await hub.database.sql`select host from actors where iri = ${nour.iri}`;
    expect(row).toEqual({ host: null });
    expect(canary.connections).toBe(0);
  });
});

describe("readers", () => {
  test("a post for followers is shown to followers only, and comes only to servers of followers", async () => {
    const { hub, nour, victim, attacker, alice } = scene;
    const other = await hub.organization("other");
    const secret = await scene.published(victim, alice, {
      to: [`${alice.iri}/followers`],
      content: "<p>reservado</p>",
    });
    const [actor] = await hub.database.sql<{ id: string }[]>`select id from actors where iri = ${alice.iri}`;
    const seenBy = async (viewer: bigint | null) => [
      viewer === null ? 0 : (await homeTimeline(hub.ctx, viewer, null)).items.length,
      (await actorPosts(hub.ctx, BigInt(actor!.id), viewer, null)).items.length,
      (await postByIri(hub.ctx, String(secret.id), viewer)) === null ? 0 : 1,
    ];
    expect(await seenBy(nour.actorId)).toEqual([1, 1, 1]);
    expect(await seenBy(other.actorId)).toEqual([0, 0, 0]);
    expect(await seenBy(null)).toEqual([0, 0, 0]);

    await victim.follow("bob", other.iri);
    await settle(hub);
    attacker.received.length = 0;
    await publishPost(hub.ctx, other, {
      content: "solo seguidoras",
      visibility: "followers",
      language: "es",
    });
    await victim.waitFor(({ raw }) => raw.includes("solo seguidoras"));
    await settle(hub);
    expect(attacker.received).toEqual([]);
  });

  test("a proposal's companion stands for it only where both have one author", async () => {
    const { hub, nour, attacker, mallory } = scene;
    const terms = {
      category: "training",
      unit: "hour",
      settlement: "none",
      online: true,
      language: "es",
    } as const;
    const id = await publishProposal(hub.ctx, nour, {
      ...terms,
      purpose: "offer",
      name: "Taller",
      content: "Dos horas.",
    });
    const href = `${hub.origin}/proposals/${id}`;
    const rel = ["payment", "https://w3id.org/valueflows/ont/vf#Proposal"];
    const theirs = await scene.published(attacker, mallory, {
      attachment: [{ type: "Link", href, rel }],
      context: href,
    });
    expect((await postByIri(hub.ctx, String(theirs.id), nour.actorId))?.proposalId).toBeNull();
  });
});

describe("addresses that must not be asked", () => {
  test.each([
    ["127.0.0.3", "http"],
    ["127.0.0.3", "https"],
    ["0x7f000003", "http"],
    ["2130706435", "https"],
    ["127.3", "https"],
    ["[::ffff:127.0.0.3]", "https"],
    ["[::127.0.0.3]", "https"],
    ["user@127.0.0.3", "https"],
  ])("%s by %s, wherever an activity or an actor may name one", async (address, scheme) => {
    const { hub, attacker, mallory, canary } = scene;
    const url = `${scheme}://${address}:${canary.port}/x`;
    const { alice } = scene;
    const send = (activity: Json, options = {}) =>
      scene.send(attacker, activity, { as: "mallory", ...options });
    const create = (object: Json, change: Json = {}) =>
      send(scene.activity("Create", mallory, object, change));
    before = await scene.state();
    await send(scene.activity("Create", mallory, scene.note(mallory), { actor: url }));
    await send(scene.activity("Create", mallory, scene.note(mallory)), { keyId: `${url}#main-key` });
    await send(scene.activity("Create", mallory, scene.note(mallory), { id: url }));
    await create(scene.note(mallory, { id: url }));
    await send(scene.activity("Create", mallory, url));
    await send(scene.activity("Update", mallory, url));
    await send(scene.activity("Delete", mallory, url));
    await send(scene.activity("Follow", mallory, url));
    await send(scene.activity("Accept", mallory, url));
    await send(scene.activity("Undo", mallory, { id: url, type: "Follow", actor: mallory.iri, object: url }));
    await send(scene.activity("Announce", mallory, url));
    await create(scene.note(mallory, { attributedTo: url }));
    await create(scene.note(alice, { id: url }));
    expect(await scene.state()).toEqual(before);

    const image = { type: "Image", url, mediaType: "image/png" };
    await create(
      scene.note(mallory, {
        attachment: [image],
        icon: image,
        image,
        url,
        tag: [{ type: "Mention", href: url, name: "@x" }],
        replies: url,
        context: url,
        inReplyTo: url,
        generator: url,
        preview: url,
      }),
    );
    const proposal = sample("mitra-create-proposal", attacker, hub);
    const reciprocal = { ...((proposal.object as Json).reciprocal as Json), resourceConformsTo: url };
    await create(
      { ...(proposal.object as Json), attributedTo: mallory.iri, reciprocal, "ayni:settlement": "credit" },
      { "@context": proposal["@context"] },
    );
    const { document } = mallory;
    const id = `${attacker.origin}/canary`;
    for (const change of [
      {
        icon: image,
        image,
        url,
        endpoints: { sharedInbox: url },
        outbox: url,
        followers: url,
        featured: url,
      },
      { inbox: url },
    ]) {
      attacker.documents.set("/canary", { body: { ...document, ...change, id } });
      await hub.ctx.remote.resolveActor(id).catch(() => {});
    }
    await hub.ctx.remote.resolveActor(url).catch(() => {});
    await hub.ctx.remote.resolveActor(`@x@${address}:${canary.port}`).catch(() => {});
    await settle(hub);
    expect(canary.connections).toBe(0);
    expect(await hub.database.sql`select payload, error from jobs where error is not null`).toEqual([]);
    expect(await count(hub, "posts where content <> ''")).toBe(1);
    expect(
      await hub.database
        .sql`select url from posts where url like '%127.0.0.3%' or url like ${`%${address}%`}`,
    ).toEqual([]);
  });
});
