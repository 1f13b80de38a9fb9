import type { ActorView, ProfileView } from "../../domain/actors/queries.ts";
import type { Page } from "../../domain/page.ts";
import type { CopiedHub } from "../../domain/peers/hubs.ts";
import { CopyNotes, hubOptions, hubParameter } from "../peers/copies.tsx";
import { Choices } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { ActorCard } from "./actor-card.tsx";

/** GET /directory?hub=&before=: the organizations of this hub, and of those that it exchanges with. */
export interface DirectoryPageProps {
  page: PageContext;
  organizations: Page<ActorView>;
  /** The reader's, by actor; null for visitors. */
  relations: ReadonlyMap<bigint, ProfileView["relation"]> | null;
  /** Those whose organizations are listed, too. */
  hubs: readonly CopiedHub[];
  /** The only one that is shown. */
  hub: "here" | bigint | undefined;
}

export const DirectoryPage = ({ page, organizations, relations, hubs, hub }: DirectoryPageProps) => {
  const { t } = page;
  const chosen = hubParameter(hubs, hub);
  const path = chosen === undefined ? "/directory" : `/directory?hub=${encodeURIComponent(chosen)}`;
  const create = page.viewer ? (
    <a class="button" href="/organizations/new">
      <Icon name="plus" />
      {t("organization.create")}
    </a>
  ) : null;
  return (
    <Layout page={page} title={t("nav.directory")} section="directory">
      <div class="page-head">
        <h1>{t(hubs.length > 0 && hub !== "here" ? "directory.title_all" : "directory.title")}</h1>
        <p class="lead">{t("directory.text")}</p>
        {create && organizations.items.length > 0 ? <div class="actions">{create}</div> : null}
      </div>
      {hubs.length === 0 ? null : (
        <form class="filter" method="get" action="/directory" aria-label={t("exchange.filter")}>
          <div class="field">
            <label for="filter-hub">{t("exchange.hub")}</label>
            <select id="filter-hub" name="hub">
              <Choices options={hubOptions(page, hubs)} chosen={chosen ?? ""} />
            </select>
          </div>
          <button class="button button-quiet" type="submit">
            {t("exchange.apply")}
          </button>
        </form>
      )}
      <CopyNotes page={page} hubs={hubs.filter(({ id }) => hub === undefined || hub === id)} />
      {organizations.items.length === 0 ? (
        <EmptyState title={t("directory.empty")} text={t("directory.empty_text")} actions={create} />
      ) : null}
      {organizations.items.map((actor) => (
        <ActorCard page={page} actor={actor} relation={relations?.get(actor.id) ?? null} />
      ))}
      <Pagination page={page} base={path} before={organizations.before} />
    </Layout>
  );
};
