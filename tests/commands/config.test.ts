import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ConfigError, readConfig } from "../../src/config.ts";

const dataDir = mkdtempSync(join(tmpdir(), "ayni-config-"));
afterAll(() => rmSync(dataDir, { recursive: true }));

/** Reads nothing but what is given. */
function read(env: Record<string, string>) {
  const unset = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(PORT|HOST|DATABASE_URL|AYNI_.*)$/.test(name))
      .map((name) => [name, ""]),
  );
  return readConfig({ ...unset, AYNI_DATA_DIR: dataDir, ...env });
}

function mistakes(env: Record<string, string>): string {
  try {
    read(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return "none";
}

describe("a mistake in the environment is told by its name and what it should look like", () => {
  test.each([
    ["PORT", "http", /^PORT: .*number/],
    ["PORT", "70000", /^PORT: .*65535/],
    ["PORT", "-1", /^PORT: /],
    ["PORT", "80.5", /^PORT: /],
    ["AYNI_ORIGIN", "hub.example", /^AYNI_ORIGIN: .*https:\/\/hub\.example/],
    ["AYNI_ORIGIN", "https://hub.example/path", /^AYNI_ORIGIN: .*path/],
    ["AYNI_ORIGIN", "ftp://hub.example", /^AYNI_ORIGIN: /],
    ["AYNI_ORIGIN", "https://user@hub.example", /^AYNI_ORIGIN: /],
    ["DATABASE_URL", "mysql://localhost/x", /^DATABASE_URL: .*postgres:\/\//],
    ["AYNI_DATA_DIR", "/dev/null", /^AYNI_DATA_DIR: \/dev\/null/],
    ["AYNI_DATA_DIR", "/dev/null/below", /^AYNI_DATA_DIR: \/dev\/null\/below/],
    ["AYNI_ROLE", "boss", /^AYNI_ROLE: .*all.*web.*worker/],
    ["AYNI_ROLE", "worker", /^DATABASE_URL: .*AYNI_ROLE/],
    ["AYNI_EGRESS_ALLOW", "localhost:4000", /^AYNI_EGRESS_ALLOW: .*127\.0\.0\.1:4000/],
    ["AYNI_EGRESS_ALLOW", "127.0.0.1", /^AYNI_EGRESS_ALLOW: /],
    ["AYNI_EGRESS_ALLOW", "999.0.0.1:4000", /^AYNI_EGRESS_ALLOW: /],
    ["AYNI_EGRESS_ALLOW", "127.0.0.1:70000", /^AYNI_EGRESS_ALLOW: /],
    ["AYNI_EGRESS_ALLOW", "[::g]:4000", /^AYNI_EGRESS_ALLOW: /],
    ["AYNI_SECRET", "short", /^AYNI_SECRET: .*32/],
    ["AYNI_TRUST_PROXY", "proxy.example", /^AYNI_TRUST_PROXY: .*10\.0\.0\.0\/8/],
    ["AYNI_TRUST_PROXY", "1.2.3", /^AYNI_TRUST_PROXY: /],
    ["AYNI_TRUST_PROXY", "10.0.0.0/33", /^AYNI_TRUST_PROXY: /],
    ["AYNI_LOG", "loud", /^AYNI_LOG: .*info/],
  ])("%s=%s", (name, value, told) => {
    expect(mistakes({ [name]: value })).toMatch(told);
  });

  test("all of them at once", () => {
    expect(mistakes({ PORT: "x", AYNI_LOG: "loud" })).toMatch(/^PORT: .*\nAYNI_LOG: .*$/);
  });
});

test("an empty variable is one that is not set", () => {
  const config = read({ PORT: "", AYNI_ORIGIN: "", DATABASE_URL: "", AYNI_EGRESS_ALLOW: "" });
  expect(config).toMatchObject({
    ...{ port: 3000, host: "127.0.0.1", origin: "http://localhost:3000", databaseUrl: null },
    ...{ role: "all", egressAllow: [], trustProxy: [], log: "info" },
  });
});

test("what is right is taken", () => {
  const config = read({
    ...{ PORT: "0", HOST: "::1", DATABASE_URL: "postgresql://u@h/d", AYNI_ROLE: "web" },
    ...{ AYNI_EGRESS_ALLOW: "127.0.0.1:4000, [::1]:4000", AYNI_TRUST_PROXY: "10.0.0.0/8,::1,fd00::/8" },
  });
  expect(config).toMatchObject({
    ...{ port: 0, host: "::1", origin: null, databaseUrl: "postgresql://u@h/d", role: "web" },
    ...{ egressAllow: ["127.0.0.1:4000", "[::1]:4000"], trustProxy: ["10.0.0.0/8", "::1", "fd00::/8"] },
  });
  expect(read({ AYNI_ORIGIN: "https://HUB.example/" }).origin).toBe("https://hub.example");
});

test("the secret is made once and kept", () => {
  const { secret } = read({});
  expect(Buffer.from(secret, "base64url")).toHaveLength(32);
  expect(read({}).secret).toBe(secret);
  expect(read({ AYNI_SECRET: "x".repeat(32) }).secret).toBe("x".repeat(32));
});
