import { spawn } from "node:child_process";
import { once } from "node:events";
import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import type { Db } from "../../src/db/client.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { testDatabase } from "../support/database.ts";
import { exchangeContext, exchangeHub } from "../support/exchange.ts";
import { bundledProcess } from "../support/exchange-bundle.ts";
import { countedDb } from "../support/failpoints.ts";
import { type Intention, intentions, type Scene, STAGE_OF, sceneFor } from "../support/intentions.ts";

/** All that an intention may write. */
const TABLES = [
  ...["agreements", "agreement_steps", "agreement_messages", "resolutions", "transfers", "entries"],
  ...["ledger_accounts", "limit_changes", "vouchers", "vouches", "proposals", "reviews", "posts", "notices"],
  ...["idempotency_keys", "jobs"],
];

async function contents(db: Db): Promise<string> {
  const parts = TABLES.map(
    (table) =>
      sql`select ${table}::text as name, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as sum from ${sql.identifier(table)} t`,
  );
  const rows = await db.execute(sql.join(parts, sql` union all `));
  return JSON.stringify([...rows]);
}

/** More calls than any intention makes: a loop that got there never ends. */
const MANY = 120;

describe("an intention whose n-th database call fails has not happened, for every n", () => {
  test.each(Object.keys(STAGE_OF) as Intention[])("%s", async (intention) => {
    const database = await testDatabase();
    const { ctx, admin } = await exchangeHub(database);
    const scene = await sceneFor(ctx, admin, intention, "a");
    const before = await contents(database.db);
    let calls = 0;
    for (let n = 1; n < MANY; n++) {
      const { db, close } = countedDb(database.url, (call) => {
        calls = Math.max(calls, call);
        if (call === n) throw new Error(`call ${n} fails`);
      });
      const done = await intentions[intention](
        exchangeContext(database, () => new Date(scene.now), db),
        scene,
      ).then(
        () => true,
        (error: Error) => {
          expect(String(error.cause ?? error), `${intention}, call ${n}`).toContain(`call ${n} fails`);
          return false;
        },
      );
      await close();
      if (done) {
        // Not one call was left that could have failed.
        expect(calls).toBeLessThan(n);
        break;
      }
      expect(await contents(database.db), `${intention}, call ${n}`).toBe(before);
    }
    expect(calls).toBeGreaterThan(3);
    expect(await contents(database.db)).not.toBe(before);
    expect(await checkLedger(ctx)).toEqual([]);
  });
});

/** A process that kills itself before a call; whether it did, or lived to answer. */
async function killedAt(url: string, intention: Intention, scene: Scene, die: number): Promise<boolean> {
  const child = spawn(process.execPath, [await bundledProcess(), url], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (output.includes('"n":1,')) child.stdin.end();
  });
  child.stdin.on("error", () => {});
  const request = { n: 1, intention, scene, die };
  child.stdin.write(
    `${JSON.stringify(request, (_, value) => (typeof value === "bigint" ? `${value}` : value))}\n`,
  );
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  if (signal === "SIGKILL") return true;
  expect([code, output]).toEqual([0, expect.stringContaining('"ok"')]);
  return false;
}

describe("a process that is killed before its n-th database call leaves nothing half done, for every n", () => {
  test.each<Intention>(["offer", "confirm with a donation"])(
    "%s",
    async (intention) => {
      const database = await testDatabase();
      const { ctx, admin } = await exchangeHub(database);
      const scene = await sceneFor(ctx, admin, intention, "a");
      const before = await contents(database.db);
      let killed = 0;
      for (let n = 1; n < MANY; n++) {
        if (!(await killedAt(database.url, intention, scene, n))) break;
        killed++;
        // The server may need a moment to see that the client is gone; it ends the transaction then.
        await expect.poll(() => contents(database.db), { timeout: 30_000 }).toBe(before);
      }
      expect(killed).toBeGreaterThan(3);
      expect(await contents(database.db)).not.toBe(before);
      expect(await checkLedger(ctx)).toEqual([]);
    },
    240_000,
  );
});
