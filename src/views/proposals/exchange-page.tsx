import type { CopiedHub } from "../../domain/peers/hubs.ts";
import type { HubCategory } from "../../domain/proposals/hub-categories.ts";
import type { Match, Matches } from "../../domain/proposals/matches.ts";
import type { ExchangeList, ProposalFilter } from "../../domain/proposals/queries.ts";
import { SETTLEMENTS } from "../../domain/proposals/rules.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { AgreementsLink } from "../agreements/agreements-link.tsx";
import { CopyNotes, hubOptions, hubParameter } from "../peers/copies.tsx";
import { Choices, type Option, type OptionGroup } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { ProposalCard, ProposalLine } from "./proposal-card.tsx";
import { categoryOptions, categoryText, countryOptions } from "./terms.ts";

/** GET /exchange?q=&purpose=&category=&settlement=&language=&where=&tag=&hub=&order=&near=&before= */
export interface ExchangePageProps {
  page: PageContext;
  filter: ProposalFilter;
  /** `near` where somebody's own place is known and comes first; `new` where they chose the newest; null where there is no choice. */
  order: "near" | "new" | null;
  proposals: ExchangeList;
  /** What the hub added to the list. */
  categories: readonly HubCategory[];
  /** Those whose proposals are here, too. */
  hubs: readonly CopiedHub[];
  /** For an organization, on the first page. */
  matches: Matches | null;
}

export const ExchangePage = (props: ExchangePageProps) => {
  const { page, filter, order, proposals, matches, hubs } = props;
  const { t } = page;
  const path = exchangePath(filter, order, hubs);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return (
    <Layout page={page} title={t("nav.exchange")} section="exchange" aside={<HowItWorks page={page} />}>
      <div class="page-head">
        <h1>{t("exchange.title")}</h1>
        <p class="lead">{t("exchange.text")}</p>
        <div class="actions">
          <a class="button" href="/proposals/new?purpose=offer">
            <Icon name="offer" />
            {t("proposal.publish_offer")}
          </a>
          <a class="button button-quiet" href="/proposals/new?purpose=request">
            <Icon name="need" />
            {t("proposal.publish_request")}
          </a>
        </div>
        <AgreementsLink page={page} />
      </div>
      <FilterForm {...props} />
      <CopyNotes page={page} hubs={hubs.filter(({ id }) => filter.hub === undefined || filter.hub === id)} />
      {matches ? <MatchList page={page} title={t("exchange.they_need")} matches={matches.theyNeed} /> : null}
      {matches ? (
        <MatchList page={page} title={t("exchange.they_offer")} matches={matches.theyOffer} />
      ) : null}
      {proposals.items.length === 0 ? (
        <EmptyState
          title={t(filtered ? "exchange.empty_filter" : "exchange.empty")}
          text={t(filtered ? "exchange.empty_filter_text" : "exchange.empty_text")}
          actions={
            filtered ? (
              <a class="button button-quiet" href="/exchange">
                {t("exchange.all")}
              </a>
            ) : (
              <a class="button" href="/proposals/new?purpose=offer">
                {t("proposal.publish_offer")}
              </a>
            )
          }
        />
      ) : null}
      {proposals.similar ? <p role="status">{t("exchange.similar")}</p> : null}
      {proposals.items.map((proposal) => (
        <ProposalCard page={page} proposal={proposal} />
      ))}
      <Pagination
        page={page}
        base={path}
        before={proposals.before}
        with={proposals.near === 0 ? undefined : { near: String(proposals.near) }}
      />
    </Layout>
  );
};

const HowItWorks = ({ page }: { page: PageContext }) => (
  <section class="context-block">
    <h2>{page.t("exchange.how")}</h2>
    <ol class="steps">
      <li>{page.t("exchange.how_publish")}</li>
      <li>{page.t("exchange.how_agree")}</li>
      <li>{page.t("exchange.how_return")}</li>
    </ol>
    <p>
      <a class="context-link" href="/ledger/hub">
        {page.t("ledger.hub")}
      </a>
    </p>
  </section>
);

/** What others need or offer and fits, each with the reason. */
const MatchList = ({ page, title, matches }: { page: PageContext; title: string; matches: Match[] }) =>
  matches.length === 0 ? null : (
    <section class="card context-block">
      <h2>{title}</h2>
      <ul class="lines">
        {matches.map((match) => (
          <li>
            <ProposalLine page={page} proposal={match.proposal} />
            <span class="quiet" dir="auto">
              {reasonText(page, match)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );

function reasonText(page: PageContext, { proposal, mine, reason }: Match): string {
  const { t } = page;
  const category = categoryText(
    page,
    reason.category === "second" ? proposal : { ...proposal, subcategory: null },
  );
  const what =
    reason.category !== "second" && reason.tag !== null ? `#${reason.tag}` : (category ?? `#${reason.tag}`);
  const why = t(proposal.purpose === "request" ? "exchange.reason_need" : "exchange.reason_offer", {
    what,
    name: mine.name,
  });
  return `${why} ${alsoText(page, proposal.location, reason)}`.trim();
}

function alsoText({ t }: PageContext, place: string | null, { also, language }: Match["reason"]): string {
  if (also === "place") return t("exchange.reason_place", { place: place ?? "" });
  if (also === "online") return t("exchange.reason_online");
  if (also !== "language" || language === null) return "";
  return t("exchange.reason_language", { language: POST_LANGUAGES[language] ?? language });
}

function exchangePath(
  filter: ProposalFilter,
  order: ExchangePageProps["order"],
  hubs: readonly CopiedHub[],
): string {
  const { text, purpose, category, settlement, language, country, online, tag } = filter;
  const where = online ? "online" : country;
  const given = {
    q: text,
    purpose,
    category,
    settlement,
    language,
    where,
    tag,
    hub: hubParameter(hubs, filter.hub),
    order: order === "new" ? order : null,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value) query.set(name, value);
  return query.size === 0 ? "/exchange" : `/exchange?${query}`;
}

const FilterForm = ({ page, filter, order, categories, hubs }: ExchangePageProps) => {
  const { t, locale } = page;
  const { settlement, language, country, online, tag } = filter;
  const where = online ? "online" : country;
  const any = { value: "", label: t("exchange.any") };
  const more = [filter.hub, settlement, language, where, tag].some((value) => value !== undefined);
  return (
    <search>
      <form class="filter" method="get" action="/exchange" aria-label={t("exchange.filter")}>
        <div class="field filter-text">
          <label for="filter-q">{t("exchange.search")}</label>
          <input
            id="filter-q"
            name="q"
            type="search"
            value={filter.text}
            placeholder={t("exchange.search_hint")}
            maxlength={200}
            dir="auto"
          />
        </div>
        <Facet
          name="purpose"
          label={t("exchange.purpose")}
          chosen={filter.purpose}
          options={[
            { value: "", label: t("exchange.purpose_all") },
            { value: "offer", label: t("exchange.offers") },
            { value: "request", label: t("exchange.requests") },
          ]}
        />
        <Facet
          name="category"
          label={t("proposal.category")}
          chosen={filter.category}
          options={[{ value: "", label: t("exchange.category_all") }, ...categoryOptions(page, categories)]}
        />
        <details class="more" open={more || order === "new"}>
          <summary>
            {t("exchange.more")}
            <Icon name="chevron" />
          </summary>
          <div class="more-fields">
            {hubs.length === 0 ? null : (
              <Facet
                name="hub"
                label={t("exchange.hub")}
                chosen={hubParameter(hubs, filter.hub)}
                options={hubOptions(page, hubs)}
              />
            )}
            <Facet
              name="where"
              label={t("exchange.where")}
              chosen={where}
              options={[
                any,
                { value: "online", label: t("exchange.where_online") },
                ...countryOptions(locale),
              ]}
            />
            <Facet
              name="settlement"
              label={t("exchange.settlement")}
              chosen={settlement}
              options={[any, ...SETTLEMENTS.map((value) => ({ value, label: t(`settlements.${value}`) }))]}
            />
            <Facet
              name="language"
              label={t("exchange.language")}
              chosen={language}
              options={[
                any,
                ...Object.entries(POST_LANGUAGES).map(([value, label]) => ({ value, label, lang: value })),
              ]}
            />
            <div class="field">
              <label for="filter-tag">{t("exchange.tag")}</label>
              <input id="filter-tag" name="tag" type="text" value={tag} maxlength={100} dir="auto" />
            </div>
            {order === null ? null : (
              <Facet
                name="order"
                label={t("exchange.order")}
                chosen={order}
                options={[
                  { value: "near", label: t("exchange.order_near") },
                  { value: "new", label: t("exchange.order_new") },
                ]}
              />
            )}
          </div>
        </details>
        <button class="button button-quiet" type="submit">
          <Icon name="search" />
          {t("exchange.apply")}
        </button>
      </form>
    </search>
  );
};

const Facet = ({
  name,
  label,
  options,
  chosen,
}: {
  name: string;
  label: string;
  options: readonly (Option | OptionGroup)[];
  chosen: string | undefined;
}) => (
  <div class="field">
    <label for={`filter-${name}`}>{label}</label>
    <select id={`filter-${name}`} name={name}>
      <Choices options={options} chosen={chosen ?? ""} />
    </select>
  </div>
);
