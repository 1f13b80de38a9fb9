import type { Id } from "../db/ids.ts";
import { DomainError } from "../domain/errors.ts";
import type { RemoteHub } from "../domain/peers/rules.ts";
import { isObject, parseIri } from "./envelope.ts";
import { isRevoked } from "./keys.ts";
import { decodeMultikey, encodeMultikey, type JsonObject } from "./proofs.ts";
import { AYNI } from "./vocab/context.ts";
import { parseCurrencyTerms } from "./vocab/peers.ts";

const APPLICATION = "https://www.w3.org/ns/activitystreams#Application";

export interface HubReader {
  /** This hub's own origin: it is no peer of itself. */
  origin: string;
  allowHttp: (url: URL) => boolean;
  /** As `RemoteServers` has them. */
  fetchObject(iri: string): Promise<{ raw: JsonObject }>;
  refreshActor(iri: string): Promise<Id>;
  /** Any JSON, without leaving the origin. @throws DomainError remote_* */
  fetchJson(url: string): Promise<unknown>;
}

/**
 * A hub as its own documents describe it. Which of its actors speaks for it is what its NodeInfo says (FEP-2677), so that no other
 * actor of the same server can.
 *
 * @param address `hub.example`, `https://hub.example`
 * @throws DomainError remote_not_found, remote_unreachable, remote_invalid, not_a_hub, own_hub
 */
export async function readHub(reader: HubReader, address: string): Promise<RemoteHub> {
  const origin = originOf(address, reader.allowHttp);
  if (origin === null) throw new DomainError("not_a_hub", "this is not a hub's address", { field: "origin" });
  if (origin === reader.origin)
    throw new DomainError("own_hub", "a hub is no peer of itself", { field: "origin" });
  const iri = applicationOf(await reader.fetchJson(`${origin}/.well-known/nodeinfo`));
  if (iri === null || new URL(iri).origin !== origin) throw notAHub(origin);
  const { raw } = await reader.fetchObject(iri);
  const actor = typeof raw.id === "string" ? raw.id : "";
  const clearing = addressOf(raw["ayni:clearing"] ?? raw[`${AYNI}clearing`]);
  const [key = null, retired] = keysOf(raw, actor);
  const own = [actor, clearing ?? ""].every((own) => URL.parse(own)?.origin === origin);
  if (raw.type !== "Application" || !own || clearing === null || key === null) throw notAHub(origin);
  const currency = parseCurrencyTerms((await reader.fetchObject(`${origin}/currency`)).raw, origin);
  if (currency === null) throw notAHub(origin);
  const actorId = await reader.refreshActor(actor);
  const name = typeof raw.name === "string" ? raw.name : new URL(origin).host;
  return { actorId, iri: actor, origin, name, key, retired, clearing, currency };
}

const notAHub = (origin: string) =>
  new DomainError("not_a_hub", `${origin} is not a hub that exchanges with others`, { field: "origin" });

/** The origin that people mean; null when it is none that may be asked. */
function originOf(address: string, allowHttp: (url: URL) => boolean): string | null {
  const text = address.trim().replace(/^@[^@/]*@/, "");
  if (/^https?:\/\//i.test(text)) return parseIri(text, allowHttp)?.origin ?? null;
  const http = URL.parse(`http://${text}`);
  const scheme = http !== null && allowHttp(http) ? "http" : "https";
  return parseIri(`${scheme}://${text}`, allowHttp)?.origin ?? null;
}

function applicationOf(nodeInfo: unknown): string | null {
  const links = isObject(nodeInfo) && Array.isArray(nodeInfo.links) ? nodeInfo.links.slice(0, 50) : [];
  const link = links.find((link) => isObject(link) && link.rel === APPLICATION);
  const href = isObject(link) ? link.href : null;
  return typeof href === "string" && URL.canParse(href) ? href : null;
}

const addressOf = (value: unknown): string | null => {
  const address = isObject(value) ? value.id : value;
  return typeof address === "string" && URL.canParse(address) ? address : null;
};

/** The Ed25519 key that the actor proves with (FEP-521a), the first that was not revoked; and those of before. */
function keysOf(actor: JsonObject, iri: string): [string | undefined, string[]] {
  const now = new Date();
  const found = [actor.assertionMethod].flat().flatMap((method) => {
    if (!isObject(method) || method.controller !== iri) return [];
    if (typeof method.id !== "string" || !method.id.startsWith(`${iri}#`)) return [];
    const key =
      typeof method.publicKeyMultibase === "string" ? decodeMultikey(method.publicKeyMultibase) : null;
    return key === null ? [] : [{ key: encodeMultikey(key), revoked: isRevoked(method, now) }];
  });
  const retired = found.filter(({ revoked }) => revoked).map(({ key }) => key);
  return [found.find(({ revoked }) => !revoked)?.key, retired.slice(0, MAX_RETIRED)];
}

/** More keys than people replace in the life of a hub. */
const MAX_RETIRED = 50;
