import { desc, eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { clearingEvidence } from "../../db/schema/clearing.ts";
import type { PeerState } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";

/** So many transfers of one kind, and what they are worth together in seconds of an HOUR. */
export interface Sum {
  count: number;
  seconds: bigint;
}

/** How clearing with a peer stands. Amounts between the hubs are seconds of an HOUR. */
export interface LinkView {
  peerId: Id;
  state: PeerState;
  /** Why it is frozen, draining or rejected. */
  reason: string | null;
  /** Hands are shaken: what is ordered is carried out. */
  ready: boolean;
  /** All that this hub ever owed the peer, and the other way; above zero `owed` is what this hub owes now, below zero the peer. */
  out: bigint;
  in: bigint;
  owed: bigint;
  /** Entries of both logs, and how much of ours the peer has acknowledged. */
  outSeq: bigint;
  inSeq: bigint;
  acked: bigint;
  /** Paid here, not acknowledged yet. */
  unacknowledged: bigint;
  theyMayOwe: bigint;
  weMayOwe: bigint;
  /** What our members have held and not decided about; what we have promised to take. */
  reserved: Sum;
  prepared: Sum;
  /** Decided here, and waiting for hands to be shaken. */
  ordered: number;
  heard: Date | null;
  reached: Date | null;
  /** Milliseconds by which the peer's clock is off. */
  skew: number | null;
  /** What is in the way of reaching it, how often in a row, and until when it rests. */
  failure: string | null;
  failures: number;
  resting: Date | null;
  /** How many pieces of evidence there are against the peer. */
  evidence: number;
}

/** How clearing with one peer stands, or null when there never was any. */
export async function linkOf(ctx: Ctx, peerId: Id): Promise<LinkView | null> {
  const [link] = await links(ctx, peerId);
  return link ?? null;
}

/** The same of all peers, in the order of their ids. */
export function linksOf(ctx: Ctx): Promise<LinkView[]> {
  return links(ctx, null);
}

async function links(ctx: Ctx, peerId: Id | null): Promise<LinkView[]> {
  const rows = await ctx.db.execute<
    Record<string, unknown> & {
      peer_id: string;
      state: PeerState;
      reason: string | null;
      ready: boolean;
      failure: string | null;
      failures: number;
      prepared_count: number;
      evidence: number;
      reserved: number;
      ordered: number;
    } & Record<
        "out_seq" | "out_cumulative" | "in_seq" | "in_cumulative" | "acked_seq" | "acked_cumulative",
        string
      > &
      Record<"prepared" | "they_may_owe" | "we_may_owe" | "reserved_seconds", string> &
      Record<"heard" | "reached" | "resting" | "skew", string | null>
  >(sql`
    select l.*, p.state, p.reason, p.they_may_owe, p.we_may_owe, open.*,
      (select count(*)::int from clearing_evidence e where e.peer_id = l.peer_id) as evidence
    from clearing_links l join peers p on p.id = l.peer_id
      cross join lateral (
        select count(*)::int as reserved, coalesce(sum(seconds), 0) as reserved_seconds,
          (count(*) filter (where t."order" is not null))::int as ordered
        from clearing_transfers t where t.peer_id = l.peer_id and t.state = 'reserved'
      ) open
    where ${peerId === null}::boolean or l.peer_id = ${peerId ?? 0n}::bigint
    order by l.peer_id`);
  return [...rows].map((row) => {
    const [out, received] = [BigInt(row.out_cumulative), BigInt(row.in_cumulative)];
    return {
      peerId: BigInt(row.peer_id),
      ...{ state: row.state, reason: row.reason, ready: row.ready },
      ...{ out, in: received, owed: out - received },
      ...{ outSeq: BigInt(row.out_seq), inSeq: BigInt(row.in_seq), acked: BigInt(row.acked_seq) },
      unacknowledged: out - BigInt(row.acked_cumulative),
      ...{ theyMayOwe: BigInt(row.they_may_owe), weMayOwe: BigInt(row.we_may_owe) },
      reserved: { count: row.reserved, seconds: BigInt(row.reserved_seconds) },
      prepared: { count: row.prepared_count, seconds: BigInt(row.prepared) },
      ordered: row.ordered,
      ...{ heard: date(row.heard), reached: date(row.reached), resting: date(row.resting) },
      skew: row.skew === null ? null : Number(row.skew),
      ...{ failure: row.failure, failures: row.failures, evidence: row.evidence },
    };
  });
}

const date = (text: string | null) => (text === null ? null : new Date(text));

/** Something that a peer said and may not. */
export interface EvidenceView {
  id: bigint;
  /** `equivocation`, `forked_log` …; see the rules' `Evidence`. */
  kind: string;
  detail: string;
  /** Signed texts, byte for byte, and last the envelope in which the matter came up. */
  bodies: string[];
  created: Date;
}

const LISTED = 50;

/** The newest evidence against a peer. */
export async function evidenceOf(ctx: Ctx, peerId: Id): Promise<EvidenceView[]> {
  const rows = await ctx.db
    .select()
    .from(clearingEvidence)
    .where(eq(clearingEvidence.peerId, peerId))
    .orderBy(desc(clearingEvidence.id))
    .limit(LISTED);
  return rows.map(({ peerId: _, bodies, ...row }) => ({ ...row, bodies: JSON.parse(bodies) as string[] }));
}

/** A payment of this hub's whose party is not known here (any more): it came back after a restore, and stands with the guarantee fund. */
export interface Stray {
  iri: string;
  /** Iri of the party. */
  party: string;
  side: "payer" | "payee";
  /** Minor units. */
  amount: bigint;
  decided: Date | null;
}

/** The newest of them with a peer. */
export async function straysOf(ctx: Ctx, peerId: Id): Promise<Stray[]> {
  const rows = await ctx.db.execute<{
    iri: string;
    party: string;
    side: "payer" | "payee";
    amount: string;
    decided: string | null;
  }>(sql`
    select c.iri, t.note as party, c.side, coalesce(t.settled, t.amount) as amount, t.decided
    from ledger_accounts fund
      join transfers t on fund.id in (t.payer_id, t.payee_id)
      join clearing_transfers c on c.transfer_id = t.id and c.peer_id = ${peerId}::bigint
    where fund.kind = 'guarantee' and t.note is not null
    order by t.id desc limit ${LISTED}`);
  return [...rows].map(({ amount, decided, ...row }) => ({
    ...row,
    amount: BigInt(amount),
    decided: date(decided),
  }));
}
