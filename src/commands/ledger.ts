import type { Command } from "commander";
import { checkLedger } from "../domain/ledger/check.ts";
import { lastCheck, openFreeze } from "../domain/ledger/queries.ts";
import { say, withDatabase } from "./data.ts";

export function addLedgerCommands(program: Command): void {
  program
    .command("ledger")
    .description("the hub's books")
    .command("check")
    .description("check every entry, balance, hold and agreement; says what is wrong, and changes nothing")
    .action(() =>
      withDatabase(async (ctx) => {
        const started = performance.now();
        const findings = await checkLedger(ctx);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        for (const { subject, detail } of findings) say(`WRONG ${subject}: ${detail}`);
        if (findings.length > 0) {
          process.exitCode = 1;
          say("\nThe books do not fit. A running hub stops payments at its next check, within the hour.");
          say("Keep a copy of the database before anything is mended.");
        } else say(`The books fit (checked in ${seconds} s).`);
        const freeze = await openFreeze(ctx);
        if (freeze !== null) {
          say(`\nPayments have been stopped since ${freeze.frozen.toISOString()}:\n${freeze.reason}`);
          if (findings.length === 0) say("An administrator can let them go on at /admin.");
        }
        const last = await lastCheck(ctx);
        if (last !== null) say(`The hub's own last check was at ${last.checked.toISOString()}.`);
      }),
    );
}
