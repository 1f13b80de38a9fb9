import type { ActorView } from "../../domain/actors/queries.ts";
import type { Page } from "../../domain/page.ts";
import type { Facts, Reputation, ReviewView } from "../../domain/reviews/queries.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, ExternalLink, Pagination } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { Back, FactList, KnownHere, Means, Stars } from "./trust.tsx";

/** GET /@handle/reviews */
export interface ReviewsPageProps {
  page: PageContext;
  actor: ActorView;
  facts: Facts;
  reputation: Reputation;
  reviews: Page<ReviewView>;
}

export const ReviewsPage = ({ page, actor, facts, reputation, reviews }: ReviewsPageProps) => {
  const { t } = page;
  const title = t("review.list_title", { name: actor.name });
  return (
    <Layout page={page} title={title} section={null}>
      <Back href={actorPath(actor)}>
        <bdi>{actor.name}</bdi>
      </Back>
      <h1>{title}</h1>
      <section class="card trust" aria-labelledby="facts">
        <h2 id="facts">{t("trust.facts")}</h2>
        <FactList page={page} facts={facts} />
        <KnownHere page={page} actor={actor} />
      </section>
      <section class="card trust" aria-labelledby="opinions">
        <h2 id="opinions">{t("trust.opinions")}</h2>
        {reputation.reviews === 0 ? (
          <p class="quiet">{t("trust.no_opinions")}</p>
        ) : (
          <Means page={page} reputation={reputation} />
        )}
      </section>
      {reviews.items.length === 0 ? (
        <EmptyState title={t("review.none")} text={t("review.none_text")} />
      ) : null}
      {reviews.items.map((review) => (
        <ReviewCard page={page} review={review} />
      ))}
      <Pagination page={page} base={`${actorPath(actor)}/reviews`} before={reviews.before} />
    </Layout>
  );
};

export const ReviewCard = ({ page, review }: { page: PageContext; review: ReviewView }) => {
  const { t, viewer } = page;
  const id = `review-${review.id}`;
  return (
    <article class="card review" aria-labelledby={id}>
      <p class="proposal-actor" id={id}>
        <Avatar page={page} actor={review.author} small />
        <a href={actorPath(review.author)}>
          <bdi>{review.author.name}</bdi>
        </a>
      </p>
      <p class="review-rating">
        <Stars page={page} rating={review.rating} />
        <span class="quiet">{t(review.role === "provider" ? "review.gave" : "review.got")}</span>
      </p>
      <ReviewText content={review.content} language={review.language} />
      <p class="post-foot quiet">
        <Day page={page} at={review.created} />
        {review.late ? <span>{t("review.late")}</span> : null}
        {review.postId === null ? null : <a href={`/posts/${review.postId}`}>{t("review.post")}</a>}
        {review.url === null ? null : (
          <ExternalLink href={review.url}>
            {t("review.there", { host: new URL(review.url).host })}
          </ExternalLink>
        )}
        {viewer?.acting.id === review.author.id ? (
          <a class="post-delete" href={`/reviews/${review.id}/delete`}>
            <Icon name="trash" />
            {t("review.delete")}
          </a>
        ) : null}
      </p>
    </article>
  );
};

/** What somebody wrote, in its own language and direction. */
export const ReviewText = ({ content, language }: { content: string; language: string | null }) => (
  <p class="review-text" lang={language ?? undefined} dir="auto">
    {content}
  </p>
);
