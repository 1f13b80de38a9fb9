import type { Accept, Offer, Reject, Undo, Update } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { actorById } from "../../domain/actors/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { localHub } from "../../domain/hubs/queries.ts";
import { peerOf } from "../../domain/peers/queries.ts";
import {
  ownPeering,
  type Proven,
  receiveAccept,
  receiveOffer,
  receiveReject,
  receiveRevision,
  receiveUndo,
  theirPeering,
} from "../../domain/peers/receive.ts";
import type { SignedTerms } from "../../domain/peers/rules.ts";
import { throttle } from "../../domain/throttle.ts";
import type { InboxData } from "../context.ts";
import { iriOf } from "../envelope.ts";
import type { JsonObject } from "../proofs.ts";
import { noteOf, offerDigest } from "../vocab/agreement-terms.ts";
import { parsePeering, peeringOf } from "../vocab/peers.ts";
import { consentOf } from "./consent.ts";

/*
 * What other hubs say of exchanging with this one. Only a hub's own actor speaks for it, and only what it proved with its key counts
 * (FEP-8b32). Each handler returns false when the activity is about something else.
 */

/** How many proposals to exchange one server may make within an hour, and all of them together. */
const OFFERS_OF_ORIGIN = 10;
const OFFERS = 120;
const HOUR_SECONDS = 3600;

/** Another hub proposes to exchange. */
export async function onPeeringOffered(data: InboxData, offer: Offer): Promise<boolean> {
  const { ctx, raw, signer, remote } = data;
  const agreement = peeringOf(raw.object);
  if (agreement === null) return false;
  const iri = data.check(offer.id);
  if (iri === null) return true;
  const { origin } = new URL(signer);
  await throttle(ctx, `peerings:${origin}`, OFFERS_OF_ORIGIN, HOUR_SECONDS);
  await throttle(ctx, "peerings", OFFERS, HOUR_SECONDS);
  const said = await read(data, agreement);
  // Who speaks for an origin is what the origin's own NodeInfo says, not what the sender does.
  const hub = await remote.resolveHub(origin);
  if (hub.iri !== signer) throw new DomainError("remote_invalid", "this actor does not speak for its hub");
  const signed = await proven(data, iri);
  await receiveOnce(ctx, iri, (ctx) => receiveOffer(ctx, hub, said, signed));
  return true;
}

/** The hub agrees to what this one proposed. */
export async function onPeeringAccepted(data: InboxData, accept: Accept): Promise<boolean> {
  const answered = await answer(data, accept);
  if (answered === null) return false;
  const agreement = peeringOf(data.raw.result);
  if (!answered.own || agreement === null) return true;
  const said = await read(data, agreement);
  const signed = await proven(data, answered.iri);
  await receiveOnce(data.ctx, answered.iri, (ctx) => receiveAccept(ctx, answered.peerId, said, signed));
  return true;
}

/** The hub says no. */
export async function onPeeringRejected(data: InboxData, reject: Reject): Promise<boolean> {
  const answered = await answer(data, reject);
  if (answered === null) return false;
  if (!answered.own) return true;
  const { key } = await proven(data, answered.iri);
  const note = noteOf(data.raw);
  await receiveOnce(data.ctx, answered.iri, (ctx) => receiveReject(ctx, answered.peerId, key, note));
  return true;
}

/** The hub signs new terms, or says how the peering stands on its side. */
export async function onPeeringRevised(data: InboxData, update: Update): Promise<boolean> {
  const agreement = peeringOf(data.raw.object);
  if (agreement === null) return false;
  const iri = data.check(update.id);
  const peer = await peerOf(data.ctx, { iri: data.signer });
  if (iri === null || peer === null) return true;
  const said = await read(data, agreement);
  const signed = await proven(data, iri);
  await receiveOnce(data.ctx, iri, (ctx) => receiveRevision(ctx, peer.id, said, signed));
  return true;
}

/** The hub takes its word back. */
export async function onPeeringUndone(data: InboxData, undo: Undo): Promise<boolean> {
  const { ctx, signer } = data;
  const iri = data.check(undo.id);
  const named = undo.objectId?.href;
  const theirs = named === undefined ? null : await theirPeering(ctx, named);
  if (theirs === null) return false;
  if (iri === null || theirs.peer.iri !== signer) return true;
  const { key } = await proven(data, iri);
  await receiveOnce(ctx, iri, (ctx) => receiveUndo(ctx, theirs.peer.id, key));
  return true;
}

/** What an answer answers, when that is a proposal of ours; `own` when it is the asked hub that answers, and about that very text. */
async function answer(data: InboxData, activity: Accept | Reject) {
  const iri = data.check(activity.id);
  const named = activity.objectId?.href;
  const ours = named === undefined ? null : await ownPeering(data.ctx, named);
  if (iri === null || ours === null) return null;
  const digest = offerDigest(data.raw) ?? ours.digest;
  return { iri, peerId: ours.peer.id, own: ours.peer.iri === data.signer && digest === ours.digest };
}

async function read({ ctx, signer }: InboxData, agreement: JsonObject): Promise<SignedTerms> {
  const { actorId } = await localHub(ctx);
  const { iri } = await actorById(ctx, actorId);
  const said = parsePeering(agreement, signer, iri);
  if (said === null || iriOf(agreement) === null)
    throw new DomainError("remote_invalid", "these are no terms of a peering with this hub");
  return said;
}

/** An HTTP signature alone does not do: what was agreed has to be shown to others. */
async function proven(data: InboxData, iri: string): Promise<Proven> {
  const signed = await consentOf(data, iri);
  const { key } = signed;
  if (key === null) throw new DomainError("remote_invalid", "terms of a peering are signed by themselves");
  return { ...signed, key };
}
