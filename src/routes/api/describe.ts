import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AnyOperation } from "./operation.ts";
import { Problem } from "./problem.ts";

/** The fields of a schema; none where there is none. */
export function shapeOf(schema: z.ZodType | undefined): z.core.$ZodLooseShape {
  return schema instanceof z.ZodObject ? schema.shape : {};
}

const PROBLEMS: Readonly<Record<number, string>> = {
  400: "The body is not JSON.",
  401: "There is no token, or it is not, or no longer, good.",
  403: "The token lacks the scope, or its account the role.",
  404: "There is none, or it is not for the one who asks to see.",
  409: "Not as things stand now: `code` tells why. Also: the key came with another request.",
  410: "It was withdrawn or deleted.",
  413: "The body is longer than 64 kB.",
  415: "The body is not application/json.",
  422: "Something in the request is not right: `field` tells what.",
  429: "Too many requests: again after `Retry-After` seconds.",
  500: "The hub has a fault.",
  503: "Not now: the ledger is frozen, or the hub is busy.",
};

/** Statuses that an operation may answer with beside its own. */
function problemsOf({ method, scope, params }: AnyOperation): number[] {
  return [
    ...(scope === null ? [] : [401, 403, 404]),
    ...(params === undefined ? [] : [410]),
    ...(method === "get" ? [] : [400, 409, 410, 413, 415]),
    ...[422, 429, 500, 503],
  ];
}

const KEY = z.object({
  "Idempotency-Key": z.string().max(200).optional().openapi({
    description:
      "1 to 200 visible characters. The same request with the same key is done once and answered alike, for a week.",
    example: "5f0c7b0e-3f5c-4a43-9a83-2f6f3c1a7d55",
  }),
});

/** Writes an operation into the OpenAPI document of `app`. */
export function describeOperation(app: OpenAPIHono, operation: AnyOperation): void {
  const {
    method,
    path,
    id,
    summary,
    description,
    tag,
    scope,
    params,
    query,
    body,
    answer,
    status = 200,
  } = operation;
  const writes = method !== "get";
  const problem = { "application/problem+json": { schema: Problem } };
  const paged = shapeOf(query).before !== undefined;
  app.openAPIRegistry.registerPath({
    method,
    path,
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    security: scope === null ? [] : [{ token: [scope] }],
    request: {
      ...(params === undefined ? {} : { params: params as z.ZodObject }),
      ...(query === undefined ? {} : { query: query as z.ZodObject }),
      ...(writes ? { headers: KEY } : {}),
      ...(body === undefined
        ? {}
        : {
            body: {
              required: !body.safeParse({}).success,
              content: { "application/json": { schema: body, example: operation.example } },
            },
          }),
    },
    responses: {
      [status]: {
        description: answer === undefined ? "Done." : (answer.description ?? summary),
        ...(answer === undefined ? {} : { content: { "application/json": { schema: answer } } }),
        ...(status === 201 ? { headers: z.object({ Location: z.string() }) } : {}),
        ...(paged
          ? {
              headers: z.object({
                Link: z
                  .string()
                  .optional()
                  .openapi({ description: 'The next page, `rel="next"`; none on the last.' }),
              }),
            }
          : {}),
      },
      ...Object.fromEntries(
        [...new Set(problemsOf(operation))].map((status) => [
          status,
          { description: PROBLEMS[status] ?? "", content: problem },
        ]),
      ),
    },
  });
}
