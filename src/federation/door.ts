import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type BlockList, isIPv6 } from "node:net";
import { getLogger } from "@logtape/logtape";
import { type Envelope, iriOf, isObject, parseIri, readEnvelope } from "./envelope.ts";
import type { KeyStore, PublicKey } from "./keys.ts";
import { verifyProof } from "./proofs.ts";
import { type ParsedSignature, parseSignature, type Site, verifySignature } from "./signatures.ts";

/** An activity that is really from its actor: kept byte for byte, worked on later. */
export interface AcceptedActivity {
  body: string;
  /** Iri of the actor who signed, which is the activity's actor. */
  signer: string;
  keyId: string;
  received: Date;
  /** Snowflake of the actor whose inbox it was sent to; null for the shared inbox. */
  recipient: string | null;
}

/** What a third party passed on. Nothing in it is proven: it only says where the truth may be asked for. */
export interface ForwardedActivity {
  type: "Create" | "Update" | "Delete";
  id: string;
  actor: string;
  /** Iri of the public object, on its actor's origin: to be fetched from there, signed and within a budget. */
  object: string;
  inReplyTo: string | null;
  /** Iri of the actor who passed it on. */
  forwarder: string;
}

export interface DoorOptions {
  /** `AYNI_ORIGIN` */
  origin: string;
  /** Proxies whose X-Forwarded-Host is believed. */
  trustProxy: BlockList;
  keys: KeyStore;
  /** Commits the activity. What it rejects with is answered 503, so that the sender comes back. */
  accept(activity: AcceptedActivity): Promise<void>;
  /** Queues a re-fetch of a forwarded object if it belongs to a thread known here; everything else is its to drop. */
  refetch(activity: ForwardedActivity): Promise<void>;
  now(): Date;
  /** Whether http ids are acceptable at this address (`AYNI_EGRESS_ALLOW`). */
  allowHttp(url: URL): boolean;
}

export interface DoorRequest {
  method: string;
  /** As in the request line. */
  rawUrl: string;
  headers: IncomingHttpHeaders;
  body: AsyncIterable<Buffer>;
  remoteAddress: string | undefined;
}

export interface DoorAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const log = getLogger(["ayni", "federation", "door"]);

const HOUR = 3_600_000;
/** Oldest proof that stands instead of its owner's signature. */
const PROOF_AGE = 14 * 24 * HOUR;
/** Largest body in bytes (Mastodon's limit). */
const MAX_BODY = 1_048_576;
const INBOX = /^(?:\/inbox|\/actors\/([1-9][0-9]{0,18})\/inbox)$/;
export const CONTENT_TYPES: ReadonlySet<string> = new Set([
  "application/activity+json",
  "application/ld+json",
  "application/json",
]);

/**
 * The inbox's front door: everything between an open socket and "this activity is from this actor". Refuses by status and
 * reason, answers 202 once `accept` has committed. It parses JSON once and never JSON-LD; an LD signature grants nothing.
 *
 * JSON-LD can name an actor in ways that plain JSON does not show (aliases in `@context`): who reads the accepted body as
 * JSON-LD must find `signer` as its only actor, or drop it.
 */
export function createDoor(options: DoorOptions): (request: DoorRequest) => Promise<DoorAnswer> {
  const { keys, now, allowHttp } = options;
  const url = new URL(options.origin);
  const site: Site = { origin: url.origin, authority: url.host };
  const hosts = new Set([url.host, `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`]);

  async function handle(request: DoorRequest): Promise<DoorAnswer> {
    const { headers } = request;
    const question = request.rawUrl.indexOf("?");
    const inbox = INBOX.exec(question === -1 ? request.rawUrl : request.rawUrl.slice(0, question));
    if (inbox === null) return refuse(404, "there is no such inbox");
    if (request.method !== "POST") return refuse(405, "an inbox takes POST", { allow: "POST" });
    if (!hosts.has(requestedHost(request)?.toLowerCase() ?? "")) {
      return refuse(421, `this is ${site.authority}; the proxy in front of it must pass on the Host header`);
    }
    if (!CONTENT_TYPES.has(mediaType(headers["content-type"])) || headers["content-encoding"] !== undefined) {
      return refuse(415, "the body must be application/activity+json");
    }

    const received = now();
    const signature = parseSignature({ method: "POST", path: request.rawUrl, headers }, site, received);
    if ("refused" in signature) return unauthorized(signature.refused);
    const keyUrl = parseIri(signature.keyId, allowHttp);
    if (keyUrl === null) return unauthorized("the key's id is not an https address");
    if (keyUrl.origin === site.origin) return unauthorized("actors of this hub do not deliver to its inbox");

    const bytes = await readBody(request, MAX_BODY);
    if (bytes === "broken") return refuse(400, "the body did not arrive");
    if (bytes === "too large") return refuse(413, "the body is larger than 1 MB", { connection: "close" });
    const digest = createHash("sha256").update(bytes).digest();
    if (signature.digest !== digest.toString("base64")) return unauthorized("the digest is not the body's");
    if (!isUtf8(bytes)) return refuse(400, "the body is not UTF-8");
    const body = bytes.toString();
    const envelope = readEnvelope(body, allowHttp);
    if ("invalid" in envelope) return refuse(400, envelope.invalid);

    const signer = await verifiedSigner(signature, digest, envelope);
    if ("status" in signer) return signer;
    if (envelope.id === null) return ACCEPTED;
    const proven = signer.owner === envelope.actorIri ? signer : await provenBy(envelope);
    if (proven === null) {
      await forwarded(envelope, signer.owner);
      return ACCEPTED;
    }
    const recipient = inbox[1] ?? null;
    await options.accept({ body, signer: proven.owner, keyId: proven.keyId, received, recipient });
    return ACCEPTED;
  }

  /** Host as the client asked for it; with a trusted proxy in front, as the proxy heard it. */
  function requestedHost({ headers, remoteAddress }: DoorRequest): string | undefined {
    const passedOn = headers["x-forwarded-host"];
    return typeof passedOn === "string" && isTrusted(remoteAddress) ? passedOn : headers.host;
  }

  function isTrusted(address: string | undefined): boolean {
    return address !== undefined && options.trustProxy.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  }

  /** The key that made the HTTP signature, or what to answer. */
  async function verifiedSigner(
    signature: ParsedSignature,
    digest: Buffer,
    envelope: Envelope,
  ): Promise<PublicKey | DoorAnswer> {
    let lookup = await keys.get(signature.keyId);
    if (lookup.status === "found") {
      const cached = lookup.key;
      if (verifySignature(signature, cached.key, digest)) return cached;
      lookup = await keys.refresh(signature.keyId);
      if (lookup.status === "found") {
        const fresh = lookup.key;
        if (fresh !== cached && verifySignature(signature, fresh.key, digest)) return fresh;
        return unauthorized("the signature does not verify");
      }
    }
    switch (lookup.status) {
      case "gone":
        // The key went with the actor, so nobody can prove this any more; there is nothing to do either.
        return envelope.types.includes("Delete") && envelope.object === envelope.actorIri
          ? ACCEPTED
          : unauthorized("the key is gone");
      case "unreachable":
        return refuse(503, "the key cannot be fetched now", { "retry-after": "60" });
      case "invalid":
        return unauthorized(lookup.reason);
    }
  }

  /** The actor's key, when the activity carries the actor's own proof (FEP-8b32) and so may come from anybody. */
  async function provenBy({ activity, actor, actorIri }: Envelope): Promise<PublicKey | null> {
    const keyId = isObject(activity.proof) ? iriOf(activity.proof.verificationMethod) : null;
    if (keyId === null || actor.origin === site.origin) return null;
    if (parseIri(keyId, allowHttp)?.origin !== actor.origin) return null;
    // Anybody may bring it, at any time: what was taken already is remembered for longer than this, not for ever.
    const age = now().getTime() - Date.parse(String(isObject(activity.proof) && activity.proof.created));
    if (!(age < PROOF_AGE && age > -HOUR)) return null;
    const lookup = await keys.get(keyId);
    if (lookup.status !== "found" || lookup.key.owner !== actorIri) return null;
    return verifyProof(activity, lookup.key.key) ? lookup.key : null;
  }

  async function forwarded(envelope: Envelope, forwarder: string): Promise<void> {
    const type = envelope.types[0];
    if (type !== "Create" && type !== "Update" && type !== "Delete") return;
    const { id, object, actor, actorIri, inReplyTo } = envelope;
    if (!envelope.public || id === null || object === null || actor.origin === site.origin) return;
    if (parseIri(object, allowHttp)?.origin !== actor.origin) return;
    await options.refetch({ type, id, actor: actorIri, object, inReplyTo, forwarder });
  }

  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      log.error("The inbox could not take a delivery: {error}", { error });
      return refuse(503, "the hub cannot take this now", { "retry-after": "30" });
    }
  };
}

const ACCEPTED: DoorAnswer = { status: 202, headers: {}, body: "" };

function refuse(status: number, reason: string, headers: Record<string, string> = {}): DoorAnswer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ error: reason }),
  };
}

function unauthorized(reason: string): DoorAnswer {
  const challenge = 'Signature headers="(request-target) host date digest"';
  return refuse(401, reason, { "www-authenticate": challenge });
}

export function mediaType(contentType: string | undefined): string {
  return (contentType ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

/** The body. When it is too large the rest is left unread, not destroyed, so that the answer still gets out. */
export async function readBody(
  request: Pick<DoorRequest, "headers" | "body">,
  limit: number,
): Promise<Buffer | "too large" | "broken"> {
  if (Number(request.headers["content-length"] ?? 0) > limit) return "too large";
  const chunks: Buffer[] = [];
  let size = 0;
  const iterator = request.body[Symbol.asyncIterator]();
  try {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      size += next.value.length;
      if (size > limit) return "too large";
      chunks.push(next.value);
    }
  } catch {
    return "broken";
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
