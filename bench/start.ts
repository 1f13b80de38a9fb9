import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answers, freePort, spawnHub, stopProcess } from "./hub.ts";
import { cpuOf, databaseMemory, machineNow, postmasterOf, residentMemory } from "./processes.ts";
import type { Measure } from "./report.ts";
import type { Settings } from "./settings.ts";

/** From the command to the first answer, with a database that has to be made and with one that is there; and memory at rest. */
export async function measureStart({ quick, repetitions }: Settings): Promise<Measure[]> {
  const aim = { value: 5 };
  const first: Measure = { name: "first start, makes the database", unit: "s", samples: [], aim };
  const later: Measure = { name: "later start", unit: "s", samples: [], aim };
  const firstCpu: Measure = { name: "first start: CPU, with database", unit: "CPU s", samples: [] };
  const laterCpu: Measure = { name: "later start: CPU, with database", unit: "CPU s", samples: [] };
  const server: Measure = {
    name: "memory when idle, without database",
    unit: "MB",
    samples: [],
    aim: { value: 150 },
  };
  const database: Measure = { name: "memory when idle, database", unit: "MB", samples: [] };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const dataDir = await mkdtemp(join(tmpdir(), "ayni-bench-"));
    try {
      for (const [measure, cpu] of [
        [first, firstCpu],
        [later, laterCpu],
      ] as const) {
        const machine = machineNow();
        const port = await freePort();
        // Profiling would be part of what is measured.
        const child = spawnHub(undefined, { AYNI_DATA_DIR: dataDir, PORT: String(port) });
        const milliseconds = await answers(child, port, "/healthz");
        measure.samples.push({ value: milliseconds / 1000, machine });
        const used = cpuOf(child.pid ?? 0, postmasterOf(dataDir));
        cpu.samples.push({ value: used.server + used.database, machine });
        if (measure === later) {
          await sleep(quick ? 500 : 5_000);
          server.samples.push({ value: residentMemory(child.pid ?? 0), machine });
          database.samples.push({ value: databaseMemory(postmasterOf(dataDir)), machine });
        }
        await stopProcess(child);
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  }
  return [first, firstCpu, later, laterCpu, server, database];
}
