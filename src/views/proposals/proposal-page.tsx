import type { Child } from "hono/jsx";
import type { MediaView } from "../../domain/media/queries.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import type { Question } from "../../domain/proposals/questions.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { actorPath, fullHandle, Handle } from "../actors/actor-card.tsx";
import { VerifiedBadge } from "../organizations/verified-badge.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { ExternalLink, FactList, UserHtml } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { Photo } from "./photos-page.tsx";
import {
  HubLine,
  PlaceText,
  ProposalBy,
  ProposalCard,
  PurposeBadge,
  Return,
  StateBadge,
} from "./proposal-card.tsx";
import { Questions } from "./questions.tsx";
import { amountText, categoryText } from "./terms.ts";

/** GET /proposals/<id>; also what POST /proposals/<id>/questions answers when something is wrong. */
export interface ProposalPageProps {
  page: PageContext;
  proposal: ProposalView;
  photos?: readonly MediaView[];
  /** null where the post that they answer is not known here. */
  questions: Question[] | null;
  form?: FormState | undefined;
}

export const ProposalPage = ({ page, proposal, photos = [], questions, form }: ProposalPageProps) => (
  <Layout
    page={page}
    title={proposal.name}
    section="exchange"
    alternate={proposal.iri}
    aside={<Contact page={page} proposal={proposal} />}
  >
    <article class="card proposal proposal-full">
      <p class="proposal-top">
        <PurposeBadge page={page} purpose={proposal.purpose} />
        <StateBadge page={page} state={proposal.state} />
      </p>
      <h1 lang={proposal.language ?? undefined} dir="auto">
        {proposal.name}
      </h1>
      <ProposalBy page={page} proposal={proposal} />
      <HubLine page={page} proposal={proposal} />
      <UserHtml html={proposal.content} language={proposal.language} />
      {photos.length === 0 ? null : (
        <div class="photos">
          {photos.map((photo) => (
            <Photo photo={photo} />
          ))}
        </div>
      )}
      <Tags tags={proposal.tags} />
      <Facts page={page} proposal={proposal} />
      {proposal.own ? <OwnActions page={page} proposal={proposal} /> : null}
      <Answer page={page} proposal={proposal} />
    </article>
    {questions === null ? null : (
      <Questions page={page} proposal={proposal} questions={questions} form={form} />
    )}
  </Layout>
);

const Tags = ({ tags }: { tags: readonly string[] }) =>
  tags.length === 0 ? null : (
    <ul class="facts-line">
      {tags.map((tag) => (
        <li>
          <a href={`/exchange?tag=${encodeURIComponent(tag)}`} dir="auto">
            #{tag}
          </a>
        </li>
      ))}
    </ul>
  );

/** The way to an agreement on somebody else's open proposal; what stands in the way of one is explained there. */
const Answer = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => {
  const { t, viewer } = page;
  if (proposal.own || proposal.state !== "open") return null;
  const path = `/agreements/new?proposal=${proposal.id}`;
  return (
    <p class="actions">
      <a class="button" href={viewer === null ? `/login?next=${encodeURIComponent(path)}` : path}>
        <Icon name="exchange" />
        {t(
          viewer === null
            ? "proposal.answer_login"
            : proposal.purpose === "offer"
              ? "proposal.answer_offer"
              : "proposal.answer_request",
        )}
      </a>
    </p>
  );
};

const OwnActions = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => {
  const { t } = page;
  const path = `/proposals/${proposal.id}`;
  const paused = proposal.state === "paused";
  return (
    <div class="actions">
      <a class="button button-quiet" href={`${path}/edit`}>
        {t("proposal.edit")}
      </a>
      <a class="button button-quiet" href={`${path}/photos`}>
        {t("proposal.photos")}
      </a>
      <OwnButton action={`${path}/renew`} proposal={proposal} icon="clock" label={t("proposal.renew")} />
      <OwnButton
        action={`${path}/${paused ? "resume" : "pause"}`}
        proposal={proposal}
        icon={paused ? "check" : "lock"}
        label={t(paused ? "proposal.resume" : "proposal.pause")}
      />
      <a class="button button-quiet" href={`${path}/withdraw`}>
        <Icon name="trash" />
        {t("proposal.withdraw")}
      </a>
    </div>
  );
};

const OwnButton = ({
  action,
  proposal,
  icon,
  label,
}: {
  action: string;
  proposal: ProposalView;
  icon: "clock" | "check" | "lock";
  label: string;
}) => (
  <form method="post" action={action}>
    <input type="hidden" name="as" value={proposal.actor.handle} />
    <button class="button button-quiet" type="submit">
      <Icon name={icon} />
      {label}
    </button>
  </form>
);

const Facts = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => {
  const { t } = page;
  const { available, remaining, unit } = proposal;
  const languages = proposal.languages.map((tag) => POST_LANGUAGES[tag] ?? tag).join(", ");
  const left =
    available === null || remaining === null
      ? null
      : t("proposal.remaining_of", { left: remaining, total: amountText(page, unit, available) });
  const facts: [label: string, value: Child | null][] = [
    [t("proposal.state_label"), t(`standing.${proposal.state}`)],
    [t("proposal.in_return"), <Return page={page} proposal={proposal} />],
    [t("proposal.remaining_label"), left],
    [
      t("proposal.minimum_label"),
      proposal.minimum === null ? null : amountText(page, unit, proposal.minimum),
    ],
    [t("proposal.category"), categoryText(page, proposal)],
    [
      t("proposal.location"),
      proposal.location || proposal.country ? <PlaceText page={page} proposal={proposal} /> : null,
    ],
    [t("proposal.online"), proposal.online ? t("proposal.online_yes") : null],
    [t("proposal.languages"), languages || null],
    [
      t("proposal.lead_label"),
      proposal.leadDays === null ? null : t("proposal.lead_value", { days: proposal.leadDays }),
    ],
    [
      t("form.language"),
      proposal.language === null ? null : (POST_LANGUAGES[proposal.language] ?? proposal.language),
    ],
    [t("proposal.published"), <Day page={page} at={proposal.published} />],
    [t("proposal.updated"), proposal.updated === null ? null : <Day page={page} at={proposal.updated} />],
    [t("proposal.ends"), proposal.ends === null ? null : <Day page={page} at={proposal.ends} />],
  ];
  return <FactList facts={facts} />;
};

const Contact = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => {
  const { t } = page;
  const { actor } = proposal;
  return (
    <section class="card contact" aria-labelledby="contact">
      <h2 id="contact">{t("proposal.who")}</h2>
      <div class="actor">
        <Avatar page={page} actor={actor} />
        <div class="actor-text">
          <p class="actor-name">
            <a href={actorPath(actor)}>
              <bdi>{actor.name}</bdi>
            </a>{" "}
            <VerifiedBadge page={page} actor={actor} small />
          </p>
          <p class="quiet">
            <Handle>{fullHandle(page, actor)}</Handle>
          </p>
        </div>
      </div>
      {proposal.own ? null : <p>{t("proposal.contact")}</p>}
      <p class="actions">
        <a class="button button-quiet" href={actorPath(actor)}>
          {t("proposal.see_profile")}
        </a>
        {proposal.local ? null : (
          <ExternalLink class="button button-quiet" href={proposal.url}>
            {t("post.see_there")}
          </ExternalLink>
        )}
      </p>
    </section>
  );
};

/** GET /proposals/<id>/withdraw: says what will happen; POST to the same address withdraws. */
export interface ConfirmWithdrawProposalPageProps {
  page: PageContext;
  proposal: ProposalView;
}

export const ConfirmWithdrawProposalPage = ({ page, proposal }: ConfirmWithdrawProposalPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("proposal.withdraw_title")} section="exchange">
      <h1>{t("proposal.withdraw_title")}</h1>
      <p>{t("proposal.withdraw_text")}</p>
      <form class="actions" method="post" action={`/proposals/${proposal.id}/withdraw`}>
        <input type="hidden" name="as" value={proposal.actor.handle} />
        <button class="button button-danger" type="submit">
          <Icon name="trash" />
          {t("proposal.withdraw_confirm")}
        </button>
        <a class="button button-quiet" href={`/proposals/${proposal.id}`}>
          {t("form.cancel")}
        </a>
      </form>
      <ProposalCard page={page} proposal={proposal} />
    </Layout>
  );
};
