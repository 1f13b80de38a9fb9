import type { JsonObject } from "../../json.ts";
import { ACTIVITY_CONTEXT, document } from "./context.ts";

export interface ActivityFields {
  id: string;
  type: "Create" | "Update" | "Delete" | "Follow" | "Accept" | "Reject" | "Undo";
  actor: string;
  object: JsonObject | string;
  to: string[];
  cc?: string[];
  published?: Date;
}

/**
 * An activity as it goes over the wire. Addressing is always arrays, since some peers parse nothing else; `actor` is always
 * an id, since an embedded actor is refused by some.
 */
export function toActivity(
  fields: ActivityFields,
  context: readonly (string | object)[] = ACTIVITY_CONTEXT,
): JsonObject {
  return document(context, {
    id: fields.id,
    type: fields.type,
    actor: fields.actor,
    ...(fields.published === undefined ? {} : { published: fields.published.toISOString() }),
    to: fields.to,
    cc: fields.cc ?? [],
    object: fields.object,
  });
}

/** The same Follow that was sent, for the activities that answer it: nothing but the four properties that peers compare. */
export function toFollow(iri: string, follower: string, followed: string): JsonObject {
  return { id: iri, type: "Follow", actor: follower, object: followed };
}

/** What is left of a deleted object. */
export function toTombstone(iri: string, formerType: string, deleted: Date): JsonObject {
  return { id: iri, type: "Tombstone", formerType, deleted: deleted.toISOString() };
}
