import { readFile, stat } from "node:fs/promises";
import type { Command } from "commander";
import type { RemoteTerms } from "../domain/agreements/remote.ts";
import { htmlToText } from "../domain/html.ts";
import { type CheckedConsent, checkBundle } from "../federation/consent-bundle.ts";
import { say } from "./data.ts";

/** A bundle is two hundred activities of at most a megabyte; real ones have a few kilobytes. */
const MAX_FILE = 32 * 1_048_576;

export function addAgreementCommands(program: Command): void {
  program
    .command("agreement")
    .description("check what organizations agreed on")
    .command("verify <file>")
    .description(
      "say what was agreed by whom, from a downloaded file of signed consents; needs no hub and no network",
    )
    .action(verify);
}

async function verify(file: string): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: -1 }));
  if (size < 0) throw new Error(`There is no file ${file}.`);
  if (size > MAX_FILE) throw new Error(`${file} is too large to be a file of consents.`);
  const { proven, lines } = bundleReport(await readFile(file, "utf8"));
  say(lines.join("\n"));
  if (!proven) process.exitCode = 1;
}

/** What a file of consents says, in plain sentences, and whether all of it is proven. */
export function bundleReport(json: string): { proven: boolean; lines: string[] } {
  const { bundle, consents, agreed, problems } = checkBundle(json);
  const lines: string[] = [];
  if (bundle !== null) {
    const { provider, receiver } = bundle.parties;
    lines.push(`Agreement ${bundle.agreement}`, `  ${provider} does it, ${receiver} gets it.`);
    for (const party of ["provider", "receiver"] as const) {
      const hub = bundle.hubs?.[party];
      if (hub !== undefined) lines.push(`  The stewards of the ${party}'s hub speak as ${hub}.`);
    }
    lines.push("");
    lines.push(...consents.flatMap(sentences));
    if (!agreed) lines.push("Nothing was agreed.");
    lines.push(
      "",
      "Signed with these keys. Compare them with those that the actors' documents name (assertionMethod):",
    );
    for (const { owner, publicKeyMultibase } of bundle.keys) lines.push(`  ${publicKeyMultibase}  ${owner}`);
  }
  lines.push("");
  if (problems.length > 0) lines.push("NOT PROVEN:", ...problems.map((problem) => `  ${problem}`));
  else lines.push("Every consent is signed by the one whose it is, and nothing was changed.");
  return { proven: problems.length === 0, lines: lines.map(harmless) };
}

/** What others wrote must neither look like a line of this command nor act on the terminal. */
function harmless(line: string): string {
  return line.replace(/[\s\p{C}]/gu, " ");
}

const SAID: Readonly<Record<string, string>> = {
  offer: "offered",
  counter: "offered other terms",
  accept: "agreed",
  reject: "refused",
  withdraw: "took the offer back",
  cancel: "called it off",
  deliver: "said that it was done",
  confirm: "confirmed that it was received",
  dispute: "said that something is wrong",
  sign: "agreed to how the dispute ends",
  propose: "proposed for its stewards how the dispute ends",
  agree: "agreed for its stewards to what was proposed",
};

function sentences({ message, actor, signed, terms, note }: CheckedConsent): string[] {
  const what = terms === null ? "" : `: ${termsText(terms)}`;
  const lines = [`${signed}  ${actor} ${SAID[message] ?? message}${what}.`];
  if (note !== null) lines.push(`    “${htmlToText(note).slice(0, 500)}”`);
  return lines;
}

function termsText({ proposal, quantity, unit, due, reciprocal }: RemoteTerms): string {
  const amount =
    unit === "hour" ? `${quantity} ${quantity === 1 ? "hour" : "hours"}` : `${quantity} × ${unit}`;
  const price =
    reciprocal === null ? "for nothing in return" : `for ${reciprocal.amount} (${reciprocal.unit})`;
  const day = due === null ? "" : `, due ${due.toISOString()}`;
  return `${amount} of ${proposal}, ${price}${day}`;
}
