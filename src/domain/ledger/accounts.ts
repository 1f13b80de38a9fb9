import { and, desc, eq, inArray, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import {
  exchangePolicies,
  type LedgerAccountKind,
  type LedgerUnit,
  ledgerAccounts,
  limitChanges,
} from "../../db/schema/ledger.ts";
import { formatAmount } from "../amounts.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { type HubView, localHub } from "../hubs/queries.ts";
import { type Limits, NO_LINE } from "./rules.ts";

/**
 * An organization's account, opened with no credit line when it has none. Opened at the same time twice, it is one.
 *
 * @throws DomainError organization_needed
 */
export async function organizationAccount(ctx: Ctx, actorId: Id): Promise<Id> {
  const found = await find(ctx, "organization", actorId);
  if (found !== null) return found;
  const [organization] = await ctx.db
    .select({ id: actors.id })
    .from(actors)
    .where(and(eq(actors.id, actorId), eq(actors.kind, "Organization"), isNull(actors.host)));
  if (organization === undefined)
    throw new DomainError("organization_needed", "credits belong to organizations of this hub");
  return open(ctx, "organization", actorId, NO_LINE);
}

/** The solidarity fund's account, opened when there is none. */
export async function fundAccount(ctx: Ctx): Promise<Id> {
  const found = await find(ctx, "solidarity", null);
  if (found !== null) return found;
  const [policy] = await ctx.db
    .select({ minimum: exchangePolicies.fundMinimum })
    .from(exchangePolicies)
    .orderBy(desc(exchangePolicies.revision))
    .limit(1);
  return open(ctx, "solidarity", null, { ...NO_LINE, ...policy });
}

/** The three accounts of a peer hub, which have no floor: what it may owe is the clearing's to say. */
export interface PeerAccounts {
  /** Between its members and ours: in this hub's currency, and in seconds of an HOUR. */
  credit: Id;
  seconds: Id;
  /** Above zero this hub owes the peer so many seconds of an HOUR, below it the peer owes this hub. */
  clearing: Id;
}

/** The accounts of a peer, by its hub actor; opened when there are none. */
export async function peerAccounts(ctx: Ctx, actorId: Id): Promise<PeerAccounts> {
  const account = async (kind: "conversion" | "clearing", unit: LedgerUnit) =>
    (await find(ctx, kind, actorId, unit)) ?? (await open(ctx, kind, actorId, {}, unit));
  return {
    credit: await account("conversion", "credit"),
    seconds: await account("conversion", "hour-second"),
    clearing: await account("clearing", "hour-second"),
  };
}

/** The guarantee fund's account, opened when there is none: it takes what has no other place after a restore. */
export async function guaranteeAccount(ctx: Ctx): Promise<Id> {
  return (await find(ctx, "guarantee", null)) ?? (await open(ctx, "guarantee", null, {}));
}

async function find(
  ctx: Ctx,
  kind: LedgerAccountKind,
  actorId: Id | null,
  unit: LedgerUnit = "credit",
): Promise<Id | null> {
  const [row] = await ctx.db
    .select({ id: ledgerAccounts.id })
    .from(ledgerAccounts)
    .where(
      and(
        eq(ledgerAccounts.kind, kind),
        actorId === null ? isNull(ledgerAccounts.actorId) : eq(ledgerAccounts.actorId, actorId),
        eq(ledgerAccounts.unit, unit),
      ),
    );
  return row?.id ?? null;
}

async function open(
  ctx: Ctx,
  kind: LedgerAccountKind,
  actorId: Id | null,
  limits: Partial<Limits>,
  unit: LedgerUnit = "credit",
): Promise<Id> {
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  // Waits for whoever opens it at the same time, and takes no lock on what that one made: locks are taken in order, later.
  await ctx.db
    .insert(ledgerAccounts)
    .values({ id, kind, actorId, unit, ...limits, opened: now })
    .onConflictDoNothing();
  return (await find(ctx, kind, actorId, unit)) ?? id;
}

/**
 * Sets an organization's limits, in the caller's transaction, and writes down why.
 *
 * @param reason for the journal: `verified`, `vouched`, `policy` …
 * @param accountId who decided; null for a rule
 * @throws DomainError organization_needed; limit_in_use when the floor would be above what is in use
 */
export async function setLimits(
  ctx: Ctx,
  actorId: Id,
  limits: Limits,
  reason: string,
  accountId: Id | null,
): Promise<void> {
  await setAccountLimits(ctx, await organizationAccount(ctx, actorId), limits, reason, accountId);
}

/** The same for any account, the fund's too. @throws DomainError not_found, limit_in_use */
export async function setAccountLimits(
  ctx: Ctx,
  ledgerAccountId: Id,
  limits: Limits,
  reason: string,
  accountId: Id | null,
): Promise<void> {
  const account = await lockAccount(ctx, ledgerAccountId);
  const lowest = account.posted - account.held;
  if (limits.minimum > lowest) {
    throw new DomainError("limit_in_use", "the account is below this floor already", {
      details: { line: shown(lowest < 0n ? -lowest : 0n, await localHub(ctx)) },
    });
  }
  await ctx.db.update(ledgerAccounts).set(limits).where(eq(ledgerAccounts.id, ledgerAccountId));
  await ctx.db
    .insert(limitChanges)
    .values({ ledgerAccountId, ...limits, reason, accountId, created: ctx.clock.now() });
}

/** An account's row, which nobody else changes until the caller's transaction ends. @throws DomainError not_found */
export async function lockAccount(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select()
    .from(ledgerAccounts)
    .where(eq(ledgerAccounts.id, id))
    .for("no key update");
  if (row === undefined) throw new DomainError("not_found", "no such account");
  return row;
}

/** Several accounts at once, in the order of their ids: two that lock the same ones never wait for each other. */
export async function lockAccounts(ctx: Ctx, ids: readonly Id[]): Promise<void> {
  await ctx.db
    .select({ id: ledgerAccounts.id })
    .from(ledgerAccounts)
    .where(inArray(ledgerAccounts.id, [...ids]))
    .orderBy(ledgerAccounts.id)
    .for("no key update");
}

/** An amount with its unit, for messages to people ("7.5 ₳"). */
export function shown(
  amount: bigint,
  { currencyScale, currencySymbol }: Pick<HubView, "currencyScale" | "currencySymbol">,
): string {
  return `${formatAmount(amount, currencyScale)} ${currencySymbol}`;
}
