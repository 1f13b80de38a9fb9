import type { Db } from "../../db/client.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import type { Pen } from "./link-rules.ts";
import type { LedgerEntry, Message, Session } from "./messages-rules.ts";

/** An envelope as its sender meant it. */
export interface Opened {
  session: Session;
  /** What the sender says of the peering, from its side. */
  state: PeerState;
  messages: Message[];
}

/** A peer, and all keys (Multikeys) that were ever accepted for it: documents of before are read with them. */
export interface PeerKeys {
  iri: string;
  keys: readonly string[];
}

/** How clearing is written and read. Implemented by `federation/clearing`. */
export interface Wire {
  /** Signs as this hub for a peer. */
  pen(db: Db, peer: { iri: string }): Promise<Pen>;
  /** An envelope from the inbox, which was proven at the door; null when nothing can be made of it. */
  open(body: string, peer: PeerKeys): Opened | null;
  /** An entry from where it is kept (`clearing_entries.body`): it was proven, or signed here. */
  entry(body: string): LedgerEntry;
}
