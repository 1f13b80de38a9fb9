import type { Id } from "../../db/ids.ts";
import { findActors } from "../../domain/actors/queries.ts";
import type { Ctx } from "../../domain/context.ts";
import type { ReceivedEvent } from "../../domain/events.ts";
import { signedPeering } from "../../domain/peers/queries.ts";
import { toPeeringEnd } from "../vocab/peers.ts";
import type { Outgoing } from "./index.ts";

/** Terms of ours as they were signed, byte for byte. */
export async function onPeeringSigned(ctx: Ctx, peeringId: Id): Promise<Outgoing | null> {
  const peering = await signedPeering(ctx, peeringId);
  if (peering === null) return null;
  const { id, body, hubId, peerActorId } = peering;
  const { type } = JSON.parse(body) as { type: string };
  return {
    actorId: hubId,
    finished: { id, type, body },
    object: `${ctx.hub.origin}/peerings/${peering.peerId}`,
    audience: "direct",
    recipients: { actors: [peerActorId] },
  };
}

/** That we do not want to, or no more. */
export async function onPeeringEnded(
  ctx: Ctx,
  event: Extract<ReceivedEvent, { name: "peering.ended" }>,
  iri: string,
): Promise<Outgoing | null> {
  const { peerActorId, type, activity, note } = event;
  const hubId = BigInt(event.subject);
  const rows = await findActors(ctx, [hubId, peerActorId]);
  const hub = rows.find(({ id }) => id === hubId);
  const peer = rows.find(({ id }) => id === peerActorId);
  if (hub === undefined || peer === undefined) return null;
  return {
    actorId: hubId,
    activity: toPeeringEnd({ id: iri, type, actor: hub.iri, to: peer.iri, activity, note }),
    object: activity,
    audience: "direct",
    recipients: { actors: [peerActorId] },
  };
}
