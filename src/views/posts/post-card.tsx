import type { PostView } from "../../domain/posts/queries.ts";
import { actorPath, Handle, plainText } from "../actors/actor-card.tsx";
import { Avatar } from "../ui/avatar.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { ExternalLink, UserHtml } from "../ui/text.tsx";
import { Moment } from "../ui/time.tsx";

const VISIBILITY_ICONS: Record<PostView["visibility"], IconName> = {
  public: "globe",
  unlisted: "link",
  followers: "lock",
};

/** Characters from which a post in a list is cut by the style sheet: one post is not to be a whole timeline. */
const LONG = 1200;

/** A post in a list, or with `full` on its own page. */
export const PostCard = ({ page, post, full }: { page: PageContext; post: PostView; full?: boolean }) => {
  const { t } = page;
  const author = `post-${post.id}-author`;
  return (
    <article class={full ? "card post post-full" : "card post"} aria-labelledby={author}>
      <header class="post-head">
        <Avatar page={page} actor={post.author} />
        <a class="post-author" id={author} href={actorPath(post.author)}>
          <bdi class="post-name">{post.author.name}</bdi>{" "}
          <span class="quiet">
            <Handle>@{post.author.acct}</Handle>
          </span>
        </a>
      </header>
      {post.inReplyTo ? (
        <p class="quiet post-reply">
          <Icon name="reply" />
          <ExternalLink href={post.inReplyTo}>{t("post.reply")}</ExternalLink>
        </p>
      ) : null}
      {full || post.summary || plainText(post.content).length <= LONG ? (
        <PostBody page={page} post={post} />
      ) : (
        <>
          <div class="clamped">
            <PostBody page={page} post={post} />
          </div>
          <a class="post-on" href={`/posts/${post.id}`}>
            {t("post.read_on")}
          </a>
        </>
      )}
      <footer class="post-foot quiet">
        <a href={`/posts/${post.id}`}>
          <Moment page={page} at={post.published} />
        </a>
        {full || post.visibility !== "public" ? (
          <span>
            <Icon name={VISIBILITY_ICONS[post.visibility]} />
            {t(`visibility.${post.visibility}`)}
          </span>
        ) : null}
        {post.updated ? <span>{t("post.edited")}</span> : null}
        {full && !post.local ? (
          <ExternalLink href={post.url}>
            <Icon name="external" />
            {t("post.see_there")}
          </ExternalLink>
        ) : null}
        {post.own ? (
          <a class="post-delete" href={removalPath(post)}>
            <Icon name="trash" />
            {t(post.proposalId === null ? "post.delete" : "proposal.withdraw")}
          </a>
        ) : null}
      </footer>
    </article>
  );
};

/** An announcement goes with its proposal: deleted alone, it would leave behind an offer that nobody meant to keep. */
function removalPath(post: PostView): string {
  return post.proposalId === null ? `/posts/${post.id}/delete` : `/proposals/${post.proposalId}/withdraw`;
}

/** Behind its content warning where there is one; as a way to the proposal where it only announces one. */
const PostBody = ({ page, post }: { page: PageContext; post: PostView }) => {
  const content = (
    <>
      {post.name ? (
        <p class="post-title" lang={post.language ?? undefined} dir="auto">
          {post.name}
        </p>
      ) : null}
      <UserHtml html={post.content} language={post.language} />
    </>
  );
  if (post.proposalId !== null) {
    return (
      <div class="announcement">
        {content}
        <a class="button button-quiet" href={`/proposals/${post.proposalId}`}>
          <Icon name="exchange" />
          {page.t("post.to_proposal")}
        </a>
      </div>
    );
  }
  if (post.summary) {
    return (
      <details class="warning">
        <summary>
          <span lang={post.language ?? undefined} dir="auto">
            {post.summary}
          </span>
          <span class="warning-open">{page.t("post.show")}</span>
        </summary>
        {content}
      </details>
    );
  }
  return content;
};
