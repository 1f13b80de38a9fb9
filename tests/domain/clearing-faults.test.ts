import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import type { Db } from "../../src/db/client.ts";
import { evidenceOf, linkOf, straysOf } from "../../src/domain/clearing/queries.ts";
import { SessionLost, work } from "../../src/domain/clearing/work.ts";
import { seal } from "../../src/federation/clearing/envelope.ts";
import {
  agree,
  ask,
  balance,
  books,
  type ClearingHub,
  type ClearingScene,
  carry,
  clearingContext,
  clearingScene,
  converge,
  deliver,
  pay,
  restart,
  round,
  stateOf,
} from "../support/clearing-scene.ts";
import { countedDb } from "../support/failpoints.ts";

/** All that a round may write. */
const TABLES = [
  ...["clearing_links", "clearing_transfers", "clearing_entries", "clearing_inbox", "clearing_evidence"],
  ...[
    "agreements",
    "agreement_steps",
    "transfers",
    "entries",
    "ledger_accounts",
    "limit_changes",
    "vouchers",
  ],
  ...["peers", "notices", "proposals", "jobs"],
];

/** What a hub's tables held at some time. */
async function save(hub: ClearingHub): Promise<void> {
  await hub.ctx.db.execute(sql`create schema saved`);
  for (const table of TABLES)
    await hub.ctx.db.execute(sql.raw(`create table saved.${table} as table public.${table}`));
}

/** A backup is put back: all that came after is gone. */
async function restore(hub: ClearingHub): Promise<void> {
  await hub.ctx.db.transaction(async (tx) => {
    await tx.execute(sql`set local session_replication_role = replica`);
    for (const table of TABLES) {
      const columns = await tx.execute<{ list: string }>(sql`
        select string_agg(quote_ident(column_name), ', ') as list from information_schema.columns
        where table_schema = 'public' and table_name = ${table} and is_generated = 'NEVER'`);
      const list = columns[0]?.list ?? "";
      await tx.execute(sql.raw(`delete from public.${table}`));
      await tx.execute(sql.raw(`insert into public.${table} (${list}) select ${list} from saved.${table}`));
    }
  });
  await restart(hub);
}

async function clean({ a, b }: ClearingScene): Promise<void> {
  const [here, there] = [await books(a), await books(b)];
  expect([here.findings, there.findings]).toEqual([[], []]);
  expect(BigInt(here.clearing ?? 1) + BigInt(there.clearing ?? 1)).toBe(0n);
  expect([here.out_cumulative, here.in_cumulative]).toEqual([there.in_cumulative, there.out_cumulative]);
}

test("what the limit does not allow is refused, the hold is given back, and the reason is kept on both sides", async () => {
  const scene = await clearingScene({ limit: 36_000n });
  const { a, b } = scene;
  const [fits, over] = [await agree(a, b, 1_000n), await agree(a, b, 1n)];
  await carry(scene);
  expect([await stateOf(a, fits.iri), await stateOf(b, fits.iri)]).toEqual(["reserved", "prepared"]);
  expect([await stateOf(a, over.iri), await stateOf(b, over.iri)]).toEqual([
    "aborted: limit",
    "rejected: limit",
  ]);
  expect(await balance(a)).toEqual({ posted: 0n, held: fits.quote.payer });
  await clean(scene);
});

test("a peer that is refused ten thousand times in a day gets no more answers and takes no more rows until the next", async () => {
  const scene = await clearingScene({ limit: 36_000n });
  const { a, b } = scene;
  await b.ctx.db.execute(sql`
    insert into clearing_transfers (iri, peer_id, side, state, created)
    select ${a.ctx.hub.origin} || '/transfers/none-' || n, ${b.peerId}::bigint, 'payee', 'released', ${scene.now().toISOString()}::timestamptz
    from generate_series(1, 9999) as n`);
  const rows = async () =>
    (await b.ctx.db.execute<{ n: number }>(sql`select count(*)::int as n from clearing_transfers`))[0]?.n;
  const [last, over, fits] = [
    await agree(a, b, 1_001n),
    await agree(a, b, 1_002n),
    await agree(a, b, 1_000n),
  ];
  await carry(scene);
  // What is promised does not count, and what was refused once is answered again.
  expect(await stateOf(a, fits.iri)).toBe("reserved");
  expect(await stateOf(b, fits.iri)).toBe("prepared");
  const states = await Promise.all([last, over].map(({ iri }) => stateOf(a, iri)));
  expect(states.toSorted()).toEqual(["aborted: limit", "reserved"]);
  expect(await rows()).toBe(9_999 + 2);

  scene.advance(86_400_001);
  await carry(scene);
  expect(await Promise.all([last, over].map(({ iri }) => stateOf(a, iri)))).toEqual([
    "aborted: limit",
    "aborted: limit",
  ]);
  expect(await rows()).toBe(9_999 + 3);
});

test("S8: of fifty reservations at once exactly so many are promised as the limit allows", async () => {
  const scene = await clearingScene({ limit: 3_600n * 17n, members: 5 });
  const { a, b } = scene;
  const deals = await Promise.all(
    Array.from({ length: 50 }, (_, n) => agree(a, b, 100n, { from: n % 5, to: n % 3, asks: false })),
  );
  await Promise.all(deals.map(ask));
  await carry(scene);
  expect(await linkOf(b.ctx, b.peerId)).toMatchObject({ prepared: { count: 17, seconds: 3_600n * 17n } });
  const promised = await a.ctx.db.execute<{ n: number }>(
    sql`select count(*)::int as n from clearing_transfers where state = 'reserved' and promise is not null`,
  );
  expect(promised[0]?.n).toBe(17);
  const states = await Promise.all(deals.map((deal) => stateOf(a, deal.iri)));
  for (const [n, state] of states.entries()) if (state === "reserved") await pay(deals[n]!);
  await carry(scene);
  expect(await linkOf(b.ctx, b.peerId)).toMatchObject({
    in: 3_600n * 17n,
    prepared: { count: 0, seconds: 0n },
  });
  await clean(scene);
});

test("S5: every envelope twenty times, and old ones again at the end, posts once", async () => {
  const scene = await clearingScene({ members: 3 });
  const { a, b } = scene;
  const past: { body: string; to: ClearingHub }[] = [];
  const road = (body: string, to: ClearingHub) => {
    past.push({ body, to });
    return Array.from({ length: 20 }, () => body);
  };
  const deals = [await agree(a, b, 1_000n), await agree(b, a, 500n), await agree(a, b, 300n)];
  await carry(scene, road);
  for (const deal of deals) await pay(deal);
  await carry(scene, road);
  await clean(scene);
  const before = [await balance(a), await balance(b)];
  for (const { body, to } of past.reverse()) await deliver(to, body);
  await carry(scene);
  expect([await balance(a), await balance(b)]).toEqual(before);
  expect(await books(a)).toMatchObject({ state: "active", out_seq: "2", in_seq: "1" });
  await clean(scene);
});

test("out of order and with losses: whatever is lost is said again, and entries are taken in their turn", async () => {
  const scene = await clearingScene({ members: 4 });
  const { a, b } = scene;
  let n = 0;
  const waiting: { body: string; to: ClearingHub }[] = [];
  const road = (body: string, to: ClearingHub) => {
    n++;
    if (n % 3 === 0) return [];
    if (n % 4 !== 0) return [body];
    waiting.push({ body, to });
    return [];
  };
  const deals = [];
  for (let count = 0; count < 6; count++) deals.push(await agree(a, b, 1_000n, { from: count % 4 }));
  for (let time = 0; time < 4; time++) {
    await carry(scene, road);
    scene.advance(40_000);
    for (const deal of deals)
      if (time === 1 && (await stateOf(a, deal.iri)) === "reserved") await pay(deal).catch(() => {});
    for (const { body, to } of waiting.splice(0).reverse()) await deliver(to, body);
  }
  await converge(scene);
  for (const deal of deals)
    expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
  await clean(scene);
});

test("S13: another amount under the same id is evidence, and stops all exchange with that hub; nothing is posted", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  const deal = await agree(a, b, 1_000n);
  await carry(scene);
  const pen = await a.wire.pen(a.ctx.db, { iri: b.wire.hub });
  const { quote } = deal;
  const forged = pen.request({
    ...{ iri: deal.iri, payer: `${a.ctx.hub.origin}/x`, payee: `${b.ctx.hub.origin}/y` },
    agreement: `${b.ctx.hub.origin}/agreements/${deal.payeeAgreement}`,
    quote: { ...quote, payer: quote.payer * 2n },
    evidence: { offer: `zQm${"1".repeat(44)}`, accept: `zQm${"1".repeat(44)}` },
  });
  await say(scene, { type: "reserve", request: forged });
  expect(await books(b)).toMatchObject({ state: "frozen", clearing: "0", findings: [] });
  const [evidence] = await evidenceOf(b.ctx, b.peerId);
  expect(evidence).toMatchObject({ kind: "conflict" });
  expect(evidence?.bodies).toHaveLength(3);
  await pay(deal);
  await carry(scene);
  expect(await balance(b)).toEqual({ posted: 0n, held: 0n });
});

test("S11: an entry that is signed twice with other words freezes the peer, both are kept, administrators are told", async () => {
  const scene = await clearingScene();
  const { a, b } = scene;
  const deal = await agree(a, b, 1_000n);
  await carry(scene);
  await pay(deal);
  await carry(scene);
  const [row] = await a.ctx.db.execute<{ body: string }>(sql`select body from clearing_entries`);
  const { writer: _, reader: __, digest: ___, body: ____, ...entry } = a.wire.entry(row?.body ?? "");
  const pen = await a.wire.pen(a.ctx.db, { iri: b.wire.hub });
  await say(scene, { type: "entry", entry: pen.entry({ ...entry, confirm: "auto" }) });
  expect(await books(b)).toMatchObject({ state: "frozen", in_seq: "1", findings: [] });
  const [evidence] = await evidenceOf(b.ctx, b.peerId);
  expect(evidence).toMatchObject({ kind: "equivocation" });
  expect(evidence?.bodies[0]).toBe(row?.body);
  const told = await b.ctx.db.execute(sql`select from notices where kind = 'peer_frozen'`);
  expect(told).toHaveLength(1);
  await clean(scene);
});

/** The first hub says something to the second one that it never would. */
async function say({ a, b }: ClearingScene, message: Parameters<typeof seal>[1][number]): Promise<void> {
  const { worked } = await round(a, b);
  const head = { sender: a.wire.hub, receiver: b.wire.hub, published: a.ctx.clock.now() };
  await deliver(b, ...seal({ ...head, session: worked.session, state: "active" }, [message], a.wire.key));
  await round(b, a);
}

describe("a hub that lost its last days is given back what it forgot", () => {
  test("the payer's hub: it has decided, and is told so", async () => {
    const scene = await clearingScene({ members: 2 });
    const { a, b } = scene;
    const before = await agree(a, b, 1_000n);
    await carry(scene);
    await save(a);
    await pay(before);
    await carry(scene);
    const after = await agree(a, b, 700n, { from: 1 });
    await carry(scene);
    await pay(after);
    await carry(scene);
    await restore(a);
    expect(await stateOf(a, after.iri)).toBeNull();
    await converge(scene);
    for (const { iri } of [before, after])
      expect([await stateOf(a, iri), await stateOf(b, iri)]).toEqual(["committed", "settled"]);
    expect(await balance(a, 1)).toEqual({ posted: -after.quote.payer, held: 0n });
    await clean(scene);
  });

  test("the payer's hub, whose payer has spent all since: it is posted, the floor sinks just so far, administrators are told", async () => {
    const scene = await clearingScene({ credit: 1_000n });
    const { a, b } = scene;
    await save(a);
    const lost = await agree(a, b, 1_000n);
    await carry(scene);
    await pay(lost);
    await carry(scene);
    await restore(a);
    const other = await agree(a, b, 400n, { asks: false });
    await converge(scene);
    expect(await balance(a)).toEqual({ posted: -1_000n, held: other.quote.payer });
    const changes = await a.ctx.db.execute(
      sql`select minimum from limit_changes where reason = 'recovery' and minimum = -1400`,
    );
    expect(changes).toHaveLength(1);
    const told = await a.ctx.db.execute(sql`select from notices where kind = 'recovery_overdraft'`);
    expect(told).toHaveLength(1);
    await clean(scene);
  });

  test("the payee's hub: promise and entry come back, and the payee is paid", async () => {
    const scene = await clearingScene();
    const { a, b } = scene;
    await save(b);
    const deal = await agree(a, b, 1_000n);
    const open = await agree(a, b, 200n);
    await carry(scene);
    await pay(deal);
    await carry(scene);
    await restore(b);
    await converge(scene);
    expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
    expect([await stateOf(a, open.iri), await stateOf(b, open.iri)]).toEqual(["reserved", "prepared"]);
    expect(await balance(b)).toEqual({ posted: 1_000n, held: 0n });
    await clean(scene);
  });

  test("a payee that is not known any more: the guarantee fund holds it, and it can be found", async () => {
    const scene = await clearingScene();
    const { a, b } = scene;
    const deal = await agree(a, b, 1_000n);
    await save(b);
    await carry(scene);
    await pay(deal);
    await carry(scene);
    await restore(b);
    await b.ctx.db.execute(
      sql`update actors set iri = iri || '-new' where id = ${b.members[0]!.actorId}::bigint`,
    );
    await converge(scene);
    expect(await straysOf(b.ctx, b.peerId)).toMatchObject([
      { iri: deal.iri, party: expect.stringContaining(b.ctx.hub.origin), side: "payee", amount: 1_000n },
    ]);
    await clean(scene);
  });
});

test("another process took the peer over: this one writes nothing more", async () => {
  const { a, b } = await clearingScene();
  const old = a.nonce;
  await restart(a);
  await expect(work(a.ctx, a.peerId, old, a.wire)).rejects.toThrow(SessionLost);
  expect((await round(a, b)).worked.session.nonce).toBe(a.nonce);
});

async function contents(db: Db): Promise<string> {
  const parts = TABLES.map(
    (table) =>
      sql`select ${table}::text as name, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as sum from ${sql.identifier(table)} t`,
  );
  return JSON.stringify([...(await db.execute(sql.join(parts, sql` union all `)))]);
}

/** More calls than any round makes. */
const MANY = 150;

/** A round whose n-th database call and all after it fail has not happened, for every n; then it is done. */
async function failing(hub: ClearingHub, other: ClearingHub, now: () => Date): Promise<string[]> {
  const before = await contents(hub.ctx.db);
  for (let n = 1; n < MANY; n++) {
    const { db, close } = countedDb(hub.database.url, (call) => {
      if (call >= n) throw new Error(`call ${n} fails`);
    });
    const ctx = clearingContext(hub.database, hub.ctx.hub.origin, now, db);
    const done = await round(hub, other, ctx).catch((error: Error) => {
      expect(String(error.cause ?? error)).toContain("fails");
      return null;
    });
    await close();
    if (done !== null) {
      expect(n).toBeGreaterThan(8);
      return done.bodies;
    }
    expect(await contents(hub.ctx.db), `call ${n}`).toBe(before);
  }
  throw new Error("It never ends.");
}

test("a round whose n-th database call fails leaves nothing half done, for every n", async () => {
  const scene = await clearingScene();
  const { a, b, now } = scene;
  const [deal, gone] = [await agree(a, b, 1_000n), await agree(a, b, 10n)];
  await deliver(b, ...(await failing(a, b, now)));
  await deliver(a, ...(await failing(b, a, now)));
  await failing(a, b, now);
  await pay(deal);
  await deliver(b, ...(await failing(a, b, now)));
  await deliver(a, ...(await failing(b, a, now)));
  await failing(a, b, now);
  expect([await stateOf(a, deal.iri), await stateOf(b, deal.iri)]).toEqual(["committed", "settled"]);
  expect(await stateOf(b, gone.iri)).toBe("prepared");
  await clean(scene);
}, 240_000);

test("L4: a message that cannot be worked on is dropped alone, and what came with it counts", async () => {
  const scene = await clearingScene({ members: 2 });
  const { a, b } = scene;
  const [bad, good] = [await agree(a, b, 1_000n), await agree(a, b, 500n, { to: 1 })];
  // A fault of the database, for this one payee alone.
  await b.ctx.db.execute(sql`
    create function poison() returns trigger language plpgsql as $$ begin
      if new.amount = 1000 then raise exception 'poisoned'; end if; return new; end $$`);
  await b.ctx.db.execute(
    sql`create trigger poison before insert on transfers for each row execute function poison()`,
  );
  const { failures } = await carry(scene);
  expect(failures.length).toBeGreaterThan(0);
  expect([await stateOf(b, bad.iri), await stateOf(b, good.iri)]).toEqual([null, "prepared"]);
  await b.ctx.db.execute(sql`drop trigger poison on transfers`);
  await converge(scene);
  expect([await stateOf(a, bad.iri), await stateOf(b, bad.iri)]).toEqual(["reserved", "prepared"]);
  await clean(scene);
});
