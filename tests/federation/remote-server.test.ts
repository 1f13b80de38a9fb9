import { describe, expect, test } from "vitest";
import { malformations } from "../support/remote-activities.ts";
import { AS2, type DeliverOptions, PUBLIC, startRemote } from "../support/remote-server.ts";

const ALICE = "https://peer.example/actors/alice";
const good = {
  "@context": AS2,
  id: `${ALICE}/creates/1`,
  type: "Create",
  actor: ALICE,
  to: [PUBLIC],
  published: "2026-03-01T12:00:00Z",
  object: { id: `${ALICE}/notes/1`, type: "Note", attributedTo: ALICE, tag: [], attachment: [] },
};

describe("the hand-made remote server reads strictly", () => {
  test.each<[string, object, RegExp | null]>([
    ["a good activity", {}, null],
    ["no context", { "@context": undefined }, /@context/],
    ["an abbreviated Public", { to: ["as:Public"] }, /in full/],
    ["a recipient that is no list", { to: PUBLIC }, /list/],
    ["a recipient that is no iri", { cc: ["alice"] }, /iri/],
    ["a tag that is no list", { object: { ...good.object, tag: {} } }, /object\.tag: must be a list/],
    ["an attachment that is no list", { object: { ...good.object, attachment: {} } }, /attachment/],
    ["a relative id", { object: { ...good.object, id: "/notes/1" } }, /absolute/],
    ["an id that is no address", { id: "urn:uuid:1" }, /absolute/],
    ["a time of another form", { published: "2026-03-01 12:00" }, /RFC 3339/],
    ["an embedded actor", { actor: { id: ALICE } }, /actor/],
    ["two types", { type: ["Create", "x:Create"] }, /type/],
  ])("%s", (_, change, complaint) => {
    const problems = malformations(JSON.parse(JSON.stringify({ ...good, ...change }))).join("\n");
    if (complaint === null) expect(problems).toBe("");
    else expect(problems).toMatch(complaint);
  });

  test.each(["cavage", "rfc9421"] as const)("two of them follow each other with %s", async (scheme) => {
    const [here, there] = await Promise.all([
      startRemote({ scheme, secure: true }),
      startRemote({ scheme, secure: true, accepts: true, actors: ["bob"] }),
    ]);
    const bob = there.actor("bob");
    const follow = await here.follow("alice", bob.iri);
    const { activity } = await here.waitFor(({ activity }) => activity.type === "Accept");
    expect(activity).toMatchObject({ actor: bob.iri, object: follow });
    expect([...bob.followers]).toEqual([here.actor("alice").iri]);
    expect([...here.problems, ...there.problems]).toEqual([]);
    expect((await here.fetch(bob.iri)).status).toBe(401);
    expect((await here.fetch(bob.iri, { signed: "alice" })).status).toBe(200);
    const { body } = await here.fetch(
      `${there.origin}/.well-known/webfinger?resource=acct:${bob.handle.slice(1)}`,
    );
    expect(JSON.parse(body).links).toEqual([expect.objectContaining({ href: bob.iri })]);
    await Promise.all([here.close(), there.close()]);
  });

  test.each<[string, DeliverOptions]>([
    ["unsigned", { unsigned: true }],
    ["tampered with", { tamper: (body) => Buffer.concat([body, Buffer.from(" ")]) }],
    ["13 hours old", { date: new Date(Date.now() - 13 * 3_600_000) }],
    ["without the digest covered", { components: ["(request-target)", "host", "date"] }],
    ["without the target covered", { scheme: "rfc9421", components: ["@method", "content-digest"] }],
    ["of another content type", { contentType: "application/json" }],
  ])("it refuses a delivery that is %s, and remembers it", async (_, options) => {
    const [here, there] = await Promise.all([startRemote(), startRemote()]);
    const alice = here.actor("alice").iri;
    const like = { "@context": AS2, id: `${alice}/likes/1`, type: "Like", actor: alice, object: alice };
    const answer = await here.deliver(`${there.origin}/inbox`, like, options);
    expect([400, 401]).toContain(answer.status);
    expect(there.received).toEqual([]);
    expect(there.problems).toHaveLength(1);
    expect((await here.deliver(`${there.origin}/inbox`, like)).status).toBe(202);
    await Promise.all([here.close(), there.close()]);
  });
});
