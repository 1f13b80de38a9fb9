// Installs what package-lock.json names, only when that is not what is installed. Any Node from 18 on runs this.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const STAMP = "node_modules/.lock-sha256";
const LOCK = ".installing";
const wanted = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
};
const installed = () => read(STAMP) === wanted;

if (!installed()) {
  lock();
  try {
    if (!installed()) install();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function install() {
  console.error("Installing the dependencies (about half a minute, only when they changed) …");
  const { npm_node_execpath: node, npm_execpath: npm } = process.env;
  const [command, ...args] = node && npm ? [node, npm] : ["npm"];
  // Output goes to stderr: what a command prints on stdout is for its caller.
  const { status, error } = spawnSync(
    command,
    [...args, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      stdio: ["ignore", 2, 2],
    },
  );
  if (status === 0) return writeFileSync(STAMP, wanted);
  console.error(error ? `npm could not be run: ${error.message}` : "npm ci failed; its message is above.");
  process.exitCode = 1;
}

/** `npm ci` begins by deleting node_modules: two at once would wreck each other. */
function lock() {
  // Linked to the lock's name when it says whose it is: one that is found empty could be anybody's.
  const own = `${LOCK}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    for (let told = false; ; ) {
      try {
        return take(own);
      } catch (error) {
        if (error.code !== "EEXIST") throw error;
      }
      const holder = read(LOCK);
      if (!told) console.error("Waiting for another installation to end …");
      told = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      if (holder !== null && read(LOCK) === holder && !alive(Number(holder))) rmSync(LOCK, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function take(own) {
  try {
    linkSync(own, LOCK);
  } catch (error) {
    if (error.code === "EEXIST") throw error;
    // Where files cannot be linked.
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
  }
}

function alive(pid) {
  try {
    // 0 is what an empty file gives, after a power cut.
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}
