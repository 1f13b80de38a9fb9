import type { Evidence, Incoming, Link, Outgoing } from "../src/domain/clearing/link-rules.ts";
import type {
  Checkpoint,
  LedgerEntry,
  Message,
  Quote,
  Session,
} from "../src/domain/clearing/messages-rules.ts";
import type { Rate } from "../src/domain/ledger/rules.ts";
import type { Random } from "./random.ts";
import type { Rules } from "./rules.ts";

/** What one hub posts to another. `key`: the version that its proof was made with; `intact`: nobody altered it on its way. */
export interface Envelope {
  from: number;
  to: number;
  published: number;
  session: Session;
  state: Link["state"];
  messages: Message[];
  key: number;
  intact: boolean;
}

/** A row of `clearing_transfers`; what has to be said about it again, and from when on. */
export interface Row<T> {
  readonly row: T;
  readonly due: number | null;
  readonly attempts: number;
}

/** All that a hub keeps about one peer. Rows are never changed, but replaced. */
export interface LinkStore {
  link: Link;
  outgoing: Map<string, Row<Outgoing>>;
  incoming: Map<string, Row<Incoming>>;
  sent: LedgerEntry[];
  received: LedgerEntry[];
  checkpoint: Checkpoint | null;
  evidence: Evidence[];
  inbox: Envelope[];
  /** When to ask for the handshake again. */
  due: number;
  /** The version of the peer's key that administrators accepted. */
  pinned: number;
}

/** What both organizations agreed, as one hub knows it. */
export interface Agreement {
  transfer: string;
  payer: string;
  payee: string;
  quote: Quote;
  evidence: { offer: string; accept: string };
}

/** A hub's database. */
export interface Store {
  /** By the peer's number; null at the hub's own place. */
  links: (LinkStore | null)[];
  balances: Map<string, bigint>;
  /** What is held, by transfer. */
  holds: Map<string, { account: string; amount: bigint }>;
  /** Postings, in order: what balances must follow from. */
  journal: { account: string; amount: bigint }[];
  agreements: Map<string, Agreement>;
  rate: Rate;
  /** Accounts that what was recovered took below their floor. */
  overdrawn: Set<string>;
}

export interface Hub {
  number: number;
  iri: string;
  origin: string;
  store: Store;
  /** Backups, the oldest first. */
  backups: Store[];
  /** Deciding processes, each with its nonces by peer; all but the newest one have lost the lock, and may not know it. */
  workers: string[][];
  /** Until then the machine is off. */
  down: number;
  /** How far its clock is off, in milliseconds. */
  skew: number;
  slow: boolean;
  malicious: boolean;
  /** It has lost data once. */
  lost: boolean;
  /** The version of the key that it signs with. */
  key: number;
  /** How far below zero its organizations may go, in minor units. */
  floor: bigint;
}

/** How much goes wrong, chosen by the seed. */
export interface Faults {
  loss: number;
  duplication: number;
  crashes: number;
  restores: number;
  backups: number;
  /** How many of the envelopes come again, long after they were sent; only from seed `FORGETFUL` on. */
  echoes: number;
  /** Two hubs may lose data at once; then limits cannot be kept, and both may have signed anew what nobody remembers. */
  both: boolean;
  partitions: number;
  clocks: number;
  administration: number;
  malice: number;
  tampering: number;
}

export interface Counts {
  steps: number;
  messages: number;
  settlements: number;
  partial: number;
  aborted: number;
  refused: number;
  crashes: number;
  restores: number;
  recovered: number;
  overdrafts: number;
  frozen: number;
  turnedAway: number;
  forgeries: number;
}

export interface World {
  seed: number;
  rules: Rules;
  random: Random;
  faults: Faults;
  now: number;
  hubs: Hub[];
  flights: Envelope[];
  /** Envelopes that will come again. */
  echoes: Envelope[];
  /** Directions ("0>1") that nothing gets through. */
  cut: Set<string>;
  /** The highest limit that was ever in force, by "hub>peer": what was promised under it stays promised. */
  peaks: Map<string, bigint>;
  /** Faults are over: everything has to come to its end. */
  healed: boolean;
  /** Numbers that never come again, as snowflakes. */
  counter: number;
  counts: Counts;
  trace: ((line: string) => void) | null;
}

export const SECOND = 1000;
export const HOUR = 3600 * SECOND;
export const DAY = 24 * HOUR;
/** Organizations of each hub. */
export const ORGANIZATIONS = 3;

/** Something that must never be. */
export class Violation extends Error {}

export function check(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}

export const organizationOf = (hub: Hub, number: number) => `${hub.origin}/organizations/${number}`;
export const clockOf = (world: World, hub: Hub) => world.now + hub.skew;
export const isUp = (world: World, hub: Hub) => hub.down <= world.now;
/** Between the two nobody lies: everything has to be kept. */
export const isHonest = (world: World, a: number, b: number) =>
  !world.hubs[a]!.malicious && !world.hubs[b]!.malicious;

/** The database as it is now: rows are shared, since they are never changed. */
export function copyOf(store: Store): Store {
  return {
    links: store.links.map(
      (link) =>
        link && {
          ...link,
          outgoing: new Map(link.outgoing),
          incoming: new Map(link.incoming),
          sent: [...link.sent],
          received: [...link.received],
          evidence: [...link.evidence],
          inbox: [...link.inbox],
        },
    ),
    balances: new Map(store.balances),
    holds: new Map(store.holds),
    journal: [...store.journal],
    agreements: new Map(store.agreements),
    rate: store.rate,
    overdrawn: new Set(store.overdrawn),
  };
}
