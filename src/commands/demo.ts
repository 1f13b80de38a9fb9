import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { type Config, readConfig } from "../config.ts";
import { say } from "./data.ts";
import { DEMO, type DemoHub } from "./demo-data.ts";
import { demoClock, fillHubs, PASSWORD, type Sights } from "./demo-fill.ts";
import { startLogging } from "./logging.ts";
import { type Running, runUntilSignal, start, untilSignal } from "./serve.ts";

const DATA_DIR = "./demo-data";
/** The first hub's port; those after it have one a hundred higher each. */
const PORT = 3000;
/** How long a hub that was killed stays away, so that one sees what the other one does meanwhile (ms). */
const AWAY = 6_000;

/** What is kept beside the two hubs' data. */
interface Kept {
  port: number;
  sights: Sights;
  /** The hubs' processes while the demo runs, for `examples/crash.mjs`. */
  hubs: { key: string; name: string; origin: string; dataDir: string; pid: number | null }[];
}

export function addDemoCommand(program: Command): void {
  const demo = program
    .command("demo")
    .description("two hubs on this machine, filled with invented data, exchanging with each other")
    .option("--data-dir <path>", "where their data is kept", DATA_DIR)
    .option("--port <number>", "port of the first hub; the second one's is 100 higher", readPort, PORT)
    .action(({ dataDir, port }: { dataDir: string; port: number }) => runDemo(dataDir, port));
  demo
    .command("hub <key>", { hidden: true })
    .description("one of them, as the process that the demo starts")
    .action(async (key: string, _: unknown, command: Command) => {
      const { dataDir, port } = command.optsWithGlobals<{ dataDir: string; port: number }>();
      // Whoever started it is gone, however it ended.
      process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
      // Listening must not keep a hub alive that has stopped.
      process.channel?.unref();
      const place = DEMO.findIndex((hub) => hub.key === key);
      await runUntilSignal(configOf(place, dataDir, port), () => process.send?.("ready"));
    });
}

function readPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_435)
    throw new InvalidArgumentError("It is a number from 1 to 65435.");
  return port;
}

async function runDemo(dataDir: string, wished: number): Promise<void> {
  await startLogging("error");
  const stopping = untilSignal();
  const file = join(dataDir, "demo.json");
  // Every id starts with a hub's address: once filled, they stay where they are.
  const before = await readKept(file);
  await requireFree(before?.port ?? wished);
  const { port, sights } = before ?? (await fill(dataDir, wished));
  const hubs = DEMO.map((hub, place) => ({
    ...{ key: hub.key, name: hub.name, origin: originOf(place, port), dataDir: join(dataDir, hub.key) },
  }));
  const children = new Map<string, ChildProcess>();
  let over = false;
  process.once("exit", () => {
    for (const child of children.values()) child.kill("SIGTERM");
  });

  /** Starts a hub, and starts it again whenever it ends though nobody stopped it. @throws Error when it does not come up */
  async function run(key: string): Promise<void> {
    const args = ["demo", "hub", key, "--data-dir", dataDir, "--port", String(port)];
    // In a process group of its own: Ctrl-C reaches the demo, which ends its hubs in order.
    const child = fork(process.argv[1]!, args, { detached: true });
    children.set(key, child);
    const ended = once(child, "exit").finally(() => children.delete(key));
    const [message] = await Promise.race([once(child, "message"), ended]);
    if (message !== "ready") throw new Error(`The hub ${key} does not start.`);
    await write();
    void ended.then(([code, signal]) => startAgain(key, signal ?? code));
  }

  async function startAgain(key: string, why: string | number): Promise<void> {
    if (over) return;
    say(`  ${key} ended (${why}); it is started again in ${AWAY / 1000} seconds.`);
    await write();
    await sleep(AWAY, undefined, { ref: false });
    if (over) return;
    await run(key).then(
      () => say(`  ${key} is back.`),
      (error: Error) => startAgain(key, error.message),
    );
  }

  /** One after the other: the file says what was written last. */
  let writing: Promise<void> = Promise.resolve();
  function write(): Promise<void> {
    const kept = {
      port,
      sights,
      hubs: hubs.map((hub) => ({ ...hub, pid: children.get(hub.key)?.pid ?? null })),
    };
    writing = writing.then(() => keep(file, kept));
    return writing;
  }

  try {
    await write();
    await Promise.all(hubs.map(({ key }) => run(key)));
    tell(hubs, sights, dataDir);
    await stopping;
  } finally {
    over = true;
    const ending = [...children.values()].map((child) => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      return ended;
    });
    await Promise.all(ending);
    await write();
  }
}

/** @throws Error: a hub cannot listen where somebody else does */
async function requireFree(first: number): Promise<void> {
  for (const place of DEMO.keys()) {
    const port = first + 100 * place;
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening").catch(() => {
      throw new Error(
        `Port ${port} is taken by another program. Stop it; a demo that is not filled yet can begin with another one: --port 4000`,
      );
    });
    await new Promise((resolve) => server.close(resolve));
  }
}

function configOf(place: number, dataDir: string, port: number): Config {
  const allow = DEMO.map((_, place) => `127.0.0.1:${port + 100 * place}`);
  return readConfig({
    PORT: String(port + 100 * place),
    HOST: "127.0.0.1",
    AYNI_ORIGIN: originOf(place, port),
    AYNI_DATA_DIR: join(dataDir, DEMO[place]?.key ?? ""),
    AYNI_EGRESS_ALLOW: allow.join(","),
    AYNI_ROLE: "all",
    // That a hub which was killed cannot be reached is no news here.
    AYNI_LOG: "error",
    DATABASE_URL: "",
    AYNI_SECRET: "",
  });
}

const originOf = (place: number, port: number) => `http://localhost:${port + 100 * place}`;

/**
 * Fills the hubs, both in this process, by a clock that begins months ago.
 *
 * @throws Error when they were half filled before
 */
async function fill(dataDir: string, port: number): Promise<Pick<Kept, "port" | "sights">> {
  for (const { key } of DEMO)
    if (existsSync(join(dataDir, key, "postgres")))
      throw new Error(
        `The demo in ${dataDir} is of an earlier version, or was stopped while it was being filled. ` +
          "Delete that directory (or choose another one with --data-dir), and start again.",
      );
  say("Filling two hubs with eight months of invented exchanges …");
  const clock = demoClock(250);
  const running: { hub: DemoHub; at: Running }[] = [];
  try {
    for (const [place, hub] of DEMO.entries())
      running.push({ hub, at: await start(configOf(place, dataDir, port), clock) });
    const sights = await fillHubs(
      running.map(
        ({
          hub,
          at: {
            hub: { ctx },
            work,
          },
        }) => ({ hub, ctx, work: work! }),
      ),
      clock,
    );
    return { port, sights };
  } finally {
    for (const { at } of running.reverse()) await at.stop();
  }
}

function tell(
  hubs: readonly Omit<Kept["hubs"][number], "pid">[],
  { agreement, disputed, peer }: Sights,
  dataDir: string,
): void {
  for (const [place, { name, origin, dataDir }] of hubs.entries()) {
    const { admin, curator } = DEMO[place]!;
    say(`
  ${name}
    ${origin}
    log in as ${admin.handle}, or as the curator ${curator.handle}, with the password ${PASSWORD}
    an exchange with the other hub   ${origin}${agreement[place]}
    a dispute with it, as curator    ${origin}${disputed[place]}
    what the two hubs owe            ${origin}${peer[place]}
    its books                        AYNI_DATA_DIR=${dataDir} npm run ayni -- ledger check`);
  }
  say(`
  The two hubs are peers: each has its own ledger, and what organizations of both agree on is settled between them.
  See one of them killed in the middle of a payment, and nothing lost:   node examples/crash.mjs${dataDir === DATA_DIR ? "" : ` ${dataDir}`}

  Everything in them is invented, its dates too: both hubs went through eight months by a clock of the demo's.
  Stop with Ctrl-C; start again and it is still there.
`);
}

async function readKept(file: string): Promise<Kept | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null ? null : (JSON.parse(text) as Kept);
}

/** Written beside its place and renamed: another process may be reading it. */
async function keep(file: string, kept: Kept): Promise<void> {
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(kept, null, 2));
  await rename(`${file}.new`, file);
}
