import { DomainError } from "../errors.ts";

/** Characters of a name and of what somebody says about themselves. */
export const NAME_MAX = 100;
export const SUMMARY_MAX = 1000;

/** Handles that addresses or people would mistake for something else. `hub` is the hub's own actor. */
const RESERVED = new Set([
  "hub",
  "admin",
  "administrator",
  "root",
  "system",
  "support",
  "moderator",
  "everyone",
  "all",
  "me",
  "ayni",
]);

/**
 * A handle as it is stored: letters, digits and underscores of ASCII, 2 to 30, lower case. Nothing else, so that no
 * handle can look like another one (homographs) and every server on the network accepts it.
 *
 * @throws DomainError required, not_a_handle, handle_reserved
 */
export function checkHandle(text: string, field = "handle"): string {
  const handle = text.trim().replace(/^@/, "").toLowerCase();
  if (handle === "") throw new DomainError("required", "a handle is required", { field });
  if (!/^[a-z0-9_]{2,30}$/.test(handle)) {
    throw new DomainError("not_a_handle", "a handle has 2 to 30 letters a–z, digits or underscores", {
      field,
    });
  }
  if (RESERVED.has(handle))
    throw new DomainError("handle_reserved", `the handle ${handle} is reserved`, { field });
  return handle;
}

/** `@name@host`, `name@host` or `acct:name@host`; null when the text is not a full handle. */
export function parseHandle(text: string): { name: string; host: string } | null {
  const match = /^(?:acct:)?@?([^@\s/]{1,128})@([^@\s/?#]{1,253})$/.exec(text.trim());
  if (match === null) return null;
  const [, name, host] = match as unknown as [string, string, string];
  // The URL parser normalizes what people type: upper case, IDN, default port.
  const url = URL.parse(`https://${host}`);
  if (url === null || url.host === "" || url.pathname !== "/") return null;
  return { name, host: url.host };
}
