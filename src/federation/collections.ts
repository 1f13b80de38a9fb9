import { createPublicKey } from "node:crypto";
import type { Id } from "../db/ids.ts";
import type { Ctx } from "../domain/context.ts";
import {
  type CollectionTotal,
  organizationsAfter,
  organizationsTotal,
  PAGE_ITEMS,
  proposalsAfter,
  proposalsTotal,
} from "../domain/peers/collections.ts";
import type { JsonObject } from "../json.ts";
import type { Served } from "./documents.ts";
import { encodeMultikey } from "./proofs.ts";
import { toActor } from "./vocab/actors.ts";
import { ACTOR_CONTEXT, AYNI, document, PROPOSAL_CONTEXT } from "./vocab/context.ts";
import { toProposal } from "./vocab/proposals.ts";

/** A page ends before its entries come to more: readers take a megabyte at most. */
const PAGE_BYTES = 600_000;

interface Collection {
  context: readonly (string | object)[];
  total(ctx: Ctx): Promise<CollectionTotal>;
  /** One more than a page has. */
  after(ctx: Ctx, id: Id): Promise<{ id: Id; object: JsonObject }[]>;
}

/**
 * The collections that peers copy: all proposals of this hub, and all its organizations, each as its own document says it. Without
 * proofs, like those documents: whoever reads them asks this hub itself, and its answer speaks for what is under its own origin.
 */
export const COLLECTIONS = {
  proposals: {
    context: PROPOSAL_CONTEXT,
    total: proposalsTotal,
    async after(ctx, after) {
      const rows = await proposalsAfter(ctx, after);
      return rows.map((row) => ({ id: row.id, object: toProposal(row, ctx.hub.origin) }));
    },
  },
  organizations: {
    context: ACTOR_CONTEXT,
    total: organizationsTotal,
    async after(ctx, after) {
      const rows = await organizationsAfter(ctx, after);
      return rows.map(({ actor, rsa, ed25519 }) => {
        const { "@context": _, ...object } = toActor({
          ...actor,
          hubHost: ctx.hub.host,
          url: actor.url ?? actor.iri,
          outbox: actor.outbox ?? `${actor.iri}/outbox`,
          followers: actor.followers ?? `${actor.iri}/followers`,
          following: actor.following ?? `${actor.iri}/following`,
          sharedInbox: actor.sharedInbox ?? `${ctx.hub.origin}/inbox`,
          rsaPublicKey: rsa,
          ed25519Multibase: encodeMultikey(createPublicKey(ed25519)),
        });
        return { id: actor.id, object };
      });
    },
  },
} satisfies Record<string, Collection>;

export type CollectionName = keyof typeof COLLECTIONS;

/** `GET /proposals` and `GET /organizations`: how many there are, and where the first page is. */
export async function collectionDocument(ctx: Ctx, name: CollectionName): Promise<Served> {
  const { items, revisions } = await COLLECTIONS[name].total(ctx);
  const id = `${ctx.hub.origin}/${name}`;
  return {
    status: 200,
    document: document(["https://www.w3.org/ns/activitystreams", { ayni: AYNI }], {
      id,
      type: "OrderedCollection",
      attributedTo: `${ctx.hub.origin}/actor`,
      totalItems: items,
      ...(revisions === null ? {} : { "ayni:revisions": revisions }),
      first: `${id}?page=1`,
    }),
  };
}

/** `?page=1&after=<id>`: what comes after that id, oldest first, with its documents in full. */
export async function collectionPageDocument(ctx: Ctx, name: CollectionName, after: Id): Promise<Served> {
  const { context, after: read } = COLLECTIONS[name];
  const found = await read(ctx, after);
  const shown: typeof found = [];
  let bytes = 0;
  for (const entry of found.slice(0, PAGE_ITEMS)) {
    bytes += Buffer.byteLength(JSON.stringify(entry.object));
    if (bytes > PAGE_BYTES && shown.length > 0) break;
    shown.push(entry);
  }
  const id = `${ctx.hub.origin}/${name}`;
  const last = shown.at(-1);
  return {
    status: 200,
    document: document(context, {
      id: after === 0n ? `${id}?page=1` : `${id}?page=1&after=${after}`,
      type: "OrderedCollectionPage",
      partOf: id,
      ...(last === undefined || shown.length === found.length
        ? {}
        : { next: `${id}?page=1&after=${last.id}` }),
      orderedItems: shown.map(({ object }) => object),
    }),
  };
}
