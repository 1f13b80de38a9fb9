import type { Page } from "../../domain/page.ts";
import { CATEGORIES, type Category } from "../../domain/proposals/categories.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { ProposalCard } from "./proposal-card.tsx";

/** What the list is narrowed to; null means all. */
export interface ExchangeFilter {
  purpose: ProposalView["purpose"] | null;
  category: Category | null;
}

/** GET /exchange?purpose=&category=&before= */
export interface ExchangePageProps {
  page: PageContext;
  filter: ExchangeFilter;
  proposals: Page<ProposalView>;
}

export const ExchangePage = ({ page, filter, proposals }: ExchangePageProps) => {
  const { t } = page;
  const filtered = filter.purpose !== null || filter.category !== null;
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
      </div>
      <FilterForm page={page} filter={filter} />
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
      {proposals.items.map((proposal) => (
        <ProposalCard page={page} proposal={proposal} />
      ))}
      <Pagination page={page} base={exchangePath(filter)} before={proposals.before} />
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
  </section>
);

function exchangePath({ purpose, category }: ExchangeFilter): string {
  const query = new URLSearchParams();
  if (purpose) query.set("purpose", purpose);
  if (category) query.set("category", category);
  return query.size === 0 ? "/exchange" : `/exchange?${query}`;
}

const FilterForm = ({ page, filter }: { page: PageContext; filter: ExchangeFilter }) => {
  const { t } = page;
  return (
    <form class="filter" method="get" action="/exchange" aria-label={t("exchange.filter")}>
      <div class="field">
        <label for="filter-purpose">{t("exchange.purpose")}</label>
        <select id="filter-purpose" name="purpose">
          <option value="">{t("exchange.purpose_all")}</option>
          <option value="offer" selected={filter.purpose === "offer"}>
            {t("exchange.offers")}
          </option>
          <option value="request" selected={filter.purpose === "request"}>
            {t("exchange.requests")}
          </option>
        </select>
      </div>
      <div class="field">
        <label for="filter-category">{t("proposal.category")}</label>
        <select id="filter-category" name="category">
          <option value="">{t("exchange.category_all")}</option>
          {CATEGORIES.map((category) => (
            <option value={category} selected={filter.category === category}>
              {t(`categories.${category}`)}
            </option>
          ))}
        </select>
      </div>
      <button class="button button-quiet" type="submit">
        {t("exchange.apply")}
      </button>
    </form>
  );
};
