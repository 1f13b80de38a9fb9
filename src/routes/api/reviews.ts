import { z } from "@hono/zod-openapi";
import type { Id as SnowflakeId } from "../../db/ids.ts";
import { actorByAcct } from "../../domain/actors/queries.ts";
import { PARTIES } from "../../domain/agreements/rules.ts";
import type { Ctx } from "../../domain/context.ts";
import { deleteReview, reviewAgreement } from "../../domain/reviews/commands.ts";
import {
  facts,
  type Reviewing as ReviewingView,
  reputation,
  reviewing,
  reviewsOf,
} from "../../domain/reviews/queries.ts";
import { REVIEW_MAX } from "../../domain/reviews/rules.ts";
import type { Api } from "./operation.ts";
import {
  Actor,
  ByHandle,
  ById,
  Id,
  Language,
  list,
  orNull,
  PAGE,
  PAGE_SIZE,
  Time,
  toActor,
} from "./schemas.ts";

const tag = "Trust";
const Score = z.int().min(1).max(5);

const Review = z
  .strictObject({
    id: Id,
    author: Actor,
    role: z.enum(PARTIES).openapi({ description: "What the one it is about did." }),
    rating: Score,
    content: z.string().openapi({ description: "Plain text." }),
    language: orNull(z.string()),
    late: z.boolean(),
    created: Time,
  })
  .openapi("Review");

const Status = z
  .strictObject({
    id: Id,
    state: z.enum(["sealed", "revealed", "deleted"]),
    created: Time,
    late: z.boolean(),
    rating: orNull(Score),
    content: orNull(z.string()),
    language: orNull(z.string()),
  })
  .openapi("ReviewStatus");

const Reviewing = z
  .strictObject({
    agreement: Id,
    title: z.string(),
    counterparty: Actor,
    role: z.enum(PARTIES).openapi({ description: "What the counterparty did." }),
    window: z.enum(["not_yet", "sealed", "late", "over"]).openapi({
      description: "Whether it can be reviewed now. `sealed`: read by nobody until both are in.",
    }),
    reveals: Time.openapi({ description: "When sealed reviews are opened in any case." }),
    mine: orNull(Status),
    theirs: orNull(Status),
  })
  .openapi("Reviewing");

const Facts = z
  .strictObject({
    completed: z.int(),
    counterparties: z.int(),
    dated: z.int().openapi({ description: "What it was to do by a day that is over or that it has done." }),
    onTime: z.int(),
    disputed: z.int(),
    answers: orNull(z.number()).openapi({
      description: "Milliseconds until it first answers an offer, in the median.",
    }),
    given: z.int().openapi({ description: "Without a price." }),
    received: z.int(),
    reviews: z.int(),
    reviewers: z.int(),
    means: orNull(
      z.strictObject({ keptWord: z.number(), quality: z.number(), communication: z.number() }),
    ).openapi({
      description: "1 to 5; null while fewer than three counterparties have said something.",
    }),
  })
  .openapi("Facts");

function toReviewing(view: ReviewingView): z.input<typeof Reviewing> {
  const status = (review: ReviewingView["mine"]) =>
    review === null ? null : { ...review, id: review.id.toString(), created: review.created.toISOString() };
  return {
    agreement: view.agreementId.toString(),
    title: view.title,
    counterparty: toActor(view.counterparty),
    role: view.role,
    window: view.window,
    reveals: view.reveals.toISOString(),
    mine: status(view.mine),
    theirs: status(view.theirs),
  };
}

/** Reviews of exchanges, and what the log says of an organization. */
export function reviewRoutes({ operation }: Api): void {
  const both = async (ctx: Ctx, actorId: SnowflakeId, id: SnowflakeId) =>
    toReviewing(await reviewing(ctx, actorId, id));

  operation({
    method: "get",
    path: "/agreements/{id}/reviews",
    id: "getReviews",
    tag,
    scope: "exchange:read",
    summary: "How it stands with the reviews of an agreement; for its parties",
    params: ById,
    answer: Reviewing,
    run: async ({ ctx, acting, params: { id } }) => ({ body: await both(ctx, acting.actorId, id) }),
  });

  operation({
    method: "post",
    path: "/agreements/{id}/reviews",
    id: "reviewAgreement",
    tag,
    scope: "exchange:write",
    summary:
      "Say how an exchange was: once, sealed until the other party has said so too or the time is over",
    params: ById,
    body: z.strictObject({
      keptWord: Score,
      quality: Score,
      communication: Score,
      content: z
        .string()
        .max(REVIEW_MAX)
        .optional()
        .openapi({ description: "Plain text; public once it is revealed." }),
      language: Language,
    }),
    example: {
      keptWord: 5,
      quality: 4,
      communication: 5,
      content: "Well prepared, and on time.",
      language: "en",
    },
    status: 201,
    answer: Reviewing,
    async run({ ctx, acting, params: { id }, body }) {
      await reviewAgreement(ctx, acting, id, body);
      return { body: await both(ctx, acting.actorId, id), location: `/agreements/${id}/reviews` };
    },
  });

  operation({
    method: "delete",
    path: "/reviews/{id}",
    id: "deleteReview",
    tag,
    scope: "exchange:write",
    summary: "Take back one's review: its text is erased, and there is no second one",
    params: ById,
    status: 204,
    async run({ ctx, acting, params: { id } }) {
      await deleteReview(ctx, acting, id);
      return { body: null };
    },
  });

  operation({
    method: "get",
    path: "/organizations/{handle}/reviews",
    id: "listReviews",
    tag,
    scope: "exchange:read",
    summary: "Open reviews of an organization, newest first",
    params: ByHandle,
    query: z.strictObject(PAGE),
    answer: z.array(Review),
    async run({ ctx, params: { handle }, query: { before, limit = PAGE_SIZE } }) {
      const actor = await actorByAcct(ctx, handle);
      const page = await reviewsOf(ctx, actor.id, before ?? null, limit);
      const items = page.items.map(({ id, author, role, rating, content, language, late, created }) => ({
        ...{ id: id.toString(), author: toActor(author), role, rating, content, language, late },
        created: created.toISOString(),
      }));
      return list({ items, before: page.before });
    },
  });

  operation({
    method: "get",
    path: "/organizations/{handle}/facts",
    id: "getFacts",
    tag,
    scope: "exchange:read",
    summary: "What the log says of an organization, and what its counterparties do, in numbers",
    params: ByHandle,
    answer: Facts,
    async run({ ctx, params: { handle } }) {
      const { id } = await actorByAcct(ctx, handle);
      const [known, said] = await Promise.all([facts(ctx, id), reputation(ctx, id)]);
      const { completed, counterparties, dated, onTime, disputed, answers, given, received } = known;
      return {
        body: {
          ...{ completed, counterparties, dated, onTime, disputed, answers, given, received },
          ...{ reviews: said.reviews, reviewers: said.counterparties, means: said.means },
        },
      };
    },
  });
}
