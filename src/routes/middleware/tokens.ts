import type { Context } from "hono";
import { type TokenAccount, tokenAccount } from "../../domain/accounts/queries.ts";
import type { TokenScope } from "../../domain/accounts/rules.ts";
import type { Ctx } from "../../domain/context.ts";
import { throttle } from "../../domain/throttle.ts";
import { ApiError } from "../api/problem.ts";

const MINUTE = 60;
/** Requests per minute of one token, and of one address without a token that is known. */
const REQUESTS = 300;
const WRITES = 60;
const STRANGERS = 120;

/**
 * Who asks, by a bearer token (RFC 6750) that may do what the route is for. Nothing else identifies anybody here: a cookie that a
 * browser sends along is not looked at.
 *
 * @throws ApiError token_required, invalid_token, insufficient_scope; DomainError too_many_attempts
 */
export async function bearer(
  ctx: Ctx,
  c: Context,
  address: string,
  need: { scope: TokenScope; writes: boolean },
): Promise<TokenAccount> {
  const header = c.req.header("authorization");
  const secret = /^Bearer +([A-Za-z0-9._~+/-]{1,200}=*)$/i.exec(header ?? "")?.[1];
  const token = secret === undefined ? null : await tokenAccount(ctx, secret);
  if (token === null) {
    await throttle(ctx, `api:${address}`, STRANGERS, MINUTE);
    if (header === undefined) throw new ApiError("token_required", "a bearer token is required");
    throw new ApiError(
      "invalid_token",
      "the token is unknown, was revoked, or may no longer act for its actor",
    );
  }
  await throttle(ctx, `api:${token.id}`, REQUESTS, MINUTE);
  if (need.writes) await throttle(ctx, `api:${token.id}:writes`, WRITES, MINUTE);
  if (!token.scopes.includes(need.scope))
    throw new ApiError("insufficient_scope", `the token does not have the scope ${need.scope}`, {
      scope: need.scope,
    });
  return token;
}

/** What everybody may read still costs something. @throws DomainError too_many_attempts */
export function countStranger(ctx: Ctx, address: string): Promise<void> {
  return throttle(ctx, `api:${address}`, STRANGERS, MINUTE);
}
