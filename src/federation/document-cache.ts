import { createHash } from "node:crypto";
import type { Clock } from "../domain/context.ts";
import type { Served } from "./documents.ts";

/** A document as bytes, made once for each change of what it shows. */
export interface CachedDocument {
  status: 200 | 410;
  body: string;
  etag: string;
}

export interface DocumentCache {
  get(key: string, load: () => Promise<Served | null>): Promise<CachedDocument | null>;
  /** Forgets every document whose key starts with this. */
  forget(prefix: string): void;
}

const KEPT = 5_000;
const AGE = 3_600_000;

/**
 * Documents in memory: actor, object and WebFinger requests are most of what other servers ask, and the answers hardly ever
 * change. Bounded, told of changes, and forgotten after an hour in any case.
 */
export function createDocumentCache(clock: Clock): DocumentCache {
  const entries = new Map<string, { until: number; document: Promise<CachedDocument | null> }>();

  return {
    get(key, load) {
      const now = clock.now().getTime();
      const known = entries.get(key);
      if (known !== undefined && known.until > now) return known.document;
      const document = load().then((served) => (served === null ? null : serialize(served)));
      // What does not exist is not remembered: it may come to exist, and strangers choose the keys.
      document.then(
        (value) => value === null && entries.delete(key),
        () => entries.delete(key),
      );
      if (entries.size >= KEPT) entries.delete(entries.keys().next().value ?? "");
      entries.set(key, { until: now + AGE, document });
      return document;
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
  return { status, body, etag };
}
