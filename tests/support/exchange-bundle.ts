import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

let bundled: Promise<string> | undefined;

/**
 * `exchange-process.ts` as one file, which starts in a fraction of the time: it is started again for every call of every
 * intention. Where packages with native parts are found.
 */
export function bundledProcess(): Promise<string> {
  bundled ??= (async () => {
    const outfile = path(`../../node_modules/.cache/ayni-tests/exchange-${process.pid}.mjs`);
    const banner =
      'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
    await build({
      entryPoints: [path("./exchange-process.ts")],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node26",
      logLevel: "error",
      external: ["@node-rs/*", "sharp"],
      banner: { js: banner },
    });
    return outfile;
  })();
  return bundled;
}
