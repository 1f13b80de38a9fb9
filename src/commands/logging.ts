import { AsyncLocalStorage } from "node:async_hooks";
import {
  ansiColorFormatter,
  configure,
  getConsoleSink,
  jsonLinesFormatter,
  type LogLevel,
  type LogRecord,
} from "@logtape/logtape";

/** Logs to stdout: readable on a terminal, one JSON object a line elsewhere. Fedify speaks up from warnings on. */
export async function startLogging(level: LogLevel): Promise<void> {
  const formatter = process.stdout.isTTY ? ansiColorFormatter : jsonLinesFormatter;
  await configure({
    reset: true,
    // Fedify gives its lines a context; without a store LogTape would complain of each.
    contextLocalStorage: new AsyncLocalStorage(),
    sinks: { console: getConsoleSink({ formatter: (record) => formatter(discreet(record)) }) },
    loggers: [
      { category: ["ayni"], lowestLevel: level, sinks: ["console"] },
      { category: ["fedify"], lowestLevel: level === "debug" ? "debug" : "fatal", sinks: ["console"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
    ],
  });
}

/**
 * A failed query's error repeats all that was to be written, and PostgreSQL's details repeat rows: what people wrote, names and addresses
 * stay out of the log. What is left says which statement failed, and why.
 */
export function discreet(record: LogRecord): LogRecord {
  const clean = (value: unknown) => (value instanceof Error ? withoutValues(value) : value);
  const properties = Object.entries(record.properties).map(([name, value]) => [name, clean(value)]);
  return { ...record, message: record.message.map(clean), properties: Object.fromEntries(properties) };
}

const DEPTH = 5;
/** Of PostgreSQL's errors and of the system's: names and codes. */
const KEPT = ["code", "severity", "table_name", "constraint_name", "routine", "syscall", "errno"] as const;

function withoutValues(error: Error, depth = 0): Error {
  const text = error.message.replace(/\nparams: .*$/s, "");
  const cause =
    error.cause instanceof Error && depth < DEPTH ? withoutValues(error.cause, depth + 1) : undefined;
  const copy = new Error(text, cause === undefined ? {} : { cause });
  copy.name = error.name;
  const frames = /(?:\n {4}at .*)+$/.exec(error.stack ?? "")?.[0] ?? "";
  copy.stack = `${error.name}: ${text}${frames}`;
  for (const name of KEPT) if (name in error) Object.assign(copy, { [name]: (error as never)[name] });
  return copy;
}
