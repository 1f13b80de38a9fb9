import type { ActorView, ProfileView } from "../../domain/actors/queries.ts";
import type { Page } from "../../domain/page.ts";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { ActorCard, actorPath } from "./actor-card.tsx";

/** GET /@handle/followers and /@handle/following. */
export interface ActorListPageProps {
  page: PageContext;
  /** Whose list it is. */
  actor: ActorView;
  list: "followers" | "following";
  actors: Page<ActorView>;
  /** The reader's, by actor; null for visitors. */
  relations: ReadonlyMap<bigint, ProfileView["relation"]> | null;
  /** The list has people too: it belongs to the reader. */
  people: boolean;
}

export const ActorListPage = ({ page, actor, list, actors, relations, people }: ActorListPageProps) => {
  const { t } = page;
  const path = actorPath(actor);
  const followers = list === "followers";
  return (
    <Layout
      page={page}
      title={t(followers ? "people.followers_of" : "people.following_of", { name: actor.name })}
      section={null}
    >
      <a class="back" href={path}>
        <Icon name="arrow" />
        <bdi>{actor.name}</bdi>
      </a>
      <h1>{t(followers ? "people.followers" : "people.following")}</h1>
      <nav class="tabs" aria-label={t("people.tabs")}>
        <a href={`${path}/followers`} aria-current={followers ? "page" : undefined}>
          {t("people.followers")}
        </a>
        <a href={`${path}/following`} aria-current={followers ? undefined : "page"}>
          {t("people.following")}
        </a>
      </nav>
      {people ? null : <p class="hint">{t("people.organizations_only")}</p>}
      {actors.items.length === 0 ? (
        <EmptyState
          title={t(followers ? "people.no_followers" : "people.no_following")}
          text={t(followers ? "people.no_followers_text" : "people.no_following_text")}
          actions={
            followers ? (
              <a class="button" href={path}>
                {t("proposal.see_profile")}
              </a>
            ) : (
              <a class="button" href="/search">
                {t("search.find")}
              </a>
            )
          }
        />
      ) : null}
      {actors.items.map((entry) => (
        <ActorCard page={page} actor={entry} relation={relations?.get(entry.id) ?? null} />
      ))}
      <Pagination page={page} base={`${path}/${list}`} before={actors.before} />
    </Layout>
  );
};
