import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { TokenAccount } from "../../domain/accounts/queries.ts";
import type { TokenScope } from "../../domain/accounts/rules.ts";
import type { Ctx } from "../../domain/context.ts";
import { DomainError } from "../../domain/errors.ts";
import { type Answer, once } from "../../domain/idempotency.ts";
import type { RouteOptions } from "../env.ts";
import { readBody } from "../middleware/body.ts";
import { bearer, countStranger } from "../middleware/tokens.ts";
import { describeOperation, shapeOf } from "./describe.ts";
import { ApiError, toDomainError } from "./problem.ts";

export const BASE = "/api/ayni/v1";
const BODY_MAX = 64 * 1024;

type Schema = z.ZodType;
/** What a schema gives; nothing where there is none. */
type Output<S> = S extends Schema ? z.output<S> : Record<string, never>;

/** Who asks, and what was asked, checked. */
export interface Request<P, Q, B> {
  /** A transaction when the request came with an `Idempotency-Key`: of all contexts the one to be used. */
  ctx: Ctx;
  params: Output<P>;
  query: Output<Q>;
  body: Output<B>;
}

export interface Result<A> {
  /** The answer's body; none for 204. */
  body: A;
  /** Path below the API of what was made. */
  location?: string;
  /** Query parameters that lead to the next page. */
  next?: Record<string, string> | null;
}

/** An operation as its route, its documentation and the page to try it are made from it. */
export interface Operation<
  P extends Schema | undefined,
  Q extends Schema | undefined,
  B extends Schema | undefined,
  A extends Schema | undefined,
  S extends TokenScope | null,
> {
  method: "get" | "post" | "patch" | "delete";
  /** Below `/api/ayni/v1`, with `{name}` for what varies. */
  path: string;
  /** Name in generated clients. */
  id: string;
  summary: string;
  description?: string;
  tag: string;
  /** What a token has to allow; null for what everybody may read. */
  scope: S;
  params?: P;
  query?: Q;
  body?: B;
  /** A body that can be sent as it is. */
  example?: B extends Schema ? z.input<B> : never;
  status?: 200 | 201 | 204;
  answer?: A;
  run(
    request: Request<P, Q, B> & (S extends null ? unknown : { acting: TokenAccount }),
  ): Promise<Result<A extends Schema ? z.input<A> : null>>;
}

/** An operation of any kind, for those who list them. */
export interface Listed {
  method: string;
  path: string;
  id: string;
  summary: string;
  description: string;
  tag: string;
  scope: TokenScope | null;
  params: string[];
  query: { name: string; description: string }[];
  body: Schema | null;
  example: unknown;
  /** By which an answer with this status is described. */
  status: number;
  answer: Schema | null;
}

export interface Api {
  ctx: Ctx;
  app: OpenAPIHono;
  operations: Listed[];
  operation<
    P extends Schema | undefined = undefined,
    Q extends Schema | undefined = undefined,
    B extends Schema | undefined = undefined,
    A extends Schema | undefined = undefined,
    S extends TokenScope | null = TokenScope,
  >(operation: Operation<P, Q, B, A, S>): void;
}

/** Collects operations: each becomes a route and its part of the OpenAPI document, out of the same schemas. */
export function createApi({ ctx, clientAddress }: RouteOptions): Api {
  const app = new OpenAPIHono({ strict: false });
  const operations: Listed[] = [];
  return {
    ctx,
    app,
    operations,
    operation(operation) {
      const { method, path } = operation;
      describeOperation(app, operation as unknown as AnyOperation);
      operations.push(listed(operation as unknown as AnyOperation));
      app.on([method.toUpperCase()], BASE + path.replace(/\{(\w+)\}/g, ":$1"), (c) =>
        handle(ctx, c, clientAddress(c), operation as unknown as AnyOperation),
      );
    },
  };
}

/** An operation without what its types were for. */
export type AnyOperation = Omit<
  Operation<Schema, Schema, Schema, Schema, TokenScope | null>,
  "run" | "example"
> & {
  example?: unknown;
  run(request: Request<Schema, Schema, Schema> & { acting: TokenAccount | null }): Promise<Result<unknown>>;
};

async function handle(ctx: Ctx, c: Context, address: string, operation: AnyOperation): Promise<Response> {
  const writes = operation.method !== "get";
  const { scope } = operation;
  const acting = scope === null ? null : await bearer(ctx, c, address, { scope, writes });
  if (acting === null) await countStranger(ctx, address);
  const raw = writes ? await readText(c) : "";
  const params = check(operation.params, c.req.param(), "path");
  const query = check(operation.query, queryOf(c), "query");
  const body = writes ? check(operation.body, parseJson(raw), "body") : {};
  const perform = async (ctx: Ctx): Promise<Answer & { next: string | null }> => {
    const result = await operation.run({ ctx, acting, params, query, body } as never);
    return {
      status: operation.status ?? 200,
      location: result.location === undefined ? null : ctx.hub.origin + BASE + result.location,
      body: result.body === null ? "" : JSON.stringify(result.body),
      next: nextPage(ctx, c, result.next),
    };
  };
  const key = writes ? c.req.header("idempotency-key") : undefined;
  if (key === undefined || acting === null) return reply(c, await perform(ctx));
  const { pathname, search } = new URL(c.req.url);
  const request = `${c.req.method} ${pathname}${search}\n${raw}`;
  return reply(c, await once(ctx, acting.actorId, key, request, perform));
}

function reply(c: Context, answer: Answer & { next?: string | null }): Response {
  const { status, location, body, next } = answer;
  if (location !== null) c.header("Location", location);
  if (next != null) c.header("Link", `<${next}>; rel="next"`);
  if (body === "") return c.body(null, status as 204);
  return c.body(body, status as 200, { "content-type": "application/json" });
}

/** This request's address with another cursor. */
function nextPage(ctx: Ctx, c: Context, next: Result<unknown>["next"]): string | null {
  if (next == null) return null;
  const { pathname, searchParams } = new URL(c.req.url);
  for (const [name, value] of Object.entries(next)) searchParams.set(name, value);
  return `${ctx.hub.origin}${pathname}?${searchParams}`;
}

/** @throws ApiError unsupported_media_type, malformed_json; DomainError too_large */
async function readText(c: Context): Promise<string> {
  const bytes = await readBody(c.req, BODY_MAX).catch(() => {
    throw new ApiError("malformed_json", "the body did not arrive whole");
  });
  if (bytes === null)
    throw new DomainError("too_large", `a body has at most ${BODY_MAX} bytes`, {
      details: { max: BODY_MAX },
    });
  const type = c.req.header("content-type");
  const json = /^application\/json *(; *charset="?utf-8"? *)?$/i.test(type ?? "");
  if ((type !== undefined || bytes.length > 0) && !json)
    throw new ApiError("unsupported_media_type", "bodies are application/json, in UTF-8");
  if (!/^(identity)?$/i.test(c.req.header("content-encoding") ?? ""))
    throw new ApiError("unsupported_media_type", "bodies are not compressed");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError("malformed_json", "the body is not UTF-8");
  }
}

/** Nothing is as good as an empty object: several steps need no words. */
function parseJson(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError("malformed_json", "the body is not JSON");
  }
}

/** A parameter that comes twice is a list, which no schema takes. */
function queryOf(c: Context): Record<string, string | string[]> {
  const all = Object.entries(c.req.queries());
  return Object.fromEntries(
    all.map(([name, values]) => [name, values.length === 1 ? (values[0] ?? "") : values]),
  );
}

function check(schema: Schema | undefined, value: unknown, at: "body" | "path" | "query"): unknown {
  const parsed = (schema ?? NOTHING).safeParse(value);
  if (parsed.success) return parsed.data;
  // What is in a path and is no id is the id of nothing.
  if (at === "path") throw new DomainError("not_found", "nothing has this address");
  throw toDomainError(parsed.error, at);
}

const NOTHING = z.strictObject({});

function listed(operation: AnyOperation): Listed {
  const { method, path, id, summary, description = "", tag, scope, example } = operation;
  return {
    ...{ method: method.toUpperCase(), path, id, summary, description, tag, scope, example },
    params: Object.keys(shapeOf(operation.params)),
    query: Object.entries(shapeOf(operation.query)).map(([name, schema]) => ({
      name,
      description: (schema as Schema).description ?? "",
    })),
    body: operation.body ?? null,
    status: operation.status ?? 200,
    answer: operation.answer ?? null,
  };
}
