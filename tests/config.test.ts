import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConfigError, readConfig } from "../src/config.ts";

/** Every variable empty, which means not set, whatever the machine's own environment says. */
const NOTHING = {
  ...{ PORT: "", HOST: "", AYNI_ORIGIN: "", DATABASE_URL: "", AYNI_ROLE: "", AYNI_EGRESS_ALLOW: "" },
  ...{ SMTP_URL: "", AYNI_MAIL_FROM: "", AYNI_MEDIA: "", AYNI_DATA_DIR: "/tmp/ayni" },
  ...{ AYNI_TRUST_PROXY: "", AYNI_LOG: "", AYNI_SECRET: "s".repeat(32) },
};

function complaint(overrides: Record<string, string>): string | null {
  try {
    readConfig({ ...NOTHING, ...overrides });
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

test("without anything set it is a hub on this machine", () => {
  expect(readConfig(NOTHING)).toMatchObject({
    ...{ port: 3000, host: "127.0.0.1", origin: "http://localhost:3000", databaseUrl: null, role: "all" },
    ...{ egressAllow: [], trustProxy: [], log: "info" },
    ...{ smtpUrl: null, mailFrom: null, mediaDir: "/tmp/ayni/media" },
  });
  expect(readConfig({ ...NOTHING, PORT: "0" }).origin).toBeNull();
});

test.each([
  [{ AYNI_ORIGIN: "https://Hub.Example:443/" }, { origin: "https://hub.example" }],
  [{ AYNI_ORIGIN: "https://مثال.إختبار" }, { origin: "https://xn--mgbh0fb.xn--kgbechtv" }],
  [{ AYNI_EGRESS_ALLOW: " 127.0.0.1:4000, [::1]:4001 ," }, { egressAllow: ["127.0.0.1:4000", "[::1]:4001"] }],
  [{ AYNI_TRUST_PROXY: "10.0.0.0/8,fd00::/8,::1" }, { trustProxy: ["10.0.0.0/8", "fd00::/8", "::1"] }],
  [{ SMTP_URL: "smtps://u:p%40@mail.example:465" }, { smtpUrl: "smtps://u:p%40@mail.example:465" }],
  [{ AYNI_MEDIA: "/srv/media" }, { mediaDir: "/srv/media" }],
])("%o is read as %o", (overrides, expected) => {
  expect(readConfig({ ...NOTHING, ...overrides })).toMatchObject(expected);
});

test.each([
  ["PORT", ["-1", "65536", "80.5", "http"]],
  [
    "AYNI_ORIGIN",
    ["hub.example", "ftp://hub.example", "https://hub.example/path", "https://a:b@hub.example"],
  ],
  ["DATABASE_URL", ["mysql://db", "db.example"]],
  ["AYNI_ROLE", ["both"]],
  ["AYNI_EGRESS_ALLOW", ["true", "127.0.0.1", "localhost:4000", "127.0.0.1:0", "::1:4000", "*"]],
  ["AYNI_TRUST_PROXY", ["true", "10.0.0.0/33", "fd00::/129", "proxy.example", "10.0.0.0/"]],
  ["AYNI_SECRET", ["short"]],
  ["AYNI_LOG", ["loud"]],
  ["SMTP_URL", ["mail.example", "http://mail.example", "smtp://", "smtp:mail.example"]],
  ["AYNI_MAIL_FROM", ["hub", "Hub <hub@example.org>", "a@b\r\nBcc: c@d"]],
  ["AYNI_MEDIA", ["s3://bucket", "https://bucket.example"]],
])("a wrong %s is named", (name, values) => {
  for (const value of values)
    expect([value, complaint({ [name]: value })]).toEqual([value, expect.stringContaining(name)]);
});

test("every mistake is told at once", () => {
  const told = complaint({ PORT: "x", AYNI_LOG: "loud", AYNI_ROLE: "both" }) ?? "";
  expect(told.split("\n").map((line) => line.split(":")[0])).toEqual(["PORT", "AYNI_ROLE", "AYNI_LOG"]);
});

test("several processes need a database that they can share", () => {
  for (const AYNI_ROLE of ["web", "worker"]) {
    expect(complaint({ AYNI_ROLE })).toContain("DATABASE_URL");
    expect(complaint({ AYNI_ROLE, DATABASE_URL: "postgres://db/ayni" })).toBeNull();
  }
});

test("a secret is made once, for its owner's eyes, and a damaged one is not used", () => {
  const AYNI_DATA_DIR = mkdtempSync(join(tmpdir(), "ayni-config-"));
  const unset = { ...NOTHING, AYNI_SECRET: "", AYNI_DATA_DIR };
  const { secret } = readConfig(unset);
  expect(secret.length).toBeGreaterThanOrEqual(43);
  expect(readConfig(unset).secret).toBe(secret);
  const file = join(AYNI_DATA_DIR, "secret");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toBe(secret);
  writeFileSync(file, "");
  expect(complaint({ AYNI_SECRET: "", AYNI_DATA_DIR })).toContain("damaged");
});
