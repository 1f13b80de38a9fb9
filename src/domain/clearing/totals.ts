import { desc, eq, inArray, lt, sql } from "drizzle-orm";
import { publicTotals } from "../../db/schema/clearing.ts";
import { ledgerAccounts } from "../../db/schema/ledger.ts";
import { peers } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import { findHub } from "../hubs/queries.ts";
import { transact } from "../transact.ts";

/** What a hub tells everybody about its books, once a day: sums, and nobody's name. */
export interface Totals {
  /** `2026-11-22`, in UTC. */
  day: string;
  written: Date;
  /** Of the organizations' balances, those above zero and those below; minor units of the hub's currency. */
  positive: bigint;
  negative: bigint;
  funds: { solidarity: bigint; guarantee: bigint; operations: bigint };
  /** What was converted for exchanges with other hubs, in the same units: with the other four it sums to zero. */
  conversion: bigint;
  /** Seconds of an HOUR that all peers together owe this hub; below zero: it owes them. */
  external: bigint;
  peers: number;
}

/** A day as it was signed. */
export interface SignedTotals {
  day: string;
  body: string;
}

const PAGE = 30;

/**
 * Writes down the totals of the day, unless that was done already. Whoever does it twice, or dies in between, leaves one row or none.
 *
 * @param sign the document as the hub's actor signs it
 */
export async function publishTotals(ctx: Ctx, sign: (totals: Totals) => Promise<string>): Promise<void> {
  if ((await findHub(ctx)) === null) return;
  const now = ctx.clock.now();
  const day = now.toISOString().slice(0, 10);
  if ((await totalsOf(ctx, day)) !== null) return;
  const body = await sign(await totalsAt(ctx, day, now));
  await ctx.db.insert(publicTotals).values({ day, body, created: now }).onConflictDoNothing();
}

/** @param day `2026-11-22`; null when there are none of it */
export async function totalsOf(ctx: Ctx, day: string): Promise<SignedTotals | null> {
  const [row] = await ctx.db
    .select({ day: publicTotals.day, body: publicTotals.body })
    .from(publicTotals)
    .where(eq(publicTotals.day, day));
  return row ?? null;
}

/** The newest days first. @param before the last day of the page before */
export async function totalsPage(
  ctx: Ctx,
  before: string | null,
): Promise<{ days: SignedTotals[]; next: string | null }> {
  const rows = await ctx.db
    .select({ day: publicTotals.day, body: publicTotals.body })
    .from(publicTotals)
    .where(before === null ? undefined : lt(publicTotals.day, before))
    .orderBy(desc(publicTotals.day))
    .limit(PAGE + 1);
  const days = rows.slice(0, PAGE);
  return { days, next: rows.length > PAGE ? (days.at(-1)?.day ?? null) : null };
}

/** The newest day that there is. */
export async function lastTotals(ctx: Ctx): Promise<string | null> {
  const { days } = await totalsPage(ctx, null);
  return days[0]?.day ?? null;
}

function totalsAt(ctx: Ctx, day: string, written: Date): Promise<Totals> {
  return transact(ctx, async ({ db }) => {
    // Both sums of one moment: what moves between them is in neither twice.
    await db.execute(sql`set transaction isolation level repeatable read`);
    const { kind, posted, unit } = ledgerAccounts;
    const credits = (name: string) =>
      sql<string>`coalesce(sum(${posted}) filter (where ${unit} = 'credit' and ${kind} = ${name}), 0)`;
    const [sums] = await db
      .select({
        positive: sql<string>`coalesce(sum(${posted}) filter (where ${kind} = 'organization' and ${posted} > 0), 0)`,
        negative: sql<string>`coalesce(sum(${posted}) filter (where ${kind} = 'organization' and ${posted} < 0), 0)`,
        solidarity: credits("solidarity"),
        guarantee: credits("guarantee"),
        operations: credits("operations"),
        conversion: credits("conversion"),
        external: sql<string>`coalesce(sum(${posted}) filter (where ${kind} = 'clearing'), 0)`,
      })
      .from(ledgerAccounts);
    const [found] = await db
      .select({ peers: sql<number>`count(*)::int` })
      .from(peers)
      .where(inArray(peers.state, ["active", "draining", "frozen"]));
    const { positive, negative, solidarity, guarantee, operations, conversion, external } = sums!;
    return {
      ...{ day, written },
      positive: BigInt(positive),
      negative: BigInt(negative),
      funds: {
        solidarity: BigInt(solidarity),
        guarantee: BigInt(guarantee),
        operations: BigInt(operations),
      },
      conversion: BigInt(conversion),
      // The clearing account of a payer's hub grows by what it owes.
      external: -BigInt(external),
      peers: found?.peers ?? 0,
    };
  });
}
