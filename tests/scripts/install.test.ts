import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";

const STAMP = "node_modules/.lock-sha256";

test("installs once, and again when the lock file changed", async () => {
  const project = await emptyProject();
  expect(await install(project)).toMatchObject({
    status: 0,
    stdout: "",
    stderr: expect.stringMatching(/^Installing/),
  });
  expect(await install(project)).toEqual({ status: 0, stdout: "", stderr: "" });
  const stamp = await readFile(join(project, STAMP), "utf8");
  await writeLock(project, "2.0.0");
  expect((await install(project)).stderr).toMatch(/^Installing/);
  expect(await readFile(join(project, STAMP), "utf8")).not.toBe(stamp);
});

test("of several at once one installs, the others wait for it", async () => {
  const project = await emptyProject();
  const runs = await Promise.all([1, 2, 3].map(() => install(project)));
  expect(runs.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(runs.filter(({ stderr }) => stderr.includes("Installing"))).toHaveLength(1);
  expect(existsSync(join(project, ".installing"))).toBe(false);
});

test("a lock left behind by a killed installation does not keep the next one waiting", async () => {
  const project = await emptyProject();
  const dead = spawn(process.execPath, ["--version"]);
  await once(dead, "close");
  await writeFile(join(project, ".installing"), String(dead.pid));
  expect((await install(project)).status).toBe(0);
  expect(existsSync(join(project, STAMP))).toBe(true);
});

test("an installation that failed fails the command, and is tried again", async () => {
  const project = await emptyProject();
  const disagrees = { name: "empty", version: "1.0.0", dependencies: { absent: "file:absent" } };
  await writeFile(join(project, "package.json"), JSON.stringify(disagrees));
  expect((await install(project)).status).toBe(1);
  expect(existsSync(join(project, STAMP))).toBe(false);
  await writeLock(project, "1.0.0");
  expect((await install(project)).status).toBe(0);
});

/** A project without dependencies: `npm ci` needs no network there. */
async function emptyProject(): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), "ayni-install-"));
  onTestFinished(() => rm(project, { recursive: true, force: true }));
  await mkdir(join(project, "scripts"));
  await copyFile(new URL("../../scripts/install.mjs", import.meta.url), join(project, "scripts/install.mjs"));
  await mkdir(join(project, "node_modules"));
  await writeLock(project, "1.0.0");
  return project;
}

async function writeLock(project: string, version: string): Promise<void> {
  const about = { name: "empty", version };
  await writeFile(join(project, "package.json"), JSON.stringify(about));
  const lock = { ...about, lockfileVersion: 3, requires: true, packages: { "": about } };
  await writeFile(join(project, "package-lock.json"), JSON.stringify(lock));
}

async function install(project: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(project, "scripts/install.mjs")], { cwd: tmpdir() });
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { status, stdout, stderr };
}
