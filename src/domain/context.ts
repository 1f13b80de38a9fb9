import type { Db } from "../db/client.ts";
import type { Id, Ids } from "../db/ids.ts";

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
}

/** What a command or query is given: nothing in it is global, everything in it can be replaced in a test. */
export interface Ctx {
  /** The pool, or inside `transact` the transaction. */
  db: Db;
  clock: Clock;
  ids: Ids;
  hub: HubFacts;
  vault: Vault;
  remote: Remote;
}

/** Who acts: which account pressed the button, and as which actor (itself or one of its organizations). */
export interface Acting {
  accountId: Id;
  actorId: Id;
}
