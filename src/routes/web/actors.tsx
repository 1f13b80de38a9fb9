import { Hono } from "hono";
import { parseId } from "../../db/ids.ts";
import { actingAs } from "../../domain/accounts/queries.ts";
import { updateProfile } from "../../domain/actors/commands.ts";
import {
  type ActorView,
  actorByAcct,
  actorById,
  directory,
  profile,
  relations,
  searchActors,
} from "../../domain/actors/queries.ts";
import { parseHandle } from "../../domain/actors/rules.ts";
import { DomainError } from "../../domain/errors.ts";
import { requestFollow, undoFollow } from "../../domain/follows/commands.ts";
import { followList } from "../../domain/follows/queries.ts";
import { htmlToPlain } from "../../domain/html.ts";
import { verificationOf } from "../../domain/organizations/verification.ts";
import { vouchesOf, vouchOffer } from "../../domain/organizations/vouching.ts";
import { copiedHubs, hubOf } from "../../domain/peers/hubs.ts";
import { actorPosts } from "../../domain/posts/queries.ts";
import { proposalList } from "../../domain/proposals/queries.ts";
import { facts, reputation } from "../../domain/reviews/queries.ts";
import { throttle } from "../../domain/throttle.ts";
import { cleanText } from "../../domain/validate.ts";
import { ActorListPage } from "../../views/actors/actor-list-page.tsx";
import { DirectoryPage } from "../../views/actors/directory-page.tsx";
import { EditProfilePage } from "../../views/actors/edit-profile-page.tsx";
import { ProfilePage } from "../../views/actors/profile-page.tsx";
import { SearchPage, type SearchPageProps } from "../../views/actors/search-page.tsx";
import type { Trust } from "../../views/reviews/trust.tsx";
import type { Env, WebContext } from "../env.ts";
import { requireViewer } from "../middleware/session.ts";
import { formFields, render, safePath, submit, type Web } from "./page.tsx";

export function actorRoutes(web: Web) {
  const { ctx } = web;
  const viewerId = (c: WebContext) => c.get("viewer")?.acting.id ?? null;
  const before = (c: WebContext) => parseId(c.req.query("before"));

  /** How the one who acts stands to each of these; null for a visitor. */
  async function relationsOf(c: WebContext, actors: ActorView[]) {
    const viewer = c.get("viewer");
    return viewer === null ? null : relations(ctx, actors, viewer.acting.id);
  }

  /** What one may know of an organization before exchanging with it. */
  async function trustOf(c: WebContext, { id, host }: ActorView): Promise<Trust> {
    const viewer = c.get("viewer");
    const decides = viewer?.role === "curator" || viewer?.role === "admin";
    const offers = host === null && viewer?.acting.kind === "Organization" && viewer.acting.id !== id;
    const [known, said, vouches, offer, verification] = await Promise.all([
      facts(ctx, id),
      reputation(ctx, id),
      vouchesOf(ctx, id),
      offers ? vouchOffer(ctx, viewer.acting.id, id) : null,
      decides ? verificationOf(ctx, id) : null,
    ]);
    return {
      facts: known,
      reputation: said,
      vouches: vouches.received,
      mayVouch: offer !== null && offer.max > 0n,
      mayDecide: verification !== null,
    };
  }

  /** Text in the search box: an address or full handle is looked up, also on other servers, by those who are logged in. */
  async function search(c: WebContext, query: string): Promise<Pick<SearchPageProps, "results" | "error">> {
    if (query === "") return { results: null };
    const viewer = c.get("viewer");
    let actors: ActorView[];
    let error: SearchPageProps["error"];
    try {
      if (viewer !== null && (parseHandle(query) !== null || /^https?:\/\//i.test(query))) {
        await throttle(ctx, `lookup:${viewer.accountId}`, 60, 300);
        actors = [await actorById(ctx, await ctx.remote.resolveActor(query))];
      } else {
        actors = await searchActors(ctx, query, { member: viewer !== null });
      }
    } catch (failure) {
      if (!(failure instanceof DomainError)) throw failure;
      actors = [];
      error = { code: failure.code, details: failure.details };
    }
    const known = await relationsOf(c, actors);
    return {
      results: actors.map((actor) => ({ actor, relation: known?.get(actor.id) ?? null })),
      error,
    };
  }

  return new Hono<Env>()
    .get("/settings/profile", async (c) => {
      const viewer = requireViewer(c);
      const values = { name: viewer.acting.name, summary: htmlToPlain(viewer.acting.summary) };
      return render(c, <EditProfilePage page={{ ...web.page(c), viewer }} form={{ values, errors: [] }} />);
    })
    .post("/settings/profile", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      return submit(
        c,
        fields,
        async () => {
          const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
          await updateProfile(ctx, acting, { name: fields.name ?? "", summary: fields.summary });
          const { acct } = await actorById(ctx, acting.actorId);
          return web.done(c, `/@${acct}`, "notices.profile_saved");
        },
        (form) => <EditProfilePage page={{ ...web.page(c), viewer }} form={form} />,
      );
    })
    .get("/directory", async (c) => {
      const hubs = await copiedHubs(ctx);
      const hub = hubOf(c.req.query("hub"), hubs);
      const organizations = await directory(ctx, before(c), { hub });
      const known = await relationsOf(c, organizations.items);
      return render(
        c,
        <DirectoryPage
          page={web.page(c)}
          organizations={organizations}
          relations={known}
          hubs={hubs}
          hub={hub}
        />,
      );
    })
    .get("/organizations", (c) => c.redirect("/directory?hub=here"))
    .get("/search", async (c) => {
      const query = cleanText(c.req.query("q") ?? "").slice(0, 500);
      return render(c, <SearchPage page={web.page(c)} query={query} {...(await search(c, query))} />);
    })
    .post("/follows", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      const followed = await actorById(ctx, actorId(fields.actor));
      await requestFollow(ctx, { followerId: acting.actorId, followedId: followed.id });
      return web.done(
        c,
        safePath(fields.next) ?? `/@${followed.acct}`,
        followed.host === null ? "notices.followed" : "notices.follow_requested",
      );
    })
    .post("/follows/undo", async (c) => {
      const viewer = requireViewer(c);
      const fields = await formFields(c);
      const acting = await actingAs(ctx, viewer.accountId, fields.as ?? "");
      const followed = await actorById(ctx, actorId(fields.actor));
      await undoFollow(ctx, { followerId: acting.actorId, followedId: followed.id });
      return web.done(c, safePath(fields.next) ?? `/@${followed.acct}`, "notices.unfollowed");
    })
    .get("/actors/:id", async (c) => {
      const actor = await actorById(ctx, actorId(c.req.param("id")));
      return c.redirect(`/@${actor.acct}`);
    })
    .get("/actor", (c) => c.redirect("/"))
    .get("/:acct{@.+}/followers", (c) => followPage(c, "followers"))
    .get("/:acct{@.+}/following", (c) => followPage(c, "following"))
    .get("/:acct{@[^/]+}", async (c) => {
      const actor = await actorByAcct(ctx, c.req.param("acct"));
      const tab = c.req.query("tab") === "exchange" ? "exchange" : "posts";
      const viewer = viewerId(c);
      const [view, posts, proposals, trust] = await Promise.all([
        profile(ctx, actor, viewer),
        tab === "posts" ? actorPosts(ctx, actor.id, viewer, before(c)) : null,
        tab === "exchange" ? proposalList(ctx, { actorId: actor.id }, viewer, before(c)) : null,
        actor.kind === "Organization" ? trustOf(c, actor) : null,
      ]);
      return render(
        c,
        <ProfilePage
          page={web.page(c)}
          profile={view}
          tab={tab}
          posts={posts}
          proposals={proposals}
          trust={trust}
        />,
      );
    });

  async function followPage(c: WebContext, list: "followers" | "following") {
    const actor = await actorByAcct(ctx, c.req.param("acct") ?? "");
    const viewer = c.get("viewer");
    // Whom a person follows is theirs to know; organizations' connections are public (as in the collections).
    const own =
      viewer !== null && [viewer.person, ...viewer.organizations].some((mine) => mine.id === actor.id);
    if (actor.host !== null || (actor.kind === "Person" && !own))
      throw new DomainError("not_found", "no such list");
    const actors = await followList(ctx, actor.id, list, { people: own, before: before(c) });
    const known = await relationsOf(c, actors.items);
    return render(
      c,
      <ActorListPage
        page={web.page(c)}
        actor={actor}
        list={list}
        actors={actors}
        relations={known}
        people={own}
      />,
    );
  }
}

function actorId(text: string | undefined) {
  const id = parseId(text);
  if (id === null) throw new DomainError("not_found", "no such actor");
  return id;
}
