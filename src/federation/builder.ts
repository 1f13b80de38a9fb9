import { createFederationBuilder, type Federation as Fedify, type KvStore } from "@fedify/fedify";
import { Application, Group, Organization, Person, Service } from "@fedify/vocab";
import { parseId } from "../db/ids.ts";
import type { ActorKind } from "../db/schema/actors.ts";
import { findActorByHandle, localActor } from "../domain/actors/queries.ts";
import { findHub, usage } from "../domain/hubs/queries.ts";
import { VERSION } from "../version.ts";
import type { InboxData } from "./context.ts";
import { registerInbox } from "./inbox/index.ts";
import { contextLoader, noDocuments } from "./loaders.ts";

const CLASSES = { Person, Organization, Group, Application, Service } satisfies Record<ActorKind, unknown>;

/** The identifier of the hub's own actor, whose address is `/actor`. */
const HUB = "hub";

/**
 * Fedify, for what it does here: vocabulary and JSON-LD, dispatch of verified activities to handlers, WebFinger and NodeInfo.
 * Door, queue, delivery, documents and everything that goes out are ours.
 */
export async function buildFedify(origin: string, kv: KvStore): Promise<Fedify<InboxData>> {
  const builder = createFederationBuilder<InboxData>();
  builder
    .setActorDispatcher("/actors/{identifier}", async ({ data: { ctx } }, identifier) => {
      const id = identifier === HUB ? (await findHub(ctx))?.actorId : parseId(identifier);
      const actor = id == null ? null : await localActor(ctx, id);
      if (actor === null) return null;
      const { iri, handle, name, url, inbox } = actor;
      return new CLASSES[actor.kind]({
        id: new URL(iri),
        preferredUsername: handle,
        name,
        url: new URL(url),
        inbox: new URL(inbox),
      });
    })
    .mapHandle(async ({ data: { ctx } }, handle) => {
      if (handle.toLowerCase() === HUB) return HUB;
      return (await findActorByHandle(ctx, handle, null))?.id.toString() ?? null;
    })
    .mapAlias((_, resource) => {
      if (resource.origin !== origin) return null;
      const username = /^\/@([a-z0-9_]+)$/i.exec(resource.pathname)?.[1];
      if (username !== undefined) return { username };
      return resource.pathname === "/" ? { identifier: HUB } : null;
    })
    .mapActorAlias("/actor", HUB);
  let size: ReturnType<typeof usage> | undefined;
  let until = 0;
  builder.setNodeInfoDispatcher("/nodeinfo/2.1", async ({ data: { ctx } }) => {
    const hub = await findHub(ctx);
    // Counting goes through all posts, and anybody may ask.
    const now = ctx.clock.now().getTime();
    if (size === undefined || now > until) {
      size = usage(ctx);
      size.catch(() => {
        until = 0;
      });
      until = now + 600_000;
    }
    return {
      software: { name: "ayni", version: VERSION },
      protocols: ["activitypub"],
      openRegistrations: false,
      usage: await size,
      metadata: {
        nodeName: hub?.name ?? "Ayni",
        nodeDescription: hub?.description ?? "",
        publicTotals: `${origin}/ledger/totals`,
      },
    };
  });
  registerInbox(builder);
  return builder.build({
    kv,
    origin,
    documentLoaderFactory: () => noDocuments,
    authenticatedDocumentLoaderFactory: () => noDocuments,
    contextLoaderFactory: () => contextLoader,
  });
}
