import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  agree,
  carryOn,
  findings,
  goOn,
  hours,
  type Moment,
  type Side,
  standAt,
  standingOf,
  twoProcesses,
  want,
} from "../support/clearing-processes.ts";
import { type Caught, FAULTS, randomOf } from "../support/fault-proxy.ts";
import { PASSWORD } from "../support/hub.ts";
import { build, until } from "../support/processes.ts";
import { webClient } from "../support/web-client.ts";

/**
 * Two hubs as they are run, each a process with its own PostgreSQL, on roads that lose, double, delay and cut what they carry; killed in
 * every step of a settlement, restored from old backups, with wrong clocks. In the end both say the same, and nothing was made or lost.
 */

vi.setConfig({ testTimeout: 600_000 });

const QUIET = { envelopes: 0, others: 0 };

let sides: [Side, Side];

beforeAll(async () => {
  await build();
  sides = await twoProcesses(20_261_122);
}, 600_000);

/** A test that failed may have left one of them dead, or the roads in disorder. */
beforeEach(async () => {
  for (const { running, start, proxy } of sides) {
    proxy.rate = QUIET;
    proxy.partition = false;
    if (!running) await start();
  }
}, 600_000);

/** What both hubs have a minute for; longer only as far as more programs want to run than this machine has processors. */
const minute = () => 60_000 * Math.max(1, loadavg()[0]! / availableParallelism());

/** The organizations go on until both hubs say the same, within a minute of now (or of `since`). */
async function converge(since = performance.now(), except: string[] = []): Promise<void> {
  const limit = minute();
  await carryOn(sides, () => agree(sides), { except, patience: limit });
  expect(performance.now() - since).toBeLessThan(limit);
  expect(await Promise.all(sides.map(findings))).toEqual([[], []]);
}

/** Begins agreements about an hour each: so many that `lac` pays, and so many that `mena` pays. */
async function begin(wants: readonly [number, number]): Promise<void> {
  for (const [at, many] of wants.entries()) for (let n = 0; n < many; n++) await want(sides[at]!);
}

test("on roads on which everything happens, with each direction cut for a while, all is settled once", async () => {
  const before = await hours(sides);
  for (const { proxy } of sides) proxy.rate = { envelopes: 0.5, others: 0.1 };
  await begin([6, 6]);
  for (const { proxy } of sides) {
    proxy.partition = true;
    await carryOn(sides, async () => proxy.counts.partition >= 3, { patience: 300_000 });
    proxy.partition = false;
  }
  const happened = () => sides.every(({ proxy }) => FAULTS.every((fault) => proxy.counts[fault] > 0));
  // There is something to be said until each kind of fault has happened in each direction.
  const everything = async () => {
    const { open } = await standingOf(sides[0]);
    if (!happened() && open < 12) await begin([1, 1]);
    return happened();
  };
  await carryOn(sides, everything, { patience: 300_000 });
  for (const { proxy } of sides) proxy.rate = QUIET;
  await converge(Math.max(...sides.map(({ proxy }) => proxy.last)));
  expect(await hours(sides)).toEqual(before);
  const said = await Promise.all(sides.map(({ ayni }) => ayni("ledger", "check")));
  for (const each of said) expect(each).toMatch(/The books fit/);
});

interface Failpoint {
  name: string;
  /** Who is killed. */
  of: "payer" | "payee";
  /** Where it stands then: within a transaction, or with an envelope on its way that holds these words. */
  at: Moment | string;
}

const FAILPOINTS: Failpoint[] = [
  {
    ...{ name: "after the hold, before anything is asked", of: "payer" },
    at: {
      ...{ table: "clearing_transfers", event: "update" },
      when: "new.request is not null and old.request is null",
    },
  },
  { name: "with the request on its way", of: "payer", at: '"ayni:CreditTransfer"' },
  {
    ...{ name: "after the request was stored", of: "payee" },
    at: { table: "clearing_transfers", event: "insert", when: "new.state = 'prepared'" },
  },
  { name: "after the promise was written", of: "payee", at: '"ayni:CreditPromise"' },
  {
    ...{ name: "after the promise was stored", of: "payer" },
    at: {
      ...{ table: "clearing_transfers", event: "update" },
      when: "new.promise is not null and old.promise is null",
    },
  },
  {
    ...{ name: "before the commit's transaction has done anything", of: "payer" },
    at: { table: "transfers", event: "update", when: "new.state = 'committed'" },
  },
  {
    ...{ name: "before the commit's transaction is committed", of: "payer" },
    at: { table: "clearing_entries", event: "insert", when: "new.direction = 'out'", atCommit: true },
  },
  { name: "after the commit's transaction", of: "payer", at: '"ayni:LedgerEntry"' },
  {
    ...{ name: "after the entry was stored", of: "payee" },
    at: { table: "transfers", event: "update", when: "new.state = 'committed'" },
  },
  {
    ...{ name: "before the entry is posted", of: "payee" },
    at: { table: "clearing_entries", event: "insert", when: "new.direction = 'in'", atCommit: true },
  },
  { name: "after the entry was posted, before its checkpoint", of: "payee", at: '"ayni:Checkpoint"' },
  {
    ...{ name: "before the checkpoint is written down", of: "payer" },
    at: { table: "clearing_links", event: "update", when: "new.acked_seq > old.acked_seq" },
  },
  {
    ...{ name: "after the checkpoint was written down", of: "payer" },
    at: { table: "clearing_links", event: "update", when: "new.acked_seq > old.acked_seq", atCommit: true },
  },
];

/** Kills one of the two at a failpoint of a payment that `payer` makes, and starts it again. */
async function killAt({ of, at }: Failpoint, payer: 0 | 1, database: boolean): Promise<void> {
  const [from, to] = [sides[payer], sides[payer === 0 ? 1 : 0]] as const;
  const [victim, other] = of === "payer" ? [from, to] : [to, from];
  let there = false;
  let caught: Caught | null = null;
  if (typeof at === "string") {
    void other.proxy.catch(at).then((request) => {
      caught = request;
      there = true;
    });
  } else {
    const { stands } = await standAt(victim, at);
    void stands.then(() => {
      there = true;
    });
  }
  await want(from);
  await carryOn(sides, async () => there);
  await victim.kill(database);
  (caught as Caught | null)?.drop();
  await victim.start();
  if (typeof at !== "string") await goOn(victim, at);
}

describe("a hub that is killed", () => {
  test.each(FAILPOINTS.map((failpoint, n) => ({ ...failpoint, n })))(
    "$name ($of): settled once",
    async (failpoint) => {
      const before = await hours(sides);
      const payer = (failpoint.n % 2) as 0 | 1;
      await killAt(failpoint, payer, failpoint.n % 3 === 0);
      await converge();
      const change = payer === 0 ? -1 : 1;
      expect(await hours(sides)).toEqual([before[0] + change, before[1] - change]);
    },
  );
});

test("a hub that starts while its peer is dead holds what it asked for, says so, and gives it back afterwards", async () => {
  const [lac, mena] = sides;
  const before = await hours(sides);
  const id = await want(lac);
  await carryOn(sides, async () => (await lac.api("GET", `/agreements/${id}`)).state === "funded", {
    except: ["deliver"],
  });
  await mena.kill();
  await lac.kill();
  await lac.start();
  expect((await lac.api("POST", `/agreements/${id}/cancel`, { note: "Nobody there" })).state).toBe(
    "cancelled",
  );
  const person = webClient(lac.proxy.origin);
  await person.logIn("ana", PASSWORD);
  const page = async () => (await person.get(`/agreements/${id}`, { "accept-language": "en" })).body;
  const held = /Nothing will be paid|No se pagará nada/;
  expect(await page()).toMatch(held);
  expect((await standingOf(lac)).held).toBe(lac.hour);
  await mena.start();
  await converge();
  expect(await hours(sides)).toEqual(before);
  expect(await page()).not.toMatch(held);
});

test("restored from yesterday's backup, one after the other: peers give back what was forgotten", async () => {
  const files = sides.map(({ home }) => join(home.dataDir, "yesterday.backup"));
  const before = await hours(sides);
  await begin([2, 1]);
  await converge();
  for (const [at, { ayni }] of sides.entries()) await ayni("backup", files[at]!);
  await begin([1, 4]);
  await converge();
  const after = await hours(sides);
  expect(after).toEqual([before[0] + 2, before[1] - 2]);
  for (const [at, side] of sides.entries()) {
    const other = sides[1 - at]!;
    // Promised on both sides, and on the one that is restored nobody will know why.
    await want(side);
    const paid = await want(other);
    const funded = async (count: number) => {
      const states = await Promise.all(sides.map(standingOf));
      return states.every(
        ({ agreements }) => [...agreements.values()].filter((s) => s === "funded").length >= count,
      );
    };
    await carryOn(sides, () => funded(2), { except: ["deliver"] });
    await side.stop();
    const said = await side.ayni("restore", files[at]!, "--replace");
    expect(said).toMatch(/What happened after .* is gone: .*payments within this hub/);
    expect(said).toMatch(/Peers give back what was settled with them/);
    expect(said).toMatch(/The books fit/);
    await side.start();
    const started = performance.now();
    // The provider has forgotten what it agreed to: who pays takes it back.
    await until(
      async () => (await other.api("POST", `/agreements/${paid}/cancel`, { note: "Forgotten" })) !== null,
    );
    await converge(started);
    expect(await hours(sides)).toEqual(after);
    await until(async () => {
      const rows = await side.sql`select details from notices where kind = 'payments_recovered'`;
      return rows.length > 0;
    });
  }
});

test.each([26, -26])(
  "a clock that is %d hours off: nothing is settled until it is right again",
  async (off) => {
    const [lac, mena] = sides;
    const before = await hours(sides);
    await begin([1, 1]);
    const delivered = async () =>
      (
        await Promise.all(sides.map(({ sql }) => sql`select from agreements where state = 'delivered'`))
      ).every(({ length }) => length === 2);
    await carryOn(sides, delivered, { except: ["confirm"] });
    await mena.stop();
    await mena.start({
      NODE_OPTIONS: `--import=${new URL("../support/shifted-clock.ts", import.meta.url)}`,
      CLOCK_SHIFT: String(off * 3_600_000),
    });
    await carryOn(sides, async () => {
      const links = await Promise.all(sides.map(({ sql }) => sql`select failure, skew from clearing_links`));
      return links.every(
        ([link]) => link?.failure === "clock_skew" && Math.abs(Number(link.skew)) > 25 * 3_600_000,
      );
    });
    for (const side of sides) expect((await standingOf(side)).open).toBeGreaterThan(0);
    await mena.stop();
    await mena.start();
    await converge();
    expect(await hours(sides)).toEqual(before);
    expect((await lac.sql`select failure from clearing_links`)[0]?.failure).toBeNull();
  },
);

/** How many seeds of the deeper run, in which kills at any failpoint and faults on the roads come together. */
const SEEDS = Number(process.env.AYNI_FAULT_SEEDS ?? 0);

test.runIf(SEEDS > 0)("killed anywhere on roads on which everything happens", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = randomOf(seed);
    const before = await hours(sides);
    let change = 0;
    for (const { proxy } of sides) proxy.rate = { envelopes: 0.3, others: 0.1 };
    for (let kills = 0; kills < 4; kills++) {
      const payer = random() < 0.5 ? 0 : 1;
      await killAt(FAILPOINTS[Math.floor(random() * FAILPOINTS.length)]!, payer, random() < 0.5);
      change += payer === 0 ? -1 : 1;
    }
    for (const { proxy } of sides) proxy.rate = QUIET;
    await converge();
    expect(await hours(sides), `seed ${seed}`).toEqual([before[0] + change, before[1] - change]);
  }
});
