import { AsyncLocalStorage } from "node:async_hooks";
import { EgressError } from "./error.ts";

/** Redirects that one fetch may follow. */
export const MAX_REDIRECTS = 3;

/** One bare `fetch` with its redirects, which undici follows by itself. */
export interface Call {
  /** Of the first hop. */
  origin: string | null;
  /** Whether a redirect has left that origin; credentials stay behind, and do not come back. */
  astray: boolean;
  /** When all hops must have ended, on `performance.now()`'s clock. */
  readonly deadline: number;
}

interface Scope {
  left: number;
  readonly outer: Scope | undefined;
  readonly call: Call | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();

/**
 * Runs something that may send at most so many requests, redirect hops and bare `fetch` included, in whatever it
 * calls or starts. One more fails with `budget`. A budget inside a budget never widens it. For each incoming request
 * and each job: GHSA-97w4 made 12,000 fetches out of one request.
 */
export function withEgressBudget<T>(fetches: number, fn: () => Promise<T>): Promise<T> {
  return scopes.run({ left: fetches, outer: scopes.getStore(), call: undefined }, fn);
}

/** Runs one bare `fetch`: a request and its redirects, with one deadline. */
export function asOneCall<T>(timeout: number, fn: () => Promise<T>): Promise<T> {
  const call: Call = { origin: null, astray: false, deadline: performance.now() + timeout };
  return scopes.run({ left: 1 + MAX_REDIRECTS, outer: scopes.getStore(), call }, fn);
}

/** The bare `fetch` that we are in. */
export function currentCall(): Call | undefined {
  return scopes.getStore()?.call;
}

/**
 * Takes one request from every budget around.
 * @throws EgressError `budget`, or `redirect` when it is one `fetch` that goes on and on
 */
export function spend(): void {
  const innermost = scopes.getStore();
  for (let scope = innermost; scope !== undefined; scope = scope.outer) {
    if (scope.left > 0) continue;
    throw scope.call === undefined
      ? new EgressError("budget", "No fetches are left for this request or job.")
      : new EgressError("redirect", `More than ${MAX_REDIRECTS} redirects.`);
  }
  for (let scope = innermost; scope !== undefined; scope = scope.outer) scope.left -= 1;
}
