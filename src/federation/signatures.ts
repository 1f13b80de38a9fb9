import { type KeyObject, verify } from "node:crypto";
import { parseCavage, signCavage } from "./signatures/cavage.ts";
import {
  header,
  type IncomingRequest,
  type OutgoingRequest,
  type ParsedSignature,
  type Refusal,
  type SigningKey,
  type Site,
} from "./signatures/common.ts";
import { parseMessageSignature, signMessage } from "./signatures/rfc9421.ts";
import { MAX_HEADER } from "./signatures/structured-fields.ts";

export type { IncomingRequest, OutgoingRequest, ParsedSignature, Refusal, SigningKey, Site };

/** HTTP signatures: draft-cavage-http-signatures-12, and RFC 9421 with the digest of RFC 9530. */
export type SignatureScheme = ParsedSignature["scheme"];

/**
 * Signs a request and returns the headers to add to it. Runs once per recipient, so it does nothing that could be done once
 * per activity.
 *
 * cavage covers `(request-target) host date`, with a body also `digest content-type`; rfc9421 covers what Mastodon ≥ 4.5
 * demands: `@method` `@target-uri`, with a body also `content-digest`, one signature, `created`.
 */
export function signRequest(
  scheme: SignatureScheme,
  request: OutgoingRequest,
  key: SigningKey,
  now: Date,
): Record<string, string> {
  return scheme === "cavage" ? signCavage(request, key, now) : signMessage(request, key, now);
}

/**
 * Reads the signature of a request and checks everything that can be checked without the key and the body: what it covers,
 * when it was made, that it is one signature. The signature base takes authority and scheme from `site`, never from the
 * client.
 */
export function parseSignature(request: IncomingRequest, site: Site, now: Date): ParsedSignature | Refusal {
  const signature = header(request, "signature");
  const input = header(request, "signature-input");
  if (signature === null) return { refused: "the request is not signed" };
  if (signature.length > MAX_HEADER || (input?.length ?? 0) > MAX_HEADER)
    return { refused: "the signature is too long" };
  return input === null
    ? parseCavage(signature, request, site, now)
    : parseMessageSignature(input, signature, request, site, now);
}

/** Whether the signature was made by this key and for this body. `bodySha256` is null when the request has no body. */
export function verifySignature(
  parsed: ParsedSignature,
  publicKey: KeyObject,
  bodySha256: Buffer | null,
): boolean {
  if (parsed.digest !== null && parsed.digest !== bodySha256?.toString("base64")) return false;
  if (publicKey.asymmetricKeyType === "rsa") {
    return parsed.algorithm !== "ed25519" && verify("sha256", parsed.base, publicKey, parsed.signature);
  }
  if (publicKey.asymmetricKeyType === "ed25519") {
    return (
      parsed.scheme === "rfc9421" &&
      parsed.algorithm !== "rsa" &&
      verify(null, parsed.base, publicKey, parsed.signature)
    );
  }
  return false;
}
