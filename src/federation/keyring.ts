import type { KeyObject } from "node:crypto";
import type { Db } from "../db/client.ts";
import type { Id } from "../db/ids.ts";
import type { KeyKind } from "../db/schema/actors.ts";
import { loadPrivateKey } from "../domain/actors/keys.ts";
import type { Ctx } from "../domain/context.ts";

export interface SigningKey {
  /** The key's iri. */
  id: string;
  privateKey: KeyObject;
}

/** The private keys of this hub's actors: opened once, kept as key objects in memory, never written anywhere. */
export interface Keyring {
  /** For HTTP signatures. */
  rsa(actorId: Id): Promise<SigningKey>;
  /** For object proofs. `db`: the caller's own handle, when it is inside a transaction. */
  ed25519(actorId: Id, db?: Db): Promise<SigningKey>;
  /** A key was replaced: what is in memory is read anew. */
  forget(): void;
}

const KEPT = 1000;

export function createKeyring(ctx: Pick<Ctx, "db" | "vault">): Keyring {
  const cache = new Map<string, Promise<SigningKey>>();

  async function load(actorId: Id, kind: KeyKind, db: Db): Promise<SigningKey> {
    const { keyIri, key } = await loadPrivateKey({ ...ctx, db } as Ctx, actorId, kind);
    return { id: keyIri, privateKey: key };
  }

  function key(actorId: Id, kind: KeyKind, db = ctx.db): Promise<SigningKey> {
    const name = `${actorId}#${kind}`;
    let entry = cache.get(name);
    if (entry === undefined) {
      entry = load(actorId, kind, db);
      entry.catch(() => cache.delete(name));
      if (cache.size >= KEPT) cache.delete(cache.keys().next().value ?? "");
    } else {
      cache.delete(name);
    }
    // The map's order is the order of use: the first one is the one to forget.
    cache.set(name, entry);
    return entry;
  }

  return {
    rsa: (actorId) => key(actorId, "rsa"),
    ed25519: (actorId, db) => key(actorId, "ed25519", db),
    forget: () => cache.clear(),
  };
}
