import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname } from "node:path";
import { type Cpu, type Machine, processorsNow } from "./processes.ts";

/** One repetition of one measure. */
export interface Sample {
  /** Operations per second of wall time, or whatever `unit` of the measure says. */
  value: number;
  /** CPU seconds per 1,000 operations, without and with the database. */
  server?: number;
  withDatabase?: number;
  /** Just before it. */
  machine: Machine;
  /** Percent of the processors' time that the machine's host gave to others meanwhile. */
  stolen?: number;
}

export interface Measure {
  name: string;
  /** Of `value`. */
  unit: "per s" | "s" | "ms" | "CPU s" | "MB";
  samples: Sample[];
  /** What the project wants; `value` is a minimum for rates and a maximum for everything else. */
  aim?: { value?: number; server?: number; withDatabase?: number };
  note?: string;
}

/** A repetition of so many operations that took so many seconds. */
export function sample(operations: number, seconds: number, used: Cpu, machine: Machine): Sample {
  const thousands = operations / 1000;
  const now = processorsNow();
  const passed = now.all - machine.processors.all;
  return {
    stolen: passed === 0 ? 0 : (100 * (now.stolen - machine.processors.stolen)) / passed,
    value: operations / seconds,
    server: used.server / thousands,
    withDatabase: (used.server + used.database) / thousands,
    machine,
  };
}

/** A table for people: medians, their spread, the aims and whether they are met. */
export function table(measures: readonly Measure[]): string {
  const header = [
    "measure",
    "median (lowest–highest)",
    "CPU s per 1,000: server",
    "with database",
    "aim",
    "met",
    "load",
    "ms per RSA signature",
    "% stolen",
  ];
  const rows = measures.map((measure) => {
    const { samples, unit } = measure;
    return [
      measure.name,
      `${spread(samples.map(({ value }) => value))} ${unit}`,
      spread(samples.flatMap(({ server }) => server ?? [])),
      spread(samples.flatMap(({ withDatabase }) => withDatabase ?? [])),
      aimOf(measure),
      verdict(measure),
      spread(samples.map(({ machine }) => machine.load)),
      spread(samples.map(({ machine }) => machine.yardstick)),
      spread(samples.flatMap(({ stolen }) => stolen ?? [])),
    ];
  });
  const lines = [header, header.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function writeJson(path: string, measures: readonly Measure[], quick: boolean): void {
  mkdirSync(dirname(path), { recursive: true });
  const machine = { cpus: cpus().length, platform: `${process.platform}-${process.arch}` };
  const results = measures.map((measure) => ({
    ...measure,
    median: median(measure.samples.map(({ value }) => value)),
    met: verdict(measure),
  }));
  const report = {
    measured: new Date().toISOString(),
    node: process.version,
    machine,
    quick,
    measures: results,
  };
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

function aimOf({ aim, unit }: Measure): string {
  if (aim === undefined) return "";
  const parts: string[] = [];
  if (aim.value !== undefined) parts.push(`${unit === "per s" ? "≥" : "≤"} ${number(aim.value)} ${unit}`);
  if (aim.server !== undefined) parts.push(`server ≤ ${number(aim.server)}`);
  if (aim.withDatabase !== undefined) parts.push(`with database ≤ ${number(aim.withDatabase)}`);
  return parts.join(", ");
}

function verdict({ aim, unit, samples }: Measure): string {
  if (aim === undefined) return "";
  const verdicts: string[] = [];
  const judge = (limit: number | undefined, values: number[], atLeast: boolean) => {
    if (limit === undefined || values.length === 0) return;
    const middle = median(values);
    verdicts.push((atLeast ? middle >= limit : middle <= limit) ? "yes" : "no");
  };
  judge(
    aim.value,
    samples.map(({ value }) => value),
    unit === "per s",
  );
  judge(
    aim.server,
    samples.flatMap(({ server }) => server ?? []),
    false,
  );
  judge(
    aim.withDatabase,
    samples.flatMap(({ withDatabase }) => withDatabase ?? []),
    false,
  );
  return verdicts.join(", ");
}

function spread(values: number[]): string {
  if (values.length === 0) return "";
  if (values.length === 1) return number(values[0]!);
  return `${number(median(values))} (${number(Math.min(...values))}–${number(Math.max(...values))})`;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function number(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}
