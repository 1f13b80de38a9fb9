import type { ActorView } from "../../domain/actors/queries.ts";
import type { Reviewing, ReviewStatus } from "../../domain/reviews/queries.ts";
import { DIMENSIONS, type Dimension, FIELDS } from "../../domain/reviews/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { ErrorSummary, LanguageSelect, Radios, TextArea, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { Day } from "../ui/time.tsx";
import { ReviewText } from "./reviews-page.tsx";
import { Back, Stars } from "./trust.tsx";

/** GET and POST /agreements/<id>/review: for the parties. Fields: kept_word, quality, communication (1 to 5), content, language, as. */
export interface ReviewPageProps {
  page: PageContext;
  reviewing: Reviewing;
  /** The party that reviews, whoever the viewer acts as on other pages. */
  author: ActorView;
  form?: FormState | undefined;
}

export const ReviewPage = ({ page, reviewing, author, form }: ReviewPageProps) => {
  const { t } = page;
  const { counterparty, mine, theirs, window, agreementId } = reviewing;
  const title = t("review.title", { name: counterparty.name });
  return (
    <Layout page={page} title={title} section={null}>
      <Back href={`/agreements/${agreementId}`}>{t("review.to_agreement")}</Back>
      <div class="page-head">
        <h1>{title}</h1>
        <p class="lead">{t("review.about", { title: reviewing.title })}</p>
      </div>
      {mine === null && (window === "sealed" || window === "late") ? (
        <ReviewForm page={page} reviewing={reviewing} author={author} form={form} />
      ) : null}
      {mine === null && window === "not_yet" ? (
        <Obstacle title={t("review.not_yet")} text={t("errors.not_reviewable")} />
      ) : null}
      {mine === null && window === "over" ? (
        <Obstacle title={t("review.over")} text={t("errors.review_over")} />
      ) : null}
      {mine === null ? null : (
        <Status page={page} reviewing={reviewing} status={mine} title={t("review.mine")} own />
      )}
      {window === "not_yet" || (theirs === null && window === "over") ? null : (
        <Status
          page={page}
          reviewing={reviewing}
          status={theirs}
          title={t("review.theirs", { name: counterparty.name })}
        />
      )}
    </Layout>
  );
};

const Obstacle = ({ title, text }: { title: string; text: string }) => (
  <div class="empty">
    <Icon name="clock" />
    <p class="empty-title">{title}</p>
    <p>{text}</p>
  </div>
);

const QUESTIONS: Record<Dimension, MessageKey> = {
  keptWord: "review.kept_word",
  quality: "review.quality",
  communication: "review.communication",
};
const WORDS: readonly [score: string, word: MessageKey][] = [
  ["5", "review.score_5"],
  ["4", "review.score_4"],
  ["3", "review.score_3"],
  ["2", "review.score_2"],
  ["1", "review.score_1"],
];

const ReviewForm = ({ page, reviewing, author, form }: ReviewPageProps) => {
  const { t } = page;
  const { counterparty, window, reveals, agreementId } = reviewing;
  const action = `/agreements/${agreementId}/review`;
  return (
    <div class="card">
      <WritingForm
        page={page}
        author={author}
        action={action}
        submit={(name) => t("review.submit", { name })}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{
            ...Object.fromEntries(DIMENSIONS.map((name) => [FIELDS[name], t(QUESTIONS[name])])),
            content: t("review.content"),
            language: t("form.language"),
          }}
        />
        {window === "sealed" ? (
          <p>
            {t("review.seal", { name: counterparty.name })} <Day page={page} at={reveals} />.
          </p>
        ) : (
          <p>{t("review.late_note")}</p>
        )}
        {DIMENSIONS.map((dimension) => (
          <div class="scores">
            <Radios
              page={page}
              form={form}
              name={FIELDS[dimension]}
              label={t(QUESTIONS[dimension])}
              value=""
              options={WORDS.map(([value, word]) => ({ value, label: `${value} · ${t(word)}` }))}
              inline
            />
          </div>
        ))}
        <p class="hint">{t("review.scores_note")}</p>
        <TextArea
          page={page}
          form={form}
          name="content"
          label={t("review.content")}
          hint={t("review.content_hint", { name: author.name })}
        />
        <LanguageSelect page={page} form={form} />
      </WritingForm>
    </div>
  );
};

/** How it stands with one of the two reviews; what a sealed one says is not there to be shown. */
const Status = ({
  page,
  reviewing,
  status,
  title,
  own,
}: {
  page: PageContext;
  reviewing: Reviewing;
  status: ReviewStatus | null;
  title: string;
  own?: boolean;
}) => {
  const { t } = page;
  return (
    <section class="card review">
      <h2>{title}</h2>
      {status === null ? <p class="quiet">{t("review.missing")}</p> : null}
      {status?.state === "deleted" ? <p class="quiet">{t("review.erased")}</p> : null}
      {status?.state === "sealed" ? (
        <p class="review-sealed">
          <Icon name="lock" />
          <span>
            {t("review.sealed")} {t("review.opens")} <Day page={page} at={reviewing.reveals} />.
          </span>
        </p>
      ) : null}
      {status?.state === "revealed" && status.rating !== null ? (
        <>
          <p class="review-rating">
            <Stars page={page} rating={status.rating} />
            {status.late ? <span class="quiet">{t("review.late")}</span> : null}
          </p>
          {status.content === null ? (
            <p class="quiet">{t("review.without_text")}</p>
          ) : (
            <ReviewText content={status.content} language={status.language} />
          )}
        </>
      ) : null}
      {own && status !== null && status.state !== "deleted" ? (
        <p class="actions">
          <a class="button button-quiet" href={`/reviews/${status.id}/delete`}>
            <Icon name="trash" />
            {t("review.delete")}
          </a>
        </p>
      ) : null}
    </section>
  );
};

/** GET /reviews/<id>/delete: says what will happen; POST to the same address deletes. */
export interface ConfirmDeleteReviewPageProps {
  page: PageContext;
  review: { id: bigint; agreementId: bigint; subject: ActorView };
  author: ActorView;
}

export const ConfirmDeleteReviewPage = ({ page, review, author }: ConfirmDeleteReviewPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("review.delete_title")} section={null}>
      <h1>{t("review.delete_title")}</h1>
      <p>
        <strong>{t("review.theirs", { name: author.name })}</strong> · <bdi>{review.subject.name}</bdi>
      </p>
      <p>{t("review.delete_text")}</p>
      <form class="actions" method="post" action={`/reviews/${review.id}/delete`}>
        <input type="hidden" name="as" value={author.handle} />
        <button class="button button-danger" type="submit">
          <Icon name="trash" />
          {t("review.delete_confirm")}
        </button>
        <a class="button button-quiet" href={`/agreements/${review.agreementId}/review`}>
          {t("form.cancel")}
        </a>
      </form>
    </Layout>
  );
};
