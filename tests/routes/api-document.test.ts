import { beforeAll, expect, test } from "vitest";
import { apiRoutes } from "../../src/routes/api/index.ts";
import { BASE } from "../../src/routes/api/operation.ts";
import { type ApiAnswer, ask, described } from "../support/api-client.ts";
import { startHub, type TestHub } from "../support/hub.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: Record<string, string[]>[];
  parameters?: { name: string; in: string; required: boolean; schema: object }[];
  requestBody?: { required: boolean; content: Record<string, { schema: object; example?: unknown }> };
  responses: Record<
    string,
    { description: string; content?: Record<string, { schema: object }>; headers?: object }
  >;
}

let hub: TestHub;
let answer: ApiAnswer;

beforeAll(async () => {
  hub = await startHub();
  answer = await ask(hub.origin, "GET", `${BASE}/openapi.json`, {});
});

const paths = () => Object.entries(answer.body.paths as Record<string, Record<string, Operation>>);
const operations = () =>
  paths().flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test("the document is there for everybody, and names this hub", () => {
  expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/json"]);
  expect(answer.headers["access-control-allow-origin"]).toBe("*");
  expect(answer.body).toMatchObject({
    openapi: "3.1.0",
    info: { title: "Ayni", version: "1" },
    servers: [{ url: hub.origin + BASE }],
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  });
});

test("every route is documented, and nothing that is not a route", () => {
  const { app } = apiRoutes({ ctx: hub.ctx, assets: { style: "", script: null }, clientAddress: () => "" });
  const routes = app.routes
    .filter(({ method, path }) => method !== "ALL" && path !== `${BASE}/openapi.json`)
    .map(({ method, path }) => `${method} ${path.slice(BASE.length).replace(/:(\w+)/g, "{$1}")}`);
  const documented = operations().map(({ method, path }) => `${method.toUpperCase()} ${path}`);
  expect(documented.toSorted()).toEqual(routes.toSorted());
  expect(new Set(routes).size).toBe(routes.length);
  expect(routes.length).toBeGreaterThan(45);
});

test("every operation says what it takes and all that it answers", () => {
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, method, operation } of operations()) {
    const what = `${method} ${path}`;
    const { summary, tags, responses, parameters = [], requestBody, security } = operation;
    expect([what, summary.length > 3, tags.length]).toEqual([what, true, 1]);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
    expect([what, declared]).toEqual([what, inPath]);
    const good = Object.keys(responses).filter((status) => status.startsWith("2"));
    expect([what, good.length]).toEqual([what, 1]);
    for (const [status, { description, content }] of Object.entries(responses)) {
      expect([what, status, description.length > 3]).toEqual([what, status, true]);
      const media = Object.keys(content ?? {});
      if (Number(status) >= 400) expect([what, media]).toEqual([what, ["application/problem+json"]]);
      else expect([what, media]).toEqual([what, status === "204" ? [] : ["application/json"]]);
    }
    if (responses[201] !== undefined) expect(Object.keys(responses[201].headers ?? {})).toContain("Location");
    if (security.length > 0) {
      expect([what, Object.keys(responses)]).toEqual([
        what,
        expect.arrayContaining(["401", "403", "422", "429"]),
      ]);
      expect(security).toEqual([{ token: [expect.stringMatching(/^(exchange|ledger):(read|write)$/)] }]);
    }
    if (method === "get") {
      expect([what, requestBody]).toEqual([what, undefined]);
    } else {
      const keys = parameters.filter(({ name }) => name === "Idempotency-Key");
      expect([what, keys.length]).toEqual([what, 1]);
      expect([what, Object.keys(responses)]).toEqual([
        what,
        expect.arrayContaining(["400", "409", "413", "415"]),
      ]);
    }
    if (method !== "get" && security[0]?.token?.[0]?.endsWith(":read"))
      expect.fail(`${what} writes and asks only to read`);
  }
});

test("schemas are whole: references lead somewhere, and nothing contradicts itself", () => {
  const schemas = answer.body.components.schemas as Record<string, object>;
  const seen = new Set<string>();
  const visit = (node: unknown, at: string): void => {
    if (Array.isArray(node)) {
      for (const [index, item] of node.entries()) visit(item, `${at}/${index}`);
      return;
    }
    if (typeof node !== "object" || node === null) return;
    const { $ref, allOf, type, properties } = node as Record<string, unknown>;
    if (typeof $ref === "string") {
      const name = $ref.replace("#/components/schemas/", "");
      expect([at, name in schemas]).toEqual([at, true]);
      seen.add(name);
    }
    // "A text, and also perhaps null" would never be null.
    if (Array.isArray(allOf)) expect([at, JSON.stringify(allOf).includes('"null"')]).toEqual([at, false]);
    if (type === "object" && properties !== undefined && at !== "/components/schemas/Problem")
      expect([at, (node as Record<string, unknown>).additionalProperties]).toEqual([at, false]);
    if ("nullable" in node) expect.fail(`${at}: nullable is of OpenAPI 3.0`);
    for (const [key, value] of Object.entries(node)) if (key !== "example") visit(value, `${at}/${key}`);
  };
  visit(answer.body, "");
  expect(Object.keys(schemas).filter((name) => !seen.has(name))).toEqual([]);
});

test("every example is what its operation takes", () => {
  const { operations } = described(hub);
  const withBody = operations.filter(({ body }) => body !== null);
  expect(withBody.length).toBeGreaterThan(18);
  for (const { id, body, example } of withBody) {
    expect([id, typeof example]).toEqual([id, "object"]);
    expect([id, body?.safeParse(example).error]).toEqual([id, undefined]);
  }
});
