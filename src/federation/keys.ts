import { createPublicKey, type KeyObject } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Sql } from "postgres";
import { EgressError, type EgressErrorCode } from "./egress/error.ts";
import { iriOf, isObject, MAX_IRI } from "./envelope.ts";
import { decodeMultikey, type JsonObject } from "./proofs.ts";

/** A key of a remote actor, listed by that actor's own document. */
export interface PublicKey {
  keyId: string;
  /** Iri of the actor. */
  owner: string;
  kind: "rsa" | "ed25519";
  key: KeyObject;
  fetched: Date;
}

export type KeyLookup =
  | { status: "found"; key: PublicKey }
  /** The key's or its owner's document answers 404 or 410. */
  | { status: "gone" }
  /** No answer now; worth asking again. */
  | { status: "unreachable" }
  /** There is an answer, but it does not prove that the key is its owner's. */
  | { status: "invalid"; reason: string };

/**
 * Reads an ActivityStreams document by a signed GET that does not leave the origin; `url` is the address it finally came from.
 *
 * @throws EgressError
 */
export type FetchDocument = (url: string) => Promise<{ url: URL; json: unknown }>;

export interface KeyStore {
  /** The key, from memory, the database or its server. */
  get(keyId: string): Promise<KeyLookup>;
  /** After a failed verification: asks the server again, but at most once in five minutes per key. */
  refresh(keyId: string): Promise<KeyLookup>;
  /**
   * Forgets an actor's keys in every process; for `Update` and `Delete` of the actor, or a stolen key stays valid after it
   * was replaced. Call it after the transaction.
   */
  forget(actorIri: string): Promise<void>;
  /** Hears what other processes forget. Returns what ends it. */
  listen(): Promise<() => Promise<void>>;
}

const LIFETIME = 3_600_000;
const REFRESH_PAUSE = 5 * 60_000;
/** How long a sender waits for its key. The fetch goes on, so that a slow server's key is there the next time. */
const PATIENCE = 5_000;
/** Fetches under way at once, in all and per host: beyond them the sender is asked to come back. */
const MAX_FETCHES = 256;
const MAX_FETCHES_PER_HOST = 32;
const MAX_IN_MEMORY = 10_000;
const MAX_ROWS = 20_000;
/** How long an answer without a key is remembered. */
const MEMORY_OF = { gone: LIFETIME, invalid: REFRESH_PAUSE, unreachable: 30_000 };
const CHANNEL = "ayni_keys_forgotten";

interface Entry {
  key: PublicKey;
  /** When its server was last asked, successfully or not. */
  asked: number;
}

/**
 * Public keys of remote actors: key objects in memory (bounded, an hour) in front of the table `public_keys`, in front of
 * signed fetches. Keys and refusals are kept apart, so that a flood of bogus key ids displaces no good key.
 */
export function createKeys(options: { sql: Sql; fetch: FetchDocument; now: () => Date }): KeyStore {
  const { sql, fetch, now } = options;
  const known = new Map<string, Entry>();
  const refusals = new Map<string, { lookup: KeyLookup; until: number }>();
  const fetching = new Map<string, { host: string; result: Promise<KeyLookup> }>();
  /** Whose keys were forgotten when, counted in events: what was read before that must not be kept after it. */
  const forgotten = new Map<string, number>();
  let events = 0;

  async function get(keyId: string): Promise<KeyLookup> {
    // Asked twice, for while the database was asked somebody else may have fetched the key.
    return recall(keyId) ?? (await load(keyId)) ?? recall(keyId) ?? fetchOnce(keyId);
  }

  function recall(keyId: string): KeyLookup | null {
    const time = now().getTime();
    const entry = known.get(keyId);
    if (entry !== undefined && time - entry.key.fetched.getTime() < LIFETIME) {
      known.delete(keyId);
      known.set(keyId, entry);
      return { status: "found", key: entry.key };
    }
    const refusal = refusals.get(keyId);
    return refusal !== undefined && time < refusal.until ? refusal.lookup : null;
  }

  async function refresh(keyId: string): Promise<KeyLookup> {
    const entry = known.get(keyId);
    if (entry === undefined) return get(keyId);
    const time = now().getTime();
    if (time - entry.asked < REFRESH_PAUSE) return { status: "found", key: entry.key };
    entry.asked = time;
    return fetchOnce(keyId);
  }

  async function load(keyId: string): Promise<KeyLookup | null> {
    const started = events;
    const [row] = await sql<{ owner: string; kind: PublicKey["kind"]; publicKey: string; fetched: Date }[]>`
      select owner, kind, public_key as "publicKey", fetched from public_keys
      where iri = ${keyId} and fetched > ${new Date(now().getTime() - LIFETIME)}`;
    if (row === undefined) return null;
    const { owner, kind, fetched } = row;
    const key: PublicKey = { keyId, owner, kind, key: createPublicKey(row.publicKey), fetched };
    if (!forgottenSince(started, owner)) remember(key);
    return { status: "found", key };
  }

  function fetchOnce(keyId: string): Promise<KeyLookup> {
    const running = fetching.get(keyId);
    if (running !== undefined) return running.result;
    const { host } = new URL(keyId);
    let sameHost = 0;
    for (const other of fetching.values()) if (other.host === host) sameHost++;
    if (fetching.size >= MAX_FETCHES || sameHost >= MAX_FETCHES_PER_HOST) {
      return Promise.resolve({ status: "unreachable" });
    }
    const work = fetchAndKeep(keyId).finally(() => fetching.delete(keyId));
    const tooSlow = wait<KeyLookup>(PATIENCE, { status: "unreachable" }, { ref: false });
    const result = Promise.race([work, tooSlow]);
    fetching.set(keyId, { host, result });
    return result;
  }

  async function fetchAndKeep(keyId: string): Promise<KeyLookup> {
    const started = events;
    const lookup = await fetchKey(keyId, fetch, now());
    if (lookup.status === "found") {
      if (forgottenSince(started, lookup.key.owner)) return lookup;
      const { owner, kind, key, fetched } = lookup.key;
      const pem = key.export({ type: "spki", format: "pem" }).toString();
      await sql`
        insert into public_keys (iri, owner, kind, public_key, fetched)
        values (${keyId}, ${owner}, ${kind}, ${pem}, ${fetched})
        on conflict (iri) do update
        set owner = excluded.owner, kind = excluded.kind, public_key = excluded.public_key, fetched = excluded.fetched`;
      remember(lookup.key);
      return lookup;
    }
    if (lookup.status !== "unreachable" && known.delete(keyId)) {
      await sql`delete from public_keys where iri = ${keyId}`;
    }
    refusals.delete(keyId);
    refusals.set(keyId, { lookup, until: now().getTime() + MEMORY_OF[lookup.status] });
    trim(refusals);
    return lookup;
  }

  function remember(key: PublicKey): void {
    known.delete(key.keyId);
    known.set(key.keyId, { key, asked: key.fetched.getTime() });
    refusals.delete(key.keyId);
    trim(known);
  }

  function forgottenSince(event: number, owner: string): boolean {
    return (forgotten.get(owner) ?? 0) > event;
  }

  function evict(actorIri: string): void {
    forgotten.delete(actorIri);
    forgotten.set(actorIri, ++events);
    trim(forgotten);
    for (const [keyId, entry] of known) if (entry.key.owner === actorIri) known.delete(keyId);
    const origin = URL.parse(actorIri)?.origin;
    for (const keyId of refusals.keys()) if (URL.parse(keyId)?.origin === origin) refusals.delete(keyId);
  }

  return {
    get,
    refresh,
    async forget(actorIri) {
      evict(actorIri);
      await sql`delete from public_keys where owner = ${actorIri}`;
      await sql.notify(CHANNEL, actorIri);
    },
    async listen() {
      // Listening anew after a lost connection: what others forgot meanwhile was not heard.
      const { unlisten } = await sql.listen(CHANNEL, evict, () => known.clear());
      return unlisten;
    },
  };
}

/** Deletes keys that are more than an hour old, and the oldest beyond a number that no honest hour needs. */
export async function sweepKeys(sql: Sql, now: Date): Promise<void> {
  await sql`delete from public_keys where fetched <= ${new Date(now.getTime() - LIFETIME)}`;
  await sql`
    delete from public_keys
    where iri in (select iri from public_keys order by fetched desc, iri offset ${MAX_ROWS})`;
}

/** Maps keep the order of insertion, so the first is the one that was used longest ago. */
function trim(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_IN_MEMORY) return;
    map.delete(key);
  }
}

// ── Ownership ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Fetches a key and establishes whose it is: the key's document names an owner on the same origin, and the owner's document,
 * read from the owner's own address, lists the key (CVE-2026-96625, CVE-2025-54888, GHSA-8863). The key may live in the
 * actor's document (`…#main-key`) or have an address of its own (GoToSocial's `…/main-key`).
 */
async function fetchKey(keyId: string, fetch: FetchDocument, fetched: Date): Promise<KeyLookup> {
  try {
    const address = withoutFragment(keyId);
    const document = await fetch(address);
    const named = isObject(document.json) ? findKey(document.json, keyId) : null;
    if (named === null) return invalid("the key's document does not have the key");
    if (Buffer.byteLength(named.owner) > MAX_IRI) return invalid("the key's owner is too long");
    if (URL.parse(named.owner)?.origin !== new URL(keyId).origin) {
      return invalid("the key's owner is not on the key's origin");
    }
    const ownAddress = withoutFragment(named.owner);
    const actor = ownAddress === address ? document : await fetch(ownAddress);
    if (
      !isObject(actor.json) ||
      actor.json.id !== named.owner ||
      actor.url.href !== URL.parse(ownAddress)?.href
    ) {
      return invalid("the key's owner is not at its own address");
    }
    const listed = findKey(actor.json, keyId, named);
    if (listed?.owner !== named.owner) return invalid("the key's owner does not list the key");
    if (isRevoked(listed.material, fetched)) return invalid("the key was revoked");
    const key = parseKey(listed.material);
    if (key === null) return invalid("the key is neither RSA of 2048 to 8192 bits nor Ed25519");
    return { status: "found", key: { keyId, owner: named.owner, ...key, fetched } };
  } catch (error) {
    if (!(error instanceof EgressError)) throw error;
    if (error.code === "status" && (error.status === 404 || error.status === 410)) return { status: "gone" };
    return TEMPORARY.has(error.code)
      ? { status: "unreachable" }
      : invalid("the key's document cannot be read");
  }
}

/** Failures that another attempt may mend. */
const TEMPORARY = new Set<EgressErrorCode>(["status", "timeout", "unreachable", "budget"]);

interface NamedKey {
  owner: string;
  /** The object that holds the key itself. */
  material: JsonObject;
}

/**
 * Finds a key in a document: among an actor's `publicKey` and `assertionMethod` (FEP-521a), or as the document itself. Where
 * an actor lists the key by its iri alone, `elsewhere` is the key.
 */
function findKey(document: JsonObject, keyId: string, elsewhere?: NamedKey): NamedKey | null {
  const lists = [document.publicKey, document.assertionMethod].flat();
  for (const candidate of lists) {
    if (candidate === keyId && elsewhere !== undefined) return elsewhere;
    if (isObject(candidate) && candidate.id === keyId) return named(candidate);
  }
  return elsewhere === undefined && document.id === keyId ? named(document) : null;
}

function named(material: JsonObject): NamedKey | null {
  const owner = iriOf(material.owner) ?? iriOf(material.controller);
  return owner === null ? null : { owner, material };
}

/** What arrives now is not proven by a key that its owner lists as one of before, whatever time the proof itself names. */
export function isRevoked({ revoked, expires }: JsonObject, now: Date): boolean {
  const over = (time: unknown) => time !== undefined && !(Date.parse(String(time)) > now.getTime());
  return over(revoked) || over(expires);
}

function parseKey(material: JsonObject): { kind: PublicKey["kind"]; key: KeyObject } | null {
  if (typeof material.publicKeyMultibase === "string") {
    const key = decodeMultikey(material.publicKeyMultibase);
    return key === null ? null : { kind: "ed25519", key };
  }
  const pem = material.publicKeyPem;
  if (typeof pem !== "string" || !/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) return null;
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    return null;
  }
  if (key.asymmetricKeyType === "ed25519") return { kind: "ed25519", key };
  // A huge modulus or exponent would make every verification of a stranger's signature slow.
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const bearable = modulusLength >= 2048 && modulusLength <= 8192 && publicExponent < 1n << 32n;
  return key.asymmetricKeyType === "rsa" && bearable ? { kind: "rsa", key } : null;
}

function invalid(reason: string): KeyLookup {
  return { status: "invalid", reason };
}

function withoutFragment(iri: string): string {
  const hash = iri.indexOf("#");
  return hash === -1 ? iri : iri.slice(0, hash);
}
