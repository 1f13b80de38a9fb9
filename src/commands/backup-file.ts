import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { readArchive } from "../db/archive.ts";

/** The first thing that changes when a backup cannot be read as before. */
const FORMAT = 1;
const MAX_MANIFEST = 16 * 1_048_576;
const MAX_PIECE = 1_073_741_824;

export const MANIFEST = "manifest.json";
export const SECRET = "secret";

const whole = z.number().int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().min(1).max(63);

/** What a backup says about itself: its last part, by which all others are proven. */
const manifest = z.object({
  format: z.literal(FORMAT),
  version: z.string(),
  origin: z.string(),
  /** The one moment that it shows. */
  moment: z.iso.datetime(),
  migrations: z.array(z.object({ name: z.string(), sha256: hash })),
  tables: z.array(z.object({ name, columns: z.array(name).min(1), rows: whole, bytes: whole, sha256: hash })),
  sequences: z.array(z.object({ name, value: z.string().regex(/^-?\d{1,19}$/), called: z.boolean() })),
  /** `sha256` is of all names, sizes and bytes, in their order. */
  media: z.object({ files: whole, bytes: whole, missing: whole, sha256: hash }),
  /** Whether the secret is in it, and by what it can be told from others. */
  secret: z.object({ included: z.boolean(), mark: hash }),
});
export type Manifest = z.infer<typeof manifest>;

export function toManifest(fields: Omit<Manifest, "format">): Buffer {
  return Buffer.from(`${JSON.stringify({ format: FORMAT, ...fields }, null, 1)}\n`);
}

export const rowsPart = (table: string, index: number) =>
  `tables/${table}/${index.toString().padStart(8, "0")}`;
export const mediaPart = (file: string) => `media/${file}`;

/** Tells a secret from others without giving it away: it has 256 bits, which nobody guesses. */
export function markOf(secret: string): string {
  return createHash("sha256").update(`ayni backup ${secret}`).digest("hex");
}

/** Counts what goes into a backup, or comes out of it, of media. */
export function mediaDigest() {
  const hash = createHash("sha256");
  const sum = { files: 0, bytes: 0 };
  return {
    begin(file: string, size: number) {
      hash.update(`${file}\n${size}\n`);
      sum.files++;
      sum.bytes += size;
    },
    update: (bytes: Uint8Array) => void hash.update(bytes),
    end: () => ({ ...sum, sha256: hash.digest("hex") }),
  };
}

export interface BackupReader {
  rows(table: string, bytes: Buffer): Promise<void>;
  media(file: string, bytes: Buffer): Promise<void>;
}

/**
 * Reads a backup from its beginning to its end, and compares all of it with what its manifest says. What was handed on before an
 * error is not to be believed.
 *
 * @param to gets rows in pieces, and each file of media whole; nothing: the backup is only checked
 * @throws Error when it is not a backup, or not exactly what was written
 */
export async function readBackup(
  file: FileHandle,
  to?: BackupReader,
): Promise<{ manifest: Manifest; secret: string | null }> {
  const tables = new Map<string, ReturnType<typeof tableDigest>>();
  const media = mediaDigest();
  let secret: string | null = null;
  let last: Buffer | null = null;
  let names = 0;
  /** What those who were handed something threw: theirs, and not the file's fault. */
  let theirs: unknown = null;
  const hand = (taken: Promise<void> | undefined) =>
    taken?.catch((error: unknown) => {
      theirs = error;
      throw error;
    });
  try {
    for await (const { name, size, body } of readArchive(file)) {
      if (last !== null) throw new Error("there is more after its manifest");
      names++;
      const [kind, owner, piece] = name.split("/");
      if (kind === "tables" && owner !== undefined && piece !== undefined) {
        const table = tables.get(owner) ?? tableDigest();
        tables.set(owner, table);
        if (size > MAX_PIECE || Number(piece) !== table.pieces++) throw new Error(`${name} is out of place`);
        for await (const chunk of body) {
          table.update(chunk);
          await hand(to?.rows(owner, chunk));
        }
      } else if (kind === "media" && owner !== undefined && piece === undefined) {
        if (!/^[0-9a-f]{64}(\.thumbnail)?$/.test(owner) || size > MAX_PIECE)
          throw new Error(`${name} is out of place`);
        media.begin(owner, size);
        const chunks: Buffer[] = [];
        for await (const chunk of body) {
          media.update(chunk);
          if (to !== undefined) chunks.push(chunk);
        }
        await hand(to?.media(owner, Buffer.concat(chunks)));
      } else if (name === SECRET && size <= 1_024 && secret === null) {
        secret = (await all(body)).toString("utf8");
      } else if (name === MANIFEST && size <= MAX_MANIFEST) {
        last = await all(body);
      } else throw new Error(`${name.slice(0, 100)} is not of a backup`);
    }
    if (last === null) throw new Error("it has no manifest");
  } catch (error) {
    if (error === theirs || !isFault(error)) throw error;
    const what = names === 0 ? "is not a backup of Ayni" : "is damaged";
    throw new Error(`The file ${what} (${(error as Error).message}). Nothing was changed.`, { cause: error });
  }
  return { manifest: proven(last, tables, media.end(), secret), secret };
}

function tableDigest() {
  const hash = createHash("sha256");
  let bytes = 0;
  return {
    pieces: 0,
    update(chunk: Buffer) {
      hash.update(chunk);
      bytes += chunk.length;
    },
    end: () => ({ bytes, sha256: hash.digest("hex") }),
  };
}

function proven(
  text: Buffer,
  tables: Map<string, ReturnType<typeof tableDigest>>,
  media: { files: number; bytes: number; sha256: string },
  secret: string | null,
): Manifest {
  const damaged = (what: string) =>
    new Error(`The backup is damaged: ${what} is not what was written. Nothing was changed.`);
  let json: unknown;
  try {
    json = JSON.parse(text.toString("utf8"));
  } catch {
    throw damaged("its manifest");
  }
  const { format } = z.object({ format: z.number() }).catch({ format: 0 }).parse(json);
  if (format > FORMAT) throw new Error("The backup was made by a newer version of Ayni: use that one.");
  const read = manifest.safeParse(json);
  if (!read.success) throw damaged("its manifest");
  const said = read.data;
  for (const table of said.tables) {
    const found = tables.get(table.name)?.end() ?? tableDigest().end();
    tables.delete(table.name);
    if (found.bytes !== table.bytes || found.sha256 !== table.sha256)
      throw damaged(`the table ${table.name}`);
  }
  const [extra] = tables.keys();
  if (extra !== undefined) throw damaged(`the table ${extra}`);
  if (media.sha256 !== said.media.sha256 || media.files !== said.media.files)
    throw damaged("an uploaded file");
  if (said.secret.included !== (secret !== null)) throw damaged("the secret");
  if (secret !== null && markOf(secret) !== said.secret.mark) throw damaged("the secret");
  return said;
}

/** Of the archive: plain errors of its reader, and those of zlib. */
function isFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error.constructor === Error;
  return /^(Z_|ZSTD_|ERR_ZLIB|ERR_STREAM_PREMATURE)/.test(code);
}

async function all(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
