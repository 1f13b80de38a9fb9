import { sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import type { LedgerAccountKind, TransferKind, TransferState } from "../../db/schema/ledger.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import { fundAccount, shown } from "./accounts.ts";
import {
  type Account,
  checkReserve,
  defaultPolicy,
  donationOf,
  growthBy,
  type Refusal,
  rateOf,
  type TransferMessage,
  transferStep,
} from "./rules.ts";

export interface NewTransfer {
  kind: TransferKind;
  /** Accounts of the ledger. */
  payerId: Id;
  payeeId: Id;
  /** Minor units. */
  amount: bigint;
  agreementId?: Id | null;
  /** The committed transfer that this one takes back. */
  corrects?: Id | null;
  note?: string | null;
  /** Who pressed the button. */
  accountId: Id | null;
}

/**
 * Holds an amount on the payer's account, in the caller's transaction. The payer's row is locked until that ends.
 *
 * @throws DomainError insufficient_credit, fund_empty, daily_limit (details: available), ledger_frozen, account_closed, invalid
 */
export async function reserve(ctx: Ctx, transfer: NewTransfer): Promise<Id> {
  const { kind, payerId, payeeId, amount, agreementId = null, corrects = null, note = null } = transfer;
  if (amount <= 0n || payerId === payeeId)
    throw new DomainError("invalid", "a transfer moves more than nothing, from one account to another");
  const { payer, frozen, payeeClosed, dailyLimit } = await lockPayer(ctx, payerId, payeeId);
  if (frozen) throw new DomainError("ledger_frozen", "the ledger is frozen");
  if (payeeClosed) throw new DomainError("account_closed", "the payee's account is closed");
  const limit = dailyLimit ?? defaultPolicy(rateOf(await localHub(ctx))).dailyLimit;
  // What was promised today is read by the statement that writes: it sees what those did who held the lock before.
  const beforehand = checkReserve(payer, amount, 0n, limit);
  if (beforehand !== null) throw await refused(ctx, beforehand);
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  const today = promisedSince(payerId, new Date(now.getTime() - 86_400_000));
  const [reserved] = await ctx.db.execute(sql`
    insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, agreement_id, corrects, note, account_id, created)
    select ${id}::bigint, ${`${ctx.hub.origin}/transfers/${id}`}, ${kind}, 'reserved', ${payerId}::bigint, ${payeeId}::bigint,
      ${amount}::bigint, ${agreementId}::bigint, ${corrects}::bigint, ${note}, ${transfer.accountId}::bigint, ${now.toISOString()}::timestamptz
    where ${payer.kind !== "organization"}::boolean or ${today} + ${amount}::bigint <= ${limit}::bigint
    returning id`);
  if (reserved === undefined) {
    const [row] = await ctx.db.execute<{ today: string }>(sql`select ${today} as today`);
    const refusal = checkReserve(payer, amount, BigInt(row?.today ?? limit), limit);
    throw await refused(ctx, refusal ?? { code: "daily_limit", available: 0n });
  }
  return id;
}

/** What an account promised since then, without what it got back. */
function promisedSince(payerId: Id, since: Date) {
  return sql`(
    select coalesce(sum(amount), 0) from transfers
    where payer_id = ${payerId}::bigint and created > ${since.toISOString()}::timestamptz and state <> 'aborted')`;
}

async function lockPayer(ctx: Ctx, payerId: Id, payeeId: Id) {
  const [row] = await ctx.db.execute<
    AccountRow & { frozen: boolean; payee_closed: boolean; daily: string | null }
  >(sql`
    select ${accountColumns}, payee.closed is not null as payee_closed,
      exists (select from ledger_freezes where released is null) as frozen,
      (select daily_limit from exchange_policies order by revision desc limit 1) as daily
    from ledger_accounts account join ledger_accounts payee on payee.id = ${payeeId}::bigint
    where account.id = ${payerId}::bigint
    for no key update of account`);
  if (row === undefined) throw new DomainError("not_found", "no such account");
  return {
    payer: toAccount(row),
    frozen: row.frozen,
    payeeClosed: row.payee_closed,
    dailyLimit: row.daily === null ? null : BigInt(row.daily),
  };
}

async function refused(ctx: Ctx, { code, available }: Refusal): Promise<DomainError> {
  return new DomainError(code, "the ledger refuses this transfer", {
    details: { available: shown(available, await localHub(ctx)) },
  });
}

export interface Commitment {
  /** What is paid of the hold, in minor units; the rest is free again. */
  amount: bigint;
  /** Why: `confirm`, `auto`, `resolve` … */
  decision: string;
  /** Percent of the amount that the payee gives to the solidarity fund. */
  donation?: number;
  /** Null for the clock. */
  accountId: Id | null;
}

/**
 * Posts a reserved transfer, in whole or in part, in the caller's transaction. What an organization earns by an agreement makes its
 * credit line longer, while that may grow.
 *
 * @throws DomainError not_found, ledger_frozen, over_amount, conflict when it was decided already
 */
export async function commit(
  ctx: Ctx,
  transferId: Id,
  { amount, decision, donation = 0, accountId }: Commitment,
): Promise<void> {
  const donated = donationOf(amount, donation);
  const fundId = donated > 0n ? await fundAccount(ctx) : null;
  const locked = await lockTransfer(ctx, transferId, fundId);
  decide(locked, { type: "commit", amount });
  if (locked.frozen) throw new DomainError("ledger_frozen", "the ledger is frozen");
  const { payerId, payeeId } = locked;
  const lines = [
    { account: payerId, amount: -amount },
    { account: payeeId, amount },
    ...(fundId === null
      ? []
      : [
          { account: payeeId, amount: -donated },
          { account: fundId, amount: donated },
        ]),
  ];
  const now = ctx.clock.now();
  const time = sql`${now.toISOString()}::timestamptz`;
  const ids: Id[] = [];
  for (const _ of lines) ids.push(await ctx.ids.next(now));
  // One statement: the hold is released and all is posted, or nothing.
  await ctx.db.execute(sql`
    with decided as (
      update transfers set state = 'committed', settled = ${amount}::bigint, decision = ${decision},
        decided = ${time}, account_id = ${accountId}::bigint
      where id = ${transferId}::bigint
      returning id
    )
    insert into entries (id, transfer_id, account_id, amount, created)
    select line.id, decided.id, line.account, line.amount, ${time}
    from decided, unnest(
      ${sql.param(ids.map(String))}::bigint[],
      ${sql.param(lines.map((line) => line.account.toString()))}::bigint[],
      ${sql.param(lines.map((line) => line.amount.toString()))}::bigint[]
    ) with ordinality as line (id, account, amount, position)
    order by line.position`);
  const grown = locked.kind === "agreement" ? growthBy(locked.payee, amount) : 0n;
  if (grown > 0n) {
    await ctx.db.execute(sql`
      update ledger_accounts set minimum = minimum - ${grown}::bigint, growth = growth - ${grown}::bigint
      where id = ${payeeId}::bigint`);
  }
}

/**
 * Gives a hold back, in the caller's transaction; for an aborted one nothing is left to do.
 *
 * @throws DomainError not_found, conflict when it was committed
 */
export async function abort(
  ctx: Ctx,
  transferId: Id,
  { decision, accountId }: { decision: string; accountId: Id | null },
): Promise<void> {
  const [aborted] = await ctx.db.execute(sql`
    update transfers set state = 'aborted', decision = ${decision}, decided = ${ctx.clock.now().toISOString()}::timestamptz,
      account_id = ${accountId}::bigint
    where id = ${transferId}::bigint and state = 'reserved'
    returning id`);
  if (aborted !== undefined) return;
  const locked = await lockTransfer(ctx, transferId, null);
  const { messages } = transferStep(locked.transfer, { type: "abort" }, ctx.clock.now());
  for (const message of messages) if (message.type === "refuse") throw notDecided(message.code);
}

interface AccountRow extends Record<string, unknown> {
  account_id: string;
  kind: LedgerAccountKind;
  posted: string;
  held: string;
  minimum: string | null;
  growth: string;
  closed: boolean;
}
const accountColumns = sql`account.id as account_id, account.kind, account.posted, account.held, account.minimum, account.growth,
  account.closed is not null as closed`;

function toAccount(row: AccountRow): Account {
  return {
    kind: row.kind,
    posted: BigInt(row.posted),
    held: BigInt(row.held),
    minimum: row.minimum === null ? null : BigInt(row.minimum),
    growth: BigInt(row.growth),
    closed: row.closed,
  };
}

/** A transfer, and then the accounts that it touches in the order of their ids: nobody waits for another in a circle. */
async function lockTransfer(ctx: Ctx, transferId: Id, fundId: Id | null) {
  const rows = await ctx.db.execute<
    AccountRow & {
      transfer_kind: TransferKind;
      state: TransferState;
      payer_id: string;
      payee_id: string;
      amount: string;
      settled: string | null;
      frozen: boolean;
    }
  >(sql`
    with transfer as materialized (
      select kind, state, payer_id, payee_id, amount, settled from transfers where id = ${transferId}::bigint for no key update
    )
    select ${accountColumns}, transfer.kind as transfer_kind, transfer.state, transfer.payer_id, transfer.payee_id, transfer.amount,
      transfer.settled, exists (select from ledger_freezes where released is null) as frozen
    from transfer join ledger_accounts account on account.id in (transfer.payer_id, transfer.payee_id, ${fundId}::bigint)
    order by account.id
    for no key update of account`);
  const [row] = rows;
  const payee = rows.find((other) => other.account_id === other.payee_id);
  if (row === undefined || payee === undefined) throw new DomainError("not_found", "no such transfer");
  return {
    kind: row.transfer_kind,
    payerId: BigInt(row.payer_id),
    payeeId: BigInt(row.payee_id),
    payee: toAccount(payee),
    frozen: row.frozen,
    transfer: {
      state: row.state,
      amount: BigInt(row.amount),
      settled: row.settled === null ? null : BigInt(row.settled),
      decided: null,
    },
  };
}

/** @throws DomainError over_amount, conflict when the transfer was decided before, whichever way */
function decide(
  { transfer }: Awaited<ReturnType<typeof lockTransfer>>,
  message: TransferMessage & { type: "commit" },
): void {
  const { messages } = transferStep(transfer, message, new Date(0));
  if (messages.length === 0) throw notDecided("conflict");
  for (const effect of messages) if (effect.type === "refuse") throw notDecided(effect.code);
}

function notDecided(code: "not_found" | "conflict" | "over_amount"): DomainError {
  const texts = {
    not_found: "no such transfer",
    conflict: "the transfer was decided before",
    over_amount: "a transfer pays something, and no more than it holds",
  };
  return new DomainError(code, texts[code], code === "over_amount" ? { field: "amount" } : {});
}
