import type { Id } from "../../db/ids.ts";
import { findActors } from "../../domain/actors/queries.ts";
import { outgoingStep, settledAgreement } from "../../domain/agreements/outgoing.ts";
import type { Ctx } from "../../domain/context.ts";
import type { ReceivedEvent } from "../../domain/events.ts";
import type { JsonObject } from "../../json.ts";
import { toReceipt, toRefusal } from "../vocab/agreements.ts";
import type { Outgoing } from "./index.ts";

/** What a party of ours consented to, as it was signed: a second proof would be a second consent. */
export async function onAgreementSigned(ctx: Ctx, stepId: Id): Promise<Outgoing | null> {
  const step = await outgoingStep(ctx, stepId);
  if (step === null) return null;
  const { id, body, actorId, otherId, agreement } = step;
  const { type } = JSON.parse(body) as { type: string };
  return {
    actorId,
    finished: { id, type, body },
    object: agreement,
    audience: "direct",
    recipients: { actors: [otherId] },
  };
}

/** FEP-0837 wants the proposing party to confirm that the exchange took place. */
export async function onAgreementSettled(ctx: Ctx, id: Id, iri: string): Promise<Outgoing | null> {
  const agreement = await settledAgreement(ctx, id);
  if (agreement === null) return null;
  const { actorId, otherId, settled } = agreement;
  return toOne(ctx, actorId, otherId, agreement.iri, (actor, to) =>
    toReceipt({ id: iri, actor, to, agreement: agreement.iri, settled }),
  );
}

export function onOfferRefused(
  ctx: Ctx,
  event: Extract<ReceivedEvent, { name: "offer.refused" }>,
  iri: string,
): Promise<Outgoing | null> {
  const { offer, reason, content } = event;
  return toOne(ctx, BigInt(event.subject), event.offererId, offer, (actor, to) =>
    toRefusal({ id: iri, type: "Reject", actor, to, offer, reason, content }),
  );
}

/** The one who accepted too late learns that there is nothing to accept any more. */
export function onOfferLapsed(
  ctx: Ctx,
  event: Extract<ReceivedEvent, { name: "offer.lapsed" }>,
  iri: string,
): Promise<Outgoing | null> {
  const { offer } = event;
  const content = "the offer had lapsed";
  return toOne(ctx, BigInt(event.subject), event.accepterId, offer, (actor, to) =>
    toRefusal({ id: iri, type: "Undo", actor, to, offer, reason: "expired", content }),
  );
}

async function toOne(
  ctx: Ctx,
  actorId: Id,
  otherId: Id,
  object: string,
  toActivity: (actor: string, to: string) => JsonObject,
): Promise<Outgoing | null> {
  const rows = await findActors(ctx, [actorId, otherId]);
  const actor = rows.find(({ id }) => id === actorId);
  const other = rows.find(({ id }) => id === otherId);
  if (actor === undefined || other === undefined || other.host === null) return null;
  return {
    actorId,
    activity: toActivity(actor.iri, other.iri),
    object,
    audience: "direct",
    recipients: { actors: [otherId] },
  };
}
