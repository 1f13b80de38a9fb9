import { Command } from "commander";
import { VERSION } from "../version.ts";
import { addAgreementCommands } from "./agreements.ts";
import { addBackupCommands } from "./backup.ts";
import { addDataCommands } from "./data.ts";
import { addDemoCommand } from "./demo.ts";
import { addDoctorCommand } from "./doctor.ts";
import { addKeyCommands } from "./keys.ts";
import { addLedgerCommands } from "./ledger.ts";
import { addPeerCommands } from "./peer.ts";
import { addSeedCommand } from "./seed.ts";
import { addServeCommands } from "./serve.ts";

/** The command `ayni`. Each subcommand exits 0 only when it did what it says; errors for people go to stderr. */
export function createProgram(): Command {
  const program = new Command("ayni")
    .description("A hub where organizations exchange what they know, have and can do")
    .version(VERSION)
    .showHelpAfterError("(run with --help to see what is expected)");
  addServeCommands(program);
  addDataCommands(program);
  addAgreementCommands(program);
  addBackupCommands(program);
  addDoctorCommand(program);
  addKeyCommands(program);
  addLedgerCommands(program);
  addPeerCommands(program);
  addDemoCommand(program);
  addSeedCommand(program);
  return program;
}
