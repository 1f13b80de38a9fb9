import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Db } from "../../src/db/client.ts";
import { type Id, idAt } from "../../src/db/ids.ts";
import type { ActorKind } from "../../src/db/schema/actors.ts";
import { createActor, saveRemoteActor } from "../../src/domain/actors/commands.ts";
import { generateKeys } from "../../src/domain/actors/keys.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { createConsents } from "../../src/federation/consents.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { createFiles } from "../../src/files.ts";
import { createVault } from "../../src/vault.ts";

const ORIGIN = "https://hub.example";
let drawn = 0n;

/** What commands and queries are given, with no hub around them and no other server to be asked. */
export function domainContext(db: Db, now = () => new Date()): Ctx {
  const vault = createVault("a secret of the tests and of nothing else");
  return {
    db,
    clock: { now },
    ids: { next: async (at) => idAt(at ?? now(), ++drawn) },
    hub: { origin: ORIGIN, host: new URL(ORIGIN).host },
    vault,
    files: createFiles(join(tmpdir(), `ayni-files-${process.pid}`)),
    remote: {
      resolveActor: () => Promise.reject(new Error("no other server is asked here")),
      resolveHub: () => Promise.reject(new Error("no other server is asked here")),
    },
    consents: createConsents(ORIGIN, createKeyring({ db, vault })),
  };
}

/** An actor of the hub. */
export async function localActor(ctx: Ctx, handle: string, kind: ActorKind = "Organization"): Promise<Id> {
  return createActor(ctx, { kind, handle, name: handle, summary: "" }, await generateKeys(ctx));
}

/** An actor of another server, as if it had been read from there. */
export function remoteActor(ctx: Ctx, handle: string, host = "remote.example"): Promise<Id> {
  const iri = `https://${host}/users/${handle}`;
  return saveRemoteActor(ctx, {
    iri,
    kind: "Person",
    handle,
    host,
    name: handle,
    summary: "",
    url: `https://${host}/@${handle}`,
    avatar: null,
    inbox: `${iri}/inbox`,
    sharedInbox: `https://${host}/inbox`,
    outbox: `${iri}/outbox`,
    followers: `${iri}/followers`,
    following: `${iri}/following`,
    locked: false,
    discoverable: true,
    published: null,
  });
}
