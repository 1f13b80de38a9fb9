import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { signRequest as fedifySign, verifyRequest as fedifyVerify } from "@fedify/fedify";
import { CryptographicKey } from "@fedify/vocab";
import { describe, expect, test } from "vitest";
import {
  type IncomingRequest,
  type ParsedSignature,
  parseSignature,
  type SignatureScheme,
  signRequest,
  verifySignature,
} from "../../src/federation/signatures.ts";
import { objection, signed } from "../support/remote-signatures.ts";

const SITE = { origin: "https://hub.example", authority: "hub.example" };
const NOW = new Date("2026-03-01T12:00:00.500Z");
const INBOX = new URL("https://hub.example/inbox?x=%C3%A9");
const BODY = Buffer.from('{"type":"Like"}');
const DIGEST = createHash("sha256").update(BODY).digest();
const KEY_ID = "https://peer.example/actors/alice#main-key";
const SCHEMES: SignatureScheme[] = ["cavage", "rfc9421"];

const alice = generateKeyPairSync("rsa", { modulusLength: 2048 });
const mallory = generateKeyPairSync("rsa", { modulusLength: 2048 });
const edwards = generateKeyPairSync("ed25519");

/** A delivery as it arrives when it was signed by a hand-made peer; `change` is what happens to it on the way. */
function delivery(
  options: Partial<Parameters<typeof signed>[1]> & { method?: string; body?: Buffer | null } = {},
  change: Record<string, string | undefined> = {},
): IncomingRequest {
  const { method = "POST", body = BODY, ...signing } = options;
  const headers = { "content-type": "application/activity+json" };
  const added = signed(
    { method, url: INBOX, headers, ...(body !== null && { body }) },
    { scheme: "cavage", keyId: KEY_ID, privateKey: alice.privateKey, date: NOW, ...signing },
  );
  return { method, path: INBOX.pathname + INBOX.search, headers: { ...headers, ...added, ...change } };
}

function parse(request: IncomingRequest, now = NOW): ParsedSignature {
  const parsed = parseSignature(request, SITE, now);
  if ("refused" in parsed) throw new Error(parsed.refused);
  return parsed;
}

function refusal(request: IncomingRequest, now = NOW): string {
  const parsed = parseSignature(request, SITE, now);
  return "refused" in parsed ? parsed.refused : "accepted";
}

function verifies(
  request: IncomingRequest,
  key: KeyObject = alice.publicKey,
  digest: Buffer | null = DIGEST,
): boolean {
  return verifySignature(parse(request), key, digest);
}

describe.each(SCHEMES)("%s", (scheme) => {
  test("what we sign for a delivery, a hand-made peer accepts as Mastodon would", () => {
    const url = new URL("https://peer.example/inbox?shared=1");
    const given = { "content-type": "application/activity+json" };
    const key = { id: KEY_ID, privateKey: alice.privateKey };
    const added = signRequest(
      scheme,
      { method: "POST", url, headers: given, digest: DIGEST },
      key,
      new Date(),
    );
    const request = {
      method: "POST",
      path: "/inbox?shared=1",
      origin: url.origin,
      headers: { ...given, ...added },
      body: BODY,
    };
    expect(
      objection({ ...request, headers: { host: url.host, ...request.headers } }, alice.publicKey, [scheme]),
    ).toBeNull();
    expect(
      objection({ ...request, headers: { host: url.host, ...request.headers } }, mallory.publicKey, [scheme]),
    ).not.toBeNull();
  });

  test("what we sign for a fetch, a hand-made peer accepts as Mastodon would", () => {
    const url = new URL("https://peer.example/actors/bob?page=2");
    const key = { id: KEY_ID, privateKey: alice.privateKey };
    const added = signRequest(scheme, { method: "GET", url, headers: {} }, key, new Date());
    const headers = { host: url.host, ...added };
    const request = {
      method: "GET",
      path: "/actors/bob?page=2",
      origin: url.origin,
      headers,
      body: Buffer.alloc(0),
    };
    expect(objection(request, alice.publicKey, [scheme])).toBeNull();
  });

  test("what we sign, we verify", () => {
    const added = signRequest(
      scheme,
      {
        method: "POST",
        url: INBOX,
        headers: { "content-type": "application/activity+json" },
        digest: DIGEST,
      },
      { id: KEY_ID, privateKey: alice.privateKey },
      NOW,
    );
    const headers = { "content-type": "application/activity+json", ...added };
    const request = { method: "POST", path: "/inbox?x=%C3%A9", headers };
    expect(parse(request).keyId).toBe(KEY_ID);
    expect(verifies(request)).toBe(true);
  });

  test("a peer's delivery verifies with its key and its body only", () => {
    const request = delivery({ scheme });
    expect(parse(request)).toMatchObject({ scheme, keyId: KEY_ID, digest: DIGEST.toString("base64") });
    expect(verifies(request)).toBe(true);
    expect(verifies(request, mallory.publicKey)).toBe(false);
    expect(verifies(request, edwards.publicKey)).toBe(false);
    expect(verifies(request, alice.publicKey, createHash("sha256").update("other").digest())).toBe(false);
    expect(verifies(request, alice.publicKey, null)).toBe(false);
  });

  test("a peer's signed fetch verifies without a digest", () => {
    expect(verifies(delivery({ scheme, method: "GET", body: null }), alice.publicKey, null)).toBe(true);
  });

  test("a signature for another path, query, method or host does not verify", () => {
    const request = delivery({ scheme });
    expect(verifies({ ...request, path: "/actors/1/inbox" })).toBe(false);
    expect(verifies({ ...request, path: "/inbox" })).toBe(false);
    expect(verifies({ ...request, method: "PUT" })).toBe(false);
    const elsewhere = { origin: "https://other.example", authority: "other.example" };
    expect(
      verifySignature(parseSignature(request, elsewhere, NOW) as ParsedSignature, alice.publicKey, DIGEST),
    ).toBe(false);
  });

  test("the host that is verified is this hub's, whatever the Host header says", () => {
    expect(verifies(delivery({ scheme }, { host: "other.example" }))).toBe(true);
  });

  test("the window is 12 hours back and one hour ahead", () => {
    const request = delivery({ scheme });
    const later = (hours: number) => new Date(Math.floor(NOW.getTime() / 1000) * 1000 + hours * 3_600_000);
    expect(refusal(request, later(12))).toBe("accepted");
    expect(refusal(request, later(-1))).toBe("accepted");
    expect(refusal(request, later(12.01))).toMatch(/12 hours old/);
    expect(refusal(request, later(-1.01))).toMatch(/future/);
  });

  test("a header that is missing, empty or longer than 8 kB is refused", () => {
    expect(refusal({ ...delivery({ scheme }), headers: {} })).toMatch(/not signed/);
    expect(refusal(delivery({ scheme }, { signature: "" }))).not.toBe("accepted");
    expect(refusal(delivery({ scheme }, { signature: "a".repeat(8193) }))).toMatch(/too long/);
  });

  test("a body whose digest is missing, doubled, or of another algorithm is refused", () => {
    const name = scheme === "cavage" ? "digest" : "content-digest";
    const format = (algorithm: string) =>
      scheme === "cavage"
        ? `${algorithm}=${DIGEST.toString("base64")}`
        : `${algorithm}=:${DIGEST.toString("base64")}:`;
    expect(refusal(delivery({ scheme }, { [name]: undefined }))).toMatch(/does not have/);
    expect(refusal(delivery({ scheme }, { [name]: format("sha-512") }))).toMatch(/must have/);
    expect(refusal(delivery({ scheme }, { [name]: `${format("sha-256")}, ${format("sha-256")}` }))).toMatch(
      /must have/,
    );
  });

  test("a digest made anew for another body does not verify: the digest is signed", () => {
    const body = Buffer.from('{"type":"Delete"}');
    const sha = createHash("sha256").update(body).digest();
    const changed =
      scheme === "cavage"
        ? { digest: `SHA-256=${sha.toString("base64")}` }
        : { "content-digest": `sha-256=:${sha.toString("base64")}:` };
    expect(verifies(delivery({ scheme }, changed), alice.publicKey, sha)).toBe(false);
  });

  test("more than 30 components, or one twice, are refused", () => {
    const names = Array.from({ length: 31 }, (_, index) => `x-${index}`);
    const extra = Object.fromEntries(names.map((name) => [name, "1"]));
    expect(refusal(delivery({ scheme, components: names }, extra))).toMatch(/too many/);
    const usual =
      scheme === "cavage"
        ? ["(request-target)", "host", "date", "digest"]
        : ["@method", "@target-uri", "content-digest"];
    expect(refusal(delivery({ scheme, components: [...usual, usual[0]!] }))).toMatch(/twice/);
  });

  test("any change of the header is refused or does not verify, and never throws", () => {
    const request = delivery({ scheme });
    const original = parse(request);
    const names = scheme === "cavage" ? ["signature"] : ["signature", "signature-input"];
    for (const name of names) {
      const text = String(request.headers[name]);
      for (let at = 0; at < text.length; at++) {
        for (const replacement of ["", "x", '"', ",", "\\"]) {
          const changed = text.slice(0, at) + replacement + text.slice(at + 1);
          if (changed === text) continue;
          const parsed = parseSignature(
            { ...request, headers: { ...request.headers, [name]: changed } },
            SITE,
            NOW,
          );
          if ("refused" in parsed || parsed.keyId !== KEY_ID) continue;
          // Some bits of base64 mean nothing; what verifies must still be what was signed.
          if (verifySignature(parsed, alice.publicKey, DIGEST)) expect(parsed.base).toEqual(original.base);
        }
      }
    }
  });
});

describe("cavage", () => {
  test.each([
    ["(request-target)", ["host", "date", "digest"]],
    ["host", ["(request-target)", "date", "digest"]],
    ["date or (created)", ["(request-target)", "host", "digest"]],
    ["digest", ["(request-target)", "host", "date"]],
  ])("a delivery that does not cover %s is refused", (_, components) => {
    expect(refusal(delivery({ components }))).toMatch(/must cover/);
  });

  test("a fetch need not cover a digest, but all the rest", () => {
    expect(
      refusal(delivery({ method: "GET", body: null, components: ["(request-target)", "host"] })),
    ).toMatch(/must cover/);
  });

  test("a signature that names no headers covers nothing that counts", () => {
    expect(refusal(delivery({}, { signature: `keyId="${KEY_ID}",signature="AAAA"` }))).toMatch(/must cover/);
  });

  test("hs2019 with (created) is accepted and its time is checked", () => {
    const components = ["(request-target)", "(created)", "host", "digest"];
    const request = delivery({ components });
    expect(verifies(request)).toBe(true);
    expect(refusal(request, new Date(NOW.getTime() + 13 * 3_600_000))).toMatch(/12 hours/);
    expect(refusal(delivery({ components, algorithm: "rsa-sha256" }))).toMatch(/\(created\)/);
  });

  test("expires is kept", () => {
    const request = delivery();
    const expires = Math.floor(NOW.getTime() / 1000) - 1;
    const signature = `${request.headers.signature},expires=${expires}`;
    expect(refusal(delivery({}, { signature }))).toMatch(/expired/);
  });

  test.each([["ecdsa-sha256"], ["hmac-sha256"], ["rsa-sha1"], ["constructor"]])(
    "the algorithm %s is refused",
    (algorithm) => {
      expect(refusal(delivery({ algorithm }))).toMatch(/algorithm/);
    },
  );

  test("two signatures in one header are refused, the second one valid or not", () => {
    const genuine = delivery();
    const forged = delivery({ keyId: "https://evil.example/actor#main-key", privateKey: mallory.privateKey });
    const both = `${forged.headers.signature}, ${genuine.headers.signature}`;
    expect(refusal(delivery({}, { signature: both }))).toMatch(/malformed/);
    expect(
      refusal(delivery({}, { signature: `keyId="https://evil.example/",${genuine.headers.signature}` })),
    ).toMatch(/malformed/);
  });

  test.each([
    ["a date of another form", "2026-03-01T12:00:00Z"],
    ["a date in local time", "Sun, 01 Mar 2026 12:00:00"],
    ["two dates", "Sun, 01 Mar 2026 12:00:00 GMT, Sun, 01 Mar 2026 12:00:00 GMT"],
    ["no date", "yesterday"],
  ])("%s is refused", (_, date) => {
    expect(refusal(delivery({}, { date }))).toMatch(/malformed/);
  });

  test("an Ed25519 key makes no cavage signature", () => {
    const request = delivery({ algorithm: "hs2019" });
    expect(verifies(request, edwards.publicKey)).toBe(false);
  });
});

describe("rfc9421", () => {
  const scheme = "rfc9421";

  test("only the date covered, or no content-digest, is refused", () => {
    expect(refusal(delivery({ scheme, components: ["date"] }))).toMatch(/must cover @method/);
    expect(refusal(delivery({ scheme, components: ["@method", "@target-uri"] }))).toMatch(/content-digest/);
  });

  test("@authority with @path stands for @target-uri, one of them alone does not", () => {
    expect(
      verifies(delivery({ scheme, components: ["@method", "@authority", "@path", "content-digest"] })),
    ).toBe(true);
    expect(
      verifies(
        delivery({ scheme, components: ["@method", "@authority", "@path", "@query", "content-digest"] }),
      ),
    ).toBe(true);
    expect(refusal(delivery({ scheme, components: ["@method", "@path", "content-digest"] }))).toMatch(
      /@target-uri/,
    );
    expect(refusal(delivery({ scheme, components: ["@method", "@authority", "content-digest"] }))).toMatch(
      /@target-uri/,
    );
  });

  test("Ed25519 keys are accepted, and not under the name of RSA", () => {
    const request = delivery({ scheme, privateKey: edwards.privateKey });
    expect(verifies(request, edwards.publicKey)).toBe(true);
    expect(verifies(request, alice.publicKey)).toBe(false);
    const misnamed = delivery({ scheme, privateKey: edwards.privateKey, algorithm: "rsa-v1_5-sha256" });
    expect(verifies(misnamed, edwards.publicKey)).toBe(false);
  });

  test.each([["rsa-pss-sha512"], ["hmac-sha256"], ["constructor"], ["__proto__"]])(
    "alg %s is refused",
    (algorithm) => {
      expect(refusal(delivery({ scheme, algorithm }))).toMatch(/alg/);
    },
  );

  test("two signatures are refused, the second one valid or not", () => {
    const genuine = delivery({ scheme, label: "sig2" });
    const forged = delivery({
      scheme,
      keyId: "https://evil.example/actor#main-key",
      privateKey: mallory.privateKey,
    });
    const join = (name: string) => `${forged.headers[name]}, ${genuine.headers[name]}`;
    const both = { signature: join("signature"), "signature-input": join("signature-input") };
    expect(refusal(delivery({ scheme }, both))).toMatch(/exactly one/);
    expect(refusal(delivery({ scheme }, { signature: both.signature }))).toMatch(/exactly one/);
  });

  test("both specifications at once are refused", () => {
    const cavage = delivery();
    const message = delivery({ scheme });
    const input = { "signature-input": String(message.headers["signature-input"]) };
    expect(refusal(delivery({}, input))).toMatch(/malformed/);
    const signature = `${message.headers.signature}, ${cavage.headers.signature}`;
    expect(refusal(delivery({ scheme }, { signature }))).toMatch(/malformed/);
  });

  test.each([
    ["a component with a parameter", '("@method" "@target-uri" "content-digest";sf)'],
    ["@query-param", '("@method" "@target-uri" "content-digest" "@query-param";name="x")'],
    ["an unknown derived component", '("@method" "@target-uri" "content-digest" "@status")'],
    ["a token as component", '("@method" "@target-uri" content-digest)'],
    ["a header that is not there", '("@method" "@target-uri" "content-digest" "x-missing")'],
    ["__proto__ as a header", '("@method" "@target-uri" "content-digest" "__proto__")'],
  ])("%s is refused", (_, list) => {
    const input = `sig1=${list};created=${Math.floor(NOW.getTime() / 1000)};keyid="${KEY_ID}"`;
    expect(refusal(delivery({ scheme }, { "signature-input": input }))).toMatch(/covers/);
  });

  test("keyid and created are required, expires is kept", () => {
    const list = '("@method" "@target-uri" "content-digest")';
    const created = `created=${Math.floor(NOW.getTime() / 1000)}`;
    const with_ = (parameters: string) =>
      refusal(delivery({ scheme }, { "signature-input": `sig1=${list};${parameters}` }));
    expect(with_(created)).toMatch(/keyid/);
    expect(with_(`keyid="${KEY_ID}"`)).toMatch(/created/);
    expect(with_(`${created};keyid="${KEY_ID}";expires=1`)).toMatch(/expired/);
    expect(with_(`${created};keyid="${KEY_ID}"`)).toBe("accepted");
  });

  test("the signature base is that of RFC 9421, B.2.6", () => {
    // The example covers no digest, without which nothing is accepted here: it is added, and taken out of the base again.
    const privateKey = createPrivateKey({
      format: "jwk",
      key: {
        kty: "OKP",
        crv: "Ed25519",
        d: "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU",
        x: "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
      },
    });
    const parsed = parseSignature(
      {
        method: "POST",
        path: "/foo?param=Value&Pet=dog",
        headers: {
          host: "example.com",
          date: "Tue, 20 Apr 2021 02:07:55 GMT",
          "content-type": "application/json",
          "content-length": "18",
          "content-digest": `sha-256=:${DIGEST.toString("base64")}:`,
          "signature-input":
            'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length" "content-digest");created=1618884473;keyid="test-key-ed25519"',
          signature: "sig-b26=:AAAA:",
        },
      },
      { origin: "https://example.com", authority: "example.com" },
      new Date(1_618_884_473_000),
    ) as ParsedSignature;
    const published = parsed.base
      .toString()
      .replace(`"content-digest": sha-256=:${DIGEST.toString("base64")}:\n`, "")
      .replace(' "content-digest")', ")");
    const signature = Buffer.from(
      "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
      "base64",
    );
    const example: ParsedSignature = { ...parsed, base: Buffer.from(published), signature, digest: null };
    expect(verifySignature(example, createPublicKey(privateKey), null)).toBe(true);
  });
});

describe("interoperation with Fedify", () => {
  const SPECS = { cavage: "draft-cavage-http-signatures-12", rfc9421: "rfc9421" } as const;
  // Fedify verifies with the clock of the machine and signs the path without its query.
  const url = "https://hub.example/inbox";

  function cryptoKeys(): Promise<CryptoKey[]> {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const pkcs8 = alice.privateKey.export({ format: "der", type: "pkcs8" });
    const spki = alice.publicKey.export({ format: "der", type: "spki" });
    return Promise.all([
      crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), algorithm, true, ["sign"]),
      crypto.subtle.importKey("spki", new Uint8Array(spki), algorithm, true, ["verify"]),
    ]);
  }

  test.each(SCHEMES)("what Fedify signs with %s verifies here", async (scheme) => {
    const [privateKey] = await cryptoKeys();
    const request = new Request(url, {
      method: "POST",
      body: BODY,
      headers: { "content-type": "application/activity+json" },
    });
    const result = await fedifySign(request, privateKey!, new URL(KEY_ID), { spec: SPECS[scheme] });
    const incoming = { method: "POST", path: "/inbox", headers: Object.fromEntries(result.headers) };
    const parsed = parse(incoming, new Date());
    expect(parsed.scheme).toBe(scheme);
    expect(verifySignature(parsed, alice.publicKey, DIGEST)).toBe(true);
    expect(verifySignature(parsed, mallory.publicKey, DIGEST)).toBe(false);
  });

  test.each(SCHEMES)("what we sign with %s verifies in Fedify", async (scheme) => {
    const [, publicKey] = await cryptoKeys();
    const owner = new URL("https://peer.example/actors/alice");
    const key = new CryptographicKey({ id: new URL(KEY_ID), owner, publicKey: publicKey! });
    const given = { "content-type": "application/activity+json" };
    const added = signRequest(
      scheme,
      { method: "POST", url: new URL(url), headers: given, digest: DIGEST },
      { id: KEY_ID, privateKey: alice.privateKey },
      new Date(),
    );
    const verify = (body: Uint8Array<ArrayBuffer>) =>
      fedifyVerify(new Request(url, { method: "POST", body, headers: { ...given, ...added } }), {
        spec: SPECS[scheme],
        documentLoader: () => Promise.reject(new Error("not to be fetched")),
        keyCache: { get: () => Promise.resolve(key), set: () => Promise.resolve() },
      });
    expect((await verify(new Uint8Array(BODY)))?.id?.href).toBe(KEY_ID);
    expect(await verify(new Uint8Array(2))).toBeNull();
  });
});
