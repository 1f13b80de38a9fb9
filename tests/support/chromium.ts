import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { inflateSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";
import { inject } from "vitest";
import { connect } from "../../src/db/connect.ts";

/** What the browser needs beside itself comes from packages: a bare machine has neither its libraries nor fonts. */
const PACKAGE = "@sparticuz/chromium";
const ARABIC = "@fontsource/noto-sans-arabic";
const MODULES = join(import.meta.dirname, "../../node_modules");
const require = createRequire(import.meta.url);

/** Starts Chromium, unpacked before where it never ran. It reaches this machine only. */
export async function launch(): Promise<Browser> {
  const directory = await unpacked();
  return chromium.launch({
    executablePath: join(directory, "chromium"),
    args: [
      // The tests' pages are ours, and a container's root may not make sandboxes.
      "--no-sandbox",
      "--no-zygote",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--font-render-hinting=none",
      // Nothing listens there, and whatever is not on loopback goes there.
      "--proxy-server=http://127.0.0.1:9",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
    env: {
      HOME: directory,
      TMPDIR: tmpdir(),
      LD_LIBRARY_PATH: join(directory, "al2023/lib"),
      FONTCONFIG_FILE: join(directory, "fonts.conf"),
    },
  });
}

/**
 * The directory of the unpacked browser, one for each version of the package. The package unpacks into the temporary
 * directory and takes whatever lies there for whole, so it is given one of its own, which gets its name when it is complete.
 */
async function unpacked(): Promise<string> {
  const { version } = require(join(MODULES, PACKAGE, "package.json")) as { version: string };
  const cache = join(MODULES, ".cache/chromium");
  const directory = join(cache, version);
  if (existsSync(directory)) return directory;
  // Files of a run wait for the first of them; the lock goes with the connection, whatever happens to its owner.
  const sql = connect(inject("clusterUrl"), { max: 1 });
  try {
    await sql`select pg_advisory_lock(hashtext('chromium'))`;
    if (existsSync(directory)) return directory;
    await mkdir(cache, { recursive: true });
    const fresh = await mkdtemp(join(cache, "unpacking-"));
    await promisify(execFile)(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `await (await import(${JSON.stringify(PACKAGE)})).default.executablePath()`,
      ],
      // Under this name it brings the libraries along.
      { env: { PATH: process.env.PATH, TMPDIR: fresh, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" } },
    );
    const files = join(MODULES, ARABIC, "files");
    for (const weight of [400, 700]) {
      const woff = await readFile(join(files, `noto-sans-arabic-arabic-${weight}-normal.woff`));
      await writeFile(join(fresh, "fonts", `arabic-${weight}.ttf`), sfnt(woff));
    }
    await writeFile(join(fresh, "fonts.conf"), fontConfiguration(directory));
    await rename(fresh, directory).catch(async (error: NodeJS.ErrnoException) => {
      // Another run was faster.
      if (!existsSync(directory)) throw error;
      await rm(fresh, { recursive: true });
    });
    return directory;
  } finally {
    await sql.end();
  }
}

function fontConfiguration(directory: string): string {
  return [
    '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>',
    `<dir>${join(directory, "fonts")}</dir>`,
    `<cachedir>${join(directory, "fonts-cache")}</cachedir>`,
    "</fontconfig>",
  ].join("\n");
}

/**
 * The TrueType font in a WOFF 1.0 file (https://www.w3.org/TR/WOFF/): Chromium takes no packed fonts from the system, and
 * the packages carry no others.
 */
function sfnt(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12);
  const head = Buffer.alloc(12 + 16 * count);
  woff.copy(head, 0, 4, 8);
  head.writeUInt16BE(count, 4);
  const power = Math.floor(Math.log2(count));
  head.writeUInt16BE(16 << power, 6);
  head.writeUInt16BE(power, 8);
  head.writeUInt16BE(16 * count - (16 << power), 10);
  const parts = [head];
  let end = head.length;
  for (let table = 0; table < count; table++) {
    const entry = 44 + 20 * table;
    const [offset, packed, length] = [4, 8, 12].map((at) => woff.readUInt32BE(entry + at)) as [
      number,
      number,
      number,
    ];
    const bytes = woff.subarray(offset, offset + packed);
    const target = 12 + 16 * table;
    woff.copy(head, target, entry, entry + 4);
    woff.copy(head, target + 4, entry + 16, entry + 20);
    head.writeUInt32BE(end, target + 8);
    head.writeUInt32BE(length, target + 12);
    const padded = Buffer.alloc(Math.ceil(length / 4) * 4);
    (packed < length ? inflateSync(bytes) : bytes).copy(padded);
    parts.push(padded);
    end += padded.length;
  }
  return Buffer.concat(parts);
}
