import type { Outcome } from "../src/domain/clearing/link-rules.ts";
import type { Message } from "../src/domain/clearing/messages-rules.ts";
import { apply, openOf, rowsFor } from "./database.ts";
import { documentsOf, keyOf, penOf, renewed } from "./documents.ts";
import { checkEvidence, checkLink } from "./invariants.ts";
import {
  check,
  clockOf,
  copyOf,
  type Envelope,
  HOUR,
  type Hub,
  type LinkStore,
  SECOND,
  type World,
} from "./world.ts";

/** Envelopes that one transaction takes, and messages that one envelope carries at most. */
const BATCH = 8;
const MESSAGES = 200;
/** Numbers beyond it do not fit the database: the door turns them away. */
const MOST = 2n ** 53n;

/** The deciding process starts: it takes the lock, and begins a new session with every peer. */
export function start(world: World, hub: Hub): void {
  const nonces = hub.store.links.map((store, peer) => {
    if (store === null) return "";
    const nonce = penOf(hub.iri, store.link.peer, hub.key, world.random).nonce();
    store.link = world.rules.begin(store.link, nonce);
    store.due = 0;
    world.trace?.(`hub ${hub.number} begins session ${store.link.session.epoch} with ${peer}`);
    return nonce;
  });
  hub.workers.push(nonces);
}

/** The machine goes off; perhaps what it comes back with is an older database. */
export function crash(world: World, hub: Hub, backup: number | null, until: number): void {
  world.counts.crashes++;
  hub.workers = [];
  hub.down = until;
  const kept = backup === null ? undefined : hub.backups[backup];
  world.trace?.(`hub ${hub.number} crashes${kept ? ` and loses all since backup ${backup}` : ""}`);
  if (kept === undefined) return;
  world.counts.restores++;
  hub.lost = true;
  hub.store = copyOf(kept);
  // What was backed up later is of a past that never was.
  hub.backups.length = (backup ?? 0) + 1;
}

/** POST /clearing. Returns the HTTP status. */
export function door(world: World, hub: Hub, envelope: Envelope): number {
  const store = hub.store.links[envelope.from];
  if (!store || !envelope.intact || envelope.to !== hub.number) return 401;
  if (envelope.key !== store.pinned) return 401;
  const late = clockOf(world, hub) - envelope.published;
  if (late > 12 * HOUR || late < -HOUR) return 401;
  for (const message of envelope.messages) {
    if (!inRange(message)) return 400;
    for (const document of documentsOf(message)) {
      const version = keyOf(document);
      // Own keys are known, all of them. A writer that is neither of us is left to the rules: it was signed, but not for this pair of hubs.
      if (version === null || (document.writer === store.link.peer && version !== store.pinned)) return 401;
    }
  }
  store.inbox.push(envelope);
  return 202;
}

function inRange(message: Message): boolean {
  const numbers =
    message.type === "entry"
      ? [message.entry.seq, message.entry.cumulative, ...Object.values(message.entry.amounts)]
      : message.type === "checkpoint"
        ? [message.checkpoint.seq, message.checkpoint.cumulative]
        : message.type === "pull"
          ? [message.after]
          : message.type === "reserve"
            ? [
                message.request.terms.quote.payer,
                message.request.terms.quote.payee,
                message.request.terms.quote.seconds,
              ]
            : [];
  return numbers.every((number) => number < MOST && number > -MOST);
}

/**
 * One transaction of the deciding process with one peer, and the envelope to post when it is committed; null when there is nothing to say, or
 * when the process is no longer the one that decides.
 */
export function work(world: World, hub: Hub, peer: number, worker: string[]): Envelope | null {
  const { rules, random } = world;
  const store = hub.store.links[peer]!;
  if (store.link.session.nonce !== worker[peer]) {
    hub.workers = hub.workers.filter((one) => one !== worker);
    return null;
  }
  const pen = penOf(hub.iri, store.link.peer, hub.key, random);
  const now = clockOf(world, hub);
  const messages: Message[] = [];
  const settle = (outcome: Outcome) => {
    apply(world, hub, peer, outcome, now);
    messages.push(...outcome.replies);
  };
  for (const envelope of store.inbox.splice(0, BATCH))
    for (const message of envelope.messages) {
      world.trace?.(`hub ${hub.number} reads from ${peer}: ${show(message)}`);
      const fresh = message.type === "reserve" && !store.incoming.has(message.request.terms.iri);
      const outcome = rules.receive(
        store.link,
        envelope.session,
        message,
        rowsFor(world, hub, store, message),
        pen,
      );
      const heard = outcome.link !== store.link || outcome.incoming.length + outcome.outgoing.length > 0;
      check(
        !heard || store.link.state !== "frozen",
        () => `hub ${hub.number} froze ${peer}, and believes a ${message.type}`,
      );
      const before = store.link;
      const acked = outcome.link.acked.seq > store.link.acked.seq;
      settle(outcome);
      if (acked && message.type === "checkpoint") store.checkpoint = message.checkpoint;
      checkEvidence(hub, store, before, envelope.session, message);
      checkLink(world, hub, peer, fresh ? message : null);
    }
  for (const { row } of store.outgoing.values()) {
    const outcome = row.order === null ? rules.ask(store.link, row, pen) : rules.decide(store.link, row, pen);
    if (outcome === null) continue;
    world.trace?.(`hub ${hub.number} decides with ${peer}: ${row.iri} ${row.order?.type ?? "ask"}`);
    settle(outcome);
    checkLink(world, hub, peer, null);
  }
  const going = store.link.ready && (store.link.state === "active" || store.link.state === "draining");
  const waiting = going && openOf(store).outgoing.find(({ order }) => order?.type === "abort");
  check(!waiting, () => `L2: hub ${hub.number} does not give ${waiting ? waiting.iri : ""} back at once`);
  worker[peer] = store.link.session.nonce;
  if (store.link.state === "frozen") return null;
  if (store.link.ready) questions(world, store, messages, now);
  else if (now >= store.due || store.due > now + 60 * SECOND) {
    store.due = now + 2 * SECOND;
    const message = rules.handshake(store.link, { open: () => openOf(store) });
    if (message !== null) messages.push(message);
  }
  if (messages.length === 0) return null;
  return {
    from: hub.number,
    to: peer,
    published: now,
    session: store.link.session,
    state: store.link.state,
    messages: messages.slice(0, MESSAGES).map((message) => renewed(message, hub.iri, hub.key)),
    key: hub.key,
    intact: true,
  };
}

function questions(world: World, store: LinkStore, messages: Message[], now: number): void {
  const later = (attempts: number) => now + Math.min(2 ** (attempts + 1), 30) * SECOND;
  // A clock that went back would make everything wait for as long.
  const due = (at: number | null) => at !== null && (at <= now || at > now + 60 * SECOND);
  for (const [iri, known] of store.outgoing) {
    if (!due(known.due)) continue;
    const { row, attempts } = known;
    const entry = row.seq === null ? null : (store.sent[Number(row.seq) - 1] ?? null);
    const message = world.rules.question({ outgoing: row, entry });
    store.outgoing.set(iri, { row, attempts: attempts + 1, due: message === null ? null : later(attempts) });
    if (message !== null) messages.push(message);
  }
  for (const [iri, known] of store.incoming) {
    if (!due(known.due)) continue;
    const { row, attempts } = known;
    const message = world.rules.question({ incoming: row });
    store.incoming.set(iri, { row, attempts: attempts + 1, due: message === null ? null : later(attempts) });
    if (message !== null) messages.push(message);
  }
}

/** A message in one line, for a trace. */
export function show(message: Message): string {
  return JSON.stringify(message, (key, value) =>
    key === "body" || key === "quote" || key === "writer" || key === "reader"
      ? undefined
      : typeof value === "bigint"
        ? Number(value)
        : value,
  );
}
