import { expect } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import type { AgreementState } from "../../src/db/schema/agreements.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { setLimits } from "../../src/domain/ledger/accounts.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { until } from "./clearing-hubs.ts";
import { type Organization, settle, startHubs, type TestHub } from "./hub.ts";
import { makePeers } from "./peers.ts";

/** Two hubs that are peers: `lac` counts in minutes (60 to the HOUR), `mena` in points with two decimals (10.00 to the HOUR). */
export interface Across {
  lac: TestHub;
  mena: TestHub;
  /** Of `lac`, and of `mena`; each may go 100 HOURs below zero. */
  raices: Organization;
  nour: Organization;
  /** How `lac` knows `mena`, and the other way round. */
  peers: [Id, Id];
  /** Both hubs, until neither has anything to do. */
  quiet(): Promise<void>;
  /** nour publishes on `mena`; what `lac` sees of it. */
  publish(change?: Partial<ProposalInput>): Promise<{ proposalId: Id; revision: number }>;
  /** The newest agreement on each hub: on `lac`, then on `mena`. */
  newest(): Promise<[Standing, Standing]>;
  /** What the two organizations have, in minor units of their own hubs. */
  balances(): Promise<[bigint, bigint]>;
  /** Nothing was made or lost, and nothing is held for nothing. */
  check(): Promise<void>;
}

export interface Standing {
  id: Id;
  iri: string;
  state: AgreementState;
  amount: bigint;
  settledAmount: bigint | null;
  settledQuantity: number | null;
  automatic: boolean;
  disputedBy: string | null;
  committed: number;
}

/** Lets an organization pay at other hubs: it is verified, two others vouch for it, and it has a line of so many minor units. */
export async function prove(hub: TestHub, { actorId }: Organization, line: bigint): Promise<void> {
  const { sql } = hub.database;
  const now = hub.clock.now();
  await sql`insert into verifications (organization_id, state, size_class, statement, requested, decided)
    values (${String(actorId)}, 'verified', 'M', 'known', ${now}, ${now}) on conflict do nothing`;
  for (const name of ["one", "two"]) {
    const { actorId: other } = await hub.organization(`vouch${name}${String(actorId).slice(-6)}`);
    await sql`insert into vouches (id, voucher_id, vouched_id, amount, created)
      values (${String(await hub.ctx.ids.next(now))}, ${String(other)}, ${String(actorId)}, 1, ${now})`;
  }
  const limits = { minimum: -line, growth: 0n, maximum: null };
  await transact(hub.ctx, (ctx) => setLimits(ctx, actorId, limits, "a test", null));
}

export async function across({ limit }: { limit?: bigint } = {}): Promise<Across> {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const [raices, nour] = await Promise.all([lac.organization("raices"), mena.organization("nour")]);
  await lac.database
    .sql`update hubs set currency_scale = 0, currency_rate_n = 60, currency_rate_d = 1, currency_symbol = 'min'`;
  await mena.database
    .sql`update hubs set currency_scale = 2, currency_rate_n = 10, currency_rate_d = 1, currency_symbol = 'pt'`;
  const peers = await makePeers(lac, mena, limit === undefined ? {} : { limit });
  await Promise.all([prove(lac, raices, 6_000n), prove(mena, nour, 100_000n)]);
  const followedId = await lac.ctx.remote.resolveActor(`@nour@${mena.host}`);
  await requestFollow(lac.ctx, { followerId: raices.actorId, followedId });
  const quiet = () => settle(lac, mena);
  await quiet();
  return {
    ...{ lac, mena, raices, nour, peers, quiet },
    async publish(change = {}) {
      const id = await publishProposal(mena.ctx, nour, {
        ...{ purpose: "offer", name: "Taller", content: "Dos horas.", category: "training", unit: "hour" },
        ...{
          settlement: "credit",
          price: "10",
          unitBased: true,
          online: true,
          language: "es",
          available: "50",
        },
        ...change,
      } as ProposalInput);
      const find = () => lac.database.sql<{ id: string; revision: number }[]>`
        select id, revision from proposals where iri = ${`${mena.origin}/proposals/${id}`}`;
      await until(async () => (await find()).length > 0);
      await quiet();
      const [row] = await find();
      return { proposalId: BigInt(row!.id), revision: row!.revision };
    },
    newest: () => Promise.all([standing(lac), standing(mena)]),
    balances: () => Promise.all([balance(lac, raices), balance(mena, nour)]),
    async check() {
      for (const hub of [lac, mena]) expect(await checkLedger(hub.ctx)).toEqual([]);
    },
  };
}

async function standing(hub: TestHub): Promise<Standing> {
  const [row] = await hub.database.sql`
    select a.id, a.iri, a.state, a.amount, a.settled_amount as "settledAmount", a.settled_quantity as "settledQuantity",
      a.automatic, a.disputed_by as "disputedBy", p.committed
    from agreements a join proposals p on p.id = a.proposal_id order by a.id desc limit 1`;
  const big = (value: unknown) => (value === null ? null : BigInt(String(value)));
  return {
    ...row,
    id: big(row!.id),
    amount: big(row!.amount),
    settledAmount: big(row!.settledAmount),
  } as Standing;
}

async function balance(hub: TestHub, { actorId }: Organization): Promise<bigint> {
  const [row] = await hub.database.sql`
    select posted, held from ledger_accounts where kind = 'organization' and actor_id = ${String(actorId)}`;
  return BigInt(String(row!.posted)) - BigInt(String(row!.held));
}
