import type { KeyObject } from "node:crypto";
import type { BareItem } from "./structured-fields.ts";

export interface OutgoingRequest {
  method: string;
  url: URL;
  /** Names in lower case. With a body `content-type` is required, because it is signed. */
  headers: Record<string, string>;
  /** SHA-256 of the body, computed once per activity; absent when there is no body. */
  digest?: Buffer;
}

export interface SigningKey {
  /** The iri under which the actor lists the key. */
  id: string;
  /** RSA: the only kind that everybody accepts for HTTP. */
  privateKey: KeyObject;
}

/** What was received. `path` is the raw path and query of the request line. */
export interface IncomingRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
}

/** Where this hub is: signatures must have been made for this address, whatever the request says about itself. */
export interface Site {
  /** `https://hub.example` */
  origin: string;
  /** `hub.example`, with a port where the origin has one. */
  authority: string;
}

/** A signature that keeps every rule but has not been verified: that takes the key and the body's hash. */
export interface ParsedSignature {
  scheme: "cavage" | "rfc9421";
  keyId: string;
  /** The bytes that were signed. */
  base: Buffer;
  signature: Buffer;
  /** What the signature says about its algorithm; null when it leaves that to the key. */
  algorithm: "rsa" | "ed25519" | null;
  /** SHA-256 of the body in base64, as signed; null for requests without a body. */
  digest: string | null;
}

/** Why a request is not acceptable; the text may be shown to whoever sent it. */
export interface Refusal {
  refused: string;
}

const MAX_AGE = 12 * 3_600_000;
const MAX_SKEW = 3_600_000;
/** Most headers or components that a signature may cover. */
export const MAX_COMPONENTS = 30;

export function hasBody(request: IncomingRequest): boolean {
  return request.method !== "GET" && request.method !== "HEAD";
}

export function header(request: IncomingRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === "string" ? value : null;
}

export function wrongTime(time: number, now: Date): string | null {
  if (Number.isNaN(time)) return "the signature's time is malformed";
  if (time < now.getTime() - MAX_AGE) return "the signature is more than 12 hours old";
  if (time > now.getTime() + MAX_SKEW) return "the signature is from more than an hour in the future";
  return null;
}

export function expired(expires: BareItem | undefined, now: Date): boolean {
  return expires !== undefined && !(Number(expires) * 1000 >= now.getTime());
}

export function decodeBase64(text: string): Buffer | null {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : null;
}
