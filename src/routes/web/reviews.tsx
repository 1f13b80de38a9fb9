import { Hono } from "hono";
import { type Id, parseId } from "../../db/ids.ts";
import { actingAs } from "../../domain/accounts/queries.ts";
import { actorByAcct } from "../../domain/actors/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { deleteReview, reviewAgreement } from "../../domain/reviews/commands.ts";
import { facts, reputation, reviewById, reviewing, reviewsOf } from "../../domain/reviews/queries.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { ConfirmDeleteReviewPage, ReviewPage } from "../../views/reviews/review-page.tsx";
import { ReviewsPage } from "../../views/reviews/reviews-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { asWhoeverMay, choice, formFields, render, submitAs, type Web } from "./page.tsx";

/** Reviews of exchanges: writing, taking back, reading. */
export function reviewRoutes(web: Web) {
  const { ctx } = web;

  async function reviewPage(c: WebContext, form?: FormState) {
    const viewer = requireViewer(c);
    const [found, author] = await asWhoeverMay(
      viewer,
      async (actor) => [await reviewing(ctx, actor.id, idOf(c)), actor] as const,
    );
    return <ReviewPage page={web.page(c)} reviewing={found} author={author} form={form} />;
  }

  return new Hono<Env>()
    .get("/agreements/:id/review", async (c) => render(c, await reviewPage(c)))
    .post("/agreements/:id/review", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          await reviewAgreement(ctx, acting, idOf(c), {
            keptWord: score("kept_word", fields),
            quality: score("quality", fields),
            communication: score("communication", fields),
            content: fields.content,
            language: choice("language", fields.language ?? c.get("locale"), Object.keys(POST_LANGUAGES)),
          });
          return web.done(c, `/agreements/${idOf(c)}/review`, "notices.review_saved");
        },
        (form) => reviewPage(c, form),
      ),
    )
    .get("/reviews/:id", async (c) => {
      const viewer = c.get("viewer");
      const find = (viewerId: Id | null) => reviewById(ctx, idOf(c), viewerId);
      const { agreementId, postId } = await (viewer === null
        ? find(null)
        : asWhoeverMay(viewer, ({ id }) => find(id)));
      return c.redirect(postId === null ? `/agreements/${agreementId}/review` : `/posts/${postId}`);
    })
    .get("/reviews/:id/delete", async (c) => {
      const viewer = requireViewer(c);
      const [review, author] = await asWhoeverMay(viewer, async (actor) => {
        const found = await reviewById(ctx, idOf(c), actor.id);
        if (!found.own) throw new DomainError("not_found", "no such review");
        return [found, actor] as const;
      });
      return render(c, <ConfirmDeleteReviewPage page={web.page(c)} review={review} author={author} />);
    })
    .post("/reviews/:id/delete", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      const { agreementId } = await reviewById(ctx, idOf(c), acting.actorId);
      await deleteReview(ctx, acting, idOf(c));
      return web.done(c, `/agreements/${agreementId}/review`, "notices.review_deleted");
    })
    .get("/:acct{@[^/]+}/reviews", async (c) => {
      const actor = await actorByAcct(ctx, c.req.param("acct"));
      if (actor.kind !== "Organization") throw new DomainError("not_found", "no such list");
      const [known, said, reviews] = await Promise.all([
        facts(ctx, actor.id),
        reputation(ctx, actor.id),
        reviewsOf(ctx, actor.id, parseId(c.req.query("before"))),
      ]);
      return render(
        c,
        <ReviewsPage page={web.page(c)} actor={actor} facts={known} reputation={said} reviews={reviews} />,
      );
    });
}

/** @throws DomainError required, invalid */
function score(field: string, fields: Record<string, string>): number {
  if ((fields[field] ?? "") === "") throw new DomainError("required", `${field} is required`, { field });
  return Number(choice(field, fields[field], ["1", "2", "3", "4", "5"]));
}

function idOf(c: WebContext): Id {
  const id = parseId(c.req.param("id"));
  if (id === null) throw new DomainError("not_found", "no such page");
  return id;
}
