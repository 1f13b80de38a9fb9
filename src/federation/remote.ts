import { Object as ASObject } from "@fedify/vocab";
import type { Id } from "../db/ids.ts";
import { saveRemoteActor } from "../domain/actors/commands.ts";
import { type ActorRef, findActor, findActorByHandle, findActors } from "../domain/actors/queries.ts";
import { parseHandle } from "../domain/actors/rules.ts";
import type { Ctx, Remote } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { findHub } from "../domain/hubs/queries.ts";
import type { JsonObject } from "../json.ts";
import { EgressError, fetchDocument } from "./egress.ts";
import { outOfBounds } from "./envelope.ts";
import { readHub } from "./hubs.ts";
import type { Keyring } from "./keyring.ts";
import { contextLoader, noDocuments } from "./loaders.ts";
import { signRequest } from "./signatures.ts";
import { parseActor } from "./vocab/actors.ts";
import { type Currency, parseCurrency } from "./vocab/hubs.ts";
import type { IriCheck } from "./vocab/parse.ts";
import { typeMarketplaceTerms } from "./vocab/proposals.ts";

const DAY = 86_400_000;

export interface RemoteServers extends Remote {
  /** The actor with this iri, of ours or remote, fetched when it is not known. @throws DomainError remote_* */
  actorByIri(iri: string): Promise<ActorRef>;
  /** Reads a remote actor anew, whatever the age of our copy. @throws DomainError remote_* */
  refreshActor(iri: string): Promise<Id>;
  /** An object as its own server serves it. @throws DomainError remote_*, gone */
  fetchObject(iri: string): Promise<{ object: ASObject; raw: JsonObject }>;
  /** A document for keys: no redirect off its origin. @throws EgressError */
  fetchActivityJson(iri: string): Promise<{ url: URL; json: unknown }>;
  /** Another hub's currency; null when there is none. @throws DomainError remote_unreachable: it may be had later */
  fetchCurrency(iri: string): Promise<Currency | null>;
}

export interface RemoteOptions {
  ctx: Omit<Ctx, "remote">;
  keyring: Keyring;
  check: IriCheck;
  allowHttp: (url: URL) => boolean;
}

/** Fetching and storing remote actors and objects. Requests are signed by the hub's own actor; never inside a transaction. */
export function createRemote({ ctx: base, keyring, check, allowHttp }: RemoteOptions): RemoteServers {
  const ctx = base as Ctx;
  const underway = new Map<string, Promise<Id>>();
  let hubActor: Id | undefined;

  /** A GET signed as the hub: draft-cavage first, RFC 9421 where a server answers 401 to it. */
  async function signedGet(
    url: URL | string,
    accept: { expect: "activity" | "json" | "jrd"; sameOrigin?: boolean },
  ) {
    hubActor ??= (await findHub(ctx))?.actorId;
    if (hubActor === undefined) return fetchDocument(url, accept);
    const key = await keyring.rsa(hubActor);
    const signed = (scheme: "cavage" | "rfc9421") =>
      fetchDocument(url, {
        ...accept,
        sign: (request) => signRequest(scheme, request, key, ctx.clock.now()),
      });
    try {
      return await signed("cavage");
    } catch (error) {
      if (error instanceof EgressError && error.status === 401) return signed("rfc9421");
      throw error;
    }
  }

  const fetchActivityJson = (iri: string) => signedGet(iri, { expect: "activity", sameOrigin: true });

  /**
   * A document whose id is the address it came from (FEP-fe34). A page's address may lead to the object: then its id, on
   * the same origin, is asked once.
   */
  async function fetchById(iri: string): Promise<{ object: ASObject; raw: JsonObject }> {
    let asked = checked(iri);
    for (let hop = 0; hop < 2; hop++) {
      const { url, json } = await fetchActivityJson(asked).catch(toDomainError);
      if (typeof json !== "object" || json === null || Array.isArray(json)) break;
      const bad = outOfBounds(json as JsonObject, true);
      if (bad !== null) throw new DomainError("remote_invalid", `${asked}: ${bad}`);
      const raw = typeMarketplaceTerms(json as JsonObject);
      const id = typeof raw.id === "string" ? URL.parse(raw.id) : null;
      if (id === null || id.origin !== url.origin) break;
      if (id.href === url.href || id.href === asked) {
        const object = await ASObject.fromJsonLd(raw, { documentLoader: noDocuments, contextLoader }).catch(
          (cause: unknown) => {
            throw new DomainError("remote_invalid", `${asked} is not ActivityStreams`, { cause });
          },
        );
        return { object, raw };
      }
      asked = checked(id.href);
    }
    throw new DomainError("remote_invalid", `what ${iri} serves is not the object of that address`);
  }

  function checked(iri: string): string {
    const url = URL.parse(iri);
    const href = url === null ? null : check(url);
    if (href === null)
      throw new DomainError("remote_invalid", `${iri.slice(0, 200)} is not an address that can be asked`);
    return href;
  }

  /** `worn` is a handle on another domain that both sides have confirmed; one that was confirmed before is kept. */
  async function fetchActor(iri: string, worn?: { name: string; host: string }): Promise<Id> {
    const { object } = await fetchById(iri);
    const own = object.id?.href ?? iri;
    const actor = await parseActor(object, new URL(own).host, check);
    if (actor === null) throw new DomainError("remote_invalid", `${iri} is not an actor`);
    const confirmed = actor.handle.toLowerCase() === worn?.name.toLowerCase() ? worn.host : undefined;
    const host = confirmed ?? (await findActor(ctx, own))?.host ?? actor.host;
    return saveRemoteActor(ctx, { ...actor, host });
  }

  /** One fetch at a time for each actor, however many ask. */
  function refresh(iri: string, worn?: { name: string; host: string }): Promise<Id> {
    const running = underway.get(iri);
    if (running !== undefined) return running;
    const fetching = fetchActor(iri, worn).finally(() => underway.delete(iri));
    underway.set(iri, fetching);
    return fetching;
  }

  async function actorByIri(iri: string): Promise<ActorRef> {
    const known = await findActor(ctx, iri);
    if (known?.iri === iri) return known;
    const [fetched] = await findActors(ctx, [await refresh(iri)]);
    if (fetched === undefined) throw new DomainError("remote_not_found", `${iri} is gone`);
    return fetched;
  }

  async function webFinger(name: string, host: string): Promise<{ iri: string; subject: string }> {
    const http = URL.parse(`http://${host}/`);
    const scheme = http !== null && allowHttp(http) ? "http" : "https";
    const resource = `acct:${name}@${host}`;
    const { json } = await fetchDocument(
      `${scheme}://${host}/.well-known/webfinger?resource=${encodeURIComponent(resource)}`,
      { expect: "jrd" },
    ).catch(toDomainError);
    const { links, subject } = json as { links?: unknown; subject?: unknown };
    const self = (Array.isArray(links) ? links.slice(0, 50) : []).find(
      (link: { rel?: unknown; type?: unknown; href?: unknown } | null) =>
        link?.rel === "self" &&
        typeof link.href === "string" &&
        typeof link.type === "string" &&
        /^application\/(activity|ld)\+json/.test(link.type),
    ) as { href: string } | undefined;
    if (self === undefined) throw new DomainError("remote_invalid", `${host} knows no actor ${name}`);
    return { iri: checked(self.href), subject: typeof subject === "string" ? subject : resource };
  }

  async function byHandle(name: string, host: string): Promise<Id> {
    const known = await findActorByHandle(ctx, name, host, new Date(ctx.clock.now().getTime() - DAY));
    if (known !== null) return known.id;
    const { iri } = await webFinger(name, host);
    const actorHost = new URL(iri).host;
    if (actorHost === host) return refresh(iri);
    // The handle's domain points at an actor elsewhere: only the actor's own server can say that it wears this handle.
    const confirmed = await webFinger(name, actorHost).catch(() => null);
    const loops =
      confirmed?.iri === iri && confirmed.subject.toLowerCase() === `acct:${name}@${host}`.toLowerCase();
    return refresh(iri, loops ? { name, host } : undefined);
  }

  async function byAddress(text: string): Promise<Id> {
    const iri = checked(text.trim());
    const known = await findActor(ctx, iri);
    const fresh = known?.fetched != null && known.fetched.getTime() > ctx.clock.now().getTime() - DAY;
    if (known !== null && (known.host === null || fresh)) return known.id;
    if (new URL(iri).origin === ctx.hub.origin) throw new DomainError("not_found", "no such actor here");
    return refresh(iri);
  }

  async function local(name: string): Promise<Id> {
    const known = await findActorByHandle(ctx, name, null);
    if (known === null) throw new DomainError("not_found", "no such actor here");
    return known.id;
  }

  const currencies = new Map<string, { currency: Currency | null; until: number }>();

  return {
    async resolveActor(text) {
      const handle = parseHandle(text);
      if (handle === null) return byAddress(text);
      return handle.host === ctx.hub.host ? local(handle.name) : byHandle(handle.name, handle.host);
    },
    resolveHub: (address) =>
      readHub(
        {
          origin: ctx.hub.origin,
          allowHttp,
          fetchObject: fetchById,
          refreshActor: refresh,
          fetchJson: async (url) =>
            (await signedGet(url, { expect: "json", sameOrigin: true }).catch(toDomainError)).json,
        },
        address,
      ),
    actorByIri,
    refreshActor: refresh,
    fetchObject: fetchById,
    fetchActivityJson,
    async fetchCurrency(iri) {
      const now = ctx.clock.now().getTime();
      const known = currencies.get(iri);
      if (known !== undefined && known.until > now) return known.currency;
      const currency = await fetchActivityJson(checked(iri))
        .catch(toDomainError)
        .then(
          ({ json }) => parseCurrency(json),
          (error: unknown) => {
            if (error instanceof DomainError && error.code !== "remote_unreachable") return null;
            throw error;
          },
        );
      if (currencies.size >= 1000) currencies.clear();
      currencies.set(iri, { currency, until: now + 3_600_000 });
      return currency;
    },
  };
}

function toDomainError(error: unknown): never {
  if (!(error instanceof EgressError)) throw error;
  const status = error.status ?? 0;
  if (status === 404 || status === 410) {
    throw new DomainError("remote_not_found", "the other server knows no such address", {
      details: { status },
      cause: error,
    });
  }
  if (["unreachable", "timeout"].includes(error.code) || status >= 500 || status === 429) {
    throw new DomainError("remote_unreachable", "the other server does not answer", { cause: error });
  }
  throw new DomainError("remote_invalid", `the other server's answer cannot be used (${error.code})`, {
    cause: error,
  });
}

/** Where plain http is acceptable: at the private addresses that the configuration names, and `localhost` on their ports. */
export function httpAllowed(pairs: readonly string[]): (url: URL) => boolean {
  const allowed = new Set(pairs);
  for (const pair of pairs) {
    const port = pair.slice(pair.lastIndexOf(":") + 1);
    if (pair.startsWith("127.0.0.1:") || pair.startsWith("[::1]:")) allowed.add(`localhost:${port}`);
  }
  return (url) => allowed.has(`${url.hostname}:${url.port || "80"}`);
}
