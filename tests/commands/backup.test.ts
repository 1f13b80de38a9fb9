import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { createProgram } from "../../src/commands/program.ts";
import { type Database, openDatabase } from "../../src/db/client.ts";
import { migrate } from "../../src/db/migrate.ts";
import { loadPrivateKey } from "../../src/domain/actors/keys.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { organizationAccount } from "../../src/domain/ledger/accounts.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { reserve } from "../../src/domain/ledger/transfers.ts";
import { saveDocument, saveImage } from "../../src/domain/media/commands.ts";
import { transact } from "../../src/domain/transact.ts";
import { createFiles } from "../../src/files.ts";
import { createVault } from "../../src/vault.ts";
import { testDatabase } from "../support/database.ts";
import { exchangeContext, exchangeHub, organization, publish } from "../support/exchange.ts";
import { jpeg, PDF } from "../support/files.ts";
import { pay } from "../support/ledger.ts";
import { build, until } from "../support/processes.ts";

const SECRET = "a secret of the tests and of nothing else";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Scene {
  database: Database;
  folder: string;
  ctx: Ctx;
  admin: Acting;
}

/** A hub with organizations, payments, a hold that is open, uploaded files, and jobs that wait. */
async function scene(): Promise<Scene> {
  const database = await testDatabase();
  const folder = await temporaryFolder();
  environment(database, folder);
  const { ctx: plain, admin } = await exchangeHub(database);
  const ctx = { ...plain, files: createFiles(join(folder, "media")) };
  const raices = await organization(ctx, admin, "raices", 100_000n);
  const kallpa = await organization(ctx, admin, "kallpa", 100_000n);
  for (const name of ["Taller", "Curso", "Línea con\\n rarezas \\. y «comillas»"])
    await publish(ctx, kallpa, { name });
  await exchange(ctx, raices, kallpa);
  await saveImage(
    ctx,
    raices,
    { field: "f", name: "a.jpg", bytes: await jpeg() },
    { open: true, description: "Foto" },
  );
  await saveDocument(ctx, raices, { field: "f", name: "a.pdf", bytes: PDF }, { open: false });
  return { database, folder, ctx, admin };
}

/** Payments, and one that is only promised. */
async function exchange(ctx: Ctx, payer: Acting, payee: Acting): Promise<void> {
  const payerId = await organizationAccount(ctx, payer.actorId);
  const payeeId = await organizationAccount(ctx, payee.actorId);
  for (const amount of [1_250n, 300n, 7n]) await pay(ctx, payerId, payeeId, amount);
  await transact(ctx, (ctx) =>
    reserve(ctx, { kind: "agreement", payerId, payeeId, amount: 500n, accountId: null }),
  );
}

function environment({ url }: Database, folder: string, secret = SECRET): void {
  vi.stubEnv("DATABASE_URL", url);
  vi.stubEnv("AYNI_SECRET", secret);
  vi.stubEnv("AYNI_DATA_DIR", folder);
  vi.stubEnv("AYNI_ORIGIN", "https://hub.example");
}

async function ayni(...args: string[]): Promise<void> {
  await createProgram().parseAsync(args, { from: "user" });
}

/** A connection of its own: restoring wants nobody else to be connected. */
async function opened<T>(url: string, fn: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase(url, { orm: 2, raw: 2 });
  try {
    return await fn(database);
  } finally {
    await database.close();
  }
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ayni-backup-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Tables in which a backup or a restore leaves its own traces, and what is left out. */
const TRACES = [
  "backups",
  "restores",
  "restored_links",
  "notices",
  "jobs",
  "ledger_checks",
  "sessions",
  "migrations",
  "kv",
];

/** All rows of all tables, in an order of their own, and where the sequences stand. */
function contents(url: string): Promise<Record<string, string[]>> {
  return opened(url, async ({ sql }) => {
    const tables = await sql<{ name: string }[]>`
      select tablename as name from pg_tables where schemaname = 'public' order by 1`;
    const found: Record<string, string[]> = {};
    for (const { name } of tables) {
      if (TRACES.includes(name)) continue;
      const rows = await sql<{ row: string }[]>`select t::text as row from ${sql(name)} t order by 1`;
      found[name] = rows.map(({ row }) => row);
    }
    return found;
  });
}

async function filesIn(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).sort((a, b) => (a.name < b.name ? -1 : 1));
  const read = files.map(async ({ parentPath, name }) => [
    name,
    (await readFile(join(parentPath, name))).toString("hex"),
  ]);
  return Object.fromEntries(await Promise.all(read));
}

test("a backup into an empty database gives the same hub: rows, files, keys, and books that fit", async () => {
  const { database, folder, admin } = await scene();
  const file = join(folder, "hub.backup");
  await ayni("backup", file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readdir(folder)).filter((name) => name.includes("part"))).toEqual([]);

  const empty = await testDatabase("template1");
  const elsewhere = await temporaryFolder();
  environment(empty, elsewhere);
  await ayni("restore", file);

  const before = await contents(database.url);
  expect(await contents(empty.url)).toEqual(before);
  expect(before.entries?.length).toBeGreaterThan(5);
  expect(await filesIn(join(elsewhere, "media"))).toEqual(await filesIn(join(folder, "media")));
  await opened(empty.url, async (again) => {
    const ctx = exchangeContext(again);
    expect(await checkLedger(ctx)).toEqual([]);
    await expect(loadPrivateKey(ctx, admin.actorId, "ed25519")).resolves.toBeDefined();
    const raices = await organization(ctx, admin, "minka", 100_000n);
    const kallpa = await organization(ctx, admin, "qhatu", 100_000n);
    await exchange(ctx, raices, kallpa);
    expect(await checkLedger(ctx)).toEqual([]);
    // Triggers are on again, and references are checked.
    await expect(again.sql`update entries set amount = 1`).rejects.toThrow(/refuses/);
    await expect(again.sql`update transfers set payer_id = 1 where state = 'committed'`).rejects.toThrow();
    await expect(again.sql`delete from actors where id = ${String(admin.actorId)}`).rejects.toThrow(
      /foreign key/,
    );
  });
});

test("what is there already is replaced only when that is asked for, and then the old state is back", async () => {
  const { database, folder, ctx, admin } = await scene();
  const file = join(folder, "hub.backup");
  await ayni("backup", file);
  const before = await contents(database.url);
  await organization(ctx, admin, "later", 1_000n);
  await database.sql`insert into clearing_inbox (peer_id, body, received) select 1, 'x', now() where false`;
  await database.close();
  const after = await contents(database.url);

  await expect(ayni("restore", file)).rejects.toThrow(/--replace.*Nothing was changed/);
  expect(await contents(database.url)).toEqual(after);
  await ayni("restore", file, "--replace");
  expect(await contents(database.url)).toEqual(before);
  await opened(database.url, async ({ sql }) => {
    expect(await sql`select kind from notices where kind = 'hub_restored'`).toHaveLength(1);
    expect(await sql`select id from restores`).toHaveLength(1);
    // E-mails that waited were probably sent since; deliveries may come twice.
    expect(await sql`select id from jobs where queue = 'mails' or lease is not null`).toEqual([]);
    expect((await sql`select id from jobs where queue = 'events'`).length).toBeGreaterThan(0);
  });
});

test("a backup of another hub, or while somebody is connected, is refused", async () => {
  const { database, folder } = await scene();
  const file = join(folder, "hub.backup");
  await ayni("backup", file);
  await database.sql`select 1`;
  await expect(ayni("restore", file, "--replace")).rejects.toThrow(/in use by ayni .*Stop the hub/);
  await database.sql`update hubs set origin = 'https://other.example'`;
  await database.close();
  await expect(ayni("restore", file, "--replace")).rejects.toThrow(/of https:\/\/hub.example, and this is/);
});

test("a file that is damaged, cut off or none at all is refused before anything is touched", async () => {
  const { database, folder } = await scene();
  const file = join(folder, "hub.backup");
  await ayni("backup", file);
  await database.close();
  const before = await contents(database.url);
  const whole = await readFile(file);
  const damaged = join(folder, "damaged");
  const seed = 20_261;
  for (let n = 0; n < 60; n++) {
    const at = n < 8 ? whole.length - 1 - n : (seed * (n + 1) * 7_919) % whole.length;
    const bytes = Buffer.from(whole);
    bytes[at] = bytes[at]! ^ (1 << (n % 8));
    await writeFile(damaged, bytes);
    await expect(ayni("restore", damaged, "--replace"), `byte ${at}`).rejects.toThrow(/Nothing was changed/);
  }
  for (const length of [0, 1, 100, whole.length >> 1, whole.length - 1]) {
    await writeFile(damaged, whole.subarray(0, length));
    await expect(ayni("restore", damaged, "--replace")).rejects.toThrow(/Nothing was changed/);
  }
  await writeFile(damaged, "dear reader");
  await expect(ayni("restore", damaged, "--replace")).rejects.toThrow(/is not a backup of Ayni/);
  await expect(ayni("restore", join(folder, "nothing"), "--replace")).rejects.toThrow(/cannot be read/);
  expect(await contents(database.url)).toEqual(before);
});

test("a restore that fails in the middle leaves the old state", async () => {
  const { database, folder, ctx, admin } = await scene();
  const file = join(folder, "hub.backup");
  await ayni("backup", file);
  await organization(ctx, admin, "later", 1_000n);
  await database.close();
  const before = await contents(database.url);
  const blocked = join(folder, "blocked");
  await writeFile(blocked, "not a folder");
  vi.stubEnv("AYNI_MEDIA", blocked);
  await expect(ayni("restore", file, "--replace")).rejects.toThrow(/ENOTDIR|EEXIST/);
  expect(await contents(database.url)).toEqual(before);
});

test("a backup of an older version is brought up to date", async () => {
  const older = await testDatabase("template1");
  const folder = await temporaryFolder();
  const migrations = new URL("../../src/db/migrations/", import.meta.url).pathname;
  for (const name of await readdir(migrations))
    if (/^00(0\d|10)_.*\.sql$/.test(name)) await copyFile(join(migrations, name), join(folder, name));
  await migrate(older.url, folder);
  await older.sql`
    insert into actors (id, iri, kind, handle, name, inbox, created, updated)
    values (1, 'https://hub.example/actor', 'Application', 'hub', 'Hub', 'https://hub.example/inbox', now(), now())`;
  await older.sql`
    insert into hubs (origin, actor_id, name, locale, currency_name, currency_symbol, created)
    values ('https://hub.example', 1, 'Hub', 'es', 'Ayni', '₳', now())`;
  environment(older, folder);
  const file = join(folder, "older.backup");
  await ayni("backup", file);
  const target = await testDatabase("template1");
  environment(target, folder);
  await ayni("restore", file);
  await opened(target.url, async ({ sql }) => {
    expect(await sql`select name from hubs`).toEqual([{ name: "Hub" }]);
    expect(await sql`select moment from restores`).toHaveLength(1);
  });
  expect(await migrate(target.url)).toEqual([]);
});

describe("the secret", () => {
  test("of a data directory is in the backup, and the keys are sealed anew for another one", async () => {
    const { database, folder, admin } = await scene();
    await writeFile(join(folder, "secret"), SECRET);
    vi.stubEnv("AYNI_SECRET", "");
    const file = join(folder, "hub.backup");
    await ayni("backup", file);
    await database.close();
    const elsewhere = await temporaryFolder();
    const other = "another secret, of another data directory";
    environment(database, elsewhere, other);
    await ayni("restore", file, "--replace");
    await opened(database.url, async (again) => {
      const ctx = { ...exchangeContext(again), vault: createVault(other) };
      await expect(loadPrivateKey(ctx, admin.actorId, "rsa")).resolves.toBeDefined();
    });
  });

  test("from outside is not in it: with another one nothing is restored", async () => {
    const { database, folder } = await scene();
    const file = join(folder, "hub.backup");
    await ayni("backup", file);
    environment(database, folder, "another secret, that opens nothing at all");
    await expect(ayni("restore", file, "--replace")).rejects.toThrow(/Set AYNI_SECRET/);
  });
});

/** A module that ends its process without a word when it has sent 10 MB: of 33 that the database is to be given. */
const KILLED_IN_THE_MIDDLE = `data:text/javascript,${encodeURIComponent(`
  import { Socket } from "node:net";
  const { write } = Socket.prototype;
  let sent = 0;
  Socket.prototype.write = function (chunk, ...rest) {
    sent += chunk.length;
    if (sent > 10_000_000) process.kill(process.pid, "SIGKILL");
    return write.call(this, chunk, ...rest);
  };
`)}`;

describe("kill -9", () => {
  beforeAll(build, 120_000);

  test("in the middle of a restore leaves the old state, and the restore can be done again", async () => {
    const { database, folder } = await scene();
    await database.sql`
      insert into throttles (subject, started, count)
      select 'test:' || n || repeat('x', 200), now(), 1 from generate_series(1, 150000) n`;
    const file = join(folder, "hub.backup");
    await ayni("backup", file);
    await database.sql`delete from throttles`;
    await database.sql`update hubs set name = 'later'`;
    await database.close();
    const before = await contents(database.url);

    const main = new URL("../../dist/main.js", import.meta.url).pathname;
    const child = spawn(
      process.execPath,
      ["--import", KILLED_IN_THE_MIDDLE, main, "restore", file, "--replace"],
      {
        env: { ...process.env, NODE_OPTIONS: "" },
        stdio: "ignore",
      },
    );
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    await opened(inject("clusterUrl"), async ({ sql }) => {
      const name = new URL(database.url).pathname.slice(1);
      const restoring = () => sql`
        select from pg_stat_activity where datname = ${name} and application_name = 'ayni restore'`;
      await until(async () => (await restoring()).length === 0);
    });
    expect(await contents(database.url)).toEqual(before);
    await ayni("restore", file, "--replace");
    const rows = (await contents(database.url)).throttles ?? [];
    expect(rows.filter((row) => row.startsWith("(test:"))).toHaveLength(150_000);
  }, 300_000);
});
