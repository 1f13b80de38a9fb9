import { createPublicKey } from "node:crypto";
import type { Db } from "../db/client.ts";
import type { Id } from "../db/ids.ts";
import type { Consents, Signed } from "../domain/agreements/consents.ts";
import type { Keyring } from "./keyring.ts";
import { digestMultibase, encodeMultikey, type JsonObject, proveObject } from "./proofs.ts";
import { toConsent } from "./vocab/agreements.ts";
import { toPeering } from "./vocab/peers.ts";
import { toStewardWord } from "./vocab/resolutions.ts";

/** Consents of this hub's actors: built here, proven with the actor's Ed25519 key (FEP-8b32), never built again. */
export function createConsents(origin: string, keyring: Pick<Keyring, "ed25519">): Consents {
  const signerOf = <S>(write: (origin: string, statement: S, now: Date) => JsonObject) => {
    return async (db: Db, actorId: Id) => {
      const key = await keyring.ed25519(actorId, db);
      const multikey = encodeMultikey(createPublicKey(key.privateKey));
      return (statement: S, now: Date) =>
        signed(proveObject(write(origin, statement, now), key, now), multikey);
    };
  };
  return {
    signer: signerOf(toConsent),
    hubSigner: signerOf(toPeering),
    stewardSigner: signerOf(toStewardWord),
    async publicKey(db, actorId) {
      const { privateKey } = await keyring.ed25519(actorId, db);
      return encodeMultikey(createPublicKey(privateKey));
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
