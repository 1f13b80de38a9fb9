// The benchmarks: `npm run bench`. Everything runs on this machine and on loopback addresses; the hubs that are measured are
// processes of their own with databases of their own, which are thrown away.
import { parseArgs } from "node:util";
import { measureClearing } from "./clearing.ts";
import { measureExchange } from "./exchange.ts";
import { measureFanout } from "./fanout.ts";
import { runHelper } from "./helpers.ts";
import { measureInbox } from "./inbox.ts";
import { measurePages } from "./pages.ts";
import { type Measure, table, writeJson } from "./report.ts";
import type { Settings } from "./settings.ts";
import { measureStart } from "./start.ts";

const GROUPS: Record<string, (settings: Settings) => Promise<Measure[]>> = {
  start: measureStart,
  pages: measurePages,
  inbox: measureInbox,
  fanout: measureFanout,
  exchange: measureExchange,
  clearing: measureClearing,
};

const HELP = `Measures a hub: rates, and CPU seconds per 1,000 operations of the server and of the database.

  npm run bench -- [options]

  --only <names>       some of ${Object.keys(GROUPS).join(", ")}, separated by commas
  --quick              fewer operations, one repetition: whether it works, not how fast it is
  --json <file>        where the results are written; default: data/bench-results.json
  --profile <folder>   writes CPU profiles of the hub processes there (they are slower then)
`;

if (process.argv.includes("--helper")) runHelper();
else await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string", default: "data/bench-results.json" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const names = values.only?.split(",").map((name) => name.trim()) ?? Object.keys(GROUPS);
  const unknown = names.find((name) => !(name in GROUPS));
  if (unknown !== undefined) {
    process.stderr.write(`There is no measure "${unknown}".\n\n${HELP}`);
    process.exitCode = 1;
    return;
  }
  const settings = { quick: values.quick, repetitions: values.quick ? 1 : 3, profiles: values.profile };
  const measures: Measure[] = [];
  for (const name of names) {
    process.stderr.write(`${name} …\n`);
    measures.push(...((await GROUPS[name]?.(settings)) ?? []));
  }
  process.stdout.write(`\n${table(measures)}\n\n`);
  for (const { name, note } of measures) if (note !== undefined) process.stdout.write(`${name}: ${note}\n`);
  writeJson(values.json, measures, values.quick);
  process.stdout.write(`\nWritten to ${values.json}.\n`);
}
