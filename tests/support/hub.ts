import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHub, type Hub } from "../../src/app.ts";
import { type Config, readConfig } from "../../src/config.ts";
import type { Database } from "../../src/db/client.ts";
import type { Id } from "../../src/db/ids.ts";
import { createAccount } from "../../src/domain/accounts/commands.ts";
import { actorById } from "../../src/domain/actors/queries.ts";
import type { Acting } from "../../src/domain/context.ts";
import { setUpHub } from "../../src/domain/hubs/commands.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import type { Clearing } from "../../src/federation/clearing/process.ts";
import { installEgress } from "../../src/federation/egress.ts";
import type { Worker } from "../../src/queue/worker.ts";
import { endLater, testDatabase } from "./database.ts";
import { freePort } from "./ports.ts";

export interface TestHub extends Hub {
  origin: string;
  /** `127.0.0.1:port`, as in handles and allow-lists. */
  host: string;
  database: Database;
  dataDir: string;
  worker: Worker;
  clearing: Clearing;
  clock: TestClock;
  /** The administrator that `startHub` set up; null when it was asked not to. */
  admin: Acting;
  /** A new organization that the administrator represents, and who acts for it. */
  organization(handle: string): Promise<Organization>;
  /** Resolves when its processes have heard all that its database told until now: that a document has changed, or a key. */
  heard(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again after `stop`: at the same address, with the same database and clock. */
  start(): Promise<void>;
}

export interface Organization extends Acting {
  iri: string;
  handle: string;
}

/** A clock that goes with the real one until it is moved on. */
export interface TestClock {
  now(): Date;
  advance(milliseconds: number): void;
}

export const PASSWORD = "correct horse battery staple";

export interface HubOptions {
  /** Other servers that it may reach, `address:port`. */
  allow?: readonly string[];
  setUp?: boolean;
  config?: Partial<Config>;
}

/** A whole hub on a free port with a database of its own, stopped when the test ends, or the file when it is made outside of one. */
export async function startHub(options: HubOptions = {}): Promise<TestHub> {
  const [hub] = await startHubs(1, options);
  return hub!;
}

/** Hubs in this process that know each other's address. */
export async function startHubs(count: number, options: HubOptions = {}): Promise<TestHub[]> {
  const sockets = await Promise.all(Array.from({ length: count }, listen));
  const allow = [...(options.allow ?? []), ...sockets.map(({ host }) => host)];
  return Promise.all(sockets.map((socket) => build(socket, allow, options)));
}

async function build(socket: Socket, allow: string[], options: HubOptions): Promise<TestHub> {
  const { host } = socket;
  const origin = `http://${host}`;
  installEgress({ allow, userAgent: `Ayni/test (+${origin})` });
  const database = await testDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), "ayni-test-"));
  endLater(() => rm(dataDir, { recursive: true, force: true }));
  const config = {
    ...readConfig({ AYNI_SECRET: "a secret of the tests and of nothing else", AYNI_DATA_DIR: dataDir }),
    origin,
    egressAllow: allow,
    ...options.config,
  };
  const clock = testClock();
  async function run() {
    const hub = await createHub({ ...config, origin }, database, clock);
    const { stop: stopWork, ...work } = await hub.work();
    await socket.serve(hub.listener);
    return { ...hub, ...work, stopWork };
  }
  let running = await run();
  const { ctx } = running;
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      socket.server.closeAllConnections();
      await new Promise((resolve) => socket.server.close(resolve));
      await running.stopWork();
      await running.close();
    })();
    return stopping;
  };
  // Runs before the database is dropped: hooks run last in, first out.
  endLater(stop);
  const admin =
    options.setUp === false
      ? { accountId: 0n, actorId: 0n }
      : await setUpHub(ctx, {
          name: `Hub ${host}`,
          locale: "es",
          currencyName: "Ayni",
          currencySymbol: "₳",
          admin: { handle: "ana", email: "ana@example.org", password: PASSWORD },
        });
  const self: TestHub = {
    ...running,
    origin,
    host,
    database,
    dataDir,
    clock,
    admin,
    heard: await hearing(database),
    stop,
    async start() {
      await stop();
      running = await run();
      Object.assign(self, running);
      stopping = undefined;
    },
    async organization(handle) {
      const actorId = await createOrganization(ctx, admin.accountId, {
        handle,
        name: `Organization ${handle}`,
      });
      const { iri } = await actorById(ctx, actorId);
      return { accountId: admin.accountId, actorId, iri, handle };
    },
  };
  return self;
}

/** Another account on a hub. */
export function account(hub: TestHub, handle: string): Promise<Acting> {
  return createAccount(hub.ctx, { handle, email: `${handle}@example.org`, password: PASSWORD, locale: "es" });
}

/** Waits until no hub has anything to do, and each knows what was done: what one sends may give the other work. */
export async function settle(...hubs: TestHub[]): Promise<void> {
  let before = "";
  for (;;) {
    // A job is found without being told of it, and would work with what is no longer right.
    await Promise.all(hubs.map((hub) => hub.heard()));
    for (const hub of hubs) {
      await hub.worker.idle();
      await hub.clearing.idle();
    }
    const counts = await Promise.all(hubs.map(progress));
    const now = counts.join();
    if (now === before) return;
    before = now;
  }
}

/** Numbers that grow with every job that any queue was ever given, and every envelope that came from a peer. */
async function progress(hub: TestHub): Promise<string> {
  const [row] = await hub.database.sql<{ jobs: bigint; envelopes: bigint }[]>`
    select (select last_value from jobs_id_seq) as jobs, (select last_value from clearing_inbox_id_seq) as envelopes`;
  return `${row?.jobs} ${row?.envelopes}`;
}

/** All that listens listens on one connection, to which things are told in the order in which they were committed. */
async function hearing({ sql }: Database): Promise<TestHub["heard"]> {
  const waiting = new Map<string, () => void>();
  let last = 0;
  const hear = (said: string) => {
    waiting.get(said)?.();
    waiting.delete(said);
  };
  // Listening anew after a lost connection: what was told meanwhile nobody hears, and the hub has forgotten all that it concerned.
  await sql.listen("tests", hear, () => [...waiting.keys()].forEach(hear));
  return async () => {
    const said = String(++last);
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(said, resolve);
    await sql.notify("tests", said);
    await promise;
  };
}

/** One number from the database. */
export async function count(hub: TestHub, from: string): Promise<number> {
  const [row] = await hub.database.sql.unsafe<{ count: bigint }[]>(`select count(*) from ${from}`);
  return Number(row?.count);
}

export function id(hub: TestHub, iri: string): Promise<Id> {
  return hub.ctx.remote.resolveActor(iri);
}

function testClock(): TestClock {
  let ahead = 0;
  return {
    now: () => new Date(Date.now() + ahead),
    advance(milliseconds) {
      ahead += milliseconds;
    },
  };
}

interface Socket {
  server: Server;
  host: string;
  /** Answers with this from now on, also where it had been closed. */
  serve(listener: RequestListener): Promise<void>;
}

async function listen(): Promise<Socket> {
  let listener: RequestListener = (_, response) => response.writeHead(503).end();
  const server = createServer((request, response) => listener(request, response));
  const port = await freePort();
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    server,
    host: `127.0.0.1:${port}`,
    async serve(found) {
      listener = found;
      if (!server.listening) await once(server.listen(port, "127.0.0.1"), "listening");
    },
  };
}
