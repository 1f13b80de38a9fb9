import { and, eq, isNull, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { clearingTransfers } from "../../db/schema/clearing.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { reserve } from "../ledger/transfers.ts";
import { MAX_OPEN, type Order } from "./link-rules.ts";
import { partOf, type Quote, type Terms } from "./messages-rules.ts";
import { pack, unpack } from "./packed.ts";

/** An order as it waits for the deciding process: with what the ledger writes down about it. */
export type PlacedOrder = Order & {
  /** A message of the agreement: `confirm`, `auto`, `resolve`, `withdraw` … */
  decision: string;
  /** Who pressed the button; null for the clock. */
  accountId: Id | null;
};

/** What is to be held for a payee of another hub. */
export interface Reservation {
  peerId: Id;
  /** Account of the ledger: the organization's, or the fund's. */
  payerId: Id;
  /** Iris of both parties, and of the agreement as far as it has one. */
  payer: string;
  payee: string;
  agreementId: Id;
  agreement: string;
  quote: Quote;
  accountId: Id | null;
}

/**
 * Holds what the quote says on the payer's account, for an organization of a peer; in the caller's transaction. The peer is asked for
 * nothing yet.
 *
 * @throws DomainError needs_peering when nothing new is begun with the peer; too_many_payments; and as the ledger's `reserve`
 */
export async function reserveAcross(
  ctx: Ctx,
  { peerId, payerId, payer, payee, agreementId, agreement, quote, accountId }: Reservation,
): Promise<{ transferId: Id; iri: string }> {
  const [peer] = await ctx.db.execute<{ account: string; open: string }>(sql`
    select account.id as account,
      (select count(*) from clearing_transfers t where t.peer_id = p.id and t.state = 'reserved') as open
    from peers p
    join ledger_accounts account on account.kind = 'conversion' and account.actor_id = p.actor_id and account.unit = 'credit'
    where p.id = ${peerId}::bigint and p.state = 'active'`);
  if (peer === undefined) throw new DomainError("needs_peering", "nothing new is begun with this hub");
  if (Number(peer.open) >= MAX_OPEN)
    throw new DomainError("too_many_payments", "too many payments to this hub are under way");
  const payeeId = BigInt(peer.account);
  const transferId = await reserve(ctx, {
    ...{ kind: "agreement", payerId, payeeId, amount: quote.payer, agreementId, accountId },
  });
  const iri = `${ctx.hub.origin}/transfers/${transferId}`;
  const terms: Terms = { iri, payer, payee, agreement, quote, evidence: null };
  await ctx.db.insert(clearingTransfers).values({
    ...{ iri, peerId, transferId, agreementId, side: "payer", state: "reserved", terms: pack(terms) },
    ...{ seconds: quote.seconds, created: ctx.clock.now() },
  });
  return { transferId, iri };
}

/**
 * Both organizations have consented: the peer is asked for its promise, as soon as the deciding process gets to it; in the caller's
 * transaction. Asked a second time, it is asked once.
 *
 * @param agreement its iri, as both know it from now on
 * @param evidence digests of the signed Offer and Accept
 * @throws DomainError not_found; conflict when the transfer is decided, or to be
 */
export async function askAcross(
  ctx: Ctx,
  transferId: Id,
  { agreement, evidence }: { agreement: string; evidence: { offer: string; accept: string } },
): Promise<void> {
  const row = await lockOpen(ctx, transferId);
  if (row.order !== null) throw new DomainError("conflict", "the transfer is to be decided already");
  const terms = unpack<Terms>(row.terms);
  if (terms.evidence !== null) return;
  await ctx.db
    .update(clearingTransfers)
    .set({ terms: pack({ ...terms, agreement, evidence }), due: ctx.clock.now() })
    .where(eq(clearingTransfers.iri, row.iri));
  await wake(ctx, row.peerId);
}

/**
 * The payer pays all or a part of what is held: the deciding process posts it; in the caller's transaction.
 *
 * @throws DomainError not_found; conflict when it is decided, or to be; over_amount; nothing_arrives
 */
export async function orderCommit(
  ctx: Ctx,
  transferId: Id,
  {
    payer,
    confirm,
    decision,
    accountId,
  }: {
    /** Minor units of this hub. */
    payer: bigint;
    /** Digest of the payer's confirmation; or why there is none: `auto`, `resolution`, `rule`. */
    confirm: string;
    decision: string;
    accountId: Id | null;
  },
): Promise<void> {
  const row = await lockOpen(ctx, transferId);
  const { quote } = unpack<Terms>(row.terms);
  if (payer > quote.payer)
    throw new DomainError("over_amount", "a transfer pays no more than it holds", { field: "amount" });
  const part = partOf(quote, payer);
  if (payer <= 0n || part.seconds <= 0n || part.payee <= 0n)
    throw new DomainError("nothing_arrives", "nothing of it would arrive", { field: "amount" });
  await place(ctx, row, { type: "commit", payer, confirm, decision, accountId });
}

/**
 * Nothing is paid: the deciding process gives the hold back and tells the peer; in the caller's transaction. Ordered a second time, it
 * is ordered once.
 *
 * Also what was never asked for waits until hands are shaken. That no request is written down proves nothing on a hub that was restored:
 * the request, the promise and even the entry that paid may have been made after the backup, and be known to the peer alone. Given back
 * at once, the credits could be spent again before the peer gives back the entry that this hub signed. Whether the tables are of a
 * backup cannot be seen in them (a disk image says nothing), so that a restart is taken for a restore: holds towards a peer that is away
 * wait for it, or for administrators who end the peering.
 *
 * @throws DomainError not_found; conflict when it is decided, or to be paid
 */
export async function orderAbort(
  ctx: Ctx,
  transferId: Id,
  { reason, decision, accountId }: { reason: string; decision: string; accountId: Id | null },
): Promise<void> {
  const row = await lockOpen(ctx, transferId);
  if (row.order !== null && unpack<Order>(row.order).type === "abort") return;
  await place(ctx, row, { type: "abort", reason, decision, accountId });
}

type Open = Awaited<ReturnType<typeof lockOpen>>;

async function lockOpen(ctx: Ctx, transferId: Id) {
  const [row] = await ctx.db
    .select({
      iri: clearingTransfers.iri,
      peerId: clearingTransfers.peerId,
      state: clearingTransfers.state,
      terms: clearingTransfers.terms,
      order: clearingTransfers.order,
    })
    .from(clearingTransfers)
    .where(and(eq(clearingTransfers.transferId, transferId), eq(clearingTransfers.side, "payer")))
    .for("no key update");
  const terms = row?.terms ?? null;
  if (row === undefined || terms === null) throw new DomainError("not_found", "no such transfer");
  if (row.state !== "reserved") throw new DomainError("conflict", "the transfer was decided before");
  return { ...row, terms };
}

/** Only the deciding process decides: a hub that was restored does not know what it decided before its hands are shaken. */
async function place(ctx: Ctx, row: Open, order: PlacedOrder): Promise<void> {
  const placed = await ctx.db
    .update(clearingTransfers)
    .set({ order: pack(order) })
    .where(and(eq(clearingTransfers.iri, row.iri), isNull(clearingTransfers.order)))
    .returning({ iri: clearingTransfers.iri });
  if (placed.length === 0) throw new DomainError("conflict", "the transfer is to be decided already");
  await wake(ctx, row.peerId);
}

/** The deciding process hears it when the transaction commits. */
async function wake(ctx: Ctx, peerId: Id): Promise<void> {
  await ctx.db.execute(sql`select pg_notify('clearing', ${peerId.toString()})`);
}
