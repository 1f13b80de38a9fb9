import type { AgreementView } from "../../domain/agreements/queries.ts";
import { AGREEMENT_GROUPS, type AgreementGroup } from "../../domain/agreements/rules.ts";
import type { Page } from "../../domain/page.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { amountText } from "../proposals/terms.ts";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { amountOf, counterparty, ownTurn, StateBadge, turnText } from "./state.tsx";
import { expected } from "./step-bar.tsx";

/** GET /agreements?group=&before= : only for those who are logged in; those of whoever they act as. */
export interface AgreementsPageProps {
  page: PageContext;
  group: AgreementGroup;
  agreements: Page<AgreementView>;
  /** How many wait for the one who looks. */
  waiting: number;
}

export const AgreementsPage = ({ page, group, agreements, waiting }: AgreementsPageProps) => {
  const { t, viewer } = page;
  return (
    <Layout page={page} title={t("nav.agreements")} section="agreements">
      <div class="page-head">
        <h1>{t("agreement.list")}</h1>
        <p class="lead">{t("agreement.list_text", { name: viewer?.acting.name ?? "" })}</p>
      </div>
      <nav class="tabs" aria-label={t("agreement.groups")}>
        {AGREEMENT_GROUPS.map((known) => (
          <a href={`/agreements?group=${known}`} aria-current={known === group ? "page" : undefined}>
            {t(`groups.${known}`)}
            {known === "waiting" && waiting > 0 ? <span class="tab-count">{waiting}</span> : null}
          </a>
        ))}
      </nav>
      {agreements.items.length === 0 ? <Nothing page={page} group={group} /> : null}
      {agreements.items.map((agreement) => (
        <AgreementCard page={page} agreement={agreement} />
      ))}
      <Pagination page={page} base={`/agreements?group=${group}`} before={agreements.before} />
    </Layout>
  );
};

const Nothing = ({ page, group }: Pick<AgreementsPageProps, "page" | "group">) => {
  const { t } = page;
  return (
    <EmptyState
      title={t(`groups.${group}_empty`)}
      text={t(`groups.${group}_empty_text`)}
      actions={
        <>
          <a class="button" href="/exchange">
            <Icon name="exchange" />
            {t("home.see_exchange")}
          </a>
          <a class="button button-quiet" href="/proposals/new?purpose=offer">
            <Icon name="offer" />
            {t("proposal.publish_offer")}
          </a>
        </>
      }
    />
  );
};

/** An agreement in a list: with whom, about what, how it stands, and whose turn it is. */
export const AgreementCard = ({ page, agreement }: { page: PageContext; agreement: AgreementView }) => {
  const { t } = page;
  const other = counterparty(agreement);
  const turn = turnText(page, agreement);
  const until = expected(agreement);
  return (
    <article class={ownTurn(agreement) ? "card proposal agreement agreement-own" : "card proposal agreement"}>
      <p class="proposal-top">
        <StateBadge page={page} state={agreement.state} />
        {turn === null ? null : <span class={ownTurn(agreement) ? "turn-own" : "quiet"}>{turn}</span>}
      </p>
      <h2 class="proposal-name">
        <a href={`/agreements/${agreement.id}`} lang={agreement.proposal.language ?? undefined} dir="auto">
          {agreement.proposal.name}
        </a>
      </h2>
      <p class="proposal-actor">
        <Avatar page={page} actor={other} small />
        <a href={actorPath(other)}>
          <bdi>{other.name}</bdi>
        </a>
        <span class="quiet">
          {t(other.id === agreement.provider.id ? "agreement.gives" : "agreement.gets")}
        </span>
      </p>
      <ul class="facts-line">
        <li>{amountText(page, agreement.unit, agreement.quantity)}</li>
        <li>
          <bdi class={`return return-${agreement.settlement}`}>{amountOf(page, agreement)}</bdi>
        </li>
        {turn === null || until === null ? null : (
          <li>
            <Icon name="calendar" />
            <span>
              {t("agreement.until")} <Day page={page} at={until} />
            </span>
          </li>
        )}
      </ul>
    </article>
  );
};

/** GET /admin/disputes: only for those who may help as stewards. */
export interface DisputesPageProps {
  page: PageContext;
  /** Oldest first. */
  disputes: AgreementView[];
}

export const DisputesPage = ({ page, disputes }: DisputesPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("dispute.list")} section={null}>
      <div class="page-head">
        <h1>{t("dispute.list")}</h1>
        <p class="lead">{t("dispute.list_text")}</p>
      </div>
      {disputes.length === 0 ? <EmptyState title={t("dispute.none")} text={t("dispute.none_text")} /> : null}
      {disputes.map((agreement) => (
        <AgreementCard page={page} agreement={agreement} />
      ))}
    </Layout>
  );
};
