import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import canonicalize from "canonicalize";

export type JsonObject = { [key: string]: unknown };

const CRYPTOSUITE = "eddsa-jcs-2022";

/** Canonical JSON (RFC 8785) of an object, and of the same without its proof. */
export interface Canonical {
  whole: string;
  bare: string;
}

/** Both for the price of one: members are made canonical once. */
export function canonical(object: JsonObject): Canonical {
  const members = membersOf(object);
  return { whole: join(members), bare: join(members.filter(({ name }) => name !== "proof")) };
}

/**
 * Adds an object integrity proof (FEP-8b32, cryptosuite eddsa-jcs-2022 of W3C vc-di-eddsa): SHA-256 over the canonical JSON
 * (RFC 8785) of the proof's options and of the object, signed with Ed25519. The object's own terms are kept as they are, so
 * extensions survive.
 *
 * @param key.id iri of the Multikey that the object's owner lists in `assertionMethod` (FEP-521a)
 * @throws TypeError when the object has a proof already: an object carries one, a joint agreement is two signed activities
 */
export function proveObject(object: JsonObject, key: Signer, now: Date): JsonObject {
  return { ...object, proof: proofOf(object, canonicalize(object)!, key, now) };
}

/** The same, as canonical JSON. */
export function proveCanonical(object: JsonObject, key: Signer, now: Date): Canonical {
  const members = membersOf(object);
  const bare = join(members);
  const proof = membersOf({ proof: proofOf(object, bare, key, now) });
  return { bare, whole: join([...members, ...proof].sort((a, b) => (a.name < b.name ? -1 : 1))) };
}

interface Signer {
  id: string;
  privateKey: KeyObject;
}

function proofOf(object: JsonObject, bare: string, key: Signer, now: Date): JsonObject {
  if ("proof" in object) throw new TypeError("The object has a proof already.");
  const proof: JsonObject = {
    ...("@context" in object && { "@context": object["@context"] }),
    type: "DataIntegrityProof",
    cryptosuite: CRYPTOSUITE,
    // Whole seconds: verifiers that parse the time and print it again (Fedify) drop trailing zeros of a fraction.
    created: now.toISOString().replace(/\.\d+Z$/, "Z"),
    verificationMethod: key.id,
    proofPurpose: "assertionMethod",
  };
  return { ...proof, proofValue: encodeBase58(sign(null, hashData(proof, bare), key.privateKey)) };
}

/** In the order of RFC 8785, which is that of UTF-16 code units. */
function membersOf(object: JsonObject): { name: string; text: string }[] {
  return Object.keys(object)
    .filter((name) => object[name] !== undefined)
    .sort()
    .map((name) => ({ name, text: `${JSON.stringify(name)}:${canonicalize(object[name])}` }));
}

function join(members: readonly { text: string }[]): string {
  return `{${members.map(({ text }) => text).join(",")}}`;
}

/**
 * Whether the object's proof was made by this key over exactly this object. Who owns the key, and whether the owner may speak
 * for the object, is for the caller to find out.
 *
 * Strict: one proof, the one cryptosuite, purpose assertionMethod; when the proof has an `@context` it is the object's, so
 * that the same bytes cannot be given another meaning. An LD signature beside the proof is left out, as FEP-8b32 says.
 *
 * @param bare the object's canonical JSON without its proof, where it is known and there is no LD signature
 */
export function verifyProof(object: JsonObject, publicKey: KeyObject, bare?: string): boolean {
  if (publicKey.asymmetricKeyType !== "ed25519") return false;
  const { proof, signature: _ldSignature, ...document } = object;
  if (!isObject(proof)) return false;
  const { proofValue, ...options } = proof;
  if (
    options.type !== "DataIntegrityProof" ||
    options.cryptosuite !== CRYPTOSUITE ||
    options.proofPurpose !== "assertionMethod" ||
    typeof options.verificationMethod !== "string" ||
    typeof options.created !== "string" ||
    // Nobody in this network lets proofs expire; one that says it does is refused rather than believed for ever.
    "expires" in options ||
    ("@context" in options && !isDeepStrictEqual(options["@context"], document["@context"]))
  ) {
    return false;
  }
  const bytes = typeof proofValue === "string" ? decodeBase58(proofValue) : null;
  if (bytes?.length !== 64) return false;
  try {
    return verify(null, hashData(options, bare ?? canonicalize(document)!), publicKey, bytes);
  } catch {
    // What has no canonical form (nested too deeply, an infinite number) has no proof either.
    return false;
  }
}

/** The digest by which signed activities refer to each other: multibase (base58btc) of the SHA-256 multihash of the JCS. */
export function digestMultibase(object: JsonObject): string {
  return digestOf(canonicalize(object)!);
}

/** The same, of what is canonical already. */
export function digestOf(canonical: string): string {
  return encodeBase58(Buffer.concat([MULTIHASH_SHA256, hash(canonical)]));
}

/** `z6Mk…`: the Multikey form (FEP-521a) of an Ed25519 public key. */
export function encodeMultikey(publicKey: KeyObject): string {
  const { x } = publicKey.export({ format: "jwk" });
  return encodeBase58(Buffer.concat([MULTICODEC_ED25519, Buffer.from(x!, "base64url")]));
}

/** The Ed25519 public key of a Multikey; null for other kinds and for what is no key. */
export function decodeMultikey(text: string): KeyObject | null {
  const bytes = decodeBase58(text);
  if (bytes?.length !== 34 || bytes.compare(MULTICODEC_ED25519, 0, 2, 0, 2) !== 0) return null;
  const x = bytes.subarray(2).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

const MULTICODEC_ED25519 = Buffer.from([0xed, 0x01]);
const MULTIHASH_SHA256 = Buffer.from([0x12, 0x20]);

function hashData(proofOptions: JsonObject, bare: string): Buffer {
  return Buffer.concat([hash(canonicalize(proofOptions)!), hash(bare)]);
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// ── base58btc in multibase (`z…`) ────────────────────────────────────────────────────────────────────────────────────────

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Longest text that is decoded: the work is quadratic, and a signature has 89 characters. */
const MAX_BASE58 = 128;

export function encodeBase58(bytes: Buffer): string {
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros++;
  let text = "";
  for (let n = BigInt(`0x0${bytes.toString("hex")}`); n > 0n; n /= 58n)
    text = ALPHABET[Number(n % 58n)] + text;
  return `z${"1".repeat(zeros)}${text}`;
}

export function decodeBase58(text: string): Buffer | null {
  if (!text.startsWith("z") || text.length > MAX_BASE58) return null;
  let zeros = 0;
  while (text[zeros + 1] === "1") zeros++;
  let n = 0n;
  for (const character of text.slice(1)) {
    const digit = ALPHABET.indexOf(character);
    if (digit === -1) return null;
    n = n * 58n + BigInt(digit);
  }
  const hex = n === 0n ? "" : n.toString(16);
  return Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")]);
}
