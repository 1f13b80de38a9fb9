import { and, eq, isNull, ne } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { posts } from "../../db/schema/posts.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { notify } from "../notices/commands.ts";
import { throttle } from "../throttle.ts";

/** Of the questions that one proposal gets within an hour, so many are told; the others stand on its page all the same. */
const TOLD = 20;

/**
 * Tells the author of a proposal of ours that somebody asks something about it, if that is what this post answers. In the
 * caller's transaction.
 */
export async function tellQuestion(ctx: Ctx, actorId: Id, inReplyTo: string): Promise<void> {
  const [about] = await ctx.db
    .select({ id: proposals.id, actorId: proposals.actorId, name: proposals.name })
    .from(posts)
    .innerJoin(proposals, and(eq(proposals.iri, posts.proposal), eq(proposals.actorId, posts.actorId)))
    .where(
      and(
        eq(posts.iri, inReplyTo),
        eq(proposals.local, true),
        ne(proposals.actorId, actorId),
        isNull(proposals.deleted),
      ),
    );
  if (about === undefined) return;
  try {
    await throttle(ctx, `questions:${about.id}`, TOLD, 3_600);
  } catch (error) {
    if (error instanceof DomainError) return;
    throw error;
  }
  const [who] = await ctx.db.select({ name: actors.name }).from(actors).where(eq(actors.id, actorId));
  await notify(ctx, about.actorId, "question_asked", `/proposals/${about.id}`, {
    actor: who?.name ?? "",
    title: about.name,
  });
}
