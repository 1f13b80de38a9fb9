import type { Object as ASObject } from "@fedify/vocab";
import { Application, Group, Image, Organization, Person, Service } from "@fedify/vocab";
import type { ActorKind } from "../../db/schema/actors.ts";
import type { RemoteActor } from "../../domain/actors/commands.ts";
import { htmlToText, sanitizeHtml } from "../../domain/html.ts";
import { cleanText } from "../../domain/validate.ts";
import type { JsonObject } from "../../json.ts";
import { ACTOR_CONTEXT, AEC, document, HUB_CONTEXT } from "./context.ts";
import { EMBEDDED_ONLY, type IriCheck, instantToDate, text } from "./parse.ts";

export interface ActorDocument {
  iri: string;
  kind: ActorKind;
  handle: string;
  hubHost: string;
  name: string;
  summary: string;
  url: string;
  inbox: string;
  sharedInbox: string;
  outbox: string;
  followers: string;
  following: string;
  locked: boolean;
  discoverable: boolean;
  created: Date;
  /** SPKI in PEM. */
  rsaPublicKey: string;
  /** FEP-521a: `z6Mk…` */
  ed25519Multibase: string;
  /** Of the key's iri, where it has replaced another one. */
  ed25519Fragment?: string;
  /** Keys that proved before, the newest first. */
  retired?: readonly { fragment: string; publicKey: string; retired: Date }[];
}

/**
 * An actor of ours as others read it. A key's id means that key for ever: `#main-key` (RSA), `#ed25519-key`, and a key that replaced
 * another one has itself as its id. Keys of before stay with the time when they were revoked, so that what they proved stays proven.
 */
export function toActor(actor: ActorDocument): JsonObject {
  const hub = actor.kind === "Application";
  return document(hub ? HUB_CONTEXT : ACTOR_CONTEXT, {
    id: actor.iri,
    type: actor.kind,
    preferredUsername: actor.handle,
    webfinger: `${actor.handle}@${actor.hubHost}`,
    name: actor.name,
    summary: actor.summary,
    url: actor.url,
    inbox: actor.inbox,
    outbox: actor.outbox,
    followers: actor.followers,
    following: actor.following,
    endpoints: { sharedInbox: actor.sharedInbox },
    manuallyApprovesFollowers: actor.locked,
    discoverable: actor.discoverable,
    indexable: actor.discoverable,
    published: actor.created.toISOString(),
    publicKey: {
      id: `${actor.iri}#main-key`,
      type: "CryptographicKey",
      owner: actor.iri,
      publicKeyPem: actor.rsaPublicKey,
    },
    assertionMethod: [
      {
        id: `${actor.iri}#${actor.ed25519Fragment ?? "ed25519-key"}`,
        type: "Multikey",
        controller: actor.iri,
        publicKeyMultibase: actor.ed25519Multibase,
      },
      ...(actor.retired ?? []).map(({ fragment, publicKey, retired }) => ({
        ...{ id: `${actor.iri}#${fragment}`, type: "Multikey", controller: actor.iri },
        ...{ publicKeyMultibase: publicKey, revoked: retired.toISOString() },
      })),
    ],
    ...(hub ? { "ayni:clearing": new URL("/clearing", actor.iri).href, implements: PROTOCOLS } : {}),
    tag: [],
    attachment: [],
  });
}

/** What a hub speaks beyond ActivityPub (FEP-844e). */
const PROTOCOLS = [{ href: AEC, name: "Ayni Exchange & Clearing, version 1" }];

/**
 * A remote actor's document, or null when it is not an actor that we can deal with.
 *
 * @param host the host of its handle
 * @param check which ids are acceptable (https, or http where that is allowed)
 */
export async function parseActor(
  object: ASObject,
  host: string,
  check: IriCheck,
): Promise<RemoteActor | null> {
  const kind = kindOf(object);
  if (kind === null) return null;
  const actor = object as Person;
  const iri = check(actor.id);
  const inbox = check(actor.inboxId);
  const handle = cleanText(text(actor.preferredUsername) ?? "");
  if (iri === null || inbox === null || !/^[^\s@/?#<>"]{1,128}$/.test(handle)) return null;
  // What belongs to an actor stands on its own server.
  const origin = new URL(iri).origin;
  const own = (url: URL | null | undefined) => {
    const value = check(url ?? null);
    return value !== null && new URL(value).origin === origin ? value : null;
  };
  if (new URL(inbox).origin !== origin) return null;
  const icon = await actor.getIcon(EMBEDDED_ONLY);
  const iconUrl = icon instanceof Image ? icon.url : null;
  const published = instantToDate(actor.published);
  return {
    iri,
    kind,
    handle,
    host,
    name: htmlToText(cleanText(text(actor.name) ?? "")).slice(0, 200) || handle,
    summary: sanitizeHtml(cleanText(text(actor.summary) ?? "").slice(0, 20_000)),
    url: own(actor.url instanceof URL ? actor.url : (actor.url?.href ?? null)),
    avatar: check(iconUrl instanceof URL ? iconUrl : (iconUrl?.href ?? null)),
    inbox,
    sharedInbox: own(actor.endpoints?.sharedInbox),
    outbox: own(actor.outboxId),
    followers: own(actor.followersId),
    following: own(actor.followingId),
    locked: actor.manuallyApprovesFollowers ?? false,
    discoverable: actor.discoverable ?? false,
    published,
  };
}

function kindOf(object: ASObject): ActorKind | null {
  if (object instanceof Person) return "Person";
  if (object instanceof Organization) return "Organization";
  if (object instanceof Group) return "Group";
  if (object instanceof Application) return "Application";
  if (object instanceof Service) return "Service";
  return null;
}
