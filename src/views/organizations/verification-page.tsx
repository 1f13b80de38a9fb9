import type { Viewer } from "../../domain/accounts/queries.ts";
import { SIZE_CLASSES, type SizeClass, type VerificationState } from "../../domain/organizations/rules.ts";
import type { Verification } from "../../domain/organizations/verification.ts";
import type { VouchView } from "../../domain/organizations/vouching.ts";
import type { MessageKey } from "../../locales/index.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { type Currency, creditText } from "../ledger/amounts.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { ErrorSummary, Radios, TextArea, WritingForm } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { EmptyState } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";

/** GET and POST /settings/verification: of the organization that acts. Fields: size_class, statement, as. */
export interface VerificationPageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  /** Null: it never asked. */
  verification: Verification | null;
  vouches: { given: readonly VouchView[]; received: readonly VouchView[] };
  form?: FormState | undefined;
}

export const STATES: Record<VerificationState, MessageKey> = {
  requested: "verification.state_requested",
  verified: "verification.state_verified",
  refused: "verification.state_refused",
  revoked: "verification.state_revoked",
};

const SIZES: Record<SizeClass, [label: MessageKey, hint: MessageKey]> = {
  S: ["verification.size_S", "verification.size_S_hint"],
  M: ["verification.size_M", "verification.size_M_hint"],
  L: ["verification.size_L", "verification.size_L_hint"],
};

/** The choice of a size class, by what an organization spends in a year. */
export const SizeField = ({
  page,
  form,
  value,
}: {
  page: PageContext;
  form: FormState | undefined;
  value: string;
}) => (
  <Radios
    page={page}
    form={form}
    name="size_class"
    label={page.t("verification.size")}
    hint={page.t("verification.size_hint")}
    value={value}
    options={SIZE_CLASSES.map((size) => ({
      value: size,
      label: page.t(SIZES[size][0]),
      hint: page.t(SIZES[size][1]),
    }))}
  />
);

export const VerificationPage = ({ page, currency, verification, vouches, form }: VerificationPageProps) => {
  const { t, viewer, hub } = page;
  const organization = viewer.acting.kind === "Organization";
  return (
    <Layout page={page} title={t("verification.title")} section="me">
      <div class="page-head">
        <h1>{t("verification.title")}</h1>
        <p class="lead">{t("verification.lead", { hub: hub.name })}</p>
      </div>
      {organization ? (
        <>
          {verification === null ? null : <Standing page={page} verification={verification} />}
          {verification?.state === "verified" ? null : (
            <RequestForm page={page} verification={verification} form={form} />
          )}
          <Vouches page={page} currency={currency} vouches={vouches} form={form} />
        </>
      ) : (
        <EmptyState
          title={t("verification.person")}
          text={t("verification.person_text")}
          actions={
            <a class="button" href="/me">
              {t("verification.choose")}
            </a>
          }
        />
      )}
    </Layout>
  );
};

const Standing = ({ page, verification }: { page: PageContext; verification: Verification }) => {
  const { t } = page;
  const { state, sizeClass, note, decided } = verification;
  return (
    <section class="card" aria-labelledby="standing">
      <h2 id="standing">{t(STATES[state])}</h2>
      <p class="quiet">
        {t("verification.size")}: {t(SIZES[sizeClass][0])}
        {decided !== null && state !== "requested" ? (
          <>
            {" · "}
            <Day page={page} at={decided} />
          </>
        ) : null}
      </p>
      {state === "requested" ? <p>{t("verification.requested_text")}</p> : null}
      {note === null ? null : (
        <>
          <h3>{t("verification.note")}</h3>
          <p class="review-text" dir="auto">
            {note}
          </p>
        </>
      )}
    </section>
  );
};

const RequestForm = ({
  page,
  verification,
  form,
}: Pick<VerificationPageProps, "page" | "verification" | "form">) => {
  const { t } = page;
  const filled = form ?? {
    values: { statement: verification?.statement ?? "" },
    errors: [],
  };
  return (
    <div class="card">
      <WritingForm
        page={page}
        action="/settings/verification"
        submit={(name) => t("verification.submit", { name })}
      >
        <ErrorSummary
          page={page}
          form={form}
          labels={{ size_class: t("verification.size"), statement: t("verification.statement") }}
        />
        <SizeField page={page} form={filled} value={verification?.sizeClass ?? ""} />
        <TextArea
          page={page}
          form={filled}
          name="statement"
          label={t("verification.statement")}
          hint={t("verification.statement_hint")}
          required
        />
      </WritingForm>
    </div>
  );
};

const Vouches = ({
  page,
  currency,
  vouches,
}: Pick<VerificationPageProps, "page" | "currency" | "vouches" | "form">) => {
  const { t } = page;
  return (
    <>
      <section aria-labelledby="given">
        <h2 id="given">{t("vouch.given")}</h2>
        {vouches.given.length === 0 ? <p class="quiet">{t("vouch.none_given")}</p> : null}
        <VouchList page={page} currency={currency} vouches={vouches.given} withdraw />
      </section>
      {vouches.received.length === 0 ? null : (
        <section aria-labelledby="received">
          <h2 id="received">{t("vouch.received")}</h2>
          <VouchList page={page} currency={currency} vouches={vouches.received} />
        </section>
      )}
    </>
  );
};

const VouchList = ({
  page,
  currency,
  vouches,
  withdraw,
}: {
  page: PageContext;
  currency: Currency;
  vouches: readonly VouchView[];
  withdraw?: boolean;
}) => {
  const { t, viewer } = page;
  if (vouches.length === 0) return null;
  return (
    <ul class="choices">
      {vouches.map(({ organization, amount, created }) => (
        <li class="card actor">
          <Avatar page={page} actor={organization} />
          <div class="actor-text">
            <p class="actor-name">
              <a href={actorPath(organization)}>
                <bdi>{organization.name}</bdi>
              </a>
            </p>
            <p class="quiet">
              {creditText(page, currency, amount)} · {t("vouch.since")} <Day page={page} at={created} />
            </p>
          </div>
          {withdraw && viewer ? (
            <form method="post" action={`${actorPath(organization)}/vouch/withdraw`}>
              <input type="hidden" name="as" value={viewer.acting.handle} />
              <button class="button button-quiet" type="submit">
                {t("vouch.withdraw")}
                <span class="hidden">
                  {" "}
                  <bdi>{organization.name}</bdi>
                </span>
              </button>
            </form>
          ) : null}
        </li>
      ))}
    </ul>
  );
};
