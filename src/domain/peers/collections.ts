import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actorKeys, actors } from "../../db/schema/actors.ts";
import { media } from "../../db/schema/media.ts";
import { proposalPhotos, proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { type OutgoingProposal, outgoingColumns, type Picture } from "../proposals/queries.ts";

/** What peers copy. Both lists are in the order of ids: what is new comes at the end, where a reader on the way still meets it. */
export interface CollectionTotal {
  items: number;
  /** The sum of the proposals' revisions: another sum, another content, whatever was lost on the way. */
  revisions: number | null;
}

/** Entries of one page, at most. */
export const PAGE_ITEMS = 100;

export async function proposalsTotal(ctx: Ctx): Promise<CollectionTotal> {
  const [row] = await ctx.db
    .select({ items: sql<string>`count(*)`, revisions: sql<string>`coalesce(sum(${proposals.revision}), 0)` })
    .from(proposals)
    .where(and(eq(proposals.local, true), isNull(proposals.deleted)));
  return { items: Number(row?.items), revisions: Number(row?.revisions) };
}

export async function organizationsTotal(ctx: Ctx): Promise<CollectionTotal> {
  const [row] = await ctx.db
    .select({ items: sql<string>`count(*)` })
    .from(actors)
    .where(and(eq(actors.kind, "Organization"), isNull(actors.host), isNull(actors.deleted)));
  return { items: Number(row?.items), revisions: null };
}

/** Proposals of this hub that were not withdrawn, paused and ended ones too, in one query with all that their documents say. */
export async function proposalsAfter(ctx: Ctx, after: Id): Promise<OutgoingProposal[]> {
  const rows = await ctx.db
    .select({
      ...outgoingColumns,
      photos: sql<PictureJson[]>`(
        select coalesce(json_agg(json_build_object(
          'id', ${media.id}::text, 'type', ${media.type}, 'description', ${media.description},
          'width', ${media.width}, 'height', ${media.height}) order by ${proposalPhotos.position}), '[]')
        from ${proposalPhotos} join ${media} on ${media.id} = ${proposalPhotos.mediaId}
        where ${proposalPhotos.proposalId} = ${proposals.id})`,
    })
    .from(proposals)
    .innerJoin(actors, eq(actors.id, proposals.actorId))
    .where(and(eq(proposals.local, true), isNull(proposals.deleted), gt(proposals.id, after)))
    .orderBy(asc(proposals.id))
    .limit(PAGE_ITEMS + 1);
  return rows.map(({ photos, ...row }) => ({
    ...row,
    photos: photos.map((photo) => ({ ...photo, id: BigInt(photo.id) })),
  }));
}

type PictureJson = Omit<Picture, "id"> & { id: string };

/** Organizations of this hub with their public keys (SPKI in PEM), in one query. */
export async function organizationsAfter(ctx: Ctx, after: Id) {
  const rsa = alias(actorKeys, "rsa");
  const ed25519 = alias(actorKeys, "ed25519");
  return ctx.db
    .select({ actor: actors, rsa: rsa.publicKey, ed25519: ed25519.publicKey })
    .from(actors)
    .innerJoin(rsa, and(eq(rsa.actorId, actors.id), eq(rsa.kind, "rsa")))
    .innerJoin(ed25519, and(eq(ed25519.actorId, actors.id), eq(ed25519.kind, "ed25519")))
    .where(
      and(eq(actors.kind, "Organization"), isNull(actors.host), isNull(actors.deleted), gt(actors.id, after)),
    )
    .orderBy(asc(actors.id))
    .limit(PAGE_ITEMS + 1);
}
