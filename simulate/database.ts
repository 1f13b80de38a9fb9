import type { Incoming, Outcome, Outgoing, Rows } from "../src/domain/clearing/link-rules.ts";
import type { LedgerEntry, Message } from "../src/domain/clearing/messages-rules.ts";
import { checkIncoming, checkOutgoing } from "./invariants.ts";
import { check, type Hub, isHonest, type LinkStore, Violation, type World } from "./world.ts";

/** How much of its account is held, by all holds. */
export function heldOf(hub: Hub, account: string): bigint {
  let sum = 0n;
  for (const hold of hub.store.holds.values()) if (hold.account === account) sum += hold.amount;
  return sum;
}

export const balanceOf = (hub: Hub, account: string) => hub.store.balances.get(account) ?? 0n;

function post(hub: Hub, account: string, amount: bigint): void {
  hub.store.balances.set(account, balanceOf(hub, account) + amount);
  hub.store.journal.push({ account, amount });
}

/**
 * The rows that a message needs, and no others: what the rules ask for without having named it in `wants` would not have been read from a
 * database.
 */
export function rowsFor(world: World, hub: Hub, store: LinkStore, message: Message): Rows {
  const wanted = world.rules.wants(message, store.link);
  const transfers = new Set(wanted.transfers);
  const sent = new Set(wanted.sent);
  const received = new Set(wanted.received);
  if (message.type === "pull")
    for (const seq of wanted.sent.concat(wanted.received)) {
      const entry = (message.log === "yours" ? store.sent : store.received)[Number(seq) - 1];
      if (entry !== undefined) transfers.add(entry.transfer);
    }
  if (message.type === "abort") {
    const seq = store.incoming.get(message.transfer)?.row.seq;
    if (seq != null) received.add(seq);
  }
  const must = (known: boolean, what: string) =>
    check(known, () => `the rules read ${what} for a ${message.type}, which wants() does not name`);
  return {
    outgoing(iri) {
      must(transfers.has(iri), iri);
      return store.outgoing.get(iri)?.row;
    },
    incoming(iri) {
      must(transfers.has(iri), iri);
      return store.incoming.get(iri)?.row;
    },
    open() {
      must(wanted.open, "what is open");
      return openOf(store);
    },
    sent(seq) {
      must(sent.has(seq), `entry ${seq} of our log`);
      return store.sent[Number(seq) - 1];
    },
    received(seq) {
      must(received.has(seq), `entry ${seq} of the peer's log`);
      return store.received[Number(seq) - 1];
    },
    refusal(request) {
      const { agreement, payee, payer, iri, quote, evidence } = request.terms;
      const known = hub.store.agreements.get(agreement);
      if (known === undefined || known.transfer !== iri || known.payer !== payer) return "no-agreement";
      if (known.payee !== payee || !payee.startsWith(hub.origin)) return "payee-unknown";
      if (known.evidence.offer !== evidence?.offer || known.evidence.accept !== evidence.accept)
        return "no-agreement";
      const agreed = known.quote;
      const same =
        agreed.payer === quote.payer && agreed.payee === quote.payee && agreed.seconds === quote.seconds;
      const { rate } = hub.store;
      return same && quote.payeeRate.n === rate.n && quote.payeeRate.d === rate.d ? null : "stale-quote";
    },
  };
}

export function openOf(store: LinkStore): { outgoing: Outgoing[]; incoming: Incoming[] } {
  const outgoing: Outgoing[] = [];
  const incoming: Incoming[] = [];
  for (const { row } of store.outgoing.values()) if (row.state === "reserved") outgoing.push(row);
  for (const { row } of store.incoming.values()) if (row.state === "prepared") incoming.push(row);
  return { outgoing, incoming };
}

/** Terminal states never change (S4); but what was given back before it was asked for may turn out to have been paid (recovered). */
function turns(before: Outgoing | Incoming | undefined, after: Outgoing | Incoming): boolean {
  if (before === undefined || before.state === after.state) return true;
  if (before.state === "reserved") return after.state === "committed" || after.state === "aborted";
  if (before.state === "prepared") return after.state === "settled" || after.state === "released";
  return before.state === "aborted" && before.request === null && after.state === "committed";
}

const accountOf = (iri: string) => iri.slice(iri.lastIndexOf("/") + 1);

/**
 * Writes an outcome as the database would, with the ledger postings that follow from the transfers' states, and with the constraints of the
 * schema, which here are violations: they would undo the transaction, every time it is tried.
 */
export function apply(world: World, hub: Hub, peer: number, outcome: Outcome, now: number): void {
  const store = hub.store.links[peer]!;
  const before = store.link;
  store.link = outcome.link;
  for (const entry of outcome.sent) append(store, store.sent, entry);
  for (const entry of outcome.received) append(store, store.received, entry);
  for (const row of outcome.outgoing) writeOutgoing(world, hub, peer, row, outcome, now);
  for (const row of outcome.incoming) writeIncoming(world, hub, peer, row, now);
  if (outcome.link.acked.seq > before.acked.seq)
    for (const [iri, row] of store.outgoing)
      if (row.due !== null && row.row.seq !== null && row.row.seq <= outcome.link.acked.seq)
        store.outgoing.set(iri, { ...row, due: null });
  if (outcome.recovered) world.counts.recovered += outcome.sent.length;
  if (outcome.evidence !== null) {
    store.evidence.push(outcome.evidence);
    world.counts.frozen++;
    world.trace?.(`hub ${hub.number} freezes ${peer}: ${outcome.evidence.kind}, ${outcome.evidence.detail}`);
    check(
      !isHonest(world, hub.number, peer),
      () => `S11: an honest hub is accused: ${outcome.evidence?.detail}`,
    );
  }
}

function append(store: LinkStore, log: LedgerEntry[], entry: LedgerEntry): void {
  const last = log.at(-1);
  check(entry.seq === BigInt(log.length) + 1n, () => `S9: entry ${entry.seq} in place ${log.length + 1}`);
  check(entry.prev === (last?.digest ?? ""), () => `S9: entry ${entry.seq} does not follow the one before`);
  check(entry.amounts.seconds > 0n, () => `entry ${entry.seq} of ${entry.amounts.seconds} s`);
  const cumulative = (last?.cumulative ?? 0n) + entry.amounts.seconds;
  check(entry.cumulative === cumulative, () => `S9: entry ${entry.seq} adds up to ${entry.cumulative}`);
  const twice = [...store.sent, ...store.received].some(({ transfer }) => transfer === entry.transfer);
  check(!twice, () => `S5: ${entry.transfer} is posted twice`);
  log.push(entry);
}

/** The iri is the primary key: a row of another peer, or of the other side, would be overwritten. */
function isNew(hub: Hub, iri: string): void {
  const known = hub.store.links.some((link) => link?.outgoing.has(iri) || link?.incoming.has(iri));
  check(!known, () => `S13: ${iri} is another peer's transfer, or of the other side`);
}

function writeOutgoing(world: World, hub: Hub, peer: number, row: Outgoing, outcome: Outcome, now: number) {
  const store = hub.store.links[peer]!;
  const known = store.outgoing.get(row.iri);
  const was = known?.row;
  if (was === undefined) isNew(hub, row.iri);
  check(turns(was, row), () => `S4: ${row.iri} turns from ${was?.state} to ${row.state}`);
  checkOutgoing(world, hub, peer, row, outcome.recovered);
  // An aborted row that is written again: the peer has released it.
  const told = was?.state === "aborted" && row.state === "aborted";
  const acked = row.seq !== null && row.seq <= outcome.link.acked.seq;
  store.outgoing.set(row.iri, { row, due: told || acked ? null : now, attempts: 0 });
  if (was?.state === row.state) return;
  if (row.state !== "reserved") hub.store.holds.delete(row.iri);
  if (row.state === "aborted") world.counts.aborted++;
  if (row.state !== "committed") return;
  const entry = outcome.sent.find(({ transfer }) => transfer === row.iri);
  if (entry === undefined || row.settled === null)
    throw new Violation(`${row.iri} is committed without an entry`);
  const account = accountOf(entry.payer);
  const { payer, seconds } = row.settled;
  post(hub, account, -payer);
  post(hub, `conversion ${peer}`, payer);
  post(hub, `seconds ${peer}`, -seconds);
  post(hub, `clearing ${peer}`, seconds);
  if (balanceOf(hub, account) - heldOf(hub, account) < hub.floor && outcome.recovered) {
    hub.store.overdrawn.add(account);
    world.counts.overdrafts++;
  }
}

function writeIncoming(world: World, hub: Hub, peer: number, row: Incoming, now: number): void {
  const store = hub.store.links[peer]!;
  const known = store.incoming.get(row.iri);
  const was = known?.row;
  if (was === undefined) isNew(hub, row.iri);
  check(turns(was, row), () => `S4: ${row.iri} turns from ${was?.state} to ${row.state}`);
  checkIncoming(world, hub, peer, row);
  store.incoming.set(row.iri, { row, due: row.state === "prepared" ? now : null, attempts: 0 });
  if (was?.state === row.state) return;
  if (row.state === "rejected") world.counts.refused++;
  if (row.state !== "settled") return;
  const entry = store.received.find(({ transfer }) => transfer === row.iri);
  if (entry === undefined || row.settled === null)
    throw new Violation(`${row.iri} is settled without an entry`);
  const { payee, seconds } = row.settled;
  post(hub, `conversion ${peer}`, -payee);
  post(hub, accountOf(entry.payee), payee);
  post(hub, `seconds ${peer}`, seconds);
  post(hub, `clearing ${peer}`, -seconds);
  world.counts.settlements++;
  if (row.settled.payer < (row.request?.terms.quote.payer ?? 0n)) world.counts.partial++;
}
