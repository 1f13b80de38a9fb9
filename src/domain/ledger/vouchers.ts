import { and, desc, eq, gt, gte, inArray, lte, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { ledgerAccounts, type VoucherState, vouchers } from "../../db/schema/ledger.ts";
import { type SizeClass, verifications } from "../../db/schema/organizations.ts";
import { requireRole } from "../accounts/queries.ts";
import { type ActorView, actorById, actorColumns, toActorView } from "../actors/queries.ts";
import { parseAmount } from "../amounts.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { notify, notifyStaff } from "../notices/commands.ts";
import { requireDisinterested } from "../organizations/interest.ts";
import { transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { fundAccount, lockAccount, organizationAccount, shown } from "./accounts.ts";
import { currentPolicy } from "./policy.ts";
import { available, quarterOf } from "./rules.ts";

export const PURPOSE_MAX = 1_000;
/** An approved voucher is good for so long. */
const VOUCHER_DAYS = 90;
const DAY = 86_400_000;
/** Lists show the newest of an organization, and the oldest of the queue. */
const LISTED = 100;

/**
 * An organization asks that the solidarity fund pays in its place. Small organizations have a quota per quarter that needs no
 * curator, while the fund can pay it; everything else waits for one. One request waits at a time.
 *
 * @returns the voucher, and whether it is approved already
 * @throws DomainError organization_needed, voucher_waiting, required, too_long, not_a_number
 */
export async function requestVoucher(
  ctx: Ctx,
  { accountId, actorId }: Acting,
  input: { amount: string; purpose: string },
): Promise<{ id: Id; approved: boolean }> {
  const hub = await localHub(ctx);
  const requested = parseAmount("amount", input.amount, hub.currencyScale);
  const purpose = requiredText("purpose", input.purpose, PURPOSE_MAX);
  return transact(ctx, async (ctx) => {
    // Whoever asks twice at once is answered one after the other.
    await lockAccount(ctx, await organizationAccount(ctx, actorId));
    const [waiting] = await ctx.db
      .select({ id: vouchers.id })
      .from(vouchers)
      .where(and(eq(vouchers.organizationId, actorId), eq(vouchers.state, "requested")));
    if (waiting !== undefined)
      throw new DomainError("voucher_waiting", "another request waits for an answer");
    const now = ctx.clock.now();
    const id = await ctx.ids.next(now);
    const approved = await withinQuota(ctx, actorId, requested);
    await ctx.db.insert(vouchers).values({
      id,
      organizationId: actorId,
      purpose,
      requested,
      requestedBy: accountId,
      created: now,
      ...(approved
        ? { state: "approved", automatic: true, approved: requested, decided: now, expires: expiry(now) }
        : { state: "requested" }),
    });
    if (!approved) {
      const { name } = await actorById(ctx, actorId);
      await notifyStaff(ctx, "curator", "voucher_requested", "/admin/vouchers", {
        actor: name,
        amount: shown(requested, hub),
      });
    }
    return { id, approved };
  });
}

async function withinQuota(ctx: Ctx, organizationId: Id, amount: bigint): Promise<boolean> {
  const [verification] = await ctx.db
    .select({ sizeClass: verifications.sizeClass })
    .from(verifications)
    .where(and(eq(verifications.organizationId, organizationId), eq(verifications.state, "verified")));
  if (verification?.sizeClass !== "S") return false;
  const { voucherQuota } = await currentPolicy(ctx);
  const [row] = await ctx.db
    .select({ sum: sql<string>`coalesce(sum(${vouchers.approved}), 0)` })
    .from(vouchers)
    .where(
      and(
        eq(vouchers.organizationId, organizationId),
        eq(vouchers.automatic, true),
        // What was not used in time was not used up.
        inArray(vouchers.state, ["approved", "used"]),
        gte(vouchers.created, quarterOf(ctx.clock.now())),
      ),
    );
  if (BigInt(row?.sum ?? 0) + amount > voucherQuota) return false;
  const fundId = await fundAccount(ctx);
  const [fund] = await ctx.db.select().from(ledgerAccounts).where(eq(ledgerAccounts.id, fundId));
  return fund !== undefined && amount <= (available(fund) ?? amount);
}

const expiry = (now: Date) => new Date(now.getTime() + VOUCHER_DAYS * DAY);

/**
 * A curator answers a request.
 *
 * @param decision `amount`, as typed, approves less than was asked for; without it, all
 * @throws DomainError forbidden, own_organization, not_found, conflict when it no longer waits, over_amount, not_a_number, required (a refusal
 *   without a note), too_long
 */
export async function decideVoucher(
  ctx: Ctx,
  { accountId }: Acting,
  id: Id,
  decision: { approve: boolean; amount?: string | undefined; note?: string | undefined },
): Promise<void> {
  await requireRole(ctx, accountId, "curator");
  const hub = await localHub(ctx);
  const typed = decision.approve && (decision.amount ?? "").trim() !== "" ? decision.amount : undefined;
  const amount = typed === undefined ? null : parseAmount("amount", typed, hub.currencyScale);
  // Who is refused is told why.
  const note = decision.approve
    ? optionalText("note", decision.note, PURPOSE_MAX)
    : requiredText("note", decision.note ?? "", PURPOSE_MAX);
  await transact(ctx, async (ctx) => {
    const voucher = await lockVoucher(ctx, id);
    if (voucher.state !== "requested") throw new DomainError("conflict", "the request was decided before");
    await requireDisinterested(ctx, accountId, voucher.organizationId);
    const approved = amount ?? voucher.requested;
    if (approved > voucher.requested)
      throw new DomainError("over_amount", "more than was asked for", { field: "amount" });
    const now = ctx.clock.now();
    await ctx.db
      .update(vouchers)
      .set({
        ...(decision.approve ? { state: "approved", approved, expires: expiry(now) } : { state: "refused" }),
        note,
        decidedBy: accountId,
        decided: now,
      })
      .where(eq(vouchers.id, id));
    if (decision.approve)
      await notify(ctx, voucher.organizationId, "voucher_approved", "/vouchers", {
        amount: shown(approved, hub),
      });
    else await notify(ctx, voucher.organizationId, "voucher_refused", "/vouchers", {});
  });
}

/** The organization does without it. @throws DomainError not_found, conflict when it is used or over */
export async function cancelVoucher(ctx: Ctx, { actorId }: Acting, id: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    const voucher = await lockVoucher(ctx, id);
    if (voucher.organizationId !== actorId) throw new DomainError("not_found", "no such voucher");
    if (voucher.state === "cancelled") return;
    if (voucher.state !== "requested" && voucher.state !== "approved")
      throw new DomainError("conflict", "it is used or over");
    await ctx.db
      .update(vouchers)
      .set({ state: "cancelled", decided: ctx.clock.now() })
      .where(eq(vouchers.id, id));
  });
}

/**
 * Spends a voucher on an agreement, in the caller's transaction.
 *
 * @param amount what the agreement costs, in minor units; what the voucher would pay beyond it lapses
 * @throws DomainError not_found when the organization has no such voucher to use, voucher_too_small, voucher_expired
 */
export async function useVoucher(
  ctx: Ctx,
  voucherId: Id,
  organizationId: Id,
  amount: bigint,
  agreementId: Id,
): Promise<void> {
  const voucher = await lockVoucher(ctx, voucherId);
  const over = voucher.expires !== null && voucher.expires <= ctx.clock.now();
  if (voucher.organizationId !== organizationId) throw new DomainError("not_found", "no such voucher");
  if (voucher.state === "expired" || (voucher.state === "approved" && over))
    throw new DomainError("voucher_expired", "the voucher has expired");
  if (voucher.state !== "approved" || voucher.approved === null)
    throw new DomainError("not_found", "no voucher that could be used");
  if (amount > voucher.approved) {
    throw new DomainError("voucher_too_small", "the voucher pays less", {
      details: { available: shown(voucher.approved, await localHub(ctx)) },
    });
  }
  await ctx.db.update(vouchers).set({ state: "used", agreementId }).where(eq(vouchers.id, voucherId));
}

/** Its agreement ended without payment: it can be used again, in the caller's transaction. Nothing happens to one not in use. */
export async function returnVoucher(ctx: Ctx, voucherId: Id): Promise<void> {
  await ctx.db
    .update(vouchers)
    .set({ state: "approved", agreementId: null })
    .where(and(eq(vouchers.id, voucherId), eq(vouchers.state, "used")));
}

/** Vouchers whose time is over; called by the clock. */
export async function expireVouchers(ctx: Ctx): Promise<void> {
  await ctx.db
    .update(vouchers)
    .set({ state: "expired" })
    .where(and(eq(vouchers.state, "approved"), lte(vouchers.expires, ctx.clock.now())));
}

async function lockVoucher(ctx: Ctx, id: Id) {
  const [row] = await ctx.db.select().from(vouchers).where(eq(vouchers.id, id)).for("no key update");
  if (row === undefined) throw new DomainError("not_found", "no such voucher");
  return row;
}

/** A voucher as pages and APIs show it. */
export interface VoucherView {
  id: Id;
  organization: ActorView;
  /** Of an organization that was verified. */
  sizeClass: SizeClass | null;
  purpose: string;
  requested: bigint;
  approved: bigint | null;
  state: VoucherState;
  automatic: boolean;
  note: string | null;
  agreementId: Id | null;
  created: Date;
  decided: Date | null;
  expires: Date | null;
}

/** What an organization can pay with now, the one that ends first at the head. */
export function usableVouchers(ctx: Ctx, organizationId: Id): Promise<VoucherView[]> {
  const usable = and(
    eq(vouchers.organizationId, organizationId),
    eq(vouchers.state, "approved"),
    gt(vouchers.expires, ctx.clock.now()),
  );
  return list(ctx, usable, vouchers.expires);
}

/** An organization's vouchers, newest first. */
export function vouchersOf(ctx: Ctx, organizationId: Id): Promise<VoucherView[]> {
  return list(ctx, eq(vouchers.organizationId, organizationId), desc(vouchers.id));
}

/** What waits for a curator, oldest first. */
export function voucherQueue(ctx: Ctx): Promise<VoucherView[]> {
  return list(ctx, eq(vouchers.state, "requested"), vouchers.id);
}

async function list(
  ctx: Ctx,
  condition: ReturnType<typeof and>,
  order: typeof vouchers.id | typeof vouchers.expires | ReturnType<typeof desc>,
): Promise<VoucherView[]> {
  const rows = await ctx.db
    .select({
      id: vouchers.id,
      organization: actorColumns,
      sizeClass: verifications.sizeClass,
      purpose: vouchers.purpose,
      requested: vouchers.requested,
      approved: vouchers.approved,
      state: vouchers.state,
      automatic: vouchers.automatic,
      note: vouchers.note,
      agreementId: vouchers.agreementId,
      created: vouchers.created,
      decided: vouchers.decided,
      expires: vouchers.expires,
    })
    .from(vouchers)
    .innerJoin(actors, eq(actors.id, vouchers.organizationId))
    .leftJoin(
      verifications,
      and(eq(verifications.organizationId, vouchers.organizationId), eq(verifications.state, "verified")),
    )
    .where(condition)
    .orderBy(order)
    .limit(LISTED);
  return rows.map((row) => ({ ...row, organization: toActorView(row.organization) }));
}
