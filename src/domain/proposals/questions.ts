import { and, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { posts } from "../../db/schema/posts.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { publishPost } from "../posts/commands.ts";
import { type PostView, thread } from "../posts/queries.ts";

/** A reply to the post that stands for a proposal, and what was said to it; written here or on another server. */
export interface Question {
  post: PostView;
  /** Oldest first, however deep. */
  answers: PostView[];
}

/** What was asked about a proposal, oldest first; null where the post that stands for it is not known here. */
export async function questionsOf(ctx: Ctx, proposalId: Id, viewerId: Id | null): Promise<Question[] | null> {
  const companion = await companionOf(ctx, proposalId);
  if (companion === null) return null;
  const questions = new Map<string, Question>();
  for (const post of await thread(ctx, companion, viewerId)) {
    // A post's parent is older and so was here before it; answers whose question was deleted have none.
    const parent = post.inReplyTo === companion ? null : questions.get(post.inReplyTo ?? "");
    if (parent === undefined) continue;
    parent?.answers.push(post);
    questions.set(post.iri, parent ?? { post, answers: [] });
  }
  return [...new Set(questions.values())];
}

export interface QuestionInput {
  content: string;
  language: string;
  /** The question that is answered; null for a question of its own. */
  question: Id | null;
}

/**
 * Asks something about a proposal, or answers a question about it: its author does, or the one who asked. Both are public posts.
 *
 * @throws DomainError not_found, required, too_long
 */
export async function askQuestion(
  ctx: Ctx,
  acting: Acting,
  proposalId: Id,
  input: QuestionInput,
): Promise<Id> {
  const companion = await companionOf(ctx, proposalId);
  if (companion === null) throw new DomainError("not_found", "no such proposal");
  const inReplyTo =
    input.question === null
      ? companion
      : await answerable(ctx, acting, proposalId, companion, input.question);
  const { content, language } = input;
  return publishPost(ctx, acting, { content, language, visibility: "public", inReplyTo });
}

async function answerable(
  ctx: Ctx,
  { actorId }: Acting,
  proposalId: Id,
  companion: string,
  question: Id,
): Promise<string> {
  const [row] = await ctx.db
    .select({ iri: posts.iri, asker: posts.actorId, author: proposals.actorId })
    .from(posts)
    .innerJoin(proposals, eq(proposals.id, proposalId))
    .where(and(eq(posts.id, question), eq(posts.inReplyTo, companion), isNull(posts.deleted)));
  if (row === undefined || (row.asker !== actorId && row.author !== actorId))
    throw new DomainError("not_found", "no such question");
  return row.iri;
}

async function companionOf(ctx: Ctx, proposalId: Id): Promise<string | null> {
  const [row] = await ctx.db
    .select({ iri: posts.iri })
    .from(proposals)
    .innerJoin(posts, and(eq(posts.proposal, proposals.iri), eq(posts.actorId, proposals.actorId)))
    .where(and(eq(proposals.id, proposalId), isNull(proposals.deleted), isNull(posts.deleted)))
    .orderBy(posts.id)
    .limit(1);
  return row?.iri ?? null;
}
