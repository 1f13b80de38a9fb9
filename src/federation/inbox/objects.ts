import {
  type Object as ASObject,
  type Create,
  type Delete,
  Proposal,
  Tombstone,
  type Update,
} from "@fedify/vocab";
import type { Id } from "../../db/ids.ts";
import { receiveOnce, rememberDeletion } from "../../domain/activities/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import { parseAmount } from "../../domain/amounts.ts";
import { DomainError } from "../../domain/errors.ts";
import { copiedPeer } from "../../domain/peers/copied.ts";
import { receivePost, removeRemotePost } from "../../domain/posts/commands.ts";
import { knowsPost } from "../../domain/posts/queries.ts";
import { receiveProposal, removeRemoteProposal } from "../../domain/proposals/receive.ts";
import { removeRemoteReview } from "../../domain/reviews/receive.ts";
import type { JsonObject } from "../../json.ts";
import type { Federation, InboxData } from "../context.ts";
import { isObject } from "../envelope.ts";
import { parseEmbedded } from "../vocab/parse.ts";
import { parsePost } from "../vocab/posts.ts";
import { type ParsedProposal, parseProposal } from "../vocab/proposals.ts";

/** A post or a proposal arrives, or a newer state of one. */
export async function onObject(data: InboxData, activity: Create | Update): Promise<void> {
  const iri = data.check(activity.id);
  if (iri === null || activity.actorId === null) return;
  const { object, raw } = await objectOf(data, activity, activity.actorId.href);
  // Of somebody whom nobody here has met only an answer can be wanted, or what a peer's exchange has; for anything else their
  // server is not asked who they are, and they take no row.
  const { href } = activity.actorId;
  const known = await findActor(data.ctx, href);
  const wanted =
    known !== null ||
    (await answersKnownPost(data, object)) ||
    (object instanceof Proposal && (await copiedPeer(data.ctx, activity.actorId.origin)) !== null);
  if (!wanted) return;
  const author = known?.iri === href ? known : await data.remote.actorByIri(href);
  if (author.host === null) return;
  const effect = await objectEffect(data, author, object, raw);
  if (effect !== null) await receiveOnce(data.ctx, iri, effect);
}

/**
 * Something that a server of a third party told us about (a forwarded reply): only what its own server serves counts.
 *
 * @param deleted it was said to be deleted: believed when its server confirms it
 */
export async function onForwarded(data: Federation, iri: string, deleted: boolean): Promise<void> {
  let fetched: { object: ASObject; raw: JsonObject };
  try {
    fetched = await data.remote.fetchObject(iri);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.code === "remote_unreachable") throw error;
    if (deleted && ["remote_not_found", "gone"].includes(error.code))
      await removeRemotePost(data.ctx, null, iri);
    return;
  }
  if (fetched.object instanceof Tombstone) {
    await removeRemotePost(data.ctx, null, iri);
    return;
  }
  const authorIri = fetched.object.attributionId?.href;
  if (authorIri === undefined || new URL(authorIri).origin !== new URL(iri).origin) return;
  const author = await data.remote.actorByIri(authorIri);
  if (author.host === null) return;
  const effect = await objectEffect(data, author, fetched.object, fetched.raw);
  await effect?.(data.ctx);
}

/** Its author deletes a post or a proposal. */
export async function onObjectDelete({ ctx, check }: InboxData, remove: Delete): Promise<void> {
  const iri = check(remove.id);
  const objectIri = check(remove.objectId);
  if (iri === null || objectIri === null || remove.actorId === null) return;
  const author = await findActor(ctx, remove.actorId.href);
  if (author === null || author.host === null) return;
  if (new URL(objectIri).origin !== new URL(author.iri).origin) return;
  await receiveOnce(ctx, iri, async (ctx) => {
    const found =
      (await removeRemotePost(ctx, author.id, objectIri)) ||
      (await removeRemoteProposal(ctx, author.id, objectIri)) ||
      (await removeRemoteReview(ctx, author.id, objectIri));
    // It may have overtaken the Create.
    return found || (await rememberDeletion(ctx, author.id, objectIri));
  });
}

async function answersKnownPost({ ctx }: Federation, object: ASObject): Promise<boolean> {
  return object.replyTargetId !== null && (await knowsPost(ctx, object.replyTargetId.href));
}

type Effect = (ctx: InboxData["ctx"]) => Promise<boolean>;

/** What an object of `author` does here, or null when it is of no concern. Looks up all it needs; the effect only writes. */
async function objectEffect(
  { check, remote }: Federation,
  author: { id: Id; iri: string; followers: string | null },
  object: ASObject,
  raw: JsonObject,
): Promise<Effect | null> {
  const post = await parsePost(object, author, check);
  if (post !== null) return (ctx) => receivePost(ctx, author.id, post);
  const proposal = await parseProposal(object, raw, author, check);
  if (proposal === null) return null;
  const { priceText, ...fields } = proposal;
  const price = await priceOf(proposal, remote);
  return (ctx) => receiveProposal(ctx, author.id, { ...fields, ...price });
}

/** A remote price in minor units of its own currency, which its own hub describes. */
async function priceOf({ iri, priceText, currency }: ParsedProposal, remote: Federation["remote"]) {
  const none = { price: null, currencySymbol: null, currencyScale: null };
  if (priceText === null || currency === null) return none;
  const described = await remote.fetchCurrency(currency).catch((error: unknown) => {
    // The proposal's own hub was there a moment ago, and a price that is left out now would be left out for ever.
    const own = new URL(currency).origin === new URL(iri).origin;
    if (own || !(error instanceof DomainError)) throw error;
    return null;
  });
  if (described === null) return none;
  try {
    const price = parseAmount("price", priceText, described.scale);
    return { price, currencySymbol: described.symbol, currencyScale: described.scale };
  } catch (error) {
    if (error instanceof DomainError) return none;
    throw error;
  }
}

/**
 * The object of an activity and its JSON. An embedded one counts when it lives where its author lives; of any other only the
 * address is used, and its own server is asked (FEP-fe34).
 */
async function objectOf(
  { raw, remote }: InboxData,
  activity: Create | Update,
  authorIri: string,
): Promise<{ object: ASObject; raw: JsonObject }> {
  const iri = activity.objectId?.href ?? null;
  if (iri === null) throw new DomainError("remote_invalid", "the activity names no object");
  const json = raw.object;
  if (new URL(iri).origin !== new URL(authorIri).origin || !isObject(json)) return remote.fetchObject(iri);
  const embedded = await parseEmbedded(json, raw["@context"]);
  // What stands there in plain JSON need not be what the activity names as JSON-LD.
  return embedded.id?.href === iri ? { object: embedded, raw: json } : remote.fetchObject(iri);
}
