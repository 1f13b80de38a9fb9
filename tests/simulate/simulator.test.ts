import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { FORGETFUL } from "../../simulate/creation.ts";
import { loadRules, PRODUCT, SMALL } from "../../simulate/rules.ts";
import { simulate } from "../../simulate/run.ts";
import { play, type Scenario } from "../../simulate/scenarios.ts";
import { copyOf } from "../../simulate/world.ts";

/** So many histories as fit into some seconds; `npm run simulate` does as many as one likes. */
const WORLDS = [
  ["whatever fails", 1, 240],
  ["however much is forgotten", FORGETFUL, 60],
] as const;

test.each(WORLDS)(
  "no credit is lost, doubled or promised beyond the limit, %s",
  {
    timeout: 120_000,
  },
  async (_, first, seeds) => {
    const small = await loadRules(SMALL);
    const violations: string[] = [];
    const total: Record<string, number> = {};
    for (let seed = first; seed < first + seeds; seed++) {
      const { counts, violation } = simulate(seed, seed % 2 === 1 ? small : PRODUCT);
      if (violation !== null) violations.push(`seed ${seed}: ${violation}`);
      for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
    }
    expect(violations).toEqual([]);
    // What did not happen was not tried.
    for (const name of [
      "settlements",
      "partial",
      "aborted",
      "refused",
      "crashes",
      "restores",
      "recovered",
      "frozen",
    ])
      expect(total[name], name).toBeGreaterThan(0);
  },
);

test("a hub that goes on from a past that was given up is found out, however much was written since", () => {
  const trace: string[] = [];
  const fork: Scenario = {
    ...{ name: "fork", what: "Not simulated otherwise: both pasts were signed.", shows: [] },
    play({ a, talk, unheard, agree, pay, backUp, restart }) {
      talk();
      backUp(a);
      agree();
      talk();
      pay();
      unheard(a);
      const past = copyOf(a.store);
      restart(a, "lose");
      for (const _ of [1, 2]) {
        talk();
        agree();
        talk();
        pay();
      }
      talk();
      // It breaks its word, if not on purpose.
      a.malicious = true;
      a.store = past;
      restart(a);
      talk();
    },
  };
  expect(play(fork, PRODUCT, (line) => trace.push(line)).violation).toBeNull();
  expect(trace).toContainEqual("hub 0 freezes 1: forked_log, the logs differ at entry 1");
});

test.each([2, 3, 4])("%i hubs: the same seed is the same history", (hubs) => {
  const traced = () => {
    const lines: string[] = [];
    simulate(7, PRODUCT, { hubs, trace: (line) => lines.push(line) });
    return lines;
  };
  const lines = traced();
  expect(lines.length).toBeGreaterThan(100);
  expect(traced()).toEqual(lines);
});

test("the command names the first seed that fails, and fails", { timeout: 120_000 }, async () => {
  const good = await command("--seeds", "10", "--from", "1000");
  expect(good).toMatchObject({ code: 0, output: expect.stringMatching(/^violations +0$/m) });
  const bad = await command("--seeds", "10", "--mutation", "limit-not-checked");
  expect(bad.code).toBe(1);
  expect(bad.output).toMatch(/^seed \d+: S8: /m);
  expect(bad.output).toMatch(/--from \d+ --seeds 1 --trace --mutation limit-not-checked$/m);
});

function command(...args: string[]): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["simulate/main.ts", ...args], (error, output) =>
      resolve({ code: error?.code ?? 0, output }),
    );
  });
}
