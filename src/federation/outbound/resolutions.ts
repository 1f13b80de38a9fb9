import type { Id } from "../../db/ids.ts";
import { type OutgoingResolution, outgoingResolution } from "../../domain/agreements/stewarding.ts";
import type { Ctx } from "../../domain/context.ts";
import type { JsonObject } from "../../json.ts";
import { toAgreed, toProposed } from "../vocab/resolutions.ts";
import type { Outgoing } from "./index.ts";

export async function onResolutionProposed(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const resolution = await outgoingResolution(ctx, id);
  return resolution === null ? null : toHub(resolution, toProposed(iri, resolution));
}

export async function onResolutionAgreed(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const resolution = await outgoingResolution(ctx, id);
  return resolution === null ? null : toHub(resolution, toAgreed(iri, resolution));
}

/** Stewards have no names on the wire: their hub speaks for them, to the other hub. */
function toHub({ hub, peer, iri }: OutgoingResolution, activity: JsonObject): Outgoing {
  return {
    ...{ actorId: hub.id, activity, object: iri, audience: "direct" },
    recipients: { actors: [peer.actorId] },
  };
}
