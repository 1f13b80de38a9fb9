import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { type AddressInfo, BlockList } from "node:net";
import { onTestFinished } from "vitest";
import type { Database } from "../../src/db/client.ts";
import {
  type AcceptedActivity,
  createDoor,
  type DoorOptions,
  type ForwardedActivity,
} from "../../src/federation/door.ts";
import { fetchDocument, installEgress } from "../../src/federation/egress.ts";
import { createKeys, type KeyStore } from "../../src/federation/keys.ts";
import { signRequest } from "../../src/federation/signatures.ts";
import { testDatabase } from "./database.ts";
import type { Remote } from "./remote-server.ts";

export interface DoorServer {
  origin: string;
  port: number;
  /** The shared inbox. */
  inbox: string;
  accepted: AcceptedActivity[];
  refetched: ForwardedActivity[];
  keys: KeyStore;
  sql: Database["sql"];
  /** Moves the hub's clock. */
  pass(milliseconds: number): void;
  now(): Date;
  /** Another process on the same database. */
  otherKeys(): KeyStore;
  close(): Promise<void>;
}

const hub = generateKeyPairSync("rsa", { modulusLength: 2048 });

/**
 * The door behind a real HTTP server, with real keys, database and egress, as a hub has them; what it accepts is kept in a
 * list. It may reach the given remote servers. Ends with the test; when started in `beforeAll`, `close` it.
 */
export async function startDoor(
  remotes: Remote[],
  change: Partial<DoorOptions> & { trust?: string[]; database?: Database } = {},
): Promise<DoorServer> {
  const { sql } = change.database ?? (await testDatabase());
  const allowed = remotes.map((remote) => remote.host);
  installEgress({ allow: allowed, userAgent: "Ayni/test" });
  const accepted: AcceptedActivity[] = [];
  const refetched: ForwardedActivity[] = [];
  let offset = 0;
  const now = () => new Date(Date.now() + offset);

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;

  const actor = {
    id: `${origin}/actor`,
    publicKey: {
      id: `${origin}/actor#main-key`,
      owner: `${origin}/actor`,
      publicKeyPem: hub.publicKey.export({ type: "spki", format: "pem" }),
    },
  };
  const key = { id: actor.publicKey.id, privateKey: hub.privateKey };
  const makeKeys = () =>
    createKeys({
      sql,
      now,
      fetch: (url) =>
        fetchDocument(url, {
          expect: "activity",
          sameOrigin: true,
          sign: (request) => signRequest("cavage", request, key, new Date()),
        }),
    });
  const keys = makeKeys();

  const trustProxy = new BlockList();
  for (const address of change.trust ?? []) trustProxy.addAddress(address);
  const door = createDoor({
    origin,
    trustProxy,
    keys,
    accept: async (activity) => void accepted.push(activity),
    refetch: async (activity) => void refetched.push(activity),
    now,
    allowHttp: (url) => allowed.includes(url.host) || url.origin === origin,
    ...change,
  });
  server.on("request", async (request, response) => {
    if (request.url === "/actor") {
      response.writeHead(200, { "content-type": "application/activity+json" });
      return response.end(JSON.stringify(actor));
    }
    const { method = "", url = "", headers, socket } = request;
    const answer = await door({
      method,
      rawUrl: url,
      headers,
      body: request,
      remoteAddress: socket.remoteAddress,
    });
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });

  function close(): Promise<void> {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }
  try {
    onTestFinished(close);
  } catch {
    // Not in a test: the caller closes it.
  }
  return {
    origin,
    port,
    inbox: `${origin}/inbox`,
    accepted,
    refetched,
    keys,
    sql,
    pass(milliseconds) {
      offset += milliseconds;
    },
    now,
    otherKeys: makeKeys,
    close,
  };
}
