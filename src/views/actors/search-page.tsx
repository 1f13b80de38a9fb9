import type { ActorView, ProfileView } from "../../domain/actors/queries.ts";
import type { ErrorCode } from "../../domain/errors.ts";
import { errorText } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState } from "../ui/text.tsx";
import { ActorCard } from "./actor-card.tsx";

/** GET /search?q= */
export interface SearchPageProps {
  page: PageContext;
  query: string;
  /** null before anything was searched; `relation` null for visitors. */
  results: { actor: ActorView; relation: ProfileView["relation"] | null }[] | null;
  /** What went wrong on the way to another server. */
  error?: { code: ErrorCode; details?: Readonly<Record<string, string | number>> } | undefined;
}

export const SearchPage = ({ page, query, results, error }: SearchPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("nav.search")} section="search">
      <h1>{t("search.title")}</h1>
      <search>
        <form class="search" method="get" action="/search">
          <label for="q">{t("search.label")}</label>
          <p class="hint" id="q-hint">
            {t("search.hint")}
          </p>
          <div class="search-row">
            <input
              id="q"
              name="q"
              type="search"
              value={query}
              dir="auto"
              required
              autocapitalize="none"
              spellcheck={false}
              aria-describedby="q-hint"
            />
            <button class="button" type="submit">
              <Icon name="search" />
              {t("search.submit")}
            </button>
          </div>
        </form>
      </search>
      {error ? (
        <p class="problem" role="alert">
          <Icon name="alert" />
          {errorText(t, { code: error.code, details: error.details ?? {} })}
        </p>
      ) : null}
      {results && !(error && results.length === 0) ? (
        <section aria-label={t("search.results")}>
          <h2>{t("search.count", { count: results.length })}</h2>
          {results.length === 0 ? <NothingFound page={page} /> : null}
          {results.map(({ actor, relation }) => (
            <ActorCard page={page} actor={actor} relation={relation} />
          ))}
        </section>
      ) : null}
    </Layout>
  );
};

const NothingFound = ({ page }: { page: PageContext }) => {
  const { t, viewer, path } = page;
  return (
    <EmptyState
      title={t("search.empty")}
      text={t(viewer ? "search.empty_text" : "search.empty_visitor")}
      actions={
        <>
          {viewer ? null : (
            <a class="button" href={`/login?next=${encodeURIComponent(path)}`}>
              {t("nav.login")}
            </a>
          )}
          <a class="button button-quiet" href="/directory">
            {t("search.to_directory")}
          </a>
        </>
      }
    />
  );
};
