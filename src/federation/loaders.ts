import { preloadedContexts } from "@fedify/fedify";

export interface RemoteDocument {
  contextUrl: string | null;
  document: unknown;
  documentUrl: string;
  /** Tells the JSON-LD processor that it may keep what it made of this context: it never changes. */
  tag?: "static";
}

/**
 * JSON-LD contexts, from disk only. An unknown one counts as empty: its terms mean nothing here, the known ones around it
 * keep their meaning, and no stranger's request makes this hub fetch anything.
 */
export async function contextLoader(url: string): Promise<RemoteDocument> {
  const place = { contextUrl: null, documentUrl: url };
  return Object.hasOwn(preloadedContexts, url)
    ? { ...place, document: preloadedContexts[url], tag: "static" }
    : { ...place, document: { "@context": {} } };
}

/** Fedify never fetches by itself here: what is only named is looked up by `remote.ts`, where the rules are. */
export async function noDocuments(url: string): Promise<RemoteDocument> {
  throw new Error(`Not fetched: ${url}`);
}
