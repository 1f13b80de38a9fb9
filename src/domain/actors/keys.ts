import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { and, eq } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actorKeys, actors, type KeyKind } from "../../db/schema/actors.ts";
import type { Ctx } from "../context.ts";

const generate = promisify(generateKeyPair);

export interface NewKey {
  kind: KeyKind;
  publicKey: string;
  privateKey: Buffer;
}

/**
 * A new actor's key pairs, the private halves sealed: RSA-2048 for HTTP signatures (a longer one would make each delivery
 * five times dearer) and Ed25519 for object proofs. Takes some 50 ms of a thread: call it before the transaction.
 */
export async function generateKeys(ctx: Ctx): Promise<NewKey[]> {
  const [rsa, ed25519] = await Promise.all([generate("rsa", { modulusLength: 2048 }), generate("ed25519")]);
  return [seal(ctx, "rsa", rsa), seal(ctx, "ed25519", ed25519)];
}

function seal(ctx: Ctx, kind: KeyKind, pair: { publicKey: KeyObject; privateKey: KeyObject }): NewKey {
  return {
    kind,
    publicKey: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey: ctx.vault.seal(pair.privateKey.export({ type: "pkcs8", format: "der" })),
  };
}

/** Stores the keys of an actor in the caller's transaction. */
export async function saveKeys(ctx: Ctx, actorId: Id, keys: readonly NewKey[]): Promise<void> {
  const created = ctx.clock.now();
  await ctx.db.insert(actorKeys).values(keys.map((key) => ({ ...key, actorId, created })));
}

/** A local actor's private key, opened. @throws Error when the actor has none (it is not ours) */
export async function loadPrivateKey(
  ctx: Ctx,
  actorId: Id,
  kind: KeyKind,
): Promise<{ actorIri: string; key: KeyObject }> {
  const [row] = await ctx.db
    .select({ iri: actors.iri, privateKey: actorKeys.privateKey })
    .from(actorKeys)
    .innerJoin(actors, eq(actors.id, actorKeys.actorId))
    .where(and(eq(actorKeys.actorId, actorId), eq(actorKeys.kind, kind)));
  if (row === undefined) throw new Error(`Actor ${actorId} has no ${kind} key.`);
  const key = createPrivateKey({ key: ctx.vault.open(row.privateKey), format: "der", type: "pkcs8" });
  return { actorIri: row.iri, key };
}

/** The public halves of a local actor's keys. @throws Error when the actor has none */
export async function loadPublicKeys(
  ctx: Ctx,
  actorId: Id,
): Promise<Record<KeyKind, { pem: string; key: KeyObject }>> {
  const rows = await ctx.db
    .select({ kind: actorKeys.kind, publicKey: actorKeys.publicKey })
    .from(actorKeys)
    .where(eq(actorKeys.actorId, actorId));
  const of = (kind: KeyKind) => {
    const pem = rows.find((row) => row.kind === kind)?.publicKey;
    if (pem === undefined) throw new Error(`Actor ${actorId} has no ${kind} key.`);
    return { pem, key: createPublicKey(pem) };
  };
  return { rsa: of("rsa"), ed25519: of("ed25519") };
}
