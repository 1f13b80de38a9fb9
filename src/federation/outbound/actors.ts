import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../../domain/context.ts";
import { actorDocument } from "../documents.ts";
import { toActivity } from "../vocab/activities.ts";
import { ACTOR_CONTEXT, PUBLIC } from "../vocab/context.ts";
import type { Outgoing } from "./index.ts";

export async function onActorUpdated(ctx: Ctx, actorId: Id, iri: string): Promise<Outgoing | null> {
  const document = await actorDocument(ctx, actorId);
  if (document === null) return null;
  const { "@context": _, ...object } = document;
  const actor = object.id as string;
  return {
    actorId,
    activity: toActivity(
      { id: iri, type: "Update", actor, object, to: [PUBLIC], cc: [object.followers as string] },
      [...ACTOR_CONTEXT, "https://w3id.org/security/data-integrity/v2"],
    ),
    object: actor,
    audience: "direct",
    recipients: { followersOf: actorId, peers: document.type === "Organization" },
  };
}
