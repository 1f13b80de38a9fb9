import type { ActorView, ProfileView } from "../../domain/actors/queries.ts";
import type { Page } from "../../domain/page.ts";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { ActorCard } from "./actor-card.tsx";

/** GET /directory: the organizations of this hub. */
export interface DirectoryPageProps {
  page: PageContext;
  organizations: Page<ActorView>;
  /** The reader's, by actor; null for visitors. */
  relations: ReadonlyMap<bigint, ProfileView["relation"]> | null;
}

export const DirectoryPage = ({ page, organizations, relations }: DirectoryPageProps) => {
  const { t } = page;
  const create = page.viewer ? (
    <a class="button" href="/organizations/new">
      <Icon name="plus" />
      {t("organization.create")}
    </a>
  ) : null;
  return (
    <Layout page={page} title={t("nav.directory")} section="directory">
      <div class="page-head">
        <h1>{t("directory.title")}</h1>
        <p class="lead">{t("directory.text")}</p>
        {create && organizations.items.length > 0 ? <div class="actions">{create}</div> : null}
      </div>
      {organizations.items.length === 0 ? (
        <EmptyState title={t("directory.empty")} text={t("directory.empty_text")} actions={create} />
      ) : null}
      {organizations.items.map((actor) => (
        <ActorCard page={page} actor={actor} relation={relations?.get(actor.id) ?? null} />
      ))}
      <Pagination page={page} base="/directory" before={organizations.before} />
    </Layout>
  );
};
