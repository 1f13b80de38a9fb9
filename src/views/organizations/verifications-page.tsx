import type { Child } from "hono/jsx";
import type { Viewer } from "../../domain/accounts/queries.ts";
import { DECIDABLE, type Decision } from "../../domain/organizations/rules.ts";
import type { VerificationView } from "../../domain/organizations/verification.ts";
import type { VouchView } from "../../domain/organizations/vouching.ts";
import type { Page } from "../../domain/page.ts";
import type { MessageKey } from "../../locales/index.ts";
import { ActorCard } from "../actors/actor-card.tsx";
import { AdminBack } from "../admin/admin-page.tsx";
import { Back, VouchedBy } from "../reviews/trust.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { ErrorSummary, Radios, TextArea, WritingForm } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { SizeField, STATES } from "./verification-page.tsx";

/** GET /admin/verifications, for curators: what waits, and what was decided. */
export interface VerificationsPageProps {
  page: PageContext & { viewer: Viewer };
  queue: readonly VerificationView[];
  decided: Page<VerificationView>;
}

export const VerificationsPage = ({ page, queue, decided }: VerificationsPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("verification.queue_title")} section="me">
      <AdminBack page={page} />
      <div class="page-head">
        <h1>{t("verification.queue_title")}</h1>
        <p class="lead">{t("verification.queue_lead")}</p>
      </div>
      {queue.length === 0 ? (
        <EmptyState title={t("verification.queue_none")} text={t("verification.queue_none_text")} />
      ) : (
        <ol class="choices">
          {queue.map((verification) => (
            <Entry page={page} verification={verification} action={t("verification.decide")}>
              {t("verification.asked")} <Day page={page} at={verification.requested} />
            </Entry>
          ))}
        </ol>
      )}
      {decided.items.length === 0 ? null : (
        <section aria-labelledby="decided">
          <h2 id="decided">{t("verification.decided")}</h2>
          <ul class="choices">
            {decided.items.map((verification) => (
              <Entry page={page} verification={verification} action={t("verification.look")}>
                {t(STATES[verification.state])}
                {verification.decided === null ? null : (
                  <>
                    {" · "}
                    <Day page={page} at={verification.decided} />
                  </>
                )}
              </Entry>
            ))}
          </ul>
          <Pagination page={page} base="/admin/verifications" before={decided.before} />
        </section>
      )}
    </Layout>
  );
};

const Entry = ({
  page,
  verification: { organization },
  action,
  children,
}: {
  page: PageContext;
  verification: VerificationView;
  action: string;
  children?: Child;
}) => (
  <li class="card actor">
    <Avatar page={page} actor={organization} />
    <div class="actor-text">
      <p class="actor-name">
        <a href={`/admin/verifications/${organization.id}`}>
          <bdi>{organization.name}</bdi>
          <span class="hidden">: {action}</span>
        </a>
      </p>
      <p class="quiet">{children}</p>
    </div>
  </li>
);

/** GET and POST /admin/verifications/<organization>: state (a decision), size_class, note, as. */
export interface DecideVerificationPageProps {
  page: PageContext & { viewer: Viewer };
  verification: VerificationView;
  /** Who vouches for it. */
  vouches: readonly VouchView[];
  form?: FormState | undefined;
}

const CHOICES: Record<Decision, [label: MessageKey, hint: MessageKey]> = {
  verified: ["verification.do_verified", "verification.do_verified_hint"],
  refused: ["verification.do_refused", "verification.do_refused_hint"],
  revoked: ["verification.do_revoked", "verification.do_revoked_hint"],
};

export const DecideVerificationPage = (props: DecideVerificationPageProps) => {
  const { page, verification, vouches, form } = props;
  const { t } = page;
  const { organization, state, statement, note } = verification;
  const title = t("verification.decide_title", { name: organization.name });
  return (
    <Layout page={page} title={title} section="me">
      <Back href="/admin/verifications">{t("verification.queue_title")}</Back>
      <h1>{title}</h1>
      <ActorCard page={page} actor={organization} />
      <section class="card" aria-labelledby="statement">
        <h2 id="statement">{t("verification.statement")}</h2>
        <p class="review-text" dir="auto">
          {statement}
        </p>
        <p class="quiet">
          {t(STATES[state])} · {t("verification.asked")} <Day page={page} at={verification.requested} />
        </p>
        <VouchedBy page={page} vouches={vouches} />
        {note === null ? null : (
          <>
            <h3>{t("verification.note")}</h3>
            <p class="review-text" dir="auto">
              {note}
            </p>
          </>
        )}
      </section>
      <div class="card">
        <WritingForm
          page={page}
          action={`/admin/verifications/${organization.id}`}
          submit={(name) => t("verification.submit_decision", { name })}
        >
          <ErrorSummary
            page={page}
            form={form}
            labels={{
              state: t("verification.decision"),
              size_class: t("verification.size"),
              note: t("verification.note_field"),
            }}
          />
          <Radios
            page={page}
            form={form}
            name="state"
            label={t("verification.decision")}
            value=""
            options={DECIDABLE[state].map((decision) => ({
              value: decision,
              label: t(CHOICES[decision][0]),
              hint: t(CHOICES[decision][1]),
            }))}
          />
          <SizeField page={page} form={form} value={verification.sizeClass} />
          <TextArea
            page={page}
            form={form}
            name="note"
            label={t("verification.note_field")}
            hint={t("verification.note_hint")}
            rows={3}
            conditional
          />
        </WritingForm>
      </div>
    </Layout>
  );
};
