import type { Command } from "commander";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createProgram } from "../../src/commands/program.ts";
import { testDatabase } from "../support/database.ts";
import { PASSWORD } from "../support/hub.ts";
import { build, makeHome, setUp } from "../support/processes.ts";
import { startRemote } from "../support/remote-server.ts";
import { startSmtp } from "../support/smtp.ts";

beforeAll(build, 120_000);
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Runs a command in this process. @returns what it would say on stderr */
async function failure(args: string[]): Promise<string> {
  let said = "";
  const program = createProgram();
  const quiet = (command: Command) => {
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text), writeOut: () => {} });
    command.commands.forEach(quiet);
  };
  quiet(program);
  return program.parseAsync(args, { from: "user" }).then(
    () => "nothing",
    (error: Error) => said || error.message,
  );
}

test("every command has a help that says what it expects", () => {
  const names: string[] = [];
  const visit = (command: Command, path: string) => {
    const help = command.helpInformation();
    expect(help).toContain(`Usage: ${path}`);
    expect([path, command.description().length > 10]).toEqual([path, true]);
    for (const option of command.options)
      expect([path, option.flags, option.description]).toContainEqual(expect.stringMatching(/\w{4}/));
    names.push(path);
    for (const child of command.commands) visit(child, `${path} ${child.name()}`);
  };
  visit(createProgram(), "ayni");
  for (const name of [
    "serve",
    "worker",
    "migrate",
    "setup",
    "account create",
    "organization create",
    "token create",
    "token list",
    "token revoke",
    "agreement verify",
    "backup",
    "restore",
    "ledger check",
    "ledger prove",
    "ledger verify",
    ...["add", "list", "accept", "revise", "reject", "drain", "resume", "freeze", "unfreeze", "close"].map(
      (name) => `peer ${name}`,
    ),
    "peer key",
    "peer copy",
    "doctor",
  ])
    expect(names).toContain(`ayni ${name}`);
});

describe("a command that cannot do what it says", () => {
  const account = [
    "account",
    "create",
    "--handle",
    "luz",
    "--email",
    "luz@example.org",
    "--password",
    PASSWORD,
  ];
  const setup = [
    "setup",
    "--name",
    "Hub",
    "--admin-handle",
    "ana",
    "--admin-email",
    "ana@example.org",
    "--admin-password",
  ];

  beforeAll(async () => {
    const { url } = await testDatabase();
    const env = { DATABASE_URL: url, AYNI_SECRET: "a secret of the tests and of nothing else" };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(await failure([...setup, PASSWORD])).toBe("nothing");
    vi.unstubAllEnvs();
    Object.assign(environment, env);
  });
  const environment: Record<string, string> = {};

  test.each<[string[], RegExp]>([
    [["nonsense"], /unknown command/],
    [["account", "nonsense"], /unknown command/],
    [["setup"], /--name/],
    [["account", "create"], /--handle/],
    [[...account, "--shout"], /unknown option/],
    [[...account, "--role", "boss"], /--role must be one of/],
    [[...account, "--locale", "xx"], /--locale must be one of/],
    [[...account, "--handle", "no spaces"], /handle has 2 to 30/],
    [[...account, "--handle", "hub"], /reserved/],
    [[...account, "--handle", "ana"], /taken/],
    [[...account, "--email", "nobody"], /e-mail/],
    [[...account, "--email", "ANA@example.org"], /e-mail address/],
    [[...account, "--password", "short"], /password/],
    [["organization", "create", "--handle", "x1", "--name", "X", "--representative", "nobody"], /account/],
    [["organization", "create", "--handle", "ana", "--name", "X", "--representative", "ana"], /taken/],
    [["token", "create", "--account", "ana", "--scopes", "everything"], /scopes are of/],
    [["token", "create", "--account", "ana", "--scopes", ""], /scopes are of/],
    [["token", "create", "--account", "ana", "--as", "nobody"], /./],
    [["token", "create", "--account", "nobody"], /account/],
    [["token", "list", "--account", "nobody"], /account/],
    [["token", "revoke", "0123456789ab", "--account", "ana"], /no such token/],
  ])("%s", async (args, told) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    expect(await failure(args)).toMatch(told);
  });

  test("before the setup: what needs a hub says so", async () => {
    vi.stubEnv("DATABASE_URL", (await testDatabase()).url);
    vi.stubEnv("AYNI_SECRET", "a secret of the tests and of nothing else");
    expect(await failure(account)).toMatch(/not set up/);
  });
});

test("processes: setup twice, account, organization and token; the hub then has them", async () => {
  const { url, sql } = await testDatabase();
  const home = await makeHome({ DATABASE_URL: url });
  await setUp(home);
  await setUp(home);
  const luz = ["--handle", "luz", "--email", "luz@example.org", "--password", PASSWORD, "--role", "curator"];
  const steps: [string[], RegExp][] = [
    [["account", "create", ...luz], /^Created @luz@.*\n$/],
    [
      ["organization", "create", "--handle", "raices", "--name", "Raíces", "--representative", "luz"],
      /^Created @raices@.*\n$/,
    ],
    [
      ["token", "create", "--account", "luz", "--as", "raices", "--scopes", "exchange:read read"],
      /^ayni_[\w-]{43}\n$/,
    ],
    [["token", "list", "--account", "luz"], /^[0-9a-f]{12}\t@raices\tread exchange:read\t2.*Z\n$/],
  ];
  for (const [args, told] of steps) {
    const { status, stdout, stderr } = await home.ayni(...args);
    expect([args, status, stderr]).toEqual([args, 0, ""]);
    expect(stdout).toMatch(told);
  }
  const [id = ""] = (await home.ayni("token", "list", "--account", "luz")).stdout.split("\t");
  expect((await home.ayni("token", "revoke", id, "--account", "luz")).stdout).toBe(
    `The token ${id} is revoked.\n`,
  );
  expect((await home.ayni("token", "list", "--account", "luz")).stdout).toBe("");
  expect(await sql`select handle from actors where host is null order by handle`).toEqual(
    ["ana", "hub", "luz", "raices"].map((handle) => ({ handle })),
  );
}, 300_000);

test("processes: the doctor says whether mails can be sent", async () => {
  const { url } = await testDatabase();
  const home = await makeHome({ DATABASE_URL: url });
  await setUp(home);
  const smtp = await startSmtp();
  const cases: [string, RegExp][] = [
    ["", /^ok +Mails are written to/m],
    [smtp.url, /^ok +The mail server answers/m],
    // Where nobody listens.
    ["smtp://127.0.0.1:1", /^WRONG The mail server does not take mails \(ESOCKET: .*\n +Look at SMTP_URL/m],
  ];
  for (const [SMTP_URL, told] of cases) {
    const { port: _, ...other } = await makeHome({ ...home.env, SMTP_URL });
    expect((await other.ayni("doctor")).stdout).toMatch(told);
  }
  expect(smtp.taken).toEqual([]);
}, 300_000);

test("processes: what cannot start says why in a sentence, on stderr, and exits 1", async () => {
  const { url } = await testDatabase();
  const taken = await startRemote();
  const home = await makeHome({ DATABASE_URL: url });
  await setUp(home);
  const newer = await testDatabase();
  await newer.sql`insert into migrations (name, sha256) values ('9999_later', 'x')`;
  const cases: [Record<string, string>, RegExp][] = [
    [{ PORT: "http", AYNI_LOG: "loud" }, /^ayni: PORT: .*\nAYNI_LOG: .*\n$/],
    [{ PORT: new URL(taken.origin).port }, /Port \d+ is taken by another program/],
    [{ HOST: "no.such.host.invalid" }, /HOST=no\.such\.host\.invalid/],
    [{ HOST: "192.0.2.1" }, /HOST=192\.0\.2\.1/],
    [{ AYNI_ORIGIN: "https://other.example" }, new RegExp(`Set AYNI_ORIGIN=${home.origin}`)],
    [{ DATABASE_URL: "postgres://ayni@127.0.0.1:1/ayni" }, /database cannot be reached: .*DATABASE_URL/],
    [
      { DATABASE_URL: "postgres://ayni@no.such.host.invalid/ayni" },
      /database cannot be reached: .*DATABASE_URL/,
    ],
    [{ DATABASE_URL: newer.url }, /9999_later.*newer version/],
  ];
  for (const [change, told] of cases) {
    const { port: _, ...wrong } = await makeHome({ ...home.env, ...change });
    const { status, stdout, stderr } = await wrong.ayni("serve");
    expect([change, status]).toEqual([change, 1]);
    expect(stderr).toMatch(told);
    expect(stdout + stderr).not.toMatch(/^\s+at /m);
  }
  await taken.close();
}, 300_000);
