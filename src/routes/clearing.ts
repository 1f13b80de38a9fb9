import { type Context, Hono } from "hono";
import { requireRole } from "../domain/accounts/queries.ts";
import { totalsOf, totalsPage } from "../domain/clearing/totals.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { type Peer, peerOfHost } from "../domain/peers/queries.ts";
import { throttle } from "../domain/throttle.ts";
import { ApiError } from "./api/problem.ts";
import type { Env, RouteOptions } from "./env.ts";
import { sessionViewer } from "./middleware/session.ts";
import { bearer } from "./middleware/tokens.ts";

/** What federation knows about statements; documents are canonical JSON, signed. */
export interface StatementOptions extends Pick<RouteOptions, "ctx" | "clientAddress"> {
  write(peer: Peer): Promise<string>;
  /** Whether a body is this peer's question for its statement, signed by its pinned key just now. */
  asks(peer: Peer, body: string): Promise<boolean>;
}

const QUERY_MAX = 16_384;
const HOUR = 3_600;
/** Statements that one address may ask for within an hour, and one peer. */
const PER_HOUR = 120;
const DAY = /^\d{4}-\d\d-\d\d$/;

/**
 * `/clearing/<peer's host>/statement`: to the hub's administrators by session or token (GET), and to the peer itself by a
 * signed question (POST); to nobody else. `/ledger/totals`: the signed totals of each day, for everybody.
 */
export function clearingRoutes(options: StatementOptions): Hono<Env> {
  const { ctx, clientAddress, write, asks } = options;
  const app = new Hono<Env>();

  app.get("/clearing/:host/statement", async (c) => {
    try {
      await throttle(ctx, `statement:${clientAddress(c)}`, PER_HOUR, HOUR);
      const viewer = c.req.header("authorization") === undefined ? await sessionViewer(c, ctx) : null;
      const { accountId } =
        viewer ?? (await bearer(ctx, c, clientAddress(c), { scope: "read", writes: false }));
      await requireRole(ctx, accountId, "admin");
      return signed(c, await write(await known(ctx, c.req.param("host"))), "private, no-store");
    } catch (error) {
      return refusal(c, error);
    }
  });

  app.post("/clearing/:host/statement", async (c) => {
    try {
      await throttle(ctx, `statement:${clientAddress(c)}`, PER_HOUR, HOUR);
      if (Number(c.req.header("content-length") ?? Number.NaN) > QUERY_MAX)
        return problem(c, 413, "too_large");
      const body = await limited(c.req.raw.body);
      if (body === null) return problem(c, 413, "too_large");
      const peer = await peerOfHost(ctx, c.req.param("host").toLowerCase());
      // Who is a peer is nobody else's business: a stranger and an unknown hub are answered alike.
      if (peer === null || !(await asks(peer, body))) return problem(c, 401, "bad_proof");
      return signed(c, await write(peer), "private, no-store");
    } catch (error) {
      return refusal(c, error);
    }
  });

  app.get("/ledger/totals", async (c) => {
    const before = c.req.query("before");
    if (before !== undefined && !DAY.test(before)) return problem(c, 400, "invalid");
    const { days, next } = await totalsPage(ctx, before ?? null);
    const address = next === null ? null : `${ctx.hub.origin}/ledger/totals?before=${next}`;
    if (address !== null) c.header("Link", `<${address}>; rel="next"`);
    return signed(
      c,
      `{"totals":[${days.map(({ body }) => body).join(",")}],"next":${JSON.stringify(address)}}`,
      "public, max-age=600",
    );
  });

  app.get("/ledger/totals/:day", async (c) => {
    const day = c.req.param("day");
    const found = DAY.test(day) && isDay(day) ? await totalsOf(ctx, day) : null;
    return found === null ? problem(c, 404, "not_found") : signed(c, found.body, "public, max-age=86400");
  });

  return app;
}

async function known(ctx: Ctx, host: string): Promise<Peer> {
  const peer = await peerOfHost(ctx, host.toLowerCase());
  if (peer === null) throw new DomainError("not_found", "there is no such peer");
  return peer;
}

function isDay(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** A body as text; null when it is larger than a question can be. */
async function limited(stream: ReadableStream<Uint8Array> | null): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > QUERY_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function signed(c: Context, body: string, cache: string): Response {
  return c.body(body, 200, { "content-type": "application/json; charset=utf-8", "cache-control": cache });
}

const STATUS: Readonly<Record<string, 401 | 403 | 404 | 429>> = {
  token_required: 401,
  invalid_token: 401,
  login_required: 401,
  forbidden: 403,
  insufficient_scope: 403,
  not_found: 404,
  too_many_attempts: 429,
};

/** @throws what is a fault of ours */
function refusal(c: Context, error: unknown): Response {
  const code = error instanceof DomainError || error instanceof ApiError ? error.code : "";
  const status = STATUS[code];
  if (status === undefined) throw error;
  return problem(c, status, code);
}

function problem(c: Context, status: 400 | 401 | 403 | 404 | 413 | 429, code: string): Response {
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
  return c.body(JSON.stringify({ type: "about:blank", status, code }), status, headers);
}
