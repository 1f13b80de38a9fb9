import type { Id } from "../../src/db/ids.ts";
import { acceptAgreement, confirmAgreement, deliverAgreement } from "../../src/domain/agreements/commands.ts";
import { agreementById } from "../../src/domain/agreements/queries.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { setLimits } from "../../src/domain/ledger/accounts.ts";
import { donate } from "../../src/domain/ledger/donate.ts";
import { requestVoucher } from "../../src/domain/ledger/vouchers.ts";
import { transact } from "../../src/domain/transact.ts";
import { answer, publish } from "./exchange.ts";

/** Lets an organization go so far below zero, and asks it to give away what it has above 10 credits. Minor units. */
export function lend(ctx: Ctx, { actorId }: Acting, line: bigint): Promise<void> {
  const limits = { minimum: -line, growth: 0n, maximum: 1_000n };
  return transact(ctx, (ctx) => setLimits(ctx, actorId, limits, "a test", null));
}

/** One organization gets a service of another and pays for it. Returns the agreement and its transfer. */
export async function payFor(
  ctx: Ctx,
  receiver: Acting,
  provider: Acting,
  price: string,
  name = "Taller de contabilidad",
): Promise<{ agreement: Id; transfer: Id }> {
  const agreement = await answer(ctx, receiver, await publish(ctx, provider, { price, name }));
  await acceptAgreement(ctx, provider, agreement);
  await deliverAgreement(ctx, provider, agreement);
  await confirmAgreement(ctx, receiver, agreement);
  const { transferId } = await agreementById(ctx, agreement, provider);
  if (transferId === null) throw new Error("nothing was paid");
  return { agreement, transfer: transferId };
}

/**
 * An organization with everything on its pages of credits: more than it should keep, payments both ways, a hold, a donation, and a
 * voucher that waits for a curator. Returns the pages on which that is seen.
 */
export async function creditPages(ctx: Ctx, rich: Acting, other: Acting): Promise<string[]> {
  await lend(ctx, rich, 10_000n);
  await lend(ctx, other, 10_000n);
  const { transfer } = await payFor(ctx, other, rich, "35,5");
  await payFor(ctx, rich, other, "3", "تدريب على جمع التمويل");
  await donate(ctx, rich, { amount: "2", note: "Para quienes empiezan" });
  const held = await answer(ctx, rich, await publish(ctx, other, { price: "5" }));
  await acceptAgreement(ctx, other, held);
  const { id } = await requestVoucher(ctx, rich, { amount: "80", purpose: "Contabilidad" });
  return [
    ...["/ledger", "/ledger?direction=in&kind=donation", "/ledger/hub", "/ledger/donate", "/vouchers"],
    ...[`/ledger/transfers/${transfer}/return`, "/admin", "/admin/policy", "/admin/ledger"],
    ...["/admin/vouchers", `/admin/vouchers/${id}`],
  ];
}
