import type { FederationBuilder, InboxContext } from "@fedify/fedify";
import { Accept, Activity, Create, Delete, Follow, Offer, Reject, Undo, Update } from "@fedify/vocab";
import { getLogger } from "@logtape/logtape";
import type { InboxData } from "../context.ts";
import { onActorDelete, onActorUpdate } from "./actors.ts";
import { onAgreementEvent, onOffer, onOfferAccepted, onOfferRejected, onOfferUndone } from "./agreements.ts";
import { onAccept, onFollow, onReject, onUndoFollow } from "./follows.ts";
import { onMessage } from "./messages.ts";
import { onObject, onObjectDelete } from "./objects.ts";
import {
  onPeeringAccepted,
  onPeeringOffered,
  onPeeringRejected,
  onPeeringRevised,
  onPeeringUndone,
} from "./peers.ts";
import { onResolutionAgreed, onResolutionProposed, onResolutionSigned } from "./resolutions.ts";
import { onReview } from "./reviews.ts";

const logger = getLogger(["ayni", "inbox"]);

/** Which handler takes which activity. No logic here: a handler parses, looks up what it needs, and calls one command. */
export function registerInbox(builder: FederationBuilder<InboxData>): void {
  builder
    .setInboxListeners("/actors/{identifier}/inbox", "/inbox")
    .on(Follow, bySigner(onFollow))
    .on(Offer, bySigner(firstOf(onPeeringOffered, onResolutionProposed, onOffer)))
    .on(Accept, bySigner(firstOf(onPeeringAccepted, onResolutionAgreed, onOfferAccepted, onAccept)))
    .on(Reject, bySigner(firstOf(onPeeringRejected, onOfferRejected, onReject)))
    .on(Undo, bySigner(firstOf(onPeeringUndone, onOfferUndone, onUndoFollow)))
    .on(Create, bySigner(firstOf(onReview, onResolutionSigned, onMessage, onAgreementEvent, onObject)))
    .on(
      Update,
      bySigner(
        firstOf(onPeeringRevised, (data, update: Update) =>
          isAboutItself(update) ? onActorUpdate(data, update) : onObject(data, update),
        ),
      ),
    )
    .on(
      Delete,
      bySigner((data, remove: Delete) =>
        isAboutItself(remove) ? onActorDelete(data, remove) : onObjectDelete(data, remove),
      ),
    )
    .on(Activity, (_: InboxContext<InboxData>, activity) => {
      logger.debug("Not of concern here: {id}", { id: activity.id?.href });
    })
    .onError((_, error) => logger.debug("Activity failed: {error}", { error }));
}

/**
 * The door read plain JSON, this is JSON-LD, and the two may be made to disagree: what counts is that the one who signed is
 * the only one who acts, and that the activity's id is of the same server.
 */
function bySigner<T extends Activity>(handler: (data: InboxData, activity: T) => Promise<void>) {
  return async ({ data }: InboxContext<InboxData>, activity: T): Promise<void> => {
    data.begun = true;
    const [actor, ...others] = activity.actorIds;
    const own = actor?.href === data.signer && others.length === 0 && activity.id?.origin === actor.origin;
    if (own) await handler(data, activity);
    else logger.info("Dropped {id}: not wholly its signer's", { id: activity.id?.href });
  };
}

/** One after the other, until one takes it: all but the last say when an activity is about something else. */
function firstOf<T extends Activity>(...handlers: ((data: InboxData, activity: T) => Promise<unknown>)[]) {
  return async (data: InboxData, activity: T): Promise<void> => {
    for (const handle of handlers) if ((await handle(data, activity)) !== false) return;
  };
}

function isAboutItself(activity: Activity): boolean {
  return activity.objectId !== null && activity.objectId.href === activity.actorId?.href;
}
