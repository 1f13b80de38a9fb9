import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { apiClient } from "../support/api-client.ts";
import { apiScene } from "../support/api-scene.ts";

function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["examples/exchange.mjs", ...args], (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("the example exchanges between two organizations, and says what it does", async () => {
  const { hub, provides, receives, organizationOf } = await apiScene();
  const { status, stdout, stderr } = await run(hub.origin, provides.token ?? "", receives.token ?? "");
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout
    .split("\n")
    .map((line) => line.replace(/example[0-9a-f]{8}/, "x").replace(/\d{4}-\d\d-\d\d/, "day"));
  expect(lines).toEqual([
    "1. An exchange for credits",
    "Organization raices offers “Workshop x”, 1.00 ₳ an hour.",
    "Organization puentes would take 2 hours for 2.00 ₳.",
    "Organization raices accepts: the agreement is funded.",
    "The work is delivered.",
    "It is confirmed, 2 of 2 hours, and 2.00 ₳ are paid: settled.",
    "Both have reviewed, so both reviews are revealed. About the provider: “Well prepared, and on time.”",
    "",
    "2. A gift",
    "Organization raices offers “Workshop x”, as a gift.",
    "Organization puentes would take 1 hours for nothing.",
    "Organization raices accepts: the agreement is accepted.",
    "The work is delivered.",
    "It is confirmed, 1 of 1 hours, and nothing is paid: settled.",
    "",
    "3. A part is confirmed",
    "Organization puentes would take 3 hours for 3.00 ₳.",
    "Organization raices accepts: the agreement is funded.",
    "The work is delivered.",
    "It is confirmed, 2 of 3 hours, and 2.00 ₳ are paid: settled.",
    "",
    "The provider's statement, newest first",
    "  day  2.00 ₳ with Organization puentes; balance 4.00 ₳",
    "  day  2.00 ₳ with Organization puentes; balance 2.00 ₳",
    expect.stringMatching(/^The receiver can still spend \d+\.\d\d ₳; 0\.00 ₳ are held\.$/),
    "",
  ]);
  expect(await checkLedger(hub.ctx)).toEqual([]);

  // Whom it cannot help it tells why.
  const poor = await apiClient(hub, await organizationOf("nueva", "nina"));
  const refused = await run(hub.origin, provides.token ?? "", poor.token ?? "");
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/409, insufficient_credit: .*\n.*no credit line yet/);
  const stranger = await run(hub.origin, "ayni_x", "ayni_y");
  expect([stranger.status, stranger.stderr]).toEqual([1, expect.stringMatching(/401, invalid_token/)]);
  expect((await run()).status).toBe(2);
}, 180_000);
