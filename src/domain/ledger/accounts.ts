import { and, desc, eq, inArray, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { exchangePolicies, ledgerAccounts, limitChanges } from "../../db/schema/ledger.ts";
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

type Kind = "organization" | "solidarity";

async function find(ctx: Ctx, kind: Kind, actorId: Id | null): Promise<Id | null> {
  const [row] = await ctx.db
    .select({ id: ledgerAccounts.id })
    .from(ledgerAccounts)
    .where(
      and(
        eq(ledgerAccounts.kind, kind),
        actorId === null ? isNull(ledgerAccounts.actorId) : eq(ledgerAccounts.actorId, actorId),
      ),
    );
  return row?.id ?? null;
}

async function open(ctx: Ctx, kind: Kind, actorId: Id | null, limits: Limits): Promise<Id> {
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  // Waits for whoever opens it at the same time, and takes no lock on what that one made: locks are taken in order, later.
  await ctx.db
    .insert(ledgerAccounts)
    .values({ id, kind, actorId, ...limits, opened: now })
    .onConflictDoNothing();
  return (await find(ctx, kind, actorId)) ?? id;
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
