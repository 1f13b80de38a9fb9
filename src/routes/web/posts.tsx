import { Hono } from "hono";
import { parseId } from "../../db/ids.ts";
import { actingAs } from "../../domain/accounts/queries.ts";
import { DomainError } from "../../domain/errors.ts";
import { deletePost, publishPost } from "../../domain/posts/commands.ts";
import { postById, postByIri, replies } from "../../domain/posts/queries.ts";
import { VISIBILITIES } from "../../domain/posts/rules.ts";
import { POST_LANGUAGES } from "../../locales/index.ts";
import { ConfirmDeletePostPage, PostPage } from "../../views/posts/post-page.tsx";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { homePage } from "./home.tsx";
import { choice, formFields, render, submitAs, type Web } from "./page.tsx";

export function postRoutes(web: Web) {
  const { ctx } = web;
  const viewerId = (c: WebContext) => c.get("viewer")?.acting.id ?? null;
  return new Hono<Env>()
    .post("/posts", (c) =>
      submitAs(
        web,
        c,
        async (acting, fields) => {
          const id = await publishPost(ctx, acting, {
            content: fields.content ?? "",
            summary: fields.summary,
            visibility: choice("visibility", fields.visibility ?? "public", VISIBILITIES),
            language: choice("language", fields.language ?? c.get("locale"), Object.keys(POST_LANGUAGES)),
          });
          return web.done(c, `/posts/${id}`, "notices.post_published");
        },
        (form) => homePage(web, c, form),
      ),
    )
    .get("/posts/:id", async (c) => {
      const post = await postById(ctx, postId(c), viewerId(c));
      const [answers, parent] = await Promise.all([
        replies(ctx, post.iri, viewerId(c)),
        post.inReplyTo === null ? null : postByIri(ctx, post.inReplyTo, viewerId(c)),
      ]);
      return render(c, <PostPage page={web.page(c)} post={post} parent={parent} replies={answers} />);
    })
    .get("/posts/:id/delete", async (c) => {
      requireViewer(c);
      const post = await postById(ctx, postId(c), viewerId(c));
      if (!post.own) throw new DomainError("not_found", "no such post");
      return render(c, <ConfirmDeletePostPage page={web.page(c)} post={post} />);
    })
    .post("/posts/:id/delete", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      await deletePost(ctx, acting, postId(c));
      return web.done(c, "/", "notices.post_deleted");
    });
}

function postId(c: WebContext) {
  const id = parseId(c.req.param("id"));
  if (id === null) throw new DomainError("not_found", "no such post");
  return id;
}
