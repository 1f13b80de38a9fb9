import { generateKeyPairSync, sign } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";

/** CPU seconds (user and system, all threads) since each process began. */
export interface Cpu {
  server: number;
  database: number;
}

/** `USER_HZ`, which Linux has fixed at 100 for all that reads /proc. */
const TICKS = 100;

/** What a hub process and the PostgreSQL behind it have used up to now. */
export function cpuOf(server: number, postmaster: number): Cpu {
  return { server: cpuSeconds(server), database: databaseCpu(postmaster) };
}

export function cpuSince(before: Cpu, after: Cpu): Cpu {
  return { server: after.server - before.server, database: after.database - before.database };
}

/** All processes of one PostgreSQL server: those that ended are in the postmaster's account of its children. */
function databaseCpu(postmaster: number): number {
  const ended = statOf(postmaster);
  if (ended === null) return 0;
  let sum = ticks(ended, [11, 12, 13, 14]);
  for (const child of childrenOf(postmaster)) {
    const stat = statOf(child);
    if (stat !== null) sum += ticks(stat, [11, 12]);
  }
  return sum / TICKS;
}

/** One process, with the children that it has seen end. */
function cpuSeconds(pid: number): number {
  const stat = statOf(pid);
  return stat === null ? 0 : ticks(stat, [11, 12, 13, 14]) / TICKS;
}

/** Resident memory of one process, in MB. */
export function residentMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

/** Memory of a PostgreSQL server in MB; what its processes share is counted once. */
export function databaseMemory(postmaster: number): number {
  let kilobytes = 0;
  for (const pid of [postmaster, ...childrenOf(postmaster)]) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
    } catch {
      // It ended in the meantime.
    }
  }
  return kilobytes / 1024;
}

/** The postmaster of a data directory. */
export function postmasterOf(dataDir: string): number {
  return Number(readFileSync(`${dataDir}/postgres/data/postmaster.pid`, "utf8").split("\n", 1)[0]);
}

/** How busy the machine is, which others may use too. */
export interface Machine {
  /** Processes that wanted a processor, on average over the last minute. */
  load: number;
  /** CPU milliseconds that one RSA-2048 signature costs at this moment: CPU seconds too grow when processors are shared. */
  yardstick: number;
  processors: Processors;
}

/** Ticks of all processors since the machine began: all of them, and those that its host gave to other machines meanwhile. */
export interface Processors {
  all: number;
  stolen: number;
}

/** From /proc/stat (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal. */
export function processorsNow(): Processors {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n", 1);
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number);
  return { all: times.reduce((sum, time) => sum + time, 0), stolen: times[7] ?? 0 };
}

const SIGNATURES = 100;
const MESSAGE = Buffer.alloc(300);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

export function machineNow(): Machine {
  const before = process.cpuUsage();
  for (let signature = 0; signature < SIGNATURES; signature++) sign("sha256", MESSAGE, privateKey);
  const { user, system } = process.cpuUsage(before);
  const yardstick = (user + system) / 1000 / SIGNATURES;
  return { load: loadavg()[0] ?? 0, yardstick, processors: processorsNow() };
}

function childrenOf(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(statOf(pid)?.[1]) === parent);
}

/** The fields of `/proc/<pid>/stat` from the state on (proc(5)); null when there is no such process. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, and may contain some itself.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function ticks(stat: string[], fields: number[]): number {
  return fields.reduce((sum, field) => sum + Number(stat[field]), 0);
}
