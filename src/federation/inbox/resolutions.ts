import type { Accept, Create, Offer } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import type { Signed } from "../../domain/agreements/consents.ts";
import { partyOf } from "../../domain/agreements/load.ts";
import { agreementByIri } from "../../domain/agreements/remote.ts";
import { receiveAgreed, receiveResolution, receiveSignature } from "../../domain/agreements/stewards.ts";
import { DomainError } from "../../domain/errors.ts";
import { type Peer, peerOf } from "../../domain/peers/queries.ts";
import type { InboxData } from "../context.ts";
import { offerDigest } from "../vocab/agreement-terms.ts";
import { isResolution, readProposed, readRelease, readSigned } from "../vocab/resolutions.ts";
import { consentOf } from "./consent.ts";

/*
 * How disputes between two hubs are ended. Each handler returns false when the activity is about something else.
 */

/** A steward of a peer proposes how to end a dispute. */
export async function onResolutionProposed(data: InboxData, offer: Offer): Promise<boolean> {
  const { ctx, check, raw, signer } = data;
  if (!isResolution(raw.object)) return false;
  const iri = check(offer.id);
  const said = readProposed(raw.object);
  if (iri === null || said === null || new URL(signer).origin !== URL.parse(said.iri)?.origin)
    throw new DomainError("remote_invalid", "the proposal cannot be read");
  const { peer, signed } = await byPeer(data, iri);
  await receiveOnce(ctx, iri, (ctx) => receiveResolution(ctx, peer, said, signed));
  return true;
}

/** A steward of a peer agrees to what one of ours proposed. */
export async function onResolutionAgreed(data: InboxData, accept: Accept): Promise<boolean> {
  const { ctx, check, raw } = data;
  const named = accept.objectId?.href;
  if (named === undefined || !named.startsWith(`${ctx.hub.origin}/resolutions/`)) return false;
  const iri = check(accept.id);
  const payer = readRelease(raw);
  if (iri === null || payer === null)
    throw new DomainError("remote_invalid", "it names no amount that is agreed to");
  const { peer, signed } = await byPeer(data, iri);
  const said = { iri: named, payer, proposal: offerDigest(raw) };
  await receiveOnce(ctx, iri, (ctx) => receiveAgreed(ctx, peer, said, signed));
  return true;
}

/** The other party signs a proposal of the stewards. */
export async function onResolutionSigned(data: InboxData, create: Create): Promise<boolean> {
  const { ctx, check, raw, signer } = data;
  if (!isResolution(raw.object)) return false;
  const said = readSigned(raw.object);
  const iri = check(create.id);
  // Within one hub's rules there is nothing to name, and nothing that another server signs.
  if (said === null || iri === null) return true;
  const [agreement, actor] = await Promise.all([agreementByIri(ctx, said.agreement), findActor(ctx, signer)]);
  if (agreement === null || actor === null || actor.host === null || actor.iri !== signer) return true;
  partyOf(agreement, actor.id);
  const signed = await consentOf(data, iri);
  if (signed.proof !== "verified") throw new DomainError("remote_invalid", "a signature is proven");
  const who = { actorId: actor.id, accountId: null };
  await receiveOnce(ctx, iri, (ctx) => receiveSignature(ctx, who, agreement.id, said, signed));
  return true;
}

/** The peer whose own actor says it, with what it says, proven with the key that was accepted for it. */
async function byPeer(data: InboxData, activity: string): Promise<{ peer: Peer; signed: Signed }> {
  const peer = await peerOf(data.ctx, { iri: data.signer });
  if (peer === null || (peer.state !== "active" && peer.state !== "draining"))
    throw new DomainError("needs_peering", "this hub settles nothing with that one");
  const signed = await consentOf(data, activity);
  if (signed.proof !== "verified" || signed.key !== peer.key)
    throw new DomainError("remote_invalid", "it is not proven with the hub's key");
  return { peer, signed };
}
