import type { Signed } from "../../domain/agreements/consents.ts";
import { DomainError } from "../../domain/errors.ts";
import type { InboxData } from "../context.ts";
import { iriOf, isObject } from "../envelope.ts";
import type { PublicKey } from "../keys.ts";
import { digestMultibase, encodeMultikey, type JsonObject, verifyProof } from "../proofs.ts";

/**
 * An activity as its actor's consent: its bytes as they came, their digest, and whether the actor's own Ed25519 key stands behind them
 * (FEP-8b32). One without any proof came over a signed request, and is kept as such.
 *
 * @throws DomainError remote_invalid: there is a proof, and it is wrong; remote_unreachable: its key cannot be had now
 */
export async function consentOf({ body, signer, keys, check }: InboxData, activity: string): Promise<Signed> {
  const json = JSON.parse(body) as JsonObject;
  const consent = { activity, body, digest: digestMultibase(json) };
  const { proof = null } = json;
  if (proof === null) return { ...consent, proof: "none", key: null };
  const keyId = isObject(proof) ? iriOf(proof.verificationMethod) : null;
  if (keyId === null || !keyId.startsWith(`${signer}#`) || check(URL.parse(keyId)) === null)
    throw new DomainError("remote_invalid", "the proof names no key of the actor");
  let lookup = await keys.get(keyId);
  // The actor may have another key by now than the one that is remembered.
  if (lookup.status === "found" && !proves(json, lookup.key, signer)) lookup = await keys.refresh(keyId);
  if (lookup.status === "unreachable")
    throw new DomainError("remote_unreachable", "the key of the proof cannot be fetched now");
  if (lookup.status !== "found" || !proves(json, lookup.key, signer))
    throw new DomainError("remote_invalid", "the proof is not the actor's");
  return { ...consent, proof: "verified", key: encodeMultikey(lookup.key.key) };
}

function proves(json: JsonObject, { owner, key }: PublicKey, signer: string): boolean {
  return owner === signer && verifyProof(json, key);
}
