import { createPublicKey } from "node:crypto";
import { loadRetiredKeys } from "../../domain/actors/keys.ts";
import { actorById } from "../../domain/actors/queries.ts";
import type { Wire } from "../../domain/clearing/wire.ts";
import type { Ctx } from "../../domain/context.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import type { Keyring, SigningKey } from "../keyring.ts";
import { decodeMultikey } from "../proofs.ts";
import { type Keys, readEntry } from "./documents.ts";
import { openEnvelope } from "./envelope.ts";
import { createPen } from "./pen.ts";

/** How this hub writes and reads clearing, with who it is and what it signs with. */
export interface HubWire extends Wire {
  /** Iri of this hub's actor. */
  hub: string;
  key: SigningKey;
}

/** @throws DomainError not_set_up */
export async function createWire(ctx: Ctx, keyring: Keyring): Promise<HubWire> {
  const { actorId } = await localHub(ctx);
  const { iri: hub } = await actorById(ctx, actorId);
  const key = await keyring.ed25519(actorId);
  const retired = (await loadRetiredKeys(ctx, actorId)).map(({ publicKey }) => decodeMultikey(publicKey));
  const own = [createPublicKey(key.privateKey), ...retired.filter((old) => old !== null)];

  return {
    ...{ hub, key },
    async pen(_db, peer) {
      return createPen({ hub, peer: peer.iri, key, now: ctx.clock.now });
    },
    open(body, peer) {
      const theirs = peer.keys.map(decodeMultikey).filter((key) => key !== null);
      const keys: Keys = (writer) => (writer === hub ? own : writer === peer.iri ? theirs : []);
      return openEnvelope(body, keys);
    },
    entry(body) {
      const entry = readEntry(JSON.parse(body), null);
      if (entry === null) throw new Error("An entry of a log cannot be read any more.");
      return entry;
    },
  };
}
