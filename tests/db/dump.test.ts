import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { dumpDatabase } from "../../src/db/dump.ts";
import { testDatabase } from "../support/database.ts";

// Pieces are of a mebibyte: the end of some of these tables comes while the first piece is still being written.
test.each([1_050, 1_138, 1_146, 1_154, 1_162, 1_250])(
  "a table of %d kilobytes is read to its end, and what follows it",
  async (rows) => {
    const { sql, url } = await testDatabase();
    await sql`create table large (text text not null)`;
    await sql`insert into large select repeat('x', 999) from generate_series(1, ${rows})`;
    const dump = await dumpDatabase(
      url,
      async () => void (await delay(50)),
      async () => {},
    );
    expect(dump.tables.find(({ name }) => name === "large")).toMatchObject({ rows, bytes: rows * 1_000 });
  },
);
