import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endLater } from "./database.ts";
import { PASSWORD } from "./hub.ts";
import { freePort } from "./ports.ts";
import { type WebClient, webClient } from "./web-client.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** Most of a start is compiling: what was compiled once is kept. */
const NODE = { PATH: process.env.PATH ?? "", NODE_COMPILE_CACHE: join(tmpdir(), "ayni-compile-cache") };
const PATIENCE = 120_000;

/** Builds what the processes run; nothing to do when no source has changed. */
export async function build(): Promise<void> {
  const { status, stderr } = await run([join(ROOT, "scripts", "build.mjs"), "--quiet"], {});
  if (status !== 0) throw new Error(`The build failed:\n${stderr}`);
}

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Where a hub lives: what its processes and its commands are started with. */
export interface Home {
  origin: string;
  host: string;
  port: number;
  dataDir: string;
  env: Record<string, string>;
  /** Runs the command `ayni` on it. */
  ayni(...args: string[]): Promise<Ran>;
  /** Starts `ayni serve` and waits until it is ready. */
  serve(): Promise<Server>;
  /** A browser. */
  client(): WebClient;
}

export interface Server {
  pid: number;
  output(): string;
  /** Ends it, and waits until it has ended. */
  kill(signal: "SIGKILL" | "SIGTERM"): Promise<number | null>;
}

/** Prepares a directory and a port for a hub; both are given back when the test ends, or the file. */
export async function makeHome(env: Record<string, string> = {}): Promise<Home> {
  const dataDir = await mkdtemp(join(tmpdir(), "ayni-processes-"));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const origin = `http://${host}`;
  const all = {
    ...{ PORT: String(port), AYNI_ORIGIN: origin, AYNI_DATA_DIR: dataDir, AYNI_LOG: "warning" },
    ...{ AYNI_SECRET: "a secret of the tests and of nothing else" },
    ...env,
  };
  const running = new Set<ChildProcess>();
  endLater(async () => {
    for (const child of running) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await rm(dataDir, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  });

  async function serve(): Promise<Server> {
    const child = spawn(process.execPath, [join(ROOT, "dist", "main.js"), "serve"], {
      env: { ...NODE, ...all },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output = (output + chunk).slice(-20_000);
      });
    }
    const exited = once(child, "exit").then(([code]) => {
      running.delete(child);
      return code as number | null;
    });
    const ended = exited.then((code) => {
      throw new Error(`ayni serve ended with ${code}:\n${output}`);
    });
    await Promise.race([ended, until(() => isReady(origin))]);
    ended.catch(() => {});
    return {
      pid: child.pid!,
      output: () => output,
      kill(signal) {
        child.kill(signal);
        return exited;
      },
    };
  }

  return {
    ...{ origin, host, port, dataDir, env: all, serve },
    ayni: (...args) => run([join(ROOT, "dist", "main.js"), ...args], all),
    client: () => webClient(origin),
  };
}

/** Sets the hub up by its command line, with the administrator `ana`. */
export async function setUp(home: Home): Promise<void> {
  const admin = ["--admin-handle", "ana", "--admin-email", "ana@example.org", "--admin-password", PASSWORD];
  const { status, stderr } = await home.ayni("setup", "--name", `Hub ${home.host}`, ...admin);
  if (status !== 0) throw new Error(`The setup failed:\n${stderr}`);
}

/** Runs a Node program to its end. */
export function run(args: string[], env: Record<string, string | undefined>): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const options = { env: { ...NODE, ...env }, timeout: PATIENCE };
  const child = execFile(process.execPath, args, options, (_, stdout, stderr) => {
    resolve({ status: child.exitCode, stdout, stderr });
  });
  return promise;
}

/** Waits until something is so; what it throws counts as not yet. It is looked at `every` so many milliseconds. */
export async function until(
  condition: () => Promise<boolean>,
  patience = PATIENCE,
  every = 20,
): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    if (await condition().catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`Not so after ${patience} ms: ${condition}`);
    await delay(every);
  }
}

/** The process id of the embedded PostgreSQL. */
export async function postmaster({ dataDir }: Home): Promise<number> {
  return Number((await readFile(join(dataDir, "postgres", "data", "postmaster.pid"), "utf8")).split("\n")[0]);
}

async function isReady(origin: string): Promise<boolean> {
  return (await webClient(origin).get("/readyz")).status === 200;
}
