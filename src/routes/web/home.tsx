import { Hono } from "hono";
import { parseId } from "../../db/ids.ts";
import { homeTimeline, hubTimeline } from "../../domain/posts/queries.ts";
import { proposalList } from "../../domain/proposals/queries.ts";
import { HomePage } from "../../views/home/home-page.tsx";
import type { FormState } from "../../views/ui/page.ts";
import type { Env, WebContext } from "../env.ts";
import { render, type Web } from "./page.tsx";

export function homeRoutes(web: Web) {
  return new Hono<Env>().get("/", async (c) => render(c, await homePage(web, c)));
}

/** The home page, also with the composer as it came back. */
export async function homePage(web: Web, c: WebContext, form?: FormState) {
  const { ctx } = web;
  const viewer = c.get("viewer");
  const viewerId = viewer?.acting.id ?? null;
  const before = parseId(c.req.query("before"));
  const timeline = viewerId === null || c.req.query("timeline") === "hub" ? "hub" : "following";
  const [posts, latest] = await Promise.all([
    viewerId === null || timeline === "hub"
      ? hubTimeline(ctx, viewerId, before)
      : homeTimeline(ctx, viewerId, before),
    proposalList(ctx, {}, viewerId, null, 4),
  ]);
  return <HomePage page={web.page(c)} timeline={timeline} posts={posts} latest={latest.items} form={form} />;
}
