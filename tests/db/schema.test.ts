import { readdir, readFile } from "node:fs/promises";
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import { expect, test } from "vitest";
import * as schema from "../../src/db/schema/index.ts";

const META = new URL("../../src/db/migrations/meta/", import.meta.url);

test("the migrations make what the schema describes (else: npm run migration)", async () => {
  const snapshots = (await readdir(META)).filter((name) => name.endsWith("_snapshot.json")).sort();
  const migrated = JSON.parse(await readFile(new URL(snapshots.at(-1)!, META), "utf8"));
  expect(await generateMigration(migrated, generateDrizzleJson(schema))).toEqual([]);
});
