import { createPublicKey } from "node:crypto";
import type { Consents } from "../domain/agreements/consents.ts";
import type { Keyring } from "./keyring.ts";
import { digestMultibase, encodeMultikey, proveObject } from "./proofs.ts";
import { toConsent } from "./vocab/agreements.ts";

/** Consents of this hub's actors: built here, proven with the actor's Ed25519 key (FEP-8b32), never built again. */
export function createConsents(origin: string, keyring: Keyring): Consents {
  return {
    async signer(db, actorId) {
      const key = await keyring.ed25519(actorId, db);
      const multikey = encodeMultikey(createPublicKey(key.privateKey));
      return (statement, now) => {
        const proven = proveObject(toConsent(origin, statement, now), key, now);
        return {
          activity: proven.id as string,
          body: JSON.stringify(proven),
          digest: digestMultibase(proven),
          proof: "ours",
          key: multikey,
        };
      };
    },
  };
}
