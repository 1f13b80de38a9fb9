import { type Dispatcher, Pool } from "undici";
import { parsePair } from "./addresses.ts";
import { spend } from "./budget.ts";
import { closedWhileIdle, createConnector } from "./connector.ts";
import { asEgressError, EgressError } from "./error.ts";
import { outgoingHeaders } from "./headers.ts";
import { type Resolve, resolveName } from "./names.ts";

/** Milliseconds that one request with all its redirects may take, unless its caller says less. */
export const TIMEOUT = 10_000;

/** Connections to one origin, and origins that may hold connections: the oldest of more is closed when it has done. */
const CONNECTIONS = 8;
const ORIGINS = 1_024;

export interface Terms {
  /** Of the body as it comes over the wire. */
  readonly bytes: number;
  /** Milliseconds from now to the end of the body. */
  readonly timeout: number;
  /** False keeps signatures and the like back. */
  readonly identity: boolean;
  /** Whether the body may come compressed; its receiver then counts what it inflates to. */
  readonly compressed: boolean;
  /** Whether to send again when a kept connection turns out to be closed; the body must be one that can be. */
  readonly again: boolean;
}

export interface Transport {
  /** Adds `address:port` pairs to those that may be reached although they are not public. */
  allow(pairs: readonly string[]): void;
  /** Sets the User-Agent of requests that bring none. */
  introduce(userAgent: string): void;
  /**
   * Sends a request to an origin that `checkUrl` has read, within its terms and all budgets. Failures go to the handler's
   * `onResponseError`: an EgressError, or the reason for which the handler itself aborted.
   * @throws EgressError `budget`, `redirect`
   */
  send(
    origin: string,
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
    terms: Terms,
  ): boolean;
}

/** Makes connections and keeps them. `resolve` is for tests: which addresses a name has. */
export function createTransport(resolve: Resolve = resolveName): Transport {
  const allowed = new Set<string>();
  const connect = createConnector(allowed, resolve);
  const pools = new Map<string, Pool>();
  let userAgent = "Ayni";

  function poolOf(origin: string): Pool {
    const known = pools.get(origin);
    if (known !== undefined) {
      pools.delete(origin);
      pools.set(origin, known);
      return known;
    }
    const pool = new Pool(origin, {
      connect,
      connections: CONNECTIONS,
      allowH2: false,
      maxHeaderSize: 16_384,
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT,
      keepAliveTimeout: 15_000,
      keepAliveMaxTimeout: 60_000,
    });
    pools.set(origin, pool);
    if (pools.size > ORIGINS) closeOldest();
    return pool;
  }

  function closeOldest(): void {
    for (const [origin, pool] of pools) {
      pools.delete(origin);
      void pool.close();
      return;
    }
  }

  return {
    allow(pairs) {
      for (const pair of pairs) allowed.add(parsePair(pair));
    },
    introduce(name) {
      userAgent = name;
    },
    send(origin, request, handler, terms) {
      spend();
      const headers = outgoingHeaders(request.headers, userAgent, terms.identity);
      if (!terms.compressed) headers["accept-encoding"] = "identity";
      const outgoing = { ...request, origin, headers };
      const bounded = new Bounded(handler, terms, () => poolOf(origin).dispatch(outgoing, bounded));
      return poolOf(origin).dispatch(outgoing, bounded);
    },
  };
}

type Controller = Dispatcher.DispatchController;
type Fields = Record<string, string | string[] | undefined>;

/** Passes on to another handler what comes, while it keeps to its terms. */
class Bounded implements Dispatcher.DispatchHandler {
  readonly #inner: Dispatcher.DispatchHandler;
  readonly #compressed: boolean;
  readonly #timer: NodeJS.Timeout;
  #sendAgain: (() => void) | null;
  #bytesLeft: number;
  #controller: Controller | null = null;
  #ended = false;

  constructor(inner: Dispatcher.DispatchHandler, terms: Terms, sendAgain: () => void) {
    this.#inner = inner;
    this.#bytesLeft = terms.bytes;
    this.#compressed = terms.compressed;
    this.#sendAgain = terms.again ? sendAgain : null;
    this.#timer = setTimeout(expire, Math.max(terms.timeout, 1), this);
  }

  onRequestStart(controller: Controller, context: unknown): void {
    // Thrown, not aborted: it has only waited for its turn, and the connection is good for the next.
    if (this.#ended) throw new EgressError("timeout", "Nobody waits for this any more.");
    this.#controller = controller;
    this.#inner.onRequestStart?.(controller, context);
  }

  onResponseStart(controller: Controller, status: number, headers: Fields, statusMessage?: string): void {
    const coding = headers["content-encoding"] ?? "identity";
    if (!this.#compressed && coding !== "identity") {
      throw new EgressError("bad_content_type", `Asked for no compression and got ${coding}.`);
    }
    this.#inner.onResponseStart?.(controller, status, headers, statusMessage);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#bytesLeft -= chunk.length;
    if (this.#bytesLeft < 0) controller.abort(new EgressError("too_large", "The body is too large."));
    else this.#inner.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Controller, trailers: Fields): void {
    this.#end();
    this.#inner.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Controller, error: Error): void {
    if (this.#ended) return;
    if (this.#sendAgain !== null && closedWhileIdle(error)) {
      queueMicrotask(this.#sendAgain);
      this.#sendAgain = null;
      this.#controller = null;
      return;
    }
    this.#end();
    // undici gives none for what failed before it began. A reason is its receiver's own, for an abort.
    const reason = (controller as Controller | null)?.reason;
    this.#inner.onResponseError?.(controller, reason === error ? error : asEgressError(error));
  }

  onResponseStarted(): void {
    this.#sendAgain = null;
    this.#inner.onResponseStarted?.();
  }

  onBodySent(chunk: Buffer): void {
    this.#inner.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#inner.onRequestSent?.();
  }

  expire(): void {
    const error = new EgressError("timeout", "The answer took too long.");
    if (this.#controller !== null) this.#controller.abort(error);
    else this.onResponseError(abortedBefore(error), error);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

function expire(bounded: Bounded): void {
  bounded.expire();
}

/** The controller of a request that was given up before undici made one. */
function abortedBefore(reason: Error): Controller {
  return { aborted: true, paused: false, reason, abort() {}, pause() {}, resume() {} };
}
