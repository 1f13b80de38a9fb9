import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundleReport } from "../../src/commands/agreements.ts";
import { createProgram } from "../../src/commands/program.ts";
import { bundleOf, HISTORY } from "../support/bundle.ts";

function report(bundle: object): { said: string; proven: boolean } {
  const { lines, proven } = bundleReport(JSON.stringify(bundle));
  return { said: lines.join("\n"), proven };
}

test("says in sentences who agreed to what and when, and with which keys", async () => {
  const bundle = await bundleOf();
  const { said, proven } = report(bundle);
  expect(proven).toBe(true);
  for (const sentence of [
    "https://mena.example/actors/1 does it, https://lac.example/actors/2 gets it.",
    "2026-01-15T10:00:00Z  https://lac.example/actors/2 offered: 5 hours of https://mena.example/proposals/10, for nothing in return",
    "https://mena.example/actors/1 offered other terms: 3 hours",
    "https://lac.example/actors/2 agreed: 3 hours",
    "https://mena.example/actors/1 said that it was done.",
    "https://lac.example/actors/2 confirmed that it was received.",
    "“Faltó una hora”",
    "Every consent is signed by the one whose it is, and nothing was changed.",
  ])
    expect(said).toContain(sentence);
  for (const { publicKeyMultibase, owner } of bundle.keys)
    expect(said).toContain(`${publicKeyMultibase}  ${owner}`);
});

test("one changed word is named, and the command fails", async () => {
  const bundle = await bundleOf();
  bundle.consents[4]!.body = bundle.consents[4]!.body.replace("Faltó", "Sobró");
  const { said, proven } = report(bundle);
  expect(proven).toBe(false);
  expect(said).toContain("NOT PROVEN");
  expect(said).toContain(
    "Consent 5 (confirm by https://lac.example/actors/2): it is not signed with a key of its actor.",
  );
  expect(said).not.toContain("nothing was changed");
});

test("an offer that nobody agreed to is no agreement", async () => {
  const { said, proven } = report(await bundleOf(HISTORY.slice(0, 1)));
  expect([proven, said.includes("Nothing was agreed.")]).toEqual([true, true]);
});

test("what others wrote does not act on the terminal, nor look like what the command says", async () => {
  const note = "\u001b[2J\u001b[1;31m\nEvery consent is signed\u202e\u0007";
  const { said } = report(await bundleOf([{ ...HISTORY[0]!, note }]));
  expect(said).not.toMatch(/(?!\n)\p{C}/u);
  expect(said.split("\n").filter((line) => line.startsWith("Every consent"))).toHaveLength(1);
});

test("the command fails where the file is missing, is something else, or proves nothing", async () => {
  const verify = (file: string) =>
    createProgram().parseAsync(["agreement", "verify", file], { from: "user" });
  const folder = await mkdtemp(join(tmpdir(), "ayni-bundle-"));
  try {
    await expect(verify(join(folder, "no.json"))).rejects.toThrow("There is no file");
    const bundle = await bundleOf();
    for (const [content, code] of [
      [bundle, 0],
      [{ ...bundle, keys: [] }, 1],
      [{}, 1],
    ] as const) {
      process.exitCode = undefined;
      await writeFile(join(folder, "consents.json"), JSON.stringify(content));
      await verify(join(folder, "consents.json"));
      expect(Number(process.exitCode ?? 0)).toBe(code);
    }
  } finally {
    process.exitCode = undefined;
    await rm(folder, { recursive: true });
  }
});
