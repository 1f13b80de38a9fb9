import type { Sql } from "postgres";
import { connect } from "./connect.ts";

/** The role that a hub works under: it cannot log in, and cannot rewrite the books. One for all databases of a server. */
export const APPLICATION_ROLE = "ayni_app";

/** "role" in ASCII: whoever grants holds this advisory lock. */
const LOCK = 0x726f6c65;

/**
 * What the role may do less than its owner. The columns are those that the application writes; what follows from entries and
 * holds is written by triggers, with the owner's rights.
 */
const RESTRICTIONS = `
  revoke insert, update, delete, truncate on migrations from ${APPLICATION_ROLE};
  revoke update, delete, truncate on entries, limit_changes, ledger_checks, exchange_policies, agreement_steps, proposal_revisions,
    peerings, clearing_entries, clearing_evidence, public_totals, retired_keys, peer_keys from ${APPLICATION_ROLE};
  revoke update, delete, truncate on ledger_accounts, transfers, ledger_freezes from ${APPLICATION_ROLE};
  grant update (minimum, growth, maximum, closed) on ledger_accounts to ${APPLICATION_ROLE};
  grant update (state, settled, decided, decision, account_id) on transfers to ${APPLICATION_ROLE};
  grant update (reason, released, released_by) on ledger_freezes to ${APPLICATION_ROLE}`;

/**
 * Makes the application's role where that is possible, and grants it what a hub needs, in a migrated database.
 *
 * @returns the role for `openDatabase`; null when the user of `url` may not make one or act as it
 */
export async function applicationRole(url: string): Promise<string | null> {
  const sql = connect(url, { max: 1, onnotice: () => {}, connection: { application_name: "ayni role" } });
  try {
    await sql`select pg_advisory_lock(${LOCK})`;
    return (await usable(sql)) || (await create(sql)) ? await grant(sql) : null;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Does the role exist, and may this user act as it? Another hub's on the same server is none of ours. */
async function usable(sql: Sql): Promise<boolean> {
  const [row] =
    await sql`select from pg_roles where rolname = ${APPLICATION_ROLE} and pg_has_role(oid, 'SET')`;
  return row !== undefined;
}

async function create(sql: Sql): Promise<boolean> {
  try {
    await sql.unsafe(`create role ${APPLICATION_ROLE} nologin`);
    // Who made a role without being a superuser may administer it, and acts as it only when that was granted.
    await sql.unsafe(`grant ${APPLICATION_ROLE} to current_user with inherit false, set true`);
  } catch (error) {
    if (!REFUSED.includes(String((error as { code?: unknown }).code))) throw error;
  }
  return usable(sql);
}

/** Not allowed to; somebody else made it at the same moment. */
const REFUSED = ["42501", "42710", "23505", "XX000"];

async function grant(sql: Sql): Promise<string | null> {
  await sql.begin((tx) =>
    tx
      .unsafe(`
        grant usage on schema public to ${APPLICATION_ROLE};
        grant select, insert, update, delete on all tables in schema public to ${APPLICATION_ROLE};
        grant usage, select on all sequences in schema public to ${APPLICATION_ROLE};
        ${RESTRICTIONS}`)
      .simple(),
  );
  const [granted] = await sql`
    select from pg_roles where rolname = ${APPLICATION_ROLE}
      and has_table_privilege(oid, 'entries', 'insert') and not has_table_privilege(oid, 'entries', 'update')`;
  return granted === undefined ? null : APPLICATION_ROLE;
}
