import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { signObject, verifyObject } from "@fedify/fedify";
import { Create, Multikey, Note } from "@fedify/vocab";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonical,
  decodeBase58,
  decodeMultikey,
  digestMultibase,
  encodeBase58,
  encodeMultikey,
  type JsonObject,
  proveCanonical,
  proveObject,
  verifyProof,
} from "../../src/federation/proofs.ts";
import vectors from "../fixtures/eddsa-jcs-2022.json" with { type: "json" };

const AS2 = "https://www.w3.org/ns/activitystreams";
const ACTOR = "https://peer.example/actors/alice";
const KEY_ID = `${ACTOR}#ed25519-key`;
const NOW = new Date("2026-03-01T12:00:00.120Z");
const alice = generateKeyPairSync("ed25519");
const mallory = generateKeyPairSync("ed25519");

const activity: JsonObject = {
  // Readers of JSON-LD find the proof by the second context only.
  "@context": [
    AS2,
    "https://w3id.org/security/data-integrity/v1",
    { ayni: "https://hub.example/ns#", hours: "ayni:hours" },
  ],
  id: `${ACTOR}/creates/1`,
  type: "Create",
  actor: ACTOR,
  to: [`${AS2}#Public`],
  object: {
    id: `${ACTOR}/notes/1`,
    type: "Note",
    attributedTo: ACTOR,
    content: "€ é 😀 \u2028",
    hours: 1.5e3,
  },
};

function prove(object: JsonObject = activity): JsonObject {
  return proveObject(object, { id: KEY_ID, privateKey: alice.privateKey }, NOW);
}

/** A proven activity with its proof changed. */
function withProof(change: JsonObject): JsonObject {
  const proven = prove();
  return { ...proven, proof: { ...(proven.proof as JsonObject), ...change } };
}

/** Signs anything that calls itself a proof, by the letter of the cryptosuite and without any check. */
function proofOver(options: JsonObject, document: JsonObject): JsonObject {
  const sha = (value: JsonObject) => createHash("sha256").update(canonicalize(value)!).digest();
  const data = Buffer.concat([sha(options), sha(document)]);
  return { ...document, proof: { ...options, proofValue: encodeBase58(sign(null, data, alice.privateKey)) } };
}

describe("object integrity proofs (FEP-8b32, eddsa-jcs-2022)", () => {
  const secret = decodeBase58(vectors.secretKeyMultibase)!.subarray(2);
  const vectorKey = decodeMultikey(vectors.publicKeyMultibase)!;
  const vectorPrivateKey = createPrivateKey({
    format: "jwk",
    key: {
      kty: "OKP",
      crv: "Ed25519",
      d: secret.toString("base64url"),
      x: vectorKey.export({ format: "jwk" }).x!,
    },
  });

  test("the W3C's test vector verifies, and is made again byte for byte", () => {
    expect(verifyProof(vectors.credential, vectorKey)).toBe(true);
    const { proof, ...document } = vectors.credential;
    const key = { id: proof.verificationMethod, privateKey: vectorPrivateKey };
    expect(proveObject(document, key, new Date(proof.created))).toEqual(vectors.credential);
  });

  test("FEP-8b32's test vector, whose proof has no @context, verifies", () => {
    expect(verifyProof(vectors.activity, vectorKey)).toBe(true);
  });

  test("a proven object verifies after a journey as text, with its keys in any order", () => {
    const proven = prove();
    expect(proven.proof).toMatchObject({
      "@context": activity["@context"],
      created: "2026-03-01T12:00:00Z",
      verificationMethod: KEY_ID,
      proofPurpose: "assertionMethod",
    });
    const arrived = JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(proven).reverse()), null, 2));
    expect(verifyProof(arrived, alice.publicKey)).toBe(true);
    expect(verifyProof(arrived, mallory.publicKey)).toBe(false);
  });

  test("whatever JSON is proven verifies, and one changed value breaks it", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()),
        fc.jsonValue(),
        (value, other) => {
          const object: JsonObject = { "@context": AS2, value };
          const proven = JSON.parse(JSON.stringify(prove(object)));
          expect(verifyProof(proven, alice.publicKey)).toBe(true);
          fc.pre(canonicalize(other) !== canonicalize(JSON.parse(JSON.stringify(value))));
          expect(verifyProof({ ...proven, value: other }, alice.publicKey)).toBe(false);
        },
      ),
    );
  });

  test("any change of the object or of the proof breaks it", () => {
    const proven = prove();
    for (const changed of [
      { ...proven, actor: "https://peer.example/actors/mallory" },
      { ...proven, extra: 1 },
      { ...proven, "@context": AS2 },
      withProof({ created: "2026-03-01T12:00:01Z" }),
      withProof({ verificationMethod: `${ACTOR}#other` }),
      withProof({ nonce: "1" }),
      withProof({ "@context": AS2 }),
    ]) {
      expect(verifyProof(changed, alice.publicKey)).toBe(false);
    }
  });

  test("a proof with another context than the object's gives it no other meaning", () => {
    const options: JsonObject = {
      ...(prove().proof as JsonObject),
      "@context": [AS2, { actor: "https://evil.example/ns#x" }],
    };
    delete options.proofValue;
    expect(verifyProof(proofOver(options, activity), alice.publicKey)).toBe(false);
  });

  test.each([
    ["another cryptosuite", { cryptosuite: "eddsa-rdfc-2022" }],
    ["another purpose", { proofPurpose: "authentication" }],
    ["another type", { type: "Ed25519Signature2020" }],
    ["no key", { verificationMethod: undefined }],
    ["no time", { created: undefined }],
    ["an end", { expires: "2036-01-01T00:00:00Z" }],
  ])("a proof with %s is refused even when its signature is right", (_, change) => {
    const options: JsonObject = { ...(prove().proof as JsonObject), ...change };
    delete options.proofValue;
    expect(verifyProof(proofOver(options, activity), alice.publicKey)).toBe(false);
  });

  test.each([
    ["no proof", activity],
    ["a list of proofs", { ...activity, proof: [prove().proof] }],
    ["a proof by name", { ...activity, proof: "https://peer.example/proofs/1" }],
    ["a value that is not base58", withProof({ proofValue: "z0OIl" })],
    ["a value in another base", withProof({ proofValue: `u${"A".repeat(86)}` })],
    ["a short value", withProof({ proofValue: "z1111" })],
    ["a long value", withProof({ proofValue: `z${"2".repeat(100_000)}` })],
  ])("%s is refused", (_, object) => {
    expect(verifyProof(object as JsonObject, alice.publicKey)).toBe(false);
  });

  test("an RSA key proves nothing", () => {
    expect(verifyProof(prove(), generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey)).toBe(false);
  });

  test("what has no canonical form is refused, not an error", () => {
    let deep: unknown = [];
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(verifyProof({ ...prove(), deep }, alice.publicKey)).toBe(false);
    expect(verifyProof({ ...prove(), infinite: Number.POSITIVE_INFINITY }, alice.publicKey)).toBe(false);
  });

  test("an LD signature beside the proof is left out of it", () => {
    expect(verifyProof({ ...prove(), signature: { type: "RsaSignature2017" } }, alice.publicKey)).toBe(true);
  });

  test("an object is not proven twice", () => {
    expect(() => prove(prove())).toThrow(TypeError);
  });
});

describe("Multikey and digests", () => {
  test("base58btc is read and written, leading zeros and all", () => {
    expect(encodeBase58(Buffer.from("hello world"))).toBe("zStV1DL6CwTryKyV");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(decodeBase58(encodeBase58(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void decodeBase58(text)));
  });

  test("an Ed25519 key is z6Mk… and back", () => {
    const text = encodeMultikey(alice.publicKey);
    expect(text).toMatch(/^z6Mk/);
    expect(decodeMultikey(text)?.equals(alice.publicKey)).toBe(true);
    expect(encodeMultikey(decodeMultikey(vectors.publicKeyMultibase)!)).toBe(vectors.publicKeyMultibase);
  });

  test("what is not an Ed25519 Multikey is refused", () => {
    // P-256, a secret key, one byte short, one too many.
    const raw = decodeBase58(vectors.publicKeyMultibase)!;
    for (const text of [
      "zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP",
      vectors.secretKeyMultibase,
      encodeBase58(raw.subarray(0, 33)),
      encodeBase58(Buffer.concat([raw, Buffer.alloc(1)])),
      "z",
      "",
      "6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
    ]) {
      expect(decodeMultikey(text)).toBeNull();
    }
  });

  test("a digest is the multihash of the canonical form", () => {
    const digest = digestMultibase({ b: [1, "x"], a: null });
    expect(digest).toMatch(/^zQm/);
    const sha = createHash("sha256").update('{"a":null,"b":[1,"x"]}').digest();
    expect(decodeBase58(digest)).toEqual(Buffer.concat([Buffer.from([0x12, 0x20]), sha]));
    expect(digestMultibase({ a: null, b: [1, "x"] })).toBe(digest);
  });
});

describe("interoperation with Fedify", () => {
  test("what we prove verifies in Fedify, extensions included", async () => {
    const spki = new Uint8Array(alice.publicKey.export({ format: "der", type: "spki" }));
    const publicKey = await crypto.subtle.importKey("spki", spki, "Ed25519", true, ["verify"]);
    const key = new Multikey({ id: new URL(KEY_ID), controller: new URL(ACTOR), publicKey });
    const options = { keyCache: { get: () => Promise.resolve(key), set: () => Promise.resolve() } };
    const proven = JSON.parse(JSON.stringify(prove()));
    const verified = await verifyObject(Create, proven, options);
    expect(verified?.actorId?.href).toBe(ACTOR);
    expect(await verifyObject(Create, { ...proven, id: `${ACTOR}/creates/2` }, options)).toBeNull();
  });

  test("what Fedify proves verifies here", async () => {
    const pkcs8 = new Uint8Array(alice.privateKey.export({ format: "der", type: "pkcs8" }));
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
    const create = new Create({
      id: new URL(`${ACTOR}/creates/1`),
      actor: new URL(ACTOR),
      tos: [new URL("https://hub.example/actors/1"), new URL(`${ACTOR}/followers`)],
      object: new Note({ id: new URL(`${ACTOR}/notes/1`), attribution: new URL(ACTOR), content: "€ é 😀" }),
    });
    const proven = await signObject(create, privateKey, new URL(KEY_ID));
    const wire = (await proven.toJsonLd({ format: "compact" })) as JsonObject;
    expect(verifyProof(wire, alice.publicKey)).toBe(true);
    expect(verifyProof({ ...wire, id: `${ACTOR}/creates/2` }, alice.publicKey)).toBe(false);
  });
});

test("canonical JSON with and without the proof is what RFC 8785 makes of both, and of the signed object", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (any) => {
      const { proof: _, ...bare } = any as JsonObject;
      const proof = { type: "DataIntegrityProof", created: "2026-03-01T12:00:00Z" };
      expect(canonical({ ...bare, proof })).toEqual({
        whole: canonicalize({ ...bare, proof }),
        bare: canonicalize(bare),
      });
      const key = { id: KEY_ID, privateKey: alice.privateKey };
      expect(proveCanonical(bare, key, NOW)).toEqual({
        whole: canonicalize(proveObject(bare, key, NOW)),
        bare: canonicalize(bare),
      });
    }),
  );
});
