import { describe, expect, test } from "vitest";
import { MUTATIONS } from "../../simulate/mutations.ts";
import { loadRules, PRODUCT, SMALL } from "../../simulate/rules.ts";
import { simulate } from "../../simulate/run.ts";
import { play, SCENARIOS } from "../../simulate/scenarios.ts";
import seeds from "../../simulate/seeds.json" with { type: "json" };

const byName = new Map(MUTATIONS.map((mutation) => [mutation.name, mutation]));
const changed = (name: string) => byName.get(name)?.replacements ?? [];

describe("a fault in the rules is found by the simulator", () => {
  test.each(Object.entries(seeds))("%s, by seed %i", async (name, seed) => {
    const size = seed % 2 === 1 ? SMALL : [];
    const rules = await loadRules([...size, ...changed(name)]);
    expect(simulate(seed, rules).violation).toEqual(expect.any(String));
    // It is the fault that is found, not the history.
    expect(simulate(seed, await loadRules(size)).violation).toBeNull();
  });

  describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    "in the scenario %s",
    (_, scenario) => {
      test("which ends well by the product's rules", () => {
        expect(play(scenario, PRODUCT).violation).toBeNull();
      });

      test.each(scenario.shows)("%s", async (name) => {
        const { violation } = play(scenario, await loadRules(changed(name)));
        expect(violation).toMatch(/^[SL]\d+: /);
      });
    },
  );
});

test("every fault can be built in, and is found by a seed or a scenario, or says why it cannot be", async () => {
  const found = [...Object.keys(seeds), ...SCENARIOS.flatMap(({ shows }) => shows)];
  const shows = MUTATIONS.filter(({ harmless }) => harmless === undefined);
  expect(found.sort()).toEqual(shows.map(({ name }) => name).sort());
  for (const { replacements } of MUTATIONS) await loadRules(replacements);
});
