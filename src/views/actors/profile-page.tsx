import type { ProfileView } from "../../domain/actors/queries.ts";
import type { Page } from "../../domain/page.ts";
import type { PostView } from "../../domain/posts/queries.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import type { MessageKey } from "../../locales/index.ts";
import { VerifiedBadge } from "../organizations/verified-badge.tsx";
import { PostCard } from "../posts/post-card.tsx";
import { ProposalCard } from "../proposals/proposal-card.tsx";
import { type Trust, TrustSection } from "../reviews/trust.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, ExternalLink, Pagination, UserHtml } from "../ui/text.tsx";
import { count, Day } from "../ui/time.tsx";
import { actorPath, FollowForm, fullHandle, Handle } from "./actor-card.tsx";

/** GET /@handle, with `?tab=exchange` for the offers and needs. */
export interface ProfilePageProps {
  page: PageContext;
  profile: ProfileView;
  tab: "posts" | "exchange";
  /** Read when `tab` is posts, else null. */
  posts: Page<PostView> | null;
  /** Read when `tab` is exchange, else null. */
  proposals: Page<ProposalView> | null;
  /** Of organizations. */
  trust?: Trust | null;
}

export const ProfilePage = ({ page, profile, tab, posts, proposals, trust }: ProfilePageProps) => {
  const { t } = page;
  const path = actorPath(profile);
  return (
    <Layout
      page={page}
      title={profile.name}
      section={null}
      alternate={profile.iri}
      aside={page.viewer ? null : <FollowFromElsewhere page={page} profile={profile} />}
    >
      <ProfileHead page={page} profile={profile} />
      {trust ? <TrustSection page={page} actor={profile} trust={trust} /> : null}
      <nav class="tabs" aria-label={t("profile.tabs")}>
        <a href={path} aria-current={tab === "posts" ? "page" : undefined}>
          {t("profile.posts")}
        </a>
        <a href={`${path}?tab=exchange`} aria-current={tab === "exchange" ? "page" : undefined}>
          {t("profile.exchange")}
        </a>
      </nav>
      {posts ? (
        <section aria-label={t("profile.posts")}>
          {posts.items.length === 0 ? (
            <EmptyState
              title={t("profile.no_posts")}
              text={t(noPostsText(profile))}
              actions={
                profile.relation.own ? (
                  <a class="button" href="/">
                    {t("compose.title")}
                  </a>
                ) : null
              }
            />
          ) : null}
          {posts.items.map((post) => (
            <PostCard page={page} post={post} />
          ))}
          <Pagination page={page} base={path} before={posts.before} />
        </section>
      ) : null}
      {proposals ? (
        <section aria-label={t("profile.exchange")}>
          {proposals.items.length === 0 ? (
            <EmptyState
              title={t("profile.no_proposals")}
              text={t("profile.no_proposals_text")}
              actions={
                profile.relation.own ? (
                  <a class="button" href="/proposals/new?purpose=offer">
                    {t("proposal.publish_offer")}
                  </a>
                ) : null
              }
            />
          ) : null}
          {proposals.items.map((proposal) => (
            <ProposalCard page={page} proposal={proposal} />
          ))}
          <Pagination page={page} base={`${path}?tab=exchange`} before={proposals.before} />
        </section>
      ) : null}
    </Layout>
  );
};

function noPostsText({ host, relation }: ProfileView): MessageKey {
  if (relation.own) return "profile.no_posts_own";
  return host === null ? "profile.no_posts_text" : "profile.no_posts_remote";
}

/** What a visitor can do: there is no follow button for somebody whose account is on another server. */
const FollowFromElsewhere = ({ page, profile }: { page: PageContext; profile: ProfileView }) => {
  const { t } = page;
  return (
    <section class="context-block">
      <h2>{t("profile.elsewhere")}</h2>
      <p>{t("profile.elsewhere_text")}</p>
      <p>
        <Handle>{fullHandle(page, profile)}</Handle>
      </p>
      <p>
        <a class="context-link" href={`/login?next=${encodeURIComponent(actorPath(profile))}`}>
          {t("profile.elsewhere_login")}
        </a>
      </p>
    </section>
  );
};

const ProfileHead = ({ page, profile }: { page: PageContext; profile: ProfileView }) => {
  const { t, locale } = page;
  const path = actorPath(profile);
  const handle = fullHandle(page, profile);
  // Whom a person follows is theirs to know, and other servers keep their own lists.
  const lists = profile.host === null && (profile.kind !== "Person" || profile.relation.own);
  return (
    <header class="profile">
      <div class="profile-top">
        <Avatar page={page} actor={profile} />
        <div class="profile-names">
          <h1>
            <bdi>{profile.name}</bdi>
          </h1>
          <p class="quiet">{t(`kinds.${profile.kind}`)}</p>
          <VerifiedBadge page={page} actor={profile} />
        </div>
        {profile.relation.own ? (
          <a class="button button-quiet" href="/settings/profile">
            {t("profile.edit")}
          </a>
        ) : (
          <FollowForm page={page} actor={profile} relation={profile.relation} />
        )}
      </div>
      <p class="profile-handle">
        <Handle>{handle}</Handle>
        <button
          class="button button-quiet button-plain"
          type="button"
          data-copy={handle}
          data-copied={t("profile.copied")}
          hidden
        >
          <Icon name="copy" />
          <span aria-live="polite">{t("profile.copy")}</span>
        </button>
      </p>
      {profile.relation.followedBy ? <p class="badge">{t("profile.follows_you")}</p> : null}
      {profile.summary ? <UserHtml html={profile.summary} /> : null}
      <ul class="counts">
        <li>
          <strong>{count(locale, profile.posts)}</strong> {t("profile.count_posts", { count: profile.posts })}
        </li>
        <li>
          <a href={lists ? `${path}/followers` : undefined}>
            <strong>{count(locale, profile.followers)}</strong>{" "}
            {t("profile.count_followers", { count: profile.followers })}
          </a>
        </li>
        <li>
          <a href={lists ? `${path}/following` : undefined}>
            <strong>{count(locale, profile.following)}</strong> {t("profile.count_following")}
          </a>
        </li>
      </ul>
      <p class="quiet">
        {profile.host === null ? (
          <>
            {t("profile.here_since")} <Day page={page} at={profile.created} />
          </>
        ) : (
          <>
            {t("profile.remote", { host: profile.host })}{" "}
            <ExternalLink href={profile.url}>{t("profile.see_there")}</ExternalLink>
          </>
        )}
      </p>
    </header>
  );
};
