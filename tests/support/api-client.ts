import { request } from "node:http";
import { expect } from "vitest";
import { z } from "zod";
import { createToken } from "../../src/domain/accounts/commands.ts";
import type { Acting } from "../../src/domain/context.ts";
import { apiRoutes } from "../../src/routes/api/index.ts";
import { type Api, BASE } from "../../src/routes/api/operation.ts";
import { Problem } from "../../src/routes/api/problem.ts";
import type { TestHub } from "./hub.ts";

export interface ApiAnswer {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an answer may be anything; its schema has been checked
  body: any;
}

/** A program that uses the JSON API with a token; every answer it gets is held against what the API says it answers. */
export interface ApiClient {
  token: string | null;
  get(path: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  send(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string | Buffer,
  ): Promise<ApiAnswer>;
}

export const ALL_SCOPES = ["exchange:read", "exchange:write", "ledger:read", "ledger:write"];

/** A client of `hub` with a token of `acting`, or without one. */
export async function apiClient(
  hub: TestHub,
  acting: Acting | null,
  scopes: readonly string[] = ALL_SCOPES,
): Promise<ApiClient> {
  const token = acting === null ? null : await createToken(hub.ctx, acting, scopes);
  const { operations, document } = described(hub);

  async function send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string | Buffer,
  ): Promise<ApiAnswer> {
    const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
    const answer = await ask(hub.origin, method, BASE + path, { ...authorization, ...headers }, body);
    check(operations, document, method, path, answer);
    return answer;
  }

  return {
    token,
    send,
    get: (path, headers) => send("GET", path, headers),
    post: (path, body = {}, headers = {}) =>
      send("POST", path, { "content-type": "application/json", ...headers }, JSON.stringify(body)),
  };
}

type Document = ReturnType<Api["app"]["getOpenAPI31Document"]>;

const known = new WeakMap<TestHub, { operations: Api["operations"]; document: Document }>();

/** The API as the hub has it: its operations, and the document that programs read. */
export function described(hub: TestHub): { operations: Api["operations"]; document: Document } {
  const found = known.get(hub);
  if (found !== undefined) return found;
  const { app, operations } = apiRoutes({
    ctx: hub.ctx,
    assets: { style: "", script: null },
    clientAddress: () => "192.0.2.1",
  });
  const document = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "Ayni", version: "1" } });
  const made = { operations, document };
  known.set(hub, made);
  return made;
}

/** The operation that a request is for. */
export function operationOf(operations: Api["operations"], method: string, path: string) {
  const parts = (path.split("?")[0] ?? "").split("/");
  return operations
    .filter((operation) => {
      const own = operation.path.split("/");
      const same =
        own.length === parts.length && own.every((part, at) => part.startsWith("{") || part === parts[at]);
      return same && operation.method === method;
    })
    .sort((a, b) => a.path.split("{").length - b.path.split("{").length)[0];
}

function check(
  operations: Api["operations"],
  document: Document,
  method: string,
  path: string,
  { status, headers, text, body }: ApiAnswer,
): void {
  const what = `${method} ${path.slice(0, 100)} → ${status} ${text.slice(0, 300)}`;
  const operation = operationOf(operations, method, path);
  expect(status, what).toBeLessThan(500 + (status === 503 ? 4 : 0));
  if (status >= 400) {
    expect(headers["content-type"], what).toBe("application/problem+json");
    expect(Problem.safeParse(body).error, what).toBeUndefined();
    expect(body.status, what).toBe(status);
    expect(body.type, what).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/ayni\/v1#problem-[a-z_]+$/);
  }
  if (operation === undefined) return;
  const paths = document.paths as Record<string, Record<string, { responses: Record<string, unknown> }>>;
  const documented = paths[operation.path]?.[method.toLowerCase()]?.responses ?? {};
  expect(Object.keys(documented), what).toContain(String(status));
  if (status >= 400) return;
  expect(status, what).toBe(operation.status);
  // What the document says is checked beside the schemas that it is made from: nothing may be lost on the way.
  const media = (documented[status] as { content?: Record<string, { schema: JsonSchema }> }).content?.[
    "application/json"
  ];
  if (media !== undefined)
    expect(jsonSchema(document, media.schema).safeParse(body).error, what).toBeUndefined();
  if (operation.answer === null) expect(text, what).toBe("");
  else expect(operation.answer.safeParse(body).error, what).toBeUndefined();
}

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];

const compiled = new WeakMap<object, z.ZodType>();

/** A schema of the document as a program takes it that knows nothing of ours. */
function jsonSchema(document: Document, schema: JsonSchema): z.ZodType {
  const known = compiled.get(schema as object);
  if (known !== undefined) return known;
  const whole = { ...(schema as object), $defs: document.components?.schemas };
  const local = JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/");
  const made = z.fromJSONSchema(JSON.parse(local));
  compiled.set(schema as object, made);
  return made;
}

export function ask(
  origin: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string | Buffer,
): Promise<ApiAnswer> {
  const { hostname, port } = new URL(origin);
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const outgoing = request({ agent: false, hostname, port, method, path, headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const json = /json/.test(response.headers["content-type"] ?? "") && text !== "";
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers as Record<string, string | undefined>,
        text,
        body: json ? JSON.parse(text) : null,
      });
    });
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}
