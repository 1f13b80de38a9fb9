import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { LOCALES } from "../../src/locales/index.ts";
import { HomePage } from "../../src/views/home/home-page.tsx";
import { pageContext, post, proposal, VIEWER } from "./example.ts";
import { allPages } from "./pages.tsx";

const VIEWS = join(import.meta.dirname, "../../src/views");
const KB = 1024;
let styles = 0;
let script = 0;

beforeAll(async () => {
  const options = { bundle: true, minify: true, write: false } as const;
  const first = ["tokens.css", "base.css", "components.css"];
  const files = [...first, ...readdirSync(join(VIEWS, "styles")).filter((name) => !first.includes(name))];
  const [css, js] = await Promise.all([
    build({
      ...options,
      stdin: {
        contents: files.map((file) => `@import "./${file}";`).join("\n"),
        resolveDir: join(VIEWS, "styles"),
        loader: "css",
      },
    }),
    build({ ...options, entryPoints: [join(VIEWS, "client/main.ts")], format: "esm" }),
  ]);
  styles = compressed(css.outputFiles[0]?.contents ?? new Uint8Array());
  script = compressed(js.outputFiles[0]?.contents ?? new Uint8Array());
});

function compressed(content: Uint8Array | string): number {
  return gzipSync(content).length;
}

test("styles and script stay small", () => {
  expect(styles).toBeGreaterThan(1 * KB);
  expect(styles).toBeLessThan(15 * KB);
  expect(script).toBeGreaterThan(100);
  expect(script).toBeLessThan(15 * KB);
});

test.each(LOCALES)("every page in %s is light enough for a weak connection", (locale) => {
  for (const [name, page] of Object.entries(allPages(locale))) {
    expect(compressed(String(page)) + styles + script, name).toBeLessThan(25 * KB);
  }
});

test("a full timeline of long posts stays within 45 kB", () => {
  // Words without repetition compress badly: this is the worst a page of 20 posts gets.
  let seed = 7;
  const word = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed.toString(36).slice(0, 3 + (seed % 6));
  };
  const long = () => `<p>${Array.from({ length: 120 }, word).join(" ")}</p>`;
  const html = String(
    <HomePage
      page={pageContext("ar", { viewer: VIEWER })}
      timeline="hub"
      posts={{ items: Array.from({ length: 20 }, () => post({ content: long() })), before: 1n }}
      latest={Array.from({ length: 4 }, () => proposal())}
    />,
  );
  expect(html.length).toBeGreaterThan(20_000);
  expect(compressed(html) + styles + script).toBeLessThan(45 * KB);
});
