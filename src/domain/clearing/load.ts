import { sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import type { ClearingState } from "../../db/schema/clearing.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import type { PeerAccounts } from "../ledger/accounts.ts";
import type { Incoming, Link, Outgoing } from "./link-rules.ts";
import type { Resynced, Signed, Terms } from "./messages-rules.ts";
import type { PlacedOrder } from "./orders.ts";
import { unpack } from "./packed.ts";

/** A peer's clearing with its row locked, and what is around it. */
export interface Loaded {
  link: Link;
  peerId: Id;
  /** Iri of this hub's actor. */
  hub: string;
  /** All Multikeys that were ever accepted for the peer, the one that counts first; and how people know it. */
  keys: readonly string[];
  name: string;
  accounts: PeerAccounts;
  theirState: PeerState | null;
  /** Nothing can be posted at all. */
  ledgerFrozen: boolean;
  resting: Date | null;
  failures: number;
  /** The peer answers, and takes nothing of us: that it is heard does not end this. */
  refused: boolean;
}

type Row<K extends string> = Record<K, string> & Record<string, unknown>;

/** @returns null when the peer has no clearing */
export async function lockLink(ctx: Ctx, peerId: Id): Promise<Loaded | null> {
  const [row] = await ctx.db.execute<
    Row<"epoch" | "nonce" | "peer_epoch" | "peer_nonce" | "out_seq" | "out_cumulative" | "out_digest"> &
      Row<"in_seq" | "in_cumulative" | "in_digest" | "acked_seq" | "acked_cumulative" | "prepared"> &
      Row<"iri" | "hub" | "key" | "name" | "they_may_owe" | "credit" | "seconds" | "clearing"> & {
        state: PeerState;
        their_state: PeerState | null;
        resync: string | null;
        ready: boolean;
        prepared_count: number;
        refused: string;
        ledger_frozen: boolean;
        old_keys: string[];
        resting: string | null;
        failures: number;
        failure: string | null;
      }
  >(sql`
    select l.*, p.state, p.their_state, p.key,
      array(select key from peer_keys k where k.peer_id = p.id and k.key <> p.key order by accepted desc) as old_keys, p.they_may_owe, peer.iri, peer.name, own.iri as hub,
      exists (select from ledger_freezes where released is null) as ledger_frozen,
      (select count(*) from (select from clearing_transfers t where t.peer_id = l.peer_id and t.created > ${since(ctx)}::timestamptz
        and (t.state = 'rejected' or t.state = 'released' and t.request is null) limit ${ROOM}) today) as refused,
      credit.id as credit, seconds.id as seconds, clearing.id as clearing
    from clearing_links l join peers p on p.id = l.peer_id join actors peer on peer.id = p.actor_id
      join hubs on hubs.id = 1 join actors own on own.id = hubs.actor_id
      join ledger_accounts credit on credit.kind = 'conversion' and credit.actor_id = p.actor_id and credit.unit = 'credit'
      join ledger_accounts seconds
        on seconds.kind = 'conversion' and seconds.actor_id = p.actor_id and seconds.unit = 'hour-second'
      join ledger_accounts clearing
        on clearing.kind = 'clearing' and clearing.actor_id = p.actor_id and clearing.unit = 'hour-second'
    where l.peer_id = ${peerId}::bigint
    for no key update of l`);
  if (row === undefined) return null;
  return {
    link: {
      peer: row.iri,
      state: row.state,
      limit: BigInt(row.they_may_owe),
      ready: row.ready,
      session: { epoch: BigInt(row.epoch), nonce: row.nonce },
      peerSession: { epoch: BigInt(row.peer_epoch), nonce: row.peer_nonce },
      out: { seq: BigInt(row.out_seq), cumulative: BigInt(row.out_cumulative), digest: row.out_digest },
      in: { seq: BigInt(row.in_seq), cumulative: BigInt(row.in_cumulative), digest: row.in_digest },
      acked: { seq: BigInt(row.acked_seq), cumulative: BigInt(row.acked_cumulative) },
      prepared: BigInt(row.prepared),
      preparedCount: row.prepared_count,
      room: ROOM - Number(row.refused),
      resync: row.resync === null ? null : unpack<Resynced>(row.resync),
    },
    peerId,
    hub: row.hub,
    keys: [row.key, ...row.old_keys],
    name: row.name,
    accounts: { credit: BigInt(row.credit), seconds: BigInt(row.seconds), clearing: BigInt(row.clearing) },
    theirState: row.their_state,
    ledgerFrozen: row.ledger_frozen,
    resting: row.resting === null ? null : new Date(row.resting),
    failures: row.failures,
    refused: REFUSALS.has(row.failure ?? ""),
  };
}

/** Transfers of a peer that came to nothing and are remembered, in a day. An honest peer sends a few; each takes some 2 kB. */
const ROOM = 10_000;

function since(ctx: Ctx): string {
  return new Date(ctx.clock.now().getTime() - 86_400_000).toISOString();
}

/** What a peer's door answers for reasons that only people, or the right time, can mend (docs/clearing.md, section 6). */
const REFUSALS: ReadonlySet<string> = new Set([
  ...["bad_proof", "key_changed", "clock_skew"],
  ...["not_a_peer", "other_receiver", "peer_frozen"],
]);

/** A transfer's row, with what the rules do not see of it. Signed texts and terms stay texts until they are needed. */
export interface Kept {
  iri: string;
  side: "payer" | "payee";
  state: ClearingState;
  transferId: Id | null;
  agreementId: Id | null;
  terms: string | null;
  request: string | null;
  digest: string | null;
  promise: string | null;
  promiseDigest: string | null;
  reason: string | null;
  order: string | null;
  seq: bigint | null;
  due: Date | null;
  attempts: number;
  created: Date;
  /** Of our own log, where it is paid: the entry as it was signed. */
  entry: string | null;
}

/** Transfers of a peer, by their iris, locked: the agreements they pay for are locked before them. */
export async function lockTransfers(ctx: Ctx, peerId: Id, iris: readonly string[]): Promise<Kept[]> {
  if (iris.length === 0) return [];
  const rows = await ctx.db.execute<
    Record<string, unknown> & {
      iri: string;
      side: "payer" | "payee";
      state: ClearingState;
      transfer_id: string | null;
      agreement_id: string | null;
      terms: string | null;
      request: string | null;
      digest: string | null;
      promise: string | null;
      promise_digest: string | null;
      reason: string | null;
      order: string | null;
      seq: string | null;
      due: string | null;
      attempts: number;
      created: string;
      entry: string | null;
    }
  >(sql`
    select t.*, case when t.due is not null and t.state = 'committed' then
      (select body from clearing_entries e where e.peer_id = t.peer_id and e.direction = 'out' and e.seq = t.seq) end as entry
    from clearing_transfers t
    where t.iri = any(${sql.param([...iris])}::text[]) and t.peer_id = ${peerId}::bigint
    order by t.iri for no key update of t`);
  return [...rows].map((row) => ({
    iri: row.iri,
    side: row.side,
    state: row.state,
    transferId: idOrNull(row.transfer_id),
    agreementId: idOrNull(row.agreement_id),
    terms: row.terms,
    request: row.request,
    digest: row.digest,
    promise: row.promise,
    promiseDigest: row.promise_digest,
    reason: row.reason,
    order: row.order,
    seq: idOrNull(row.seq),
    due: row.due === null ? null : new Date(row.due),
    attempts: row.attempts,
    created: new Date(row.created),
    entry: row.entry,
  }));
}

const idOrNull = (text: string | null) => (text === null ? null : BigInt(text));

/** A row as the rules see it; what it came to is with the ledger. */
export function toOutgoing(kept: Kept, { hub, link }: Pick<Loaded, "hub" | "link">): Outgoing {
  const { iri, state, reason, seq } = kept;
  return {
    ...{ iri, reason, seq, settled: null },
    state: state as Outgoing["state"],
    ...documents(kept, hub, link.peer),
    order: kept.order === null ? null : unpack<PlacedOrder>(kept.order),
  };
}

/** The same of what we are paid. */
export function toIncoming(kept: Kept, { hub, link }: Pick<Loaded, "hub" | "link">): Incoming {
  const { iri, state, reason, seq } = kept;
  const { request, promise } = documents(kept, link.peer, hub);
  return {
    ...{ iri, request, promise, seq, settled: null },
    state: state as Incoming["state"],
    reason: reason as Incoming["reason"],
  };
}

/** The two signed documents are put together again from the columns: their texts need not be read. */
function documents({ iri, ...kept }: Kept, payer: string, payee: string) {
  const terms = kept.terms === null ? null : unpack<Terms>(kept.terms);
  const signed = (writer: string, reader: string, digest: string, body: string): Signed => ({
    ...{ writer, reader, digest, body },
  });
  return {
    terms,
    request:
      kept.request === null || kept.digest === null || terms === null
        ? null
        : { ...signed(payer, payee, kept.digest, kept.request), terms },
    promise:
      kept.promise === null || kept.promiseDigest === null
        ? null
        : {
            ...signed(payee, payer, kept.promiseDigest, kept.promise),
            ...{ transfer: iri, request: kept.digest ?? "" },
          },
  };
}
