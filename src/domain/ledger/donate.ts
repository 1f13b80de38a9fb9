import { and, eq, ne, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { ledgerAccounts, transfers } from "../../db/schema/ledger.ts";
import { parseAmount } from "../amounts.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { notify } from "../notices/commands.ts";
import { transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";
import { fundAccount, lockAccount, lockAccounts, organizationAccount, shown } from "./accounts.ts";
import { donatable } from "./rules.ts";
import { commit, reserve } from "./transfers.ts";

const NOTE_MAX = 1_000;

/**
 * An organization gives credits to the solidarity fund: of what it has, never of what it is lent.
 *
 * @returns the transfer
 * @throws DomainError organization_needed, insufficient_credit, not_a_number, required, too_long, daily_limit, ledger_frozen
 */
export async function donate(
  ctx: Ctx,
  { accountId, actorId }: Acting,
  input: { amount: string; note?: string | undefined },
): Promise<Id> {
  const hub = await localHub(ctx);
  const amount = parseAmount("amount", input.amount, hub.currencyScale);
  const note = optionalText("note", input.note, NOTE_MAX);
  return transact(ctx, async (ctx) => {
    const payerId = await organizationAccount(ctx, actorId);
    const payeeId = await fundAccount(ctx);
    await lockAccounts(ctx, [payerId, payeeId]);
    const free = donatable(await lockAccount(ctx, payerId));
    if (amount > free) {
      throw new DomainError("insufficient_credit", "the organization does not have as much", {
        field: "amount",
        details: { available: shown(free, hub) },
      });
    }
    const id = await reserve(ctx, { kind: "donation", payerId, payeeId, amount, note, accountId });
    await commit(ctx, id, { amount, decision: "donate", accountId });
    return id;
  });
}

/**
 * Who was paid gives back all or a part of it. What was settled stays on the books; this is a transfer the other way.
 *
 * @returns the new transfer
 * @throws DomainError not_found, required, over_amount (details: available), and as `reserve`
 */
export async function returnCredits(
  ctx: Ctx,
  { accountId, actorId }: Acting,
  transferId: Id,
  input: { amount: string; note: string },
): Promise<Id> {
  const hub = await localHub(ctx);
  const amount = parseAmount("amount", input.amount, hub.currencyScale);
  const note = requiredText("note", input.note, NOTE_MAX);
  return transact(ctx, async (ctx) => {
    // Locked by a statement of its own: what is left is read by one that sees what whoever was faster gave back.
    await ctx.db
      .select({ id: transfers.id })
      .from(transfers)
      .where(eq(transfers.id, transferId))
      .for("no key update");
    const left = await returnable(ctx, actorId, transferId);
    if (left === null) throw new DomainError("not_found", "no such payment to this organization");
    if (amount > left.amount) {
      throw new DomainError("over_amount", "more than is left of what was paid", {
        field: "amount",
        details: { available: shown(left.amount, hub) },
      });
    }
    const { payeeId: payerId, payerId: payeeId, agreementId } = left;
    await lockAccounts(ctx, [payerId, payeeId]);
    const id = await reserve(ctx, {
      kind: "correction",
      payerId,
      payeeId,
      amount,
      agreementId,
      corrects: transferId,
      note,
      accountId,
    });
    await commit(ctx, id, { amount, decision: "return", accountId });
    await tellPayer(ctx, actorId, payeeId, agreementId, shown(amount, hub));
    return id;
  });
}

/**
 * What can still be given back of a payment that an organization got; null when it got none by this transfer, or by another hub: what
 * crossed went into both hubs' books, and goes back by an agreement of its own.
 */
export async function returnable(
  ctx: Ctx,
  actorId: Id,
  transferId: Id,
): Promise<{ amount: bigint; payerId: Id; payeeId: Id; agreementId: Id | null } | null> {
  const payer = alias(ledgerAccounts, "payer");
  const [paid] = await ctx.db
    .select({
      settled: transfers.settled,
      payerId: transfers.payerId,
      payeeId: transfers.payeeId,
      agreementId: transfers.agreementId,
    })
    .from(transfers)
    .innerJoin(ledgerAccounts, eq(ledgerAccounts.id, transfers.payeeId))
    .innerJoin(payer, eq(payer.id, transfers.payerId))
    .where(
      and(
        eq(transfers.id, transferId),
        ne(payer.kind, "conversion"),
        eq(transfers.kind, "agreement"),
        eq(transfers.state, "committed"),
        eq(ledgerAccounts.actorId, actorId),
      ),
    );
  if (paid?.settled == null) return null;
  const [returned] = await ctx.db
    .select({ sum: sql<string>`coalesce(sum(${transfers.amount}), 0)` })
    .from(transfers)
    .where(and(eq(transfers.corrects, transferId), ne(transfers.state, "aborted")));
  const { settled, ...parties } = paid;
  return { amount: settled - BigInt(returned?.sum ?? 0), ...parties };
}

async function tellPayer(
  ctx: Ctx,
  giverId: Id,
  accountId: Id,
  agreementId: Id | null,
  amount: string,
): Promise<void> {
  const [payer] = await ctx.db
    .select({ actorId: ledgerAccounts.actorId })
    .from(ledgerAccounts)
    .where(eq(ledgerAccounts.id, accountId));
  // The fund has nobody who waits for news.
  if (payer?.actorId == null) return;
  const [giver] = await ctx.db.select({ name: actors.name }).from(actors).where(eq(actors.id, giverId));
  const path = agreementId === null ? "/ledger" : `/agreements/${agreementId}`;
  await notify(ctx, payer.actorId, "credits_received", path, { actor: giver?.name ?? "", amount });
}
