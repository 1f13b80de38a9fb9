import { beforeAll, expect, test } from "vitest";
import { createIds } from "../../src/db/ids.ts";
import { runChecks } from "../../src/domain/ledger/check.ts";
import { testDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization, pay } from "../support/ledger.ts";
import { build, makeHome } from "../support/processes.ts";

beforeAll(build, 120_000);

test("processes: ledger check says whether the books fit, and exits 1 with what is wrong when they do not", async () => {
  const { url, db, sql } = await testDatabase();
  const { ctx: bare } = await ledgerHub(db);
  const ctx = { ...bare, ids: createIds(sql, () => new Date()) };
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour");
  await pay(ctx, raices.ledgerId, nour.ledgerId, 300n);
  const home = await makeHome({ DATABASE_URL: url });
  expect(await home.ayni("ledger", "check")).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^The books fit/),
    stderr: "",
  });

  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`update ledger_accounts set posted = posted + 100 where id = ${nour.ledgerId.toString()}`;
  });
  await runChecks(ctx);
  const { status, stdout } = await home.ayni("ledger", "check");
  expect(status).toBe(1);
  expect(stdout).toContain(`WRONG account ${nour.ledgerId}: posted 400, entries give 300`);
  expect(stdout).toContain("WRONG unit credit: all balances together are 100");
  expect(stdout).toMatch(/Payments have been stopped since 20/);
}, 120_000);
