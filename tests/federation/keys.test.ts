import { generateKeyPairSync } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { EgressError } from "../../src/federation/egress.ts";
import { createKeys, sweepKeys } from "../../src/federation/keys.ts";
import { testDatabase } from "../support/database.ts";
import { type DoorServer, startDoor } from "../support/door-server.ts";
import { AS2, type Json, type Remote, type RemoteActor, startRemote } from "../support/remote-server.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let database: Database;
let victim: Remote;
let attacker: Remote;
let door: DoorServer;
let alice: RemoteActor;
let mallory: RemoteActor;
let serial = 0;

beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  await database.sql`truncate public_keys`;
  [victim, attacker] = await Promise.all([
    startRemote({ actors: ["alice", "eve"] }),
    startRemote({ actors: ["mallory"] }),
  ]);
  door = await startDoor([victim, attacker], { database });
  alice = victim.actor("alice");
  mallory = attacker.actor("mallory");
  return () => Promise.all([victim.close(), attacker.close()]);
});

function like(actor: RemoteActor): Json {
  const object = "https://hub.example/posts/1";
  return { "@context": AS2, id: `${actor.iri}/likes/${++serial}`, type: "Like", actor: actor.iri, object };
}

function path(iri: string): string {
  return new URL(iri).pathname;
}

/** What mallory may try: sign as alice with a key of her own. */
async function forge(keyId: string, privateKey = mallory.privateKey): Promise<number> {
  const { status } = await attacker.deliver(door.inbox, like(alice), { as: "mallory", keyId, privateKey });
  expect(door.accepted).toEqual([]);
  expect(await database.sql`select iri from public_keys where owner = ${alice.iri}`).toHaveLength(0);
  return status;
}

async function genuine(): Promise<void> {
  const { status } = await victim.deliver(door.inbox, like(alice));
  expect(status).toBe(202);
  expect(door.accepted.at(-1)?.signer).toBe(alice.iri);
}

describe("a key counts as an actor's when the actor lists it", () => {
  test("key document on the attacker's host with the victim as owner (CVE-2026-96625, CVE-2025-54888)", async () => {
    const keyId = `${attacker.origin}/key`;
    const key = { id: keyId, type: "Key", owner: alice.iri, publicKeyPem: mallory.publicKeyPem };
    attacker.documents.set("/key", { body: { "@context": AS2, ...key } });
    expect(await forge(keyId)).toBe(401);
    expect(victim.requests).toEqual([]);
    await genuine();
  });

  test("an actor on the attacker's host whose key names the victim as owner", async () => {
    const key = { id: mallory.keyId, owner: alice.iri, publicKeyPem: mallory.publicKeyPem };
    attacker.documents.set(path(mallory.iri), { body: { ...mallory.document, publicKey: key } });
    expect(await forge(mallory.keyId)).toBe(401);
  });

  test("a document on the attacker's host that says it is the victim", async () => {
    const key = { id: mallory.keyId, owner: alice.iri, publicKeyPem: mallory.publicKeyPem };
    attacker.documents.set(path(mallory.iri), { body: { ...alice.document, publicKey: key } });
    expect(await forge(mallory.keyId)).toBe(401);
  });

  test("an actor's address that redirects to another actor's document (GHSA-8863)", async () => {
    const decoy = `${attacker.origin}/actors/decoy`;
    const target = {
      ...alice.document,
      publicKey: { id: `${decoy}#main-key`, owner: alice.iri, publicKeyPem: mallory.publicKeyPem },
    };
    attacker.documents.set("/actors/decoy", { body: "", status: 302, headers: { location: "/stolen" } });
    attacker.documents.set("/stolen", { body: target });
    expect(await forge(`${decoy}#main-key`)).toBe(401);
    attacker.documents.set("/actors/decoy", { body: "", status: 302, headers: { location: alice.iri } });
    expect(await forge(`${decoy}#other`)).toBe(401);
  });

  test("an actor's address that redirects within the victim's host: an open redirect is no actor (GHSA-8863)", async () => {
    const iri = `${victim.origin}/go?to=/media/3.json`;
    const publicKey = { id: `${iri}#key`, owner: iri, publicKeyPem: mallory.publicKeyPem };
    victim.documents.set("/go?to=/media/3.json", {
      body: "",
      status: 302,
      headers: { location: "/media/3.json" },
    });
    victim.documents.set("/media/3.json", { body: { ...alice.document, id: iri, publicKey } });
    const options = { as: "mallory", keyId: publicKey.id };
    const answer = await attacker.deliver(door.inbox, { ...like(alice), actor: iri }, options);
    expect(answer.status).toBe(401);
    expect(door.accepted).toEqual([]);
  });

  test("an actor who lists the key as somebody else's", async () => {
    const keyId = `${victim.origin}/keys/9`;
    const key = { id: keyId, owner: alice.iri, publicKeyPem: mallory.publicKeyPem };
    victim.documents.set("/keys/9", { body: key });
    alice.document.publicKey = { ...key, owner: victim.actor("eve").iri };
    expect(await forge(keyId)).toBe(401);
  });

  test("an actor's address that serves another actor's id (CVE-2024-23832)", async () => {
    const eve = victim.actor("eve");
    const publicKey = { id: eve.keyId, owner: eve.iri, publicKeyPem: eve.publicKeyPem };
    victim.documents.set(path(eve.iri), { body: { ...alice.document, publicKey } });
    expect(await forge(eve.keyId, eve.privateKey)).toBe(401);
  });

  test("a key at the victim's host that the victim does not list: user content (CVE-2024-25623)", async () => {
    const keyId = `${victim.origin}/media/1.json`;
    const key = { id: keyId, owner: alice.iri, publicKeyPem: mallory.publicKeyPem };
    victim.documents.set("/media/1.json", { body: key });
    expect(await forge(keyId)).toBe(401);
    victim.documents.set("/media/2.json", {
      body: { ...alice.document, publicKey: { ...key, id: `${victim.origin}/media/2.json` } },
    });
    expect(await forge(`${victim.origin}/media/2.json`)).toBe(401);
  });

  test.each(["text/plain", "image/png", "application/json", "text/html"])(
    "an actor's document served as %s is no document",
    async (type) => {
      attacker.documents.set(path(mallory.iri), { body: mallory.document, type });
      const { status } = await attacker.deliver(door.inbox, like(mallory));
      expect(status).toBe(401);
      expect(door.accepted).toEqual([]);
    },
  );

  test("another actor of the same host is another actor", async () => {
    expect(await forge(victim.actor("eve").keyId, victim.actor("eve").privateKey)).toBe(202);
    const eve = victim.actor("eve");
    eve.document.publicKey = { ...(alice.document.publicKey as Json), publicKeyPem: eve.publicKeyPem };
    expect(await forge(`${eve.iri}#stolen`, eve.privateKey)).toBe(401);
  });

  test("a key with an address of its own that serves a stub of the actor (GoToSocial)", async () => {
    const keyId = `${alice.iri}/main-key`;
    const publicKey = { id: keyId, owner: alice.iri, publicKeyPem: alice.publicKeyPem };
    const stub = { "@context": AS2, id: alice.iri, type: "Person", preferredUsername: "alice", publicKey };
    victim.documents.set(path(keyId), { body: stub });
    victim.documents.set(path(alice.iri), { body: { ...alice.document, publicKey } });
    expect((await victim.deliver(door.inbox, like(alice), { keyId })).status).toBe(202);
    expect(door.accepted).toHaveLength(1);
  });

  test("a key with an address of its own that the actor lists by name, among others", async () => {
    const keyId = `${victim.origin}/keys/1`;
    const key = { id: keyId, owner: { id: alice.iri }, publicKeyPem: alice.publicKeyPem };
    victim.documents.set("/keys/1", { body: key });
    const publicKey = [{ id: alice.keyId, owner: alice.iri, publicKeyPem: "old" }, keyId];
    victim.documents.set(path(alice.iri), { body: { ...alice.document, publicKey } });
    expect((await victim.deliver(door.inbox, like(alice), { keyId })).status).toBe(202);
    expect(door.accepted).toHaveLength(1);
  });

  test.each([
    [
      "RSA of 1024 bits",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ type: "spki", format: "pem" }),
    ],
    [
      "an elliptic curve",
      generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }),
    ],
    ["a private key", mallorysPrivateKey()],
    ["no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"],
    ["a list", ["-----BEGIN PUBLIC KEY-----"]],
  ])("%s is refused", async (_, publicKeyPem) => {
    mallory.document.publicKey = { id: mallory.keyId, owner: mallory.iri, publicKeyPem };
    expect((await attacker.deliver(door.inbox, like(mallory))).status).toBe(401);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a list", []],
    ["a string", "x"],
    ["keys of every wrong kind", { id: "x", publicKey: [null, 5, "x", [], { id: 5 }], assertionMethod: "x" }],
    ["an owner with NUL", { publicKey: { id: "KEY", owner: "ORIGIN/\0", publicKeyPem: "x" } }],
    [
      "an owner of 5 kB",
      { publicKey: { id: "KEY", owner: `ORIGIN/${"x".repeat(5_000)}`, publicKeyPem: "x" } },
    ],
  ])("a document that is %s is refused, not an error", async (_, document) => {
    const text = JSON.stringify(document)
      .replaceAll("KEY", mallory.keyId)
      .replaceAll("ORIGIN", attacker.origin);
    attacker.documents.set(path(mallory.iri), { body: text });
    expect((await attacker.deliver(door.inbox, like(mallory))).status).toBe(401);
  });
});

describe("keys that cannot be had", () => {
  test("Delete of an actor whose key is gone: 202 and no effect", async () => {
    for (const status of [404, 410]) {
      const keyId = `${mallory.iri}/${status}`;
      attacker.documents.set(path(keyId), { body: {}, status });
      const farewell = { ...like(mallory), type: "Delete", object: mallory.iri };
      expect((await attacker.deliver(door.inbox, farewell, { keyId })).status).toBe(202);
      const tombstone = { ...farewell, object: { id: mallory.iri, type: "Tombstone" } };
      expect((await attacker.deliver(door.inbox, tombstone, { keyId })).status).toBe(202);
      const other = { ...farewell, object: `${mallory.iri}/notes/1` };
      expect((await attacker.deliver(door.inbox, other, { keyId })).status).toBe(401);
      expect(attacker.requests.filter((line) => line.endsWith(path(keyId)))).toHaveLength(1);
    }
    expect(door.accepted).toEqual([]);
    expect(door.refetched).toEqual([]);
  });

  test("an unreachable key: 503 with Retry-After, and it is asked for again later", async () => {
    attacker.documents.set(path(mallory.iri), { body: {}, status: 500 });
    const answer = await attacker.deliver(door.inbox, like(mallory));
    expect(answer.status).toBe(503);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    attacker.documents.clear();
    expect((await attacker.deliver(door.inbox, like(mallory))).status).toBe(503);
    door.pass(MINUTE);
    expect((await attacker.deliver(door.inbox, like(mallory))).status).toBe(202);
  });

  test("a slow server costs five seconds and its share of fetches; its key is there the next time", async () => {
    const eve = victim.actor("eve");
    victim.documents.set(path(eve.iri), { body: eve.document, delay: 6_000 });
    const keyIds = Array.from({ length: 40 }, (_, n) => `${attacker.origin}/hang/${n}`);
    for (const keyId of keyIds)
      attacker.documents.set(path(keyId), { body: "", delay: Number.POSITIVE_INFINITY });
    const started = performance.now();
    const timed = async (delivery: Promise<{ status: number }>) => {
      const { status } = await delivery;
      return { status, after: performance.now() - started };
    };
    const slow = timed(victim.deliver(door.inbox, like(eve)));
    const hanging = await Promise.all(
      keyIds.map((keyId) => timed(attacker.deliver(door.inbox, like(mallory), { keyId }))),
    );
    const answers = [...hanging, await slow];
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(Math.max(...answers.map(({ after }) => after))).toBeLessThan(9_000);
    expect(hanging.filter(({ after }) => after < 4_000)).toHaveLength(8);
    await expect
      .poll(async () => (await victim.deliver(door.inbox, like(eve))).status, { timeout: 30_000 })
      .toBe(202);
    expect(victim.requests).toEqual([`GET ${path(eve.iri)}`]);
  });

  test("a key without an answer yet is fetched once, however many wait for it", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => victim.deliver(door.inbox, like(alice))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
    expect(victim.requests).toEqual([`GET ${path(alice.iri)}`]);
  });

  test("bogus key ids leave no rows and displace no good key", async () => {
    await genuine();
    for (let n = 0; n < 50; n++) {
      const answer = await attacker.deliver(door.inbox, like(mallory), { keyId: `${mallory.iri}#${n}` });
      expect(answer.status).toBe(401);
    }
    const [{ rows } = { rows: -1 }] = await database.sql<
      { rows: number }[]
    >`select count(*)::int as rows from public_keys`;
    expect(rows).toBe(1);
    victim.requests.length = 0;
    await genuine();
    expect(victim.requests).toEqual([]);
  });
});

describe("cached keys", () => {
  function rotate(): void {
    const next = generateKeyPairSync("rsa", { modulusLength: 2048 });
    alice.privateKey = next.privateKey;
    alice.publicKey = next.publicKey;
    const publicKeyPem = next.publicKey.export({ type: "spki", format: "pem" });
    alice.document.publicKey = { id: alice.keyId, owner: alice.iri, publicKeyPem };
  }

  test("live for an hour, in memory and in the database", async () => {
    await genuine();
    door.pass(59 * MINUTE);
    await genuine();
    const elsewhere = door.otherKeys();
    expect(await elsewhere.get(alice.keyId)).toMatchObject({
      status: "found",
      key: { owner: alice.iri, kind: "rsa" },
    });
    expect(victim.requests).toHaveLength(1);
    door.pass(2 * MINUTE);
    await genuine();
    expect(victim.requests).toHaveLength(2);
  });

  test("are asked for again after a failed verification, but once in five minutes", async () => {
    await genuine();
    const old = alice.privateKey;
    rotate();
    const attempt = () => victim.deliver(door.inbox, like(alice));
    expect((await attempt()).status).toBe(401);
    expect(victim.requests).toHaveLength(1);
    door.pass(6 * MINUTE);
    await genuine();
    expect(victim.requests).toHaveLength(2);
    expect((await victim.deliver(door.inbox, like(alice), { privateKey: old })).status).toBe(401);
    for (let n = 0; n < 10; n++) expect(await forgeAs(alice.keyId)).toBe(401);
    expect(victim.requests).toHaveLength(2);
    door.pass(6 * MINUTE);
    for (let n = 0; n < 10; n++) expect(await forgeAs(alice.keyId)).toBe(401);
    expect(victim.requests).toHaveLength(3);
  });

  test("survive their server's absence, even when somebody forges meanwhile", async () => {
    await genuine();
    door.pass(6 * MINUTE);
    victim.documents.set(path(alice.iri), { body: "", status: 500 });
    expect(await forgeAs(alice.keyId)).toBe(503);
    await genuine();
  });

  test("are dropped when the actor does not list them any more", async () => {
    await genuine();
    door.pass(6 * MINUTE);
    delete alice.document.publicKey;
    expect(await forgeAs(alice.keyId)).toBe(401);
    expect(await database.sql`select 1 from public_keys`).toHaveLength(0);
    const old = await victim.deliver(door.inbox, like(alice));
    expect(old.status).toBe(401);
  });

  test("are forgotten with their actor in every process: a stolen key ends when it is replaced", async () => {
    const elsewhere = door.otherKeys();
    const stop = await elsewhere.listen();
    await genuine();
    expect((await elsewhere.get(alice.keyId)).status).toBe("found");
    const stolen = alice.privateKey;
    rotate();
    await door.keys.forget(alice.iri);
    expect((await victim.deliver(door.inbox, like(alice), { privateKey: stolen })).status).toBe(401);
    await genuine();
    const current = alice.document.publicKey as Json;
    const heard = async () => {
      const lookup = await elsewhere.get(alice.keyId);
      return lookup.status === "found" && lookup.key.key.export({ type: "spki", format: "pem" });
    };
    await expect.poll(heard, { timeout: 30_000 }).toBe(current.publicKeyPem);
    await stop();
  });

  test("that were being read while their actor was forgotten are not kept", async () => {
    const reading = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const keys = createKeys({
      sql: database.sql,
      now: () => new Date(),
      fetch: async (url) => {
        reading.resolve();
        await go.promise;
        return { url: new URL(url), json: alice.document };
      },
    });
    const lookup = keys.get(alice.keyId);
    await reading.promise;
    await keys.forget(alice.iri);
    go.resolve();
    expect((await lookup).status).toBe("found");
    expect(await database.sql`select 1 from public_keys`).toHaveLength(0);
  });

  test("a fault that is not the other server's is not mistaken for one", async () => {
    const fetch = (error: Error) =>
      createKeys({ sql: database.sql, now: () => new Date(), fetch: () => Promise.reject(error) });
    await expect(fetch(new TypeError("a bug")).get(alice.keyId)).rejects.toThrow("a bug");
    expect(await fetch(new EgressError("budget", "spent")).get(alice.keyId)).toEqual({
      status: "unreachable",
    });
    expect(await fetch(new EgressError("forbidden_address", "")).get(alice.keyId)).toMatchObject({
      status: "invalid",
    });
  });

  test("are swept after an hour, and the oldest beyond 20,000 before", async () => {
    const now = new Date();
    await database.sql`
      insert into public_keys (iri, owner, kind, public_key, fetched)
      select 'https://peer.example/' || n, 'https://peer.example/', 'rsa', 'x', ${now}::timestamptz - n * interval '0.1 second'
      from generate_series(1, 40000) n`;
    await sweepKeys(database.sql, now);
    const [kept] = await database.sql<{ rows: number; oldest: Date }[]>`
      select count(*)::int as rows, min(fetched) as oldest from public_keys`;
    expect(kept).toEqual({ rows: 20_000, oldest: new Date(now.getTime() - 2_000_000) });
    await sweepKeys(database.sql, new Date(now.getTime() + HOUR));
    expect(await database.sql`select 1 from public_keys`).toHaveLength(0);
  });

  async function forgeAs(keyId: string): Promise<number> {
    const { privateKey } = mallory;
    return (await attacker.deliver(door.inbox, like(alice), { as: "mallory", keyId, privateKey })).status;
  }
});

function mallorysPrivateKey(): string {
  return generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs1", format: "pem" })
    .toString();
}
