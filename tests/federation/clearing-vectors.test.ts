import { execFile } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import documents from "../../docs/clearing/vectors/documents.json" with { type: "json" };
import envelopes from "../../docs/clearing/vectors/envelope.json" with { type: "json" };
import keys from "../../docs/clearing/vectors/keys.json" with { type: "json" };
import log from "../../docs/clearing/vectors/log.json" with { type: "json" };
import refusals from "../../docs/clearing/vectors/refusals.json" with { type: "json" };
import { openEnvelope } from "../../src/federation/clearing/envelope.ts";
import { keysOf } from "../support/clearing-documents.ts";

/*
 * What another implementer would do with the vectors: everything but the last part of this file needs `node:crypto` and nothing of ours.
 */

type Json = { [key: string]: unknown };

/** RFC 8785, for what clearing has: objects, lists, strings. */
function jcs(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jcs).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jcs(member)}`).join(",")}}`;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest();

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

function base58(bytes: Buffer): string {
  let n = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (; n > 0n; n /= 58n) text = ALPHABET[Number(n % 58n)] + text;
  for (const byte of bytes) {
    if (byte !== 0) break;
    text = `1${text}`;
  }
  return `z${text}`;
}

const digest = (document: Json) => base58(Buffer.concat([Buffer.from([0x12, 0x20]), sha256(jcs(document))]));

function keyOf(seed: string): KeyObject {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

const seeds = new Map(keys.hubs.map(({ keyId, seed }) => [keyId, seed]));

/** Whether a document's proof is what this key makes of it: Ed25519 signs the same bytes the same way. */
function isProven(document: Json): boolean {
  const { proof, ...bare } = document;
  const { proofValue, ...options } = proof as Json;
  const key = keyOf(seeds.get(options.verificationMethod as string)!);
  const hash = Buffer.concat([sha256(jcs(options)), sha256(jcs(bare))]);
  const signature = sign(null, hash, key);
  return verify(null, hash, createPublicKey(key), signature) && base58(signature) === proofValue;
}

describe("the vectors", () => {
  test.each(keys.hubs)("have a key for $hub", ({ seed, publicKeyMultibase }) => {
    const { x } = createPublicKey(keyOf(seed)).export({ format: "jwk" });
    expect(base58(Buffer.concat([Buffer.from([0xed, 0x01]), Buffer.from(x!, "base64url")]))).toBe(
      publicKeyMultibase,
    );
  });

  test.each(documents.documents)("$name: canonical text, digest and proof", (vector) => {
    expect(jcs(vector.document)).toBe(vector.canonicalDocument);
    expect(jcs(vector.proofOptions)).toBe(vector.canonicalProofOptions);
    expect(digest(vector.document)).toBe(vector.digest);
    const signed = { ...vector.document, proof: { ...vector.proofOptions, proofValue: vector.proofValue } };
    expect(jcs(signed)).toBe(vector.signed);
    expect(isProven(signed)).toBe(true);
    expect(isProven({ ...signed, "ayni:seq": "2" })).toBe(false);
  });

  test("a log is a chain that adds up, each entry promised and acknowledged", () => {
    let prev = "";
    let sum = 0n;
    for (const [index, line] of log.lines.entries()) {
      const { entry, request, promise, checkpoint } = line;
      for (const document of [entry, request, promise, checkpoint]) expect(isProven(document)).toBe(true);
      const { proof: _, ...bare } = entry;
      sum += BigInt(entry["ayni:clearingAmount"]);
      expect([entry["ayni:seq"], entry["ayni:prev"], entry["ayni:cumulative"], line.digest]).toEqual([
        ...[`${index + 1}`, prev, `${sum}`, digest(bare)],
      ]);
      prev = line.digest;
      const { proof: _request, ...asked } = request;
      const { proof: _promise, ...granted } = promise;
      expect([promise["ayni:request"], entry["ayni:promise"]]).toEqual([digest(asked), digest(granted)]);
      expect([checkpoint["ayni:entry"], checkpoint["ayni:cumulative"]]).toEqual([line.digest, `${sum}`]);
      // What is paid, by the rates that were pinned.
      const [n, d] = [BigInt(request["ayni:payerRate"].n), BigInt(request["ayni:payerRate"].d)];
      const seconds = (BigInt(entry["ayni:payerAmount"]) * 3600n * d) / n;
      const [pn, pd] = [BigInt(request["ayni:payeeRate"].n), BigInt(request["ayni:payeeRate"].d)];
      expect(entry["ayni:clearingAmount"]).toBe(`${seconds}`);
      expect(entry["ayni:payeeAmount"]).toBe(`${(seconds * pn) / (3600n * pd)}`);
    }
    expect(log.lines.length).toBe(3);
  });

  test.each(envelopes.envelopes)(
    "the envelope from $from is proven, as are the documents in it",
    ({ body }) => {
      const envelope = JSON.parse(body) as Json;
      expect(jcs(envelope)).toBe(body);
      expect(isProven(envelope)).toBe(true);
      let proofs = 0;
      const visit = (value: unknown): void => {
        if (typeof value !== "object" || value === null) return;
        if ("proof" in value) {
          expect(isProven(value as Json)).toBe(true);
          proofs++;
        }
        for (const member of Object.values(value)) visit(member);
      };
      visit(envelope.orderedItems);
      expect(proofs).toBeGreaterThan(1);
    },
  );
});

describe("this implementation", () => {
  test("writes the vectors that are there, byte for byte", async () => {
    const directory = await mkdtemp(join(tmpdir(), "ayni-vectors-"));
    try {
      await promisify(execFile)(process.execPath, ["scripts/clearing-vectors.ts", directory]);
      const names = (await readdir("docs/clearing/vectors")).sort();
      expect((await readdir(directory)).sort()).toEqual(names);
      for (const name of names)
        expect([name, JSON.parse(await readFile(join(directory, name), "utf8"))]).toEqual([
          name,
          JSON.parse(await readFile(join("docs/clearing/vectors", name), "utf8")),
        ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  const parties = keys.hubs.map(({ hub, keyId, seed }) => {
    const privateKey = keyOf(seed);
    return { iri: hub, key: { id: keyId, privateKey }, publicKey: createPublicKey(privateKey) };
  });

  test("reads every message of the envelopes", () => {
    const types = envelopes.envelopes.flatMap(({ body }) =>
      openEnvelope(body, keysOf(...parties))!.messages.map(({ type }) => type),
    );
    expect(types.length).toBe(13);
    expect(new Set(types).size).toBe(13);
  });

  test.each(refusals.dropped)("drops a message: $name", ({ message }) => {
    const { body } = envelopes.envelopes[0]!;
    const envelope = { ...JSON.parse(body), orderedItems: [message] };
    expect(openEnvelope(JSON.stringify(envelope), keysOf(...parties))).toMatchObject({ messages: [] });
  });
});
