import type { ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "./connect.ts";
import { chooseLauncher, findBinaries, give, type Launcher, run } from "./launcher.ts";
import { findPostmaster, type Postmaster, processStamp } from "./postmaster.ts";

const SUPERUSER = "ayni";
const PORT = 5432;
/** `sun_path` holds 108 bytes with the closing zero. */
const SOCKET_PATH_MAX = 107;
const WAY_OUT = "Mend that, or set DATABASE_URL to use a PostgreSQL 18 of your own.";
const START_TIMEOUT = 120_000;
const STOP_TIMEOUT = 30_000;
/** How long somebody else's postmaster may take to end: a zombie holds its lock until its parent collects it. */
const HANDOVER_TIMEOUT = 20_000;

export interface EmbeddedOptions {
  /** Made when missing. The cluster lives in `postgres/data`, its password in `postgres/password`. */
  dataDir: string;
  /** Gets PostgreSQL's log, line by line. */
  log(line: string): void;
  /** Only for throw-away clusters: `false` trades safety for speed and allows many more connections. */
  durable?: boolean;
}

export interface Embedded {
  /** For `openDatabase`, `connect` and libpq; contains the password. */
  url: string;
  /** Ends the server in an orderly way and waits for it. Safe to call twice. */
  stop(): Promise<void>;
  /** Resolves when the server ended though nobody called `stop`. */
  lost: Promise<Error>;
}

/**
 * Starts PostgreSQL 18 on `dataDir`, which it makes on the first run. The server listens on a unix socket in a private
 * directory and nowhere else, asks for a password even there, and ends when this process does.
 *
 * A server that a killed process left behind is stopped first; what it had committed is recovered.
 *
 * @throws Error saying what to do when another living process runs the database, or when it cannot run here
 */
export async function startEmbedded({ dataDir, log, durable = true }: EmbeddedOptions): Promise<Embedded> {
  const bin = await findBinaries();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const home = join(await realpath(dataDir), "postgres");
  const launcher = await chooseLauncher(home);
  await initialize(home, bin, launcher, durable);
  const data = join(home, "data");
  const sockets = await socketDirectory(data, launcher);

  const deadline = Date.now() + HANDOVER_TIMEOUT;
  for (;;) {
    await takeOver(data, dataDir, deadline, log);
    const started = await launch(bin, data, sockets, launcher, durable, log);
    if (typeof started !== "string") {
      const server = supervise(started, sockets);
      try {
        const url = await urlOf(home, sockets);
        await answers(url);
        return { url, ...server };
      } catch (error) {
        await server.stop();
        throw error;
      }
    }
    if (!/postmaster\.pid|shared memory block/.test(started) || Date.now() > deadline) {
      throw new Error(`The embedded database did not start in ${data}:\n${started}\n${WAY_OUT}`);
    }
    await delay(100);
  }
}

/**
 * Finds the embedded database that another process runs on `dataDir`; null when none does. `stop` only says goodbye:
 * the server belongs to the process that started it.
 */
export async function attachEmbedded({
  dataDir,
}: {
  dataDir: string;
}): Promise<Pick<Embedded, "url" | "stop"> | null> {
  const home = join(await realpath(dataDir).catch(() => dataDir), "postgres");
  const deadline = Date.now() + START_TIMEOUT;
  for (;;) {
    const found = await findPostmaster(join(home, "data"));
    if (found?.state !== "running" || found.status === "stopping") return null;
    if (found.status === "ready") {
      const url = await urlOf(home, found.sockets);
      await answers(url);
      return { url, stop: async () => {} };
    }
    if (Date.now() > deadline) throw new Error(`The database in ${home} is still starting; try again later.`);
    await delay(50);
  }
}

async function urlOf(home: string, sockets: string): Promise<string> {
  const password = (await readFile(join(home, "password"), "utf8")).trim();
  return `postgres://${SUPERUSER}:${password}@localhost:${PORT}/${SUPERUSER}?host=${encodeURIComponent(sockets)}`;
}

/** Asks once; the database named after the user is made on the way when it is missing. */
async function answers(url: string): Promise<void> {
  const sql = connect(url.replace(`/${SUPERUSER}?`, "/postgres?"), { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql`select from pg_database where datname = ${SUPERUSER}`;
    if (!row) await sql`create database ${sql(SUPERUSER)}`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Waits until nobody else's postmaster holds `data`: refuses when it has a living owner, stops it when it has none. */
async function takeOver(
  data: string,
  dataDir: string,
  deadline: number,
  log: (line: string) => void,
): Promise<void> {
  let signalled: NodeJS.Signals | undefined;
  for (;;) {
    const found = await findPostmaster(data);
    if (!found || found.state === "gone") return;
    if (found.state === "foreign") {
      // The pid was given to somebody else since (a restarted container often does that); PostgreSQL would refuse.
      await rm(join(data, "postmaster.pid"), { force: true });
      await rm(join(found.sockets, `.s.PGSQL.${PORT}.lock`), { force: true });
      return;
    }
    const late = Date.now() > deadline;
    if (found.state === "running") {
      if (found.owner && found.status !== "stopping") throw inUse(found, dataDir);
      if (!found.owner && !signalled) {
        log(`stopping the database server ${found.pid}, left behind by a process that was killed`);
        signalled = "SIGINT";
        process.kill(found.pid, signalled);
      } else if (late && !found.owner && signalled === "SIGINT") {
        signalled = "SIGQUIT";
        process.kill(found.pid, signalled);
      }
    }
    if (Date.now() > deadline + 5_000) throw inUse(found, dataDir);
    await delay(50);
  }
}

function inUse(found: Postmaster, dataDir: string): Error {
  const holder = found.owner ? `process ${found.owner}` : `a database server (process ${found.pid})`;
  return new Error(
    `The data directory ${dataDir} is in use by ${holder}. Stop that first, or set AYNI_DATA_DIR to another directory.`,
  );
}

/** The running server, or the last lines it logged when it ended instead. */
async function launch(
  bin: string,
  data: string,
  sockets: string,
  launcher: Launcher,
  durable: boolean,
  log: (line: string) => void,
): Promise<ChildProcess | string> {
  const settings = {
    // Not a setting of PostgreSQL: tells the next start whose server this is.
    "ayni.owner": await processStamp(process.pid),
    listen_addresses: "",
    unix_socket_directories: sockets,
    unix_socket_permissions: "0700",
    port: PORT,
    max_connections: durable ? 60 : 300,
    shared_buffers: "64MB",
    max_wal_size: "256MB",
    jit: "off",
    // Parallel plans want more of /dev/shm than containers give.
    max_parallel_workers_per_gather: 0,
    max_parallel_maintenance_workers: 0,
    timezone: "UTC",
    log_timezone: "UTC",
    log_line_prefix: "",
    log_checkpoints: "off",
    // Failed statements are reported by whoever sent them.
    log_min_messages: "log",
    ...(durable
      ? {}
      : { fsync: "off", full_page_writes: "off", synchronous_commit: "off", io_method: "sync" }),
  };
  const child = run(launcher, [
    ...launcher.tether,
    join(bin, "postgres"),
    "-D",
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ]);
  const tail: string[] = [];
  const lines = createInterface({ input: child.stderr! });
  lines.on("line", (line) => {
    log(line);
    tail.push(line);
    if (tail.length > 20) tail.shift();
  });

  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  const deadline = Date.now() + START_TIMEOUT;
  while (child.exitCode === null && child.signalCode === null && !failure) {
    const found = await findPostmaster(data);
    if (found?.pid === child.pid && found?.status === "ready") return child;
    if (Date.now() > deadline) {
      child.kill("SIGQUIT");
      return `${tail.join("\n")}\nno answer for ${START_TIMEOUT / 1000} s`;
    }
    await delay(20);
  }
  return failure ? String(failure) : tail.join("\n") || `it ended with status ${child.exitCode}`;
}

function supervise(child: ChildProcess, sockets: string): Pick<Embedded, "stop" | "lost"> {
  const exited =
    child.exitCode === null && child.signalCode === null ? once(child, "exit") : Promise.resolve();
  let stopping: Promise<void> | undefined;

  async function shutDown(): Promise<void> {
    child.kill("SIGINT");
    const patience = setTimeout(() => child.kill("SIGQUIT"), STOP_TIMEOUT);
    await exited;
    clearTimeout(patience);
    await rm(sockets, { recursive: true, force: true });
  }

  return {
    stop() {
      stopping ??= shutDown();
      return stopping;
    },
    lost: new Promise((resolve) => {
      void exited.then(() => {
        if (!stopping) resolve(new Error("The embedded database ended unexpectedly."));
      });
    }),
  };
}

/** Makes the cluster on the first run, beside its place and then renamed, so that a half-made one is never opened. */
async function initialize(home: string, bin: string, launcher: Launcher, durable: boolean): Promise<void> {
  if (existsSync(home)) return;
  for (const name of await readdir(dirname(home))) {
    const maker = /^postgres\.new-(\d+)$/.exec(name)?.[1];
    if (maker && !existsSync(`/proc/${maker}`)) {
      await rm(join(dirname(home), name), { recursive: true, force: true });
    }
  }
  const making = `${home}.new-${process.pid}`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  await writeFile(join(making, "password"), randomBytes(24).toString("hex"), { mode: 0o600 });
  await give(launcher, making, join(making, "password"));
  const child = run(launcher, [
    join(bin, "initdb"),
    `--pgdata=${join(making, "data")}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${join(making, "password")}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    ...(durable ? [] : ["--no-sync"]),
  ]);
  let output = "";
  child.stderr!.on("data", (chunk) => {
    output += chunk;
  });
  const [status] = await once(child, "close");
  if (status !== 0) {
    await rm(making, { recursive: true, force: true });
    throw new Error(`The embedded database could not be made in ${home}:\n${output}\n${WAY_OUT}`);
  }
  await rename(making, home).catch(async (error: NodeJS.ErrnoException) => {
    await rm(making, { recursive: true, force: true });
    // Two first starts at once: the other one was faster, and takeOver decides from here.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}

/** A private directory for the socket, the same at every start, so that none is left behind by those that were killed. */
async function socketDirectory(data: string, launcher: Launcher): Promise<string> {
  const name = `ayni-${createHash("sha256").update(data).digest("hex").slice(0, 12)}`;
  const longest = join(tmpdir(), `${name}-XXXXXX`, `.s.PGSQL.${PORT}`);
  const base = Buffer.byteLength(longest) <= SOCKET_PATH_MAX ? tmpdir() : "/tmp";
  let directory = join(base, name);
  await mkdir(directory, { mode: 0o700 }).catch(() => {});
  const owner = launcher.uid ?? process.getuid!();
  const { uid, mode } = await lstat(directory);
  // Somebody else could have taken the name.
  if ((uid !== owner && uid !== process.getuid!()) || (mode & 0o170777) !== 0o040700) {
    directory = await mkdtemp(`${directory}-`);
  }
  await give(launcher, directory);
  return directory;
}
