import { and, asc, eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { media } from "../../db/schema/media.ts";
import { proposalPhotos } from "../../db/schema/proposals.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { saveImage, type UploadedFile } from "../media/commands.ts";
import { type MediaView, mediaColumns } from "../media/queries.ts";
import { transact } from "../transact.ts";
import { lockOwn, revise } from "./commands.ts";
import { PHOTOS_MAX } from "./rules.ts";

/**
 * Adds a picture to a proposal of ours: a new revision.
 *
 * @throws DomainError not_found, too_many, and as saveImage
 */
export async function addPhoto(
  ctx: Ctx,
  acting: Acting,
  id: Id,
  file: UploadedFile,
  description: string | undefined,
): Promise<void> {
  // Before the picture is worked on, and again when it is put in its place.
  await transact(ctx, async (ctx) => {
    await lockOwn(ctx, acting, id);
    await freePosition(ctx, id);
  });
  const mediaId = await saveImage(ctx, acting, file, { description, open: true });
  await transact(ctx, async (ctx) => {
    await lockOwn(ctx, acting, id);
    const position = await freePosition(ctx, id);
    await ctx.db.insert(proposalPhotos).values({ proposalId: id, position, mediaId });
    await revise(ctx, acting, id, {});
  });
}

/** Takes a picture off a proposal of ours: a new revision. @throws DomainError not_found */
export async function removePhoto(ctx: Ctx, acting: Acting, id: Id, mediaId: Id): Promise<void> {
  await transact(ctx, async (ctx) => {
    await lockOwn(ctx, acting, id);
    const removed = await ctx.db
      .delete(proposalPhotos)
      .where(and(eq(proposalPhotos.proposalId, id), eq(proposalPhotos.mediaId, mediaId)))
      .returning({ position: proposalPhotos.position });
    if (removed.length === 0) throw new DomainError("not_found", "no such picture");
    await revise(ctx, acting, id, {});
  });
}

/** A proposal's pictures, in order. */
export async function photosOf(ctx: Ctx, id: Id): Promise<MediaView[]> {
  return ctx.db
    .select(mediaColumns)
    .from(proposalPhotos)
    .innerJoin(media, eq(media.id, proposalPhotos.mediaId))
    .where(eq(proposalPhotos.proposalId, id))
    .orderBy(asc(proposalPhotos.position))
    .limit(PHOTOS_MAX);
}

async function freePosition(ctx: Ctx, id: Id): Promise<number> {
  const [row] = await ctx.db
    .select({
      count: sql<number>`count(*)::int`,
      next: sql<number>`coalesce(max(${proposalPhotos.position}), 0)::int + 1`,
    })
    .from(proposalPhotos)
    .where(eq(proposalPhotos.proposalId, id));
  if ((row?.count ?? 0) >= PHOTOS_MAX) {
    throw new DomainError("too_many", `at most ${PHOTOS_MAX} pictures`, {
      field: "photo",
      details: { max: PHOTOS_MAX },
    });
  }
  return row?.next ?? 1;
}
