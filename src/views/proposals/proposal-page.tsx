import type { Child } from "hono/jsx";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { actorPath, fullHandle, Handle } from "../actors/actor-card.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { ExternalLink, UserHtml } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { ProposalCard, PurposeBadge, Return } from "./proposal-card.tsx";
import { amountText, categoryText } from "./terms.ts";

/** GET /proposals/<id> */
export interface ProposalPageProps {
  page: PageContext;
  proposal: ProposalView;
}

export const ProposalPage = ({ page, proposal }: ProposalPageProps) => {
  const { t } = page;
  return (
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
        </p>
        <h1 lang={proposal.language ?? undefined} dir="auto">
          {proposal.name}
        </h1>
        <UserHtml html={proposal.content} language={proposal.language} />
        <Facts page={page} proposal={proposal} />
        {proposal.own ? (
          <p class="actions">
            <a class="button button-quiet" href={`/proposals/${proposal.id}/withdraw`}>
              <Icon name="trash" />
              {t("proposal.withdraw")}
            </a>
          </p>
        ) : null}
      </article>
    </Layout>
  );
};

const Facts = ({ page, proposal }: ProposalPageProps) => {
  const { t } = page;
  const facts: [label: string, value: Child | null][] = [
    [t("proposal.in_return"), <Return page={page} proposal={proposal} />],
    [
      t("proposal.available_label"),
      proposal.available === null ? null : amountText(page, proposal.unit, proposal.available),
    ],
    [
      t("proposal.minimum_label"),
      proposal.minimum === null ? null : amountText(page, proposal.unit, proposal.minimum),
    ],
    [t("proposal.category"), categoryText(page, proposal.category)],
    [t("proposal.location"), proposal.location === null ? null : <bdi>{proposal.location}</bdi>],
    [t("proposal.online"), proposal.online ? t("proposal.online_yes") : null],
    [
      t("form.language"),
      proposal.language === null ? null : (POST_LANGUAGES[proposal.language] ?? proposal.language),
    ],
    [t("proposal.published"), <Day page={page} at={proposal.published} />],
    [t("proposal.ends"), proposal.ends === null ? null : <Day page={page} at={proposal.ends} />],
  ];
  return (
    <dl class="facts">
      {facts.map(([label, value]) =>
        value === null ? null : (
          <div>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
};

const Contact = ({ page, proposal }: ProposalPageProps) => {
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
            </a>
          </p>
          <p class="quiet">
            <Handle>{fullHandle(page, actor)}</Handle>
          </p>
        </div>
      </div>
      {proposal.own ? null : <p>{t("proposal.contact")}</p>}
      <p class="actions">
        <a class="button" href={actorPath(actor)}>
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
