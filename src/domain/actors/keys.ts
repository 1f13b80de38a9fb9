import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { and, desc, eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actorKeys, actors, type KeyKind, retiredKeys } from "../../db/schema/actors.ts";
import type { Ctx } from "../context.ts";

const generate = promisify(generateKeyPair);

/** Of keys' iris, as long as a key has not replaced another one. */
export const FRAGMENT = { rsa: "main-key", ed25519: "ed25519-key" } as const satisfies Record<
  KeyKind,
  string
>;

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

function seal(
  ctx: Pick<Ctx, "vault">,
  kind: KeyKind,
  pair: { publicKey: KeyObject; privateKey: KeyObject },
): NewKey {
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
): Promise<{ keyIri: string; key: KeyObject }> {
  const [row] = await ctx.db
    .select({ iri: actors.iri, fragment: actorKeys.fragment, privateKey: actorKeys.privateKey })
    .from(actorKeys)
    .innerJoin(actors, eq(actors.id, actorKeys.actorId))
    .where(and(eq(actorKeys.actorId, actorId), eq(actorKeys.kind, kind)));
  if (row === undefined) throw new Error(`Actor ${actorId} has no ${kind} key.`);
  const key = createPrivateKey({ key: ctx.vault.open(row.privateKey), format: "der", type: "pkcs8" });
  return { keyIri: `${row.iri}#${row.fragment ?? FRAGMENT[kind]}`, key };
}

/** The public halves of a local actor's keys. @throws Error when the actor has none */
export async function loadPublicKeys(
  ctx: Ctx,
  actorId: Id,
): Promise<Record<KeyKind, { pem: string; key: KeyObject; fragment: string }>> {
  const rows = await ctx.db
    .select({ kind: actorKeys.kind, publicKey: actorKeys.publicKey, fragment: actorKeys.fragment })
    .from(actorKeys)
    .where(eq(actorKeys.actorId, actorId));
  const of = (kind: KeyKind) => {
    const row = rows.find((row) => row.kind === kind);
    if (row === undefined) throw new Error(`Actor ${actorId} has no ${kind} key.`);
    const { publicKey: pem, fragment } = row;
    return { pem, key: createPublicKey(pem), fragment: fragment ?? FRAGMENT[kind] };
  };
  return { rsa: of("rsa"), ed25519: of("ed25519") };
}

/** A key that a local actor proved with before. */
export interface RetiredKey {
  fragment: string;
  /** Multikey. */
  publicKey: string;
  retired: Date;
}

/** The newest first; few, since people replace them one by one. */
export function loadRetiredKeys(ctx: Pick<Ctx, "db">, actorId: Id): Promise<RetiredKey[]> {
  const { fragment, publicKey, retired } = retiredKeys;
  return ctx.db
    .select({ fragment, publicKey, retired })
    .from(retiredKeys)
    .where(eq(retiredKeys.actorId, actorId))
    .orderBy(desc(retired), publicKey)
    .limit(1_000);
}

/** Remembers a key that the actor does not prove with any more; in the caller's transaction. @returns false when it was known */
export async function retireKey(ctx: Ctx, actorId: Id, key: RetiredKey): Promise<boolean> {
  const rows = await ctx.db
    .insert(retiredKeys)
    .values({ actorId, ...key })
    .onConflictDoNothing()
    .returning({ fragment: retiredKeys.fragment });
  return rows.length > 0;
}

/** Puts a new Ed25519 key in the place of the old one, whose private half is gone then. In the caller's transaction. */
export async function replaceKey(ctx: Ctx, actorId: Id, fragment: string, key: NewKey): Promise<void> {
  const { kind, publicKey, privateKey } = key;
  await ctx.db
    .update(actorKeys)
    .set({ publicKey, privateKey, fragment, created: ctx.clock.now() })
    .where(and(eq(actorKeys.actorId, actorId), eq(actorKeys.kind, kind)));
}

/** Nobody else replaces an actor's keys until the caller's transaction ends. */
export async function lockKeys(ctx: Ctx, actorId: Id): Promise<void> {
  await ctx.db.select({ id: actors.id }).from(actors).where(eq(actors.id, actorId)).for("no key update");
}

/**
 * When the caller's transaction commits, every process forgets the keys that it has in memory and the actor's document, and clearing goes on
 * with the new ones.
 */
export async function tellKeys(ctx: Ctx, actorId: Id): Promise<void> {
  await ctx.db.execute(sql`
    select pg_notify('keys', ${`${actorId}`}), pg_notify('documents', ${`${actorId}`}), pg_notify('clearing', 'keys')`);
}

/** A new Ed25519 key pair. */
export async function generateProofKey(ctx: Pick<Ctx, "vault">): Promise<NewKey & { key: KeyObject }> {
  const pair = await generate("ed25519");
  return { ...seal(ctx, "ed25519", pair), key: pair.publicKey };
}
