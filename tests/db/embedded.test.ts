import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/db/connect.ts";
import { attachEmbedded, type Embedded, startEmbedded } from "../../src/db/embedded.ts";
import { findPostmaster } from "../../src/db/postmaster.ts";

const WRITER = fileURLToPath(new URL("../support/embedded-writer.ts", import.meta.url));
const ROOT = process.getuid!() === 0;

/**
 * One data directory for all tests that are not about the first run, which takes a second: every test ends what it
 * started there, and what it ends with SIGKILL is the next one's to recover.
 */
let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "ayni-embedded-"));
  await (await startEmbedded({ dataDir, log() {} })).stop();
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

test("starts on an empty directory, keeps what was committed, and leaves nothing behind but the data", async () => {
  const dataDir = await emptyDirectory();
  const first = await start(dataDir);
  const sockets = new URL(first.url).searchParams.get("host")!;
  await query(first.url, "create table t as select 1 as n");
  await first.stop();
  await first.stop();
  expect(existsSync(sockets)).toBe(false);
  expect(await readdir(dataDir)).toEqual(["postgres"]);
  expect(await findPostmaster(join(dataDir, "postgres/data"))).toBeNull();

  const second = await start(dataDir);
  expect(await query(second.url, "select n from t")).toEqual([{ n: 1 }]);
});

test("is a durable UTF-8 database in UTC whose order of text does not depend on the system", async () => {
  const { url } = await start(dataDir);
  const [settings] = await query(
    url,
    `select current_setting('fsync') as fsync, current_setting('full_page_writes') as pages,
      current_setting('synchronous_commit') as commit, current_setting('timezone') as zone,
      current_setting('server_encoding') as encoding, current_setting('server_version_num')::int / 10000 as version,
      datlocprovider as provider, datlocale as locale from pg_database where datname = current_database()`,
  );
  expect(settings).toEqual({
    fsync: "on",
    pages: "on",
    commit: "on",
    zone: "UTC",
    encoding: "UTF8",
    version: 18,
    provider: "b",
    locale: "C.UTF-8",
  });
});

test("is closed to other users of the machine: no port, private files, and a password even on the socket", async () => {
  const { url } = await start(dataDir);
  const [{ addresses } = {}] = await query(url, "select current_setting('listen_addresses') as addresses");
  expect(addresses).toBe("");
  const home = join(dataDir, "postgres");
  for (const path of [home, join(home, "data"), new URL(url).searchParams.get("host")!]) {
    expect([path, (await stat(path)).mode & 0o777]).toEqual([path, 0o700]);
  }
  expect((await stat(join(home, "password"))).mode & 0o777).toBe(0o600);

  const wrong = new URL(url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "select 1")).rejects.toThrow(/password authentication failed/);
  const pid = (await findPostmaster(join(home, "data")))!.pid;
  const password = new URL(url).password;
  expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).not.toContain(password);
});

test("a second hub is refused with a word on what to do; a tool attaches, and leaving it ends nothing", async () => {
  const hub = await writer(dataDir);
  await expect(startEmbedded({ dataDir, log() {} })).rejects.toThrow(
    `in use by process ${hub.child.pid}. Stop that first, or set AYNI_DATA_DIR`,
  );
  const tool = (await attachEmbedded({ dataDir }))!;
  expect(await query(tool.url, "select 1 as n")).toEqual([{ n: 1 }]);
  await tool.stop();
  expect(await query(tool.url, "select 2 as n")).toEqual([{ n: 2 }]);
});

test("nothing to attach to where nothing runs", async () => {
  const empty = await emptyDirectory();
  expect(await attachEmbedded({ dataDir: empty })).toBeNull();
  expect(await attachEmbedded({ dataDir: join(empty, "missing") })).toBeNull();
  await (await start(dataDir)).stop();
  expect(await attachEmbedded({ dataDir })).toBeNull();
});

test("of two first starts at once one wins, the other is refused, and nothing half-made stays", async () => {
  const dataDir = await emptyDirectory();
  const both = await Promise.all([writer(dataDir), writer(dataDir)]);
  const outcome = both.map(({ refused }) => refused !== undefined).sort();
  expect(outcome).toEqual([false, true]);
  expect(await readdir(dataDir)).toEqual(["postgres"]);
});

test("kill -9 of the hub loses no acknowledged write, and no orphan keeps the directory", async () => {
  let acknowledged: number[] = [];
  for (let round = 0; round < 2; round++) {
    const hub = await writer(dataDir);
    expect(hub.refused).toBeUndefined();
    await until(() => hub.written.length >= 200);
    hub.child.kill("SIGKILL");
    await hub.ended;
    acknowledged = [...acknowledged, ...hub.written];
  }
  await expectWritten((await start(dataDir)).url, acknowledged);
});

test("kill -9 of hub and database together loses no acknowledged write, and the next start recovers", async () => {
  const hub = await writer(dataDir);
  await until(() => hub.written.length >= 200);
  process.kill(hub.server, "SIGKILL");
  hub.child.kill("SIGKILL");
  await hub.ended;
  await expectWritten((await start(dataDir)).url, hub.written);
});

test("a database that outlived its hub is stopped and its data taken over", async () => {
  const hub = await writer(dataDir);
  const argv = (await readFile(`/proc/${hub.server}/cmdline`, "utf8")).split("\0").filter(Boolean);
  await until(() => hub.written.length >= 50);
  hub.child.kill("SIGTERM");
  await hub.ended;
  // The same server as before, without the tether that ends it, and with an owner that is no more.
  const orphaned = argv.map((argument) =>
    argument.replace(/^ayni\.owner=.*/, `ayni.owner=${hub.child.pid}:1`),
  );
  const sockets = argv.find((argument) => argument.startsWith("unix_socket_directories="))!.split("=")[1]!;
  const data = join(dataDir, "postgres/data");
  const { uid, gid } = await stat(data);
  spawnSync("mkdir", ["-m", "700", sockets], { uid, gid });
  const namespace = uid === 0 ? ["unshare", "--user", "--map-user=1000", "--map-group=1000"] : [];
  const [command, ...args] = [...namespace, ...orphaned];
  const orphan = spawn(command!, args, { uid, gid, stdio: "ignore", detached: true });
  await until(async () => (await findPostmaster(data))?.status === "ready");
  expect((await findPostmaster(data))?.owner).toBeNull();

  const lines: string[] = [];
  const { url } = await start(dataDir, lines);
  expect(lines[0]).toBe(
    `stopping the database server ${orphan.pid}, left behind by a process that was killed`,
  );
  await expectWritten(url, hub.written);
});

test("a postmaster.pid whose pid now belongs to another program does not keep the database from starting", async () => {
  await (await start(dataDir)).stop();
  const data = join(dataDir, "postgres/data");
  const lock = [process.pid, data, 1, 5432, join(dataDir, "no-such"), "", "  0 0", "ready   "].join("\n");
  await writeFile(join(data, "postmaster.pid"), lock);
  const { url } = await start(dataDir);
  expect(await query(url, "select 1 as n")).toEqual([{ n: 1 }]);
});

test("tells when the database ends though nobody stopped it", async () => {
  const embedded = await start(dataDir);
  process.kill((await findPostmaster(join(dataDir, "postgres/data")))!.pid, "SIGKILL");
  expect((await embedded.lost).message).toMatch(/ended unexpectedly/);
});

test("works for an ordinary user, and afterwards for root on that user's directory", async ({ skip }) => {
  if (!ROOT) return skip("this run is an ordinary user's already");
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const reads = spawnSync(nobody[0]!, [...nobody.slice(1), process.execPath, "--check", WRITER]);
  if (reads.status !== 0) return skip(`an ordinary user cannot read this checkout: ${reads.stderr}`);
  const dataDir = await emptyDirectory();
  await chown(dataDir, 65534, 65534);
  const hub = await writer(dataDir, nobody);
  expect(hub.refused).toBeUndefined();
  expect((await stat(`/proc/${hub.server}`)).uid).toBe(65534);
  await until(() => hub.written.length >= 50);
  hub.child.kill("SIGTERM");
  await hub.ended;
  await expectWritten((await start(dataDir)).url, hub.written);
});

/** Waits until something is so; what a busy machine needs a while for fails after half a minute. */
function until(condition: () => boolean | Promise<boolean>): Promise<unknown> {
  return vi.waitUntil(condition, { timeout: 30_000 });
}

async function emptyDirectory(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "ayni-embedded-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

async function start(dataDir: string, lines: string[] = []): Promise<Embedded> {
  const embedded = await startEmbedded({ dataDir, log: (line) => lines.push(line) });
  onTestFinished(() => embedded.stop());
  return embedded;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = connect(url, { max: 1 });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function expectWritten(url: string, acknowledged: number[]): Promise<void> {
  const rows = await query(url, "select n from written");
  const found = new Set(rows.map(({ n }) => n));
  expect(acknowledged.filter((n) => !found.has(n))).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(0);
}

interface Writer {
  child: ChildProcess;
  ended: Promise<unknown>;
  /** Pid of the database server. */
  server: number;
  /** Acknowledged so far. */
  written: number[];
  refused?: string;
}

/** Runs `embedded-writer.ts` and waits until its database runs or was refused. */
async function writer(dataDir: string, prefix: string[] = []): Promise<Writer> {
  const [command, ...args] = [...prefix, process.execPath, WRITER, dataDir];
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const written: number[] = [];
  const first = Promise.withResolvers<string>();
  ended.then(() => first.resolve("refused: ended without a word"));
  createInterface({ input: child.stdout! }).on("line", (line) => {
    if (/^\d+$/.test(line)) written.push(Number(line));
    else first.resolve(line);
  });
  const line = await first.promise;
  return {
    child,
    ended,
    written,
    server: Number(line.split(" ")[1]),
    ...(line.startsWith("ready ") ? {} : { refused: line }),
  };
}
