import { AsyncLocalStorage } from "node:async_hooks";
import {
  ansiColorFormatter,
  configure,
  getConsoleSink,
  jsonLinesFormatter,
  type LogLevel,
} from "@logtape/logtape";

/** Logs to stdout: readable on a terminal, one JSON object a line elsewhere. Fedify speaks up from warnings on. */
export async function startLogging(level: LogLevel): Promise<void> {
  const formatter = process.stdout.isTTY ? ansiColorFormatter : jsonLinesFormatter;
  await configure({
    reset: true,
    // Fedify gives its lines a context; without a store LogTape would complain of each.
    contextLocalStorage: new AsyncLocalStorage(),
    sinks: { console: getConsoleSink({ formatter }) },
    loggers: [
      { category: ["ayni"], lowestLevel: level, sinks: ["console"] },
      { category: ["fedify"], lowestLevel: level === "debug" ? "debug" : "fatal", sinks: ["console"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
    ],
  });
}
