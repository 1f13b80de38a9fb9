import { createPublicKey, type KeyObject } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { malformations } from "./remote-activities.ts";
import { AS2, type Json, makeActor, type RemoteActor, retireActor } from "./remote-actor.ts";
import { type Headers, keyIdOf, objection, type Scheme, type Signing, signed } from "./remote-signatures.ts";

export { AS2, type Json, type RemoteActor };
export const PUBLIC = `${AS2}#Public`;
export const ACTIVITY_JSON = "application/activity+json";

export interface RemoteOptions {
  /** Loopback address to listen on. */
  host?: string;
  /** Signatures that it understands; it signs with the first of them. */
  scheme?: Scheme | "both";
  /** Answers 400 to malformed activities (default). Otherwise it only notes them in `problems`. */
  strict?: boolean;
  /** Answers 401 to unsigned GETs, as Mastodon's secure mode and GoToSocial do. */
  secure?: boolean;
  /** Accepts every Follow at once. */
  accepts?: boolean;
  /** Its clock, when it is not the machine's. */
  now?: () => Date;
  /** Names of its actors; `instance` is there as well. */
  actors?: string[];
  /** Actors `crowd0`, `crowd1`, … which share one key pair, since making keys is slow. */
  crowd?: number;
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  raw: Buffer;
  activity: Json;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How to deliver, and how to deliver wrongly. */
export interface DeliverOptions {
  /** Who signs: the name of an actor. Default: the activity's actor. */
  as?: string;
  scheme?: Scheme;
  unsigned?: boolean;
  keyId?: string;
  privateKey?: KeyObject;
  date?: Date;
  components?: string[];
  algorithm?: string;
  /** What is sent instead of what was signed. */
  tamper?: (body: Buffer) => Buffer;
  /** Sent after signing: changes, adds, or with `null` takes away. */
  headers?: Record<string, string | null>;
  contentType?: string;
  /** Where the connection goes, when not to the inbox's host and port. */
  to?: { host: string; port: number };
}

/** What is served at a path: JSON, or bytes of any kind. */
export interface Served {
  body: unknown;
  type?: string;
  status?: number;
  headers?: Headers;
  /** Milliseconds before it answers; `Infinity` never does. */
  delay?: number;
  /** Closes the connection instead. */
  drop?: boolean;
}

export interface Remote {
  origin: string;
  /** `host:port` */
  host: string;
  actor(name: string): RemoteActor;
  /** Activities that were delivered here with a good signature, in order. */
  received: Received[];
  /** What was wrong with requests made of it. Tests expect it to be empty. */
  problems: string[];
  /** Every request: `GET /actors/alice`. */
  requests: string[];
  /** Served before anything else, by path. */
  documents: Map<string, Served>;
  waitFor(predicate: (received: Received) => boolean): Promise<Received>;
  /** Sends a Follow and returns it. */
  follow(name: string, actorIri: string): Promise<Json>;
  deliver(inbox: string, activity: Json | Buffer, options?: DeliverOptions): Promise<Answer>;
  /** GET of ActivityStreams, signed by the named actor or not at all. */
  fetch(url: string, options?: { signed?: string; accept?: string }): Promise<Answer>;
  close(): Promise<void>;
}

/** Milliseconds after which `waitFor` says what arrived instead. */
const PATIENCE = 20_000;

/**
 * Another ActivityPub server, written by hand with node:http and node:crypto: none of this project's federation and no
 * Fedify. It reads as strictly as the strictest server out there, and it can be told to misbehave.
 */
export async function startRemote(options: RemoteOptions = {}): Promise<Remote> {
  const schemes: Scheme[] =
    options.scheme === "both" || !options.scheme ? ["cavage", "rfc9421"] : [options.scheme];
  const strict = options.strict ?? true;
  const received: Received[] = [];
  const problems: string[] = [];
  const requests: string[] = [];
  const documents = new Map<string, Served>();
  const actors = new Map<string, RemoteActor>();
  const waiting = new Set<{
    predicate: (received: Received) => boolean;
    resolve: (received: Received) => void;
  }>();
  const keys = new Map<string, KeyObject>();
  let serial = 0;

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      problems.push(`${incoming.method} ${incoming.url}: ${error}`);
      if (!response.headersSent) answer(response, 500, { error: String(error) });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, options.host ?? "127.0.0.1", resolve));
  const host = `${options.host ?? "127.0.0.1"}:${(server.address() as AddressInfo).port}`;
  const origin = `http://${host}`;
  for (const name of ["instance", ...(options.actors ?? ["alice"])])
    actors.set(name, makeActor(origin, name));
  const shared = actors.get("instance")!;
  for (let i = 0; i < (options.crowd ?? 0); i++)
    actors.set(`crowd${i}`, makeActor(origin, `crowd${i}`, shared));

  function actor(name: string): RemoteActor {
    const found = actors.get(name);
    if (found === undefined) throw new Error(`The remote server has no actor ${name}.`);
    return found;
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? "/";
    requests.push(`${incoming.method} ${path}`);
    if (!incoming.headers["user-agent"] || incoming.headers["user-agent"] === "node") {
      problems.push(`${incoming.method} ${path}: has no User-Agent of its own`);
    }
    const raw = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>));
    const served = documents.get(path);
    if (served !== undefined) return serve(response, served);
    if (incoming.method === "POST") return receive(incoming, path, raw, response);
    const document = documentAt(path);
    if (document === null) return answer(response, 404, { error: "not found" });
    if (options.secure && !path.startsWith("/.well-known/") && !path.startsWith("/actors/instance")) {
      const complaint = await signatureComplaint(incoming, path, raw);
      if (complaint !== null) return answer(response, 401, { error: complaint });
    }
    answer(
      response,
      200,
      document,
      path.startsWith("/.well-known/") ? "application/jrd+json" : ACTIVITY_JSON,
    );
  }

  async function serve(
    response: ServerResponse,
    { body, type, status, headers, delay, drop }: Served,
  ): Promise<void> {
    if (drop) {
      response.destroy();
      return;
    }
    if (delay === Number.POSITIVE_INFINITY) return;
    if (delay !== undefined) await new Promise((resolve) => setTimeout(resolve, delay));
    response.writeHead(status ?? 200, { "content-type": type ?? ACTIVITY_JSON, ...headers });
    response.end(Buffer.isBuffer(body) || typeof body === "string" ? body : JSON.stringify(body));
  }

  function documentAt(path: string): Json | null {
    const url = new URL(path, origin);
    if (url.pathname === "/.well-known/webfinger") return webfinger(url.searchParams.get("resource") ?? "");
    const [, name = "", below] = /^\/actors\/([a-z0-9_]+)(?:\/([a-z]+))?$/.exec(url.pathname) ?? [];
    const found = actors.get(name);
    if (found === undefined) return null;
    if (below === undefined) return found.document;
    const items = { outbox: [], followers: [...found.followers], following: [...found.following] }[below];
    if (items === undefined) return null;
    const id = `${found.iri}/${below}`;
    return { "@context": AS2, id, type: "OrderedCollection", totalItems: items.length, orderedItems: items };
  }

  function webfinger(resource: string): Json | null {
    const found = [...actors.values()].find(
      (one) => resource === `acct:${one.handle.slice(1)}` || resource === one.iri,
    );
    if (found === undefined) return null;
    const self = { rel: "self", type: ACTIVITY_JSON, href: found.iri };
    return { subject: `acct:${found.handle.slice(1)}`, aliases: [found.iri], links: [self] };
  }

  async function receive(incoming: IncomingMessage, path: string, raw: Buffer, response: ServerResponse) {
    const problem = (text: string, status: number) => {
      problems.push(`POST ${path}: ${text}`);
      if (strict) answer(response, status, { error: text });
      return strict;
    };
    const complaint = await signatureComplaint(incoming, path, raw);
    if (complaint !== null) {
      problems.push(`POST ${path}: ${complaint}`);
      return answer(response, 401, { error: complaint });
    }
    if (incoming.headers["content-type"] !== ACTIVITY_JSON) {
      if (problem(`content-type is ${incoming.headers["content-type"]}`, 400)) return;
    }
    const activity = JSON.parse(raw.toString()) as Json;
    for (const text of malformations(activity)) if (problem(text, 400)) return;
    const delivery = { path, headers: incoming.headers, raw, activity };
    received.push(delivery);
    for (const one of waiting) {
      if (!one.predicate(delivery)) continue;
      waiting.delete(one);
      one.resolve(delivery);
    }
    // Said before it is answered: whoever waits until the Follow was delivered has heard it.
    if (options.accepts && activity.type === "Follow") await acceptFollow(activity);
    answer(response, 202, {});
  }

  async function acceptFollow(follow: Json): Promise<void> {
    const followed = [...actors.values()].find((one) => one.iri === follow.object);
    if (followed === undefined) return;
    followed.followers.add(String(follow.actor));
    const accept = {
      "@context": AS2,
      id: `${followed.iri}/accepts/${++serial}`,
      type: "Accept",
      object: follow,
    };
    await deliver(await inboxOf(String(follow.actor)), { ...accept, actor: followed.iri });
  }

  async function signatureComplaint(
    incoming: IncomingMessage,
    path: string,
    body: Buffer,
  ): Promise<string | null> {
    const keyId = keyIdOf(incoming.headers);
    if (keyId === null) return "the request is not signed";
    const key = await publicKey(keyId);
    if (key === null) return `the key ${keyId} cannot be found`;
    const { method = "", headers } = incoming;
    const now = options.now?.().getTime() ?? Date.now();
    return objection({ method, path, origin, headers, body, now }, key, schemes);
  }

  async function publicKey(keyId: string): Promise<KeyObject | null> {
    const known = keys.get(keyId);
    if (known !== undefined) return known;
    const document = JSON.parse((await fetch(keyId.replace(/#.*/, ""), { signed: "instance" })).body) as Json;
    const listed = [document.publicKey].flat() as (Json | undefined)[];
    const pem = listed.find((one) => one?.id === keyId && one.owner === document.id)?.publicKeyPem;
    if (typeof pem !== "string") return null;
    const key = createPublicKey(pem);
    keys.set(keyId, key);
    return key;
  }

  async function inboxOf(actorIri: string): Promise<string> {
    const document = JSON.parse((await fetch(actorIri, { signed: "instance" })).body) as Json;
    return String(document.inbox);
  }

  function signing(name: string, given: DeliverOptions): Signing {
    const { keyId, privateKey } = actor(name);
    return {
      scheme: given.scheme ?? schemes[0]!,
      keyId: given.keyId ?? keyId,
      privateKey: given.privateKey ?? privateKey,
      date: given.date ?? new Date(),
      ...(given.components && { components: given.components }),
      ...(given.algorithm && { algorithm: given.algorithm }),
    };
  }

  async function deliver(
    inbox: string,
    activity: Json | Buffer,
    given: DeliverOptions = {},
  ): Promise<Answer> {
    const body = Buffer.isBuffer(activity) ? activity : Buffer.from(JSON.stringify(activity));
    const url = new URL(inbox);
    const headers: Headers = {
      "content-type": given.contentType ?? ACTIVITY_JSON,
      "user-agent": "Remote/1.0",
    };
    const author = Buffer.isBuffer(activity)
      ? undefined
      : [...actors.values()].find((a) => a.iri === activity.actor);
    const name = given.as ?? author?.name ?? "instance";
    if (!given.unsigned) {
      Object.assign(headers, signed({ method: "POST", url, headers, body }, signing(name, given)));
    }
    for (const [header, value] of Object.entries(given.headers ?? {})) {
      if (value === null) delete headers[header];
      else headers[header] = value;
    }
    return send("POST", url, headers, given.tamper?.(body) ?? body, given.to);
  }

  async function fetch(url: string, given: { signed?: string; accept?: string } = {}): Promise<Answer> {
    const target = new URL(url);
    const headers: Headers = { accept: given.accept ?? ACTIVITY_JSON, "user-agent": "Remote/1.0" };
    if (given.signed)
      Object.assign(headers, signed({ method: "GET", url: target, headers }, signing(given.signed, {})));
    return send("GET", target, headers);
  }

  return {
    origin,
    host,
    actor,
    received,
    problems,
    requests,
    documents,
    waitFor(predicate) {
      const there = received.find(predicate);
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve, reject) => {
        const seen = () =>
          received.map(({ activity }) => `${activity.type} ${activity.id}`).join(", ") || "nothing";
        const timer = setTimeout(() => {
          reject(
            new Error(`It did not arrive. What did: ${seen()}. Problems: ${problems.join("; ") || "none"}`),
          );
        }, PATIENCE);
        waiting.add({
          predicate,
          resolve(delivery) {
            clearTimeout(timer);
            resolve(delivery);
          },
        });
      });
    },
    async follow(name, actorIri) {
      const { iri, following } = actor(name);
      const follow = {
        "@context": AS2,
        id: `${iri}/follows/${++serial}`,
        type: "Follow",
        actor: iri,
        object: actorIri,
      };
      const { status, body } = await deliver(await inboxOf(actorIri), follow);
      if (status >= 300) throw new Error(`The Follow was answered ${status}: ${body}`);
      following.add(actorIri);
      return follow;
    },
    deliver,
    fetch,
    close() {
      for (const one of actors.values()) if (!one.name.startsWith("crowd")) retireActor(one);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(response: ServerResponse, status: number, body: Json, type = "application/json"): void {
  response.writeHead(status, { "content-type": type });
  response.end(JSON.stringify(body));
}

function send(
  method: string,
  url: URL,
  headers: Headers,
  body?: Buffer,
  to: { host: string; port: number | string } = { host: url.hostname, port: url.port },
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const path = url.pathname + url.search;
  const outgoing = request(
    { method, host: to.host, port: to.port, path, headers, agent: false },
    (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers: fields } = response;
        resolve({ status: statusCode, headers: fields, body: Buffer.concat(chunks).toString() });
      });
    },
  );
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}
