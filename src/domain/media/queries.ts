import { and, eq, inArray, or, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreementMessages, agreements } from "../../db/schema/agreements.ts";
import { type MediaKind, media } from "../../db/schema/media.ts";
import type { Viewer } from "../accounts/queries.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";

/** An uploaded file as pages and APIs show it. Its bytes are at `/media/<id>`, an image's small one at `/media/<id>/thumbnail`. */
export interface MediaView {
  id: Id;
  kind: MediaKind;
  /** Sanitized; ends as its type does. */
  name: string;
  /** Text alternative of an image; null when nobody wrote one. */
  description: string | null;
  type: string;
  bytes: number;
  /** Pixels; null for documents. */
  width: number | null;
  height: number | null;
  open: boolean;
}

/** Who wants to read: a logged-in account, and everybody it acts for. */
export type Reader = Pick<Viewer, "role" | "person" | "organizations">;

/** The columns behind a MediaView, for joins. */
export const mediaColumns = {
  id: media.id,
  kind: media.kind,
  name: media.name,
  description: media.description,
  type: media.type,
  bytes: media.bytes,
  width: media.width,
  height: media.height,
  open: media.open,
};

/** Whatever the permission: for those who have checked it. @throws DomainError not_found */
export async function mediaById(ctx: Ctx, id: Id): Promise<MediaView & { sha256: string; ownerId: Id }> {
  const [row] = await ctx.db
    .select({ ...mediaColumns, sha256: media.sha256, ownerId: media.ownerId })
    .from(media)
    .where(eq(media.id, id));
  if (row === undefined) throw new DomainError("not_found", "no such file");
  return row;
}

/**
 * May somebody read a file that is not open to all? Whoever uploaded it, or its organization; with a message of an agreement the
 * agreement's parties, and while it is disputed the hub's stewards too.
 */
export async function mayRead(ctx: Ctx, id: Id, reader: Reader | null): Promise<boolean> {
  const { open, ownerId } = await mediaById(ctx, id);
  if (open) return true;
  if (reader === null) return false;
  const mine = [reader.person, ...reader.organizations].map((actor) => actor.id);
  if (mine.includes(ownerId)) return true;
  const steward = reader.role !== "member";
  const [message] = await ctx.db
    .select({ id: agreementMessages.id })
    .from(agreementMessages)
    .innerJoin(agreements, eq(agreements.id, agreementMessages.agreementId))
    .where(
      and(
        eq(agreementMessages.mediaId, id),
        or(
          inArray(agreements.providerId, mine),
          inArray(agreements.receiverId, mine),
          steward ? eq(agreements.state, "disputed") : sql`false`,
        ),
      ),
    )
    .limit(1);
  return message !== undefined;
}
