import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What `postmaster.pid` and the kernel say about the server of one data directory. */
export interface Postmaster {
  pid: number;
  /** Directory of its socket. */
  sockets: string;
  status: string;
  /** `foreign`: the pid now belongs to another program; `ending`: dead, not yet collected by its parent. */
  state: "running" | "ending" | "gone" | "foreign";
  /** Pid of the process that started it, while that lives. */
  owner: number | null;
}

/** Null when nobody left a `postmaster.pid` in `data` (an absolute path without symbolic links). */
export async function findPostmaster(data: string): Promise<Postmaster | null> {
  const lock = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
  // Lines: pid, data directory, start time, port, socket directory, listen address, shared memory, status.
  const lines = lock.split("\n").map((line) => line.trim());
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const postmaster = { pid, sockets: lines[4] ?? "", status: lines[7] ?? "starting", owner: null };

  const letter = (await processStat(pid))?.[0];
  if (letter === undefined) return { ...postmaster, state: "gone" };
  if (letter === "Z" || letter === "X") return { ...postmaster, state: "ending" };
  const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  if (!argv[0]?.endsWith("postgres") || !argv.includes(data)) return { ...postmaster, state: "foreign" };
  const stamp = argv.find((argument) => argument.startsWith("ayni.owner="))?.slice("ayni.owner=".length);
  const owner = Number(stamp?.split(":")[0]);
  const living = stamp !== undefined && (await processStamp(owner)) === stamp;
  return { ...postmaster, state: "running", owner: living ? owner : null };
}

/** `pid:start`, which no other process of this boot ever has; `pid:` when there is no such process, or only its zombie. */
export async function processStamp(pid: number): Promise<string> {
  const stat = await processStat(pid);
  return `${pid}:${stat && stat[0] !== "Z" && stat[0] !== "X" ? stat[19] : ""}`;
}

/** The fields of `/proc/<pid>/stat` from the state on (proc(5)); undefined when the process is gone. */
async function processStat(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in parentheses, and may contain some itself.
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
