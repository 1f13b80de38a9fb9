import { type FederationBuilder, type InboxContext } from "@fedify/fedify";
import { Accept, Activity, Create, Delete, Follow, Reject, Undo, Update } from "@fedify/vocab";
import { getLogger } from "@logtape/logtape";
import type { InboxData } from "../context.ts";
import { onActorDelete, onActorUpdate } from "./actors.ts";
import { onAccept, onFollow, onReject, onUndoFollow } from "./follows.ts";
import { onObject, onObjectDelete } from "./objects.ts";

const logger = getLogger(["ayni", "inbox"]);

/** Which handler takes which activity. No logic here: a handler parses, looks up what it needs, and calls one command. */
export function registerInbox(builder: FederationBuilder<InboxData>): void {
  builder
    .setInboxListeners("/actors/{identifier}/inbox", "/inbox")
    .on(Follow, ({ data }, follow) => onFollow(data, follow))
    .on(Accept, ({ data }, accept) => onAccept(data, accept))
    .on(Reject, ({ data }, reject) => onReject(data, reject))
    .on(Undo, ({ data }, undo) => onUndoFollow(data, undo))
    .on(Create, ({ data }, create) => onObject(data, create))
    .on(Update, async ({ data }, update) => {
      if (update.objectId?.href === update.actorId?.href) await onActorUpdate(data, update);
      else await onObject(data, update);
    })
    .on(Delete, async ({ data }, remove) => {
      if (remove.objectId?.href === remove.actorId?.href) await onActorDelete(data, remove);
      else await onObjectDelete(data, remove);
    })
    .on(Activity, (_: InboxContext<InboxData>, activity) => {
      logger.debug("Not of concern here: {id}", { id: activity.id?.href });
    })
    .onError((_, error) => logger.debug("Activity failed: {error}", { error }));
}
