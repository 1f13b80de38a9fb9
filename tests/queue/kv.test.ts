import type { KvKey } from "@fedify/fedify";
import { expect, test } from "vitest";
import { createKvStore, sweepKv } from "../../src/queue/kv.ts";
import { Lru } from "../../src/queue/lru.ts";
import { testDatabase } from "../support/database.ts";
import { testClock } from "./support.ts";

const MINUTE = 60_000;
const minutes = (n: number) => ({ ttl: Temporal.Duration.from({ minutes: n }) });

/** Two processes on one database. */
async function twoStores() {
  const { sql } = await testDatabase();
  const clock = testClock();
  return { sql, clock, store: createKvStore(sql, clock), other: createKvStore(sql, clock) };
}

async function keysOf(store: ReturnType<typeof createKvStore>, prefix?: KvKey): Promise<KvKey[]> {
  return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
}

test("what was set is found, also by other processes, until it is replaced or deleted", async () => {
  const { store, other } = await twoStores();
  const values = [{ a: [1, null, { b: "ñ" }] }, null, false, 0, "", [], "NUL \0"];
  for (const [n, value] of values.entries()) {
    expect(await store.get(["k", `${n}`])).toBeUndefined();
    await store.set(["k", `${n}`], value);
    expect(await store.get(["k", `${n}`])).toEqual(value);
    expect(await other.get(["k", `${n}`])).toEqual(value);
  }
  await store.set(["k", "0"], "new");
  expect(await store.get(["k", "0"])).toBe("new");
  await store.delete(["k", "0"]);
  await store.delete(["k", "0"]);
  expect(await store.get(["k", "0"])).toBeUndefined();
});

test("parts of a key are not confused with each other", async () => {
  const { store } = await twoStores();
  const keys: KvKey[] = [["a", "b"], ["a,b"], ['a","b'], ["a"], ["a", "b", "c"], ["a", ""], ["a\0b"]];
  for (const [n, key] of keys.entries()) await store.set(key, n);
  for (const [n, key] of keys.entries()) expect(await store.get(key)).toBe(n);
});

test("what is returned can be changed without changing what is stored", async () => {
  const { store } = await twoStores();
  const value = { list: [1] };
  await store.set(["k"], value);
  value.list.push(2);
  (await store.get<typeof value>(["k"]))!.list.push(3);
  expect(await store.get(["k"])).toEqual({ list: [1] });
});

test("a value ends with its lifetime, in the cache and in the table", async () => {
  const { store, other, clock } = await twoStores();
  await store.set(["k"], 1, minutes(10));
  clock.advance(10 * MINUTE - 1);
  expect([await store.get(["k"]), await other.get(["k"])]).toEqual([1, 1]);
  expect(await keysOf(store)).toEqual([["k"]]);
  clock.advance(1);
  expect([await store.get(["k"]), await other.get(["k"])]).toEqual([undefined, undefined]);
  expect(await keysOf(store)).toEqual([]);
  expect(await store.cas(["k"], 1, 2)).toBe(false);
  expect(await store.cas(["k"], undefined, 3)).toBe(true);
  expect(await store.get(["k"])).toBe(3);
});

test("keys of other actors are forgotten after an hour, and nothing is kept for ever", async () => {
  const { sql, store, clock } = await twoStores();
  const day = 24 * 60 * MINUTE;
  await store.set(["_fedify", "publicKey", "https://a.example/#main-key"], { id: 1 });
  await store.set(["_fedify", "httpMessageSignaturesSpec", "https://a.example"], "rfc9421");
  clock.advance(61 * MINUTE);
  expect(await store.get(["_fedify", "publicKey", "https://a.example/#main-key"])).toBeUndefined();
  expect(await store.get(["_fedify", "httpMessageSignaturesSpec", "https://a.example"])).toBe("rfc9421");
  clock.advance(31 * day);
  expect(await sweepKv(sql, clock.now())).toBe(2);
  expect(await sql`select key from kv`).toHaveLength(0);
});

test("the sweep deletes what has expired, however much, and nothing else", async () => {
  const { sql, store, clock } = await twoStores();
  await sql`
    insert into kv (key, value, expires)
    select '["old","' || n || '"]', '1', ${clock.now()}::timestamptz - n * interval '1 second'
    from generate_series(0, 2499) as n`;
  await store.set(["living"], 1, minutes(1));
  expect(await sweepKv(sql, clock.now())).toBe(2_500);
  expect(await keysOf(store)).toEqual([["living"]]);
});

test("of many who swap at the same time, one succeeds", async () => {
  const { sql, clock } = await twoStores();
  const stores = Array.from({ length: 8 }, () => createKvStore(sql, clock));
  const swap = async (expected: unknown, next: (n: number) => unknown) => {
    const results = await Promise.all(stores.map((store, n) => store.cas(["k"], expected, next(n))));
    expect(results.filter(Boolean)).toHaveLength(1);
    return results.indexOf(true);
  };
  const first = await swap(undefined, (n) => ({ n }));
  const second = await swap({ n: first }, (n) => ({ n: n + 100 }));
  expect(await createKvStore(sql, clock).get(["k"])).toEqual({ n: second + 100 });
  await swap({ n: second + 100 }, () => undefined);
  expect(await createKvStore(sql, clock).get(["k"])).toBeUndefined();
});

test("a counter that many raise by swapping loses no step", async () => {
  const { store, other } = await twoStores();
  const raise = async (kv: typeof store) => {
    for (;;) {
      const before = await kv.get<number>(["n"]);
      if (await kv.cas(["n"], before, (before ?? 0) + 1)) return;
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, n) => raise(n % 2 ? store : other)));
  expect(await store.cas(["n"], 20, 21)).toBe(true);
});

test("swapping compares values, not their spelling", async () => {
  const { store } = await twoStores();
  await store.set(["k"], { a: 1, b: [{ c: null }] });
  expect(await store.cas(["k"], { b: [{ c: null }], a: 1 }, 2)).toBe(true);
  expect(await store.cas(["k"], { a: 1 }, 3)).toBe(false);
  expect(await store.get(["k"])).toBe(2);
});

test("entries are listed by whole parts of their keys, over many pages", async () => {
  const { store, sql, clock } = await twoStores();
  const keys: KvKey[] = [
    ["a"],
    ["a", "1"],
    ["a", "2", "x"],
    ["a", "22"],
    ["ab"],
    ["b", "a"],
    ["ä"],
    ["a]"],
    ["a,"],
  ];
  for (const key of keys) await store.set(key, key.join(" "));
  expect((await keysOf(store, ["a"])).toSorted()).toEqual([["a"], ["a", "1"], ["a", "2", "x"], ["a", "22"]]);
  expect(await keysOf(store, ["a", "2"])).toEqual([["a", "2", "x"]]);
  expect(await keysOf(store, ["a", "2", "x"])).toEqual([["a", "2", "x"]]);
  expect(await keysOf(store, ["c"])).toEqual([]);
  expect(await keysOf(store)).toHaveLength(keys.length);
  expect(await Array.fromAsync(store.list(["b"]))).toEqual([{ key: ["b", "a"], value: "b a" }]);

  await sql`
    insert into kv (key, value, expires)
    select '["many","' || n || '"]', n::text, ${clock.now()}::timestamptz + interval '1 hour' from generate_series(1, 1200) as n`;
  const many = await Array.fromAsync(store.list(["many"]));
  expect(new Set(many.map(({ value }) => value)).size).toBe(1_200);
});

test("Fedify's memory of activities costs nothing and counts for nothing", async () => {
  const { sql, store } = await twoStores();
  const key: KvKey = ["_fedify", "activityIdempotence", "https://a.example\nhttps://b.example/1"];
  await store.set(key, true, minutes(10));
  expect(await store.get(key)).toBeUndefined();
  expect(await store.cas(key, undefined, true)).toBe(true);
  expect(await store.cas(key, true, false)).toBe(false);
  await store.delete(key);
  expect(await sql`select key from kv`).toHaveLength(0);
});

test("a key of 5 kB that a stranger made up is no error", async () => {
  const { sql, store } = await twoStores();
  const key: KvKey = ["_fedify", "remoteDocument", `https://a.example/${"x".repeat(5_000)}`];
  await store.set(key, 1);
  expect(await store.get(key)).toBeUndefined();
  await store.delete(key);
  expect(await sql`select key from kv`).toHaveLength(0);
});

test("known values, known absences and unchanged writes do not reach the database", async () => {
  const { sql, store, clock } = await twoStores();
  await store.set(["known"], { a: 1 }, minutes(60));
  await store.get(["absent"]);
  // From here on the table says otherwise, which only shows to whoever asks it.
  await sql`update kv set value = '"changed"'`;
  await sql`insert into kv (key, value, expires) values ('["absent"]', '"there"', ${clock.now()}::timestamptz + interval '1 hour')`;
  expect(await store.get(["known"])).toEqual({ a: 1 });
  expect(await store.get(["absent"])).toBeUndefined();
  await store.set(["known"], { a: 1 }, minutes(60));
  expect(await sql`select value from kv where key = '["known"]'`).toEqual([{ value: '"changed"' }]);

  // For a minute.
  clock.advance(MINUTE);
  expect(await store.get(["known"])).toBe("changed");
  expect(await store.get(["absent"])).toBe("there");
});

test("an unchanged write renews a value that is in the second half of its lifetime", async () => {
  const { sql, store, clock } = await twoStores();
  const expires = async () => {
    const [row] = await sql<{ expires: Date }[]>`select expires from kv`;
    return row!.expires.getTime() - clock.now().getTime();
  };
  await store.set(["k"], 1, minutes(1));
  clock.advance(20_000);
  await store.set(["k"], 1, minutes(1));
  expect(await expires()).toBe(40_000);
  clock.advance(20_000);
  await store.set(["k"], 1, minutes(1));
  expect(await expires()).toBe(60_000);
});

test("a read that began before a write does not bring the old value back", async () => {
  const { sql, clock, other } = await twoStores();
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  // Answers to reads come late.
  const slow = ((strings: TemplateStringsArray, ...values: never[]) => {
    const answer = sql(strings, ...values);
    if (!strings[0]!.includes("select")) return answer;
    return answer.then(async (rows) => {
      arrived.resolve();
      await released.promise;
      return rows;
    });
  }) as unknown as typeof sql;
  const store = createKvStore(slow, clock);
  await other.set(["k"], "old");
  const read = store.get(["k"]);
  await arrived.promise;
  await store.set(["k"], "new");
  released.resolve();
  expect(await read).toBe("old");
  expect(await store.get(["k"])).toBe("new");
});

test("the cache is bounded in entries and in weight, and keeps what is used", () => {
  const lru = new Lru<{ weight: number }>({ entries: 3, weight: 100 });
  for (const key of ["a", "b", "c"]) lru.set(key, { weight: 10 });
  lru.get("a");
  lru.set("d", { weight: 10 });
  expect(["a", "b", "c", "d"].filter((key) => lru.get(key))).toEqual(["a", "c", "d"]);
  lru.set("a", { weight: 85 });
  expect(["a", "c", "d"].filter((key) => lru.get(key))).toEqual(["a", "d"]);
  lru.delete("a");
  expect(lru.size).toBe(1);
});
