import { and, eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { clearingLinks, clearingTransfers } from "../../db/schema/clearing.ts";
import { type PeerState, peers } from "../../db/schema/peers.ts";
import { lockAgreements, weighRequests } from "../agreements/clearing.ts";
import type { Ctx } from "../context.ts";
import { isPassing } from "../errors.ts";
import { hostIsBack } from "../hosts/commands.ts";
import { peerIsBack } from "../peers/copies.ts";
import { transact } from "../transact.ts";
import { handshake } from "./handshake-rules.ts";
import { begin, type Link, type Pen } from "./link-rules.ts";
import { type Loaded, lockLink, lockTransfers } from "./load.ts";
import { belongs, type CreditTransfer, type Message, type Session } from "./messages-rules.ts";
import { addEntries, type Scope, type Stock, takeStock } from "./plan.ts";
import { type Asked, delay, questions } from "./questions.ts";
import { addRows, apply, newRound, type Round, repliesOf, rowsOf, sparing } from "./round.ts";
import { receive } from "./rules.ts";
import { linkColumns, write } from "./store.ts";
import { ask, decide } from "./transfer-rules.ts";
import type { Wire } from "./wire.ts";

export type { Opened, Wire } from "./wire.ts";

/** Another process decides now: this one has nothing more to say. */
export class SessionLost extends Error {
  override readonly name = "SessionLost";
}

/** What is to be posted to the peer after a round, and when there is more to do. */
export interface Worked {
  session: Session;
  state: PeerState;
  messages: Message[];
  /** It changes when the rules begin anew. */
  nonce: string;
  /** When something is due again; null: nothing is waited for. */
  next: Date | null;
  /** There is more to do at once. */
  more: boolean;
  /** What went wrong with single messages, which were dropped, and with single orders, which wait: for the log. */
  failures: unknown[];
}

const ALL: Scope = { inbox: "all", orders: "all", questions: true };
/** How long until a handshake is offered again, or the ledger looked at again. */
const AGAIN = 5_000;
/** How long an order that cannot be carried out waits, until it is tried again. */
const PARKED = 10 * 60_000;
const REPLIES = 600;

/** A deciding process begins to work with a peer: nothing counts before hands are shaken. Whoever did so before is out. */
export async function beginSession(ctx: Ctx, peerId: Id, nonce: string): Promise<void> {
  await transact(ctx, async (ctx) => {
    const loaded = await lockLink(ctx, peerId);
    if (loaded === null) throw new Error(`Peer ${peerId} has no clearing.`);
    await ctx.db
      .update(clearingLinks)
      .set({ ...linkColumns(begin(loaded.link, nonce)), resting: null })
      .where(eq(clearingLinks.peerId, peerId));
  });
}

/**
 * One round with a peer, in one transaction: what came from it, what users ordered, what is to be asked again; and what is to be
 * posted to it now. Bounded, whatever waits. A message that makes the round fail is found and dropped, and blocks nothing else.
 *
 * @param nonce of this process's session with the peer
 * @throws SessionLost when another process works with the peer
 */
export async function work(ctx: Ctx, peerId: Id, nonce: string, wire: Wire): Promise<Worked> {
  try {
    return await oneRound(ctx, peerId, nonce, wire, ALL);
  } catch (error) {
    if (error instanceof SessionLost || isPassing(error)) throw error;
    return oneByOne(ctx, peerId, nonce, wire, error);
  }
}

/** Each envelope alone, and of one that fails each message alone; then the orders alike. */
async function oneByOne(ctx: Ctx, peerId: Id, nonce: string, wire: Wire, first: unknown): Promise<Worked> {
  const failures: unknown[] = [first];
  const messages: Message[] = [];
  const attempt = async (scope: Partial<Scope>): Promise<Worked | null> => {
    try {
      const done = await oneRound(ctx, peerId, now.nonce, wire, { ...NOTHING, ...scope });
      messages.push(...done.messages);
      now = done;
      return done;
    } catch (error) {
      if (error instanceof SessionLost || isPassing(error)) throw error;
      failures.push(error);
      return null;
    }
  };
  let now: Pick<Worked, "nonce"> = { nonce };
  for (const { id, size } of await waiting(ctx, peerId, wire)) {
    if ((await attempt({ inbox: { envelope: id, message: null } })) !== null) continue;
    for (let message = 0; message < size; message++) await attempt({ inbox: { envelope: id, message } });
    await ctx.db.execute(sql`delete from clearing_inbox where id = ${id.toString()}::bigint`);
  }
  if ((await attempt({ orders: "all" })) === null)
    for (const iri of await ordered(ctx, peerId))
      if ((await attempt({ orders: { iri } })) === null) await park(ctx, iri, failures.at(-1));
  const last = await attempt({ questions: true });
  if (last === null) throw first;
  return { ...last, messages, failures, next: last.next ?? later(ctx, AGAIN), more: false };
}

const NOTHING: Scope = { inbox: "none", orders: "none", questions: false };

async function waiting(ctx: Ctx, peerId: Id, wire: Wire): Promise<{ id: bigint; size: number }[]> {
  const rows = await ctx.db.execute<{ id: string; body: string; iri: string; keys: string[] }>(sql`
    select i.id, i.body, a.iri, array(select key from peer_keys k where k.peer_id = p.id) as keys from clearing_inbox i join peers p on p.id = i.peer_id join actors a on a.id = p.actor_id
    where i.peer_id = ${peerId}::bigint order by i.id limit 20`);
  return [...rows].map(({ id, body, ...peer }) => ({
    id: BigInt(id),
    size: wire.open(body, peer)?.messages.length ?? 0,
  }));
}

async function ordered(ctx: Ctx, peerId: Id): Promise<string[]> {
  const rows = await ctx.db.execute<{ iri: string }>(sql`
    select iri from clearing_transfers
    where peer_id = ${peerId}::bigint and "order" is not null
      and (retry is null or retry <= ${ctx.clock.now().toISOString()}::timestamptz)
    order by iri limit 200`);
  return [...rows].map(({ iri }) => iri);
}

/** It waits by itself, and keeps nothing else waiting; administrators see it. */
async function park(ctx: Ctx, iri: string, error: unknown): Promise<void> {
  await ctx.db
    .update(clearingTransfers)
    .set({ stuck: whyOf(error).slice(0, 500), retry: later(ctx, PARKED) })
    .where(and(eq(clearingTransfers.iri, iri), eq(clearingTransfers.state, "reserved")));
}

/** The innermost of what was the matter: what is around it repeats the statement. */
function whyOf(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error ? cause.message : `${cause}`;
}

const later = (ctx: Ctx, milliseconds: number) => new Date(ctx.clock.now().getTime() + milliseconds);

function oneRound(ctx: Ctx, peerId: Id, nonce: string, wire: Wire, scope: Scope): Promise<Worked> {
  return transact(ctx, async (ctx) => {
    const loaded = await lockLink(ctx, peerId);
    if (loaded === null || loaded.link.session.nonce !== nonce)
      throw new SessionLost(`Another process works with peer ${peerId}.`);
    const pen = await wire.pen(ctx.db, { iri: loaded.link.peer });
    // Nothing can be posted: what came waits, and so does what was ordered.
    if (loaded.ledgerFrozen) return worked(loaded.link, [], { next: later(ctx, AGAIN), more: false });
    const stock = await takeStock(ctx, loaded, wire, scope);
    const { round, found } = await load(ctx, loaded, stock, wire);
    return conclude(ctx, round, stock, found, {
      ...{ pen, wire, speaks: scope.questions, decides: scope.orders !== "none" },
    });
  });
}

function worked(link: Link, messages: Message[], when: Pick<Worked, "next" | "more">): Worked {
  const { session, state } = link;
  return { session, state, messages, nonce: session.nonce, failures: [], ...when };
}

/** Locks agreements, then transfers; reads what the messages are about; asks the agreements about requests. */
async function load(ctx: Ctx, loaded: Loaded, stock: Stock, wire: Wire) {
  const { hub, link, peerId } = loaded;
  const requests = new Map<string, CreditTransfer>();
  for (const { message } of stock.said) {
    if (message.type !== "reserve" || !belongs(message, link.peer, hub)) continue;
    const { iri } = message.request.terms;
    if (!stock.named.has(iri) && !requests.has(iri)) requests.set(iri, message.request);
  }
  if (stock.agreementIds.length > 0) await lockAgreements(ctx, stock.agreementIds.sort(ascending));
  const weighed =
    requests.size > 0 ? await weighRequests(ctx, peerId, [...requests.values()]) : new Map<string, never>();
  const round = newRound(loaded, []);
  const pulled = await addEntries(ctx, round, stock, wire);
  addRows(round, await lockTransfers(ctx, peerId, [...new Set([...stock.iris, ...pulled])]));
  const found = new Map<string, Id | null>();
  for (const [iri, { digest }] of requests) {
    const answer = weighed.get(iri);
    if (answer === undefined) continue;
    round.refusals.set(digest, answer.refusal);
    found.set(iri, answer.agreementId);
  }
  return { round, found };
}

const ascending = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);

/** Lets the rules decide about all of it, writes what they made of it, and collects what is to be said. */
async function conclude(
  ctx: Ctx,
  round: Round,
  stock: Stock,
  found: Map<string, Id | null>,
  { pen, wire, speaks, decides }: { pen: Pen; wire: Wire; speaks: boolean; decides: boolean },
): Promise<Worked> {
  const { loaded } = round;
  const rows = rowsOf(round);
  const quick = sparing(pen, round);
  let checkpoint: string | undefined;
  let envelope: string | null = null;
  for (const { session, message, envelope: said } of stock.said) {
    // Asked for with other words beside a request that was weighed: the peer asks again.
    if (message.type === "reserve" && rows.incoming(message.request.terms.iri) === undefined)
      if (!round.refusals.has(message.request.digest)) continue;
    const acked = round.link.acked.seq;
    const outcome = receive(round.link, session, message, rows, quick);
    if (outcome.evidence !== null) envelope = said;
    apply(round, outcome, false);
    if (message.type === "checkpoint" && round.link.acked.seq > acked) checkpoint = message.checkpoint.body;
  }
  // An order may have waited for the promise that has just come.
  const freed = [...round.changed.keys()].filter((iri) => round.outgoing.get(iri)?.order != null);
  for (const iri of decides ? new Set([...stock.orders, ...freed]) : []) {
    const known = round.outgoing.get(iri);
    const outcome = known === undefined ? null : decide(round.link, known, pen);
    if (outcome !== null) apply(round, outcome, true);
  }
  const now = ctx.clock.now();
  const { link } = round;
  const isOpen = link.state === "active" || link.state === "draining";
  const resting =
    (!stock.heard || loaded.refused) && loaded.resting !== null && loaded.resting > now
      ? loaded.resting
      : null;
  const asks = isOpen && speaks && resting === null;
  for (const iri of asks ? stock.due : []) {
    const known = round.outgoing.get(iri);
    const outcome = known === undefined ? null : ask(round.link, known, pen);
    if (outcome !== null) apply(round, outcome, false);
  }
  const asked = questions(round, stock.due, {
    now,
    wire,
    speaks: asks && link.ready,
    backlog: stock.backlog,
  });
  await write(ctx, round, asked.asked, found, envelope);
  const replies = isOpen ? repliesOf(round, pen, REPLIES) : [];
  const pulls = replies.some((reply) => reply.type === "pull" && reply.nonce !== null);
  const hand = asks && !pulls && (link.ready || stock.open) ? handshake(link, rows) : null;
  const soonest = await keep(ctx, round, stock, asked.asked, checkpoint);
  const messages = [...replies, ...(hand === null ? [] : [hand]), ...asked.messages];
  const when = resting ?? (link.ready ? soonest : later(ctx, AGAIN));
  const more = stock.more && (asks || stock.envelopes.length > 0);
  // A session that began within this round has not offered its hand yet.
  const begun = !link.ready && !stock.open;
  return worked(link, messages, { next: isOpen ? when : null, more: isOpen && (more || begun) });
}

/**
 * Writes the link, when what was asked is due again, and what is done with.
 *
 * @returns when the next transfer is due
 */
async function keep(
  ctx: Ctx,
  { loaded, link, changed }: Round,
  stock: Stock,
  asked: Map<string, Asked>,
  checkpoint: string | undefined,
): Promise<Date | null> {
  const { peerId } = loaded;
  const now = ctx.clock.now();
  const again = [...asked].filter(([iri]) => !changed.has(iri));
  if (again.length > 0)
    await ctx.db.execute(sql`
      update clearing_transfers t set due = said.due, attempts = said.attempts
      from unnest(
        ${sql.param(again.map(([iri]) => iri))}::text[],
        ${sql.param(again.map(([, { due }]) => due?.toISOString() ?? null))}::text[]::timestamptz[],
        ${sql.param(again.map(([, { attempts }]) => attempts))}::int[]
      ) as said (iri, due, attempts)
      where t.iri = said.iri`);
  if (link.acked.seq > loaded.link.acked.seq)
    await ctx.db.execute(sql`
      update clearing_transfers set due = null
      where peer_id = ${peerId}::bigint and due is not null and state = 'committed' and seq <= ${link.acked.seq}::bigint`);
  if (stock.envelopes.length > 0)
    await ctx.db.execute(sql`
      delete from clearing_inbox where id = any(${sql.param(stock.envelopes.map(String))}::bigint[])`);
  if (stock.heard && loaded.failures > 0 && !loaded.refused) await isBack(ctx, link.peer);
  const current = stock.theirSession !== null && stock.theirSession.epoch >= link.peerSession.epoch;
  if (current && stock.theirState !== null && stock.theirState !== loaded.theirState)
    await ctx.db.update(peers).set({ theirState: stock.theirState }).where(eq(peers.id, peerId));
  const [row] = await ctx.db
    .update(clearingLinks)
    .set({
      ...linkColumns(link),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(stock.heard ? { heard: now } : {}),
      ...(stock.heard && !loaded.refused ? { reached: now, failure: null, failures: 0, resting: null } : {}),
    })
    .where(eq(clearingLinks.peerId, peerId))
    .returning({
      due: sql<
        string | null
      >`(select min(due) from clearing_transfers where peer_id = ${peerId}::bigint and due is not null)`,
    });
  return row?.due == null ? null : new Date(row.due);
}

/** The peer took what was posted. */
export async function peerReached(ctx: Ctx, peerId: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const loaded = await lockLink(ctx, peerId);
    if (loaded === null) return;
    await ctx.db
      .update(clearingLinks)
      .set({ reached: ctx.clock.now(), failure: null, failures: 0, resting: null })
      .where(eq(clearingLinks.peerId, peerId));
    if (loaded.failures > 0) await isBack(ctx, loaded.link.peer);
  });
}

/** What else waits for the peer waits no longer. */
async function isBack(ctx: Ctx, peer: string): Promise<void> {
  const { origin } = new URL(peer);
  await peerIsBack(ctx, origin);
  await hostIsBack(ctx, origin);
}

/** The peer could not be reached: it rests, longer each time, up to 30 s. */
export async function peerFailed(ctx: Ctx, peerId: Id, failure: string): Promise<void> {
  await transact(ctx, async (ctx) => {
    const loaded = await lockLink(ctx, peerId);
    if (loaded === null) return;
    const resting = later(ctx, delay(loaded.failures));
    await ctx.db
      .update(clearingLinks)
      .set({ failure: failure.slice(0, 500), failures: sql`${clearingLinks.failures} + 1`, resting })
      .where(eq(clearingLinks.peerId, peerId));
  });
}
