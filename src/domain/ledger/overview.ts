import { and, desc, eq, inArray, lte, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { accounts } from "../../db/schema/accounts.ts";
import { actors } from "../../db/schema/actors.ts";
import { exchangePolicies, vouchers } from "../../db/schema/ledger.ts";
import type { Ctx } from "../context.ts";
import { balance } from "./queries.ts";

/** What the solidarity fund has and has promised, in minor units. */
export interface FundStanding {
  posted: bigint;
  /** What it can still pay, its own line included. */
  available: bigint;
  /** Vouchers that are approved and not used yet. */
  promised: bigint;
  /** Requests that wait for a curator. */
  waiting: number;
}

export async function fundStanding(ctx: Ctx): Promise<FundStanding> {
  const [{ posted, available }, [row]] = await Promise.all([
    balance(ctx, null),
    ctx.db
      .select({
        promised: sql<string>`coalesce(sum(${vouchers.approved}) filter (where ${vouchers.state} = 'approved'), 0)`,
        waiting: sql<number>`(count(*) filter (where ${vouchers.state} = 'requested'))::int`,
      })
      .from(vouchers)
      .where(inArray(vouchers.state, ["approved", "requested"])),
  ]);
  return { posted, available, promised: BigInt(row?.promised ?? 0), waiting: row?.waiting ?? 0 };
}

/** A request's place in the queue, from 1. */
export async function queuePlace(ctx: Ctx, voucherId: Id): Promise<number> {
  const [row] = await ctx.db
    .select({ place: sql<number>`count(*)::int` })
    .from(vouchers)
    .where(and(eq(vouchers.state, "requested"), lte(vouchers.id, voucherId)));
  return row?.place ?? 0;
}

/** How many vouchers organizations had, and what those pay or paid, by organization. */
export async function vouchersBefore(
  ctx: Ctx,
  organizationIds: readonly Id[],
): Promise<Map<Id, { count: number; amount: bigint }>> {
  if (organizationIds.length === 0) return new Map();
  const rows = await ctx.db
    .select({
      organizationId: vouchers.organizationId,
      count: sql<number>`count(*)::int`,
      amount: sql<string>`coalesce(sum(${vouchers.approved}), 0)`,
    })
    .from(vouchers)
    .where(
      and(
        inArray(vouchers.organizationId, [...new Set(organizationIds)]),
        inArray(vouchers.state, ["approved", "used"]),
      ),
    )
    .groupBy(vouchers.organizationId);
  return new Map(
    rows.map(({ organizationId, count, amount }) => [organizationId, { count, amount: BigInt(amount) }]),
  );
}

/** A revision of the hub's rules. */
export interface PolicyRevision {
  revision: number;
  created: Date;
  /** Who published it; null when the account is gone. */
  person: string | null;
}

/** The newest revisions of the hub's rules, newest first. */
export function policyRevisions(ctx: Ctx, limit = 20): Promise<PolicyRevision[]> {
  return ctx.db
    .select({
      revision: exchangePolicies.revision,
      created: exchangePolicies.created,
      person: actors.name,
    })
    .from(exchangePolicies)
    .leftJoin(accounts, eq(accounts.id, exchangePolicies.accountId))
    .leftJoin(actors, eq(actors.id, accounts.actorId))
    .orderBy(desc(exchangePolicies.revision))
    .limit(limit);
}
