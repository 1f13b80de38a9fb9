import { errors } from "undici";

export type EgressErrorCode =
  /** The address is special (private, loopback, …) and not allow-listed, or plain http was asked of a public one. */
  | "forbidden_address"
  | "invalid_url"
  | "timeout"
  /** More bytes, headers or inflated bytes than allowed. */
  | "too_large"
  | "bad_content_type"
  /** Too many redirects, one without a usable target, or one that leaves the origin where it must not. */
  | "redirect"
  /** The request or job that we work for has used up its fetches. */
  | "budget"
  /** No connection, a broken one, or something that is not HTTP. */
  | "unreachable"
  /** An answer outside of 200–299; `status` and `retryAfter` say more. */
  | "status"
  | "invalid_json";

/** Why an outgoing request came to nothing. A bare `fetch` rejects with a TypeError that has this as its `cause`. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  readonly code: EgressErrorCode;
  readonly status: number | null;
  readonly retryAfter: Date | null;

  constructor(
    code: EgressErrorCode,
    message: string,
    details: { status?: number; retryAfter?: Date | null; cause?: unknown } = {},
  ) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.status = details.status ?? null;
    this.retryAfter = details.retryAfter ?? null;
  }
}

/** What undici, net and tls throw, in our terms. */
export function asEgressError(error: unknown): EgressError {
  if (error instanceof EgressError) return error;
  const message = describe(error);
  if (
    error instanceof errors.ConnectTimeoutError ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError
  ) {
    return new EgressError("timeout", message, { cause: error });
  }
  if (error instanceof errors.HeadersOverflowError)
    return new EgressError("too_large", message, { cause: error });
  if (error instanceof errors.InvalidArgumentError)
    return new EgressError("invalid_url", message, { cause: error });
  return new EgressError("unreachable", message, { cause: error });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "") return error.message;
  // Node's AggregateError of all addresses that were tried has only a code.
  return "code" in error ? String(error.code) : error.name;
}
