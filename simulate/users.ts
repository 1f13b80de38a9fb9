// What people do, in transactions of their own: they reserve, consent and order; they never decide.
import { quoteFromPayee } from "../src/domain/ledger/rules.ts";
import { balanceOf, heldOf, openOf } from "./database.ts";
import { checkBooks } from "./invariants.ts";
import {
  clockOf,
  copyOf,
  DAY,
  type Hub,
  isUp,
  type LinkStore,
  ORGANIZATIONS,
  organizationOf,
  type World,
} from "./world.ts";

const CONFIRMATIONS = [
  "digest of the confirmation",
  "digest of the confirmation",
  "auto",
  "resolution",
  "rule",
];

/** One action of somebody of this hub, about the exchange with one peer. */
export function act(world: World, hub: Hub, peer: number): void {
  const { random } = world;
  const store = hub.store.links[peer]!;
  const chosen = random.next();
  if (chosen < 0.27) reserve(world, hub, peer, store);
  else if (chosen < 0.57) consent(world, peer, store);
  else if (chosen < 0.92) confirm(world, store);
  else withdraw(world, hub, store);
  checkBooks(hub, peer);
}

/** A price is agreed, and held at the payer's hub. */
export function reserve(world: World, hub: Hub, peer: number, store: LinkStore): void {
  const { random, rules } = world;
  const other = world.hubs[peer]!;
  if (store.link.state !== "active" || openOf(store).outgoing.length >= rules.MAX_OPEN) return;
  const payerRate = hub.store.rate;
  const payeeRate = other.store.rate;
  const price = (BigInt(1 + random.below(160)) * payeeRate.n) / (60n * payeeRate.d) + 1n;
  const { seconds, paid } = quoteFromPayee(price, payeeRate, payerRate);
  const account = String(random.below(ORGANIZATIONS));
  if (balanceOf(hub, account) - heldOf(hub, account) - hub.floor < paid) return;
  const id = ++world.counter;
  const iri = `${hub.origin}/transfers/${id}`;
  const until = new Date(clockOf(world, hub) + 30 * DAY);
  hub.store.holds.set(iri, { account, amount: paid });
  const terms = {
    iri,
    payer: organizationOf(hub, Number(account)),
    payee: organizationOf(other, random.below(ORGANIZATIONS)),
    agreement: `${other.origin}/agreements/${id}`,
    quote: { payer: paid, payee: price, seconds, payerRate, payeeRate, until },
    evidence: null,
  };
  const row = {
    ...{ iri, terms, state: "reserved" as const },
    ...{ request: null, promise: null, order: null, reason: null, seq: null, settled: null },
  };
  store.outgoing.set(iri, { row, due: null, attempts: 0 });
}

/** Both organizations consent; each hub keeps the signed Offer and Accept. */
export function consent(world: World, peer: number, store: LinkStore): void {
  const other = world.hubs[peer]!;
  if (!isUp(world, other)) return;
  const rows = [...store.outgoing.values()].filter(
    ({ row }) => row.state === "reserved" && row.order === null && row.terms?.evidence === null,
  );
  const known = world.random.pick(rows);
  if (known === undefined || known.row.terms === null) return;
  const { iri, payer, payee, agreement, quote } = known.row.terms;
  const evidence = { offer: `offer ${++world.counter}`, accept: `accept ${world.counter}` };
  other.store.agreements.set(agreement, { transfer: iri, payer, payee, quote, evidence });
  store.outgoing.set(iri, { ...known, row: { ...known.row, terms: { ...known.row.terms, evidence } } });
}

/** The payer confirms in whole or in part, or is silent for too long, or a dispute ends. */
export function confirm(world: World, store: LinkStore): void {
  const { random, rules } = world;
  const rows = [...store.outgoing.values()].filter(
    ({ row }) => row.state === "reserved" && row.order === null && row.promise !== null,
  );
  const known = random.pick(rows);
  if (known === undefined || known.row.terms === null) return;
  const { quote, iri } = known.row.terms;
  const part = random.chance(0.3) ? 1n + BigInt(random.below(Number(quote.payer))) : quote.payer;
  const { seconds, payee } = rules.partOf(quote, part);
  const payer = seconds > 0n && payee > 0n ? part : quote.payer;
  const order = { type: "commit" as const, payer, confirm: random.pick(CONFIRMATIONS)! };
  store.outgoing.set(iri, { ...known, row: { ...known.row, order } });
}

/** One of them steps back. What was not asked for yet is given back at once, also while the peer is away. */
function withdraw(world: World, hub: Hub, store: LinkStore): void {
  const rows = [...store.outgoing.values()].filter(
    ({ row }) => row.state === "reserved" && row.order === null,
  );
  const known = world.random.pick(rows);
  if (known !== undefined) giveBack(hub, store, known.row.iri);
}

/** Orders that a reserved transfer be aborted. */
export function giveBack(hub: Hub, store: LinkStore, iri: string): void {
  const known = store.outgoing.get(iri)!;
  if (known.row.request !== null) {
    const order = { type: "abort" as const, reason: "withdrawn" };
    store.outgoing.set(iri, { ...known, row: { ...known.row, order } });
    return;
  }
  hub.store.holds.delete(iri);
  store.outgoing.set(iri, { ...known, row: { ...known.row, state: "aborted", reason: "withdrawn" } });
}

/** What administrators do: limits, rates, keys, states, backups. */
export function administer(world: World, hub: Hub, peer: number): void {
  const { random } = world;
  const store = hub.store.links[peer]!;
  const { link } = store;
  const chosen = random.next();
  if (chosen < 0.3) {
    const limit = BigInt(random.below(20)) * 1800n;
    const name = `${hub.number}>${peer}`;
    if (limit > (world.peaks.get(name) ?? 0n)) world.peaks.set(name, limit);
    store.link = { ...link, limit };
    world.trace?.(`hub ${hub.number} lets ${peer} owe ${limit} s`);
  } else if (chosen < 0.45) {
    const factor = random.pick([1n, 2n, 3n])!;
    hub.store.rate = { n: 60n * factor + BigInt(random.below(9)), d: random.pick([1n, 2n, 7n])! };
  } else if (chosen < 0.6) {
    hub.key++;
    world.trace?.(`hub ${hub.number} has key ${hub.key}`);
  } else if (chosen < 0.9) pin(world, hub, peer);
  else if (store.evidence.length > 0) return;
  else if (link.state === "frozen" || link.state === "draining") store.link = { ...link, state: "active" };
  else if (link.state === "active")
    store.link = { ...link, state: random.chance(0.5) ? "draining" : "frozen" };
  if (store.link.state !== link.state) world.trace?.(`hub ${hub.number} is ${store.link.state} with ${peer}`);
}

/** The peer's present key is accepted. */
export function pin(world: World, hub: Hub, peer: number): void {
  hub.store.links[peer]!.pinned = world.hubs[peer]!.key;
}

export function backUp(hub: Hub): void {
  hub.backups.push(copyOf(hub.store));
  if (hub.backups.length > 6) hub.backups.splice(1, 1);
}
