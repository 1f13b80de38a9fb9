import type { Federation as Fedify } from "@fedify/fedify";
import { type Context, Hono } from "hono";
import { type Id, parseId } from "../db/ids.ts";
import { findActorByHandle } from "../domain/actors/queries.ts";
import type { Ctx } from "../domain/context.ts";
import { findHub } from "../domain/hubs/queries.ts";
import {
  COLLECTIONS,
  type CollectionName,
  collectionDocument,
  collectionPageDocument,
} from "./collections.ts";
import type { Federation, InboxData } from "./context.ts";
import { type CachedDocument, type DocumentCache, serialize } from "./document-cache.ts";
import {
  activityDocument,
  actorDocument,
  currencyDocument,
  featuredDocument,
  followsDocument,
  outboxDocument,
  postDocument,
  proposalDocument,
  type Served,
} from "./documents.ts";

const ACTIVITY_JSON = "application/activity+json; charset=utf-8";

/**
 * What other servers ask for: WebFinger, NodeInfo, and our documents. Requests that want a page for people pass through to the
 * routes behind.
 */
export function federationRoutes(
  federation: Federation,
  fedify: Fedify<InboxData>,
  cache: DocumentCache,
): Hono {
  const { ctx } = federation;
  const app = new Hono();
  const fetch = (c: Context) =>
    fedify.fetch(c.req.raw, {
      contextData: { ...federation, body: "", raw: {}, signer: "", begun: false },
      onNotFound: () => c.notFound(),
    });

  app.get("/.well-known/webfinger", async (c) => {
    const resource = c.req.query("resource");
    if (resource === undefined) return c.text("the parameter resource is missing", 400, CORS);
    if (resource.length > 512 || !URL.canParse(resource))
      return c.text("the parameter resource is no address or handle", 400, CORS);
    const document = await cache.get(`webfinger ${resource.toLowerCase()}`, async () => {
      const response = await fetch(c);
      return response.status === 200 ? { status: 200, document: await response.json() } : null;
    });
    if (document === null) return c.text("no such account here", 404, CORS);
    return answer(c, document, "webfinger");
  });
  app.get("/.well-known/host-meta", (c) =>
    c.body(
      `<?xml version="1.0" encoding="UTF-8"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" template="${ctx.hub.origin}/.well-known/webfinger?resource={uri}"/></XRD>`,
      200,
      { "content-type": "application/xrd+xml", ...CORS },
    ),
  );
  // Fedify's list cannot name the hub's actor (FEP-2677).
  app.get("/.well-known/nodeinfo", (c) =>
    c.json(
      {
        links: [
          { rel: "http://nodeinfo.diaspora.software/ns/schema/2.1", href: `${ctx.hub.origin}/nodeinfo/2.1` },
          { rel: "https://www.w3.org/ns/activitystreams#Application", href: `${ctx.hub.origin}/actor` },
        ],
      },
      200,
      CORS,
    ),
  );
  app.get("/nodeinfo/2.1", async (c) => {
    const response = await fetch(c);
    return c.newResponse(response.body, response);
  });

  const page = (c: Context) =>
    c.req.query("page") === undefined ? null : { before: parseId(c.req.query("before")) };

  /** Serves a document to those who ask for ActivityStreams, and lets the others pass. Collections change too often to be kept. */
  const serve =
    (load: (c: Context, id: Id) => Promise<Served | null>, options: { live?: boolean } = {}) =>
    async (c: Context, next: () => Promise<void>): Promise<Response | undefined> => {
      c.header("vary", "Accept", { append: true });
      if (!wantsActivity(c.req.header("accept"))) {
        await next();
        return;
      }
      const id = parseId(c.req.param("id")) ?? (await hubActor(ctx, c));
      if (id === null) return missing(c);
      const found = options.live
        ? await load(c, id).then((served) => served && serialize(served))
        : await cache.get(`${id} ${c.req.path}`, () => load(c, id));
      return found === null ? missing(c) : answer(c, found, "activity");
    };

  const actor = serve(async (_, id) => wrap(await actorDocument(ctx, id)));
  const outbox = serve((c, id) => outboxDocument(ctx, id, page(c)), { live: true });
  const followers = serve((c, id) => followsDocument(ctx, id, "followers", page(c)), { live: true });
  const following = serve((c, id) => followsDocument(ctx, id, "following", page(c)), { live: true });
  const featured = serve(async (_, id) => featuredDocument(ctx, id));
  for (const base of ["/actors/:id", "/actor"]) {
    app.get(base, actor);
    app.get(`${base}/outbox`, outbox);
    app.get(`${base}/followers`, followers);
    app.get(`${base}/following`, following);
    app.get(`${base}/featured`, featured);
  }
  app.get(
    "/posts/:id",
    serve((_, id) => postDocument(ctx, id)),
  );
  for (const name of Object.keys(COLLECTIONS) as CollectionName[]) {
    app.get(`/${name}`, async (c, next) => {
      c.header("vary", "Accept", { append: true });
      if (!wantsActivity(c.req.header("accept"))) return next();
      if ((await findHub(ctx)) === null) return missing(c);
      const served =
        c.req.query("page") === undefined
          ? collectionDocument(ctx, name)
          : collectionPageDocument(ctx, name, parseId(c.req.query("after")) ?? 0n);
      // Peers compare what is there with what they have: an answer of a minute ago would mislead them.
      return answer(c, serialize(await served), "activity", "no-cache");
    });
  }
  app.get(
    "/proposals/:id",
    serve((_, id) => proposalDocument(ctx, id)),
  );
  app.get(
    "/activities/:id",
    // Not kept: it goes with its object, of whose deletion only the object's own key is told.
    serve((_, id) => activityDocument(ctx, id), { live: true }),
  );
  // The two parties have each other's signed words, and nobody else is told that there is such an agreement.
  app.get(
    "/agreements/:id",
    serve(() => Promise.resolve(null), { live: true }),
  );
  app.get(
    "/currency",
    serve(() => currencyDocument(ctx)),
  );
  app.get("/:acct{@[A-Za-z0-9_]+}", async (c, next) => {
    c.header("vary", "Accept", { append: true });
    if (!wantsActivity(c.req.header("accept"))) return next();
    const found = await findActorByHandle(ctx, c.req.param("acct").slice(1), null);
    return found === null ? missing(c) : c.redirect(found.iri, 302);
  });
  return app;
}

const CORS = { "access-control-allow-origin": "*" };

async function hubActor(ctx: Ctx, c: Context): Promise<Id | null> {
  return c.req.param("id") === undefined ? ((await findHub(ctx))?.actorId ?? null) : null;
}

function wrap(document: Served["document"] | null): Served | null {
  return document === null ? null : { status: 200, document };
}

function missing(c: Context): Response {
  return c.json({ error: "not found" }, 404);
}

function answer(
  c: Context,
  document: CachedDocument,
  kind: "activity" | "webfinger",
  cacheControl?: string,
): Response {
  const headers = {
    ...answerHeaders(kind, document.etag),
    ...(cacheControl === undefined ? {} : { "cache-control": cacheControl }),
  };
  if (isKnown(c.req.header("if-none-match"), document.etag)) return c.body(null, 304, headers);
  return c.body(document.body, document.status, headers);
}

/** What an answer says of its document. */
export function answerHeaders(kind: "activity" | "webfinger", etag: string): Record<string, string> {
  const common = { etag, "cache-control": "public, max-age=60" };
  return kind === "activity"
    ? { "content-type": ACTIVITY_JSON, ...common }
    : { "content-type": "application/jrd+json", ...common, ...CORS };
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2): proxies that compress mark the tag with `W/`. */
export function isKnown(asked: string | undefined, etag: string): boolean {
  if (asked === undefined) return false;
  return asked.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

/**
 * Does this Accept header prefer ActivityStreams to HTML? Browsers list text/html first and give the rest a lower weight;
 * servers name one of the two types, some beside a catch-all.
 */
export function wantsActivity(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  let activity = 0;
  let html = 0;
  for (const part of accept.split(",").slice(0, 30)) {
    const [type = "", ...parameters] = part.trim().toLowerCase().split(";");
    const q = Number(
      parameters.map((p) => /^\s*q=([0-9.]+)$/.exec(p)?.[1]).find((value) => value !== undefined) ?? "1",
    );
    if (/^application\/(activity|ld)\+json$/.test(type.trim())) activity = Math.max(activity, q);
    if (type.trim() === "text/html") html = Math.max(html, q);
  }
  return activity > 0 && activity >= html;
}
