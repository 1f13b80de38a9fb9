import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { type JsonObject, proveObject } from "../../src/federation/proofs.ts";
import { testDatabase } from "../support/database.ts";
import { type DoorServer, startDoor } from "../support/door-server.ts";
import {
  AS2,
  type DeliverOptions,
  type Json,
  PUBLIC,
  type Remote,
  startRemote,
} from "../support/remote-server.ts";
import { type Scheme, type Signing, sha256, signed } from "../support/remote-signatures.ts";

let peer: Remote;
let attacker: Remote;
let door: DoorServer;
let database: Database;
let serial = 0;

beforeAll(async () => {
  [database, peer, attacker] = await Promise.all([
    testDatabase(),
    startRemote({ actors: ["alice", "bob"] }),
    startRemote({ actors: ["mallory"] }),
  ]);
  door = await startDoor([peer, attacker], { database });
});
afterAll(() => Promise.all([peer.close(), attacker.close(), door.close()]));
beforeEach(async () => {
  for (const actor of [peer.actor("alice"), peer.actor("bob"), attacker.actor("mallory")]) {
    await door.keys.forget(actor.iri);
  }
  for (const list of [door.accepted, door.refetched, peer.requests, attacker.requests]) list.length = 0;
});

/** An activity of a type by an actor of the peer. */
function activity(change: Json = {}, by = peer.actor("alice").iri): Json {
  const id = `${by}/activities/${++serial}`;
  const object = { id: `${by}/notes/${serial}`, type: "Note", attributedTo: by, content: `marker ${serial}` };
  return { "@context": AS2, id, type: "Create", actor: by, to: [PUBLIC], object, ...change };
}

/** Delivers, expects the status and that nothing was accepted. */
async function refused(status: number, delivered: Json | Buffer, options: DeliverOptions = {}, from = peer) {
  const answer = await from.deliver(door.inbox, delivered, options);
  expect([answer.status, answer.body]).toEqual([status, expect.any(String)]);
  expect(door.accepted).toEqual([]);
  return answer;
}

async function accepted(delivered: Json, options: DeliverOptions = {}, from = peer) {
  const answer = await from.deliver(door.inbox, delivered, options);
  expect([answer.status, answer.body]).toEqual([202, ""]);
  expect(door.accepted.at(-1)?.body).toBe(JSON.stringify(delivered));
}

describe("a genuine delivery", () => {
  test.each(["cavage", "rfc9421"] as const)("signed with %s is accepted byte for byte", async (scheme) => {
    const alice = peer.actor("alice");
    const create = activity();
    await accepted(create, { scheme });
    expect(door.accepted).toEqual([
      {
        body: JSON.stringify(create),
        signer: alice.iri,
        keyId: alice.keyId,
        received: expect.any(Date),
        recipient: null,
      },
    ]);
    expect(peer.requests).toEqual(["GET /actors/alice"]);
  });

  test("to a personal inbox names its recipient", async () => {
    const answer = await peer.deliver(`${door.origin}/actors/115000000000000001/inbox`, activity());
    expect(answer.status).toBe(202);
    expect(door.accepted.at(-1)?.recipient).toBe("115000000000000001");
  });

  test("may cover (created) instead of the date, and @authority with @path instead of @target-uri", async () => {
    await accepted(activity(), { components: ["(request-target)", "(created)", "host", "digest"] });
    await accepted(activity(), {
      scheme: "rfc9421",
      components: ["@method", "@authority", "@path", "content-digest"],
    });
  });

  test("may be signed with the Ed25519 key of the actor's assertionMethod", async () => {
    const { proofKeyId, proofPrivateKey } = peer.actor("alice");
    await accepted(activity(), { scheme: "rfc9421", keyId: proofKeyId, privateKey: proofPrivateKey });
  });

  test("may name its actor as an object with an id", async () => {
    await accepted(activity({ actor: { id: peer.actor("alice").iri, type: "Person" } }), { as: "alice" });
  });

  test("is accepted from servers that demand signed fetches", async () => {
    const secure = await startRemote({ secure: true });
    const its = await startDoor([secure], { database });
    const answer = await secure.deliver(its.inbox, activity({}, secure.actor("alice").iri));
    expect(answer.status).toBe(202);
    expect(secure.problems).toEqual([]);
    await secure.close();
  });

  test("is committed before it is answered; a hub that cannot commit says 503 and asks to come back", async () => {
    const failing = await startDoor([peer], {
      database,
      accept: () => Promise.reject(new Error("the database is gone")),
    });
    const answer = await peer.deliver(failing.inbox, activity());
    expect(answer.status).toBe(503);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expect(answer.body).not.toContain("database");
  });
});

describe("signature", () => {
  test("none: 401 without a single fetch", async () => {
    const answer = await refused(401, activity(), { unsigned: true });
    expect(answer.headers["www-authenticate"]).toMatch(/^Signature/);
    expect(peer.requests).toEqual([]);
  });

  test("tampered body: refused without a single fetch", async () => {
    await refused(401, activity(), {
      tamper: (body) => Buffer.from(body.toString().replace("marker", "forged")),
    });
    expect(peer.requests).toEqual([]);
  });

  test.each(["cavage", "rfc9421"] as const)("%s: digest made anew for a tampered body", async (scheme) => {
    const body = Buffer.from(JSON.stringify(activity({ content: "forged" })));
    const sha = sha256(body);
    const headers =
      scheme === "cavage" ? { digest: `SHA-256=${sha}` } : { "content-digest": `sha-256=:${sha}:` };
    await refused(401, activity(), { scheme, headers, tamper: () => body });
  });

  test.each(["cavage", "rfc9421"] as const)("%s: digest missing or not signed", async (scheme) => {
    const name = scheme === "cavage" ? "digest" : "content-digest";
    const components =
      scheme === "cavage" ? ["(request-target)", "host", "date"] : ["@method", "@target-uri"];
    await refused(401, activity(), { scheme, headers: { [name]: null } });
    await refused(401, activity(), { scheme, components });
    await refused(401, activity(), { scheme, components, headers: { [name]: null } });
  });

  test.each(["cavage", "rfc9421"] as const)("%s: 13 hours old or 3 hours ahead", async (scheme) => {
    for (const hours of [-13, 3]) {
      await refused(401, activity(), { scheme, date: new Date(Date.now() + hours * 3_600_000) });
    }
  });

  test("RFC 9421 with only the date covered", async () => {
    await refused(401, activity(), { scheme: "rfc9421", components: ["date"] });
  });

  test("somebody else's key under the actor's key id", async () => {
    await refused(401, activity(), { privateKey: peer.actor("bob").privateKey });
  });

  test.each(["cavage", "rfc9421"] as const)("%s: made for another host, inbox or query", async (scheme) => {
    const create = activity();
    for (const inbox of ["http://other.example/inbox", `${door.origin}/actors/1/inbox`, `${door.inbox}?x`]) {
      const { host, ...headers } = captured(create, scheme, { inbox });
      await refused(401, create, { scheme, headers });
    }
    const { host, ...headers } = captured(create, scheme, {});
    await accepted(create, { scheme, headers });
  });

  test.each(["cavage", "rfc9421"] as const)("%s: two in one header, the second one valid", async (scheme) => {
    const create = activity();
    const { keyId, privateKey } = attacker.actor("mallory");
    const forged = captured(create, scheme, { keyId, privateKey });
    const genuine = captured(create, scheme, { label: "sig2" });
    const headers: Record<string, string> = { signature: `${forged.signature}, ${genuine.signature}` };
    const input = "signature-input";
    if (scheme === "rfc9421") headers[input] = `${forged[input]}, ${genuine[input]}`;
    await refused(401, create, { scheme, headers });
    expect(peer.requests.concat(attacker.requests)).toEqual([]);
  });

  test("both specifications at once", async () => {
    const message = captured(activity(), "rfc9421", {});
    await refused(401, activity(), {
      scheme: "cavage",
      headers: { "signature-input": message["signature-input"]! },
    });
  });
});

describe("origin and ownership of activities", () => {
  const TYPES =
    "Create Update Delete Like Dislike Follow Announce Undo Accept Reject Add Remove Block Flag Move Join Leave Offer Invite Question";

  test.each(TYPES.split(" "))("actor ≠ signer: %s has no effect (CVE-2023-49079)", async (type) => {
    await refused(202, activity({ type }), { as: "mallory" }, attacker);
    await refused(202, activity({ type }), { as: "bob" });
  });

  test("an id on somebody else's origin is refused, and the genuine activity comes through (GHSA-4qhx)", async () => {
    const genuine = activity();
    const mallory = attacker.actor("mallory").iri;
    await refused(400, activity({ id: genuine.id }, mallory), {}, attacker);
    expect(attacker.requests).toEqual([]);
    await accepted(genuine);
  });

  test("several actors are refused, in any order", async () => {
    const alice = peer.actor("alice").iri;
    const mallory = attacker.actor("mallory").iri;
    for (const actor of [[alice, mallory], [mallory, alice], [mallory], [{ id: mallory }, alice], []]) {
      await refused(400, activity({ actor }, mallory), { as: "mallory" }, attacker);
    }
  });

  test("the activity's actor by another name is not the actor", async () => {
    const alice = peer.actor("alice").iri;
    for (const actor of [
      `${alice}/`,
      `${alice}#`,
      `${alice}?`,
      alice.replace("http://", "HTTP://"),
      `${alice} `,
    ]) {
      const answer = await peer.deliver(door.inbox, activity({ actor }), { as: "alice" });
      expect(answer.status).toBeLessThan(500);
    }
    expect(door.accepted).toEqual([]);
  });

  test("a second subject in the same document is refused (CVE-2026-46349)", async () => {
    for (const keyword of ["@graph", "@included", "@reverse", "@id", "@type"]) {
      await refused(400, activity({ [keyword]: [{ id: peer.actor("bob").iri }] }));
    }
  });

  test("actors of this hub do not come in by the door (CVE-2026-96625)", async () => {
    const local = `${door.origin}/actor`;
    const { body } = await refused(401, activity(), { keyId: `${local}#main-key` });
    expect(body).toContain("actors of this hub");
    await refused(202, activity({ id: `${local}/1`, actor: local }), { as: "alice" });
    expect(door.refetched).toEqual([]);
  });

  test("an http id is accepted only where the operator allows it", async () => {
    const elsewhere = "http://203.0.113.7/actors/alice";
    await refused(400, activity({ id: `${elsewhere}/1`, actor: elsewhere }), { as: "alice" });
    await refused(401, activity(), { keyId: `${elsewhere}#main-key` });
    for (const id of [
      "ftp://peer.example/1",
      "javascript:alert(1)",
      "urn:uuid:1",
      "https://a:b@peer.example/1",
      5,
      {},
    ]) {
      await refused(400, activity({ id }), { as: "alice" });
    }
  });

  test("without an id: 202 and no effect", async () => {
    await refused(202, activity({ id: undefined }));
    await refused(202, activity({ id: null }), { as: "alice" });
    expect(door.refetched).toEqual([]);
  });
});

describe("forwarded activities", () => {
  test("of a public object: one re-fetch from its origin, the payload is dropped", async () => {
    const create = activity({}, peer.actor("alice").iri);
    await refused(
      202,
      { ...create, object: { ...(create.object as Json), inReplyTo: "https://hub.example/posts/1" } },
      { as: "mallory" },
      attacker,
    );
    expect(door.refetched).toEqual([
      {
        type: "Create",
        id: create.id,
        actor: create.actor,
        object: (create.object as Json).id,
        inReplyTo: "https://hub.example/posts/1",
        forwarder: attacker.actor("mallory").iri,
      },
    ]);
  });

  test("a Delete asks again too, with its object by name or as a Tombstone", async () => {
    const iri = `${peer.actor("alice").iri}/notes/1`;
    for (const object of [iri, { id: iri, type: "Tombstone" }]) {
      await refused(202, activity({ type: "Delete", object }), { as: "mallory" }, attacker);
    }
    expect(door.refetched.map(({ type, object }) => [type, object])).toEqual([
      ["Delete", iri],
      ["Delete", iri],
    ]);
  });

  test.each([
    ["not public", { to: ["https://hub.example/actors/1"] }],
    ["of another type", { type: "Like" }],
    ["without an object's id", { object: { type: "Note" } }],
    ["of a third origin's object", { object: "https://elsewhere.example/notes/1" }],
    ["of several objects", { object: ["https://elsewhere.example/notes/1"] }],
  ])("%s: dropped", async (_, change) => {
    await refused(202, activity(change), { as: "mallory" }, attacker);
    expect(door.refetched).toEqual([]);
  });

  test("an LD signature grants nothing (CVE-2022-24307, CVE-2026-42462)", async () => {
    const signature = {
      type: "RsaSignature2017",
      creator: peer.actor("alice").keyId,
      created: new Date().toISOString(),
      signatureValue: "AAAA",
    };
    await refused(202, activity({ signature }), { as: "mallory" }, attacker);
    expect(peer.requests).toEqual([]);
    expect(door.refetched).toHaveLength(1);
  });

  test("the actor's own proof stands for the actor's HTTP signature (FEP-8b32)", async () => {
    const { iri, proofKeyId, proofPrivateKey } = peer.actor("alice");
    const proven = proveObject(
      activity() as JsonObject,
      { id: proofKeyId, privateKey: proofPrivateKey },
      new Date(),
    );
    await accepted(proven, { as: "mallory" }, attacker);
    expect(door.accepted.at(-1)).toMatchObject({ signer: iri, keyId: proofKeyId });
  });

  test("a proof that is not the actor's, or not of this activity, stands for nothing", async () => {
    const alice = peer.actor("alice");
    const bob = peer.actor("bob");
    const mallory = attacker.actor("mallory");
    const prove = (id: string, privateKey = alice.proofPrivateKey) =>
      proveObject(activity() as JsonObject, { id, privateKey }, new Date());
    const genuine = prove(alice.proofKeyId);
    for (const forged of [
      { ...genuine, object: { type: "Note", content: "forged" } },
      prove(alice.proofKeyId, mallory.proofPrivateKey),
      prove(bob.proofKeyId, bob.proofPrivateKey),
      prove(mallory.proofKeyId, mallory.proofPrivateKey),
      prove(alice.keyId),
      prove("https://[::1"),
      { ...genuine, proof: [genuine.proof] },
    ]) {
      await refused(202, forged, { as: "mallory" }, attacker);
    }
  });

  test("an old proof, which anybody may have kept, stands for nothing", async () => {
    const { proofKeyId, proofPrivateKey } = peer.actor("alice");
    for (const days of [15, 400, -1]) {
      const made = new Date(Date.now() - days * 86_400_000);
      const old = proveObject(
        activity() as JsonObject,
        { id: proofKeyId, privateKey: proofPrivateKey },
        made,
      );
      await refused(202, old, { as: "mallory" }, attacker);
    }
  });

  test("a proof whose key is not on the actor's origin costs no fetch", async () => {
    const key = { id: `${attacker.origin}/elsewhere#key`, privateKey: peer.actor("alice").proofPrivateKey };
    const proven = proveObject(activity() as JsonObject, key, new Date());
    await refused(202, proven, { as: "mallory" }, attacker);
    expect(attacker.requests).toEqual(["GET /actors/mallory"]);
  });

  test("a proof does not replace the HTTP signature of who delivers", async () => {
    const { proofKeyId, proofPrivateKey } = peer.actor("alice");
    const proven = proveObject(
      activity() as JsonObject,
      { id: proofKeyId, privateKey: proofPrivateKey },
      new Date(),
    );
    await refused(401, proven, { unsigned: true }, attacker);
  });
});

describe("HTTP", () => {
  test("only POST to an inbox", async () => {
    expect((await peer.fetch(door.inbox)).status).toBe(405);
    for (const path of [
      "/inbox/",
      "/actors/0/inbox",
      "/actors/alice/inbox",
      "/actors/1/inbox/x",
      "/actors//inbox",
    ]) {
      expect((await peer.deliver(door.origin + path, activity())).status).toBe(404);
    }
    expect(door.accepted).toEqual([]);
  });

  test("the Host must be this hub's: 421 shows a proxy that replaces it", async () => {
    for (const host of [
      "other.example",
      `127.0.0.1:${door.port + 1}`,
      "127.0.0.1",
      `127.0.0.1:${door.port}.evil.example`,
    ]) {
      await refused(421, activity(), { headers: { host } });
    }
  });

  test("the default port may be spelled out", async () => {
    const behind = await startDoor([peer], { database, origin: "https://hub.example" });
    const to = { host: "127.0.0.1", port: behind.port };
    for (const [host, status] of Object.entries({
      "hub.example": 202,
      "HUB.example:443": 202,
      "hub.example:80": 421,
    })) {
      const answer = await peer.deliver("https://hub.example/inbox", activity(), { to, headers: { host } });
      expect([host, answer.status]).toEqual([host, status]);
    }
  });

  test("X-Forwarded-Host counts from a trusted proxy only", async () => {
    const headers = (own: DoorServer) => ({
      host: "upstream:3000",
      "x-forwarded-host": new URL(own.origin).host,
    });
    await refused(421, activity(), { headers: headers(door) });
    const trusting = await startDoor([peer], { database, trust: ["127.0.0.1"] });
    const answer = await peer.deliver(trusting.inbox, activity(), { headers: headers(trusting) });
    expect(answer.status).toBe(202);
  });

  test.each([
    ["application/activity+json; charset=utf-8", 202],
    ['application/ld+json; profile="https://www.w3.org/ns/activitystreams"', 202],
    ["Application/JSON", 202],
    ["text/plain", 415],
    ["text/html; application/activity+json", 415],
    ["application/x-www-form-urlencoded", 415],
    ["image/png", 415],
  ])("content type %s: %i", async (contentType, status) => {
    expect((await peer.deliver(door.inbox, activity(), { contentType })).status).toBe(status);
  });

  test("a compressed body is refused before it is inflated", async () => {
    await refused(415, activity(), { headers: { "content-encoding": "gzip" } });
  });

  test("a body larger than 1 MB is refused by its announced length, and by its bytes when it lies", async () => {
    await refused(413, activity({ content: "x".repeat(1_048_576) }));
    const { host } = new URL(door.origin);
    const socket = connect(door.port, "127.0.0.1");
    const signature = `keyId="${peer.actor("alice").keyId}",headers="(request-target) host date digest",signature="AAAA"`;
    const head = [
      "POST /inbox HTTP/1.1",
      `Host: ${host}`,
      `Date: ${new Date().toUTCString()}`,
      "Digest: SHA-256=AAAA",
      "Content-Type: application/activity+json",
      `Signature: ${signature}`,
      "Transfer-Encoding: chunked",
    ];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
    for (let sent = 0; sent < 17; sent++) socket.write(chunk);
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
  });

  test("a client that hangs up in the middle does no harm", async () => {
    const socket = connect(door.port, "127.0.0.1");
    const signature = `keyId="${peer.actor("alice").keyId}",headers="(request-target) host date digest",signature="AAAA"`;
    const head = `POST /inbox HTTP/1.1\r\nHost: ${new URL(door.origin).host}\r\nDate: ${new Date().toUTCString()}\r\nDigest: SHA-256=AAAA\r\nContent-Type: application/json\r\nSignature: ${signature}\r\nContent-Length: 100\r\n\r\n{`;
    socket.write(head, () => socket.destroy());
    await once(socket, "close");
    await accepted(activity());
  });
});

describe("poison is refused, and what follows is accepted", () => {
  const raw = (text: string) => Buffer.from(text);
  const alice = () => peer.actor("alice").iri;
  const with_ = (field: string) =>
    raw(`{"@context":"${AS2}","id":"${alice()}/1","type":"Like","actor":"${alice()}",${field}}`);

  test.each<[string, () => Buffer | Json]>([
    ["not JSON", () => raw("hello")],
    ["not UTF-8", () => Buffer.from([0x22, 0xff, 0x22])],
    ["a byte order mark", () => raw(`\ufeff${JSON.stringify(activity())}`)],
    ["an empty body", () => raw("")],
    ["a list", () => raw("[]")],
    ["null", () => raw("null")],
    ["a string", () => raw('"x"')],
    ["NUL in a string", () => with_('"content":"a\\u0000b"')],
    ["NUL in a key", () => with_('"a\\u0000b":1')],
    ["half a character", () => with_('"content":"\\ud83d"')],
    ["the other half", () => with_('"content":"x\\uDE00"')],
    ["40 deep", () => with_(`"object":${"[".repeat(40)}${"]".repeat(40)}`)],
    ["20,000 deep", () => with_(`"object":${"[".repeat(20_000)}${"]".repeat(20_000)}`)],
    ["500,000 deep", () => with_(`"object":${"[".repeat(500_000)}${"]".repeat(500_000)}`)],
    ["1,001 tags", () => with_(`"tag":[${"{},".repeat(1_000)}{}]`)],
    ["100,000 tags", () => with_(`"tag":[${"{},".repeat(100_000)}{}]`)],
    ["100,000 recipients", () => with_(`"to":[${'"x",'.repeat(100_000)}"x"]`)],
    ["100,000 keys", () => with_(Array.from({ length: 50_000 }, (_, n) => `"k${n}":0`).join(","))],
    ["an id of 5 kB", () => activity({ id: `${alice()}/${"x".repeat(5_000)}` })],
    ["an object's id of 5 kB", () => activity({ object: { id: `${alice()}/${"x".repeat(5_000)}` } })],
    ["an infinite number", () => with_('"object":1e999')],
    ["__proto__", () => with_('"__proto__":{"actor":"https://evil.example/"}')],
    ["__proto__, escaped", () => with_('"object":{"\\u005f_proto__":{"x":1}}')],
    ["no type", () => activity({ type: undefined })],
    ["a type that is a number", () => activity({ type: 5 })],
    ["no actor", () => with_('"actor":null')],
    ["an actor that is a number", () => with_('"actor":5')],
    ["an actor whose id is a number", () => with_('"actor":{"id":5}')],
  ])("%s", async (_, poison) => {
    const answer = await refused(400, poison(), { as: "alice" });
    expect(JSON.parse(answer.body)).toEqual({ error: expect.any(String) });
    await accepted(activity());
  });

  test("1,000 recipients are few enough for everybody", async () => {
    await accepted(
      activity({ cc: Array.from({ length: 1_000 }, (_, n) => `https://hub.example/actors/${n}`) }),
    );
  });

  test("25 deep is deep enough for everybody", async () => {
    let content: Json = {};
    for (let depth = 0; depth < 25; depth++) content = { content };
    await accepted(activity({ content }));
  });

  test("text about escapes, emoji and right-to-left marks is no poison", async () => {
    await accepted(activity({ content: "\\u0000 😀 \u202e مرحبا \\ud800" }));
    const body = with_('"content":"\\ud83d\\ude00 \\\\u0000"');
    expect((await peer.deliver(door.inbox, body, { as: "alice" })).status).toBe(202);
  });

  test("a key given twice means to everybody what the last one says", async () => {
    const mallory = attacker.actor("mallory").iri;
    const body = raw(`{"id":"${alice()}/1","type":"Like","actor":"${mallory}","actor":"${alice()}"}`);
    expect((await attacker.deliver(door.inbox, body, { as: "mallory" })).status).toBe(202);
    expect(door.accepted).toEqual([]);
  });
});

/** The signature's headers of a delivery that is not made. */
function captured(delivered: Json, scheme: Scheme, change: Partial<Signing> & { inbox?: string }) {
  const { keyId, privateKey } = peer.actor("alice");
  return signed(
    {
      method: "POST",
      url: new URL(change.inbox ?? door.inbox),
      headers: { "content-type": "application/activity+json" },
      body: Buffer.from(JSON.stringify(delivered)),
    },
    { scheme, keyId, privateKey, date: new Date(), ...change },
  );
}
