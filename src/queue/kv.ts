import { isDeepStrictEqual } from "node:util";
import type { KvKey, KvStore, KvStoreListEntry, KvStoreSetOptions } from "@fedify/fedify";
import type { Sql } from "postgres";
import type { Clock } from "../domain/context.ts";
import { Lru } from "./lru.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** For what is set without a lifetime: all of it can be fetched or learnt again, and strangers cause most of it. */
const LONGEST_LIFE = 30 * 24 * HOUR;
/** Fedify keeps keys for ever, also one that its owner has replaced because it was stolen. */
const KEY_LIFE = HOUR;
/** How long this process believes what it last saw in the table: other processes write there too. */
const TRUST = 60 * SECOND;
const CACHE = { entries: 20_000, weight: 32 << 20 };
const MAX_CACHED = 256 << 10;
/** Bytes. PostgreSQL refuses index entries over 2.7 kB. */
const MAX_NAME = 2_000;
const PAGE = 500;
const SWEEP = { rows: 1_000, batches: 100 };

interface Seen {
  /** The value's JSON; null when there is none. */
  text: string | null;
  expires: number;
  /** When it has to be read again. */
  stale: number;
  weight: number;
}

/**
 * Fedify's key–value store on the table `kv`, behind a bounded cache in the process that also remembers what is not there.
 *
 * `cas` and `list` always ask the table. `get` may be a minute behind another process, and `set` to the value that is there already is
 * skipped while at least half of its lifetime is left.
 */
export function createKvStore(sql: Sql, clock: Clock): Required<KvStore> {
  const cache = new Lru<Seen>(CACHE);
  /** Reads under way. A write takes the read of its key out, so that it does not put an older value into the cache. */
  const reading = new Map<string, Promise<string | null>>();

  function remember(name: string, text: string | null, expires: number): void {
    const weight = name.length + (text?.length ?? 0);
    if (weight > MAX_CACHED) cache.delete(name);
    else cache.set(name, { text, expires, stale: clock.now().getTime() + TRUST, weight });
  }

  function forget(name: string): void {
    reading.delete(name);
    cache.delete(name);
  }

  function read(name: string): Promise<string | null> {
    const other = reading.get(name);
    if (other) return other;
    const started = load();
    reading.set(name, started);
    return started;

    async function load(): Promise<string | null> {
      try {
        const [row] = await sql<{ value: string; expires: Date }[]>`
          select value, expires from kv where key = ${name} and expires > ${clock.now()}`;
        if (reading.get(name) === started)
          remember(name, row?.value ?? null, row?.expires.getTime() ?? Infinity);
        return row?.value ?? null;
      } finally {
        if (reading.get(name) === started) reading.delete(name);
      }
    }
  }

  async function write(name: string, text: string, expires: Date): Promise<void> {
    forget(name);
    await sql`
      insert into kv (key, value, expires) values (${name}, ${text}, ${expires})
      on conflict (key) do update set value = excluded.value, expires = excluded.expires`;
    remember(name, text, expires.getTime());
  }

  async function remove(name: string): Promise<void> {
    forget(name);
    await sql`delete from kv where key = ${name}`;
    remember(name, null, Infinity);
  }

  /** Replaces `before`, which was just read, unless somebody else was faster. Null stands for no value. */
  async function swap(
    name: string,
    before: string | null,
    after: string | null,
    expires: Date,
  ): Promise<boolean> {
    const now = clock.now();
    if (before === null && after === null) return true;
    if (before === null) {
      const rows = await sql`
        insert into kv (key, value, expires) values (${name}, ${after}, ${expires})
        on conflict (key) do update set value = excluded.value, expires = excluded.expires where kv.expires <= ${now}`;
      return rows.count === 1;
    }
    const rows =
      after === null
        ? await sql`delete from kv where key = ${name} and value = ${before} and expires > ${now}`
        : await sql`
            update kv set value = ${after}, expires = ${expires}
            where key = ${name} and value = ${before} and expires > ${now}`;
    return rows.count === 1;
  }

  return {
    async get<T>(key: KvKey): Promise<T | undefined> {
      const name = nameOf(key);
      if (name === null) return undefined;
      const now = clock.now().getTime();
      const seen = cache.get(name);
      const text = seen && now < seen.stale ? (now < seen.expires ? seen.text : null) : await read(name);
      return text === null ? undefined : (JSON.parse(text) as T);
    },

    async set(key, value, options) {
      const name = nameOf(key);
      if (name === null) return;
      const text = toText(value);
      if (text === null) return remove(name);
      const now = clock.now().getTime();
      const expires = expiry(key, now, options);
      const seen = cache.get(name);
      const unchanged =
        seen?.text === text && now < seen.stale && seen.expires - now >= (expires.getTime() - now) / 2;
      if (!unchanged) await write(name, text, expires);
    },

    async delete(key) {
      const name = nameOf(key);
      if (name !== null) await remove(name);
    },

    async cas(key, expected, next, options) {
      const name = nameOf(key);
      if (name === null) return expected === undefined;
      forget(name);
      const before = await read(name);
      const same = isDeepStrictEqual(fromText(before), fromText(toText(expected)));
      if (!same) return false;
      const after = toText(next);
      const expires = expiry(key, clock.now().getTime(), options);
      const swapped = await swap(name, before, after, expires);
      forget(name);
      if (swapped) remember(name, after, expires.getTime());
      return swapped;
    },

    async *list(prefix): AsyncIterable<KvStoreListEntry> {
      // Keys that begin with these parts are their JSON without "]", and then "]" or ",": "^" is what follows "]".
      const head = prefix ? JSON.stringify(prefix).slice(0, -1) : "";
      let last = head;
      for (;;) {
        const rows = await sql<{ key: string; value: string }[]>`
          select key, value from kv
          where key > ${last} and key < ${prefix ? `${head}^` : "\\"} and expires > ${clock.now()}
          order by key limit ${PAGE}`;
        for (const { key, value } of rows) yield { key: JSON.parse(key) as KvKey, value: JSON.parse(value) };
        if (rows.length < PAGE) return;
        last = rows.at(-1)!.key;
      }
    },
  };
}

/**
 * Deletes what has expired, in short statements; what is left after a bounded number of them waits for the next sweep.
 *
 * @returns how many rows
 */
export async function sweepKv(sql: Sql, now: Date): Promise<number> {
  let swept = 0;
  for (let batch = 0; batch < SWEEP.batches; batch += 1) {
    const { count } = await sql`
      delete from kv where key = any(array(
        select key from kv where expires <= ${now} order by expires limit ${SWEEP.rows} for update skip locked
      )) and expires <= ${now}`;
    swept += count;
    if (count < SWEEP.rows) break;
  }
  return swept;
}

/** A key as its row has it; null for keys that are neither stored nor found. */
function nameOf(key: KvKey): string | null {
  // Fedify's memory of activities it has seen is read and written in two steps and expires, so it promises nothing: what makes an
  // activity count once is a unique row in the transaction of its effect. This only saves two statements for each activity.
  if (key[0] === "_fedify" && key[1] === "activityIdempotence") return null;
  const name = JSON.stringify(key);
  // Addresses that strangers chose; a cache may do without them.
  return Buffer.byteLength(name) > MAX_NAME ? null : name;
}

function expiry(key: KvKey, now: number, options: KvStoreSetOptions | undefined): Date {
  const longest = key[0] === "_fedify" && key[1] === "publicKey" ? KEY_LIFE : LONGEST_LIFE;
  const asked = options?.ttl?.total("millisecond") ?? longest;
  return new Date(now + Math.min(asked, longest));
}

/** JSON; null for undefined, which Fedify uses for "no value". */
function toText(value: unknown): string | null {
  return JSON.stringify(value) ?? null;
}

function fromText(text: string | null): unknown {
  return text === null ? undefined : JSON.parse(text);
}
