import type { LedgerEntry, Message, Quote, Session } from "../src/domain/clearing/messages-rules.ts";
import { penOf } from "./documents.ts";
import { clockOf, type Envelope, type Hub, type LinkStore, organizationOf, type World } from "./world.ts";

/** What a lie is made of: the liar's own books, and what it knows of the other side. */
interface Lie {
  world: World;
  hub: Hub;
  peer: number;
  store: LinkStore;
  pen: ReturnType<typeof penOf>;
}

/** An envelope of a hub that wants to gain by it, or only to disturb: properly signed by its own key, and wrong. */
export function lie(world: World, hub: Hub, peer: number): Envelope | null {
  const store = hub.store.links[peer]!;
  const pen = penOf(hub.iri, store.link.peer, hub.key, world.random);
  const told = world.random.pick(LIES)!({ world, hub, peer, store, pen });
  if (told === null) return null;
  const messages = Array.isArray(told) ? told : [told];
  const published = clockOf(world, hub);
  const { state } = store.link;
  const session = world.random.chance(0.1) ? wrongSession(world, store.link.session) : store.link.session;
  return { from: hub.number, to: peer, published, session, state, messages, key: hub.key, intact: true };
}

function wrongSession({ random }: World, { epoch, nonce }: Session): Session {
  const wrong = [
    { epoch: epoch - 1n, nonce },
    { epoch: epoch + 1n, nonce },
    { epoch, nonce: "guessed" },
    { epoch: epoch + 10_000_000n, nonce },
  ];
  return random.pick(wrong)!;
}

const absurd = ({ random }: World) =>
  random.pick([0n, -1n, -7200n, 1n, 10n ** 12n, 2n ** 60n, -(2n ** 62n)])!;

/** The next entry that the peer would take, of a transfer that it has promised; sometimes of one that is over. */
function nextEntry({
  world,
  hub,
  peer,
}: Lie): Omit<LedgerEntry, "writer" | "reader" | "digest" | "body"> | null {
  const { incoming, link } = world.hubs[peer]!.store.links[hub.number]!;
  const over = world.random.chance(0.15);
  const rows = [...incoming.values()].filter(({ row }) => row.promise && (row.state === "prepared") !== over);
  const { request, promise } = world.random.pick(rows)?.row ?? {};
  if (!request || !promise || !link.ready) return null;
  const { iri: transfer, payer, payee, agreement, quote } = request.terms;
  const amounts = { payer: quote.payer, payee: quote.payee, seconds: quote.seconds };
  return {
    ...{ transfer, payer, payee, agreement, amounts, seq: link.in.seq + 1n, prev: link.in.digest },
    ...{ cumulative: link.in.cumulative + amounts.seconds, promise: promise.digest, confirm: "auto" },
  };
}

/** The next entry with something in it that was not promised. */
function altered(lie: Lie): Message | null {
  const entry = nextEntry(lie);
  if (entry === null) return null;
  const { world, hub, peer, store, pen } = lie;
  const { random } = world;
  const { amounts } = entry;
  const wrong: (typeof entry)[] = [
    { ...entry, amounts: { ...amounts, payee: amounts.payee + 1n } },
    { ...entry, amounts: { ...amounts, payee: amounts.payee * 2n, payer: amounts.payer * 2n } },
    { ...entry, amounts: { ...amounts, payer: amounts.payer * 2n } },
    { ...entry, amounts: { ...amounts, payer: amounts.payer - 1n } },
    { ...entry, amounts: { ...amounts, seconds: absurd(world) } },
    { ...entry, amounts: { payer: absurd(world), payee: absurd(world), seconds: absurd(world) } },
    { ...entry, cumulative: entry.cumulative + 3600n },
    { ...entry, cumulative: absurd(world) },
    { ...entry, seq: entry.seq + 1n },
    { ...entry, seq: absurd(world) },
    { ...entry, prev: "somewhere else" },
    { ...entry, prev: store.sent.at(-2)?.digest ?? "" },
    { ...entry, payee: organizationOf(world.hubs[peer]!, random.below(3)) },
    { ...entry, payee: organizationOf(hub, 0) },
    { ...entry, payer: organizationOf(hub, random.below(3)) },
    { ...entry, agreement: `${hub.origin}/agreements/0` },
    { ...entry, promise: "never given" },
    { ...entry, transfer: `${hub.origin}/transfers/${++world.counter}` },
    // It says again, in other words, what the peer has already.
    { ...entry, ...(store.sent.at(-1) ?? {}), confirm: "rule" },
    {
      ...entry,
      ...(random.pick(store.sent) ?? {}),
      payee: organizationOf(world.hubs[peer]!, random.below(3)),
    },
    // It pays twice what it paid already, or gave back.
    { ...entry, transfer: random.pick(store.sent)?.transfer ?? "" },
    entry,
  ];
  const told = random.pick(wrong)!;
  // What follows from the amounts is right, so that only one thing is wrong.
  const sum = random.chance(0.7) && told.cumulative === entry.cumulative && told.seq === entry.seq;
  const cumulative = sum ? entry.cumulative - amounts.seconds + told.amounts.seconds : told.cumulative;
  return { type: "entry", entry: pen.entry({ ...told, cumulative }) };
}

/** Asks for a promise of something that no two organizations agreed, or that is no fair quote, or under an id that is taken. */
function asked({ world, store, pen, peer, hub }: Lie): Message | null {
  const { random } = world;
  const row = random.pick([...store.outgoing.values()].filter(({ row }) => row.terms !== null))?.row;
  if (row?.terms == null) return null;
  const { terms } = row;
  const { quote } = terms;
  const quotes: Quote[] = [
    { ...quote, payee: quote.payee * 3n },
    { ...quote, payer: 0n },
    { ...quote, payer: -quote.payer, payee: -quote.payee, seconds: -quote.seconds },
    { ...quote, payer: absurd(world), payee: absurd(world), seconds: absurd(world) },
    { ...quote, payerRate: { n: 0n, d: 1n } },
    { ...quote, payerRate: { n: 1n, d: 0n } },
    { ...quote, payerRate: { n: -1n, d: -1n } },
    { ...quote, payerRate: { n: 0n, d: 1n }, payeeRate: { n: 0n, d: 1n } },
    {
      ...quote,
      payerRate: { n: -1n, d: -1n },
      payeeRate: { n: -1n, d: -1n },
      payee: quote.seconds,
      payer: 1n,
    },
    { ...quote, payeeRate: { n: quote.payeeRate.n * 2n, d: quote.payeeRate.d }, payee: quote.payee * 2n },
  ];
  const iri = random.chance(0.5) ? terms.iri : `${hub.origin}/transfers/${++world.counter}`;
  // Somebody over there plays along: the agreement is known.
  const unfair = random.pick(quotes)!;
  if (iri !== terms.iri && terms.evidence !== null)
    world.hubs[peer]!.store.agreements.set(terms.agreement, {
      ...terms,
      transfer: iri,
      quote: unfair,
      evidence: terms.evidence,
    });
  const payee = random.chance(0.2) ? organizationOf(world.hubs[peer]!, random.below(3)) : terms.payee;
  const request = pen.request({ ...terms, iri, payee, quote: unfair });
  return { type: "reserve", request };
}

/** Promises something else than it was asked for. */
function promised({ world, peer, hub, pen }: Lie): Message | null {
  const rows = [...world.hubs[peer]!.store.links[hub.number]!.outgoing.values()].map(({ row }) => row);
  const request = world.random.pick(rows.filter(({ promise }) => promise === null))?.request;
  return request ? { type: "promise", promise: pen.promise({ ...request, digest: "something else" }) } : null;
}

/** Says of transfers what is not so: of its own, of the peer's, and of the peer's with others. */
function claimed({ world, peer }: Lie): Message | null {
  const links = world.hubs.flatMap((hub) => hub.store.links.filter((link) => link !== null));
  const any = world.random.pick(links)!;
  const iri =
    world.random.pick([...any.outgoing.keys(), ...any.incoming.keys()]) ??
    `${world.hubs[peer]!.origin}/transfers/${++world.counter}`;
  const type = world.random.pick(["abort", "release", "query", "refuse"] as const)!;
  return type === "refuse" ? { type, transfer: iri, reason: "limit" } : { type, transfer: iri };
}

/** Documents that were signed, but by others, or for others, or the other way round. */
function borrowed({ world, hub, store }: Lie): Message | null {
  const { random } = world;
  const links = random.pick(world.hubs)!.store.links.filter((link) => link !== null);
  const link = random.pick(links)!;
  const rows = [...link.outgoing.values(), ...link.incoming.values()].map(({ row }) => row);
  const pairs = rows.flatMap(({ request, promise }) => (request && promise ? [{ request, promise }] : []));
  const entries = random.chance(0.5) ? link.sent : link.received;
  const pair = random.pick(pairs);
  const entry = random.pick(entries);
  const chosen = random.below(5);
  if (chosen === 0 && entry) return { type: "entry", entry };
  if (chosen === 1 && pair) return { type: "reserve", request: pair.request };
  if (chosen === 2 && pair) return { type: "promise", promise: pair.promise };
  if (chosen === 3 && link.checkpoint) return { type: "checkpoint", checkpoint: link.checkpoint };
  const nonce = store.link.peerSession.nonce;
  const log = random.chance(0.5) ? "mine" : "yours";
  world.trace?.(`hub ${hub.number} borrows`);
  return { type: "page", log, nonce, entries: entries.slice(0, 3), requests: pairs.slice(0, 3) };
}

/** Lies about logs and sessions, also in answer to the peer's handshake. */
function recalled({ world, hub, peer, store, pen }: Lie): Message | Message[] | null {
  const { random } = world;
  const { link } = store;
  const { acked } = world.hubs[peer]!.store.links[hub.number]!.link;
  const nonce = link.peerSession.nonce;
  const head = () => {
    const entry = random.pick([...store.sent, ...store.received]);
    const true_ = random.pick([link.out, link.in])!;
    const digest = random.chance(0.5) ? true_.digest : (entry?.digest ?? "unknown");
    return {
      seq: random.pick([0n, true_.seq, true_.seq + 1n, true_.seq - 1n, absurd(world)])!,
      cumulative: true_.cumulative,
      digest,
    };
  };
  const iris = [...store.outgoing.keys(), ...store.incoming.keys()];
  const states = ["none", "prepared", "rejected", "released", "settled"] as const;
  const some = iris.filter(() => random.chance(0.3));
  const open = [...store.outgoing.values()]
    .filter(() => random.chance(0.5))
    .map(({ row: { iri, request, promise } }) => ({ transfer: iri, request, promise }));
  const told: (Message | Message[])[] = [
    { type: "checkpoint", checkpoint: pen.checkpoint(head()) },
    { type: "checkpoint", checkpoint: pen.checkpoint({ ...link.in, seq: link.in.seq + 1n }) },
    { type: "checkpoint", checkpoint: pen.checkpoint({ ...link.in, seq: acked.seq + 1n, digest: "other" }) },
    { type: "resync", out: head(), in: head(), open: some },
    {
      ...{ type: "resynced" as const, nonce, out: head(), in: head(), open, prepared: some },
      states: iris.map((transfer) => ({ transfer, state: random.pick(states)! })),
    },
    { type: "known", epoch: link.peerSession.epoch + BigInt(random.below(3)), nonce },
    { type: "known", epoch: 2n ** 62n, nonce },
    {
      type: "pull",
      log: random.chance(0.5) ? "yours" : "mine",
      after: absurd(world),
      nonce: random.chance(0.5) ? nonce : null,
    },
    { type: "page", log: "mine", nonce, entries: [], requests: [] },
    {
      type: "page",
      log: "yours",
      nonce,
      entries: store.received.map((entry) => ({ ...entry, cumulative: entry.cumulative + 1n })),
      requests: [],
    },
  ];
  return random.pick(told)!;
}

const LIES = [altered, altered, altered, asked, asked, promised, claimed, borrowed, recalled];
