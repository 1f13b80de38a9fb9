import { openDatabase } from "../../src/db/client.ts";
import { startWorker } from "../../src/queue/worker.ts";

/** Run by takeover.test.ts as a process of its own: takes jobs and never ends them. Arguments: database url, lease. */
const [url, lease] = process.argv.slice(2);
const { sql } = openDatabase(url!, { orm: 1, raw: 3 });
startWorker({
  sql,
  clock: { now: () => new Date() },
  lease: Number(lease),
  queues: {
    events: {
      concurrency: 4,
      async handle({ payload }) {
        process.stdout.write(`begun ${payload}\n`);
        await new Promise(() => {});
      },
    },
  },
});
process.stdout.write("listening\n");
