/**
 * Something that the person (or server) who asked can understand and mend.
 *
 * `code` is stable and is what interfaces translate (`errors.<code>` in the locales) and APIs return; `field` names the
 * input that is wrong; `details` fill the translated text. `message` is English, for logs and machines, and never carries
 * secrets or anything about other people's data. Whatever is not a DomainError is a fault of ours: 500, logged.
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { field?: string; details?: Record<string, string | number>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.field = options.field;
    this.details = options.details ?? {};
  }
}

/** Every code, with the HTTP status that stands for it. */
export const ERROR_STATUS = {
  invalid: 422,
  required: 422,
  too_long: 422,
  too_short: 422,
  not_a_handle: 422,
  handle_taken: 409,
  handle_reserved: 422,
  email_taken: 409,
  not_an_email: 422,
  password_short: 422,
  password_common: 422,
  wrong_login: 401,
  login_required: 401,
  too_many_attempts: 429,
  forbidden: 403,
  not_found: 404,
  gone: 410,
  already_set_up: 409,
  not_set_up: 503,
  follow_self: 422,
  remote_not_found: 404,
  remote_unreachable: 502,
  remote_invalid: 502,
  not_a_number: 422,
  not_a_date: 422,
  in_the_past: 422,
  minimum_over_available: 422,
  under_committed: 422,
  too_many: 422,
  too_many_payments: 422,
  not_now: 409,
  other_party: 403,
  over_amount: 422,
  under_minimum: 422,
  nothing_arrives: 422,
  over_available: 409,
  stale_proposal: 409,
  proposal_closed: 409,
  own_proposal: 422,
  own_organization: 403,
  reason_required: 422,
  key_reused: 409,
  needs_peering: 422,
  peering_paused: 409,
  stale_quote: 409,
  not_proven: 409,
  not_a_hub: 422,
  own_hub: 422,
  peer_not_settled: 409,
  other_key: 409,
  insufficient_credit: 409,
  fund_empty: 409,
  daily_limit: 409,
  ledger_frozen: 503,
  account_closed: 409,
  conflict: 409,
  limit_in_use: 409,
  organization_needed: 422,
  voucher_too_small: 409,
  voucher_expired: 409,
  voucher_waiting: 409,
  not_reviewable: 409,
  review_over: 409,
  already_reviewed: 409,
  not_verified: 409,
  already_verified: 409,
  already_vouched: 409,
  too_many_vouches: 409,
  over_vouch_max: 422,
  no_free_line: 409,
  vouch_in_use: 409,
  empty_post: 422,
  cross_site: 403,
  too_large: 413,
  too_many_files: 422,
  not_an_image: 422,
  not_a_document: 422,
  busy: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** SQLSTATE classes, postgres.js's own codes, and those of sockets (an embedded database that is gone has no file: ENOENT). */
const PASSING = /^(08|25P|40|53|55|57|58)|^(CONNECTION_|CONNECT_|E[A-Z]+$)/;

/** Was the connection or the server the matter, and not what was to be done? Then the same may succeed in a moment. */
export function isPassing(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ("code" in cause && typeof cause.code === "string" && PASSING.test(cause.code)) return true;
  return false;
}
