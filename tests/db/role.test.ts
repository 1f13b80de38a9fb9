import { randomBytes } from "node:crypto";
import { expect, inject, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/db/client.ts";
import { connect } from "../../src/db/connect.ts";
import { migrate } from "../../src/db/migrate.ts";
import { applicationRole } from "../../src/db/role.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { donate } from "../../src/domain/ledger/donate.ts";
import { transact } from "../../src/domain/transact.ts";
import { testDatabase } from "../support/database.ts";
import { databaseUrl } from "../support/global-setup.ts";
import { CREDIT, ledgerHub, organization, pay } from "../support/ledger.ts";

/** "insufficient_privilege" */
const FORBIDDEN = { code: "42501" };

test("a hub works under a role that can write the books on, and not rewrite them", async () => {
  const { url } = await testDatabase();
  const role = await applicationRole(url);
  expect(role).toBe("ayni_app");
  const { db, sql, close } = openDatabase(url, { orm: 2, raw: 2 }, role);
  onTestFinished(close);
  expect(await sql`select current_user::text as name`).toEqual([{ name: "ayni_app" }]);

  const { ctx } = await ledgerHub(db);
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour", 0n, 5n * CREDIT);
  await pay(ctx, raices.ledgerId, nour.ledgerId, 300n, 10);
  await transact(ctx, (ctx) => donate(ctx, nour, { amount: "1" }));
  expect(await checkLedger(ctx)).toEqual([]);

  for (const statement of [
    "update entries set amount = 1",
    "delete from entries",
    "truncate entries cascade",
    "update ledger_accounts set posted = 1",
    "update ledger_accounts set held = 0",
    "delete from ledger_accounts",
    "update transfers set amount = 1",
    "delete from transfers",
    "delete from ledger_freezes",
    "update ledger_checks set findings = '[]'",
    "update limit_changes set reason = ''",
    "update agreement_steps set body = null",
    "delete from proposal_revisions",
    "update clearing_entries set body = ''",
    "delete from clearing_entries",
    "update clearing_evidence set bodies = '[]'",
    "delete from clearing_evidence",
    "update peerings set body = ''",
    "update peer_keys set key = ''",
    "delete from peer_keys",
    "delete from retired_keys",
    "update public_totals set body = ''",
    "alter table entries disable trigger all",
    "drop trigger entries_kept on entries",
    "set session_replication_role = replica",
    "update migrations set sha256 = ''",
    "create table mine (n int)",
  ])
    await expect(sql.unsafe(statement), statement).rejects.toMatchObject(FORBIDDEN);
});

test("many that start at once agree on the role", async () => {
  const databases = await Promise.all([testDatabase(), testDatabase(), testDatabase()]);
  const starts = databases.flatMap(({ url }) => [
    applicationRole(url),
    applicationRole(url),
    applicationRole(url),
  ]);
  expect(new Set(await Promise.all(starts))).toEqual(new Set(["ayni_app"]));
});

test("a user that may make no role works as itself, and so does one of another hub's on the same server", async () => {
  const cluster = connect(inject("clusterUrl"), { max: 1 });
  onTestFinished(() => cluster.end());
  const name = `plain_${randomBytes(4).toString("hex")}`;
  await cluster.unsafe(`create role ${name} login password 'plain'`);
  await cluster.unsafe(`create database ${name} owner ${name}`);
  const url = new URL(databaseUrl(inject("clusterUrl"), name));
  const own = connect(url.href, { max: 1 });
  await own`create extension pg_trgm`;
  await own.end();
  [url.username, url.password] = [name, "plain"];

  await migrate(url.href);
  expect(await applicationRole(url.href)).toBeNull();
  const { sql, close } = openDatabase(url.href, { orm: 1, raw: 1 }, null);
  expect(await sql`select count(*)::int as n from entries`).toEqual([{ n: 0 }]);
  await close();

  // Made for it by an administrator.
  await applicationRole((await testDatabase()).url);
  await cluster.unsafe(`grant ayni_app to ${name}`);
  expect(await applicationRole(url.href)).toBe("ayni_app");

  await cluster.unsafe(`drop database ${name} with (force)`);
  await cluster.unsafe(`drop role ${name}`);
});
