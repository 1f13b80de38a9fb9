import { generateKeyPairSync } from "node:crypto";
import { Readable } from "node:stream";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import keys from "../../docs/clearing/vectors/keys.json" with { type: "json" };
import refusals from "../../docs/clearing/vectors/refusals.json" with { type: "json" };
import type { Id } from "../../src/db/ids.ts";
import { createClearingDoor } from "../../src/federation/clearing/door.ts";
import type { JsonObject } from "../../src/federation/proofs.ts";
import { encodeMultikey, proveObject } from "../../src/federation/proofs.ts";
import { envelope, postClearing, signer } from "../support/clearing-hubs.ts";
import { count, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";

const HOUR = 3_600_000;

let lac: TestHub;
let mena: TestHub;
let other: TestHub;
/** How `mena`, whose door it is, knows `lac`. */
let peerId: Id;

beforeAll(async () => {
  [lac, mena, other] = (await startHubs(3)) as [TestHub, TestHub, TestHub];
  // What the door stores stays where it is.
  await Promise.all([lac, mena, other].map((hub) => hub.clearing.stop()));
  [, peerId] = await makePeers(lac, mena);
  await makePeers(lac, other);
});
beforeEach(async () => {
  await mena.database.sql`delete from clearing_inbox`;
  await mena.database.sql`delete from throttles`;
  await mena.database.sql`update peers set state = 'active', new_key = null`;
  await mena.database.sql`update clearing_links set skew = null`;
});

const stored = () => count(mena, "clearing_inbox");
const link = async () =>
  (await mena.database.sql`select skew from clearing_links where peer_id = ${`${peerId}`}`)[0]!;

async function refused(code: string, status: number, body: string | Buffer, options = {}) {
  const answer = await postClearing(mena, body, options);
  expect([answer.status, answer.problem?.code]).toEqual([status, code]);
  expect(await stored()).toBe(0);
  return answer;
}

describe("the door of clearing", () => {
  test("stores a peer's envelope byte for byte, and says no more than that", async () => {
    const body = await envelope(lac, mena);
    expect((await postClearing(mena, body)).status).toBe(202);
    const [row] = await mena.database.sql`select peer_id, body from clearing_inbox`;
    expect(row).toEqual({ peer_id: peerId, body });
  });

  test("takes nothing but a POST of ActivityStreams", async () => {
    const body = await envelope(lac, mena);
    const { headers } = await refused("method_not_allowed", 405, body, { method: "GET" });
    expect(headers.get("allow")).toBe("POST");
    await refused("unsupported_media_type", 415, body, { type: "text/plain" });
    await refused("unsupported_media_type", 415, body, { headers: { "content-encoding": "gzip" } });
  });

  test("takes nothing that is too large, no UTF-8, no JSON or no envelope", async () => {
    const body = await envelope(lac, mena);
    await refused("too_large", 413, Buffer.alloc(4_000_001, 0x20));
    await refused("not_utf8", 400, Buffer.from([0xff, 0xfe]));
    for (const text of ["", "{", "[]", "null", "{}", body.slice(0, -1), `${"[".repeat(100_000)}`])
      await refused("malformed_envelope", 400, text);
    await refused("malformed_envelope", 400, JSON.stringify({ ...JSON.parse(body), name: "x" }));
  });

  test("knows its peers: strangers, and hubs that nothing is settled with, are told so", async () => {
    await refused("not_a_peer", 403, await envelope(other, mena));
    for (const state of ["proposed", "asked", "rejected", "closed"]) {
      await mena.database.sql`update peers set state = ${state}`;
      await refused("not_a_peer", 403, await envelope(lac, mena));
    }
    await mena.database.sql`update peers set state = 'frozen'`;
    await refused("peer_frozen", 403, await envelope(lac, mena));
    await mena.database.sql`update peers set state = 'draining'`;
    expect((await postClearing(mena, await envelope(lac, mena))).status).toBe(202);
  });

  test("takes nothing that was written for another hub", async () => {
    await refused("other_receiver", 403, await envelope(lac, other));
  });

  test("takes nothing that was altered on the way", async () => {
    const json = JSON.parse(await envelope(lac, mena)) as JsonObject;
    for (const change of [
      { "ayni:epoch": "2" },
      { "ayni:nonce": "other" },
      { "ayni:state": "draining" },
      { published: new Date(lac.clock.now().getTime() + 1000).toISOString() },
      { orderedItems: [{ type: "Undo", object: `${lac.origin}/transfers/1` }] },
    ])
      await refused("bad_proof", 401, JSON.stringify({ ...json, ...change }));
    expect((await mena.database.sql`select new_key from peers`)[0]).toEqual({ new_key: null });
  });

  test("believes the accepted key alone: one that the peer has now freezes it, is told, and still refused", async () => {
    const { iri, key } = await signer(lac);
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    await refused("bad_proof", 401, await envelope(lac, mena, [], { key: { id: key.id, privateKey } }));
    // The accepted key is an older one than the one that the peer's actor lists.
    const multikey = encodeMultikey(publicKey);
    const [{ key: real }] = (await mena.database.sql`select key from peers`) as [{ key: string }];
    await mena.database.sql`update peers set key = ${multikey}`;
    await refused("key_changed", 401, await envelope(lac, mena));
    await refused("key_changed", 401, await envelope(lac, mena));
    expect((await mena.database.sql`select state, reason, key, new_key from peers`)[0]).toEqual({
      ...{ state: "frozen", reason: "key_changed", key: multikey, new_key: real },
    });
    expect(real).not.toBe(multikey);
    expect(await count(mena, "notices where kind = 'peer_key_changed'")).toBe(1);
    await mena.database.sql`update peers set key = ${real}, new_key = null, state = 'active'`;
    // A key of somebody else, under the sender's name or under its own.
    const foreign = await signer(other);
    await refused(
      "bad_proof",
      401,
      await envelope(lac, mena, [], { key: { ...foreign.key, id: `${iri}#other` } }),
    );
    await refused("malformed_envelope", 400, await envelope(lac, mena, [], { key: foreign.key }));
  });

  test.each([-26, -12.1, 1.1, 26])(
    "refuses what was written %d hours from now, and keeps the difference",
    async (hours) => {
      const published = new Date(mena.clock.now().getTime() + hours * HOUR);
      const { problem, headers } = await refused(
        "clock_skew",
        401,
        await envelope(lac, mena, [], { published }),
      );
      expect(problem).toMatchObject({ published: published.toISOString() });
      expect(Math.abs((problem?.skew as number) - hours * HOUR)).toBeLessThan(60_000);
      expect(Math.abs(Number((await link()).skew) - hours * HOUR)).toBeLessThan(60_000);
      expect(headers.get("www-authenticate")).toContain("eddsa-jcs-2022");
      expect((await postClearing(mena, await envelope(lac, mena))).status).toBe(202);
      expect(Math.abs(Number((await link()).skew))).toBeLessThan(60_000);
    },
  );

  test("a stranger's clock is nobody's business: what is not proven is not noted", async () => {
    const published = new Date(mena.clock.now().getTime() - 26 * HOUR);
    const json = JSON.parse(await envelope(lac, mena, [], { published })) as JsonObject;
    await refused("bad_proof", 401, JSON.stringify({ ...json, "ayni:epoch": "7" }));
    expect((await link()).skew).toBeNull();
  });

  test("keeps no more than 200 envelopes of one peer, and asks to come back", async () => {
    await mena.database.sql`
      insert into clearing_inbox (peer_id, body, received) select ${`${peerId}`}::bigint, '{}', now() from generate_series(1, 200)`;
    const answer = await postClearing(mena, await envelope(lac, mena));
    expect([answer.status, answer.problem?.code]).toEqual([429, "inbox_full"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await stored()).toBe(200);
  });

  test("says 503, and when to come back, while the database cannot take anything", async () => {
    await mena.database.sql`alter table clearing_inbox rename to clearing_inbox_away`;
    const body = await envelope(lac, mena);
    const answer = await postClearing(mena, body).finally(
      () => mena.database.sql`alter table clearing_inbox_away rename to clearing_inbox`,
    );
    expect([answer.status, answer.problem?.code]).toEqual([503, "unavailable"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(JSON.stringify(answer.problem)).not.toContain("clearing_inbox");
  });

  test("strangers who write a peer's name over their words cost little, and keep nobody out", async () => {
    let asked = 0;
    const ctx = {
      ...mena.ctx,
      remote: {
        ...mena.ctx.remote,
        resolveHub(origin: string) {
          asked++;
          return mena.ctx.remote.resolveHub(origin);
        },
      },
    };
    const door = createClearingDoor({ ctx, address: ({ remoteAddress = "" }) => remoteAddress });
    const post = async (body: string, remoteAddress: string) => {
      const headers = { "content-type": "application/activity+json", "content-length": `${body.length}` };
      const answer = await door({
        ...{ method: "POST", rawUrl: "/clearing", headers, remoteAddress },
        body: Readable.from([Buffer.from(body)]),
      });
      return answer.status;
    };
    const { iri } = await signer(lac);
    const { privateKey } = generateKeyPairSync("ed25519");
    const forge = (n: number) => envelope(lac, mena, [], { key: { id: `${iri}#key-${n}`, privateKey } });
    for (let n = 0; n < 40; n++) expect(await post(await forge(n), `192.0.2.${n}`)).toBe(401);
    // Whatever keys they name, the peer itself is asked three times.
    expect(asked).toBe(3);
    // Large bodies are hashed so often and no more, of one address and of all.
    const padded = JSON.stringify({
      ...(JSON.parse(await forge(0)) as JsonObject),
      orderedItems: ["x".repeat(3_900_000)],
    });
    const statuses: number[] = [];
    for (let n = 0; n < 20; n++) statuses.push(await post(padded, `198.51.100.${n % 5}`));
    expect(statuses.filter((status) => status === 401)).toHaveLength(12);
    expect(statuses.filter((status) => status === 429)).toHaveLength(8);
    expect(await post(padded.replace("x".repeat(2_750_000), ""), "198.51.100.8")).toBe(401);
    // Meanwhile the peer is heard, from wherever it speaks; and where it spoke it is heard at any length.
    const many = Array.from({ length: 900 }, (_, n) => ({
      ...{ type: "query" as const, transfer: `${mena.origin}/transfers/${n}${"0".repeat(60)}` },
    }));
    expect(await post(await envelope(lac, mena, many), "198.51.100.99")).toBe(429);
    expect(await post(await envelope(lac, mena), "198.51.100.99")).toBe(202);
    expect(await post(await envelope(lac, mena, many), "198.51.100.99")).toBe(202);
  });

  test("is not open to an envelope with two proofs, or one that was proven twice", async () => {
    const json = JSON.parse(await envelope(lac, mena)) as JsonObject;
    await refused("malformed_envelope", 400, JSON.stringify({ ...json, proof: [json.proof, json.proof] }));
    const { proof: _, ...bare } = json;
    const { key } = await signer(other);
    const { proof } = proveObject(bare, key, lac.clock.now());
    await refused("malformed_envelope", 400, JSON.stringify({ ...json, proof }));
  });
});

test.each(refusals.refusals)("answers as the vectors say: $name", async ({ body, status, code }) => {
  // The hub of the vectors, in a copy of its rows: its iri, its peer's, and the key that it has accepted.
  const { sql } = other.database;
  const [lacKey] = keys.hubs;
  await sql`update actors set iri = 'https://mena.example/actor' where id = (select actor_id from hubs)`;
  await sql`update actors set iri = ${lacKey!.hub} where id = (select actor_id from peers)`;
  await sql`update peers set key = ${lacKey!.publicKeyMultibase}`;
  const ctx = { ...other.ctx, clock: { now: () => new Date(refusals.now) } };
  const door = createClearingDoor({ ctx, address: () => "127.0.0.1" });
  const answer = await door({
    ...{ method: "POST", rawUrl: "/clearing", headers: { "content-type": "application/activity+json" } },
    ...{ body: Readable.from([Buffer.from(body)]), remoteAddress: undefined },
  });
  expect([answer.status, JSON.parse(answer.body).code]).toEqual([status, code]);
  expect(await count(other, "clearing_inbox")).toBe(0);
});
