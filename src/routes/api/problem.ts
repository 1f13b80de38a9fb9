import { z } from "@hono/zod-openapi";
import { getLogger } from "@logtape/logtape";
import type { Context } from "hono";
import { DomainError, ERROR_STATUS, type ErrorCode, isPassing } from "../../domain/errors.ts";

const logger = getLogger(["ayni", "api"]);

/** What can be wrong with a request before it reaches a command. */
export const API_ERRORS = {
  malformed_json: 400,
  token_required: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  unknown_address: 404,
  method_not_allowed: 405,
  unsupported_media_type: 415,
  fault: 500,
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** A request that the API cannot take. `extra` are members of the problem. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly extra: Readonly<Record<string, string>>;

  constructor(code: ApiErrorCode, message: string, extra: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.extra = extra;
  }
}

/** Every code that an answer may carry, with its status. */
export const PROBLEM_STATUS: Readonly<Record<ApiErrorCode | ErrorCode, number>> = {
  ...API_ERRORS,
  ...ERROR_STATUS,
};

/** RFC 9457. Members beyond these belong to the code: `available`, `max`, `minimum`, `scope` … */
export const Problem = z
  .looseObject({
    type: z.string().openapi({ description: "What the code means, for people." }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ description: "Stable: what programs decide by." }),
    detail: z.string(),
    field: z
      .string()
      .optional()
      .openapi({ description: "Which part of the body, the path or the query is wrong: `amount.value`." }),
  })
  .openapi("Problem", {
    description: "What is wrong, by RFC 9457. Members beyond these belong to the code.",
    example: {
      type: "https://hub.example/api/ayni/v1#problem-insufficient_credit",
      title: "Insufficient credit",
      status: 409,
      code: "insufficient_credit",
      detail: "the ledger refuses this transfer",
      available: "12.5 ₳",
    },
  });

/** Every error becomes a problem here, once. What is neither ours nor the domain's is a fault: logged, and told without details. */
export function problem(c: Context, base: string, error: unknown): Response {
  const { code, detail, extra } = known(c, error);
  const status = PROBLEM_STATUS[code];
  if (status === 401 || code === "insufficient_scope")
    c.header("WWW-Authenticate", challenge(code, extra.scope));
  if (status === 429 || status === 503) c.header("Retry-After", String(60 * Number(extra.minutes ?? 1)));
  if (code === "method_not_allowed") c.header("Allow", String(extra.allow));
  const body = { ...extra, type: `${base}#problem-${code}`, title: titleOf(code), status, code, detail };
  return c.body(JSON.stringify(body), status as 400, { "content-type": "application/problem+json" });
}

interface Known {
  code: ApiErrorCode | ErrorCode;
  detail: string;
  extra: Readonly<Record<string, string | number>>;
}

function known(c: Context, error: unknown): Known {
  if (error instanceof ApiError) return { code: error.code, detail: error.message, extra: error.extra };
  if (error instanceof DomainError) {
    const { code, field, details } = error;
    return { code, detail: error.message, extra: field === undefined ? details : { ...details, field } };
  }
  logger.error("{method} {path} failed: {error}", { method: c.req.method, path: c.req.path, error });
  if (isPassing(error)) return { code: "busy", detail: "the hub cannot answer at the moment", extra: {} };
  return { code: "fault", detail: "the hub has a fault", extra: {} };
}

/** RFC 6750, section 3. Who sent no token at all is told no error. */
function challenge(code: string, scope: unknown): string {
  if (code === "invalid_token") return 'Bearer error="invalid_token"';
  return code === "insufficient_scope" ? `Bearer error="insufficient_scope", scope="${scope}"` : "Bearer";
}

/** "insufficient_credit" as "Insufficient credit": the same for every occurrence. */
function titleOf(code: string): string {
  const words = code.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The first thing that a schema finds wrong, as the domain says such things. @param at where in the request it was */
export function toDomainError(error: z.ZodError, at: "body" | "path" | "query"): DomainError {
  const { issue, path } = innermost(error);
  if (issue.code === "unrecognized_keys") path.push(issue.keys[0] ?? "");
  const missing = issue.code === "invalid_type" && /received undefined$/.test(issue.message);
  const tooLong = issue.code === "too_big" && issue.origin === "string";
  // Field names of strangers may be as long as they like.
  const field = path.join(".").slice(0, 200).toWellFormed();
  const told = missing ? "a value is required" : issue.message.slice(0, 300).toWellFormed();
  return new DomainError(missing ? "required" : tooLong ? "too_long" : "invalid", `${at}: ${told}`, {
    field: field === "" ? at : field,
    ...(tooLong ? { details: { max: Number(issue.maximum) } } : {}),
  });
}

/** Of several possibilities the first is meant; the others are ways to leave it out. */
function innermost(error: z.ZodError): { issue: z.core.$ZodIssue; path: string[] } {
  let issue = error.issues[0] as z.core.$ZodIssue;
  const path = issue.path.map(String);
  for (let inner = first(issue); inner !== undefined; inner = first(issue)) {
    issue = inner;
    path.push(...issue.path.map(String));
  }
  return { issue, path };
}

function first(issue: z.core.$ZodIssue): z.core.$ZodIssue | undefined {
  return issue.code === "invalid_union" ? issue.errors[0]?.[0] : undefined;
}
