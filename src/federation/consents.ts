import { createPublicKey } from "node:crypto";
import type { Consents, Signed } from "../domain/agreements/consents.ts";
import type { Keyring } from "./keyring.ts";
import { digestMultibase, encodeMultikey, type JsonObject, proveObject } from "./proofs.ts";
import { toConsent } from "./vocab/agreements.ts";
import { toPeering } from "./vocab/peers.ts";

/** Consents of this hub's actors: built here, proven with the actor's Ed25519 key (FEP-8b32), never built again. */
export function createConsents(origin: string, keyring: Pick<Keyring, "ed25519">): Consents {
  return {
    async signer(db, actorId) {
      const key = await keyring.ed25519(actorId, db);
      const multikey = encodeMultikey(createPublicKey(key.privateKey));
      return (statement, now) => {
        return signed(proveObject(toConsent(origin, statement, now), key, now), multikey);
      };
    },
    async publicKey(db, actorId) {
      const { privateKey } = await keyring.ed25519(actorId, db);
      return encodeMultikey(createPublicKey(privateKey));
    },
    async hubSigner(db, actorId) {
      const key = await keyring.ed25519(actorId, db);
      const multikey = encodeMultikey(createPublicKey(key.privateKey));
      return (statement, now) => signed(proveObject(toPeering(origin, statement, now), key, now), multikey);
    },
  };
}

function signed(proven: JsonObject, key: string): Signed {
  return {
    activity: proven.id as string,
    body: JSON.stringify(proven),
    digest: digestMultibase(proven),
    proof: "ours",
    key,
  };
}
