import { sign } from "node:crypto";
import {
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
import { type BareItem, type InnerList, parseDictionary, serializeInnerList } from "./structured-fields.ts";

/** Signs by RFC 9421 what Mastodon ≥ 4.5 demands: `@method` `@target-uri`, with a body also `content-digest`. */
export function signMessage(request: OutgoingRequest, key: SigningKey, now: Date): Record<string, string> {
  const { url, digest } = request;
  const added: Record<string, string> = {};
  let components = '"@method" "@target-uri"';
  let base = `"@method": ${request.method}\n"@target-uri": ${url.origin}${url.pathname}${url.search}\n`;
  if (digest !== undefined) {
    added["content-digest"] = `sha-256=:${digest.toString("base64")}:`;
    components += ' "content-digest"';
    base += `"content-digest": ${added["content-digest"]}\n`;
  }
  const created = Math.floor(now.getTime() / 1000);
  const parameters = `(${components});created=${created};keyid="${key.id}";alg="rsa-v1_5-sha256"`;
  base += `"@signature-params": ${parameters}`;
  added["signature-input"] = `sig1=${parameters}`;
  added.signature = `sig1=:${sign("sha256", Buffer.from(base), key.privateKey).toString("base64")}:`;
  return added;
}

const ALGORITHMS = new Map<BareItem, "rsa" | "ed25519">([
  ["rsa-v1_5-sha256", "rsa"],
  ["ed25519", "ed25519"],
]);
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** Reads the `Signature-Input` and `Signature` headers of RFC 9421. */
export function parseMessageSignature(
  inputText: string,
  signatureText: string,
  request: IncomingRequest,
  site: Site,
  now: Date,
): ParsedSignature | Refusal {
  const inputs = parseDictionary(inputText);
  const signatures = parseDictionary(signatureText);
  if (inputs === null || signatures === null) {
    return { refused: "the Signature-Input or Signature header is malformed" };
  }
  // Verifiers that take the first, the last or any of several signatures have been talked into the wrong one.
  if (inputs.size !== 1 || signatures.size !== 1)
    return { refused: "the request must have exactly one signature" };
  const [label, input] = [...inputs][0]!;
  const signed = signatures.get(label);
  if (!("items" in input)) return { refused: "the Signature-Input header is malformed" };
  if (signed === undefined || !("value" in signed) || !Buffer.isBuffer(signed.value)) {
    return { refused: "the Signature header has no bytes for the label in Signature-Input" };
  }

  const { parameters } = input;
  const keyId = parameters.get("keyid");
  const created = parameters.get("created");
  const alg = parameters.get("alg");
  if (typeof keyId !== "string" || keyId === "") return { refused: "the signature lacks keyid" };
  if (typeof created !== "number") return { refused: "the signature lacks created" };
  const late = wrongTime(created * 1000, now);
  if (late !== null) return { refused: late };
  if (expired(parameters.get("expires"), now)) return { refused: "the signature has expired" };
  const algorithm = alg === undefined ? null : ALGORITHMS.get(alg);
  if (algorithm === undefined) return { refused: "the signature's alg must be rsa-v1_5-sha256 or ed25519" };

  const covered = new Set<BareItem>();
  const base = messageBase(input, request, site, covered);
  if (typeof base !== "string") return base;
  const body = hasBody(request);
  if (!covered.has("@method")) return { refused: "the signature must cover @method" };
  if (!covered.has("@target-uri") && !(covered.has("@authority") && covered.has("@path"))) {
    return { refused: "the signature must cover @target-uri, or @authority and @path" };
  }
  if (body && !covered.has("content-digest")) return { refused: "the signature must cover content-digest" };

  const digest = body ? contentDigest(header(request, "content-digest")!) : null;
  if (body && digest === null) return { refused: "the Content-Digest header must have a sha-256 value" };
  return {
    scheme: "rfc9421",
    keyId,
    base: Buffer.from(base, "latin1"),
    signature: signed.value,
    algorithm,
    digest,
  };
}

/** The signature base (RFC 9421, 2.5); fills `covered` with the components' names. */
function messageBase(
  input: InnerList,
  request: IncomingRequest,
  site: Site,
  covered: Set<BareItem>,
): string | Refusal {
  if (input.items.length > MAX_COMPONENTS) return { refused: "the signature covers too many components" };
  let base = "";
  for (const { value: name, parameters } of input.items) {
    if (typeof name !== "string" || parameters.size > 0) {
      return { refused: "the signature covers a component of a kind that is not supported" };
    }
    if (covered.has(name)) return { refused: "the signature covers a component twice" };
    covered.add(name);
    const value = componentValue(name, request, site);
    if (value === null) return { refused: `the signature covers ${name}, which the request does not have` };
    base += `"${name}": ${value}\n`;
  }
  return `${base}"@signature-params": ${serializeInnerList(input)}`;
}

function componentValue(name: string, request: IncomingRequest, site: Site): string | null {
  const { path } = request;
  const question = path.indexOf("?");
  switch (name) {
    case "@method":
      return request.method;
    case "@target-uri":
      return site.origin + path;
    case "@authority":
    case "host":
      return site.authority;
    case "@scheme":
      return site.origin.slice(0, site.origin.indexOf(":"));
    case "@request-target":
      return path;
    case "@path":
      return question === -1 ? path : path.slice(0, question);
    case "@query":
      return question === -1 ? "?" : path.slice(question);
    default:
      return FIELD_NAME.test(name) ? header(request, name) : null;
  }
}

function contentDigest(text: string): string | null {
  const digest = parseDictionary(text)?.get("sha-256");
  if (digest === undefined || !("value" in digest) || !Buffer.isBuffer(digest.value)) return null;
  return digest.value.toString("base64");
}
