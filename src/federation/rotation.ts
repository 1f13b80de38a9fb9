import {
  generateProofKey,
  loadPublicKeys,
  lockKeys,
  replaceKey,
  retireKey,
  tellKeys,
} from "../domain/actors/keys.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { localHub } from "../domain/hubs/queries.ts";
import { transact } from "../domain/transact.ts";
import { decodeMultikey, encodeMultikey } from "./proofs.ts";

/** A hub's own key (Multikey), and the one that it had before. */
export interface Rotated {
  key: string;
  before: string;
}

/**
 * Gives the hub another Ed25519 key. The old one's public half stays in the actor's document, with the time when it was revoked: what it
 * proved stays proven. Peers refuse the new one until their administrators have accepted it. Running processes hear of it.
 *
 * @throws DomainError not_set_up
 */
export async function rotateHubKey(ctx: Ctx): Promise<Rotated> {
  const { actorId } = await localHub(ctx);
  const fresh = await generateProofKey(ctx);
  const key = encodeMultikey(fresh.key);
  return transact(ctx, async (ctx) => {
    await lockKeys(ctx, actorId);
    const { ed25519 } = await loadPublicKeys(ctx, actorId);
    const before = encodeMultikey(ed25519.key);
    const { fragment } = ed25519;
    await retireKey(ctx, actorId, { fragment, publicKey: before, retired: ctx.clock.now() });
    // The key is its own name: a hub that was restored, and has forgotten a key, does not give its name to another one.
    await replaceKey(ctx, actorId, key, fresh);
    await tellKeys(ctx, actorId);
    return { key, before };
  });
}

/**
 * After a restore: believes what this hub signed with a key that the backup does not know, which is lost. Peers give it back.
 *
 * @param key Multikey, as `ayni keys rotate` showed it, or as peers show the key that they have accepted
 * @returns false when it is the hub's key, or was known
 * @throws DomainError not_set_up; invalid: it is no Ed25519 Multikey
 */
export async function rememberHubKey(ctx: Ctx, key: string): Promise<boolean> {
  const { actorId } = await localHub(ctx);
  if (decodeMultikey(key) === null) throw new DomainError("invalid", "this is no key (z6Mk…)");
  return transact(ctx, async (ctx) => {
    await lockKeys(ctx, actorId);
    const { ed25519 } = await loadPublicKeys(ctx, actorId);
    if (encodeMultikey(ed25519.key) === key) return false;
    const known = await retireKey(ctx, actorId, { fragment: key, publicKey: key, retired: ctx.clock.now() });
    await tellKeys(ctx, actorId);
    return known;
  });
}
