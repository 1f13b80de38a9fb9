import type { Ctx } from "../domain/context.ts";
import type { JsonObject } from "../json.ts";
import type { Keyring } from "./keyring.ts";
import type { KeyStore } from "./keys.ts";
import type { RemoteServers } from "./remote.ts";
import type { IriCheck } from "./vocab/parse.ts";

/** What the federation needs beside the domain's context. */
export interface Federation {
  ctx: Ctx;
  /** Private keys of our actors. */
  keyring: Keyring;
  /** Other servers' documents and actors. */
  remote: RemoteServers;
  /** Public keys of remote actors. */
  keys: KeyStore;
  /** Which ids are acceptable. */
  check: IriCheck;
  /** Forgets the cached keys of a remote actor whose document changed. */
  forgetKeys(actorIri: string): Promise<void>;
}

/** What a listener of Fedify gets: the federation, and the activity as it came over the wire. */
export interface InboxData extends Federation {
  /** The very text, for what is kept as somebody's signed words. */
  body: string;
  /** Its JSON, with the terms of a marketplace typed. */
  raw: JsonObject;
  /** Iri of the actor whose signature the door verified. */
  signer: string;
  /** Set when a listener has been given the activity: until then it was only being read. */
  begun: boolean;
}
