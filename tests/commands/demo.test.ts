import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Sql } from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEMO } from "../../src/commands/demo-data.ts";
import { connect } from "../../src/db/connect.ts";
import { attachEmbedded } from "../../src/db/embedded.ts";
import { AGREEMENT_STATES } from "../../src/db/schema/agreements.ts";
import { freePort } from "../support/ports.ts";
import { build, run, until } from "../support/processes.ts";

/** The demo as people start it: its hubs are processes of their own. */

const ROOT = new URL("../..", import.meta.url).pathname;
const PATIENCE = 400_000;
let dataDir: string;
let port: number;
let demo: { child: ChildProcess; output(): string };

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "ayni-demo-"));
  // The second hub's is a hundred higher.
  port = await freePort(100);
  await build();
  demo = await startDemo();
}, PATIENCE);

afterAll(async () => {
  await stopDemo();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
}, PATIENCE);

async function startDemo(): Promise<typeof demo> {
  const args = ["dist/main.js", "demo", "--data-dir", dataDir, "--port", String(port)];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  const running = { child, output: () => output };
  await until(async () => /Stop with Ctrl-C/.test(output) || child.exitCode !== null, PATIENCE);
  if (child.exitCode !== null) throw new Error(output);
  return running;
}

async function stopDemo(): Promise<void> {
  if (demo.child.exitCode !== null) return;
  const ended = once(demo.child, "exit");
  demo.child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
}

/** Asks the database of a running hub. */
async function asks<T>(key: string, question: (sql: Sql) => Promise<T>): Promise<T> {
  const embedded = await attachEmbedded({ dataDir: join(dataDir, key) });
  const sql = connect(embedded!.url, { max: 1, onnotice: () => {} });
  try {
    return await question(sql);
  } finally {
    await sql.end();
  }
}

const ayni = (key: string, ...args: string[]) =>
  run([join(ROOT, "dist", "main.js"), ...args], { AYNI_DATA_DIR: join(dataDir, key) });

const values = async (sql: Sql, column: string, from: string) =>
  (
    await sql.unsafe<{ value: string }[]>(
      `select distinct (${column})::text as value from ${from} order by 1`,
    )
  ).map(({ value }) => value);

// Within one hub what is confirmed is settled, and what is accepted for credits is funded; a gift stays accepted. Between two hubs
// that run the same holds.
const STAYING = AGREEMENT_STATES.filter((state) => state !== "confirmed").sort();

test.each(DEMO.map(({ key }) => key))(
  "%s has exchanges in every state that they stay in, within the hub and across, and sound books",
  async (key) => {
    await asks(key, async (sql) => {
      expect(await values(sql, "state", "agreements where peer_id is null")).toEqual(STAYING);
      expect(await values(sql, "state", "agreements where peer_id is not null")).toEqual(
        STAYING.filter((state) => state !== "accepted"),
      );
      const across = `agreements a join actors p on p.id = a.provider_id join actors r on r.id = a.receiver_id
        join proposals o on o.id = a.proposal_id where (p.host is null) <> (r.host is null)`;
      expect(await values(sql, "a.settlement", across)).toEqual(["credit", "none"]);
      expect(await values(sql, "o.purpose", across)).toEqual(["offer", "request"]);
      expect(await values(sql, "o.local", across)).toEqual(["false", "true"]);
      expect(await values(sql, "p.host is null", `${across} and a.state = 'settled'`)).toEqual([
        "false",
        "true",
      ]);
      expect(await values(sql, "a.automatic", `${across} and a.state = 'settled'`)).toEqual([
        "false",
        "true",
      ]);
      expect(await values(sql, "a.settled_amount < a.amount", `${across} and a.state = 'settled'`)).toEqual([
        "false",
        "true",
      ]);
      // Stewards of both hubs stand behind one proposal, and one waits for the other hub's.
      expect(await values(sql, "agreed is not null", "resolutions where iri is not null")).toEqual([
        "false",
        "true",
      ]);
      expect(await values(sql, "revealed is null", "reviews")).toEqual(["false", "true"]);
      expect(await values(sql, "state", "peers")).toEqual(["active"]);
      // Hands are shaken soon after the start.
      await until(async () => (await values(sql, "ready", "clearing_links")).join() === "true");
      // They are compared soon, too; in vain by the hub that is up first, which tries again when the other one is.
      await until(
        async () =>
          (await values(sql, "completed is not null and failure is null", "peer_copies")).join() === "true",
        PATIENCE / 2,
      );
      expect(await values(sql, "state", "clearing_transfers")).toEqual(
        expect.arrayContaining(["aborted", "committed", "prepared", "reserved", "settled"]),
      );
      expect(await values(sql, "state", "vouchers")).toEqual(["requested", "used"]);
      expect(await values(sql, "state", "verifications")).toEqual(["requested", "verified"]);
      // The months are in it, and nothing is of tomorrow.
      const [times] =
        await sql`select count(distinct date_trunc('month', created))::int as months, max(created) <= now() as past
        from agreements where peer_id is not null`;
      expect(times).toMatchObject({ past: true });
      expect(times!.months).toBeGreaterThanOrEqual(4);
    });
    const { status, stdout } = await ayni(key, "ledger", "check");
    expect(stdout).toMatch(/^The books fit/);
    expect(status).toBe(0);
    for (const sight of ["agreements", "admin/peers"])
      expect(demo.output()).toMatch(
        new RegExp(`http://localhost:${port + (key === "lac" ? 0 : 100)}/${sight}/\\d+`),
      );
  },
  PATIENCE,
);

test(
  "one that is killed in the middle of a payment recovers: the script ends well, and the books fit",
  async () => {
    // It rejects, with what was said, when the script does not end with 0.
    const args = [join(ROOT, "examples", "crash.mjs"), dataDir];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: PATIENCE });
    expect(stderr).toBe("");
    expect(stdout.match(/is killed \(SIGKILL/g)).toHaveLength(2);
    expect(stdout.match(/The books fit/g)).toHaveLength(2);
    expect(stdout).toMatch(/both hubs say “settled”/);
  },
  PATIENCE,
);

test(
  "a second start fills nothing again",
  async () => {
    const count = (key: string) =>
      asks(
        key,
        (sql) =>
          sql`select count(*)::int as agreements, (select count(*)::int from peers) as peers from agreements`,
      );
    const before = await Promise.all(DEMO.map(({ key }) => count(key)));
    await stopDemo();
    demo = await startDemo();
    expect(demo.output()).not.toMatch(/Filling/);
    expect(await Promise.all(DEMO.map(({ key }) => count(key)))).toEqual(before);
  },
  PATIENCE,
);
