import type { Child } from "hono/jsx";
import type { ActorView } from "../../domain/actors/queries.ts";
import type { VouchView } from "../../domain/organizations/vouching.ts";
import type { Facts, Reputation } from "../../domain/reviews/queries.ts";
import { DIMENSIONS, type Dimension } from "../../domain/reviews/rules.ts";
import { intlTag, type MessageKey } from "../../locales/index.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { count } from "../ui/time.tsx";

/** What one may know of an organization before exchanging with it. */
export interface Trust {
  facts: Facts;
  reputation: Reputation;
  /** Open pledges that others gave for it. */
  vouches: readonly VouchView[];
  /** The one who acts may vouch for it. */
  mayVouch: boolean;
  /** The one who looks decides about verifications, and it asked for one. */
  mayDecide: boolean;
}

/** The part of an organization's profile on trust: facts first, opinions after them. */
export const TrustSection = ({
  page,
  actor,
  trust,
}: {
  page: PageContext;
  actor: ActorView;
  trust: Trust;
}) => {
  const { t } = page;
  const { facts, reputation, vouches, mayVouch, mayDecide } = trust;
  return (
    <section class="card trust" aria-labelledby="trust">
      <h2 id="trust">{t("trust.title")}</h2>
      <FactList page={page} facts={facts} />
      <KnownHere page={page} actor={actor} />
      {reputation.reviews > 0 ? (
        <>
          <h3>{t("trust.opinions")}</h3>
          <Means page={page} reputation={reputation} />
        </>
      ) : null}
      <VouchedBy page={page} vouches={vouches} />
      {reputation.reviews > 0 || mayVouch || mayDecide ? (
        <p class="actions">
          {reputation.reviews > 0 ? (
            <a class="button button-quiet" href={`${actorPath(actor)}/reviews`}>
              {t("trust.read_all")}
            </a>
          ) : null}
          {mayVouch ? (
            <a class="button button-quiet" href={`${actorPath(actor)}/vouch`}>
              {t("vouch.title", { name: actor.name })}
            </a>
          ) : null}
          {mayDecide ? (
            <a class="button button-quiet" href={`/admin/verifications/${actor.id}`}>
              {t("verification.decide_title", { name: actor.name })}
            </a>
          ) : null}
        </p>
      ) : null}
    </section>
  );
};

/** Of an organization of another hub this one knows its own part alone. */
export const KnownHere = ({ page, actor }: { page: PageContext; actor: ActorView }) =>
  actor.host === null ? null : <p class="quiet">{page.t("trust.known_here")}</p>;

/** What the log says. What never happened is left out, but for disagreements: that there were none is worth knowing. */
export const FactList = ({ page, facts }: { page: PageContext; facts: Facts }) => {
  const { t, locale } = page;
  if (facts.completed === 0 && facts.dated === 0 && facts.disputed === 0)
    return <p class="quiet">{t("trust.no_facts")}</p>;
  const number = (value: number) => count(locale, value);
  const rows: [label: MessageKey, value: Child | null][] = [
    ["trust.completed", number(facts.completed)],
    ["trust.counterparties", number(facts.counterparties)],
    [
      "trust.on_time",
      facts.dated === 0 ? null : t("trust.of", { part: number(facts.onTime), whole: number(facts.dated) }),
    ],
    ["trust.answers", facts.answers === null ? null : duration(page, facts.answers)],
    ["trust.disputed", number(facts.disputed)],
    [
      "trust.tally",
      facts.given + facts.received === 0
        ? null
        : t("trust.given_received", { given: number(facts.given), received: number(facts.received) }),
    ],
  ];
  return (
    <dl class="facts">
      {rows.map(([label, value]) =>
        value === null ? null : (
          <div>
            <dt>{t(label)}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
};

/** A length of time in its largest fitting unit, never nothing. @param milliseconds 0 or more */
function duration({ t }: PageContext, milliseconds: number): string {
  const minutes = Math.max(1, Math.round(milliseconds / 60_000));
  if (minutes < 60) return t("trust.minutes", { count: minutes });
  const hours = Math.round(minutes / 60);
  return hours < 48 ? t("trust.hours", { count: hours }) : t("trust.days", { count: Math.round(hours / 24) });
}

const LABELS: Record<Dimension, MessageKey> = {
  keptWord: "trust.kept_word",
  quality: "trust.quality",
  communication: "trust.communication",
};

/** The three means, or why they are not shown yet. */
export const Means = ({ page, reputation }: { page: PageContext; reputation: Reputation }) => {
  const { t, locale } = page;
  const { means, reviews, counterparties } = reputation;
  const format = new Intl.NumberFormat(intlTag(locale), {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  return (
    <>
      {means === null ? (
        <p>{t("trust.few")}</p>
      ) : (
        <dl class="facts">
          {DIMENSIONS.map((dimension) => (
            <div>
              <dt>{t(LABELS[dimension])}</dt>
              <dd>{t("trust.out_of_five", { mean: format.format(means[dimension]) })}</dd>
            </div>
          ))}
        </dl>
      )}
      <p class="quiet">{t("trust.based_on", { reviews, counterparties })}</p>
    </>
  );
};

const STAR = "m12 2.5 2.9 6.1 6.6.9-4.8 4.7 1.2 6.6-5.9-3.2-5.9 3.2 1.2-6.6L2.5 9.5l6.6-.9L12 2.5Z";

/** Whole stars, for the eye and for the ear. Drawn: not every phone has letters for them. */
export const Stars = ({ page, rating }: { page: PageContext; rating: number }) => (
  <span class="stars">
    <svg viewBox="0 0 120 24" aria-hidden="true" focusable="false">
      {[0, 1, 2, 3, 4].map((at) => (
        <path d={STAR} transform={`translate(${at * 24})`} class={at < rating ? "star-full" : undefined} />
      ))}
    </svg>
    <span class="hidden">{page.t("review.stars", { rating })}</span>
  </span>
);

/** Leads back to where this page belongs. */
export const Back = ({ href, children }: { href: string; children: Child }) => (
  <a class="back" href={href}>
    <Icon name="arrow" />
    {children}
  </a>
);

/** The organizations that vouch for one, if any do. */
export const VouchedBy = ({ page, vouches }: { page: PageContext; vouches: readonly VouchView[] }) =>
  vouches.length === 0 ? null : (
    <p>
      {page.t("trust.vouched_by")}{" "}
      {vouches.map(({ organization }, index) => (
        <>
          {index > 0 ? " · " : null}
          <a href={actorPath(organization)}>
            <bdi>{organization.name}</bdi>
          </a>
        </>
      ))}
    </p>
  );
