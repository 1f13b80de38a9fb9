import { once } from "node:events";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";

/** Blocks of a tar file (POSIX.1-1988, ustar); `tar --zstd -xf` reads what is written here. */
const BLOCK = 512;
const READ = 65_536;
const MAX_SIZE = 0o7_777_777_777;

/** One file of an archive. Its body is read before the next part is asked for, or skipped. */
export interface Part {
  name: string;
  size: number;
  body: AsyncIterable<Buffer>;
}

export interface ArchiveWriter {
  add(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws Error when there are not exactly `size` bytes */
  addStream(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Gives the file its name, once all of it is on the disk. @returns its size in bytes */
  finish(): Promise<number>;
  /** Leaves nothing behind; after `finish` it does nothing. */
  abandon(): Promise<void>;
}

/**
 * Writes a compressed archive under a temporary name beside its own, readable by its owner alone: who looks at `path` finds a whole
 * archive or none. A file that is there is replaced when the new one is whole.
 */
export async function createArchive(path: string): Promise<ArchiveWriter> {
  const temporary = `${path}.part-${process.pid}`;
  const file = await open(temporary, "w", 0o600);
  const zstd = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const written = (async () => {
    for await (const chunk of zstd) await file.writeFile(chunk as Buffer);
  })();
  written.catch(() => {});
  let unfinished = true;

  async function write(bytes: Uint8Array): Promise<void> {
    // A full disk ends the other side; nothing more is asked for then.
    if (zstd.destroyed) await written;
    if (!zstd.write(bytes)) await Promise.race([once(zstd, "drain"), written]);
  }

  async function addStream(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await write(header(name, size));
    let sum = 0;
    for await (const chunk of chunks) {
      sum += chunk.length;
      if (sum > size) break;
      await write(chunk);
    }
    if (sum !== size) throw new Error(`${name} changed while it was read.`);
    await write(Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
  }

  return {
    addStream,
    async add(name, bytes) {
      await write(header(name, bytes.length));
      await write(bytes);
      await write(Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
    },
    async finish() {
      zstd.end(Buffer.alloc(2 * BLOCK));
      await written;
      await file.sync();
      const { size } = await file.stat();
      await file.close();
      unfinished = false;
      await rename(temporary, path);
      const folder = await open(dirname(path));
      await folder.sync().finally(() => folder.close());
      return size;
    },
    async abandon() {
      if (!unfinished) return;
      unfinished = false;
      zstd.destroy();
      await written.catch(() => {});
      await file.close();
      await rm(temporary, { force: true });
    },
  };
}

/**
 * The parts of an archive, in their order, from its beginning.
 *
 * @throws Error when the file is no archive, or ends too early, or its compression does not add up
 */
export async function* readArchive(file: FileHandle): AsyncGenerator<Part> {
  const zstd = createZstdDecompress();
  const reading = pipeline(bytesOf(file), zstd);
  reading.catch(() => {});
  const bytes = reader(zstd);
  try {
    for (;;) {
      const block = await bytes.exactly(BLOCK);
      if (block.every((byte) => byte === 0)) break;
      const { name, size } = parseHeader(block);
      let left = size;
      const body = (async function* () {
        while (left > 0) {
          const chunk = await bytes.some(left);
          left -= chunk.length;
          yield chunk;
        }
      })();
      yield { name, size, body };
      while (left > 0) left -= (await bytes.some(left)).length;
      await bytes.exactly((BLOCK - (size % BLOCK)) % BLOCK);
    }
    await bytes.exactly(BLOCK);
    if (!(await bytes.atEnd())) throw new Error("there is more after its end");
    await reading;
  } finally {
    zstd.destroy();
    await reading.catch(() => {});
  }
}

async function* bytesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ), 0, READ, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function reader(source: AsyncIterable<Buffer>) {
  const chunks = source[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);

  async function some(most: number): Promise<Buffer> {
    while (rest.length === 0) {
      const { done, value } = await chunks.next();
      if (done) throw new Error("it ends too early");
      rest = value as Buffer<ArrayBuffer>;
    }
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    return taken;
  }

  return {
    some,
    async exactly(size: number): Promise<Buffer> {
      const taken: Buffer[] = [];
      for (let left = size; left > 0; left -= taken.at(-1)!.length) taken.push(await some(left));
      return Buffer.concat(taken);
    },
    async atEnd(): Promise<boolean> {
      return rest.length === 0 && (await chunks.next()).done === true;
    },
  };
}

function header(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 99 || size > MAX_SIZE) throw new Error(`${name} does not fit into a backup.`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  block.write(name, 0);
  block.write(octal(0o600, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write("        ", 148);
  block.write("0", 156);
  block.write("ustar\x0000", 257);
  block.write(`${sumOf(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function parseHeader(block: Buffer): { name: string; size: number } {
  const text = (from: number, length: number) =>
    block.toString("utf8", from, from + length).replace(/[\0 ].*$/s, "");
  const sum = Number.parseInt(text(148, 8), 8);
  const size = Number.parseInt(text(124, 12), 8);
  const blank = Buffer.from(block);
  blank.write("        ", 148);
  if (text(257, 5) !== "ustar" || sum !== sumOf(blank) || !(size >= 0)) throw new Error("it is no archive");
  return { name: text(0, 100), size };
}

function sumOf(block: Buffer): number {
  return block.reduce((sum, byte) => sum + byte, 0);
}
