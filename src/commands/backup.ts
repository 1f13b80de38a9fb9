import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { TransactionSql } from "postgres";
import { type Config, readConfig } from "../config.ts";
import { createArchive } from "../db/archive.ts";
import { connect } from "../db/connect.ts";
import { dumpDatabase } from "../db/dump.ts";
import { thumbnailName } from "../domain/media/commands.ts";
import { createFiles } from "../files.ts";
import { VERSION } from "../version.ts";
import {
  MANIFEST,
  type Manifest,
  markOf,
  mediaDigest,
  mediaPart,
  rowsPart,
  SECRET,
  toManifest,
} from "./backup-file.ts";
import { databaseFault, openEmbedded, say } from "./data.ts";
import { restore } from "./restore.ts";

export function addBackupCommands(program: Command): void {
  program
    .command("backup <file>")
    .description(
      "write everything that the hub has into one file, as of one moment; the hub goes on running meanwhile",
    )
    .action(backup);
  program
    .command("restore <file>")
    .description("make the hub again from a backup; the hub must be stopped")
    .option("--replace", "although there is a hub already: what it has is lost")
    .action(restore);
}

async function backup(file: string): Promise<void> {
  const config = readConfig();
  const path = resolve(file);
  const folder = await stat(dirname(path)).catch(() => null);
  if (folder?.isDirectory() !== true) throw new Error(`There is no folder ${dirname(path)}.`);
  const embedded = config.databaseUrl === null ? await openEmbedded(config) : null;
  const url = config.databaseUrl ?? embedded?.url ?? "";
  try {
    const { manifest, bytes } = await writeBackup(config, url, path);
    await noteBackup(url, new Date(manifest.moment), bytes);
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
    say(
      `${file}: ${manifest.origin} as of ${manifest.moment}; ${rows} rows, ${manifest.media.files} uploaded files, ${megabytes(bytes)}.`,
    );
    if (manifest.media.missing > 0) say(`${manifest.media.missing} uploaded files were not there.`);
    say(
      manifest.secret.included
        ? "It contains the hub's secret: keep it as you keep a password."
        : "It does not contain AYNI_SECRET, without which it cannot be restored: keep that in another place.",
    );
  } finally {
    await embedded?.stop();
  }
}

/** @returns what was written, and the file's size in bytes */
export async function writeBackup(
  config: Config,
  url: string,
  path: string,
): Promise<{ manifest: Omit<Manifest, "format">; bytes: number }> {
  const archive = await createArchive(path);
  try {
    const files = createFiles(config.mediaDir);
    const media = mediaDigest();
    let missing = 0;
    let origin = config.origin ?? "";

    async function writeMedia(tx: TransactionSql): Promise<void> {
      const [hub] = await tx<{ origin: string }[]>`select origin from hubs`;
      if (hub === undefined) throw new Error("The hub is not set up: there is nothing to keep.");
      origin = hub.origin;
      const pages = tx<{ sha256: string; kind: string }[]>`
        select distinct sha256, kind from media order by sha256`.cursor(500);
      for await (const page of pages) {
        for (const { sha256, kind } of page) {
          for (const name of kind === "image" ? [sha256, thumbnailName(sha256)] : [sha256]) {
            const found = await files.read(name);
            if (found === null) {
              missing++;
              continue;
            }
            media.begin(name, found.bytes);
            const chunks = found.stream() as ReadableStream<Uint8Array>;
            await archive.addStream(mediaPart(name), found.bytes, counted(chunks, media.update));
          }
        }
      }
    }

    const dump = await dumpDatabase(
      url,
      (table, index, bytes) => archive.add(rowsPart(table, index), bytes),
      writeMedia,
    ).catch(databaseFault);
    // A secret that comes from outside is kept outside, too.
    const own = await readFile(join(config.dataDir, "secret"), "utf8").catch(() => "");
    const included = own.trim() === config.secret;
    if (included) await archive.add(SECRET, Buffer.from(config.secret));
    const manifest = {
      version: VERSION,
      origin,
      ...dump,
      moment: dump.moment.toISOString(),
      media: { ...media.end(), missing },
      secret: { included, mark: markOf(config.secret) },
    };
    await archive.add(MANIFEST, toManifest(manifest));
    return { manifest, bytes: await archive.finish() };
  } finally {
    await archive.abandon();
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  count: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    count(chunk);
    yield chunk;
  }
}

/** For `ayni doctor`, which says when the last backup was made. A database that was not brought up to date yet cannot know. */
async function noteBackup(url: string, moment: Date, bytes: number): Promise<void> {
  const sql = connect(url, { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql`select to_regclass('public.backups') is not null as known`;
    if (row?.known) await sql`insert into backups (moment, bytes) values (${moment}, ${bytes})`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
