import { seed } from "../src/commands/seed.ts";
import { openDatabase } from "../src/db/client.ts";
import type { Id } from "../src/db/ids.ts";
import { createAccount, openSession } from "../src/domain/accounts/commands.ts";
import { createActor } from "../src/domain/actors/commands.ts";
import { generateKeys } from "../src/domain/actors/keys.ts";
import {
  acceptAgreement,
  confirmAgreement,
  deliverAgreement,
  offerAgreement,
} from "../src/domain/agreements/commands.ts";
import type { Acting, Ctx } from "../src/domain/context.ts";
import { setLimits } from "../src/domain/ledger/accounts.ts";
import { checkLedger } from "../src/domain/ledger/check.ts";
import { publishProposal } from "../src/domain/proposals/commands.ts";
import { transact } from "../src/domain/transact.ts";
import type { Outcome } from "./helpers.ts";
import { startHelper } from "./helpers.ts";
import { openSite, type Site, vacuum } from "./hub.ts";
import { cpuOf, cpuSince, machineNow } from "./processes.ts";
import { type Measure, sample } from "./report.ts";
import type { Settings } from "./settings.ts";

const ORGANIZATIONS = 100;
/** Commands that run at the same time: as many as a hub has connections for its requests. */
const CONCURRENCY = 8;
const AIM = { value: 300 };

/** Settlements with the signed consents around them, on a small and on a large ledger; what people look at on a large hub. */
export async function measureExchange({ quick, repetitions, profiles }: Settings): Promise<Measure[]> {
  const site = await openSite(profiles);
  const database = openDatabase(site.url, { orm: CONCURRENCY, raw: 2 });
  try {
    const ctx = { ...site.ctx, db: database.db };
    const traders = await tradersOf(ctx, site.admin);
    const measures: Measure[] = [];
    for (const postings of quick ? [1_000, 10_000] : [1_000, 1_000_000]) {
      await fillLedger(site.sql, postings);
      measures.push(...(await settlements(ctx, site, traders, postings, quick ? 100 : 600, repetitions)));
    }
    const began = performance.now();
    const findings = await checkLedger(ctx);
    if (findings.length > 0) throw new Error(`the ledger is not sound: ${JSON.stringify(findings[0])}`);
    measures.push({
      name: "ledger check, large ledger",
      unit: "s",
      samples: [{ value: (performance.now() - began) / 1000, machine: machineNow() }],
    });
    measures.push(...(await pages(ctx, site, traders, quick)));
    return measures;
  } finally {
    await database.close();
    await site.close();
  }
}

interface Trader extends Acting {
  proposalId: Id;
}

/** Organizations with credit without end; they share one pair of keys, whose making nobody measures here. */
export async function organizationsOf(ctx: Ctx, { accountId }: Acting, count: number): Promise<Acting[]> {
  const keys = await generateKeys(ctx);
  const made: Acting[] = [];
  for (let n = 0; n < count; n++) {
    const fields = {
      kind: "Organization",
      handle: `invented_trader_${n}`,
      name: `Invented ${n}`,
      summary: "",
    } as const;
    const actorId = await createActor(ctx, fields, keys);
    await ctx.db.execute(
      `insert into memberships (organization_id, account_id, role, created) values (${actorId}, ${accountId}, 'representative', now())`,
    );
    const limits = { minimum: -(10n ** 12n), growth: 0n, maximum: null };
    await transact(ctx, (ctx) => setLimits(ctx, actorId, limits, "benchmark", null));
    made.push({ accountId, actorId });
  }
  return made;
}

/** Organizations with an offer each. */
async function tradersOf(ctx: Ctx, admin: Acting): Promise<Trader[]> {
  const traders: Trader[] = [];
  for (const [n, { accountId, actorId }] of (await organizationsOf(ctx, admin, ORGANIZATIONS)).entries()) {
    const proposalId = await publishProposal(
      ctx,
      { accountId, actorId },
      {
        purpose: "offer",
        name: `Invented offer ${n}`,
        content: "Nothing of this happens.",
        category: "training",
        unit: "hour",
        settlement: "credit",
        // Within the daily limit, however often it is taken.
        price: "0.01",
        online: true,
        language: "es",
      },
    );
    traders.push({ accountId, actorId, proposalId });
  }
  return traders;
}

/**
 * Brings the ledger to so many postings, in bulk: the guards are off for this one session and what they would have written is
 * computed. The checkers go over all of it in the end.
 */
async function fillLedger(sql: Site["sql"], postings: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`set local statement_timeout = 0`;
    const [row] = await tx<{ count: bigint }[]>`select count(*) as count from entries`;
    const missing = Math.max(0, Math.ceil((postings - Number(row?.count ?? 0)) / 2));
    await tx`
      create temporary table filling on commit drop as
      with account as (
        select id, row_number() over (order by id) - 1 as place, count(*) over () as count
        from ledger_accounts where kind = 'organization'
      ), numbered as (
        select n, ((extract(epoch from now()) * 1000)::bigint - 400 * 86400000::bigint + n * 60) as at,
          n % (select max(count) from account) as payer,
          (n * 7 + 1 + n / 100) % (select max(count) from account) as payee
        from generate_series(1, ${missing}::int) as n
      )
      select (at << 16) | (nextval('snowflake') & 65535) as id, to_timestamp(at / 1000.0) as created,
        payer.id as payer_id, payee.id as payee_id, 1 + n % 7 as amount
      from numbered join account payer on payer.place = payer join account payee on payee.place = payee
      where payer <> payee`;
    await tx`
      insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, settled, decision, created, decided)
      select id, 'http://invented.invalid/transfers/' || id, 'donation', 'committed', payer_id, payee_id, amount, amount, 'benchmark', created, created
      from filling`;
    await tx`
      with line as (
        select id as transfer_id, payer_id as account_id, -amount as amount, created, 1 as low from filling
        union all
        select id, payee_id, amount, created, 2 from filling
      )
      insert into entries (id, transfer_id, account_id, unit, amount, seq, balance, created)
      select (line.transfer_id & ~65535::bigint) | line.low, line.transfer_id, line.account_id, 'credit', line.amount,
        account.entries + row_number() over mine, account.posted + sum(line.amount) over mine, line.created
      from line join ledger_accounts account on account.id = line.account_id
      window mine as (partition by line.account_id order by line.transfer_id)`;
    await tx`
      update ledger_accounts account set posted = total.posted, entries = total.entries
      from (select account_id, sum(amount) as posted, count(*) as entries from entries group by account_id) total
      where total.account_id = account.id`;
  });
  await sql`analyze`;
}

async function settlements(
  ctx: Ctx,
  site: Site,
  traders: readonly Trader[],
  postings: number,
  count: number,
  repetitions: number,
): Promise<Measure[]> {
  const size = postings.toLocaleString("en");
  const settled: Measure = {
    name: `settlements, ${size} postings before`,
    unit: "per s",
    samples: [],
    aim: AIM,
    note: `confirmations of delivered agreements with their signatures, each committed to disk, ${CONCURRENCY} at a time, in one process`,
  };
  const prepared: Measure = {
    name: `offer, accept, deliver, ${size} postings before`,
    unit: "per s",
    samples: [],
  };
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const ids: { id: Id; receiver: Trader }[] = [];
    const before = await timed(site, async () => {
      await each(count, async (n) => {
        const provider = traders[n % traders.length]!;
        const receiver = traders[(n * 7 + 1 + repetition) % traders.length]!;
        if (provider === receiver) return;
        const { proposalId } = provider;
        const id = await offerAgreement(ctx, receiver, { proposalId, revision: 1, quantity: 1, due: null });
        await acceptAgreement(ctx, provider, id);
        await deliverAgreement(ctx, provider, id);
        ids.push({ id, receiver });
      });
      return ids.length;
    });
    prepared.samples.push(before);
    const after = await timed(site, async () => {
      await each(ids.length, async (n) => {
        const { id, receiver } = ids[n]!;
        await confirmAgreement(ctx, receiver, id);
      });
      return ids.length;
    });
    settled.samples.push(after);
  }
  return [prepared, settled];
}

async function timed(site: Site, work: () => Promise<number>) {
  const machine = machineNow();
  const cpu = cpuOf(process.pid, site.postmaster);
  const began = performance.now();
  const operations = await work();
  const seconds = (performance.now() - began) / 1000;
  return sample(operations, seconds, cpuSince(cpu, cpuOf(process.pid, site.postmaster)), machine);
}

/** So many times, as many at once as a hub has connections for its requests. */
export async function each(count: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
}

const HTML = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/** How long the server takes for a page when it has nothing else to do: one connection, one request after the other. */
async function pages(ctx: Ctx, site: Site, traders: readonly Trader[], quick: boolean): Promise<Measure[]> {
  const proposals = quick ? 2_000 : 100_000;
  await seed(site.ctx, site.sql, { organizations: 500, people: 0, posts: 0, proposals });
  await vacuum(site.sql);
  const hub = await site.start();
  try {
    const { actorId } = traders[0]!;
    const label = `${proposals.toLocaleString("en")} proposals`;
    return await exchangePages(ctx, site, { actorId, label, quick, statement: true });
  } finally {
    await hub.stop();
  }
}

/** What people look at, on a hub that runs. */
export async function exchangePages(
  ctx: Ctx,
  site: Site,
  {
    actorId,
    label,
    quick,
    statement,
  }: {
    /** The organization invented_trader_0. */
    actorId: Id;
    /** Over how many proposals. */
    label: string;
    quick: boolean;
    /** The organization's statement, too. */
    statement: boolean;
  },
): Promise<Measure[]> {
  const helper = startHelper();
  try {
    // Somebody of one organization, as most are: whoever acts for a hundred has them all in the menu of every page.
    const { accountId } = await createAccount(ctx, {
      handle: "berta",
      email: "berta@invented.invalid",
      password: "nobody logs in with this one",
      locale: "es",
    });
    await ctx.db.execute(
      `insert into memberships (organization_id, account_id, role, created) values (${actorId}, ${accountId}, 'representative', now())`,
    );
    const { secret } = await openSession(ctx, accountId);
    const session = `Cookie: ayni_session_${site.port}=${secret}; ayni_as_${site.port}=invented_trader_0`;
    const exchange = `/exchange over ${label}`;
    const targets: [name: string, path: string, headers: string[]][] = [
      ...(statement ? [["statement page", "/ledger", [session]] as [string, string, string[]]] : []),
      [`${exchange}, a visitor`, "/exchange", []],
      [`${exchange}, an organization, nearby first`, "/exchange", [session]],
      [`${exchange}, two words`, "/exchange?q=workshop+seeds", []],
      [`${exchange}, a typing error`, "/exchange?q=worksohp", []],
      [`${exchange}, facets`, "/exchange?purpose=offer&category=training&settlement=none&country=EG", []],
    ];
    const measures: Measure[] = [];
    for (const [name, path, headers] of targets) {
      const lines = [
        `GET ${path} HTTP/1.1`,
        `Host: ${site.host}`,
        "User-Agent: Invented/1.0",
        HTML,
        ...headers,
      ];
      const ask = { do: "get", port: site.port, connections: 1, lines } as const;
      await helper.ask<Outcome>({ ...ask, milliseconds: 1_000 });
      const measure: Measure = { name: `${name}: half within`, unit: "ms", samples: [], aim: { value: 25 } };
      for (let repetition = 0; repetition < (quick ? 1 : 3); repetition++) {
        const machine = machineNow();
        const { statuses, median, p99 } = await helper.ask<Outcome>({ ...ask, milliseconds: 2_000 });
        if (Object.keys(statuses).join() !== "200")
          throw new Error(`${path} answered ${JSON.stringify(statuses)}`);
        measure.samples.push({ value: median, machine });
        measure.note = `in the last repetition 99 % within ${p99.toFixed(1)} ms`;
      }
      measures.push(measure);
    }
    return measures;
  } finally {
    helper.end();
  }
}
