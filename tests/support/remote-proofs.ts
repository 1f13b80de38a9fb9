/**
 * Object integrity proofs (FEP-8b32, eddsa-jcs-2022) as another server checks them: from the specifications, with
 * node:crypto, and nothing of this project.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

type Json = Record<string, unknown>;

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** What is wrong with the object's proof; null when the actor whose document is given made it. */
export function proofObjection(object: Json, actor: Json): string | null {
  const { proof, ...document } = object;
  if (typeof proof !== "object" || proof === null) return "there is no proof";
  const { proofValue, ...options } = proof as Json;
  const { type, cryptosuite, proofPurpose, verificationMethod } = options;
  if (type !== "DataIntegrityProof" || cryptosuite !== "eddsa-jcs-2022" || proofPurpose !== "assertionMethod")
    return "the proof is of another kind";
  if (canonical(options["@context"]) !== canonical(document["@context"]))
    return "the proof's @context is not the object's";
  const methods = [actor.assertionMethod].flat() as Json[];
  const method = methods.find(({ id }) => id === verificationMethod);
  if (method?.controller !== actor.id) return `${verificationMethod} is not the actor's`;
  const data = Buffer.concat([sha256(canonical(options)), sha256(canonical(document))]);
  const signature = base58(String(proofValue), 64);
  return verify(null, data, multikey(String(method?.publicKeyMultibase)), signature)
    ? null
    : "the proof does not verify";
}

/** JSON Canonicalization Scheme (RFC 8785): ECMAScript's own numbers and strings, keys in the order of their UTF-16 units. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function multikey(text: string) {
  const bytes = base58(text, 34);
  if (bytes[0] !== 0xed || bytes[1] !== 0x01) throw new Error(`${text} is not an Ed25519 Multikey`);
  const key = { kty: "OKP", crv: "Ed25519", x: bytes.subarray(2).toString("base64url") };
  return createPublicKey({ key, format: "jwk" });
}

function base58(text: string, length: number): Buffer {
  if (!text.startsWith("z")) throw new Error(`${text} is not base58btc`);
  let number = 0n;
  for (const character of text.slice(1)) number = number * 58n + BigInt(ALPHABET.indexOf(character));
  return Buffer.from(number.toString(16).padStart(2 * length, "0"), "hex");
}

/** The activity with a proof by this key, as another server would make it. */
export function prove(
  activity: Json,
  key: { id: string; privateKey: KeyObject },
  created = new Date(),
): Json {
  const options = {
    "@context": activity["@context"],
    type: "DataIntegrityProof",
    cryptosuite: "eddsa-jcs-2022",
    created: created.toISOString().replace(/\.\d+Z$/, "Z"),
    verificationMethod: key.id,
    proofPurpose: "assertionMethod",
  };
  const data = Buffer.concat([sha256(canonical(options)), sha256(canonical(activity))]);
  const proofValue = multibase(sign(null, data, key.privateKey));
  return { ...activity, proof: { ...options, proofValue } };
}

/** The digest by which consents name one another: multibase of the SHA-256 multihash of the canonical JSON. */
export function digestOf(activity: Json): string {
  return multibase(Buffer.concat([Buffer.from([0x12, 0x20]), sha256(canonical(activity))]));
}

function multibase(bytes: Buffer): string {
  let digits = "";
  for (let n = BigInt(`0x0${bytes.toString("hex")}`); n > 0n; n /= 58n)
    digits = ALPHABET[Number(n % 58n)] + digits;
  let zeros = 0;
  while (bytes[zeros] === 0) zeros++;
  return `z${"1".repeat(zeros)}${digits}`;
}
