import { and, eq } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreementSteps, agreements } from "../../db/schema/agreements.ts";
import { peers } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import { localHub } from "../hubs/queries.ts";

/** A signed step of one of ours, byte for byte, and whom it is for: what stewards say is their hub's word to the other hub. */
export async function outgoingStep(ctx: Ctx, stepId: Id) {
  const [row] = await ctx.db
    .select({
      id: agreementSteps.id,
      body: agreementSteps.body,
      party: agreementSteps.party,
      agreement: agreements.iri,
      providerId: agreements.providerId,
      receiverId: agreements.receiverId,
      peerActorId: peers.actorId,
    })
    .from(agreementSteps)
    .innerJoin(agreements, eq(agreements.id, agreementSteps.agreementId))
    .leftJoin(peers, eq(peers.id, agreements.peerId))
    .where(and(eq(agreementSteps.id, stepId), eq(agreementSteps.proof, "ours")));
  if (row === undefined || row.body === null) return null;
  const { id, body, agreement, providerId, receiverId, peerActorId } = row;
  if (row.party === null) {
    const { actorId } = await localHub(ctx);
    return peerActorId === null ? null : { id, body, agreement, actorId, otherId: peerActorId };
  }
  const [actorId, otherId] = row.party === "provider" ? [providerId, receiverId] : [receiverId, providerId];
  return { id, body, agreement, actorId, otherId };
}

/** A settled agreement as its proposing party confirms it (FEP-0837). */
export async function settledAgreement(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({
      iri: agreements.iri,
      proposer: agreements.proposer,
      providerId: agreements.providerId,
      receiverId: agreements.receiverId,
      settled: agreements.settled,
    })
    .from(agreements)
    .where(eq(agreements.id, id));
  if (row?.settled == null) return null;
  const { iri, settled, providerId, receiverId } = row;
  const offered = row.proposer === "provider";
  const [actorId, otherId] = offered ? [providerId, receiverId] : [receiverId, providerId];
  return { iri, settled, actorId, otherId };
}
