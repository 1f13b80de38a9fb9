import { eq } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { agreements, reviews } from "../../db/schema/agreements.ts";
import type { Ctx } from "../context.ts";
import { ENTRY } from "./load.ts";

const subject = alias(actors, "subject");

/** A review of one of ours, as the hub of the other party gets it; of a deleted one only that. */
export async function outgoingReview(ctx: Ctx, id: Id) {
  const [row] = await ctx.db
    .select({
      review: reviews,
      agreement: agreements.iri,
      author: actors.iri,
      about: subject.iri,
      settlement: ENTRY,
    })
    .from(reviews)
    .innerJoin(agreements, eq(agreements.id, reviews.agreementId))
    .innerJoin(actors, eq(actors.id, reviews.authorId))
    .innerJoin(subject, eq(subject.id, reviews.subjectId))
    .where(eq(reviews.id, id));
  if (row === undefined) return null;
  const { review, ...names } = row;
  return { ...review, ...names };
}

export type OutgoingReview = NonNullable<Awaited<ReturnType<typeof outgoingReview>>>;
