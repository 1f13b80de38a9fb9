import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Scene, startScene } from "../support/hostile.ts";
import { count, settle } from "../support/hub.ts";
import { AS2, type Json, PUBLIC, type Remote, startRemote } from "../support/remote-server.ts";
import { sample } from "../support/samples.ts";

/** Bodies that break readers: whatever comes in, no 5xx, no job that fails for ever, and what comes next is worked on. */

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterAll(() => scene.close());
beforeEach(async () => {
  // A job that fails fails one test, not all that come after it.
  await scene.hub.database.sql`delete from proposals where not local`;
  await scene.hub.database.sql`truncate posts, deletions, received_activities, jobs, dead_jobs`;
});

/** The same actor's next activity is there soon: nothing of what came before holds it back. */
async function expectNext(): Promise<void> {
  const { hub, attacker, mallory } = scene;
  const failing = await hub.database
    .sql`select left(payload, 300) as payload, error from jobs where error is not null`;
  expect(failing).toEqual([]);
  expect(await hub.database.sql`select left(payload, 300) as payload, error from dead_jobs`).toEqual([]);
  await scene.published(attacker, mallory);
}

/** All at once, as a flood would come; then waits until they were worked on. */
async function volley(activities: Json[]): Promise<void> {
  const { hub, attacker } = scene;
  const options = { as: "mallory", date: hub.clock.now() };
  const answers = await Promise.all(
    activities.map((one) => attacker.deliver(`${hub.origin}/inbox`, one, options)),
  );
  for (const { status, body } of answers) expect(status, body).toBeLessThan(500);
  await settle(hub);
}

const wrong = JSON.parse(
  '[null, true, 7, -1e308, "", "x", [], [[[]]], {}, {"id": 7}, {"@value": 1}, "\u202egnp.exe"]',
) as unknown[];
const OF_NOTES =
  "content contentMap summary name nameMap published updated url inReplyTo attachment tag to cc attributedTo sensitive " +
  "context replies icon image location duration startTime endTime mediaType source generator preview audience proof id type";
const OF_ACTIVITIES =
  "id type actor object to cc published target result instrument proof signature @context";
const OF_PROPOSALS =
  "purpose publishes reciprocal unitBased name location endTime ayni:revision ayni:settlement attributedTo";

describe("wrong types", () => {
  test.each(OF_NOTES.split(" "))("in a Note's %s", async (field) => {
    const { mallory } = scene;
    const notes = wrong.map((value) => scene.note(mallory, { [field]: value }));
    await volley(notes.map((note) => scene.activity("Create", mallory, note)));
    await expectNext();
  });

  test.each(OF_ACTIVITIES.split(" "))("in an activity's %s", async (field) => {
    const { mallory } = scene;
    for (const type of ["Create", "Undo", "Accept"])
      await volley(
        wrong.map((value) => scene.activity(type, mallory, scene.note(mallory), { [field]: value })),
      );
    await expectNext();
  });

  test.each(OF_PROPOSALS.split(" "))("in a proposal's %s", async (field) => {
    const { attacker, mallory, hub } = scene;
    const { "@context": context, object } = sample("mitra-create-proposal", attacker, hub);
    const huge = { type: "Intent", resourceQuantity: { hasNumericalValue: "9".repeat(500), hasUnit: 1 } };
    const proposals = [...wrong, 2 ** 53, "1e999", huge].map((value, i) => ({
      ...(object as Json),
      ...{ id: `${mallory.iri}/proposals/${field}/${i}`, attributedTo: mallory.iri, [field]: value },
    }));
    await volley(
      proposals.map((proposal) => scene.activity("Create", mallory, proposal, { "@context": context })),
    );
    await expectNext();
  });
});

describe("strings", () => {
  test.each([
    ["NUL", "a\u0000b"],
    ["half a character", "a\ud800b"],
    ["bidirectional overrides and invisible characters", "\u202e\u2066\u200b\ufeff\u061c evil"],
    ["200 kB of text", "word ".repeat(40_000)],
    ["200 kB of one word", "x".repeat(200_000)],
    ["200 kB of open tags", "<b><i>".repeat(33_000)],
    ["200 kB of brackets", "<".repeat(200_000)],
    ["200 kB of entities", "&lt;".repeat(50_000)],
    [
      "script, in every disguise",
      '<script>x</script><img src=x onerror=y><a href="javascript:z">l</a><svg onload=w><iframe src=v>',
    ],
    ["emoji cut at the limit", "😀".repeat(50_001)],
  ])("%s", async (name, text) => {
    const { attacker, mallory, hub } = scene;
    for (const field of ["content", "summary", "name"]) {
      const type = field === "name" ? "Article" : "Note";
      await scene.send(
        attacker,
        scene.activity("Create", mallory, scene.note(mallory, { type, [field]: text })),
      );
    }
    const rows = await hub.database.sql<{ content: string; name: string | null; summary: string | null }[]>`
      select content, name, summary from posts`;
    for (const row of rows) {
      for (const stored of [row.content, row.name ?? "", row.summary ?? ""]) {
        // 100,000 characters, each written as an entity at worst.
        expect(stored.length).toBeLessThanOrEqual(500_000);
        expect(stored.isWellFormed()).toBe(true);
        expect(stored).not.toMatch(/<(script|img|svg|iframe)|javascript:|\0|\ufffd/i);
      }
    }
    expect(rows.length).toBeGreaterThanOrEqual(["NUL", "half a character"].includes(name) ? 0 : 2);
    await expectNext();
  });
});

describe("times", () => {
  test.each([
    "+999999-01-01T00:00:00Z",
    "999999-01-01T00:00:00Z",
    "-000001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0000-00-00T00:00:00Z",
    "2026-02-30T25:61:61Z",
    "2026-02-01",
    "yesterday",
    "1970-01-01T00:00:00Z",
    "2026-02-01T10:00:00+99:99",
  ])("%s", async (time) => {
    const { attacker, mallory, hub } = scene;
    const change = { published: time, updated: time, endTime: time };
    await scene.send(attacker, scene.activity("Create", mallory, scene.note(mallory, change), change));
    for (const { published } of await hub.database.sql<{ published: Date }[]>`select published from posts`)
      expect(published.getTime()).toBeLessThanOrEqual(hub.clock.now().getTime());
    await expectNext();
  });
});

describe("sizes", () => {
  const many = (count: number, item: unknown) => Array.from({ length: count }, () => item);

  test.each<[string, (note: Json) => Json | string]>([
    ["100,000 tags", (note) => ({ ...note, tag: many(100_000, "") })],
    [
      "1,000 mentions",
      (note) => ({ ...note, tag: many(1_000, { type: "Mention", href: "https://x.example/a", name: "@a" }) }),
    ],
    ["100,000 recipients", (note) => ({ ...note, to: many(30_000, PUBLIC) })],
    [
      "900 recipients",
      (note) => ({
        ...note,
        to: [PUBLIC, ...Array.from({ length: 900 }, (_, i) => `https://x.example/${i}`)],
      }),
    ],
    ["an id of 5 kB", (note) => ({ ...note, id: `${note.id}${"x".repeat(5_000)}` })],
    [
      "an address of 5 kB",
      (note) => ({
        ...note,
        url: `${note.id}${"x".repeat(5_000)}`,
        inReplyTo: `${note.id}${"y".repeat(5_000)}`,
      }),
    ],
    [
      "lists 20,000 deep",
      (note) =>
        JSON.stringify({ ...note, tag: "DEEP" }).replace('"DEEP"', "[".repeat(20_000) + "]".repeat(20_000)),
    ],
    [
      "objects 20,000 deep",
      (note) =>
        JSON.stringify({ ...note, tag: "DEEP" }).replace(
          '"DEEP"',
          '{"tag":'.repeat(20_000) + "1" + "}".repeat(20_000),
        ),
    ],
    [
      "objects 30 deep",
      (note) =>
        JSON.stringify({ ...note, tag: "DEEP" }).replace(
          '"DEEP"',
          '{"tag":'.repeat(28) + "1" + "}".repeat(28),
        ),
    ],
    [
      "10,000 languages",
      (note) => ({
        ...note,
        contentMap: Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`x${i}`, "y"])),
      }),
    ],
    [
      "languages that are none",
      (note) => ({ ...note, contentMap: { "": "a", "../..": "b", "💥": "c", [`x${"y".repeat(300)}`]: "d" } }),
    ],
    ["a key named __proto__", (note) => JSON.stringify(note).replace("{", '{"__proto__":{"admin":true},')],
    ["a key twice", (note) => JSON.stringify(note).replace("{", `{"attributedTo":"${scene.alice.iri}",`)],
  ])("%s", async (_, change) => {
    const { attacker, mallory } = scene;
    const changed = change(scene.note(mallory));
    const create = JSON.stringify(scene.activity("Create", mallory, "OBJECT"));
    const body = create.replace('"OBJECT"', () =>
      typeof changed === "string" ? changed : JSON.stringify(changed),
    );
    const started = performance.now();
    await scene.send(attacker, Buffer.from(body), { as: "mallory" });
    await expectNext();
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  test("a body that is no JSON, empty, or a list", async () => {
    const { attacker } = scene;
    for (const body of ["", "{", "[]", "null", "7", '"x"', "\ufeff{}", "\xff\xfe", "{}{}"])
      expect([body, await scene.send(attacker, Buffer.from(body, "latin1"), { as: "mallory" })]).toEqual([
        body,
        400,
      ]);
    await expectNext();
  });
});

describe("JSON-LD and plain JSON that disagree (CVE-2026-46349, CVE-2022-24307)", () => {
  const ns = "https://attacker.invalid/ns#";
  const tricks: Record<string, () => Json> = {
    "another actor by an alias": () => ({
      "@context": [AS2, { actor: `${ns}a`, performer: { "@id": `${AS2}#actor`, "@type": "@id" } }],
      performer: scene.alice.iri,
      object: scene.note(scene.alice),
    }),
    "a second actor by an alias": () => ({
      "@context": [AS2, { performer: { "@id": `${AS2}#actor`, "@type": "@id" } }],
      performer: scene.alice.iri,
      object: scene.note(scene.alice),
    }),
    "another actor by the whole name of the term": () => ({
      [`${AS2}#actor`]: { "@id": scene.alice.iri },
      object: scene.note(scene.alice),
    }),
    "another actor by a prefix": () => ({
      "as:actor": { "@id": scene.alice.iri },
      object: scene.note(scene.alice),
    }),
    "another id by an alias": () => ({
      "@context": [AS2, { id: `${ns}i`, key: "@id" }],
      key: `${scene.alice.iri}/creates/stolen`,
      object: scene.note(scene.alice),
    }),
    "another object by an alias": () => ({
      "@context": [AS2, { object: `${ns}o`, thing: { "@id": `${AS2}#object`, "@type": "@id" } }],
      object: scene.note(scene.mallory),
      thing: scene.note(scene.alice),
    }),
    "another author by an alias": () => ({
      "@context": [
        AS2,
        { attributedTo: `${ns}by`, author: { "@id": `${AS2}#attributedTo`, "@type": "@id" } },
      ],
      object: { ...scene.note(scene.alice), attributedTo: scene.mallory.iri, author: scene.alice.iri },
    }),
    "another meaning inside the object": () => ({
      object: {
        ...scene.note(scene.alice),
        "@context": { attributedTo: `${ns}by`, id: `${ns}i`, key: "@id" },
        key: scene.note(scene.alice).id,
      },
    }),
    "a base that makes relative ids the victim's": () => ({
      "@context": [AS2, { "@base": `${scene.victim.origin}/` }],
      object: { ...scene.note(scene.alice), id: "actors/alice/notes/1", attributedTo: "actors/alice" },
    }),
    "a named graph": () => ({ "@graph": [scene.activity("Create", scene.alice, scene.note(scene.alice))] }),
    "a named graph in the object": () => ({ object: { "@graph": [scene.note(scene.alice)] } }),
    "a reverse property": () => ({
      "@reverse": { object: scene.activity("Create", scene.alice, scene.note(scene.alice)) },
    }),
    "a reverse property by an alias": () => ({
      "@context": [AS2, { doneBy: { "@reverse": `${AS2}#object` } }],
      object: {
        ...scene.note(scene.alice),
        doneBy: scene.activity("Create", scene.alice, scene.note(scene.alice)),
      },
    }),
    "included nodes": () => ({
      "@included": [scene.activity("Create", scene.alice, scene.note(scene.alice))],
    }),
    "nested properties": () => ({
      "@context": [AS2, { more: "@nest" }],
      more: { actor: scene.alice.iri },
      object: scene.note(scene.alice),
    }),
    "a type-scoped context": () => ({
      "@context": [
        AS2,
        {
          Create: {
            "@id": `${AS2}#Create`,
            "@context": { actor: `${ns}a`, by: { "@id": `${AS2}#actor`, "@type": "@id" } },
          },
        },
      ],
      by: scene.alice.iri,
      object: scene.note(scene.alice),
    }),
    "a context that takes everything away": () => ({
      "@context": [AS2, null],
      object: scene.note(scene.alice),
    }),
    "no context": () => ({ "@context": undefined, object: scene.note(scene.alice) }),
    "a list for an object": () => ({ object: [scene.note(scene.alice), scene.note(scene.alice)] }),
    "an object that is an activity": () => ({
      object: scene.activity("Create", scene.alice, scene.note(scene.alice)),
    }),
  };

  test.each(Object.keys(tricks))("%s", async (name) => {
    const { mallory } = scene;
    const before = await scene.state();
    const types = ["Create", "Update", "Delete", "Undo", "Accept"];
    await volley(types.map((type) => scene.activity(type, mallory, {}, tricks[name]!())));
    expect(await scene.state()).toEqual(before);
    await expectNext();
  });
});

describe("contexts", () => {
  let other: Remote;
  beforeAll(async () => {
    other = await startRemote();
    return () => other.close();
  });

  test("that are not known are never fetched, signed or not, and what is known keeps its meaning", async () => {
    const { hub, attacker, mallory, canary } = scene;
    attacker.documents.set("/context.jsonld", { body: { "@context": { content: "https://x.invalid/#c" } } });
    attacker.requests.length = 0;
    const contexts = [
      AS2,
      `${attacker.origin}/context.jsonld`,
      `${other.origin}/c`,
      `http://127.0.0.3:${canary.port}/c`,
      "https://nowhere.invalid/c",
    ];
    const many = Array.from({ length: 40 }, (_, i) => `${attacker.origin}/context.jsonld?${i}`);
    for (const context of [contexts, [...contexts, ...many], many]) {
      const create = scene.activity("Create", mallory, scene.note(mallory), { "@context": context });
      await scene.send(attacker, create);
      await scene.send(attacker, create, { unsigned: true });
    }
    expect(attacker.requests.filter((request) => request.includes("context"))).toEqual([]);
    expect([other.requests, canary.connections]).toEqual([[], 0]);
    // The reader of JSON-LD gives up at more than ten.
    expect(await count(hub, "posts")).toBe(1);
    await expectNext();
  });

  test("… nor those of fetched documents", async () => {
    const { hub, attacker, mallory, canary } = scene;
    const id = `${attacker.origin}/contextual`;
    const context = [
      AS2,
      "https://w3id.org/security/v1",
      `${other.origin}/c`,
      `http://127.0.0.3:${canary.port}/c`,
    ];
    attacker.documents.set("/contextual", { body: { ...mallory.document, id, "@context": context } });
    await hub.ctx.remote.resolveActor(id);
    expect([other.requests, canary.connections]).toEqual([[], 0]);
  });
});
