import { randomUUID } from "node:crypto";
import type { Id } from "../../src/db/ids.ts";
import { agreements } from "../../src/db/schema/agreements.ts";
import { clearingEntries, clearingTransfers } from "../../src/db/schema/clearing.ts";
import { proposals } from "../../src/db/schema/proposals.ts";
import type { Organization, TestHub } from "./hub.ts";

export interface Between {
  /** Iri of the agreement, and its row on either hub. */
  iri: string;
  payer: Id;
  payee: Id;
}

/**
 * An agreement that two hubs have settled, as rows on both: for what comes after a settlement and does nothing with the ledger.
 *
 * @param peers how the payer's hub knows the payee's, and the other way round; null: nothing was paid
 */
export async function settledBetween(
  payer: { hub: TestHub; organization: Organization },
  payee: { hub: TestHub; organization: Organization },
  peers: [Id, Id] | null,
  settled = payer.hub.ctx.clock.now(),
): Promise<Between> {
  const serial = randomUUID();
  const iri = `${payee.hub.origin}/agreements/${serial}`;
  const transfer = `${payer.hub.origin}/transfers/${serial}`;
  const digest = `z${serial}`;
  const write = async (hub: TestHub, receiverId: Id, providerId: Id, at: 0 | 1): Promise<Id> => {
    const { ctx } = hub;
    const local = at === 1;
    const settlement = peers === null ? "none" : "credit";
    const amount = peers === null ? null : 200n;
    const proposalId = await ctx.ids.next(settled);
    const proposal = `${payee.hub.origin}/proposals/${serial}`;
    await ctx.db.insert(proposals).values({
      ...{ id: proposalId, iri: proposal, url: proposal, local, published: settled, actorId: providerId },
      ...{ purpose: "offer", name: "Taller", content: "<p>Taller</p>", unit: "hour", settlement },
    });
    const id = await ctx.ids.next(settled);
    await ctx.db.insert(agreements).values({
      ...{ id, iri, proposalId, proposalRevision: 1, settlement, providerId, receiverId },
      ...{ proposer: "provider", offeredBy: "receiver", state: "settled", quantity: 2, unit: "hour" },
      ...{ amount, settledAmount: amount, settledQuantity: 2, peerId: peers?.[at] ?? null },
      ...{ created: settled, accepted: settled, delivered: settled, changed: settled, settled },
    });
    if (peers === null) return id;
    await ctx.db.insert(clearingTransfers).values({
      ...{ iri: transfer, peerId: peers[at], side: local ? "payee" : "payer", agreementId: id },
      ...{ state: local ? "settled" : "committed", seconds: 7200n, created: settled, decided: settled },
    });
    const log = { peerId: peers[at], direction: local ? ("in" as const) : ("out" as const) };
    const seq = BigInt((await ctx.db.$count(clearingEntries)) + 1);
    await ctx.db.insert(clearingEntries).values({
      ...{ ...log, seq, transfer, seconds: 7200n, cumulative: 7200n * seq },
      ...{ digest, prev: "", body: "{}", created: settled },
    });
    return id;
  };
  const there = {
    payee: await payer.hub.ctx.remote.resolveActor(payee.organization.iri),
    payer: await payee.hub.ctx.remote.resolveActor(payer.organization.iri),
  };
  return {
    iri,
    payer: await write(payer.hub, payer.organization.actorId, there.payee, 0),
    payee: await write(payee.hub, there.payer, payee.organization.actorId, 1),
  };
}
