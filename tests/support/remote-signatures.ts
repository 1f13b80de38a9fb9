/**
 * HTTP signatures and object proofs as another server would write them: from the specifications, with node:crypto, and
 * nothing of this project, so that the project is not tested with itself.
 */
import { createHash, type KeyObject, sign, verify } from "node:crypto";

export type Scheme = "cavage" | "rfc9421";
export type Headers = Record<string, string>;

export interface Outgoing {
  method: string;
  url: URL;
  headers: Headers;
  body?: Buffer;
}

/** How to sign, and how to sign wrongly. */
export interface Signing {
  scheme: Scheme;
  keyId: string;
  privateKey: KeyObject;
  date: Date;
  /** What is covered, instead of the usual. */
  components?: string[];
  /** Claimed algorithm, instead of the usual. */
  algorithm?: string;
  label?: string;
}

export function sha256(body: Buffer | string): string {
  return createHash("sha256").update(body).digest("base64");
}

/** The headers that make the request a signed one, digest included. */
export function signed(request: Outgoing, signing: Signing): Headers {
  const { url, body } = request;
  const added: Headers = { host: url.host, date: signing.date.toUTCString() };
  if (body !== undefined && signing.scheme === "cavage") added.digest = `SHA-256=${sha256(body)}`;
  if (body !== undefined && signing.scheme === "rfc9421")
    added["content-digest"] = `sha-256=:${sha256(body)}:`;
  const given = { ...added, ...request.headers };
  const signature =
    signing.scheme === "cavage" ? cavage(request, given, signing) : message(request, given, signing);
  return { ...added, ...signature };
}

function cavage(request: Outgoing, headers: Headers, signing: Signing): Headers {
  const { url, method } = request;
  const created = String(Math.floor(signing.date.getTime() / 1000));
  const usual = ["(request-target)", "host", "date", ...(request.body ? ["digest"] : [])];
  const covered = signing.components ?? usual;
  const value = (name: string) => {
    if (name === "(request-target)") return `${method.toLowerCase()} ${url.pathname}${url.search}`;
    return name === "(created)" ? created : headers[name];
  };
  const base = covered.map((name) => `${name}: ${value(name)}`).join("\n");
  const algorithm = signing.algorithm ?? (covered.includes("(created)") ? "hs2019" : "rsa-sha256");
  const parts = [`keyId="${signing.keyId}"`, `algorithm="${algorithm}"`, `headers="${covered.join(" ")}"`];
  if (covered.includes("(created)")) parts.push(`created=${created}`);
  parts.push(`signature="${sign("sha256", Buffer.from(base), signing.privateKey).toString("base64")}"`);
  return { signature: parts.join(",") };
}

function message(request: Outgoing, headers: Headers, signing: Signing): Headers {
  const { url, method } = request;
  const ed25519 = signing.privateKey.asymmetricKeyType === "ed25519";
  const usual = ["@method", "@target-uri", ...(request.body ? ["content-digest"] : [])];
  const covered = signing.components ?? usual;
  const derived: Record<string, string> = {
    "@method": method,
    "@target-uri": url.href,
    "@authority": url.host,
    "@path": url.pathname,
    "@query": url.search || "?",
  };
  const created = Math.floor(signing.date.getTime() / 1000);
  const algorithm = signing.algorithm ?? (ed25519 ? "ed25519" : "rsa-v1_5-sha256");
  const list = covered.map((name) => `"${name}"`).join(" ");
  const parameters = `(${list});created=${created};keyid="${signing.keyId}";alg="${algorithm}"`;
  const lines = covered.map((name) => `"${name}": ${derived[name] ?? headers[name]}`);
  const base = Buffer.from([...lines, `"@signature-params": ${parameters}`].join("\n"));
  const bytes = sign(ed25519 ? null : "sha256", base, signing.privateKey);
  const label = signing.label ?? "sig1";
  return { "signature-input": `${label}=${parameters}`, signature: `${label}=:${bytes.toString("base64")}:` };
}

/** What a verifier needs of a received request. */
export interface Incoming {
  method: string;
  /** Raw path and query. */
  path: string;
  origin: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** What time it is there. */
  now?: number;
}

/** The key id of a signed request, or null. */
export function keyIdOf(headers: Incoming["headers"]): string | null {
  const input = headers["signature-input"];
  if (typeof input === "string") return /;keyid="([^"]+)"/.exec(input)?.[1] ?? null;
  return /(?:^|,)\s*keyId="([^"]+)"/.exec(String(headers.signature ?? ""))?.[1] ?? null;
}

/** What Mastodon would object to in the signature; null when it would accept it. */
export function objection(request: Incoming, publicKey: KeyObject, schemes: Scheme[]): string | null {
  const scheme = request.headers["signature-input"] === undefined ? "cavage" : "rfc9421";
  if (!schemes.includes(scheme)) return `${scheme} is not understood here`;
  return scheme === "cavage" ? cavageObjection(request, publicKey) : messageObjection(request, publicKey);
}

function cavageObjection(request: Incoming, publicKey: KeyObject): string | null {
  const text = String(request.headers.signature ?? "");
  const parameters: Record<string, string> = Object.fromEntries(
    [...text.matchAll(/([A-Za-z]+)="?([^",]*)"?/g)].map((m) => [m[1], m[2]]),
  );
  const covered = (parameters.headers ?? "").split(" ");
  for (const name of ["(request-target)", "host", "date"]) {
    if (!covered.includes(name)) return `the signature does not cover ${name}`;
  }
  if (request.method === "POST") {
    if (!covered.includes("digest")) return "the signature does not cover digest";
    if (request.headers.digest !== `SHA-256=${sha256(request.body)}`) return "the Digest is not the body's";
  }
  if (!recent(request, Date.parse(String(request.headers.date)))) return "the Date is not within 12 hours";
  const base = covered.map((name) =>
    name === "(request-target)"
      ? `${name}: ${request.method.toLowerCase()} ${request.path}`
      : `${name}: ${request.headers[name]}`,
  );
  const bytes = Buffer.from(parameters.signature ?? "", "base64");
  return verify("sha256", Buffer.from(base.join("\n")), publicKey, bytes)
    ? null
    : "the signature does not verify";
}

function messageObjection(request: Incoming, publicKey: KeyObject): string | null {
  const input = /^([a-z0-9]+)=(\(([^)]*)\);[^,]*)$/.exec(String(request.headers["signature-input"]));
  if (input === null) return "Signature-Input is not exactly one signature";
  const [, label = "", parameters = "", list = ""] = input;
  const covered = list.split(" ").map((name) => name.replaceAll('"', ""));
  for (const name of ["@method", "@target-uri"]) {
    if (!covered.includes(name)) return `the signature does not cover ${name}`;
  }
  if (request.method === "POST") {
    if (!covered.includes("content-digest")) return "the signature does not cover content-digest";
    if (request.headers["content-digest"] !== `sha-256=:${sha256(request.body)}:`) {
      return "the Content-Digest is not the body's";
    }
  }
  const created = /;created=(\d+)/.exec(parameters)?.[1];
  if (created === undefined || !recent(request, Number(created) * 1000))
    return "created is not within 12 hours";
  const derived: Record<string, string> = {
    "@method": request.method,
    "@target-uri": request.origin + request.path,
  };
  const lines = covered.map((name) => `"${name}": ${derived[name] ?? request.headers[name]}`);
  const base = Buffer.from([...lines, `"@signature-params": ${parameters}`].join("\n"));
  const signature = new RegExp(`^${label}=:([^:]+):$`).exec(String(request.headers.signature))?.[1];
  if (signature === undefined) return "Signature has not exactly one signature";
  return verify("sha256", base, publicKey, Buffer.from(signature, "base64"))
    ? null
    : "the signature does not verify";
}

function recent({ now = Date.now() }: Incoming, time: number): boolean {
  return Math.abs(now - time) < 12 * 3_600_000;
}
