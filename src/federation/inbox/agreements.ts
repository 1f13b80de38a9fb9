import type { Accept, Create, Offer, Reject, Undo } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import type { Signed } from "../../domain/agreements/consents.ts";
import { partyOf } from "../../domain/agreements/load.ts";
import {
  agreementByIri,
  hasAgreements,
  type KnownStep,
  localProposal,
  receiveAccept,
  receiveCounter,
  receiveEvent,
  receiveOffer,
  receiveReject,
  receiveUndo,
  stepOf,
} from "../../domain/agreements/remote.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { throttle } from "../../domain/throttle.ts";
import type { InboxData } from "../context.ts";
import { iriOf, isObject } from "../envelope.ts";
import type { JsonObject } from "../proofs.ts";
import {
  agreementOf,
  answeredProposal,
  noteOf,
  offerDigest,
  offeredAgreement,
  readEvent,
  readOffer,
  readPinned,
  readTerms,
  reasonOf,
  sameTerms,
} from "../vocab/agreement-terms.ts";
import { consentOf } from "./consent.ts";

/** How many offers one server, and one actor of it, may make here within an hour. */
const OFFERS_OF_HOST = 120;
const OFFERS_OF_ACTOR = 30;
const HOUR_SECONDS = 3600;

/** Somebody elsewhere answers a proposal of ours, or puts other terms on the table of an agreement. */
export async function onOffer(data: InboxData, offer: Offer): Promise<void> {
  const { ctx, check, remote, raw } = data;
  const iri = check(offer.id);
  const agreement = offeredAgreement(raw);
  if (iri === null || agreement === null || offer.actorId === null) return;
  if ((await stepOf(ctx, iri)) !== null) return;
  const said = readOffer(iri, raw, agreement);
  const answered = iriOf(raw.inReplyTo);
  const known = answered === null ? null : await stepOf(ctx, answered);
  if (answered !== null && known !== null) {
    checkDigest(raw, known);
    await byParty(data, iri, (ctx, actorId, signed) =>
      receiveCounter(ctx, { actorId, accountId: null }, known, answered, said, signed),
    );
    return;
  }
  const proposalIri = answeredProposal(agreement);
  const proposal = proposalIri === null ? null : await localProposal(ctx, proposalIri);
  if (proposal === null) return;
  const { href, host } = offer.actorId;
  await throttle(ctx, `offers:${host}`, OFFERS_OF_HOST, HOUR_SECONDS);
  await throttle(ctx, `offers:${href}`, OFFERS_OF_ACTOR, HOUR_SECONDS);
  const signed = await consentOf(data, iri);
  // Nobody here need follow whoever answers: to be answered, it takes a row.
  const offerer = await remote.actorByIri(href);
  if (offerer.host === null || offerer.iri !== href) return;
  await receiveOnce(ctx, iri, (ctx) => receiveOffer(ctx, offerer, proposal, said, signed));
}

/**
 * The other party agrees to an Offer of ours: on the same terms, with an id of its own making for the Agreement (FEP-0837).
 *
 * @returns false when it answers something else
 */
export async function onOfferAccepted(data: InboxData, accept: Accept): Promise<boolean> {
  const step = await offerNamed(data, accept);
  if (step === null) return false;
  const { iri, answered, known } = step;
  const { result } = data.raw;
  const agreement = isObject(result) ? result : {};
  const id = data.check(URL.parse(String(agreement.id)));
  const author = iriOf(agreement.attributedTo);
  const ours = JSON.parse(known.body ?? "{}") as JsonObject;
  const offered = isObject(ours.object) ? readTerms(ours.object) : null;
  const agreed = readTerms(agreement);
  checkDigest(data.raw, known);
  if (
    id === null ||
    new URL(id).origin !== new URL(data.signer).origin ||
    (author ?? data.signer) !== data.signer
  )
    throw new DomainError("remote_invalid", "the Agreement has no id of whoever accepts it");
  if (offered === null || agreed === null || !sameTerms(offered, agreed))
    throw new DomainError("remote_invalid", "accepted was something else than was offered");
  const note = noteOf(data.raw);
  const quoted = readPinned(data.raw);
  if (quoted === undefined) throw new DomainError("remote_invalid", "what it pins cannot be read");
  await byParty(data, iri, (ctx, actorId, signed) =>
    receiveAccept(ctx, { actorId, accountId: null }, known, { answered, iri: id, note, quoted }, signed),
  );
  return true;
}

/** The other party says no to an Offer of ours. @returns false when it answers something else */
export async function onOfferRejected(data: InboxData, reject: Reject): Promise<boolean> {
  const step = await offerNamed(data, reject);
  if (step === null) return false;
  const { iri, answered, known } = step;
  checkDigest(data.raw, known);
  const note = noteOf(data.raw);
  await byParty(data, iri, (ctx, actorId, signed) =>
    receiveReject(ctx, { actorId, accountId: null }, known, { answered, note }, signed),
  );
  return true;
}

/** The other party takes back its Offer, or its Accept. @returns false when it undoes something else */
export async function onOfferUndone(data: InboxData, undo: Undo): Promise<boolean> {
  const step = await offerNamed(data, undo);
  if (step === null) return false;
  const { iri, answered, known } = step;
  const said = {
    ...{ answered, note: noteOf(data.raw) },
    // Who calls off what was agreed names the agreement; an Undo that crossed its answer cannot.
    agreed: iriOf(data.raw.context) !== null,
    lapsed: reasonOf(data.raw) === "expired",
  };
  await byParty(data, iri, (ctx, actorId, signed) =>
    receiveUndo(ctx, { actorId, accountId: null }, known, said, signed),
  );
  return true;
}

/**
 * The other party says that work was done or received, or that something is wrong, or confirms that the exchange took place.
 *
 * @returns false when the object tells of no agreement that is known here
 */
export async function onAgreementEvent(data: InboxData, create: Create): Promise<boolean> {
  const { ctx, check, signer, raw } = data;
  const iri = check(create.id);
  if (iri === null) return false;
  const object = await documentOf(data, raw.object);
  const named = object === null ? null : agreementOf(object);
  const agreement = named === null ? null : await agreementByIri(ctx, named);
  if (object === null || agreement === null) return false;
  const actor = await findActor(ctx, signer);
  if (actor === null || actor.host === null) return true;
  const { proposer, peerId } = agreement;
  // Between hubs a receipt says nothing that clearing has not said.
  const speaks = peerId === null && partyOf(agreement, actor.id) === proposer;
  const event = readEvent(object, { party: proposer, speaks });
  const note = noteOf(object) ?? noteOf(raw);
  if (event === null) return true;
  await byActor(data, iri, actor, (ctx, actorId, signed) =>
    receiveEvent(ctx, { actorId, accountId: null }, agreement, event, note, signed),
  );
  return true;
}

/** The Offer or Accept that an activity answers or takes back, if it is part of an agreement here. */
async function offerNamed(
  { ctx, check }: InboxData,
  activity: Accept | Reject | Undo,
): Promise<{ iri: string; answered: string; known: KnownStep } | null> {
  const iri = check(activity.id);
  const answered = activity.objectId?.href;
  if (iri === null || answered === undefined) return null;
  const known = await stepOf(ctx, answered);
  return known === null ? null : { iri, answered, known };
}

/** An answer that names a digest is about that very text: the same id with other words is another Offer. */
function checkDigest(activity: JsonObject, { digest }: KnownStep): void {
  if ((offerDigest(activity) ?? digest) !== digest)
    throw new DomainError("remote_invalid", "it answers another Offer");
}

/** Has a party that is known here take a step, once; what is not its to say finds no agreement. */
async function byParty(
  data: InboxData,
  iri: string,
  step: (ctx: Ctx, actorId: bigint, signed: Signed) => Promise<void>,
): Promise<void> {
  const actor = await findActor(data.ctx, data.signer);
  if (actor !== null) await byActor(data, iri, actor, step);
}

async function byActor(
  data: InboxData,
  iri: string,
  actor: NonNullable<Awaited<ReturnType<typeof findActor>>>,
  step: (ctx: Ctx, actorId: bigint, signed: Signed) => Promise<void>,
): Promise<void> {
  if (actor.host === null || actor.iri !== data.signer) return;
  if ((await stepOf(data.ctx, iri)) !== null) return;
  const signed = await consentOf(data, iri);
  await receiveOnce(data.ctx, iri, (ctx) => step(ctx, actor.id, signed));
}

/**
 * What a Create creates. Embedded it is its actor's own words, unless it says that it is of elsewhere; of one that is only named, its server
 * is asked if its actor has anything to tell about here.
 */
async function documentOf({ ctx, signer, remote }: InboxData, object: unknown): Promise<JsonObject | null> {
  const { origin } = new URL(signer);
  const own = (json: JsonObject) =>
    [json.id, json.attributedTo].every(
      (value) => value == null || URL.parse(String(iriOf(value)))?.origin === origin,
    );
  if (isObject(object)) return own(object) ? object : null;
  if (typeof object !== "string" || URL.parse(object)?.origin !== origin) return null;
  const actor = await findActor(ctx, signer);
  if (actor === null || actor.host === null || !(await hasAgreements(ctx, actor.id))) return null;
  const fetched = await remote.fetchObject(object);
  return own(fetched.raw) ? fetched.raw : null;
}
