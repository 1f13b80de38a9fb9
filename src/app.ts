import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { getLogger } from "@logtape/logtape";
import { Hono } from "hono";
import { compress } from "hono/compress";
import type { Sql } from "postgres";
import { loadAssets } from "./assets.ts";
import { chores } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Database } from "./db/client.ts";
import { connect } from "./db/connect.ts";
import { createIds } from "./db/ids.ts";
import type { Clock, Ctx } from "./domain/context.ts";
import { DomainError, isPassing } from "./domain/errors.ts";
import { findHub } from "./domain/hubs/queries.ts";
import { knowsPost } from "./domain/posts/queries.ts";
import { throttle } from "./domain/throttle.ts";
import { buildFedify } from "./federation/builder.ts";
import { createClearingDoor } from "./federation/clearing/door.ts";
import { type Clearing, startClearing } from "./federation/clearing/process.ts";
import { isQuery, writeStatement } from "./federation/clearing/statement.ts";
import { signTotals } from "./federation/clearing/totals.ts";
import { createWire } from "./federation/clearing/wire.ts";
import { createConsents } from "./federation/consents.ts";
import type { Federation } from "./federation/context.ts";
import { createCopier } from "./federation/copies.ts";
import { createDelivery, deliveryRetry } from "./federation/delivery.ts";
import { createDocumentCache } from "./federation/document-cache.ts";
import { createDoor } from "./federation/door.ts";
import { federationRoutes } from "./federation/http.ts";
import { createInboxWorker } from "./federation/inbox/process.ts";
import { createKeptDocuments } from "./federation/kept-documents.ts";
import { createKeyring } from "./federation/keyring.ts";
import { createKeys } from "./federation/keys.ts";
import { createRemote, httpAllowed } from "./federation/remote.ts";
import { iriCheck } from "./federation/vocab/parse.ts";
import { createFiles } from "./files.ts";
import { createMailer } from "./mail/mailer.ts";
import { createMailWorker } from "./mail/notices.ts";
import { createIntake } from "./queue/intake.ts";
import { createKvStore } from "./queue/kv.ts";
import { startSchedule } from "./queue/schedule.ts";
import { queueStats } from "./queue/stats.ts";
import { startWorker, type Worker } from "./queue/worker.ts";
import { apiRoutes } from "./routes/api/index.ts";
import { assetRoutes } from "./routes/assets.ts";
import { clearingRoutes } from "./routes/clearing.ts";
import type { RouteOptions } from "./routes/env.ts";
import { healthRoutes } from "./routes/health.ts";
import { mediaRoutes } from "./routes/media.ts";
import { addresses, clientAddress } from "./routes/middleware/client-address.ts";
import { DATA_HEADERS, dataHeaders } from "./routes/middleware/security.ts";
import { webRoutes } from "./routes/web/index.tsx";
import { createVault } from "./vault.ts";

/** A hub, put together but not listening: whoever starts it owns the socket. */
export interface Hub {
  ctx: Ctx;
  /** Answers HTTP requests. */
  listener: RequestListener;
  /**
   * Begins to work the queue and the clock, and to settle with peers when no other process does; returns what ends it.
   *
   * @param unscheduled what the clock does is not done by itself: whoever moves the clock does it
   */
  work(options?: {
    unscheduled?: boolean;
  }): Promise<{ worker: Worker; clearing: Clearing; stop(): Promise<void> }>;
  /** Ends what the hub itself has open (not the database, which was given to it). */
  close(): Promise<void>;
}

const logger = getLogger(["ayni"]);

/**
 * The composition root: wires every folder and knows them all; nothing else does. The egress guard must have been installed
 * before (`installEgress`), and the database migrated.
 *
 * @throws Error when the database belongs to a hub at another address
 */
export async function createHub(
  config: Config & { origin: string },
  database: Database,
  clock: Clock = { now: () => new Date() },
): Promise<Hub> {
  const { origin } = config;
  const { db, sql } = database;
  const vault = createVault(config.secret);
  const ids = createIds(sql, clock.now);
  const allowHttp = httpAllowed(config.egressAllow);
  const keyring = createKeyring({ db, vault });
  const files = createFiles(config.mediaDir);
  const mailer = createMailer({ ...config, origin });
  const consents = createConsents(origin, keyring);
  const base = { db, clock, ids, vault, consents, files, hub: { origin, host: new URL(origin).host } };
  const check = iriCheck(allowHttp);
  const remote = createRemote({ ctx: base, keyring, check, allowHttp });
  const ctx: Ctx = { ...base, remote };
  await checkOrigin(ctx);

  const keys = createKeys({ sql, fetch: (url) => remote.fetchActivityJson(url), now: clock.now });
  const forgetKeys = (iri: string) => keys.forget(iri);
  const federation: Federation = { ctx, keyring, keys, remote, check, forgetKeys };
  const fedify = await buildFedify(origin, createKvStore(sql, clock));
  const documents = createDocumentCache(clock);
  const intake = createIntake(sql, clock);
  const stopListening = await keys.listen();
  const subscription = await sql.listen(
    "documents",
    (id) => documents.forget(`${id} `),
    // Listening anew after a lost connection: what was told meanwhile was not heard.
    () => documents.forget(""),
  );
  const keysSubscription = await sql.listen("keys", keyring.forget, keyring.forget);
  const trusted = addresses(config.trustProxy);

  const door = createDoor({
    origin,
    trustProxy: trusted,
    keys,
    now: clock.now,
    allowHttp,
    // One actor's activities are worked on in the order in which they came.
    accept: ({ body, signer, received }) =>
      intake.put({ queue: "inbox", key: signer, payload: JSON.stringify({ body, signer, received }) }),
    async refetch({ type, id, object, inReplyTo }) {
      const known =
        (await knowsPost(ctx, object)) || (inReplyTo !== null && (await knowsPost(ctx, inReplyTo)));
      if (!known || !(await worthAsking(ctx, id, object))) return;
      const payload = JSON.stringify({ refetch: object, deleted: type === "Delete" });
      await intake.put({ queue: "inbox", key: object, payload });
    },
  });

  const clearingDoor = createClearingDoor({
    ctx,
    address: ({ headers, remoteAddress }) => clientAddress({ headers, socket: { remoteAddress } }, trusted),
  });

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(dataHeaders);
  // Of documents and health; pages have their own.
  app.onError((error, c) => {
    logger.error("{method} {path} failed: {error}", { method: c.req.method, path: c.req.path, error });
    if (!isPassing(error)) return c.json({ error: "the hub has a fault" }, 500);
    return c.json({ error: "the hub cannot answer at the moment" }, 503, { "retry-after": "60" });
  });
  app.route("/", healthRoutes({ ctx, queues: fewTimes(() => queueStats(sql, clock.now())) }));
  const assets = loadAssets();
  app.route("/", assetRoutes(assets));
  app.route("/", mediaRoutes({ ctx }));
  app.route("/", federationRoutes(federation, fedify, documents));
  app.use(compress());
  const options: RouteOptions = {
    ctx,
    assets,
    clientAddress: (c) => clientAddress(c.env.incoming, trusted),
  };
  app.route(
    "/",
    clearingRoutes({
      ...options,
      write: async (peer) => writeStatement(ctx, peer, await createWire(ctx, keyring)),
      asks: async (peer, body) => isQuery(body, peer, (await createWire(ctx, keyring)).hub, clock.now()),
    }),
  );
  app.route("/", apiRoutes(options).app);
  app.route("/", webRoutes(options));
  const pages = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const keptDocument = createKeptDocuments(documents, DATA_HEADERS);

  return {
    ctx,
    listener(request, response) {
      if (/^\/(actors\/[^/]*\/)?inbox(\?|$)/.test(request.url ?? "")) {
        void passDoor(door, request, response);
      } else if (/^\/clearing(\?|$)/.test(request.url ?? "")) {
        void passDoor(clearingDoor, request, response);
      } else if (!keptDocument(request, response)) {
        void pages(request, response);
      }
    },
    async work({ unscheduled = false } = {}) {
      const delivery = createDelivery(ctx, keyring);
      const clockWork = chores(ctx, sql, mailer, async (totals) =>
        signTotals(totals, { ...(await createWire(ctx, keyring)), origin }),
      );
      const worker = startWorker({
        sql,
        clock,
        queues: {
          events: { concurrency: 4, handle: delivery.onEvent },
          deliveries: { concurrency: 50, handle: delivery.onDelivery, retry: deliveryRetry },
          inbox: { concurrency: 12, handle: createInboxWorker(federation, fedify) },
          copies: { concurrency: 2, handle: createCopier(federation) },
          mails: { concurrency: 2, handle: createMailWorker(ctx, mailer) },
          clock: {
            concurrency: 1,
            handle: async ({ payload }) => {
              const { name } = payload as { name: string };
              await clockWork.find((chore) => chore.name === name)?.run();
            },
          },
        },
      });
      const schedule = startSchedule({ sql, clock, entries: unscheduled ? [] : clockWork });
      const clearing = startClearing({
        ctx,
        sql,
        keyring,
        connect: (onclose) => ownConnection(database, onclose),
      });
      return {
        worker,
        clearing,
        async stop() {
          await Promise.all([schedule.stop(), clearing.stop()]);
          await worker.stop();
        },
      };
    },
    async close() {
      mailer.close();
      await Promise.allSettled([
        stopListening(),
        subscription.unlisten(),
        keysSubscription.unlisten(),
        intake.close(),
      ]);
    },
  };
}

/**
 * Several servers may bring the same activity, which is asked for once; and nobody may have a server asked again and again by
 * naming one object of it in ever new activities.
 */
async function worthAsking(ctx: Ctx, activity: string, object: string): Promise<boolean> {
  try {
    await throttle(ctx, `refetch:${activity}`, 1, 600);
    await throttle(ctx, `refetch:${object}`, 5, 600);
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.code === "too_many_attempts") return false;
    throw error;
  }
}

/** Every id starts with the origin: a hub that comes up under another one would be a stranger to all its followers. */
async function checkOrigin(ctx: Ctx): Promise<void> {
  const hub = await findHub(ctx);
  if (hub !== null && hub.origin !== ctx.hub.origin) {
    throw new Error(
      `This database belongs to ${hub.origin}, but the hub was started as ${ctx.hub.origin}. ` +
        `Set AYNI_ORIGIN=${hub.origin} (and PORT to match, if it is not behind a proxy).`,
    );
  }
}

/** One connection that is neither closed for being idle nor for being old: what it holds is held for as long as it lives. */
function ownConnection({ url }: Database, onclose: () => void): Sql {
  return connect(url, {
    ...{ max: 1, idle_timeout: 0, max_lifetime: null, connect_timeout: 10, onnotice: () => {}, onclose },
    connection: { application_name: "ayni clearing" },
  });
}

/** Asks at most every five seconds: anybody may ask for a hub's health, and counting a long queue takes a while. */
function fewTimes<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let until = 0;
  return () => {
    const now = performance.now();
    if (answer === undefined || now > until) {
      answer = ask();
      until = now + 5_000;
    }
    return answer;
  };
}

async function passDoor(
  door: ReturnType<typeof createDoor>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, headers, body } = await door({
    method: request.method ?? "",
    rawUrl: request.url ?? "",
    headers: request.headers,
    body: request,
    remoteAddress: request.socket.remoteAddress,
  });
  if (!response.destroyed) response.writeHead(status, { ...DATA_HEADERS, ...headers }).end(body);
}
