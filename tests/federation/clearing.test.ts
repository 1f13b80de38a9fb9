import { describe, expect, test } from "vitest";
import type { CreditTransfer, LedgerEntry } from "../../src/domain/clearing/messages-rules.ts";
import {
  readCheckpoint,
  readEntry,
  readPromise,
  readTransfer,
  sign,
  toEntry,
  toTransfer,
} from "../../src/federation/clearing/documents.ts";
import { MAX_ENVELOPE, openEnvelope, readHead, seal } from "../../src/federation/clearing/envelope.ts";
import { digestMultibase, type JsonObject, proveObject, verifyProof } from "../../src/federation/proofs.ts";
import {
  everyMessage,
  keysOf,
  LAC,
  MENA,
  NOW,
  party,
  pen,
  someDigest,
  terms,
} from "../support/clearing-documents.ts";

const lac = party(LAC);
const mena = party(MENA);
const mallory = party("https://mallory.example");
const keys = keysOf(lac, mena);
const said = everyMessage(lac, mena);
const { request } = said.reserve[0] as { request: CreditTransfer };
const { entry } = said.entry[0] as { entry: LedgerEntry };
const promise = pen(mena, lac).promise(request);
const checkpoint = pen(mena, lac).checkpoint({ seq: 1n, cumulative: 7200n, digest: entry.digest });

const DOCUMENTS = [
  ["a CreditTransfer", request, readTransfer],
  ["a CreditPromise", promise, readPromise],
  ["a LedgerEntry", entry, readEntry],
  ["a Checkpoint", checkpoint, readCheckpoint],
] as const;

const head = {
  ...{ sender: lac.iri, receiver: mena.iri, published: NOW },
  ...{ session: { epoch: 41n, nonce: "n-1" }, state: "active" as const },
};

/** A document with some members changed, proven as it is then. */
function changed(document: JsonObject, change: JsonObject): JsonObject {
  const { proof: _, ...bare } = document;
  return proveObject({ ...bare, ...change }, lac.key, NOW);
}

describe.each(DOCUMENTS)("%s", (_, signed, read) => {
  const json = JSON.parse(signed.body) as JsonObject;

  test("is read as it was written", () => {
    expect(read(json, keys)).toEqual(signed);
    expect(read(json, null)).toEqual(signed);
  });

  test("is named by the digest of what was signed, without the proof", () => {
    const { proof: _, ...bare } = json;
    if (signed !== checkpoint) expect(signed.digest).toBe(digestMultibase(bare));
    expect(Object.keys(json)).toContain("proof");
  });

  test("fails when any byte of it is another", () => {
    const believed: string[] = [];
    for (let at = 0; at < signed.body.length; at++) {
      const byte = signed.body[at] === "1" ? "2" : "1";
      const altered = signed.body.slice(0, at) + byte + signed.body.slice(at + 1);
      let found: unknown;
      try {
        found = read(JSON.parse(altered), keys);
      } catch {
        continue;
      }
      if (found !== null) believed.push(altered);
    }
    expect(believed).toEqual([]);
  });

  test("is believed by the key of its writer alone", () => {
    expect(read(json, keysOf(signed.writer === lac.iri ? mena : lac))).toBeNull();
    const { proof: _, ...bare } = json;
    expect(read(proveObject(bare, mallory.key, NOW), keysOf(lac, mena, mallory))).toBeNull();
    const forged = proveObject(bare, { ...mallory.key, id: `${signed.writer}#ed25519-key` }, NOW);
    expect(read(forged, keys)).toBeNull();
  });

  test("has no members but its own, and all of them", () => {
    const { proof: _, ...bare } = json;
    const key = signed.writer === lac.iri ? lac.key : mena.key;
    const believed = (document: JsonObject) => read(proveObject(document, key, NOW), keys) !== null;
    expect(believed(bare)).toBe(true);
    expect(believed({ ...bare, name: "two hours of training for Amina" })).toBe(false);
    for (const name of Object.keys(bare)) {
      const { [name]: _, ...rest } = bare;
      expect([name, believed(rest)]).toEqual([name, false]);
    }
  });
});

describe("amounts", () => {
  const HOSTILE = [
    ...[-1, 0, 0.5, 1, 1e3, 2 ** 53 + 2, null, [], ["1"], {}, true],
    ...[
      "-1",
      "0",
      "0.5",
      "1e3",
      "01",
      "+1",
      " 1",
      "1 ",
      "1,000",
      "0x10",
      "",
      "9223372036854775808",
      "１２",
      "٣",
    ],
    ...["9".repeat(400), "NaN", "Infinity"],
  ];
  const names = ["ayni:payerAmount", "ayni:payeeAmount", "ayni:clearingAmount"];

  test.each(HOSTILE.map((value) => [JSON.stringify(value), value]))("%s is none", (_, value) => {
    for (const name of names) {
      expect(readTransfer(changed(JSON.parse(request.body), { [name]: value }), keys)).toBeNull();
      expect(readEntry(changed(JSON.parse(entry.body), { [name]: value }), keys)).toBeNull();
    }
    for (const name of ["ayni:seq", "ayni:cumulative"])
      expect(readEntry(changed(JSON.parse(entry.body), { [name]: value }), keys)).toBeNull();
    for (const rate of [
      { n: value, d: "1" },
      { n: "1", d: value },
    ])
      expect(readTransfer(changed(JSON.parse(request.body), { "ayni:payerRate": rate }), keys)).toBeNull();
  });

  test.each(["1", "9007199254740993", "9223372036854775807"])("%s is one, to the last digit", (value) => {
    const read = readTransfer(changed(JSON.parse(request.body), { "ayni:clearingAmount": value }), keys);
    expect(read?.terms.quote.seconds).toBe(BigInt(value));
  });

  test("an entry's number stays where the next hundred can be counted", () => {
    for (const value of ["9007199254740992", "9223372036854775807"])
      expect(readEntry(changed(JSON.parse(entry.body), { "ayni:seq": value }), keys)).toBeNull();
  });
});

describe("iris, digests and times", () => {
  const BAD: [string, unknown[]][] = [
    [
      "ayni:payer",
      [
        ...[
          "",
          "actor",
          "javascript:alert(1)",
          "ftp://lac.example/1",
          "https://lac.example/a b",
          "https://",
          null,
        ],
        ...[
          ["https://lac.example/actors/1"],
          `https://lac.example/${"a".repeat(500)}`,
          "https://lac.example/\u0000",
        ],
        ...["https://lac.example/ñ", 'https://lac.example/"'],
      ],
    ],
    ["endTime", ["2026-13-01T00:00:00Z", "2026-11-22", "tomorrow", 0, "2026-11-22T10:00:00+02:00"]],
    [
      "ayni:evidence",
      [
        ...[null, {}, { "ayni:offer": someDigest(1) }],
        { "ayni:offer": someDigest(1), "ayni:accept": "zQm" },
        { "ayni:offer": someDigest(1), "ayni:accept": someDigest(2), "ayni:title": "hours" },
      ],
    ],
    ["@context", ["https://www.w3.org/ns/activitystreams", ["https://evil.example/context"], null]],
    ["type", ["ayni:CreditTransfer", ["ayni:CreditTransfer"], ["Document", "ayni:LedgerEntry"]]],
  ];

  test.each(BAD.flatMap(([name, values]) => values.map((value) => [name, value] as const)))(
    "%s cannot be %j",
    (name, value) => {
      expect(readTransfer(changed(JSON.parse(request.body), { [name]: value }), keys)).toBeNull();
    },
  );

  test("a transfer that nobody has consented to yet cannot be asked for", () => {
    expect(() => pen(lac, mena).request({ ...terms, evidence: null })).toThrow(TypeError);
  });
});

describe("an envelope", () => {
  const all = Object.values(said).flat();

  test("carries every message there is, unchanged and in order", () => {
    const [body, ...more] = seal(head, all, lac.key);
    expect(more).toEqual([]);
    expect(openEnvelope(body!, keys)).toEqual({ ...head, messages: all });
    expect(verifyProof(JSON.parse(body!), lac.publicKey)).toBe(true);
    expect(verifyProof(JSON.parse(body!), mena.publicKey)).toBe(false);
  });

  test("is proven as a whole: no byte of it can be another", () => {
    const [body] = seal(head, said.abort, lac.key);
    const believed: string[] = [];
    for (let at = 0; at < body!.length; at++) {
      const altered = body!.slice(0, at) + (body![at] === "1" ? "2" : "1") + body!.slice(at + 1);
      try {
        const json = JSON.parse(altered);
        if (readHead(json) !== null && verifyProof(json, lac.publicKey)) believed.push(altered);
      } catch {}
    }
    expect(believed).toEqual([]);
  });

  test("that says nothing is one all the same", () => {
    const [body] = seal(head, [], lac.key);
    expect(openEnvelope(body!, keys)?.messages).toEqual([]);
  });

  test("of more than fits becomes several, in order", () => {
    const page = said.page[0]!;
    const many = Array.from({ length: 900 }, () => page);
    const bodies = seal(head, many, lac.key);
    expect(bodies.length).toBeGreaterThan(1);
    for (const body of bodies) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(MAX_ENVELOPE);
    const items = bodies.flatMap((body) => readHead(JSON.parse(body))!.items);
    expect(items.length).toBe(many.length);
    expect(
      seal(
        head,
        Array.from({ length: 1001 }, () => said.abort[0]!),
        lac.key,
      ).length,
    ).toBe(2);
  });

  test.each<[string, JsonObject]>([
    ["of an unknown kind", { type: "Announce", object: terms.iri }],
    ["about nothing", { type: "Offer" }],
    ["with a member too many", { type: "Undo", object: terms.iri, name: "sorry" }],
    ["that reaches for a prototype", { type: "toString", object: "constructor" }],
    [
      "with a document that somebody else signed",
      {
        type: "Create",
        object: JSON.parse(
          sign(toEntry(entry, { writer: lac.iri, reader: mena.iri }), mallory.key, NOW).body,
        ),
      },
    ],
    [
      "with a document of a third hub",
      {
        type: "Offer",
        object: JSON.parse(
          sign(toTransfer(terms, { writer: mallory.iri, reader: mena.iri }), mallory.key, NOW).body,
        ),
      },
    ],
    [
      "whose promise is for another transfer than it says",
      {
        type: "Accept",
        object: `${LAC}/transfers/8`,
        result: JSON.parse(promise.body),
      },
    ],
    [
      "with a head that cannot be",
      {
        type: "Offer",
        object: {
          type: ["Document", "ayni:Resync"],
          "ayni:out": { "ayni:seq": "3", "ayni:cumulative": "1", "ayni:entry": "" },
          "ayni:in": { "ayni:seq": "0", "ayni:cumulative": "0", "ayni:entry": "" },
          "ayni:open": [],
        },
      },
    ],
    [
      "that asks beyond what can be counted",
      {
        type: "Offer",
        object: {
          type: ["Document", "ayni:LogQuery"],
          "ayni:log": "yours",
          "ayni:after": "9223372036854775807",
        },
      },
    ],
  ])("with a message %s loses that message and no other", (_, message) => {
    const [body] = seal(head, said.abort, lac.key);
    const { proof: _proof, ...envelope } = JSON.parse(body!) as JsonObject;
    const orderedItems = [message, null, "abort", ...(envelope.orderedItems as unknown[])];
    const poisoned = JSON.stringify(proveObject({ ...envelope, orderedItems }, lac.key, NOW));
    expect(openEnvelope(poisoned, keys)?.messages).toEqual(said.abort);
  });

  test.each<[string, unknown]>([
    ["ayni:epoch", 41],
    ["ayni:epoch", "-1"],
    ["ayni:epoch", "9223372036854775808"],
    ["ayni:nonce", ""],
    ["ayni:nonce", "a b"],
    ["ayni:state", "proposed"],
    ["published", "now"],
    ["orderedItems", {}],
    ["orderedItems", Array.from({ length: 1001 }, () => 1)],
    ["to", [mena.iri]],
    ["actor", lac.iri],
  ])("is none when %s is %j", (name, value) => {
    const [body] = seal(head, said.abort, lac.key);
    expect(readHead({ ...JSON.parse(body!), [name]: value })).toBeNull();
  });
});
