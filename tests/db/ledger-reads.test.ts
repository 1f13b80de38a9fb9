import type { Sql } from "postgres";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/db/client.ts";
import { testDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization } from "../support/ledger.ts";

const PAST = 50_000;
const ROUND = 50;

/** How many rows and index entries of `transfers` the server has read in this database. */
async function readsOf(sql: Sql): Promise<number> {
  await sql`select pg_stat_force_next_flush()`;
  const [row] = await sql<{ reads: bigint }[]>`
    select (select seq_tup_read from pg_stat_user_tables where relname = 'transfers')
      + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'transfers') as reads`;
  return Number(row!.reads);
}

test("the guards look at the transfers of a statement, not at all of a large ledger", async () => {
  const { db, url } = await testDatabase();
  const { ctx } = await ledgerHub(db);
  const payer = String((await organization(ctx, "raices", 10n * CREDIT)).ledgerId);
  const payee = String((await organization(ctx, "nour")).ledgerId);
  // One connection: what it read is counted when it says so.
  const { sql, close } = openDatabase(url, { orm: 1, raw: 1 });
  const insert = (state: string, from: number, to: number) => sql`
    insert into transfers (id, iri, kind, state, payer_id, payee_id, amount, created, decided)
    select n, 'https://hub.example/transfers/' || n, 'agreement', ${state}, ${payer}::bigint, ${payee}::bigint, 1, now(),
      case when ${state} <> 'reserved' then now() end
    from generate_series(${from}::int, ${to}::int) as n`;
  try {
    await sql`set session_replication_role = replica`;
    await insert("aborted", 1, PAST);
    await sql`set session_replication_role = origin`;
    await sql`analyze transfers`;
    await insert("reserved", PAST + 1, PAST + ROUND);
    const before = await readsOf(sql);
    await sql`
      with decided as (
        update transfers set state = 'committed', settled = 1, decision = 'confirm', decided = now()
        where id = any(${Array.from({ length: ROUND }, (_, n) => String(PAST + 1 + n))}::bigint[]) returning id
      )
      insert into entries (id, transfer_id, account_id, unit, amount, created)
      select decided.id * 2 + side, decided.id, account, 'credit', 2 * side - 1, now()
      from decided cross join (values (0, ${payer}::bigint), (1, ${payee}::bigint)) as line (side, account)`;
    expect((await readsOf(sql)) - before).toBeLessThan(PAST / 10);
  } finally {
    await close();
  }
});
