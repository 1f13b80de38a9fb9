import type { Create } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import { partyOf } from "../../domain/agreements/load.ts";
import { agreementByIri } from "../../domain/agreements/remote.ts";
import { DomainError } from "../../domain/errors.ts";
import { receiveDigest, receiveOpening } from "../../domain/reviews/receive.ts";
import type { InboxData } from "../context.ts";
import { isObject } from "../envelope.ts";
import { isReview, readReview } from "../vocab/reviews.ts";
import { consentOf } from "./consent.ts";

/**
 * The other party of an exchange has sealed its review, or opens it. It counts with its author's own proof alone.
 *
 * @returns false when the activity is about something else
 */
export async function onReview(data: InboxData, create: Create): Promise<boolean> {
  const { ctx, check, signer, raw } = data;
  const { object } = raw;
  if (!isObject(object) || !isReview(object)) return false;
  const activity = check(create.id);
  const said = readReview(object);
  if (activity === null || said === null || check(URL.parse(said.iri)) === null)
    throw new DomainError("remote_invalid", "the review cannot be read");
  if (said.author !== signer || new URL(said.iri).origin !== new URL(signer).origin)
    throw new DomainError("remote_invalid", "a review is its author's own");
  const [agreement, actor] = await Promise.all([agreementByIri(ctx, said.agreement), findActor(ctx, signer)]);
  if (agreement === null || actor === null || actor.host === null || actor.iri !== signer) return true;
  // Of somebody else no key is asked for.
  partyOf(agreement, actor.id);
  const { proof, body } = await consentOf(data, activity);
  if (proof !== "verified") throw new DomainError("remote_invalid", "a review needs its author's proof");
  const { author: _, type: __, ...fields } = said;
  const author = { id: actor.id, iri: actor.iri };
  await receiveOnce(ctx, activity, (ctx) =>
    said.type === "sealed"
      ? receiveDigest(ctx, { ...fields, digest: said.digest, author, body })
      : receiveOpening(ctx, { ...said, author }),
  );
  return true;
}
