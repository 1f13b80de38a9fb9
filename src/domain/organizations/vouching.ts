import { and, asc, desc, eq, gt, inArray, isNull, or } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { entries, ledgerAccounts, vouches } from "../../db/schema/ledger.ts";
import { verifications } from "../../db/schema/organizations.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import { parseAmount } from "../amounts.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { organizationAccount, setLimits, shown } from "../ledger/accounts.ts";
import { currentPolicy } from "../ledger/policy.ts";
import { notify } from "../notices/commands.ts";
import { transact } from "../transact.ts";
import { canGiveBack, freeLine, GIVEN_MAX, RECEIVED_MAX } from "./rules.ts";
import { actingOrganization, isVerified } from "./verification.ts";

const BATCH = 200;

/** One organization's pledge for another. */
export interface VouchView {
  id: Id;
  /** The other side: who gave it, or for whom it was given. */
  organization: ActorView;
  amount: bigint;
  created: Date;
}

/**
 * A verified organization lends another a part of its own credit line, until the other one's balance is at zero again or it takes
 * the rest back.
 *
 * @param amountText in credits, as typed
 * @throws DomainError organization_needed, not_verified, not_found, already_vouched, too_many_vouches, over_vouch_max, no_free_line,
 * required, not_a_number
 */
export async function vouch(ctx: Ctx, acting: Acting, organizationId: Id, amountText: string): Promise<void> {
  const hub = await localHub(ctx);
  const amount = parseAmount("amount", amountText, hub.currencyScale);
  await transact(ctx, async (ctx) => {
    const { name } = await actingOrganization(ctx, acting);
    if (!(await isVerified(ctx, acting.actorId, { lock: true })))
      throw new DomainError("not_verified", "only verified organizations vouch for others");
    await vouchable(ctx, acting.actorId, organizationId);
    const { vouchMax } = await currentPolicy(ctx);
    if (amount > vouchMax)
      throw new DomainError("over_vouch_max", "more than one organization may pledge", {
        field: "amount",
        details: { max: shown(vouchMax, hub) },
      });

    const lines = await lockedLines(ctx, [acting.actorId, organizationId]);
    // Counted under the locks: whoever else vouches for it, or as this one, holds one of them.
    const open = await ctx.db
      .select({ voucherId: vouches.voucherId, vouchedId: vouches.vouchedId })
      .from(vouches)
      .where(
        and(
          isNull(vouches.released),
          or(eq(vouches.voucherId, acting.actorId), eq(vouches.vouchedId, organizationId)),
        ),
      );
    const given = open.filter(({ voucherId }) => voucherId === acting.actorId);
    const received = open.filter(({ vouchedId }) => vouchedId === organizationId);
    if (given.some(({ vouchedId }) => vouchedId === organizationId))
      throw new DomainError("already_vouched", "it vouches for this organization already");
    if (given.length >= GIVEN_MAX || received.length >= RECEIVED_MAX)
      throw new DomainError("too_many_vouches", "one of the two has as many vouches as there may be");
    const free = freeLine(lineOf(lines, acting.actorId));
    if (amount > free)
      throw new DomainError("no_free_line", "its own credit line is shorter, in use or lent", {
        field: "amount",
        details: { free: shown(free, hub) },
      });

    await moveFloors(ctx, lines, acting.accountId, "vouch", [
      [acting.actorId, amount],
      [organizationId, -amount],
    ]);
    const now = ctx.clock.now();
    await ctx.db.insert(vouches).values({
      ...{ id: await ctx.ids.next(now), voucherId: acting.actorId, vouchedId: organizationId },
      ...{ amount, accountId: acting.accountId, created: now },
    });
    await notify(ctx, organizationId, "vouched", "/settings/verification", {
      actor: name,
      amount: shown(amount, hub),
    });
  });
}

/**
 * Takes a pledge back, whole.
 *
 * @throws DomainError not_found, vouch_in_use (the other organization uses that part of its line)
 */
export async function withdrawVouch(ctx: Ctx, acting: Acting, organizationId: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    // Before the accounts' locks, as whoever decides about the verification takes them.
    const verified = await isVerified(ctx, acting.actorId, { lock: true });
    const open = and(
      eq(vouches.voucherId, acting.actorId),
      eq(vouches.vouchedId, organizationId),
      isNull(vouches.released),
    );
    const [known] = await ctx.db.select({ id: vouches.id }).from(vouches).where(open);
    if (known === undefined) throw new DomainError("not_found", "no such vouch");
    const lines = await lockedLines(ctx, [acting.actorId, organizationId]);
    const [row] = await ctx.db
      .update(vouches)
      .set({ released: ctx.clock.now() })
      .where(open)
      .returning({ amount: vouches.amount });
    if (row === undefined) throw new DomainError("not_found", "no such vouch");
    if (!canGiveBack(lineOf(lines, organizationId), row.amount))
      throw new DomainError("vouch_in_use", "the other organization uses it");
    const back: Moves = verified ? [[acting.actorId, -row.amount]] : [];
    await moveFloors(ctx, lines, acting.accountId, "vouch_withdrawn", [
      [organizationId, row.amount],
      ...back,
    ]);
  });
}

/**
 * Lets go of the pledges for an organization whose balance is at zero again or above, as far as its holds allow. Called after it
 * was paid, in the caller's transaction or alone. A pledge whose giver is busy at this moment stays for the clock to release: waiting
 * for a third account's lock while holding two could wait for ever.
 */
export async function releaseVouches(ctx: Ctx, organizationId: Id): Promise<void> {
  const open = await ctx.db
    .select({ id: vouches.id, voucherId: vouches.voucherId })
    .from(vouches)
    .where(and(eq(vouches.vouchedId, organizationId), isNull(vouches.released)))
    .orderBy(asc(vouches.id))
    .limit(RECEIVED_MAX);
  for (const { id, voucherId } of open)
    await transact(ctx, (ctx) => releaseOne(ctx, id, voucherId, organizationId));
}

async function releaseOne(ctx: Ctx, id: Id, voucherId: Id, vouchedId: Id): Promise<void> {
  // Who decides about the giver holds this row and waits for the giver's account, which a payer may hold here.
  const [giver] = await ctx.db
    .select({ state: verifications.state })
    .from(verifications)
    .where(eq(verifications.organizationId, voucherId))
    .for("share", { skipLocked: true });
  if (giver === undefined) return;
  const lines = new Map([
    ...(await lockedLines(ctx, [vouchedId])),
    ...(await lockedLines(ctx, [voucherId], { skipLocked: true })),
  ]);
  const vouched = lines.get(vouchedId);
  if (vouched === undefined || !lines.has(voucherId)) return;
  const [row] = await ctx.db
    .select({ amount: vouches.amount, created: vouches.created })
    .from(vouches)
    .where(and(eq(vouches.id, id), isNull(vouches.released)));
  if (row === undefined || vouched.posted < 0n || !canGiveBack(vouched, row.amount)) return;
  // At zero because nothing was paid or earned yet is not at zero again.
  const [used] = await ctx.db
    .select({ id: entries.id })
    .from(entries)
    .where(and(eq(entries.accountId, vouched.id), gt(entries.created, row.created)))
    .orderBy(desc(entries.seq))
    .limit(1);
  if (used === undefined) return;
  await ctx.db.update(vouches).set({ released: ctx.clock.now() }).where(eq(vouches.id, id));
  // A pledge goes back into the giver's line, unless the giver has none of its own any more.
  const back: Moves = giver.state === "verified" ? [[voucherId, -row.amount]] : [];
  await moveFloors(ctx, lines, null, "vouch_released", [[vouchedId, row.amount], ...back]);
}

/** Releases what has become free of all pledges; called by the clock. One that fails keeps no other. */
export async function releaseDueVouches(ctx: Ctx): Promise<void> {
  const failures: unknown[] = [];
  for (let after: Id = 0n; ; ) {
    const rows = await ctx.db
      .selectDistinct({ id: vouches.vouchedId })
      .from(vouches)
      .where(and(isNull(vouches.released), gt(vouches.vouchedId, after)))
      .orderBy(asc(vouches.vouchedId))
      .limit(BATCH);
    for (const { id } of rows) await releaseVouches(ctx, id).catch((error: unknown) => failures.push(error));
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) break;
    after = last.id;
  }
  if (failures.length > 0) throw failures[0];
}

/** The open pledges that an organization gave and received. */
export async function vouchesOf(
  ctx: Ctx,
  organizationId: Id,
): Promise<{ given: VouchView[]; received: VouchView[] }> {
  const side = async (mine: typeof vouches.voucherId | typeof vouches.vouchedId) => {
    const other = mine === vouches.voucherId ? vouches.vouchedId : vouches.voucherId;
    const rows = await ctx.db
      .select({
        id: vouches.id,
        organization: actorColumns,
        amount: vouches.amount,
        created: vouches.created,
      })
      .from(vouches)
      .innerJoin(actors, eq(actors.id, other))
      .where(and(eq(mine, organizationId), isNull(vouches.released)))
      .orderBy(asc(vouches.id))
      .limit(GIVEN_MAX);
    return rows.map((row) => ({ ...row, organization: toActorView(row.organization) }));
  };
  return { given: await side(vouches.voucherId), received: await side(vouches.vouchedId) };
}

/** May one organization vouch for another as far as can be known before it says how much? For the form. */
export async function vouchOffer(
  ctx: Ctx,
  voucherId: Id,
  organizationId: Id,
): Promise<{ free: bigint; max: bigint } | null> {
  if (voucherId === organizationId || !(await isVerified(ctx, voucherId))) return null;
  const [known] = await ctx.db
    .select({ id: vouches.id })
    .from(vouches)
    .where(
      and(eq(vouches.voucherId, voucherId), eq(vouches.vouchedId, organizationId), isNull(vouches.released)),
    );
  if (known !== undefined) return null;
  const [account] = await ctx.db
    .select({ posted: ledgerAccounts.posted, held: ledgerAccounts.held, minimum: ledgerAccounts.minimum })
    .from(ledgerAccounts)
    .where(and(eq(ledgerAccounts.actorId, voucherId), eq(ledgerAccounts.kind, "organization")));
  const free = account === undefined ? 0n : freeLine({ ...account, minimum: account.minimum ?? 0n });
  const { vouchMax } = await currentPolicy(ctx);
  return { free, max: free < vouchMax ? free : vouchMax };
}

/** @throws DomainError not_found unless it is another organization of this hub */
async function vouchable(ctx: Ctx, voucherId: Id, organizationId: Id): Promise<void> {
  const [row] = await ctx.db
    .select({ id: actors.id })
    .from(actors)
    .where(
      and(
        eq(actors.id, organizationId),
        eq(actors.kind, "Organization"),
        isNull(actors.host),
        isNull(actors.deleted),
      ),
    );
  if (row === undefined || organizationId === voucherId)
    throw new DomainError("not_found", "no such organization to vouch for");
}

interface LockedLine {
  id: Id;
  posted: bigint;
  held: bigint;
  minimum: bigint;
  growth: bigint;
  maximum: bigint | null;
}

/** Ledger accounts of organizations under lock, taken in the order of their ids as everywhere; by actor. */
async function lockedLines(
  ctx: Ctx,
  actorIds: readonly Id[],
  { skipLocked = false } = {},
): Promise<Map<Id, LockedLine>> {
  const ids: Id[] = [];
  for (const actorId of actorIds.toSorted((a, b) => (a < b ? -1 : 1)))
    ids.push(await organizationAccount(ctx, actorId));
  const rows = await ctx.db
    .select()
    .from(ledgerAccounts)
    .where(inArray(ledgerAccounts.id, ids))
    .orderBy(asc(ledgerAccounts.id))
    .for("no key update", skipLocked ? { skipLocked } : {});
  return new Map(rows.map((row) => [row.actorId ?? 0n, { ...row, minimum: row.minimum ?? 0n }]));
}

function lineOf(lines: Map<Id, LockedLine>, actorId: Id): LockedLine {
  const line = lines.get(actorId);
  if (line === undefined) throw new Error("the ledger has no such account");
  return line;
}

type Moves = readonly [actorId: Id, by: bigint][];

/** Moves the floors of locked accounts by amounts (plus: less credit). */
async function moveFloors(
  ctx: Ctx,
  lines: Map<Id, LockedLine>,
  accountId: Id | null,
  reason: string,
  moves: Moves,
): Promise<void> {
  for (const [actorId, by] of moves) {
    const { minimum, growth, maximum } = lineOf(lines, actorId);
    await setLimits(ctx, actorId, { minimum: minimum + by, growth, maximum }, reason, accountId);
  }
}
