import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "postgres";
import { beforeAll, expect, test } from "vitest";
import { testDatabase } from "../support/database.ts";
import { build, type Home, makeHome, setUp, until } from "../support/processes.ts";

let lac: Home;
let mena: Home;
let sql: { lac: Sql; mena: Sql };

beforeAll(async () => {
  await build();
  const [one, other] = [await testDatabase(), await testDatabase()];
  sql = { lac: one.sql, mena: other.sql };
  lac = await makeHome({ DATABASE_URL: one.url });
  mena = await makeHome({ DATABASE_URL: other.url });
  for (const home of [lac, mena]) home.env.AYNI_EGRESS_ALLOW = `${lac.host},${mena.host},127.0.0.1:1`;
  await Promise.all([setUp(lac), setUp(mena)]);
  await Promise.all([lac.serve(), mena.serve()]);
}, 300_000);

/** Runs `ayni peer …`, which does what it says. @returns what it says */
async function peer(home: Home, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await home.ayni("peer", ...args);
  expect([args, status, stderr]).toEqual([args, 0, ""]);
  return stdout;
}

/** Runs a command that cannot do what it says. @returns what it says about that */
async function fails(home: Home, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await home.ayni(...args);
  expect([args, status]).toEqual([args, 1]);
  expect(stderr).toMatch(/^ayni: .*\n$/);
  return stderr + stdout;
}

async function state(of: Sql, wanted: string): Promise<void> {
  await until(async () => {
    const [row] = await of<{ state: string }[]>`select state from peers`;
    return row?.state === wanted;
  });
}

interface Copied {
  began: Date | null;
  completed: Date | null;
  forced: boolean;
}

test("two hubs become peers, change what they owe at most, stop, go on and part, without a browser", async () => {
  expect(await peer(lac, "list")).toBe(
    "This hub exchanges with no other one yet. See: ayni peer add --help\n",
  );
  expect(await peer(lac, "add", mena.origin, "--may-owe", "30")).toMatch(
    new RegExp(
      `^Proposed to ${mena.host}\\. Its administrators answer on their hub\\.\nIts key: ([0-9a-f]{4} ?){8}\\.`,
    ),
  );
  await state(sql.mena, "asked");
  expect(await peer(mena, "list")).toContain(`${lac.host}\tasked\t`);
  await peer(mena, "reject", lac.origin, "--note", "Antes nos conocemos.");
  await state(sql.lac, "rejected");
  await peer(lac, "add", mena.origin, "--may-owe", "30");
  await state(sql.mena, "asked");
  expect(await peer(mena, "accept", lac.origin, "--may-owe", "20,5", "--drain-days", "60")).toBe(
    `${lac.host} and this hub exchange now: it may owe 30 h, we may owe 20.5 h.\n`,
  );
  await state(sql.lac, "active");
  await until(async () => (await sql.lac`select from clearing_links where ready`).length === 1);
  expect(await peer(lac, "list")).toMatch(
    new RegExp(`^${mena.host}\tactive\tit may owe 20\\.5 h, we may owe 30 h\teven\theard 20\\S+Z\n$`),
  );

  // The lists agree, and are read again all the same.
  const copied = async () => (await sql.lac<Copied[]>`select began, completed, forced from peer_copies`)[0];
  await until(async () => (await copied())?.completed != null);
  const before = (await copied())!;
  expect(await peer(lac, "copy", mena.origin)).toMatch(
    new RegExp(`^All that ${mena.host} offers and needs is read again`),
  );
  await until(async () => {
    const { began, completed, forced } = (await copied())!;
    return !forced && began! > before.began! && completed! >= began!;
  });
  expect(await fails(mena, "peer", "copy", "nowhere.example")).toMatch(/nowhere\.example is no peer/);

  for (const args of [["accept"], ["unfreeze", "--note", "x"], ["add"]])
    expect(await fails(lac, "peer", args[0]!, mena.origin, ...args.slice(1))).toMatch(
      /^ayni: .* not while the peering is active/,
    );
  expect(await fails(lac, "peer", "freeze", mena.origin)).toMatch(/^ayni: --note: /);
  expect(await fails(lac, "peer", "revise", mena.origin, "--quote-days", "0")).toMatch(
    /^ayni: --quote-days: /,
  );

  expect(await peer(lac, "revise", mena.origin, "--may-owe", "10")).toBe(
    "Signed. What counts now: it may owe 20.5 h, we may owe 10 h.\n",
  );
  await until(async () => {
    const [row] = await sql.mena<{ owed: string }[]>`select they_may_owe::text as owed from peers`;
    return row?.owed === "36000";
  });
  expect(await peer(lac, "drain", mena.origin, "--note", "Vacaciones")).toContain("has 60 days");
  await peer(lac, "resume", mena.origin);
  await peer(lac, "freeze", mena.origin, "--note", "Algo no cuadra.");
  await until(async () => (await sql.mena`select from peers where their_state = 'frozen'`).length === 1);
  expect(await peer(lac, "list")).toContain("NEEDS ATTENTION");
  await peer(lac, "unfreeze", mena.origin, "--note", "Era nuestro error.");
  await until(async () => (await sql.lac`select from clearing_links where ready`).length === 1);

  const shown = await peer(lac, "key", mena.origin);
  const [, accepted, now] = /^Accepted: {3}(.*)\nSigns with: (.*)\n$/.exec(shown) ?? [];
  expect(accepted).toBe(now);
  expect(await fails(lac, "peer", "key", mena.origin, "--accept", "0000 1111")).toContain(
    "Nothing was accepted.",
  );
  expect(await peer(lac, "key", mena.origin, "--accept", accepted!.toUpperCase())).toContain(
    "The key is accepted.",
  );
  await until(async () => (await sql.lac`select from clearing_links where ready`).length === 1);

  const { status, stdout } = await lac.ayni("ledger", "prove", "--peer", mena.origin);
  expect(status).toBe(0);
  const file = join(lac.dataDir, "statement.json");
  await writeFile(file, stdout);
  const proven = await mena.ayni("ledger", "verify", file);
  expect([proven.status, proven.stdout]).toEqual([
    0,
    expect.stringContaining("Neither owes the other anything."),
  ]);
  await writeFile(file, (await readFile(file, "utf8")).replaceAll(mena.origin, "https://other.example"));
  const altered = await mena.ayni("ledger", "verify", file);
  expect([altered.status, altered.stdout]).toEqual([1, expect.stringContaining("NOT PROVEN:")]);

  expect(await peer(lac, "close", mena.host)).toBe(`This hub no longer exchanges with ${mena.host}.\n`);
  await state(sql.mena, "closed");
}, 600_000);

test("what cannot be done is said in a sentence", async () => {
  const said: [string[], RegExp][] = [
    [["peer", "add", "http://127.0.0.1:1"], /does not answer/],
    [["peer", "add", "no address"], /not a hub's address/],
    [["peer", "add", lac.origin], /no peer of itself/],
    [["peer", "add", mena.origin, "--may-owe", "many"], /^ayni: --may-owe: /],
    [["peer", "drain", "nowhere.example"], /nowhere\.example is no peer of this hub\. See: ayni peer list/],
    [["ledger", "prove", "--peer", "nowhere.example"], /no peer nowhere\.example/],
    [["ledger", "verify", "/no/such/file"], /no file \/no\/such\/file/],
  ];
  for (const [args, text] of said) expect(await fails(lac, ...args)).toMatch(text);
}, 300_000);
