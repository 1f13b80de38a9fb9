import { DomainError } from "../errors.ts";

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 256;

/** What the JSON API of the exchange asks for. */
export const EXCHANGE_SCOPES = ["exchange:read", "exchange:write", "ledger:read", "ledger:write"] as const;
export type ExchangeScope = (typeof EXCHANGE_SCOPES)[number];

/** What a bearer token may allow. */
export const TOKEN_SCOPES = ["read", "write", "follow", "push", ...EXCHANGE_SCOPES] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** The scopes that are named, each once. @throws DomainError invalid when there are none, or one is not known */
export function checkScopes(names: readonly string[]): TokenScope[] {
  const scopes = TOKEN_SCOPES.filter((scope) => names.includes(scope));
  if (scopes.length === 0 || names.some((name) => !TOKEN_SCOPES.some((known) => known === name)))
    throw new DomainError("invalid", `scopes are of: ${TOKEN_SCOPES.join(" ")}`, { field: "scopes" });
  return scopes;
}

/** An e-mail address, lower case. Only what no mail system could deliver is refused. @throws DomainError */
export function checkEmail(text: string, field = "email"): string {
  const email = text.trim().toLowerCase();
  if (email === "") throw new DomainError("required", "an e-mail address is required", { field });
  if (email.length > 254 || !/^[^\s@<>"\p{Cc}]+@[^\s@<>"\p{Cc}]+$/u.test(email)) {
    throw new DomainError("not_an_email", "this is not an e-mail address", { field });
  }
  return email;
}

/**
 * Long rather than complicated (ASVS 6.2): 12 characters or more, no rules of composition, and not made of the words that
 * anybody would try first: the person's own and the hub's, or one thing repeated.
 *
 * @throws DomainError password_short, password_common, too_long
 */
export function checkPassword(password: string, context: readonly string[], field = "password"): string {
  const length = [...password].length;
  if (length < PASSWORD_MIN) {
    throw new DomainError("password_short", `a password has ${PASSWORD_MIN} characters or more`, {
      field,
      details: { min: PASSWORD_MIN },
    });
  }
  if (length > PASSWORD_MAX) {
    throw new DomainError("too_long", "this password is too long", {
      field,
      details: { max: PASSWORD_MAX, length },
    });
  }
  let rest = password.toLowerCase();
  for (const word of [
    ...context,
    "password",
    "contraseña",
    "qwerty",
    "ayni",
    "1234567890",
    "0123456789",
    "abcdefgh",
  ]) {
    for (const part of word.toLowerCase().split(/[@.\s]+/)) {
      if (part.length >= 3) rest = rest.replaceAll(part, "");
    }
  }
  if (new Set(rest).size < 4) {
    throw new DomainError("password_common", "this password is easy to guess", { field });
  }
  return password;
}
