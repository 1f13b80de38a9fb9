import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "postgres";
import { type Database, openDatabase } from "../src/db/client.ts";
import { startEmbedded } from "../src/db/embedded.ts";
import { createIds } from "../src/db/ids.ts";
import { migrate } from "../src/db/migrate.ts";
import type { Acting, Ctx } from "../src/domain/context.ts";
import { setUpHub } from "../src/domain/hubs/commands.ts";
import { createConsents } from "../src/federation/consents.ts";
import { createKeyring } from "../src/federation/keyring.ts";
import { createFiles } from "../src/files.ts";
import { createVault } from "../src/vault.ts";
import { cpuOf, postmasterOf } from "./processes.ts";

/** A database that was set up as a hub, and what starts hub processes on it. */
export interface Site {
  ctx: Ctx;
  sql: Database["sql"];
  url: string;
  admin: Acting;
  port: number;
  /** `localhost:port`, as in the Host header. */
  host: string;
  postmaster: number;
  /** A hub process that is ready to answer. */
  start(options?: { role?: "all" | "web"; allow?: readonly string[] }): Promise<HubProcess>;
  close(): Promise<void>;
}

export interface HubProcess {
  pid: number;
  /** Of this process and of the database. */
  cpu(): { server: number; database: number };
  stop(): Promise<void>;
}

const PROGRAM = join(import.meta.dirname, "main.js");
const START_TIMEOUT = 60_000;

/**
 * Sets a hub up on a database of its own: the embedded PostgreSQL with the product's settings, run by this process so that
 * hubs can be started and stopped on it.
 *
 * @param profiles directory for CPU profiles of the hub processes
 */
export async function openSite(profiles: string | undefined): Promise<Site> {
  const dataDir = await mkdtemp(join(tmpdir(), "ayni-bench-"));
  const embedded = await startEmbedded({ dataDir, log: () => {} });
  await migrate(embedded.url);
  const database = openDatabase(embedded.url, { orm: 4, raw: 4 });
  const { db, sql } = database;
  const port = await freePort();
  const host = `localhost:${port}`;
  const secret = randomBytes(32).toString("base64url");
  const clock = { now: () => new Date() };
  const vault = createVault(secret);
  const ctx: Ctx = {
    db,
    clock,
    ids: createIds(sql, clock.now),
    hub: { origin: `http://${host}`, host },
    vault,
    files: createFiles(join(dataDir, "media")),
    consents: createConsents(`http://${host}`, createKeyring({ db, vault })),
    remote: { resolveActor: noOther, resolveHub: noOther },
  };
  const admin = await setUpHub(ctx, {
    name: "Invented hub of a benchmark",
    locale: "es",
    currencyName: "Ayni",
    currencySymbol: "₳",
    admin: { handle: "ana", email: "ana@invented.invalid", password: randomBytes(16).toString("hex") },
  });
  const postmaster = postmasterOf(dataDir);

  return {
    ctx,
    sql,
    admin,
    port,
    host,
    postmaster,
    url: embedded.url,
    async start({ role = "all", allow = [] } = {}) {
      const child = spawnHub(profiles, {
        DATABASE_URL: embedded.url,
        AYNI_DATA_DIR: dataDir,
        AYNI_SECRET: secret,
        AYNI_ORIGIN: `http://${host}`,
        AYNI_ROLE: role,
        AYNI_EGRESS_ALLOW: allow.join(","),
        PORT: String(port),
      });
      await answers(child, port, "/readyz");
      const pid = child.pid ?? 0;
      return { pid, cpu: () => cpuOf(pid, postmaster), stop: () => stopProcess(child) };
    },
    async close() {
      await database.close();
      await embedded.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A hub process as `npm start` runs it, with nothing of this process's own configuration. */
export function spawnHub(profiles: string | undefined, env: Record<string, string>): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(AYNI_|DATABASE_URL$|HOST$|PORT$|SMTP_)/.test(name),
  );
  const profiling = profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`];
  return spawn(process.execPath, ["--enable-source-maps", ...profiling, PROGRAM, "serve"], {
    env: { ...Object.fromEntries(inherited), AYNI_LOG: "warning", ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** Resolves when the hub answers 200, with the milliseconds that this took. @throws Error when it ended or takes too long */
export async function answers(child: ChildProcess, port: number, path: string): Promise<number> {
  const started = performance.now();
  while (child.exitCode === null && performance.now() - started < START_TIMEOUT) {
    const status = await fetch(`http://127.0.0.1:${port}${path}`).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => null,
    );
    if (status === 200) return performance.now() - started;
    await sleep(5);
  }
  throw new Error(`the hub did not start (exit status ${child.exitCode})`);
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function noOther(): never {
  throw new Error("the benchmark asks no other server");
}

/** What was written in bulk is as if it had been there for long, and on the disk. Takes as long as it takes. */
export async function vacuum(sql: Sql): Promise<void> {
  const own = await sql.reserve();
  try {
    await own`set statement_timeout = 0`;
    await own`vacuum analyze`;
    await own`checkpoint`;
    await own`reset statement_timeout`;
  } finally {
    own.release();
  }
}
