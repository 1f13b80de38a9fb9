import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { TransactionSql } from "postgres";
import { type Config, readConfig } from "../config.ts";
import { openDatabase } from "../db/client.ts";
import { attachEmbedded, startEmbedded } from "../db/embedded.ts";
import { loadDatabase } from "../db/load.ts";
import { runChecks } from "../domain/ledger/check.ts";
import { createFiles } from "../files.ts";
import { createVault } from "../vault.ts";
import { type Manifest, markOf, readBackup } from "./backup-file.ts";
import { commandContext, databaseFault, say } from "./data.ts";

/** Reads the whole backup first, and changes nothing unless all of it is as it was written. */
export async function restore(file: string, { replace = false }: { replace?: boolean }): Promise<void> {
  const config = readConfig();
  const handle = await open(resolve(file)).catch(() => {
    throw new Error(`The file ${file} cannot be read.`);
  });
  try {
    const { manifest, secret } = await readBackup(handle);
    const reseal = resealing(config, manifest, secret);
    const running = config.databaseUrl === null ? await attachEmbedded(config) : null;
    if (running !== null) throw new Error("The hub is running. Stop it first, all its processes.");
    const embedded =
      config.databaseUrl === null ? await startEmbedded({ dataDir: config.dataDir, log: () => {} }) : null;
    const url = config.databaseUrl ?? embedded?.url ?? "";
    try {
      const files = createFiles(config.mediaDir);
      await loadDatabase(url, {
        dump: manifest,
        // Files first: what is there without a row harms nobody, and the clock sweeps it away.
        rows: async (write) => {
          const again = await readBackup(handle, {
            rows: write,
            media: (name, bytes) => files.put(name, bytes),
          });
          if (JSON.stringify(again.manifest) !== JSON.stringify(manifest))
            throw new Error("The file was changed while it was read. Nothing was restored.");
        },
        mayReplace: (tx) => mayReplace(tx, manifest, replace),
        finish: async (tx) => {
          await reseal(tx);
          await afterRestore(tx, manifest);
        },
      }).catch(databaseFault);
      await report(config, url, manifest);
    } finally {
      await embedded?.stop();
    }
  } finally {
    await handle.close();
  }
}

/** Whether the actors' private keys can be opened, and what has to be done for it. */
function resealing(
  config: Config,
  { secret: { mark } }: Manifest,
  secret: string | null,
): (tx: TransactionSql) => Promise<void> {
  if (mark === markOf(config.secret)) return async () => {};
  if (secret === null)
    throw new Error(
      "The backup does not contain the hub's secret, and this one is another. Set AYNI_SECRET to the one that the hub had. Nothing was changed.",
    );
  const theirs = createVault(secret);
  const ours = createVault(config.secret);
  return async (tx) => {
    const keys = tx<{ actor_id: string; kind: string; private_key: Buffer }[]>`
      select actor_id, kind, private_key from actor_keys`;
    for (const { actor_id, kind, private_key } of await keys)
      await tx`
        update actor_keys set private_key = ${ours.seal(theirs.open(private_key))}
        where actor_id = ${actor_id} and kind = ${kind}`;
  };
}

async function mayReplace(tx: TransactionSql, { origin }: Manifest, replace: boolean): Promise<void> {
  const [known] = await tx<{ hubs: boolean }[]>`select to_regclass('public.hubs') is not null as hubs`;
  const [hub] = known?.hubs ? await tx<{ origin: string }[]>`select origin from hubs` : [];
  if (hub === undefined) return;
  if (hub.origin !== origin)
    throw new Error(`The backup is of ${origin}, and this is ${hub.origin}. Nothing was changed.`);
  if (!replace)
    throw new Error(
      "There is a hub already. With --replace the backup takes its place, and what it has is lost. Nothing was changed.",
    );
}

/** What must not go on as if nothing had happened. */
async function afterRestore(tx: TransactionSql, { moment }: Manifest): Promise<void> {
  // Nothing is decided between hubs before hands were shaken anew: this hub may have forgotten what it signed.
  await tx`
    update clearing_links
    set ready = false, nonce = '', resync = null, resting = null, failures = 0, failure = null`;
  // Of sessions that are over. What they said is asked for again.
  await tx`delete from clearing_inbox`;
  // Deliveries may come twice: receivers know an activity by its id. Nobody knows an e-mail by anything: what was not sent at the
  // backup's moment probably was since, and stands among the notices.
  await tx`update jobs set lease = null`;
  await tx`delete from jobs where queue = 'mails'`;
  await tx`update notices set mailed = now() where mailed is null`;
  // Who logged out, or was logged out, since then stays out.
  await tx`delete from sessions`;
  // What peers told of their proposals since then was forgotten; it is read anew.
  await tx`update peer_copies set due = now(), forced = true, failures = 0, failure = null`;

  await tx`insert into backups (moment, bytes) select ${moment}::timestamptz, 0 where not exists (select from backups where moment = ${moment}::timestamptz)`;
  const [restored] = await tx<{ id: number }[]>`
    insert into restores (moment, restored) values (${moment}, now()) returning id`;
  await tx`
    insert into restored_links (restore_id, peer_id, out_seq, in_seq)
    select ${restored!.id}, peer_id, out_seq, in_seq from clearing_links`;
  await tx`
    insert into notices (account_id, actor_id, kind, path, details, created, mailed)
    select id, actor_id, 'hub_restored', '/admin', ${JSON.stringify({ moment: minute(moment) })}, now(), now()
    from accounts where role = 'admin'`;
}

async function report(config: Config, url: string, manifest: Manifest): Promise<void> {
  const { origin, moment, tables, media } = manifest;
  const database = openDatabase(url, { orm: 2, raw: 2 });
  try {
    const rows = tables.reduce((sum, table) => sum + table.rows, 0);
    say(`${origin} is again as it was at ${moment}: ${rows} rows, ${media.files} uploaded files.`);
    const [{ peers = 0 } = {}] = await database.sql<{ peers: number }[]>`
      select count(*)::int as peers from clearing_links`;
    say(
      `\nWhat happened after ${moment} is gone: posts, proposals, messages, accounts, payments within this hub.`,
    );
    say(
      "Passwords changed and tokens revoked since then are again as they were; people have to log in again.",
    );
    if (peers > 0)
      say(
        `Peers give back what was settled with them (${peers === 1 ? "one peer" : `${peers} peers`}) when the hub starts; a notice says what came back.`,
      );
    if (config.origin !== origin) say(`\nStart it with AYNI_ORIGIN=${origin}: every id starts with it.`);
    const findings = await runChecks(commandContext(config, database));
    for (const { subject, detail } of findings) say(`WRONG ${subject}: ${detail}`);
    if (findings.length === 0) say("\nThe books fit.");
    else {
      say(
        "\nThe backup's books do not fit: payments are stopped until an administrator has looked (/admin).",
      );
      process.exitCode = 1;
    }
  } finally {
    await database.close();
  }
}

/** A moment as people read it. */
function minute(moment: string): string {
  return `${moment.slice(0, 16).replace("T", " ")} UTC`;
}
