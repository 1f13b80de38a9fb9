import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { across } from "../support/across.ts";
import { apiClient } from "../support/api-client.ts";

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["examples/exchange-between-hubs.mjs", ...args], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("the example exchanges between organizations of two hubs, and says what it does", async () => {
  const { lac, mena, raices, nour } = await across();
  const provides = await apiClient(mena, nour);
  const receives = await apiClient(lac, raices);
  const ends = [mena.origin, provides.token ?? "", lac.origin, receives.token ?? ""] as const;
  const { status, stdout, stderr } = await run(...ends);
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout
    .split("\n")
    .map((line) => line.replace(/example[0-9a-f]{8}/, "x").replace(/\d{4}-\d\d-\d\d/, "day"));
  expect(lines).toEqual([
    "Organization nour offers “Workshop x”, 1.00 pt an hour.",
    "Organization raices would take 2 hours: it pays 12 min, Organization nour gets 2.00 pt.",
    "These amounts are fixed until day.",
    "Organization nour accepts, and its hub has promised the credits: funded on both.",
    "The work is delivered: both know.",
    "It is confirmed: 12 min are paid, 2.00 pt are received: settled on both.",
    "Both have reviewed. About the provider: “Well prepared, and on time.” About the receiver: “A good audience.”",
    "The provider's statement: 2.00 pt with Organization raices; balance 2.00 pt",
    "The receiver's statement: -12 min with Organization nour; balance -12 min",
    "",
  ]);
  for (const { ctx } of [lac, mena]) expect(await checkLedger(ctx)).toEqual([]);

  // Whom it cannot help it tells why.
  await lac.database.sql`update vouches set released = now()`;
  await lac.database.sql`update agreements set state = 'cancelled'`;
  const stranger = await run(...ends);
  expect(stranger.status).toBe(1);
  expect(stranger.stderr).toMatch(/, not_proven: .*\n.*has two others that vouch for it/);
  expect((await run()).status).toBe(2);
}, 300_000);
