import { existsSync, statfsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { connect } from "../../src/db/connect.ts";
import { startEmbedded } from "../../src/db/embedded.ts";
import { migrate } from "../../src/db/migrate.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The test cluster's `postgres` database, for making and dropping others. */
    clusterUrl: string;
    /** Where the run's RSA keys are (`rsa-keys.ts`). */
    keysDir: string;
  }
}

export const TEMPLATE = "ayni_template";

/** One throw-away PostgreSQL for the whole run, with a migrated database that `database.ts` clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const base = roomy("/dev/shm") ? "/dev/shm" : tmpdir();
  await sweep(base);
  const dataDir = await mkdtemp(join(base, `ayni-test-${process.pid}-`));
  const log: string[] = [];
  const cluster = await startEmbedded({ dataDir, durable: false, log: (line) => log.push(line) });
  const clusterUrl = databaseUrl(cluster.url, "postgres");
  const sql = connect(clusterUrl, { max: 1 });
  await sql`create database ${sql(TEMPLATE)}`;
  await sql.end();
  await migrate(databaseUrl(cluster.url, TEMPLATE));
  project.provide("clusterUrl", clusterUrl);
  const keysDir = join(dataDir, "keys");
  await mkdir(keysDir);
  project.provide("keysDir", keysDir);
  void cluster.lost.then((error) => console.error(error, log.slice(-20).join("\n")));

  return async () => {
    await cluster.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}

/** The same cluster, another database. */
export function databaseUrl(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

function roomy(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize > 2 ** 30;
}

/** Clusters of runs that were killed; their servers ended with them. */
async function sweep(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const pid = /^ayni-test-(\d+)-/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) await rm(join(base, name), { recursive: true, force: true });
  }
}
