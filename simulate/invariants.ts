// What must hold after every step, by the numbers of the properties that they are known by (S1 … S20, L1 … L4; see docs/clearing.md).

import type { Incoming, Link, Outgoing } from "../src/domain/clearing/link-rules.ts";
import type {
  Amounts,
  LedgerEntry,
  Message,
  Quote,
  Session,
  Signed,
} from "../src/domain/clearing/messages-rules.ts";
import { check, type Hub, isHonest, type LinkStore, type World } from "./world.ts";

/** After a step of a hub with one peer: the request that it saw for the first time, if it was one. */
export function checkLink(world: World, hub: Hub, peer: number, message: Message | null): void {
  const store = hub.store.links[peer]!;
  checkBooks(hub, peer);
  checkLimit(world, hub, peer, message);
  const { link, sent, received } = store;
  const last = sent.at(-1);
  const newest = received.at(-1);
  check(
    link.out.seq === BigInt(sent.length) &&
      link.out.digest === (last?.digest ?? "") &&
      link.out.cumulative === (last?.cumulative ?? 0n),
    () => `S9: hub ${hub.number} has other words of its log than its head says`,
  );
  check(
    link.in.seq === BigInt(received.length) &&
      link.in.digest === (newest?.digest ?? "") &&
      link.in.cumulative === (newest?.cumulative ?? 0n),
    () => `S9: hub ${hub.number} has other words of the peer's log than its head says`,
  );
  check(
    link.acked.seq <= link.out.seq,
    () => `hub ${hub.number}: more is acknowledged than was ever written`,
  );
  if (!isHonest(world, hub.number, peer)) return;
  const mirror = world.hubs[peer]!.store.links[hub.number]!;
  // The hash chain says the rest.
  const both = Math.min(received.length, mirror.sent.length) - 1;
  check(
    received[both]?.digest === mirror.sent[both]?.digest,
    () => `S11: hub ${hub.number} has another entry ${both + 1} than ${peer} wrote`,
  );
}

/** S11, S13: what is proven to be wrong is kept, and nothing more is believed. `before`: the link when the message came. */
export function checkEvidence(hub: Hub, store: LinkStore, before: Link, session: Session, message: Message) {
  if (before.state === "frozen" || !before.ready || session.nonce !== before.peerSession.nonce) return;
  if (session.epoch !== before.peerSession.epoch) return;
  const { incoming, received, sent, link } = store;
  const other = (log: LedgerEntry[], { seq, digest }: { seq: bigint; digest: string }) =>
    seq > 0n && seq <= BigInt(log.length) && log[Number(seq) - 1]?.digest !== digest;
  const wrong =
    message.type === "entry"
      ? isBetween(message.entry, link.peer, hub.iri) &&
        message.entry.seq <= before.in.seq &&
        other(received, message.entry)
      : message.type === "reserve"
        ? isBetween(message.request, link.peer, hub.iri) &&
          (incoming.get(message.request.terms.iri)?.row.request?.digest ?? message.request.digest) !==
            message.request.digest
        : message.type === "resync" && (other(sent, message.in) || other(received, message.out));
  check(
    !wrong || link.state === "frozen",
    () => `S11: a ${message.type} says something else than was said before, and is let pass`,
  );
}

/** S1: every unit adds up to nothing. S3: no member falls below its floor, but for what was recovered. */
export function checkBooks(hub: Hub, peer: number): void {
  const { balances, holds, overdrawn } = hub.store;
  let sum = 0n;
  for (const [account, balance] of balances)
    if (!account.startsWith("seconds") && !account.startsWith("clearing")) sum += balance;
  check(sum === 0n, () => `S1: the balances of hub ${hub.number} add up to ${sum}`);
  const seconds = (balances.get(`seconds ${peer}`) ?? 0n) + (balances.get(`clearing ${peer}`) ?? 0n);
  check(seconds === 0n, () => `S1: the seconds of hub ${hub.number} with ${peer} add up to ${seconds}`);
  const held = new Map<string, bigint>();
  for (const { account, amount } of holds.values()) held.set(account, (held.get(account) ?? 0n) + amount);
  for (const [account, balance] of balances) {
    if (account.includes(" ") || overdrawn.has(account)) continue;
    check(
      balance - (held.get(account) ?? 0n) >= hub.floor,
      () => `S3: ${account} of hub ${hub.number} is overdrawn`,
    );
  }
}

/** S2: balances are what the journal says. */
export function checkJournal(hub: Hub): void {
  const sums = new Map<string, bigint>();
  for (const { account, amount } of hub.store.journal) sums.set(account, (sums.get(account) ?? 0n) + amount);
  for (const [account, balance] of hub.store.balances)
    check(sums.get(account) === balance, () => `S2: ${account} of hub ${hub.number} is ${balance}`);
}

/** S8, counted from the rows and not from what the rules keep. */
function checkLimit(world: World, hub: Hub, peer: number, message: Message | null): void {
  const { link, incoming, sent } = hub.store.links[peer]!;
  let prepared = 0n;
  let count = 0;
  for (const { row } of incoming.values()) {
    if (row.state !== "prepared") continue;
    prepared += row.request?.terms.quote.seconds ?? 0n;
    count++;
  }
  check(
    link.prepared === prepared && link.preparedCount === count,
    () =>
      `S8: hub ${hub.number} counts ${link.preparedCount} promises of ${link.prepared} s, and has ${count} of ${prepared} s`,
  );
  const acknowledged = sent[Number(link.acked.seq) - 1]?.cumulative ?? 0n;
  if (message?.type === "reserve" && incoming.get(message.request.terms.iri)?.row.state === "prepared") {
    const { quote } = message.request.terms;
    const { payerRate, payeeRate } = quote;
    const rates = [payerRate.n, payerRate.d, payeeRate.n, payeeRate.d];
    check(
      rates.every((number) => number > 0n),
      () => `S15: a promise is given for no rate`,
    );
    checkAmounts(quote, quote, message.request.terms.iri);
    check(link.state === "active", () => `a ${link.state} hub ${hub.number} gives a promise`);
    const owed = link.in.cumulative - acknowledged + prepared;
    check(
      owed <= link.limit,
      () => `S8: hub ${hub.number} promised ${peer} up to ${owed} s of ${link.limit}`,
    );
  }
  // What a peer hides of what this hub forgot, or what both forgot, no rule can know.
  const known = !world.faults.both && (isHonest(world, hub.number, peer) || !hub.lost);
  if (!link.ready || !known) return;
  const net = link.in.cumulative - link.out.cumulative;
  const peak = world.peaks.get(`${hub.number}>${peer}`) ?? 0n;
  check(net <= peak, () => `S8: ${peer} owes hub ${hub.number} ${net} s, more than it ever might (${peak})`);
}

const isBetween = ({ writer, reader }: Pick<Signed, "writer" | "reader">, from: string, to: string) =>
  writer === from && reader === to;

/** A change of what this hub pays: S7, S12, S13, and that nobody loses by rounding. */
export function checkOutgoing(world: World, hub: Hub, peer: number, row: Outgoing, recovered: boolean): void {
  const { iri, request, promise } = row;
  const { link } = hub.store.links[peer]!;
  check(iri.startsWith(hub.origin) || !recovered, () => `S13: hub ${hub.number} pays ${iri}`);
  check(request === null || isBetween(request, hub.iri, link.peer), () => `S13: ${iri} was asked by another`);
  check(
    promise === null || isBetween(promise, link.peer, hub.iri),
    () => `S13: ${iri} was promised by another`,
  );
  const promised = promise !== null && promise.transfer === iri && promise.request === request?.digest;
  check(
    promise === null || promised,
    () => `S7: hub ${hub.number} takes a promise of something else than ${iri}`,
  );
  const mirror = world.hubs[peer]!.store.links[hub.number]!.incoming.get(iri)?.row;
  const honest = isHonest(world, hub.number, peer);
  if (row.state === "committed") {
    check(recovered || promised, () => `S7: hub ${hub.number} pays ${iri} without a promise`);
    checkAmounts(row.terms?.quote, row.settled, iri);
    const lost = honest && (mirror?.state === "released" || mirror?.state === "rejected");
    check(!lost, () => `S12: hub ${hub.number} pays ${iri}, which ${peer} has ${mirror?.state}`);
  }
  const taken = honest && row.state === "aborted" && request !== null && mirror?.state === "settled";
  check(!taken, () => `S12: hub ${hub.number} gives ${iri} back, which ${peer} has settled`);
}

/** A change of what this hub is paid. */
export function checkIncoming(world: World, hub: Hub, peer: number, row: Incoming): void {
  const { iri, request, promise } = row;
  const { link, received } = hub.store.links[peer]!;
  check(request === null || isBetween(request, link.peer, hub.iri), () => `S13: ${iri} was asked by another`);
  check(
    promise === null || isBetween(promise, hub.iri, link.peer),
    () => `S13: ${iri} was promised by another`,
  );
  const mirror = world.hubs[peer]!.store.links[hub.number]!.outgoing.get(iri)?.row;
  const honest = isHonest(world, hub.number, peer);
  if (row.state === "settled") {
    const promised = promise !== null && promise.transfer === iri && promise.request === request?.digest;
    check(promised, () => `S7: hub ${hub.number} settles ${iri} without having promised it`);
    const entry = received.find(({ transfer }) => transfer === iri);
    check(
      entry !== undefined && isBetween(entry, link.peer, hub.iri),
      () => `S13: ${iri} was paid by another`,
    );
    check(entry.promise === promise?.digest, () => `S7: ${iri} is paid by another promise`);
    const { payee, payer, agreement } = request!.terms;
    check(
      entry.payee === payee && entry.payer === payer && entry.agreement === agreement,
      () => `S13: ${iri} is paid to another than was promised`,
    );
    checkAmounts(request!.terms.quote, row.settled, iri);
    const taken = honest && mirror?.state === "aborted" && mirror.request !== null;
    check(!taken, () => `S12: hub ${hub.number} settles ${iri}, which ${peer} gave back`);
  }
  const lost = honest && row.state === "released" && mirror?.state === "committed";
  check(!lost, () => `S12: hub ${hub.number} releases ${iri}, which ${peer} has paid`);
}

/** S6, S15: what was agreed, or a part of it by which no conversion account loses. */
function checkAmounts(quote: Quote | undefined, settled: Amounts | null, iri: string): void {
  if (quote === undefined || settled === null) return;
  const { payer, payee, seconds } = settled;
  const { payerRate, payeeRate } = quote;
  const fair =
    payer * 3600n * payerRate.d >= seconds * payerRate.n &&
    payee * 3600n * payeeRate.d <= seconds * payeeRate.n;
  const part =
    payer > 0n &&
    payee > 0n &&
    seconds > 0n &&
    payer <= quote.payer &&
    payee <= quote.payee &&
    seconds <= quote.seconds;
  // By not more than is lost when twice rounded down.
  const close =
    (payer + 1n) * 3600n * payerRate.d > seconds * payerRate.n &&
    (seconds + 1n) * quote.payer >= payer * quote.seconds;
  check(
    part && fair && (close || payer === quote.payer),
    () => `S15: ${iri} pays ${payer}, ${seconds} s, ${payee}`,
  );
}

/** How a link is not at rest; null when it is. L1: nothing is open, all is acknowledged, and nothing is asked any more. */
export function unrest({ link, outgoing, incoming }: LinkStore): string | null {
  if (!link.ready) return "hands are not shaken";
  if (link.acked.seq !== link.out.seq) return `${link.out.seq - link.acked.seq} entries are not acknowledged`;
  for (const { row, due } of outgoing.values()) {
    if (row.state === "reserved") return `${row.iri} is reserved`;
    if (due !== null) return `${row.iri} is ${row.state}, and is still told`;
  }
  for (const { row } of incoming.values()) if (row.state === "prepared") return `${row.iri} is prepared`;
  return null;
}

/** At rest, of what one hub pays the other. S6, S10, S12, S20. */
export function checkRest(world: World, payer: number, payee: number): void {
  const paying = world.hubs[payer]!.store;
  const paid = world.hubs[payee]!.store;
  const out = paying.links[payee]!;
  const back = paid.links[payer]!;
  check(
    out.link.out.digest === back.link.in.digest && out.link.out.seq === back.link.in.seq,
    () => `S9: ${payee} has another log than ${payer} wrote`,
  );
  for (const { row } of out.outgoing.values()) {
    const other = back.incoming.get(row.iri)?.row;
    if (row.state === "committed") {
      const same =
        other?.state === "settled" &&
        other.settled?.payer === row.settled?.payer &&
        other.settled?.payee === row.settled?.payee &&
        other.settled?.seconds === row.settled?.seconds;
      check(same, () => `S6: ${row.iri} is paid, and is ${other?.state} over there`);
    } else
      check(other?.state !== "settled", () => `S6: ${row.iri} is ${row.state}, and is settled over there`);
  }
  for (const { row } of back.incoming.values())
    if (row.state === "settled")
      check(
        out.outgoing.get(row.iri)?.row.state === "committed",
        () => `S6: ${row.iri} is settled, and was not paid`,
      );
  const clearing =
    (paying.balances.get(`clearing ${payee}`) ?? 0n) + (paid.balances.get(`clearing ${payer}`) ?? 0n);
  check(clearing === 0n, () => `S10: the clearing accounts of ${payer} and ${payee} differ by ${clearing}`);
  const proof = out.checkpoint;
  const proven =
    out.link.acked.seq === 0n ||
    (proof?.seq === out.link.out.seq &&
      proof.digest === out.link.out.digest &&
      proof.cumulative === out.link.out.cumulative);
  check(proven, () => `S20: ${payer} has no proof of what it paid ${payee}`);
}
