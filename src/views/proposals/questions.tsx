import type { ProposalView } from "../../domain/proposals/queries.ts";
import type { Question } from "../../domain/proposals/questions.ts";
import { PostCard } from "../posts/post-card.tsx";
import { ErrorSummary, LanguageSelect, TextArea, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

interface QuestionsProps {
  page: PageContext;
  proposal: ProposalView;
  questions: Question[];
  form: FormState | undefined;
}

/**
 * What was asked about a proposal, here or elsewhere, and answered. POST /proposals/<id>/questions: content, language, as, and
 * `question` (the post that is answered) or nothing.
 */
export const Questions = ({ page, proposal, questions, form }: QuestionsProps) => {
  const { t, viewer } = page;
  const answering = form?.values.question;
  return (
    <section aria-labelledby="questions" class="questions">
      <h2 id="questions">{t("question.title", { count: questions.length })}</h2>
      {questions.length === 0 ? <p class="quiet">{t("question.none")}</p> : null}
      {questions.map((question) => (
        <div class="question">
          <PostCard page={page} post={{ ...question.post, inReplyTo: null }} />
          <div class="answers">
            {question.answers.map((answer) => (
              <PostCard page={page} post={{ ...answer, inReplyTo: null }} />
            ))}
            {viewer !== null && (proposal.own || question.post.own) ? (
              <AnswerForm
                page={page}
                proposal={proposal}
                question={String(question.post.id)}
                form={answering === String(question.post.id) ? form : undefined}
              />
            ) : null}
          </div>
        </div>
      ))}
      {proposal.own ? null : viewer === null ? (
        <p class="actions">
          <a
            class="button button-quiet"
            href={`/login?next=${encodeURIComponent(`/proposals/${proposal.id}`)}`}
          >
            {t("question.login")}
          </a>
        </p>
      ) : (
        <AskForm page={page} proposal={proposal} form={answering ? undefined : form} />
      )}
    </section>
  );
};

const AskForm = ({
  page,
  proposal,
  form,
}: {
  page: PageContext;
  proposal: ProposalView;
  form: FormState | undefined;
}) => {
  const { t } = page;
  return (
    <div class="card">
      <WritingForm
        page={page}
        action={`/proposals/${proposal.id}/questions`}
        draft={`question:${proposal.id}`}
        submit={(name) => t("question.ask_as", { name })}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{ content: t("question.ask"), language: t("form.language") }}
        />
        <TextArea
          page={page}
          form={form}
          name="content"
          label={t("question.ask")}
          hint={t("question.ask_hint")}
          rows={3}
          required
        />
        <LanguageSelect page={page} form={form} />
      </WritingForm>
    </div>
  );
};

/** Its field has an address of its own: there may be many such forms on a page. */
const AnswerForm = ({
  page,
  proposal,
  question,
  form,
}: {
  page: PageContext;
  proposal: ProposalView;
  question: string;
  form: FormState | undefined;
}) => {
  const { t } = page;
  return (
    <details class="more" open={form !== undefined}>
      <summary>
        {t("question.answer")}
        <Icon name="chevron" />
      </summary>
      <WritingForm
        page={page}
        action={`/proposals/${proposal.id}/questions`}
        draft={`answer:${question}`}
        submit={(name) => t("question.answer_as", { name })}
      >
        <ErrorSummary page={page} form={form} labels={{}} />
        <input type="hidden" name="question" value={question} />
        <div class="field">
          <label for={`answer-${question}`}>{t("question.answer_label")}</label>
          <textarea id={`answer-${question}`} name="content" rows={3} dir="auto" required>
            {form?.values.content ?? ""}
          </textarea>
        </div>
      </WritingForm>
    </details>
  );
};
