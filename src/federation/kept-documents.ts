import type { IncomingMessage, ServerResponse } from "node:http";
import type { CachedDocument, DocumentCache } from "./document-cache.ts";
import { answerHeaders, isKnown, wantsActivity } from "./http.ts";

const DOCUMENT = /^\/(?:actors|posts|proposals)\/([1-9][0-9]{0,18})(?:\/featured)?$/;
const WEBFINGER = "/.well-known/webfinger?resource=";

/**
 * Answers requests for documents that are in memory before any route is looked for: they are most of what other servers ask,
 * and the way through the routes costs ten times as much as the answer. Everything else, and what is not in memory yet, it
 * leaves to the routes of `http.ts`, whose answers it repeats header by header.
 *
 * @param common headers of all data
 * @returns whether it answered
 */
export function createKeptDocuments(
  cache: DocumentCache,
  common: Readonly<Record<string, string>>,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  function find({ url = "", headers }: IncomingMessage): { kind: Kind; document: CachedDocument } | null {
    const id = DOCUMENT.exec(url)?.[1];
    if (id !== undefined) {
      const document = wantsActivity(headers.accept) ? cache.peek(`${id} ${url}`) : null;
      return document && { kind: "activity", document };
    }
    if (!url.startsWith(WEBFINGER)) return null;
    const resource = plainParameter(url.slice(WEBFINGER.length));
    const document = resource === null ? null : cache.peek(`webfinger ${resource.toLowerCase()}`);
    return document && { kind: "webfinger", document };
  }

  return (request, response) => {
    if (request.method !== "GET") return false;
    const found = find(request);
    if (found === null) return false;
    const { kind, document } = found;
    const headers: Record<string, string | number> = { ...common, ...answerHeaders(kind, document.etag) };
    if (kind === "activity") headers.vary = "Accept";
    if (isKnown(request.headers["if-none-match"], document.etag)) {
      response.writeHead(304, headers).end();
    } else {
      headers["content-length"] = document.length;
      response.writeHead(document.status, headers).end(document.body);
    }
    return true;
  };
}

type Kind = Parameters<typeof answerHeaders>[0];

/** The value of a query's only parameter; null when there is more, or what only a parser of forms reads rightly. */
function plainParameter(text: string): string | null {
  if (/[&+#]/.test(text)) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
