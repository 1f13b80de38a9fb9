/**
 * Object integrity proofs (FEP-8b32, eddsa-jcs-2022) as another server checks them: from the specifications, with
 * node:crypto, and nothing of this project.
 */
import { createHash, createPublicKey, verify } from "node:crypto";

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
