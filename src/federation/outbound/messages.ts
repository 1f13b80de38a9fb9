import type { Id } from "../../db/ids.ts";
import { outgoingMessage } from "../../domain/agreements/messages.ts";
import type { Ctx } from "../../domain/context.ts";
import { toMessage } from "../vocab/messages.ts";
import type { Outgoing } from "./index.ts";

/** What is written in an agreement, for its other party alone. */
export async function onMessageWritten(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const message = await outgoingMessage(ctx, id);
  if (message === null) return null;
  const { author, other, agreement } = message;
  return {
    ...{ actorId: author.id, activity: toMessage(iri, message), object: agreement, audience: "direct" },
    recipients: { actors: [other.id] },
  };
}
