import type { Dispatcher } from "undici";

type Headers = NonNullable<Dispatcher.DispatchOptions["headers"]>;

/** What only the first origin may see; undici's `fetch` itself takes only the first three off at a redirect. */
const CREDENTIALS = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "signature",
  "signature-input",
]);

/** What undici's `fetch` says when nobody says better. */
const NO_NAMES = new Set(["node", "undici"]);

/**
 * The headers of a request as they leave: names in lower case, a User-Agent in all (GoToSocial answers 418 without), no
 * Host, for that is the URL's, and another name there would also be the one that TLS asks for.
 * @param identity drops what identifies us when it is false
 */
export function outgoingHeaders(
  headers: Headers | undefined | null,
  userAgent: string,
  identity: boolean,
): Record<string, string | string[]> {
  const outgoing: Record<string, string | string[]> = { "user-agent": userAgent };
  for (const [given, value] of entries(headers ?? {})) {
    const name = given.toLowerCase();
    if (value === undefined || name === "host" || (!identity && CREDENTIALS.has(name))) continue;
    if (name === "user-agent" && NO_NAMES.has(String(value))) continue;
    outgoing[name] = typeof value === "number" ? String(value) : value;
  }
  return outgoing;
}

/** All shapes in which undici takes headers. */
function entries(headers: Headers): Iterable<[string, string | string[] | number | undefined]> {
  if (Array.isArray(headers) && headers.every((item) => typeof item === "string")) {
    return headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : []));
  }
  if (Symbol.iterator in headers) return headers as Iterable<[string, string | string[] | undefined]>;
  return Object.entries(headers);
}

/**
 * The moment of a Retry-After header, in seconds or as a date (RFC 9110, 10.2.3); null when there is none that can be
 * read. It is what the other host wishes: whoever waits for it sets a limit.
 */
export function retryAfter(value: string | string[] | undefined): Date | null {
  if (typeof value !== "string") return null;
  const moment = /^\d{1,8}$/.test(value) ? Date.now() + Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(moment) ? null : new Date(moment);
}

/**
 * Whether a Content-Type is one of ActivityStreams (ActivityPub, 3.2): nothing else may be trusted as such a document, or
 * whoever can upload a file to a host speaks for its actors (GHSA-jhrq).
 */
export function isActivityStreams(contentType: string): boolean {
  const [essence = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  if (essence.toLowerCase() === "application/activity+json") return true;
  if (essence.toLowerCase() !== "application/ld+json") return false;
  return parameters.some((parameter) => {
    const [, profiles] = /^profile\s*=\s*"?([^"]*)"?$/i.exec(parameter) ?? [];
    return profiles?.split(" ").includes("https://www.w3.org/ns/activitystreams") ?? false;
  });
}

/** Whether a Content-Type is JSON or of its family (RFC 6839). */
export function isJson(contentType: string): boolean {
  const [essence = ""] = contentType.split(";");
  return /^application\/(json|[\w.-]+\+json)$/i.test(essence.trim());
}
