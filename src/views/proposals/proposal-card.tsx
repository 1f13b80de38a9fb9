import type { ProposalView } from "../../domain/proposals/queries.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { VerifiedBadge } from "../organizations/verified-badge.tsx";
import { staleText } from "../peers/copies.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { Day } from "../ui/time.tsx";
import { categoryText, countryName, hereText, returnIcon, returnText } from "./terms.ts";

/** Offer or need, by word, icon and colour. */
export const PurposeBadge = ({ page, purpose }: { page: PageContext; purpose: ProposalView["purpose"] }) => (
  <span class={`badge badge-${purpose}`}>
    <Icon name={purpose === "offer" ? "offer" : "need"} />
    {page.t(`purpose.${purpose}`)}
  </span>
);

/** Why nobody can take it up now; nothing while somebody can. */
export const StateBadge = ({ page, state }: { page: PageContext; state: ProposalView["state"] }) =>
  state === "open" ? null : <span class="badge">{page.t(`standing.${state}`)}</span>;

/** Place and country, as far as they are known. */
export const PlaceText = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => (
  <span>
    {proposal.location ? <bdi>{proposal.location}</bdi> : null}
    {proposal.location && proposal.country ? " · " : null}
    {proposal.country ? countryName(page.locale, proposal.country) : null}
  </span>
);

/** What is asked in return; credits have their own colour. A price of another hub is followed by about what it is here. */
export const Return = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => (
  <span class={`return return-${proposal.settlement}`}>
    <Icon name={returnIcon(proposal)} />
    <span>
      {returnText(page, proposal)}
      {proposal.here === null ? null : <span class="quiet"> ({hereText(page, proposal.here)})</span>}
    </span>
  </span>
);

/** Whose hub it is from, and how old the copy is where that hub does not answer. */
export const HubLine = ({ page, proposal: { hub } }: { page: PageContext; proposal: ProposalView }) => {
  if (hub === null) return null;
  const stale = staleText(page, hub);
  return (
    <ul class="facts-line">
      <li dir="auto">
        <Icon name="globe" />
        {page.t("copies.of", { hub: hub.name })}
      </li>
      {stale === null ? null : (
        <li dir="auto">
          <Icon name="clock" />
          {stale}
        </li>
      )}
    </ul>
  );
};

/** Whose it is. */
export const ProposalBy = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => (
  <p class="proposal-actor">
    <Avatar page={page} actor={proposal.actor} small />
    <a href={actorPath(proposal.actor)}>
      <bdi>{proposal.actor.name}</bdi>
    </a>
    <VerifiedBadge page={page} actor={proposal.actor} small />
  </p>
);

/** An offer or need in a list. */
export const ProposalCard = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => {
  const { t } = page;
  const category = categoryText(page, proposal);
  return (
    <article class="card proposal">
      <p class="proposal-top">
        <PurposeBadge page={page} purpose={proposal.purpose} />
        <StateBadge page={page} state={proposal.state} />
        {category ? <span class="quiet">{category}</span> : null}
      </p>
      <h2 class="proposal-name">
        <a href={`/proposals/${proposal.id}`} lang={proposal.language ?? undefined} dir="auto">
          {proposal.name}
        </a>
      </h2>
      <ProposalBy page={page} proposal={proposal} />
      <HubLine page={page} proposal={proposal} />
      <ul class="facts-line">
        <li>
          <Return page={page} proposal={proposal} />
        </li>
        {proposal.location || proposal.country ? (
          <li>
            <Icon name="pin" />
            <PlaceText page={page} proposal={proposal} />
          </li>
        ) : null}
        {proposal.online ? (
          <li>
            <Icon name="online" />
            {t("proposal.online")}
          </li>
        ) : null}
        {proposal.ends ? (
          <li>
            <Icon name="calendar" />
            <span>
              {t("proposal.until")} <Day page={page} at={proposal.ends} />
            </span>
          </li>
        ) : null}
      </ul>
    </article>
  );
};

/** An offer or need in one line, beside other things. */
export const ProposalLine = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => (
  <>
    <PurposeBadge page={page} purpose={proposal.purpose} />
    <a href={`/proposals/${proposal.id}`} lang={proposal.language ?? undefined} dir="auto">
      {proposal.name}
    </a>
    <span class="quiet">
      <bdi>{proposal.actor.name}</bdi>
    </span>
  </>
);
