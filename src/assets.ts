import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Asset {
  type: string;
  body: Buffer;
  gzip: Buffer;
  brotli: Buffer;
}

export interface Assets {
  /** Addresses for pages. */
  style: string;
  script: string | null;
  /** By path, `/assets/…`. Their names carry a hash of what is in them, so they may be kept for ever. */
  files: Map<string, Asset>;
}

const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** Style sheet and browser code as `scripts/build.mjs` made and compressed them. */
export function loadAssets(): Assets {
  // Beside the bundle when it runs from dist/, in dist/ when it runs from the sources.
  const folders = [join(import.meta.dirname, "assets"), join(import.meta.dirname, "../dist/assets")];
  const folder = folders.find((path) => existsSync(join(path, "manifest.json")));
  if (folder === undefined) throw new Error("The style sheet is not built: run `node scripts/build.mjs`.");
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Record<string, string>;
  const files = new Map(
    Object.values(manifest).map((path) => {
      const file = join(folder, path.replace("/assets/", ""));
      const read = (coding: string) => readFileSync(file + coding);
      const type = TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream";
      return [path, { type, body: read(""), gzip: read(".gz"), brotli: read(".br") }];
    }),
  );
  const style = manifest["style.css"];
  if (style === undefined) throw new Error("The build has no style.css.");
  return { style, script: manifest["main.js"] ?? null, files };
}
