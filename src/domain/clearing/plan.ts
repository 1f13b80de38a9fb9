import { sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import type { Loaded } from "./load.ts";
import type { Message, Session } from "./messages-rules.ts";
import type { Round } from "./round.ts";
import { wants } from "./rules.ts";
import type { Wire } from "./wire.ts";

/** What one round takes at most. Whatever is left over is the next round's. */
const ENVELOPES = 20;
const MESSAGES = 200;
const ORDERS = 200;
const QUESTIONS = 100;
/** Each is answered with up to a hundred entries. */
const PULLS = 4;

/** What a round is to do: all there is, or one thing alone, when something among it cannot be done. */
export interface Scope {
  inbox: "all" | "none" | { envelope: bigint; message: number | null };
  orders: "all" | "none" | { iri: string };
  questions: boolean;
}

/** One message, as it was said. */
export interface Said {
  session: Session;
  state: PeerState;
  message: Message;
  envelope: string;
}

/** All that a round is about, read without locks. */
export interface Stock {
  /** Envelopes that are done with after this round, and whether others wait. */
  envelopes: bigint[];
  said: Said[];
  heard: boolean;
  /** The newest state that the peer named. */
  theirState: PeerState | null;
  theirSession: Session | null;
  /** Transfers to lock, those of them that the messages name, and the agreements they pay for. */
  iris: string[];
  named: Set<string>;
  agreementIds: Id[];
  orders: string[];
  due: string[];
  /** Entries wait that have no room in this round: newer ones would come ahead of their turn. */
  backlog: boolean;
  /** All open transfers are among them. */
  open: boolean;
  more: boolean;
  entries: { sent: bigint[]; received: bigint[]; of: string[]; pulled: boolean };
}

export async function takeStock(ctx: Ctx, loaded: Loaded, wire: Wire, scope: Scope): Promise<Stock> {
  const { said, envelopes, more, last } = await takeInbox(ctx, loaded, wire, scope);
  const heard = envelopes.length > 0 || said.length > 0;
  if (heard && loaded.failures > 0 && !loaded.refused) await wakeUp(ctx, loaded.peerId);
  const wanted = said.map(({ message }) => wants(message, loaded.link));
  const named = new Set(wanted.flatMap(({ transfers }) => transfers));
  const open = !loaded.link.ready || wanted.some((want) => want.open);
  const now = ctx.clock.now().toISOString();
  const orders = scope.orders === "none" ? 0 : ORDERS;
  const asks = scope.questions ? QUESTIONS : 0;
  const one = typeof scope.orders === "string" ? null : scope.orders.iri;
  const rows = await ctx.db.execute<{ iri: string; agreement_id: string | null; what: string }>(sql`
    with mine as not materialized (select * from clearing_transfers where peer_id = ${loaded.peerId}::bigint)
    select iri, agreement_id, 'named' as what from mine where iri = any(${sql.param([...named])}::text[])
    union all (select iri, agreement_id, 'order' from mine
      where "order" is not null and (retry is null or retry <= ${now}::timestamptz) and (promise is not null or "order" like '{"type":"abort"%') and (${one}::text is null or iri = ${one}::text)
      order by iri limit ${orders}::int)
    union all (select iri, agreement_id, 'due' from mine
      where due <= ${now}::timestamptz and state <> 'committed' order by due limit ${asks}::int)
    union all (select iri, agreement_id, 'entry' from mine
      where due <= ${now}::timestamptz and state = 'committed' order by seq limit ${asks}::int)
    union all (select iri, agreement_id, 'open' from mine where ${open}::boolean and state in ('reserved', 'prepared'))`);
  const of = (...kinds: string[]) =>
    [...rows].filter(({ what }) => kinds.includes(what)).map(({ iri }) => iri);
  const full = (kind: string, limit: number) => limit > 0 && of(kind).length === limit;
  const agreementIds = [...rows].flatMap(({ agreement_id }) =>
    agreement_id === null ? [] : [BigInt(agreement_id)],
  );
  return {
    ...{ envelopes, said, heard, open },
    theirState: last?.state ?? null,
    theirSession: last?.session ?? null,
    iris: [...new Set([...rows].map(({ iri }) => iri))],
    named: new Set(of("named")),
    agreementIds: [...new Set(agreementIds)],
    orders: of("order"),
    due: of("due", "entry"),
    backlog: full("entry", asks),
    more: more || full("order", orders) || full("due", asks) || full("entry", asks),
    entries: {
      sent: unique(wanted.flatMap(({ sent }) => sent)),
      received: unique(wanted.flatMap(({ received }) => received)),
      of: said.flatMap(({ message }) => (message.type === "abort" ? [message.transfer] : [])),
      pulled: said.some(({ message }) => message.type === "pull" && message.nonce !== null),
    },
  };
}

/** The oldest envelopes, as many as fit; one that nobody can read is done with. */
async function takeInbox(ctx: Ctx, { peerId, link, keys }: Loaded, wire: Wire, { inbox }: Scope) {
  const empty = { said: [] as Said[], envelopes: [] as bigint[], more: false, last: null };
  if (inbox === "none") return empty;
  const only = inbox === "all" ? null : inbox;
  const rows = await ctx.db.execute<{ id: string; body: string }>(sql`
    select id, body from clearing_inbox
    where peer_id = ${peerId}::bigint and (${only === null}::boolean or id = ${(only?.envelope ?? 0n).toString()}::bigint)
    order by id limit ${ENVELOPES + 1}::int`);
  const said: Said[] = [];
  const envelopes: bigint[] = [];
  let last: { session: Session; state: PeerState } | null = null;
  let pulls = 0;
  for (const { id, body } of rows) {
    const opened = wire.open(body, { iri: link.peer, keys });
    const messages = opened?.messages ?? [];
    if (envelopes.length === ENVELOPES || (said.length > 0 && said.length + messages.length > MESSAGES))
      return { said, envelopes, more: true, last };
    envelopes.push(BigInt(id));
    if (opened === null) continue;
    last = opened;
    for (const [index, message] of messages.entries()) {
      if (only !== null && only.message !== null && only.message !== index) continue;
      if (message.type === "pull" && ++pulls > PULLS) continue;
      said.push({ session: opened.session, state: opened.state, message, envelope: body });
    }
  }
  return { said, envelopes, more: false, last };
}

/** The peer is there again: what waited for it does not wait longer. */
async function wakeUp(ctx: Ctx, peerId: Id): Promise<void> {
  const now = sql`${ctx.clock.now().toISOString()}::timestamptz`;
  await ctx.db.execute(sql`
    update clearing_transfers set due = ${now}, attempts = 0
    where peer_id = ${peerId}::bigint and side = 'payer' and due > ${now}`);
}

/**
 * Reads the entries that the messages are about, of both logs.
 *
 * @returns the transfers that they are of, where those are wanted with them
 */
export async function addEntries(ctx: Ctx, round: Round, { entries }: Stock, wire: Wire): Promise<string[]> {
  const { sent, received, of, pulled } = entries;
  if (sent.length + received.length + of.length === 0) return [];
  const peerId = sql`${round.loaded.peerId}::bigint`;
  const rows = await ctx.db.execute<{ direction: string; seq: string; transfer: string; body: string }>(sql`
    select direction, seq, transfer, body from clearing_entries
    where peer_id = ${peerId} and direction = 'out' and seq = any(${sql.param(sent.map(String))}::bigint[])
    union select direction, seq, transfer, body from clearing_entries
    where peer_id = ${peerId} and direction = 'in' and seq = any(${sql.param(received.map(String))}::bigint[])
    union select direction, seq, transfer, body from clearing_entries
    where peer_id = ${peerId} and direction = 'in' and transfer = any(${sql.param(of)}::text[])`);
  for (const { direction, seq, body } of rows)
    (direction === "out" ? round.sent : round.received).set(BigInt(seq), () => wire.entry(body));
  return pulled ? [...rows].map(({ transfer }) => transfer) : [];
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
