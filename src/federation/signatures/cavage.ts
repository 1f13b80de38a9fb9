import { sign } from "node:crypto";
import {
  decodeBase64,
  expired,
  hasBody,
  header,
  type IncomingRequest,
  MAX_COMPONENTS,
  type OutgoingRequest,
  type ParsedSignature,
  type Refusal,
  type SigningKey,
  type Site,
  wrongTime,
} from "./common.ts";

/** Signs by draft-cavage-http-signatures-12: `(request-target) host date`, with a body also `digest content-type`. */
export function signCavage(request: OutgoingRequest, key: SigningKey, now: Date): Record<string, string> {
  const { url, digest } = request;
  const added: Record<string, string> = { host: url.host, date: now.toUTCString() };
  let names = "(request-target) host date";
  let base = `(request-target): ${request.method.toLowerCase()} ${url.pathname}${url.search}\nhost: ${added.host}\ndate: ${added.date}`;
  if (digest !== undefined) {
    added.digest = `SHA-256=${digest.toString("base64")}`;
    names += " digest content-type";
    base += `\ndigest: ${added.digest}\ncontent-type: ${request.headers["content-type"]}`;
  }
  const signature = sign("sha256", Buffer.from(base), key.privateKey).toString("base64");
  added.signature = `keyId="${key.id}",algorithm="rsa-sha256",headers="${names}",signature="${signature}"`;
  return added;
}

const CAVAGE_PARAMETER =
  /[ \t]*([A-Za-z]+)=(?:"([\x20\x21\x23-\x5b\x5d-\x7e]*)"|([0-9]{1,15}))[ \t]*(?:,|$)/y;

/** The parameters of a cavage signature; null when malformed or when one occurs twice (a second signature, for example). */
function cavageParameters(text: string): Map<string, string> | null {
  const parameters = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    CAVAGE_PARAMETER.lastIndex = at;
    const match = CAVAGE_PARAMETER.exec(text);
    if (match === null || parameters.has(match[1]!)) return null;
    parameters.set(match[1]!, match[2] ?? match[3]!);
    at = CAVAGE_PARAMETER.lastIndex;
  }
  return parameters;
}

/** Reads a `Signature` header of draft-cavage-http-signatures-12. */
export function parseCavage(
  text: string,
  request: IncomingRequest,
  site: Site,
  now: Date,
): ParsedSignature | Refusal {
  const parameters = cavageParameters(text);
  if (parameters === null) return { refused: "the Signature header is malformed" };
  const keyId = parameters.get("keyId");
  const base64 = parameters.get("signature");
  if (!keyId || !base64) return { refused: "the Signature header lacks keyId or signature" };
  const algorithm = parameters.get("algorithm") ?? "hs2019";
  if (algorithm !== "rsa-sha256" && algorithm !== "hs2019") {
    return { refused: "the signature's algorithm must be rsa-sha256 or hs2019" };
  }
  const signature = decodeBase64(base64);
  if (signature === null) return { refused: "the signature is not base64" };

  const names = (parameters.get("headers") ?? "").toLowerCase().split(" ");
  if (names.length > MAX_COMPONENTS) return { refused: "the signature covers too many headers" };
  const covered = new Set(names);
  if (covered.size !== names.length) return { refused: "the signature covers a header twice" };
  const body = hasBody(request);
  if (!covered.has("(request-target)") || !covered.has("host")) {
    return { refused: "the signature must cover (request-target) and host" };
  }
  if (!covered.has("date") && !covered.has("(created)")) {
    return { refused: "the signature must cover date or (created)" };
  }
  if (body && !covered.has("digest")) return { refused: "the signature must cover digest" };

  const lines: string[] = [];
  for (const name of names) {
    const value = cavageValue(name, request, site, parameters, algorithm);
    if (value === null) return { refused: `the signature covers ${name}, which the request does not have` };
    lines.push(`${name}: ${value}`);
  }

  if (covered.has("date")) {
    const reason = wrongTime(httpDate(header(request, "date")!), now);
    if (reason !== null) return { refused: reason };
  }
  if (covered.has("(created)")) {
    const reason = wrongTime(Number(parameters.get("created")) * 1000, now);
    if (reason !== null) return { refused: reason };
  }
  if (expired(parameters.get("expires"), now)) return { refused: "the signature has expired" };

  const digest = body ? cavageDigest(header(request, "digest")!) : null;
  if (body && digest === null) return { refused: "the Digest header must have one SHA-256 value" };
  return {
    scheme: "cavage",
    keyId,
    base: Buffer.from(lines.join("\n"), "latin1"),
    signature,
    algorithm: "rsa",
    digest,
  };
}

function cavageValue(
  name: string,
  request: IncomingRequest,
  site: Site,
  parameters: Map<string, string>,
  algorithm: string,
): string | null {
  switch (name) {
    case "(request-target)":
      return `${request.method.toLowerCase()} ${request.path}`;
    case "host":
      return site.authority;
    case "(created)":
    case "(expires)": {
      // The draft (2.3) forbids both with the older algorithm names.
      const value = algorithm === "hs2019" ? parameters.get(name.slice(1, -1)) : undefined;
      return value !== undefined && /^[0-9]{1,15}$/.test(value) ? value : null;
    }
    default:
      return header(request, name);
  }
}

/** The one SHA-256 of a Digest header (RFC 3230) in base64; other algorithms beside it are not looked at. */
function cavageDigest(text: string): string | null {
  let found: string | null = null;
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    if (part.slice(0, equals).trim().toLowerCase() !== "sha-256") continue;
    if (found !== null) return null;
    found = part.slice(equals + 1).trim();
  }
  return found;
}

const HTTP_DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/** Milliseconds of an HTTP date in its one current form (RFC 9110, 5.6.7); NaN for everything else. */
function httpDate(text: string): number {
  return HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
}
