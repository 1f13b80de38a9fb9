import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { Plugin } from "vitest/config";

const ROOT = join(import.meta.dirname, "../..");

/** Packages in many small files, without native parts. */
const PACKAGES = [
  ...["drizzle-orm", "drizzle-orm/pg-core", "drizzle-orm/postgres-js"],
  ...["@fedify/fedify", "@fedify/vocab", "@fedify/vocab-runtime"],
  ...["@hono/node-server", "@hono/zod-openapi", "hono", "hono/compress", "hono/cookie", "hono/cors"],
  ...["hono/factory", "hono/html", "hono/jsx", "hono/jsx/jsx-runtime", "hono/jsx/jsx-dev-runtime"],
  ...["hono/secure-headers", "@logtape/logtape", "zod"],
];

/**
 * Every test file loads the packages anew, and finding a package's hundreds of files takes longer than running them: each is given
 * to the tests as one file, as it is in the hub's bundle. Made once for a state of the lock file.
 */
export function bundledPackages(): Plugin {
  const lock = readFileSync(join(ROOT, "package-lock.json"));
  const state = createHash("sha256")
    .update(lock)
    .update(readFileSync(import.meta.filename))
    .digest("hex");
  const folder = join(ROOT, "node_modules/.cache/ayni-tests", `packages-${state.slice(0, 12)}`);
  const files = new Map(PACKAGES.map((name) => [name, join(folder, `${name}.mjs`)]));
  return {
    name: "ayni:packages",
    enforce: "pre",
    async buildStart() {
      if (!existsSync(folder)) await bundle(folder);
    },
    resolveId: (name) => files.get(name) ?? null,
  };
}

async function bundle(folder: string): Promise<void> {
  const making = `${folder}.${process.pid}`;
  await mkdir(dirname(folder), { recursive: true });
  await build({
    entryPoints: PACKAGES.map((name) => ({ in: name, out: name })),
    absWorkingDir: ROOT,
    outdir: making,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node26",
    logLevel: "error",
    // Used by the sources too, and there must be one of each.
    external: ["undici", "postgres"],
    banner: {
      js: 'import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);',
    },
  });
  // Another run may have been faster.
  await rename(making, folder).catch(() => rm(making, { recursive: true }));
}
