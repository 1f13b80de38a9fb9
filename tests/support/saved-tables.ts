import { sql } from "drizzle-orm";
import type { Db } from "../../src/db/client.ts";

/** What a hub has of clearing and the books, with the keys. */
const TABLES = [
  ...["clearing_links", "clearing_transfers", "clearing_entries", "clearing_evidence", "clearing_inbox"],
  ...["agreements", "agreement_steps", "transfers", "entries", "ledger_accounts", "limit_changes"],
  ...["peers", "peer_keys", "actor_keys", "retired_keys", "notices"],
];

/** Keeps what the tables hold now beside them. */
export async function saveTables(db: Db): Promise<void> {
  await db.execute(sql`create schema saved`);
  for (const table of TABLES)
    await db.execute(sql.raw(`create table saved.${table} as table public.${table}`));
}

/** A backup is put back: all that came after is gone. */
export async function restoreTables(db: Db): Promise<void> {
  await db.transaction(async (tx) => {
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
}
