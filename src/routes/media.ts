import { Hono } from "hono";
import { parseId } from "../db/ids.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { thumbnailName } from "../domain/media/commands.ts";
import { mayRead, mediaById } from "../domain/media/queries.ts";
import type { Env, WebContext } from "./env.ts";
import { sessionViewer } from "./middleware/session.ts";

/** An id names the same bytes for ever. */
const FOREVER = "public, max-age=31536000, immutable";

/** Uploaded files. Should a browser open one as a page, it is one without scripts, forms and an origin. */
export function mediaRoutes({ ctx }: { ctx: Ctx }) {
  return new Hono<Env>()
    .get("/media/:id", (c) => file(ctx, c, false))
    .get("/media/:id/thumbnail", (c) => file(ctx, c, true));
}

/** What is not there and what one may not see is answered alike. */
async function file(ctx: Ctx, c: WebContext, thumbnail: boolean): Promise<Response> {
  const none = () => c.text("no such file", 404, { "cache-control": "no-store" });
  const id = parseId(c.req.param("id"));
  const found = id === null ? null : await mediaById(ctx, id).catch(unlessMissing);
  if (found === null || (thumbnail && found.kind !== "image")) return none();
  if (!found.open && !(await mayRead(ctx, found.id, await sessionViewer(c, ctx)))) return none();
  const name = thumbnail ? thumbnailName(found.sha256) : found.sha256;
  const etag = `"${name}"`;
  const headers = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": found.open ? "cross-origin" : "same-origin",
    "cache-control": found.open ? FOREVER : "private, no-store",
    etag,
  };
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, headers);
  const stored = await ctx.files.read(name);
  if (stored === null) return none();
  const disposition = found.kind === "document" ? "attachment" : "inline";
  const whole = {
    ...headers,
    "content-type": found.type === "text/plain" ? "text/plain; charset=utf-8" : found.type,
    "content-length": String(stored.bytes),
    // RFC 8187: the name in UTF-8, percent-encoded.
    "content-disposition": `${disposition}; filename*=UTF-8''${encodeURIComponent(found.name).replace(/['()*!]/g, escaped)}`,
  };
  return c.req.method === "HEAD" ? c.body(null, 200, whole) : c.body(stored.stream(), 200, whole);
}

const escaped = (letter: string) => `%${letter.charCodeAt(0).toString(16)}`;

function unlessMissing(error: unknown): null {
  if (error instanceof DomainError && error.code === "not_found") return null;
  throw error;
}
