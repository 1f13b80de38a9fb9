import { and, desc, eq, gte, isNull, lt, lte, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements } from "../../db/schema/agreements.ts";
import {
  entries,
  ledgerAccounts,
  ledgerChecks,
  ledgerFreezes,
  type TransferKind,
  transfers,
} from "../../db/schema/ledger.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { currentPolicy } from "./policy.ts";
import { available, excess } from "./rules.ts";

const DAY = 86_400_000;

/** Whose account is looked at: an organization's (its actor), or with null the solidarity fund's. */
export type Holder = Id | null;

/** Amounts are minor units. An account that was never opened has nothing. */
export interface LedgerBalance {
  posted: bigint;
  held: bigint;
  /** What can still be promised, the credit line included. */
  available: bigint;
  minimum: bigint;
  maximum: bigint | null;
  growth: bigint;
}

export async function balance(ctx: Ctx, holder: Holder): Promise<LedgerBalance> {
  const row = await accountOf(ctx, holder);
  if (row === null) return { posted: 0n, held: 0n, available: 0n, minimum: 0n, maximum: null, growth: 0n };
  const { posted, held, maximum, growth } = row;
  return {
    posted,
    held,
    available: available(row) ?? posted - held,
    minimum: row.minimum ?? 0n,
    maximum,
    growth,
  };
}

async function accountOf(ctx: Ctx, holder: Holder) {
  const [row] = await ctx.db
    .select()
    .from(ledgerAccounts)
    .where(
      holder === null
        ? and(eq(ledgerAccounts.kind, "solidarity"), isNull(ledgerAccounts.actorId))
        : and(eq(ledgerAccounts.kind, "organization"), eq(ledgerAccounts.actorId, holder)),
    );
  return row ?? null;
}

/** What the account has above its soft maximum and may give to the fund by one click. */
export async function overflow(ctx: Ctx, actorId: Id): Promise<{ maximum: bigint; excess: bigint }> {
  const row = await accountOf(ctx, actorId);
  const maximum = row?.maximum ?? (await currentPolicy(ctx)).softMaximum;
  return { maximum, excess: row === null ? 0n : excess(row, maximum) };
}

export interface StatementFilter {
  kind?: TransferKind | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  direction?: "in" | "out" | undefined;
}

/** A line of a statement. */
export interface StatementLine {
  /** The account's 1st, 2nd, 3rd … line. */
  seq: bigint;
  /** Minor units; minus for what was given. */
  amount: bigint;
  /** The balance after it. */
  balance: bigint;
  created: Date;
  transferId: Id;
  /** What a payee gave to the fund of what it earned is a donation, though one transfer did both. */
  kind: TransferKind;
  agreementId: Id | null;
  /** Null for the fund. */
  counterparty: ActorView | null;
  /** The hub that it is settled with, by name; null on one hub. */
  hub: string | null;
  corrects: Id | null;
  note: string | null;
  /** Who pressed the button; null for the clock, and for who has left. */
  accountId: Id | null;
}

/** The payer's and the payee's own part of a transfer; what is beside it is a donation. */
const GAVE = and(eq(entries.accountId, transfers.payerId), lt(entries.amount, 0n));
const GOT = and(eq(entries.accountId, transfers.payeeId), sql`${entries.amount} > 0`);
const KIND = sql<TransferKind>`case when ${GAVE} or ${GOT} then ${transfers.kind} else 'donation' end`;
/** On the other side: the payee of what was given, the payer of what was got, the donor of what the fund got beside it. */
const OTHER = sql`case when ${GAVE} then ${transfers.payeeId} when ${GOT} then ${transfers.payerId}
  when ${entries.amount} > 0 then ${transfers.payeeId} end`;

/**
 * An account's lines, newest first.
 *
 * @param before `seq` from which on older lines are wanted; null for the newest
 * @returns a keyset page; its `before` is null at the end
 */
export async function statement(
  ctx: Ctx,
  holder: Holder,
  filter: StatementFilter,
  before: bigint | null,
  limit = 50,
): Promise<{ items: StatementLine[]; before: bigint | null }> {
  const account = await accountOf(ctx, holder);
  if (account === null) return { items: [], before: null };
  const other = alias(ledgerAccounts, "other");
  const hub = alias(actors, "hub");
  // Between hubs the account across is the other hub's, and the one across the table is the agreement's other party.
  const between = eq(other.kind, "conversion");
  const party = sql`case when ${GAVE} then ${agreements.providerId} when ${GOT} then ${agreements.receiverId} end`;
  const rows = await ctx.db
    .select({
      seq: entries.seq,
      amount: entries.amount,
      balance: entries.balance,
      created: entries.created,
      transferId: entries.transferId,
      kind: KIND,
      agreementId: transfers.agreementId,
      counterparty: actorColumns,
      hub: hub.name,
      corrects: transfers.corrects,
      note: transfers.note,
      accountId: transfers.accountId,
    })
    .from(entries)
    .innerJoin(transfers, eq(transfers.id, entries.transferId))
    .leftJoin(other, eq(other.id, OTHER))
    .leftJoin(agreements, and(between, eq(agreements.id, transfers.agreementId)))
    .leftJoin(actors, eq(actors.id, sql`coalesce(${party}, ${other.actorId})`))
    .leftJoin(hub, and(between, eq(hub.id, other.actorId)))
    .where(
      and(
        eq(entries.accountId, account.id),
        before === null ? undefined : lt(entries.seq, before),
        filter.kind === undefined ? undefined : eq(KIND, filter.kind),
        filter.from === undefined ? undefined : gte(entries.created, filter.from),
        filter.to === undefined ? undefined : lte(entries.created, filter.to),
        filter.direction === undefined
          ? undefined
          : filter.direction === "in"
            ? sql`${entries.amount} > 0`
            : lt(entries.amount, 0n),
      ),
    )
    .orderBy(desc(entries.seq))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map((row) => ({
    ...row,
    counterparty: row.counterparty === null ? null : toActorView(row.counterparty),
  }));
  return { items, before: rows.length > limit ? (items.at(-1)?.seq ?? null) : null };
}

/**
 * An account's balance at the end of each day on which it changed, oldest first.
 *
 * @param since at most a year back: what is older is not looked for
 */
export async function balanceHistory(
  ctx: Ctx,
  holder: Holder,
  since: Date,
): Promise<{ at: Date; balance: bigint }[]> {
  const account = await accountOf(ctx, holder);
  if (account === null) return [];
  const earliest = new Date(Math.max(since.getTime(), ctx.clock.now().getTime() - 366 * DAY));
  const day = sql`date_trunc('day', ${entries.created} at time zone 'UTC')`;
  return ctx.db
    .selectDistinctOn([day], { at: entries.created, balance: entries.balance })
    .from(entries)
    .where(and(eq(entries.accountId, account.id), gte(entries.created, earliest)))
    .orderBy(day, desc(entries.seq));
}

/** An amount that is promised and not yet paid. */
export interface Holding {
  transferId: Id;
  amount: bigint;
  created: Date;
  agreementId: Id | null;
  /** Who would get it; null for the fund. */
  payee: ActorView | null;
}

/** What an account has promised, newest first; at most 200. */
export async function holds(ctx: Ctx, holder: Holder): Promise<Holding[]> {
  const account = await accountOf(ctx, holder);
  if (account === null) return [];
  const rows = await ctx.db
    .select({
      transferId: transfers.id,
      amount: transfers.amount,
      created: transfers.created,
      agreementId: transfers.agreementId,
      payee: actorColumns,
    })
    .from(transfers)
    .innerJoin(ledgerAccounts, eq(ledgerAccounts.id, transfers.payeeId))
    .leftJoin(actors, eq(actors.id, ledgerAccounts.actorId))
    .where(and(eq(transfers.payerId, account.id), eq(transfers.state, "reserved")))
    .orderBy(desc(transfers.id))
    .limit(200);
  return rows.map((row) => ({ ...row, payee: row.payee === null ? null : toActorView(row.payee) }));
}

/** The hub's sums, for everybody. Amounts are minor units. */
export interface HubTotals {
  /** Sum of the organizations' balances: zero, but for what the funds have. */
  members: bigint;
  fund: bigint;
  held: bigint;
  /** Organizations with an account. */
  accounts: number;
  /** What was paid within 90 days, and how many exchanges were brought to an end in that time, by how they are settled. */
  settled: bigint;
  exchanges: { credit: number; gift: number; count: number; external: number };
}

export async function hubTotals(ctx: Ctx): Promise<HubTotals> {
  const since = new Date(ctx.clock.now().getTime() - 90 * DAY);
  const ofMembers = sql`filter (where ${ledgerAccounts.kind} = 'organization')`;
  const [[sums], [recent]] = await Promise.all([
    ctx.db
      .select({
        members: sql<string>`coalesce(sum(${ledgerAccounts.posted}) ${ofMembers}, 0)`,
        fund: sql<string>`coalesce(sum(${ledgerAccounts.posted}) filter (where ${ledgerAccounts.kind} = 'solidarity'), 0)`,
        held: sql<string>`coalesce(sum(${ledgerAccounts.held}), 0)`,
        accounts: sql<number>`(count(*) ${ofMembers})::int`,
      })
      .from(ledgerAccounts)
      .where(eq(ledgerAccounts.unit, "credit")),
    ctx.db
      .select({
        settled: sql<string>`coalesce(sum(${agreements.settledAmount}), 0)`,
        credit: sql<number>`(count(*) filter (where ${agreements.settlement} = 'credit'))::int`,
        gift: sql<number>`(count(*) filter (where ${agreements.settlement} = 'none'))::int`,
        count: sql<number>`(count(*) filter (where ${agreements.settlement} = 'count'))::int`,
        external: sql<number>`(count(*) filter (where ${agreements.settlement} = 'external'))::int`,
      })
      .from(agreements)
      .where(gte(agreements.settled, since)),
  ]);
  const { settled = "0", ...exchanges } = recent ?? {};
  return {
    members: BigInt(sums?.members ?? 0),
    fund: BigInt(sums?.fund ?? 0),
    held: BigInt(sums?.held ?? 0),
    accounts: sums?.accounts ?? 0,
    settled: BigInt(settled),
    exchanges: { credit: 0, gift: 0, count: 0, external: 0, ...exchanges },
  };
}

/** What the organizations of one size gave and received in one quarter. */
export interface Flow {
  /** When the quarter began, UTC. */
  quarter: Date;
  sizeClass: "S" | "M" | "L" | "?";
  /** Credits earned, in minor units: services given; and credits spent for services received, by itself or the fund. */
  given: bigint;
  received: bigint;
  /** How many exchanges, gifts and counted ones included. */
  gave: number;
  got: number;
}

/** Who gives and who receives, by size, over the last eight quarters: whether the gap widens. Oldest first. */
export async function flowsBySize(ctx: Ctx): Promise<Flow[]> {
  const now = ctx.clock.now();
  const since = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (now.getUTCMonth() % 3) - 21, 1));
  const rows = await ctx.db.execute<{
    quarter: string;
    size_class: Flow["sizeClass"];
    given: string;
    received: string;
    gave: number;
    got: number;
  }>(sql`
    select extract(epoch from date_trunc('quarter', a.settled at time zone 'UTC') at time zone 'UTC') as quarter,
      coalesce(v.size_class, '?') as size_class,
      coalesce(sum(a.settled_amount) filter (where side.gives), 0) as given,
      coalesce(sum(a.settled_amount) filter (where not side.gives), 0) as received,
      (count(*) filter (where side.gives))::int as gave,
      (count(*) filter (where not side.gives))::int as got
    from agreements a
      cross join lateral (values (a.provider_id, true), (a.receiver_id, false)) as side (actor_id, gives)
      left join verifications v on v.organization_id = side.actor_id and v.state = 'verified'
    where a.settled >= ${since.toISOString()}::timestamptz
    group by 1, 2
    order by 1, 2`);
  return [...rows].map((row) => ({
    quarter: new Date(Number(row.quarter) * 1000),
    sizeClass: row.size_class,
    given: BigInt(row.given),
    received: BigInt(row.received),
    gave: row.gave,
    got: row.got,
  }));
}

/** Why nothing can be paid now; null when all is well. */
export async function openFreeze(ctx: Ctx): Promise<{ reason: string; frozen: Date } | null> {
  const [row] = await ctx.db
    .select({ reason: ledgerFreezes.reason, frozen: ledgerFreezes.frozen })
    .from(ledgerFreezes)
    .where(isNull(ledgerFreezes.released));
  return row ?? null;
}

/** When the ledger was checked last, and how many entries it had; null when it never was. */
export async function lastCheck(
  ctx: Ctx,
): Promise<{ checked: Date; entries: bigint; findings: string } | null> {
  const [row] = await ctx.db
    .select({ checked: ledgerChecks.checked, entries: ledgerChecks.entries, findings: ledgerChecks.findings })
    .from(ledgerChecks)
    .orderBy(desc(ledgerChecks.id))
    .limit(1);
  return row ?? null;
}
