import type { Page } from "../../domain/page.ts";
import type { PostView } from "../../domain/posts/queries.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { ComposerForm } from "../posts/composer.tsx";
import { PostCard } from "../posts/post-card.tsx";
import { ProposalLine } from "../proposals/proposal-card.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";

/** GET /, with `?timeline=following|hub` and `?before=<id>`; also what POST /posts answers when something is wrong. */
export interface HomePageProps {
  page: PageContext;
  /** Visitors always see the hub's. */
  timeline: "following" | "hub";
  posts: Page<PostView>;
  /** The newest offers and needs, for the side of the page. */
  latest?: ProposalView[];
  /** The composer as it came back. */
  form?: FormState | undefined;
}

export const HomePage = (props: HomePageProps) =>
  props.page.viewer ? <MemberHome {...props} /> : <VisitorHome {...props} />;

const MemberHome = ({ page, timeline, posts, latest, form }: HomePageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("nav.home")} section="home" aside={<Latest page={page} latest={latest} />}>
      <h1 class="hidden">{t("nav.home")}</h1>
      <ComposerForm page={page} form={form} />
      <nav class="tabs" aria-label={t("home.timelines")}>
        <a href="/?timeline=following" aria-current={timeline === "following" ? "page" : undefined}>
          {t("home.following")}
        </a>
        <a href="/?timeline=hub" aria-current={timeline === "hub" ? "page" : undefined}>
          {t("home.hub")}
        </a>
      </nav>
      {posts.items.length === 0 ? <FirstSteps page={page} timeline={timeline} /> : null}
      {posts.items.map((post) => (
        <PostCard page={page} post={post} />
      ))}
      <Pagination page={page} base={`/?timeline=${timeline}`} before={posts.before} />
    </Layout>
  );
};

const VisitorHome = ({ page, posts, latest }: HomePageProps) => {
  const { t, hub } = page;
  return (
    <Layout page={page} title={hub.name} section="home" aside={<Latest page={page} latest={latest} />}>
      <header class="hero">
        <h1 dir="auto">{hub.name}</h1>
        {hub.description ? (
          <p class="lead" dir="auto">
            {hub.description}
          </p>
        ) : null}
        <p>{t("home.about")}</p>
        <div class="actions">
          <a class="button" href="/login">
            {t("nav.login")}
          </a>
          <a class="button button-quiet" href="/exchange">
            <Icon name="exchange" />
            {t("home.see_exchange")}
          </a>
        </div>
      </header>
      <h2>{t("home.public_posts")}</h2>
      {posts.items.length === 0 ? <EmptyState title={t("home.quiet")} text={t("home.quiet_text")} /> : null}
      {posts.items.map((post) => (
        <PostCard page={page} post={post} />
      ))}
      <Pagination page={page} base="/" before={posts.before} />
    </Layout>
  );
};

/** The first things to do where there is nothing to read yet. */
const FirstSteps = ({ page, timeline }: { page: PageContext; timeline: "following" | "hub" }) => {
  const { t, viewer } = page;
  const following = timeline === "following";
  return (
    <EmptyState
      title={t(following ? "home.empty_following" : "home.empty_hub")}
      text={t(following ? "home.empty_following_text" : "home.empty_hub_text")}
      actions={
        <>
          <a class="button" href="/search">
            <Icon name="search" />
            {t("search.find")}
          </a>
          {viewer && viewer.organizations.length === 0 ? (
            <a class="button button-quiet" href="/organizations/new">
              <Icon name="plus" />
              {t("organization.create")}
            </a>
          ) : null}
          <a class="button button-quiet" href="/proposals/new?purpose=offer">
            <Icon name="offer" />
            {t("proposal.publish_offer")}
          </a>
        </>
      }
    />
  );
};

const Latest = ({ page, latest = [] }: { page: PageContext; latest?: ProposalView[] | undefined }) => {
  const { t } = page;
  return (
    <section class="context-block">
      <h2>{t("home.latest")}</h2>
      {latest.length === 0 ? <p class="quiet">{t("home.latest_empty")}</p> : null}
      {latest.length > 0 ? (
        <ul class="lines">
          {latest.map((proposal) => (
            <li>
              <ProposalLine page={page} proposal={proposal} />
            </li>
          ))}
        </ul>
      ) : null}
      <p>
        <a class="context-link" href="/exchange">
          {t("home.see_exchange")}
        </a>
      </p>
    </section>
  );
};
