import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { together, transact } from "../../src/domain/transact.ts";
import { testDatabase } from "../support/database.ts";
import { domainContext } from "../support/domain.ts";

test("who is the victim of a deadlock is tried again: both of two that cross get done, once each", async () => {
  const { db } = await testDatabase();
  const ctx = domainContext(db);
  await db.execute(sql`create table counters (id int primary key, n int not null)`);
  await db.execute(sql`insert into counters values (1, 0), (2, 0)`);
  let begun = 0;
  const met = Promise.withResolvers<void>();
  const cross = (first: number, second: number) =>
    transact(ctx, async ({ db }) => {
      await db.execute(sql`update counters set n = n + 1 where id = ${first}`);
      if (++begun === 2) met.resolve();
      await met.promise;
      await db.execute(sql`update counters set n = n + 1 where id = ${second}`);
    });
  await Promise.all([cross(1, 2), cross(2, 1)]);
  expect(begun).toBeGreaterThan(2);
  expect([...(await db.execute(sql`select n from counters order by id`))]).toEqual([{ n: 2 }, { n: 2 }]);
});

test("inside another transaction nothing is tried again, and other errors never are", async () => {
  const { db } = await testDatabase();
  const ctx = domainContext(db);
  let calls = 0;
  const deadlock = () => {
    calls++;
    throw Object.assign(new Error("deadlock detected"), { code: "40P01" });
  };
  await expect(transact(ctx, (ctx) => transact(ctx, async () => deadlock()))).rejects.toThrow("deadlock");
  // The outer one is tried four times, the inner one once in each.
  expect(calls).toBe(4);
  let others = 0;
  const failing = transact(ctx, async () => {
    others++;
    throw new Error("something else");
  });
  await expect(failing).rejects.toThrow("something else");
  expect(others).toBe(1);
});

test("of statements sent together none is left over when one fails", async () => {
  const { db } = await testDatabase();
  const ctx = domainContext(db);
  await db.execute(sql`create table counters (id int primary key)`);
  const failing = transact(ctx, ({ db }) =>
    together([
      db.execute(sql`select 1 / 0`),
      (async () => {
        await db.execute(sql`insert into counters values (1)`).catch(() => {});
        await new Promise((resolve) => setImmediate(resolve));
        await db.execute(sql`insert into counters values (2)`).catch(() => {});
      })(),
    ]),
  );
  await expect(failing).rejects.toThrow();
  expect([...(await db.execute(sql`select id from counters`))]).toEqual([]);
  expect(await together([1, Promise.resolve("two")])).toEqual([1, "two"]);
});
