import type { Id } from "../db/ids.ts";
import { outbox, outboxTotal, publicActivityBody } from "../domain/activities/queries.ts";
import { loadPublicKeys, loadRetiredKeys } from "../domain/actors/keys.ts";
import { actorById, localActor, profile } from "../domain/actors/queries.ts";
import type { Ctx } from "../domain/context.ts";
import { followList } from "../domain/follows/queries.ts";
import { findHub } from "../domain/hubs/queries.ts";
import { outgoingPost } from "../domain/posts/queries.ts";
import { outgoingProposal } from "../domain/proposals/queries.ts";
import type { Json, JsonObject } from "../json.ts";
import { encodeMultikey } from "./proofs.ts";
import { toTombstone } from "./vocab/activities.ts";
import { toActor } from "./vocab/actors.ts";
import { document, PROPOSAL_CONTEXT } from "./vocab/context.ts";
import { toCurrency } from "./vocab/hubs.ts";
import { noteContext, toNote } from "./vocab/posts.ts";
import { toProposal } from "./vocab/proposals.ts";

const ACTIVITYSTREAMS = ["https://www.w3.org/ns/activitystreams"];

/** A document and the HTTP status it is served with (410 for tombstones). */
export interface Served {
  status: 200 | 410;
  document: JsonObject;
}

const ok = (document: JsonObject): Served => ({ status: 200, document });

export async function actorDocument(ctx: Ctx, id: Id): Promise<JsonObject | null> {
  const actor = await localActor(ctx, id);
  if (actor === null) return null;
  const [keys, retired] = await Promise.all([loadPublicKeys(ctx, id), loadRetiredKeys(ctx, id)]);
  return toActor({
    ...actor,
    hubHost: ctx.hub.host,
    rsaPublicKey: keys.rsa.pem,
    ed25519Multibase: encodeMultikey(keys.ed25519.key),
    ...{ ed25519Fragment: keys.ed25519.fragment, retired },
  });
}

/** A post that anybody may read; what is for followers is delivered to them and served to nobody. */
export async function postDocument(ctx: Ctx, id: Id): Promise<Served | null> {
  const post = await outgoingPost(ctx, id);
  if (post === null || post.visibility === "followers") return null;
  if (post.deleted !== null) return gone(toTombstone(post.iri, "Note", post.deleted));
  return ok(document(noteContext(post), toNote(post, ctx.hub.origin)));
}

export async function proposalDocument(ctx: Ctx, id: Id): Promise<Served | null> {
  const proposal = await outgoingProposal(ctx, id);
  if (proposal === null) return null;
  if (proposal.deleted !== null) return gone(toTombstone(proposal.iri, "Proposal", proposal.deleted));
  return ok(document(PROPOSAL_CONTEXT, toProposal(proposal, ctx.hub.origin)));
}

export async function activityDocument(ctx: Ctx, id: Id): Promise<Served | null> {
  const body = await publicActivityBody(ctx, id);
  return body === null ? null : ok(JSON.parse(body) as JsonObject);
}

export async function currencyDocument(ctx: Ctx): Promise<Served | null> {
  const hub = await findHub(ctx);
  return hub === null ? null : ok(toCurrency(hub));
}

/** The outbox: what the actor published, newest first, in pages. */
export async function outboxDocument(
  ctx: Ctx,
  actorId: Id,
  page: { before: Id | null } | null,
): Promise<Served | null> {
  const actor = await localActor(ctx, actorId);
  if (actor === null) return null;
  if (page === null) return collection(actor.outbox, await outboxTotal(ctx, actorId));
  const { items, before } = await outbox(ctx, actorId, page.before);
  return collectionPage(
    actor.outbox,
    page.before,
    before,
    items.map(({ body }) => JSON.parse(body) as JsonObject),
  );
}

/**
 * Followers or following. Of organizations and groups everybody may see which others they are connected with; of people only how
 * many: whom a person follows can endanger them.
 */
export async function followsDocument(
  ctx: Ctx,
  actorId: Id,
  side: "followers" | "following",
  page: { before: Id | null } | null,
): Promise<Served | null> {
  const actor = await localActor(ctx, actorId);
  if (actor === null) return null;
  const open = actor.kind === "Organization" || actor.kind === "Group";
  if (page === null) {
    const counts = await profile(ctx, await actorById(ctx, actorId), null);
    return collection(actor[side], counts[side], open);
  }
  if (!open) return null;
  const { items, before } = await followList(ctx, actorId, side, { people: false, before: page.before });
  return collectionPage(
    actor[side],
    page.before,
    before,
    items.map((item) => item.iri),
  );
}

/** Featured posts: the collection exists because readers of the network ask for it; pinning comes with its own page. */
export async function featuredDocument(ctx: Ctx, actorId: Id): Promise<Served | null> {
  const actor = await localActor(ctx, actorId);
  if (actor === null) return null;
  const id = `${actor.iri}/featured`;
  return ok(document(ACTIVITYSTREAMS, { id, type: "OrderedCollection", totalItems: 0, orderedItems: [] }));
}

function collection(iri: string, totalItems: number, open = true): Served {
  return ok(
    document(ACTIVITYSTREAMS, {
      id: iri,
      type: "OrderedCollection",
      totalItems,
      ...(open ? { first: `${iri}?page=1` } : {}),
    }),
  );
}

function collectionPage(iri: string, at: Id | null, next: Id | null, orderedItems: Json[]): Served {
  return ok(
    document(ACTIVITYSTREAMS, {
      id: at === null ? `${iri}?page=1` : `${iri}?page=1&before=${at}`,
      type: "OrderedCollectionPage",
      partOf: iri,
      ...(next === null ? {} : { next: `${iri}?page=1&before=${next}` }),
      orderedItems,
    }),
  );
}

function gone(tombstone: JsonObject): Served {
  return { status: 410, document: document(ACTIVITYSTREAMS, tombstone) };
}
