// The simulator of clearing between hubs: `npm run simulate`. Every history follows from its seed alone, so that what goes wrong once goes
// wrong as often as one looks at it.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { MUTATIONS } from "./mutations.ts";
import { loadRules, PRODUCT, type Rules, SMALL } from "./rules.ts";
import { simulate } from "./run.ts";
import { play, SCENARIOS } from "./scenarios.ts";
import type { Counts } from "./world.ts";

const HELP = `Simulates clearing between hubs under faults, and checks that nothing is lost.

  npm run simulate -- [options]

  --seeds <count>      how many histories; default: 2000
  --from <seed>        the first one; default: 1
  --hubs <count>       2, 3 or 4; by default it depends on the seed
  --mutation <name>    with a fault built into the rules (${MUTATIONS.length} of them; "list" names them)
  --trace              prints all that happens in the first history
  --scenario <name>    instead of seeds, all that happens in a history that is written down ("list" names them)
`;

/** Seeds that a worker takes at a time. */
const BATCH = 50;

const NAMES: Record<string, string> = {
  turnedAway: "turned away at the door",
  forgeries: "lies of malicious hubs",
  recovered: "recovered entries",
  overdrafts: "overdrafts flagged",
};

interface Task {
  hubs: number | undefined;
  mutation: string | undefined;
}
interface Report {
  seeds: number;
  counts: Partial<Counts>;
  violations: { seed: number; violation: string }[];
}

if (isMainThread) await main();
else await help(workerData as Task);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      hubs: { type: "string" },
      mutation: { type: "string" },
      trace: { type: "boolean", default: false },
      scenario: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const seeds = Number(values.seeds);
  const from = Number(values.from);
  const hubs = values.hubs === undefined ? undefined : Number(values.hubs);
  const wrong = !(seeds > 0) || !(from >= 0) || (hubs !== undefined && ![2, 3, 4].includes(hubs));
  if (values.help || wrong) {
    process.stdout.write(HELP);
    process.exitCode = values.help ? 0 : 1;
    return;
  }
  if (values.mutation === "list") {
    for (const { name, what } of MUTATIONS) process.stdout.write(`${name.padEnd(28)} ${what}\n`);
    return;
  }
  if (values.scenario === "list") {
    for (const { name, what } of SCENARIOS) process.stdout.write(`${name.padEnd(20)} ${what}\n`);
    return;
  }
  const scenario = SCENARIOS.find(({ name }) => name === values.scenario);
  if (values.scenario !== undefined && scenario === undefined)
    throw new Error(`There is no scenario "${values.scenario}".`);
  const task: Task = { hubs, mutation: values.mutation };
  if (values.trace || scenario !== undefined) {
    const rules = await rulesFor(task);
    const trace = (line: string) => process.stdout.write(`${line}\n`);
    const { violation } =
      scenario === undefined ? simulate(from, rules(from), { hubs, trace }) : play(scenario, rules(0), trace);
    process.exitCode = violation === null ? 0 : 1;
    return;
  }
  const { counts, violations } = await onAllCores(task, from, seeds);
  process.stdout.write(table({ seeds, ...counts, violations: violations.length }));
  violations.sort((a, b) => a.seed - b.seed);
  for (const { seed, violation } of violations.slice(0, 10))
    process.stdout.write(`\nseed ${seed}: ${violation}`);
  if (violations.length === 0) return;
  const chosen = `${hubs === undefined ? "" : ` --hubs ${hubs}`}${task.mutation ? ` --mutation ${task.mutation}` : ""}`;
  process.stdout.write(
    `\n\nAgain: npm run simulate -- --from ${violations[0]?.seed} --seeds 1 --trace${chosen}\n`,
  );
  process.exitCode = 1;
}

/** Odd seeds run with pages and numbers so small that their ends are reached, the others with the rules as they are. */
async function rulesFor({ mutation }: Task): Promise<(seed: number) => Rules> {
  const found = MUTATIONS.find(({ name }) => name === mutation);
  if (mutation !== undefined && found === undefined) throw new Error(`There is no mutation "${mutation}".`);
  const changed = found?.replacements ?? [];
  const small = await loadRules([...SMALL, ...changed]);
  const usual = changed.length === 0 ? PRODUCT : await loadRules(changed);
  return (seed) => (seed % 2 === 1 ? small : usual);
}

async function onAllCores(task: Task, from: number, seeds: number): Promise<Required<Omit<Report, "seeds">>> {
  const total: Report = { seeds: 0, counts: {}, violations: [] };
  const began = Date.now();
  let next = from;
  let told = began;
  await Promise.all(
    Array.from({ length: Math.min(availableParallelism(), Math.ceil(seeds / BATCH)) }, async () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: task });
      const answers = new Promise<void>((resolve, reject) => {
        worker.on("error", reject);
        const give = () => {
          const count = Math.min(BATCH, from + seeds - next);
          if (count <= 0) return resolve();
          worker.postMessage({ from: next, count });
          next += count;
        };
        worker.on("message", (report: Report) => {
          add(total, report);
          if (Date.now() - told > 5000) {
            told = Date.now();
            const rate = (total.seeds / (told - began)) * 1000;
            process.stderr.write(
              `${total.seeds} of ${seeds} seeds, ${rate.toFixed(0)}/s, ${total.violations.length} violations\n`,
            );
          }
          give();
        });
        give();
      });
      await answers;
      await worker.terminate();
    }),
  );
  return total;
}

function add(total: Report, { seeds, counts, violations }: Report): void {
  total.seeds += seeds;
  for (const [name, count] of Object.entries(counts) as [keyof Counts, number][])
    total.counts[name] = (total.counts[name] ?? 0) + count;
  total.violations.push(...violations);
}

async function help(task: Task): Promise<void> {
  const rules = await rulesFor(task);
  parentPort?.on("message", ({ from, count }: { from: number; count: number }) => {
    const report: Report = { seeds: 0, counts: {}, violations: [] };
    for (let seed = from; seed < from + count; seed++) {
      const { counts, violation } = simulate(seed, rules(seed), { hubs: task.hubs });
      add(report, { seeds: 1, counts, violations: violation === null ? [] : [{ seed, violation }] });
    }
    parentPort?.postMessage(report);
  });
}

function table(counts: Record<string, number>): string {
  const width = Math.max(...Object.keys(counts).map((name) => (NAMES[name] ?? name).length));
  return Object.entries(counts)
    .map(
      ([name, count]) =>
        `${(NAMES[name] ?? name).padEnd(width)}  ${count.toLocaleString("en").padStart(14)}\n`,
    )
    .join("");
}
