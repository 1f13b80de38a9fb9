import { createHash } from "node:crypto";
import type { Clock } from "../domain/context.ts";
import type { Served } from "./documents.ts";

/** A document as bytes, made once for each change of what it shows. */
export interface CachedDocument {
  status: 200 | 410;
  body: string;
  /** Bytes of the body. */
  length: number;
  etag: string;
}

export interface DocumentCache {
  get(key: string, load: () => Promise<Served | null>): Promise<CachedDocument | null>;
  /** A document that is there already. */
  peek(key: string): CachedDocument | null;
  /** Forgets every document whose key starts with this. */
  forget(prefix: string): void;
}

interface Entry {
  until: number;
  document: Promise<CachedDocument | null>;
  /** What it came to, once it is there. */
  value: CachedDocument | null;
}

const KEPT = 5_000;
const AGE = 3_600_000;

/**
 * Documents in memory: actor, object and WebFinger requests are most of what other servers ask, and the answers hardly ever
 * change. Bounded, told of changes, and forgotten after an hour in any case.
 */
export function createDocumentCache(clock: Clock): DocumentCache {
  const entries = new Map<string, Entry>();

  return {
    get(key, load) {
      const now = clock.now().getTime();
      const known = entries.get(key);
      if (known !== undefined && known.until > now) return known.document;
      const document = load().then((served) => (served === null ? null : serialize(served)));
      const entry: Entry = { until: now + AGE, document, value: null };
      // What does not exist is not remembered: it may come to exist, and strangers choose the keys.
      document.then(
        (value) => {
          entry.value = value;
          if (value === null) entries.delete(key);
        },
        () => entries.delete(key),
      );
      if (entries.size >= KEPT) entries.delete(entries.keys().next().value ?? "");
      entries.set(key, entry);
      return document;
    },
    peek(key) {
      const known = entries.get(key);
      return known !== undefined && known.until > clock.now().getTime() ? known.value : null;
    },
    forget(prefix) {
      for (const key of entries.keys()) if (key.startsWith(prefix)) entries.delete(key);
    },
  };
}

/** A document as bytes with its ETag. */
export function serialize({ status, document }: Served): CachedDocument {
  const body = JSON.stringify(document);
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { status, body, length: Buffer.byteLength(body), etag };
}
