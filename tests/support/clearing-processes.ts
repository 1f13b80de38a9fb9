import type { Sql } from "postgres";
import { openDatabase } from "../../src/db/client.ts";
import { connect } from "../../src/db/connect.ts";
import { attachEmbedded } from "../../src/db/embedded.ts";
import { setLimits } from "../../src/domain/ledger/accounts.ts";
import { checkLedger, type Finding } from "../../src/domain/ledger/check.ts";
import { transact } from "../../src/domain/transact.ts";
import { ask } from "./api-client.ts";
import { exchangeContext } from "./exchange.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { type Home, makeHome, postmaster, type Server, setUp, until } from "./processes.ts";

/** One of two hubs as they are run: a process of `ayni serve` with its own PostgreSQL, and a proxy as the only way to it. */
export interface Side {
  name: string;
  home: Home;
  proxy: FaultProxy;
  /** Minor units of this hub that an hour of its organization costs. */
  hour: bigint;
  /** Id of the other one's offer, as this hub knows it. */
  offer: string;
  /** The hub's database, seen from outside. */
  sql: Sql;
  server: Server;
  running: boolean;
  /** Asks the JSON API as the hub's organization. @throws Error unless it is done */
  // biome-ignore lint/suspicious/noExplicitAny: what the API answers has tests of its own
  api(method: "GET" | "POST", path: string, body?: object): Promise<any>;
  /** Runs `ayni`, and returns what it printed. @throws Error unless it ended well */
  ayni(...args: string[]): Promise<string>;
  start(env?: Record<string, string>): Promise<void>;
  /** SIGKILL; with `database`, the same to PostgreSQL, as when the machine loses its power. */
  kill(database?: boolean): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Two hubs that are peers by the command line, each with an organization that may owe and an offer that the other one knows: `lac` counts in
 * minutes (60 to the HOUR), `mena` in points with two decimals (10.00 to the HOUR).
 */
export async function twoProcesses(seed: number): Promise<[Side, Side]> {
  const proxies = await Promise.all([startFaultProxy(seed), startFaultProxy(seed + 1)]);
  const allow = { AYNI_EGRESS_ALLOW: proxies.map(({ host }) => host).join(",") };
  const sides = (await Promise.all([
    makeSide("lac", proxies[0], { ...allow }, { scale: 0, rate: 60, hour: 60n }),
    makeSide("mena", proxies[1], { ...allow }, { scale: 2, rate: 10, hour: 1_000n }),
  ])) as [Side, Side];
  const [lac, mena] = sides;
  const limits = ["--may-be-owed", "1000", "--may-owe", "1000"];
  await lac.ayni("peer", "add", mena.proxy.origin, ...limits);
  await until(async () => (await mena.ayni("peer", "list")).includes(lac.proxy.host));
  await mena.ayni("peer", "accept", lac.proxy.origin, ...limits);
  await until(async () => {
    const links = await Promise.all(sides.map(({ sql }) => sql`select ready from clearing_links`));
    return links.every(([link]) => link?.ready === true);
  });
  for (const side of sides) await publish(side);
  for (const [side, other] of [
    [lac, mena],
    [mena, lac],
  ] as const)
    await until(async () => {
      const [row] = await side.sql`select id from proposals where name = ${`Hora de ${other.name}`}`;
      side.offer = String(row?.id ?? "");
      return row !== undefined;
    });
  return sides;
}

async function makeSide(
  name: string,
  proxy: FaultProxy,
  env: Record<string, string>,
  currency: { scale: number; rate: number; hour: bigint },
): Promise<Side> {
  const home = await makeHome({ ...env, AYNI_ORIGIN: proxy.origin });
  proxy.target = home.port;
  const args = (text: string) => text.split(" ");
  const ayni = async (...args: string[]) => {
    const { status, stdout, stderr } = await home.ayni(...args);
    if (status !== 0) throw new Error(`ayni ${args.join(" ")}: ${stderr}${stdout}`);
    return stdout;
  };
  await setUp(home);
  let token = "";
  const side: Side = {
    ...{ name, home, proxy, ayni, hour: currency.hour, offer: "" },
    sql: undefined as unknown as Sql,
    server: undefined as unknown as Server,
    running: false,
    async api(method, path, body) {
      const {
        status,
        text,
        body: answer,
      } = await ask(
        home.origin,
        method,
        `/api/ayni/v1${path}`,
        {
          ...{ host: proxy.host, authorization: `Bearer ${token}` },
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body === undefined ? undefined : JSON.stringify(body),
      );
      if (status >= 300) throw new Error(`${name}: ${method} ${path} was answered ${status}: ${text}`);
      return answer;
    },
    async start(more = {}) {
      const usual = { ...home.env };
      Object.assign(home.env, more);
      side.server = await home.serve();
      side.running = true;
      for (const key of Object.keys(home.env)) delete home.env[key];
      Object.assign(home.env, usual);
      const database = await attachEmbedded(home);
      side.sql = connect(database?.url ?? "", { max: 3, onnotice: () => {} });
    },
    async kill(database = false) {
      const pid = await postmaster(home);
      const killed = side.server.kill("SIGKILL");
      if (database) process.kill(pid, "SIGKILL");
      await killed;
      await gone(side);
    },
    async stop() {
      await side.server.kill("SIGTERM");
      await gone(side);
    },
  };
  await side.start();
  await ayni(...args(`organization create --handle org${name} --name ${name} --representative ana`));
  const scopes = "exchange:read exchange:write ledger:read";
  token = (await ayni(...args(`token create --account ana --as org${name} --scopes`), scopes)).trim();
  await lend(side, currency);
  return side;
}

async function gone(side: Side): Promise<void> {
  side.running = false;
  await side.sql.end({ timeout: 0 }).catch(() => {});
}

/** Gives the hub its currency, and its organization what it needs to pay at other hubs. */
async function lend(side: Side, { scale, rate }: { scale: number; rate: number }): Promise<void> {
  const { sql, home } = side;
  await sql`update hubs set currency_scale = ${scale}, currency_rate_n = ${rate}, currency_rate_d = 1`;
  const [organization] = await sql`select id from actors where host is null and kind = 'Organization'`;
  const id = String(organization?.id);
  await sql`insert into verifications (organization_id, state, size_class, statement, requested, decided)
    values (${id}, 'verified', 'M', 'known', now(), now())`;
  await sql`insert into vouches (id, voucher_id, vouched_id, amount, created)
    select id, id, ${id}, 1, now() from actors where host is null and id <> ${id} limit 2`;
  const found = await attachEmbedded(home);
  const database = openDatabase(found?.url ?? "", { orm: 1, raw: 1 });
  const limits = { minimum: -1_000_000n, growth: 0n, maximum: null };
  await transact(exchangeContext(database), (ctx) => setLimits(ctx, BigInt(id), limits, "a test", null));
  await database.close();
}

function publish({ name, hour, proxy, api }: Side): Promise<unknown> {
  return api("POST", "/proposals", {
    ...{ purpose: "offer", name: `Hora de ${name}`, content: "Una hora.", category: "training" },
    ...{ unit: "hour", available: 100_000, settlement: "credit", online: true, language: "es" },
    price: { value: String(hour), currency: `${proxy.origin}/currency` },
  });
}

// ── What organizations do ────────────────────────────────────────────────────────────────────────────────────────────────

/** The organization of this side wants so many hours of the other's. */
export async function want(side: Side, quantity = 1): Promise<string> {
  const { revision } = await side.api("GET", `/proposals/${side.offer}`);
  const { id } = await side.api("POST", "/agreements", { proposal: side.offer, revision, quantity });
  return id;
}

const DUTIES: Record<string, string> = {
  "offered provider": "accept",
  "funded provider": "deliver",
  "delivered receiver": "confirm",
};

/** Both organizations do what is theirs to do, again and again, until something is so. What fails is tried again. */
export async function carryOn(
  sides: readonly Side[],
  done: () => Promise<boolean>,
  { except = [] as string[], patience = 120_000 } = {},
): Promise<void> {
  const step = async () => {
    const [, is] = await Promise.all([
      Promise.allSettled(sides.map((side) => doDuties(side, except))),
      done().catch(() => false),
    ]);
    return is;
  };
  // Seldom enough that the hubs do not spend their time on answering this.
  await until(step, patience, 100);
}

async function doDuties({ api }: Side, except: readonly string[]): Promise<void> {
  for (const { id, state, party } of await api("GET", "/agreements?group=open")) {
    const step = DUTIES[`${state} ${party}`];
    if (step !== undefined && !except.includes(step)) await api("POST", `/agreements/${id}/${step}`, {});
  }
}

// ── How things stand ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Standing {
  /** Agreements and transfers that are not over, envelopes that nobody has read. */
  open: number;
  agreements: Map<string, string>;
  /** What the organization has, and what of it is held; minor units. */
  posted: bigint;
  held: bigint;
  out: { seq: string; cumulative: string; digest: string };
  in: { seq: string; cumulative: string; digest: string };
  acked: string;
  state: string;
}

export async function standingOf({ sql }: Side): Promise<Standing> {
  const rows = await sql`select iri, state from agreements`;
  const [row] = await sql`
    select l.*, p.state, a.posted, a.held,
      (select count(*) from agreements where state in ('offered', 'accepted', 'funded', 'delivered', 'confirmed', 'disputed'))
      + (select count(*) from clearing_transfers where state in ('reserved', 'prepared'))
      + (select count(*) from clearing_inbox) as open
    from clearing_links l join peers p on p.id = l.peer_id, ledger_accounts a
    where a.kind = 'organization'`;
  const head = (of: "out" | "in") => ({
    seq: row?.[`${of}_seq`],
    cumulative: row?.[`${of}_cumulative`],
    digest: row?.[`${of}_digest`],
  });
  return {
    ...{ open: Number(row?.open), posted: BigInt(row?.posted), held: BigInt(row?.held) },
    agreements: new Map(rows.map(({ iri, state }) => [iri as string, state as string])),
    ...{ out: head("out"), in: head("in"), acked: row?.acked_seq, state: row?.state },
  };
}

/** Nothing is under way, and both hubs say the same about all that both know of. */
export async function agree(sides: readonly [Side, Side]): Promise<boolean> {
  const [a, b] = await Promise.all([standingOf(sides[0]), standingOf(sides[1])]);
  const same = (x: object, y: object) => JSON.stringify(x) === JSON.stringify(y);
  const logs = same(a.out, b.in) && same(b.out, a.in) && a.acked === a.out.seq && b.acked === b.out.seq;
  const said = [...a.agreements].every(([iri, state]) => (b.agreements.get(iri) ?? state) === state);
  return a.open === 0 && b.open === 0 && logs && said && a.state === "active" && b.state === "active";
}

/** The findings of a hub's check of its own books, in its database. */
export async function findings({ home }: Side): Promise<Finding[]> {
  const found = await attachEmbedded(home);
  const database = openDatabase(found?.url ?? "", { orm: 1, raw: 1 });
  try {
    return await checkLedger(exchangeContext(database));
  } finally {
    await database.close();
  }
}

/** Hours that each side's organization has earned less what it gave, by its own hub's books; nothing is held. */
export async function hours(sides: readonly [Side, Side]): Promise<[number, number]> {
  const found = await Promise.all(
    sides.map(async (side) => {
      const { posted, held } = await standingOf(side);
      if (held !== 0n || posted % side.hour !== 0n) throw new Error(`${side.name}: ${posted}, ${held} held`);
      return Number(posted / side.hour);
    }),
  );
  return found as [number, number];
}

// ── Where a process can be stopped ───────────────────────────────────────────────────────────────────────────────────────

/** A moment within a transaction of the hub: a row that was written, and what is said of it. */
export interface Moment {
  table: string;
  event: "insert" | "update";
  when: string;
  /** Everything is written, and the transaction is about to be committed. */
  atCommit?: boolean;
}

/** "stand" in the first half of the key: who asks for it, and who stands there. */
const [WANTED, STANDS] = [0x77616e74, 0x7374616e];

/**
 * Makes the hub's database stand still at this moment from now on, for as long as this process holds on.
 *
 * @returns resolves when a transaction stands there
 */
export async function standAt(side: Side, moment: Moment): Promise<{ stands: Promise<void> }> {
  const { sql } = side;
  const timing = moment.atCommit ? "deferrable initially deferred" : "";
  await sql.unsafe(`
    create or replace function stand_still() returns trigger language plpgsql as $$
    begin
      if exists (select from pg_locks where locktype = 'advisory' and classid = ${WANTED} and objid = 1 and granted) then
        perform pg_advisory_xact_lock(${STANDS}, 1);
        perform pg_sleep(3600);
      end if;
      return null;
    end $$;
    drop trigger if exists stand_still on ${moment.table};
    create ${moment.atCommit ? "constraint" : ""} trigger stand_still after ${moment.event} on ${moment.table}
      ${timing} for each row when (${moment.when}) execute function stand_still();`);
  // It ends with the database that is killed, so that what starts afterwards does not stand.
  const holder = await sql.reserve();
  await holder`select pg_advisory_lock(${WANTED}::int, 1)`;
  const stands = until(async () => {
    const rows = await sql`
      select from pg_locks where locktype = 'advisory' and classid = ${STANDS} and objid = 1 and granted`;
    return rows.length > 0;
  });
  return { stands };
}

/** Takes the trigger away again. */
export async function goOn({ sql }: Side, { table }: Moment): Promise<void> {
  await sql.unsafe(`drop trigger if exists stand_still on ${table}`);
}
