import type { Db } from "../../db/client.ts";
import type { Id } from "../../db/ids.ts";
import type { Party } from "../../db/schema/agreements.ts";
import type { Purpose, Unit } from "../../db/schema/proposals.ts";
import type { Quote } from "../clearing/messages-rules.ts";
import type { PeeringStatement } from "../peers/rules.ts";
import type { Terms } from "./rules.ts";

/** What a party says when it signs a step. The wire form (FEP-0837 and Ayni's own terms) is the signer's business. */
export interface Statement {
  type:
    | "offer"
    | "counter"
    | "accept"
    | "reject"
    | "withdraw"
    | "cancel"
    | "deliver"
    | "confirm"
    | "dispute"
    | "sign";
  /** The step's id, which the activity's iri is made of. */
  id: Id;
  party: Party;
  actor: string;
  to: string;
  agreement: {
    iri: string;
    proposal: string;
    purpose: Purpose;
    revision: number;
    proposer: Party;
    /** Who made the terms; the other one answers them. */
    offeredBy: Party;
    unit: Unit;
    /** Decimal places of the currency, for amounts on the wire. */
    scale: number;
    terms: Terms;
    /** What is given back where there is a price, in minor units: credits, or what the two settle elsewhere. */
    reciprocal: bigint | null;
    /** Between two hubs: what each side pays and gets, which both consent to. */
    quote: Quote | null;
    /** What the payer's hub holds the credits by. */
    transfer: string | null;
  };
  /** The terms that it answers, takes back or carries out: the newest Offer. */
  offer: { activity: string; digest: string } | null;
  /** The Accept, once there is one. */
  accept: { activity: string; digest: string } | null;
  /** When an offer lapses. */
  until: Date | null;
  /** What is confirmed, or what a resolution releases. */
  amount: bigint | null;
  quantity: number | null;
  /** Between hubs: which proposal of the stewards is signed, and what is paid by it in minor units of the payer's currency. */
  resolution: { iri: string; payer: bigint } | null;
  note: string | null;
}

/** What this hub says, as its own actor, when a steward of it acts in a dispute with an organization of a peer. */
export interface StewardStatement {
  type: "propose" | "agree";
  /** The step's id, which the activity's iri is made of. */
  id: Id;
  /** The two hubs' actors. */
  actor: string;
  to: string;
  /** Iri of the agreement. */
  agreement: string;
  resolution: {
    iri: string;
    /** What is paid of what is held, in minor units of the payer's currency. */
    payer: bigint;
    note: string;
    created: Date;
  };
  /** Multihash of the proposal that is agreed to; null where it was not kept, and for a proposal itself. */
  proposal: string | null;
}

/**
 * A step as its party signed it: the activity's id, its bytes, the multihash of its canonical JSON, and the Multikey that its proof
 * was made with, which is kept here since an actor's document names only the keys of today.
 */
export interface Signed {
  activity: string;
  body: string;
  digest: string;
  proof: "ours" | "verified" | "none";
  key: string | null;
}

/** Signs what actors of this hub consent to (FEP-8b32). Implemented by `federation/consents.ts`. */
export interface Consents {
  /**
   * Opens an actor's key, by the database handle of the caller; what it returns signs without any I/O, and so may be called inside
   * a transaction.
   */
  signer(db: Db, actorId: Id): Promise<(statement: Statement, now: Date) => Signed>;
  /** The same for what this hub signs of its peerings, as its own actor. */
  hubSigner(db: Db, actorId: Id): Promise<(statement: PeeringStatement, now: Date) => Signed>;
  /** The same for what its stewards say in disputes with peers' organizations. */
  stewardSigner(db: Db, actorId: Id): Promise<(statement: StewardStatement, now: Date) => Signed>;
  /** The Multikey that others verify it with. */
  publicKey(db: Db, actorId: Id): Promise<string>;
}
