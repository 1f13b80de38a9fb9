import type { Db } from "../db/client.ts";
import type { Id, Ids } from "../db/ids.ts";
import type { Consents } from "./agreements/consents.ts";
import type { RemoteHub } from "./peers/rules.ts";

export interface Clock {
  now(): Date;
}

/** Facts about this hub that rules and commands need. */
export interface HubFacts {
  /** `https://hub.example`, without a slash. */
  origin: string;
  /** The host part of handles, with a port where the origin has one. */
  host: string;
}

/** Seals what must not be readable in a stolen database (AES-256-GCM with the hub's secret). */
export interface Vault {
  seal(plain: Uint8Array): Buffer;
  open(sealed: Uint8Array): Buffer;
}

/**
 * Other servers. Implemented by `federation/remote.ts`; called before `transact`, never inside it.
 */
export interface Remote {
  /**
   * Finds an actor by handle (`@name@host`, `name@host`) or by iri, reads it from its server when it is not known or its
   * copy is old, stores it, and returns its row's id.
   *
   * @throws DomainError remote_not_found, remote_unreachable, remote_invalid
   */
  resolveActor(handleOrIri: string): Promise<Id>;
  /**
   * The hub at an address (`hub.example`, `https://hub.example`), read anew from its own documents: its actor, which its NodeInfo
   * names (FEP-2677), its key, its currency and where it clears.
   *
   * @throws DomainError remote_not_found, remote_unreachable, remote_invalid, not_a_hub, own_hub
   */
  resolveHub(address: string): Promise<RemoteHub>;
}

/** Bytes that are too large for the database, by names that are their hash. Implemented by `files.ts`. */
export interface Files {
  /** Keeps bytes for good: they outlive a crash once this returns. Called before `transact`, so that a row never lacks its file. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** null when there are none of this name. */
  read(name: string): Promise<{ bytes: number; stream(): ReadableStream } | null>;
  /** Puts what is arriving aside, until it is wanted or removed. */
  spool(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes(): Promise<Buffer>; remove(): Promise<void> }>;
  /** Removes what is older than `before` and not kept. */
  sweep(before: Date, isKept: (name: string) => Promise<boolean>): Promise<void>;
}

/** What a command or query is given: nothing in it is global, everything in it can be replaced in a test. */
export interface Ctx {
  /** The pool, or inside `transact` the transaction. */
  db: Db;
  clock: Clock;
  ids: Ids;
  hub: HubFacts;
  vault: Vault;
  files: Files;
  remote: Remote;
  consents: Consents;
}

/** Who acts: which account pressed the button, and as which actor (itself or one of its organizations). */
export interface Acting {
  accountId: Id;
  actorId: Id;
}
