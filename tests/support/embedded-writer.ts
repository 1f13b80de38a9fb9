/**
 * A process for `embedded.test.ts`: starts the embedded database of the directory it is given, prints `ready` and the
 * server's pid, then commits 1, 2, 3 … from several connections and prints each number once its commit was acknowledged. Ends in
 * order on SIGTERM; prints `refused` and the reason when it cannot start.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/db/connect.ts";
import { startEmbedded } from "../../src/db/embedded.ts";

const dataDir = process.argv[2]!;
try {
  const { url, stop } = await startEmbedded({ dataDir, log: (line) => console.error(line) });
  const sql = connect(url, { max: 4, onnotice: () => {} });
  let ending = false;
  process.on("SIGTERM", () => {
    ending = true;
  });
  await sql`create table if not exists written (n int primary key)`;
  let [{ n } = { n: 0 }] = await sql<{ n: number }[]>`select coalesce(max(n), 0) as n from written`;
  const pid = readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8").split("\n")[0];
  console.log(`ready ${pid}`);
  async function write(): Promise<void> {
    while (!ending) {
      n += 1;
      const mine = n;
      await sql`insert into written values (${mine})`;
      console.log(mine);
    }
  }
  await Promise.all([write(), write(), write(), write()]);
  await sql.end();
  await stop();
} catch (error) {
  console.log(`refused ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
