import type { Id } from "../../src/db/ids.ts";
import {
  type AgreementState,
  agreementSteps,
  agreements,
  type Party,
} from "../../src/db/schema/agreements.ts";
import { proposals, type Settlement } from "../../src/db/schema/proposals.ts";
import type { Ctx } from "../../src/domain/context.ts";

export interface AgreementFixture {
  provider: Id;
  receiver: Id;
  /** When it came to its end, in whatever way. */
  settledAt: Date;
  state?: AgreementState;
  settlement?: Settlement;
  proposer?: Party;
  settledAmount?: bigint | null;
  /** When it was offered; a day before its end unless told otherwise. */
  created?: Date;
  /** When the one who published the proposal answered. */
  answered?: Date | null;
  due?: Date | null;
  delivered?: Date | null;
  disputedBy?: Party | null;
}

const DAY = 86_400_000;

/** An agreement that has come to its end, as rows: for what looks at agreements and does nothing with them. */
export async function settledAgreement(ctx: Ctx, fixture: AgreementFixture): Promise<Id> {
  const { provider, receiver, settledAt } = fixture;
  const state = fixture.state ?? "settled";
  const settlement = fixture.settlement ?? "none";
  const proposer = fixture.proposer ?? "provider";
  const created = fixture.created ?? new Date(settledAt.getTime() - DAY);
  const amount = settlement === "credit" ? 100n : null;
  const proposalId = await ctx.ids.next(created);
  const proposalIri = `${ctx.hub.origin}/proposals/${proposalId}`;
  await ctx.db.insert(proposals).values({
    ...{ id: proposalId, iri: proposalIri, url: proposalIri, local: true, published: created },
    actorId: proposer === "provider" ? provider : receiver,
    purpose: proposer === "provider" ? "offer" : "request",
    ...{ name: "Taller", content: "<p>Taller</p>", unit: "hour", settlement },
  });
  const id = await ctx.ids.next(created);
  const ended = state === "settled" || state === "resolved";
  await ctx.db.insert(agreements).values({
    ...{ id, iri: `${ctx.hub.origin}/agreements/${id}`, proposalId, proposalRevision: 1, settlement },
    ...{ providerId: provider, receiverId: receiver, proposer, state, quantity: 2, unit: "hour", amount },
    offeredBy: proposer === "provider" ? "receiver" : "provider",
    settledAmount: fixture.settledAmount === undefined ? (ended ? amount : null) : fixture.settledAmount,
    disputedBy: fixture.disputedBy ?? null,
    due: fixture.due ?? null,
    delivered: fixture.delivered ?? null,
    ...{ created, accepted: created, changed: settledAt, settled: ended ? settledAt : null },
  });
  if (fixture.answered != null) {
    await ctx.db.insert(agreementSteps).values({
      ...{ id: await ctx.ids.next(fixture.answered), agreementId: id, message: "accept", state: "accepted" },
      ...{ party: proposer, created: fixture.answered },
    });
  }
  return id;
}
