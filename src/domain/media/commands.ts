import { createHash } from "node:crypto";
import { and, eq, inArray, lt, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreementMessages } from "../../db/schema/agreements.ts";
import { media } from "../../db/schema/media.ts";
import { proposalPhotos } from "../../db/schema/proposals.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { throttle } from "../throttle.ts";
import { optionalText } from "../validate.ts";
import { makeImage } from "./images.ts";
import { DOCUMENTS, documentType, FILE_MAX, fileName, isImage } from "./rules.ts";

/** A file as it was uploaded: nothing about it is trusted. */
export interface UploadedFile {
  /** Name of the form's field. */
  field: string;
  name: string;
  bytes: Uint8Array;
}

export interface MediaOptions {
  /** Text alternative of an image. */
  description?: string | null | undefined;
  /** Everybody may read it; otherwise only who may read what it belongs to (`mayRead`). */
  open: boolean;
}

const DESCRIPTION_MAX = 1_500;
const PER_HOUR = 100;
const DAY = 86_400_000;
const SWEEP = 200;

/**
 * Keeps an image: a picture of at most 1600 pixels a side and a thumbnail, both made anew. Not inside a transaction. What nothing refers to
 * after a day is deleted.
 *
 * @throws DomainError not_an_image, too_large, too_long, too_many_attempts, busy
 */
export async function saveImage(
  ctx: Ctx,
  acting: Acting,
  file: UploadedFile,
  options: MediaOptions,
): Promise<Id> {
  return save(ctx, acting, file, options, true);
}

/**
 * Keeps a document: PDF, plain text, ODT, ODS, DOCX or XLSX as it is, and an image as `saveImage` does. Not inside a transaction.
 *
 * @throws DomainError not_a_document, not_an_image, too_large, too_long, too_many_attempts, busy
 */
export async function saveDocument(
  ctx: Ctx,
  acting: Acting,
  file: UploadedFile,
  options: MediaOptions,
): Promise<Id> {
  return save(ctx, acting, file, options, isImage(file.bytes));
}

async function save(
  ctx: Ctx,
  acting: Acting,
  file: UploadedFile,
  options: MediaOptions,
  image: boolean,
): Promise<Id> {
  const description = optionalText("description", options.description, DESCRIPTION_MAX);
  if (file.bytes.length > FILE_MAX) {
    throw new DomainError("too_large", "the file is too large", {
      field: file.field,
      details: { mb: FILE_MAX / 2 ** 20 },
    });
  }
  await throttle(ctx, `media:${acting.accountId}`, PER_HOUR, 3_600);
  const row = image ? await imageRow(ctx, file) : await documentRow(ctx, file);
  const now = ctx.clock.now();
  const id = await ctx.ids.next(now);
  await ctx.db.insert(media).values({
    id,
    ownerId: acting.actorId,
    accountId: acting.accountId,
    description,
    open: options.open,
    created: now,
    ...row,
  });
  return id;
}

async function imageRow(ctx: Ctx, { field, name, bytes }: UploadedFile) {
  const wrong = (cause?: unknown) =>
    new DomainError("not_an_image", "no JPEG, PNG, WebP or GIF image that can be read", { field, cause });
  if (!isImage(bytes)) throw wrong();
  const made = await makeImage(bytes).catch((error: unknown) => {
    throw error instanceof DomainError && error.code === "not_an_image" ? wrong(error) : error;
  });
  const sha256 = hashOf(made.bytes);
  await ctx.files.put(sha256, made.bytes);
  await ctx.files.put(thumbnailName(sha256), made.thumbnail);
  const { width, height } = made;
  return {
    kind: "image" as const,
    name: fileName(name, [".webp"]),
    type: "image/webp",
    bytes: made.bytes.length,
    width,
    height,
    sha256,
  };
}

async function documentRow(ctx: Ctx, { field, name, bytes }: UploadedFile) {
  const type = documentType(bytes);
  if (type === null) throw new DomainError("not_a_document", "no kind of document that is taken", { field });
  const sha256 = hashOf(bytes);
  await ctx.files.put(sha256, bytes);
  return {
    kind: "document" as const,
    name: fileName(name, DOCUMENTS[type]),
    type,
    bytes: bytes.length,
    sha256,
  };
}

/** Under which an image's thumbnail is kept. */
export function thumbnailName(sha256: string): string {
  return `${sha256}.thumbnail`;
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Deletes what was uploaded a day ago and belongs to nothing (the form it came with was not finished), and files without a
 * row; called by the clock. Whatever refers to media must be named here.
 */
export async function sweepMedia(ctx: Ctx): Promise<void> {
  const before = new Date(ctx.clock.now().getTime() - DAY);
  for (;;) {
    const unused = ctx.db
      .select({ id: media.id })
      .from(media)
      .where(
        and(
          lt(media.created, before),
          sql`not exists (select from ${proposalPhotos} where media_id = ${media.id})`,
          sql`not exists (select from ${agreementMessages} where media_id = ${media.id})`,
        ),
      )
      .orderBy(media.id)
      .limit(SWEEP);
    const swept = await ctx.db.delete(media).where(inArray(media.id, unused)).returning({ id: media.id });
    if (swept.length < SWEEP) break;
  }
  await ctx.files.sweep(before, async (name) => {
    const [sha256 = ""] = name.split(".");
    const rows = await ctx.db.select({ id: media.id }).from(media).where(eq(media.sha256, sha256)).limit(1);
    return rows.length > 0;
  });
}
