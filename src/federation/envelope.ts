import type { JsonObject } from "./proofs.ts";

/** What the door needs to know of an activity; everything else is read by the worker. */
export interface Envelope {
  activity: JsonObject;
  /** Null when the activity has none: it is then accepted without effect. */
  id: string | null;
  actor: URL;
  /** Iri of the actor exactly as the activity spells it. */
  actorIri: string;
  types: string[];
  /** Iri of the object, named or embedded. */
  object: string | null;
  /** Addressed to everybody, itself or through the object it carries. */
  public: boolean;
  inReplyTo: string | null;
}

export interface Invalid {
  invalid: string;
}

/** Longest iri, in bytes: it must fit a row of a PostgreSQL index. */
export const MAX_IRI = 2000;
const MAX_DEPTH = 32;
const MAX_VALUES = 20_000;
/** Most items of any array: recipients, tags, attachments. */
const MAX_ITEMS = 1000;

const PUBLIC = new Set<unknown>(["https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"]);
/** Keywords that put a second subject, id or type into the same document, for other readers (Mastodon CVE-2026-46349). */
const KEYWORDS = ["@graph", "@included", "@reverse", "@nest", "@id", "@type"];

/**
 * Reads the body of a delivery as one activity and checks its shape and its bounds.
 *
 * @param body valid UTF-8
 * @param allowHttp whether an http iri is acceptable (https always is)
 */
export function readEnvelope(body: string, allowHttp: (url: URL) => boolean): Envelope | Invalid {
  let activity: unknown;
  try {
    activity = JSON.parse(body);
  } catch {
    return { invalid: "the body is not JSON" };
  }
  if (!isObject(activity)) return { invalid: "the body is not a JSON object" };
  const invalid = outOfBounds(activity, POISON.test(body));
  if (invalid !== null) return { invalid };
  if (KEYWORDS.some((keyword) => keyword in activity))
    return { invalid: "the body uses a JSON-LD keyword that is not supported" };

  const types = Array.isArray(activity.type) ? activity.type : [activity.type];
  if (types.length === 0 || !types.every((type) => typeof type === "string")) {
    return { invalid: "the activity has no type" };
  }
  const actorIri = iriOf(activity.actor);
  const actor = actorIri === null ? null : parseIri(actorIri, allowHttp);
  if (actorIri === null || actor === null) return { invalid: "the activity must name one actor by its iri" };

  const id = activity.id ?? null;
  if (id !== null) {
    const url = typeof id === "string" ? parseIri(id, allowHttp) : null;
    if (url === null) return { invalid: "the activity's id is not an iri" };
    // Otherwise anybody could take the id of somebody else's activity and keep the genuine one out (GHSA-4qhx).
    if (url.origin !== actor.origin) return { invalid: "the activity's id is not on its actor's origin" };
  }
  const embedded = isObject(activity.object) ? activity.object : {};
  return {
    activity,
    id: id as string | null,
    actor,
    actorIri,
    types,
    object: iriOf(activity.object),
    public: isPublic(activity) || isPublic(embedded),
    inReplyTo: iriOf(embedded.inReplyTo),
  };
}

/**
 * Parses an iri that may be an id here: https (http where allowed), no user information, of bearable length, and without
 * what URL parsers drop or rewrite.
 */
export function parseIri(iri: string, allowHttp: (url: URL) => boolean): URL | null {
  if (iri.length > MAX_IRI || Buffer.byteLength(iri) > MAX_IRI || /[\s\\]/.test(iri)) return null;
  const url = URL.parse(iri);
  if (url === null || url.username !== "" || url.password !== "" || url.hostname === "") return null;
  return url.protocol === "https:" || (url.protocol === "http:" && allowHttp(url)) ? url : null;
}

/** The iri of a reference: a string, or an object with an id. Null for everything else, arrays included. */
export function iriOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  return isObject(value) && typeof value.id === "string" ? value.id : null;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * In valid UTF-8 a NUL or a lone surrogate can only come from one of these escapes. PostgreSQL stores neither in text or
 * jsonb, and canonical JSON has no form for the second.
 */
const POISON = /\\u(?:0000|[dD][89a-fA-F])/;

/**
 * Why a document is too deep, too large or poisonous to be worked on; null when it is not. Goes through it without recursion: its depth
 * is what is being checked.
 *
 * @param suspicious look for NUL and lone surrogates in every string
 */
export function outOfBounds(root: JsonObject, suspicious: boolean): string | null {
  const stack: object[] = [root];
  const depths = [1];
  let count = 0;
  let reason: string | null = null;

  function check(value: unknown, depth: number): void {
    if (typeof value === "string") {
      if (suspicious && isPoison(value)) reason = "the body has NUL or half a character in a string";
    } else if (typeof value === "number") {
      if (!Number.isFinite(value)) reason = "the body has a number that is too large";
    } else if (typeof value === "object" && value !== null) {
      if (depth > MAX_DEPTH) reason = "the body is nested too deeply";
      stack.push(value);
      depths.push(depth);
    }
  }

  while (stack.length > 0 && reason === null) {
    const value = stack.pop()!;
    const depth = depths.pop()! + 1;
    if (Array.isArray(value)) {
      if (value.length > MAX_ITEMS) return "the body has a list that is too long";
      count += value.length;
      for (const item of value) check(item, depth);
    } else {
      for (const key in value) {
        count++;
        if (key === "__proto__" || (suspicious && isPoison(key))) return "the body has a forbidden key";
        const item = (value as JsonObject)[key];
        if (key === "id" && typeof item === "string" && item.length > MAX_IRI)
          return "the body has an id that is too long";
        check(item, depth);
      }
    }
    if (count > MAX_VALUES) return "the body has too many values";
  }
  return reason;
}

function isPoison(text: string): boolean {
  return text.includes("\0") || !text.isWellFormed();
}

function isPublic(object: JsonObject): boolean {
  return [object.to, object.cc].flat().some((recipient) => PUBLIC.has(recipient));
}
