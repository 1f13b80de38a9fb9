import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import { actorById } from "../domain/actors/queries.ts";
import type { Ctx } from "../domain/context.ts";
import { localHub } from "../domain/hubs/queries.ts";
import { checkLedger } from "../domain/ledger/check.ts";
import { lastCheck, openFreeze } from "../domain/ledger/queries.ts";
import { peerOfHost } from "../domain/peers/queries.ts";
import { checkStatement, MAX_STATEMENT, writeStatement } from "../federation/clearing/statement.ts";
import { createKeyring } from "../federation/keyring.ts";
import { say, withDatabase } from "./data.ts";

export function addLedgerCommands(program: Command): void {
  const ledger = program.command("ledger").description("the hub's books");
  ledger
    .command("prove")
    .description(
      "print what this hub and a peer owe one another, as both signed it: a file for `ledger verify`",
    )
    .requiredOption("--peer <origin>", "address of the peer, such as https://hub.example")
    .action(({ peer }: { peer: string }) => withDatabase((ctx) => prove(ctx, peer)));
  ledger
    .command("verify <file>")
    .description("say what such a file proves; needs no hub and no network")
    .action(verify);
  ledger
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

async function prove(ctx: Ctx, origin: string): Promise<void> {
  const url = URL.parse(origin.includes("://") ? origin : `https://${origin}`);
  const peer = url === null ? null : await peerOfHost(ctx, url.host);
  if (peer === null) throw new Error(`There is no peer ${origin}.`);
  const { actorId } = await localHub(ctx);
  const { iri: hub } = await actorById(ctx, actorId);
  const key = await createKeyring(ctx).ed25519(actorId);
  say(await writeStatement(ctx, peer, { hub, key }));
}

async function verify(file: string): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: -1 }));
  if (size < 0) throw new Error(`There is no file ${file}.`);
  if (size > MAX_STATEMENT) throw new Error(`${file} is too large to be a statement.`);
  const { proven, lines } = statementReport(await readFile(file, "utf8"));
  say(lines.join("\n"));
  if (!proven) process.exitCode = 1;
}

/** What a statement says, in plain sentences, and whether all of it is proven. */
export function statementReport(text: string): { proven: boolean; lines: string[] } {
  // A command's output ends with a line end; nothing else stands beside what was signed.
  const { statement, problems } = checkStatement(text.replace(/\n$/, ""));
  const lines: string[] = [];
  if (statement !== null) {
    const { writer, reader, net, out, in: incoming, open, keys, published } = statement;
    const [debtor, creditor] = net >= 0n ? [writer, reader] : [reader, writer];
    const sum = net < 0n ? -net : net;
    lines.push(
      `As ${writer} wrote it at ${published.toISOString()}:`,
      sum === 0n ? "  Neither owes the other anything." : `  ${debtor} owes ${creditor} ${hours(sum)}.`,
    );
    for (const [payer, payee, log] of [
      [writer, reader, out],
      [reader, writer, incoming],
    ] as const) {
      lines.push(`  ${payer} has paid ${hours(log.cumulative)}, in ${log.seq} entries that it signed;`);
      lines.push(`    ${payee} has signed that it posted ${log.acknowledged} of them.`);
    }
    lines.push(
      `  Promised and not decided: ${open}.`,
      "",
      "Signed with these keys. Compare them with those that the hubs' documents name (assertionMethod):",
    );
    for (const [hub, [present, ...before]] of [
      [writer, keys.writer],
      [reader, keys.reader],
    ] as const)
      lines.push(`  ${present}  ${hub}`, ...before.map((key) => `  ${key}  before`));
  }
  lines.push("");
  if (problems.length > 0) lines.push("NOT PROVEN:", ...problems.map((problem) => `  ${problem}`));
  else lines.push("All of it is signed by the hub whose it is, and nothing was changed.");
  return { proven: problems.length === 0, lines };
}

/** Seconds of an HOUR, as people say them. */
function hours(seconds: bigint): string {
  const parts = [`${seconds / 3_600n} h`, `${(seconds / 60n) % 60n} min`, `${seconds % 60n} s`];
  return parts.filter((part) => !part.startsWith("0 ")).join(" ") || "nothing";
}
