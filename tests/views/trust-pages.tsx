import type { Child } from "hono/jsx";
import type { Facts, Reviewing, ReviewView } from "../../src/domain/reviews/queries.ts";
import type { Locale } from "../../src/locales/index.ts";
import { ProfilePage } from "../../src/views/actors/profile-page.tsx";
import { VerificationPage } from "../../src/views/organizations/verification-page.tsx";
import {
  DecideVerificationPage,
  VerificationsPage,
} from "../../src/views/organizations/verifications-page.tsx";
import { VouchPage } from "../../src/views/organizations/vouch-page.tsx";
import { ConfirmDeleteReviewPage, ReviewPage } from "../../src/views/reviews/review-page.tsx";
import { ReviewsPage } from "../../src/views/reviews/reviews-page.tsx";
import type { PageContext } from "../../src/views/ui/page.ts";
import { AS_ORGANIZATION, NOW, NUR, pageContext, profile, RIO, SEMILLA, VIEWER } from "./example.ts";

const VERIFIED = { ...RIO, verified: true };
const CURATOR = { ...VIEWER, role: "curator" as const };
const CURRENCY = { name: "Créditos", symbol: "cr", scale: 2 };
const NOTHING = { items: [], before: null };

const FACTS: Facts = {
  ...{ completed: 1234, counterparties: 12, dated: 9, onTime: 8, disputed: 1, answers: 26 * 3_600_000 },
  ...{ given: 23, received: 21 },
};
const NO_FACTS: Facts = {
  ...{ completed: 0, counterparties: 0, dated: 0, onTime: 0, disputed: 0, answers: null },
  ...{ given: 0, received: 0 },
};
const REPUTATION = {
  ...{ reviews: 31, counterparties: 11 },
  means: { keptWord: 4.95, quality: 4.5, communication: 3.04 },
};

const REVIEW: ReviewView = {
  ...{
    id: 71n,
    author: SEMILLA,
    role: "provider",
    rating: 4,
    late: false,
    created: NOW,
    postId: 72n,
    url: null,
  },
  content: "Llegaron a tiempo.\n\nTexto de ejemplo.",
  language: "es",
};
const REVIEWS = [
  REVIEW,
  {
    ...REVIEW,
    id: 73n,
    author: NUR,
    role: "receiver" as const,
    rating: 1,
    late: true,
    postId: null,
    url: "https://nur.example/reviews/9",
  },
  { ...REVIEW, id: 74n, author: VERIFIED, content: "شكرًا. مثال.", language: "ar" },
];

const REVIEWING: Reviewing = {
  ...{ agreementId: 81n, title: "Taller de contabilidad", counterparty: RIO, role: "provider" },
  ...{ window: "sealed", reveals: NOW, mine: null, theirs: null },
};
const SEALED = {
  ...{ id: 82n, state: "sealed" as const, created: NOW, late: false, rating: null },
  ...{ content: null, language: null },
};
const OPEN = { ...SEALED, state: "revealed" as const, rating: 5 };

const VERIFICATION = {
  ...{ state: "requested" as const, sizeClass: "S" as const, note: null, requested: NOW, decided: null },
  statement: "Registro 1234.\nNos conoce la Red Semilla (ejemplo).",
};
const VOUCH = { id: 91n, organization: VERIFIED, amount: 350n, created: NOW };

/** Pages about whom one can trust, in the states that look different. */
export function trustPages(locale: Locale): Record<string, Child> {
  const page = (viewer: typeof VIEWER, path = "/"): PageContext & { viewer: typeof VIEWER } => ({
    ...pageContext(locale, { path }),
    viewer,
  });
  const organization = page(AS_ORGANIZATION);
  const of = (values: Partial<Reviewing>) => ({ ...REVIEWING, ...values });
  return {
    "profile-trust": (
      <ProfilePage
        page={page({ ...AS_ORGANIZATION, role: "admin" }, "/@vozes_do_rio")}
        profile={profile(VERIFIED)}
        tab="posts"
        posts={NOTHING}
        proposals={null}
        trust={{
          facts: FACTS,
          reputation: REPUTATION,
          vouches: [VOUCH, VOUCH],
          mayVouch: true,
          mayDecide: true,
        }}
      />
    ),
    "profile-trust-none": (
      <ProfilePage
        page={pageContext(locale)}
        profile={profile(SEMILLA)}
        tab="posts"
        posts={NOTHING}
        proposals={null}
        trust={{
          ...{ facts: NO_FACTS, vouches: [], mayVouch: false, mayDecide: false },
          reputation: { reviews: 2, counterparties: 1, means: null },
        }}
      />
    ),
    reviews: (
      <ReviewsPage
        page={page(AS_ORGANIZATION, "/@vozes_do_rio/reviews")}
        actor={VERIFIED}
        facts={{ ...FACTS, answers: 90_000 }}
        reputation={REPUTATION}
        reviews={{ items: REVIEWS, before: 70n }}
      />
    ),
    "reviews-none": (
      <ReviewsPage
        page={pageContext(locale)}
        actor={RIO}
        facts={NO_FACTS}
        reputation={{ reviews: 0, counterparties: 0, means: null }}
        reviews={NOTHING}
      />
    ),
    review: <ReviewPage page={organization} author={SEMILLA} reviewing={of({ theirs: SEALED })} />,
    "review-errors": (
      <ReviewPage
        page={organization}
        author={SEMILLA}
        reviewing={of({ window: "late", theirs: { ...OPEN, late: true } })}
        form={{
          values: { kept_word: "4", content: "Texto <escrito>", language: "quc" },
          errors: [
            { field: "quality", code: "required", details: {} },
            { field: "communication", code: "invalid", details: {} },
          ],
        }}
      />
    ),
    "review-sealed": <ReviewPage page={organization} author={SEMILLA} reviewing={of({ mine: SEALED })} />,
    "review-open": (
      <ReviewPage
        page={organization}
        author={SEMILLA}
        reviewing={of({
          mine: { ...OPEN, content: "Muy bien", language: "es" },
          theirs: { ...SEALED, state: "deleted" },
        })}
      />
    ),
    "review-not-yet": (
      <ReviewPage page={organization} author={SEMILLA} reviewing={of({ window: "not_yet" })} />
    ),
    "review-over": <ReviewPage page={organization} author={SEMILLA} reviewing={of({ window: "over" })} />,
    "review-delete": (
      <ConfirmDeleteReviewPage
        page={organization}
        author={SEMILLA}
        review={{ id: 71n, agreementId: 81n, subject: RIO }}
      />
    ),
    verification: (
      <VerificationPage
        page={organization}
        currency={CURRENCY}
        verification={null}
        vouches={{ given: [], received: [] }}
        form={{
          values: { size_class: "M", statement: "" },
          errors: [{ field: "statement", code: "required", details: {} }],
        }}
      />
    ),
    "verification-requested": (
      <VerificationPage
        page={organization}
        currency={CURRENCY}
        verification={VERIFICATION}
        vouches={{ given: [], received: [VOUCH] }}
      />
    ),
    "verification-verified": (
      <VerificationPage
        page={organization}
        currency={CURRENCY}
        verification={{ ...VERIFICATION, state: "verified", note: "Gracias (ejemplo).", decided: NOW }}
        vouches={{ given: [VOUCH, VOUCH], received: [] }}
      />
    ),
    "verification-person": (
      <VerificationPage
        page={page(VIEWER)}
        currency={CURRENCY}
        verification={null}
        vouches={{ given: [], received: [] }}
      />
    ),
    verifications: (
      <VerificationsPage
        page={page(CURATOR)}
        queue={[{ ...VERIFICATION, organization: SEMILLA }]}
        decided={{
          items: (["verified", "refused", "revoked"] as const).map((state) => ({
            ...{ ...VERIFICATION, state, decided: NOW, organization: VERIFIED },
          })),
          before: 5n,
        }}
      />
    ),
    "verifications-none": <VerificationsPage page={page(CURATOR)} queue={[]} decided={NOTHING} />,
    "verification-decide": (
      <DecideVerificationPage
        page={page(CURATOR)}
        verification={{ ...VERIFICATION, state: "verified", note: "Sí (ejemplo).", organization: VERIFIED }}
        vouches={[VOUCH]}
        form={{
          values: { state: "revoked", size_class: "S", note: "" },
          errors: [{ field: "note", code: "required", details: {} }],
        }}
      />
    ),
    vouch: (
      <VouchPage
        page={organization}
        currency={CURRENCY}
        organization={RIO}
        max={500n}
        form={{
          values: { amount: "9" },
          errors: [{ field: "amount", code: "over_vouch_max", details: { max: "5 cr" } }],
        }}
      />
    ),
  };
}
