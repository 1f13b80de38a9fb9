import { describe, expect, test } from "vitest";
import { MUTATIONS } from "../../simulate/mutations.ts";
import { loadRules, SMALL } from "../../simulate/rules.ts";
import { simulate } from "../../simulate/run.ts";
import seeds from "../../simulate/seeds.json" with { type: "json" };

const stored = new Map(Object.entries(seeds));
const shows = MUTATIONS.filter(({ harmless, unseen }) => harmless === undefined && unseen === undefined);

describe("a fault in the rules is found by the simulator", () => {
  test.each(shows.map((mutation) => [mutation.name, mutation] as const))(
    "%s",
    async (name, { replacements }) => {
      const seed = stored.get(name) ?? Number.NaN;
      const rules = await loadRules(seed % 2 === 1 ? [...SMALL, ...replacements] : replacements);
      expect(simulate(seed, rules).violation).toEqual(expect.any(String));
      // It is the fault that is found, not the history.
      expect(simulate(seed, await loadRules(seed % 2 === 1 ? SMALL : [])).violation).toBeNull();
    },
  );
});

test("every seed belongs to a fault, and every fault can be built in", async () => {
  expect([...stored.keys()].sort()).toEqual(shows.map(({ name }) => name).sort());
  for (const { replacements } of MUTATIONS) await loadRules(replacements);
});
