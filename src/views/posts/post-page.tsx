import type { PostView } from "../../domain/posts/queries.ts";
import { plainText } from "../actors/actor-card.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { PostCard } from "./post-card.tsx";

/** GET /posts/<id> */
export interface PostPageProps {
  page: PageContext;
  post: PostView;
  /** What it answers, where this hub knows it. */
  parent?: PostView | null;
  /** Oldest first. */
  replies: PostView[];
}

export const PostPage = ({ page, post, parent, replies }: PostPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={titleOf(page, post)} section={null} alternate={post.iri}>
      <h1 class="hidden">{t("post.of", { name: post.author.name })}</h1>
      {parent ? <PostCard page={page} post={parent} /> : null}
      <PostCard page={page} post={post} full />
      <section aria-labelledby="replies">
        <h2 id="replies">{t("post.replies", { count: replies.length })}</h2>
        {replies.map((reply) => (
          <PostCard page={page} post={reply} />
        ))}
      </section>
    </Layout>
  );
};

function titleOf(page: PageContext, post: PostView): string {
  const text = [...(post.summary ?? post.name ?? plainText(post.content))].slice(0, 60).join("");
  return text === "" ? page.t("post.of", { name: post.author.name }) : `${post.author.name}: ${text}`;
}

/** GET /posts/<id>/delete: says what will happen; POST to the same address deletes. */
export interface ConfirmDeletePostPageProps {
  page: PageContext;
  post: PostView;
}

export const ConfirmDeletePostPage = ({ page, post }: ConfirmDeletePostPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("post.delete_title")} section={null}>
      <h1>{t("post.delete_title")}</h1>
      <p>{t("post.delete_text")}</p>
      <form class="actions" method="post" action={`/posts/${post.id}/delete`}>
        <input type="hidden" name="as" value={post.author.handle} />
        <button class="button button-danger" type="submit">
          <Icon name="trash" />
          {t("post.delete_confirm")}
        </button>
        <a class="button button-quiet" href={`/posts/${post.id}`}>
          {t("form.cancel")}
        </a>
      </form>
      <PostCard page={page} post={{ ...post, own: false }} full />
    </Layout>
  );
};
