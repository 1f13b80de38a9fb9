import { and, eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { proposalRevisions, proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { DAY_LAG } from "../proposals/rules.ts";
import type { Loaded } from "./load.ts";
import type { ProposalTerms } from "./price-rules.ts";

/**
 * A proposal that can be answered now, at the revision that was read.
 *
 * @throws DomainError not_found, gone, proposal_closed (paused or ended), stale_proposal
 */
export async function answerableProposal(ctx: Ctx, id: Id, revision: number) {
  const [row] = await ctx.db
    .select({
      id: proposals.id,
      iri: proposals.iri,
      name: proposals.name,
      actorId: proposals.actorId,
      local: proposals.local,
      purpose: proposals.purpose,
      settlement: proposals.settlement,
      unit: proposals.unit,
      unitBased: proposals.unitBased,
      price: proposals.price,
      currency: proposals.currency,
      scale: proposals.currencyScale,
      minimum: proposals.minimum,
      available: proposals.available,
      committed: proposals.committed,
      revision: proposals.revision,
      ends: proposals.ends,
      paused: proposals.paused,
      deleted: proposals.deleted,
    })
    .from(proposals)
    .where(eq(proposals.id, id));
  if (row === undefined) throw new DomainError("not_found", "no such proposal");
  if (row.deleted !== null) throw new DomainError("gone", "this proposal was withdrawn");
  const now = ctx.clock.now().getTime();
  if (row.paused !== null || (row.ends !== null && row.ends.getTime() + DAY_LAG <= now))
    throw new DomainError("proposal_closed", "this proposal takes no more answers");
  if (row.revision !== revision)
    throw new DomainError("stale_proposal", `the proposal is at revision ${row.revision}`);
  return row;
}

/** The terms that bind an agreement: those of the revision that was answered. Of remote proposals only the newest is known. */
export async function answeredTerms(ctx: Ctx, { row, proposal }: Loaded): Promise<ProposalTerms> {
  const { proposalId, proposalRevision: revision, settlement } = row;
  const [answered] = await ctx.db
    .select({ terms: proposalRevisions.terms })
    .from(proposalRevisions)
    .where(and(eq(proposalRevisions.proposalId, proposalId), eq(proposalRevisions.revision, revision)));
  if (answered === undefined) return proposal;
  const { unitBased, price, minimum } = JSON.parse(answered.terms) as RevisedTerms;
  return { ...proposal, settlement, unitBased, minimum, price: price === null ? null : BigInt(price) };
}

type RevisedTerms = Pick<ProposalTerms, "unitBased" | "minimum"> & { price: string | null };

/** What is left of a proposal is counted in its unit. @throws DomainError stale_proposal when ours has another one by now */
export function requireSameUnit({ row, proposal }: Loaded): void {
  if (proposal.local && proposal.unit !== row.unit)
    throw new DomainError("stale_proposal", "the proposal has another unit by now");
}

/**
 * Takes units of a proposal, under its row's lock: however many accept at once, no more are taken than there are. How many there are of a
 * remote one is for its author to know, who has just agreed.
 *
 * @throws DomainError over_available
 */
export async function takeQuantity(ctx: Ctx, id: Id, quantity: number): Promise<void> {
  const taken = await ctx.db
    .update(proposals)
    .set({
      committed: sql`${proposals.committed} + ${quantity}`,
      available: sql`case when ${proposals.local} then ${proposals.available}
        else greatest(${proposals.available}, case when ${proposals.available} is not null then ${proposals.committed} + ${quantity} end) end`,
    })
    .where(
      and(
        eq(proposals.id, id),
        sql`(not ${proposals.local} or ${proposals.available} is null or ${proposals.committed} + ${quantity} <= ${proposals.available})`,
      ),
    )
    .returning({ id: proposals.id });
  if (taken.length > 0) return;
  const [row] = await ctx.db
    .select({ left: sql<number>`${proposals.available} - ${proposals.committed}` })
    .from(proposals)
    .where(eq(proposals.id, id));
  throw new DomainError("over_available", "not so many are left", { details: { left: row?.left ?? 0 } });
}

/** Takes again what was given back, since it is paid for after all: also when somebody else has got the last ones meanwhile. */
export async function retakeQuantity(ctx: Ctx, id: Id, quantity: number): Promise<void> {
  await ctx.db
    .update(proposals)
    .set({
      committed: sql`case when ${proposals.available} is null then ${proposals.committed} + ${quantity}
        else least(${proposals.available}, ${proposals.committed} + ${quantity}) end`,
    })
    .where(eq(proposals.id, id));
}

/** Gives them back when an agreement ends without having been carried out. */
export async function giveBackQuantity(ctx: Ctx, id: Id, quantity: number): Promise<void> {
  await ctx.db
    .update(proposals)
    .set({ committed: sql`${proposals.committed} - ${quantity}` })
    .where(eq(proposals.id, id));
}
