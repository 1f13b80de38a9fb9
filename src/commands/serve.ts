import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getLogger } from "@logtape/logtape";
import type { Command } from "commander";
import { createHub, type Hub } from "../app.ts";
import { type Config, readConfig } from "../config.ts";
import { openDatabase } from "../db/client.ts";
import { startEmbedded } from "../db/embedded.ts";
import { migrate } from "../db/migrate.ts";
import { applicationRole } from "../db/role.ts";
import type { Clock } from "../domain/context.ts";
import { findHub } from "../domain/hubs/queries.ts";
import { installEgress } from "../federation/egress.ts";
import { endLeases } from "../queue/jobs.ts";
import { VERSION } from "../version.ts";
import { databaseFault } from "./data.ts";
import { startLogging } from "./logging.ts";

const logger = getLogger(["ayni"]);

/** Connections of one process; a worker process serves no pages, a web process works no queue. */
const POOLS = { orm: 16, raw: 8 };

export function addServeCommands(program: Command): void {
  program
    .command("serve")
    .description("serve the hub: pages, federation and, unless AYNI_ROLE says otherwise, the queue")
    .action(() => runUntilSignal(readConfig()));
  program
    .command("worker")
    .description("work the queue without serving pages (needs DATABASE_URL and AYNI_ORIGIN)")
    .action(() => runUntilSignal(readConfig({ AYNI_ROLE: "worker" })));
}

export interface Running {
  hub: Hub;
  origin: string;
  /** The queue and clearing; null for a process that only serves pages. */
  work: Awaited<ReturnType<Hub["work"]>> | null;
  /** Where it listens; null for a process that only works. */
  port: number | null;
  /** Resolves when the database is gone for good: a supervisor may do better with a new process. */
  lost: Promise<Error>;
  stop(): Promise<void>;
}

/**
 * Starts everything in the order in which it is needed: database, migrations, hub, worker, and the socket last, so that who
 * gets an answer gets one from a hub that is complete.
 *
 * @param clock default: the machine's. Who brings another one moves it, and does what is due by it: the hub does not by itself
 * @throws ConfigError, or Error with a text that says what to do
 */
export async function start(config: Config, clock?: Clock): Promise<Running> {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const { url, lost } =
      config.databaseUrl === null
        ? await embedded(config, undo)
        : { url: config.databaseUrl, lost: new Promise<Error>(() => {}) };
    const applied = await migrate(url).catch(databaseFault);
    if (applied.length > 0) logger.info("Database brought up to date: {applied}", { applied });
    const database = openDatabase(url, POOLS, await applicationRole(url));
    undo.push(() => database.close());
    // Nobody else works on the embedded one: what a hub that was killed had in hand is done now.
    if (config.databaseUrl === null) await endLeases(database.sql);

    const socket = config.role === "worker" ? null : await listen(config);
    if (socket !== null) undo.push(() => closeServer(socket.server));
    const origin = config.origin ?? `http://localhost:${socket?.port ?? config.port}`;
    installEgress({ allow: config.egressAllow, userAgent: `Ayni/${VERSION} (+${origin})` });
    const hub = await createHub({ ...config, origin }, database, clock);
    undo.push(() => hub.close());
    const work = config.role === "web" ? null : await hub.work({ unscheduled: clock !== undefined });
    if (work !== null) undo.push(() => work.stop());
    socket?.serve(hub.listener);
    return { hub, origin, work, port: socket?.port ?? null, lost, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs a hub in this process until it is told to stop. @param ready is told when it answers */
export async function runUntilSignal(config: Config, ready: () => void = () => {}): Promise<void> {
  const stopping = untilSignal();
  await startLogging(config.log);
  outliveLostConnections();
  const running = await start(config);
  logger.info("Ayni {version} is at {origin}", { version: VERSION, origin: running.origin });
  ready();
  if (process.stdout.isTTY && (await findHub(running.hub.ctx)) === null) {
    process.stdout.write(`\n  Open ${running.origin}/setup to set up your hub.\n\n`);
  }
  const lost = running.lost.then((error) => {
    // Stopping in an orderly way needs the database; whoever waits for it to come back should not wait long.
    setTimeout(() => process.exit(1), 10_000).unref();
    return error;
  });
  const end = await Promise.race([stopping, lost]);
  if (typeof end === "string") logger.info("Stopping ({signal})", { signal: end });
  await running.stop();
  if (typeof end !== "string") throw end;
}

/**
 * postgres.js 3.4.9 throws outside of any promise when a connection is lost while something waits to be written to it
 * (porsager/postgres#1066). Its queries are rejected and it connects anew: the hub need not end for that. Anything else still ends it.
 */
function outliveLostConnections(): void {
  process.on("uncaughtException", (error) => {
    if (error instanceof TypeError && /\bnextWrite\b/.test(error.stack ?? "")) {
      logger.warn("A database connection was lost: {error}", { error: error.message });
      return;
    }
    logger.fatal("The hub ends: {error}", { error });
    process.exit(1);
  });
}

/** The first SIGINT or SIGTERM. A second one, or a minute, ends the process at once: nothing is lost, the next start recovers. */
export async function untilSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve(signal));
  const signal = await promise;
  for (const again of ["SIGINT", "SIGTERM"] as const) process.once(again, () => process.exit(1));
  setTimeout(() => process.exit(1), 60_000).unref();
  return signal;
}

/** Restarts of the embedded database within an hour, before it is taken for broken. */
const MAX_RESTARTS = 10;

/**
 * The embedded database, started again whenever it ends though nobody stopped it (killed for memory, say). What was committed
 * is there again, and the pools connect again by themselves: its address stays the same.
 */
async function embedded(
  { dataDir }: Config,
  undo: (() => Promise<unknown>)[],
): Promise<{ url: string; lost: Promise<Error> }> {
  const launch = () =>
    startEmbedded({ dataDir, log: (line) => logger.debug("PostgreSQL: {line}", { line }) });
  let database = await launch();
  const { url } = database;
  let stopping = false;
  let restarting: Promise<unknown> = Promise.resolve();
  undo.push(async () => {
    stopping = true;
    await restarting;
    await database.stop();
  });

  async function watch(): Promise<Error> {
    const restarts: number[] = [];
    for (;;) {
      const error = await database.lost;
      if (stopping) return error;
      const now = Date.now();
      restarts.push(now);
      if (restarts.filter((time) => time > now - 3_600_000).length > MAX_RESTARTS) return error;
      logger.error("{error} It is started again.", { error: error.message });
      const started = launch().then(
        (again) => {
          database = again;
          return again.url === url ? null : new Error("The embedded database came back at another address.");
        },
        (cause: unknown) => new Error("The embedded database does not start any more.", { cause }),
      );
      restarting = started;
      const failure = await started;
      if (failure !== null) return failure;
      logger.info("The embedded database is back.");
    }
  }
  return { url, lost: watch() };
}

interface Socket {
  server: Server;
  port: number;
  /** Requests that came before this wait for it. */
  serve(listener: RequestListener): void;
}

/** Takes the port. Connections are accepted from now on and answered when the hub is there. */
async function listen({ port, host }: Config): Promise<Socket> {
  const ready = Promise.withResolvers<RequestListener>();
  let listener: RequestListener | undefined;
  const server = createServer(
    // Five minutes: a photo over a weak connection takes its time.
    { requestTimeout: 300_000, headersTimeout: 15_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      if (listener !== undefined) listener(request, response);
      else void ready.promise.then((found) => found(request, response));
    },
  );
  server.maxHeadersCount = 100;
  const listening = Promise.withResolvers<void>();
  server.once("error", (error: NodeJS.ErrnoException) =>
    listening.reject(
      new Error(
        error.code === "EADDRINUSE"
          ? `Port ${port} is taken by another program. Stop it, or start with another one: PORT=${port + 1} npm start`
          : `Cannot listen at HOST=${host} PORT=${port}: ${error.message}`,
      ),
    ),
  );
  server.listen(port, host, () => listening.resolve());
  await listening.promise;
  return {
    server,
    port: (server.address() as AddressInfo).port,
    serve(found) {
      listener = found;
      ready.resolve(found);
    },
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const patience = setTimeout(() => server.closeAllConnections(), 5_000);
  await closed;
  clearTimeout(patience);
}
