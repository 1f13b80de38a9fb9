import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { checkUrl } from "./egress/addresses.ts";
import { guardBareFetch } from "./egress/bare-fetch.ts";
import { MAX_REDIRECTS } from "./egress/budget.ts";
import { EgressError } from "./egress/error.ts";
import { isActivityStreams, isJson, retryAfter } from "./egress/headers.ts";
import { createTransport, TIMEOUT, type Transport } from "./egress/transport.ts";

export { withEgressBudget } from "./egress/budget.ts";
export { EgressError, type EgressErrorCode } from "./egress/error.ts";

const MAX_DOCUMENT_BYTES = 1_000_000;
const MAX_INFLATED_BYTES = 5_000_000;
/** What is read of the answer to a delivery, which nobody looks at, so that its connection can be kept. */
const MAX_RECEIPT_BYTES = 64_000;

const AS2 = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"';
const EXPECTED = {
  activity: { accept: AS2, matches: isActivityStreams },
  json: { accept: "application/json", matches: isJson },
  jrd: { accept: "application/jrd+json, application/json", matches: isJson },
};

let installed: Transport | undefined;

/**
 * Makes this module the only way out of the process: also of the global `fetch`. To be called before Fedify is used. Several
 * hubs in one process may each call it; what they allow adds up, and the latest `userAgent` is sent.
 * @param options.allow private `address:port` pairs that may be reached, and by plain http: "127.0.0.1:4011", "[::1]:4011"
 * @param options.userAgent for requests that bring none, such as "Ayni/1.2.3 (+https://hub.example)"
 * @throws Error when a pair is none
 */
export function installEgress(options: { allow: readonly string[]; userAgent?: string }): void {
  if (installed === undefined) {
    installed = createTransport();
    guardBareFetch(installed);
  }
  installed.allow(options.allow);
  if (options.userAgent !== undefined) installed.introduce(options.userAgent);
}

export interface DocumentOptions {
  /** What the document must be: ActivityStreams, any JSON, or a JSON Resource Descriptor (RFC 7033). */
  expect: "activity" | "json" | "jrd";
  /** Instead of the Accept header that goes with `expect`. */
  accept?: string;
  /**
   * Signs a request: gets what will be sent, returns the headers to add. Called for each hop, but no longer once a
   * redirect has left the first origin.
   */
  sign?: (request: { method: string; url: URL; headers: Record<string, string> }) => Record<string, string>;
  /** Refuse redirects to other origins, as for actors and keys (GHSA-8863). */
  sameOrigin?: boolean;
  /** Milliseconds in all; 10,000 unless said. */
  timeout?: number;
}

export interface FetchedDocument {
  /** Where it was found in the end, without fragment: the only id that it can speak for. */
  url: URL;
  status: number;
  contentType: string;
  json: unknown;
  /** Names in lower case; of repeated ones the values joined by commas. */
  headers: Record<string, string>;
}

/**
 * Gets a JSON document: at most 1 MB on the wire, 5 MB inflated and three redirects.
 * @throws EgressError
 */
export async function fetchDocument(url: URL | string, options: DocumentOptions): Promise<FetchedDocument> {
  const { accept, matches } = EXPECTED[options.expect];
  const deadline = performance.now() + (options.timeout ?? TIMEOUT);
  let target = checkUrl(url);
  const { origin } = target;
  let { sign } = options;
  for (let hops = 0; ; hops++) {
    const headers = { accept: options.accept ?? accept, "accept-encoding": "gzip, br, deflate" };
    const signed =
      sign === undefined ? headers : { ...headers, ...sign({ method: "GET", url: target, headers }) };
    const answer = await get(target, signed, deadline - performance.now(), matches);
    const { status, fields } = answer;
    if (answer.body !== null) {
      target.hash = "";
      const contentType = fields["content-type"] ?? "";
      const json = await parse(answer.body, fields["content-encoding"]);
      return { url: target, status, contentType, json, headers: fields };
    }
    if (!isRedirect(status)) {
      const details = { status, retryAfter: retryAfter(fields["retry-after"]) };
      throw new EgressError("status", `${target.origin} answered ${status}.`, details);
    }
    if (hops === MAX_REDIRECTS) throw new EgressError("redirect", `More than ${MAX_REDIRECTS} redirects.`);
    target = redirected(target, fields.location);
    if (target.origin !== origin) {
      if (options.sameOrigin) throw new EgressError("redirect", `${origin} redirects to ${target.origin}.`);
      sign = undefined;
    }
  }
}

/**
 * Posts a delivery over a kept connection and returns the status as soon as it is there, 3xx and 5xx too; a redirect is not
 * followed. Of the answer's body 64 kB are read and thrown away. When a kept connection turns out to be closed,
 * the body is sent once more.
 * @param options.timeout milliseconds in all; 10,000 unless said
 * @param options.explain waits for the body of a refusal (4xx, 5xx), which says why
 * @throws EgressError when no status came
 */
export function post(
  url: URL | string,
  options: { headers: Record<string, string>; body: Buffer | string; timeout?: number; explain?: boolean },
): Promise<Receipt> {
  const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
  const chunks: Buffer[] = [];
  let refusal: Receipt | undefined;
  try {
    const target = checkUrl(url);
    transport().send(
      target.origin,
      { path: target.pathname + target.search, method: "POST", headers: options.headers, body: options.body },
      {
        onResponseStart(_controller, status, headers) {
          if (status < 200) return;
          const receipt = { status, retryAfter: retryAfter(headers["retry-after"]) };
          if (options.explain === true && status >= 400) refusal = receipt;
          else resolve(receipt);
        },
        onResponseData(_controller, chunk) {
          if (refusal !== undefined) chunks.push(chunk);
        },
        onResponseEnd() {
          if (refusal !== undefined) resolve({ ...refusal, body: Buffer.concat(chunks).toString() });
        },
        onResponseError: (_controller, error) => reject(error),
      },
      {
        bytes: MAX_RECEIPT_BYTES,
        timeout: options.timeout ?? TIMEOUT,
        identity: true,
        compressed: true,
        again: true,
      },
    );
  } catch (error) {
    reject(error);
  }
  return promise;
}

export interface Receipt {
  status: number;
  retryAfter: Date | null;
  /** Of a refusal, when it was asked for. */
  body?: string;
}

interface Answer {
  status: number;
  fields: Record<string, string>;
  /** Null when it is not read, for the answer is no document. */
  body: Buffer | null;
}

/** One hop. The body of anything but a document of the expected type is thrown away. */
function get(
  url: URL,
  headers: Record<string, string>,
  timeout: number,
  matches: (contentType: string) => boolean,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const chunks: Buffer[] = [];
  let head: { status: number; fields: Record<string, string> } | undefined;
  transport().send(
    url.origin,
    { path: url.pathname + url.search, method: "GET", headers },
    {
      onResponseStart(_controller, status, received) {
        if (status < 200) return;
        const fields = joined(received);
        if (status > 299) return resolve({ status, fields, body: null });
        const contentType = fields["content-type"] ?? "";
        if (!matches(contentType)) throw new EgressError("bad_content_type", `Got "${contentType}".`);
        head = { status, fields };
      },
      onResponseData(_controller, chunk) {
        if (head !== undefined) chunks.push(chunk);
      },
      onResponseEnd() {
        if (head !== undefined) resolve({ ...head, body: Buffer.concat(chunks) });
      },
      onResponseError: (_controller, error) => reject(error),
    },
    { bytes: MAX_DOCUMENT_BYTES, timeout, identity: true, compressed: true, again: true },
  );
  return promise;
}

const INFLATE = new Map(
  Object.entries({
    gzip: promisify(gunzip),
    "x-gzip": promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress),
  }),
);

/** Inflates, and gives up as soon as the limit is passed; decodes UTF-8; parses. */
async function parse(body: Buffer, coding = "identity"): Promise<unknown> {
  const decompress = INFLATE.get(coding.toLowerCase());
  if (decompress === undefined && coding.toLowerCase() !== "identity") {
    throw new EgressError("bad_content_type", `Unknown Content-Encoding: ${coding}`);
  }
  try {
    const plain = (await decompress?.(body, { maxOutputLength: MAX_INFLATED_BYTES })) ?? body;
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plain));
  } catch (cause) {
    if (cause instanceof RangeError && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") {
      throw new EgressError("too_large", "The document inflates to more than 5 MB.", { cause });
    }
    throw new EgressError("invalid_json", "The body is not JSON in UTF-8.", { cause });
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function redirected(from: URL, location: string | undefined): URL {
  try {
    if (location !== undefined) return checkUrl(location, from);
  } catch (cause) {
    throw new EgressError("redirect", `${from.origin} redirects to no usable address.`, { cause });
  }
  throw new EgressError("redirect", `${from.origin} redirects nowhere.`);
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value ?? "")]));
}

function transport(): Transport {
  if (installed === undefined) throw new Error("installEgress has not been called.");
  return installed;
}
