import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, opendir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Files } from "./domain/context.ts";

/** Bytes that belong to rows, in a folder: `ab/cd/abcd…`, the name being a hash. What is on its way is in `incoming`. */
export function createFiles(folder: string): Files {
  const incoming = join(folder, "incoming");
  const place = (name: string) => join(folder, name.slice(0, 2), name.slice(2, 4), name);
  const temporary = async () => {
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    return join(incoming, randomBytes(12).toString("hex"));
  };

  return {
    async put(name, bytes) {
      const from = await temporary();
      const file = await open(from, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      const to = place(name);
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      // Over one that is there already, too: it is younger then, and not swept before its row is written.
      await rename(from, to);
      await syncFolder(dirname(to));
    },
    async read(name) {
      const path = place(name);
      const found = await stat(path).catch(absent);
      if (found === null) return null;
      return { bytes: found.size, stream: () => Readable.toWeb(createReadStream(path)) as ReadableStream };
    },
    async spool(chunks) {
      const path = await temporary();
      const remove = () => rm(path, { force: true });
      try {
        await pipeline(chunks, createWriteStream(path, { flags: "wx", mode: 0o600 }));
      } catch (error) {
        await remove();
        throw error;
      }
      return { bytes: () => readFile(path), remove };
    },
    async sweep(before, isKept) {
      for await (const path of filesIn(folder)) {
        if (!(await isOld(path, before))) continue;
        if (dirname(path) === incoming) await rm(path, { force: true });
        else if (!(await isKept(basename(path)))) await removeOld(path, before, await temporary());
      }
    },
  };
}

/** Somebody may put the same file at this moment: it is taken out of the way first, and put back if it was not the old one. */
async function removeOld(path: string, before: Date, aside: string): Promise<void> {
  await rename(path, aside);
  if (await isOld(aside, before)) await rm(aside, { force: true });
  else await rename(aside, path);
}

async function isOld(path: string, before: Date): Promise<boolean> {
  const found = await stat(path).catch(absent);
  return found !== null && found.mtimeMs < before.getTime();
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  const entries = await opendir(folder).catch(absent);
  if (entries === null) return;
  for await (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
