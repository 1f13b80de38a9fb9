import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { join, resolve } from "node:path";
import { z } from "zod";

const port = z.coerce
  .number()
  .refine((n) => Number.isInteger(n) && n >= 0 && n <= 65535, "must be a number from 0 to 65535");

/** An origin: scheme, host and port, nothing else. */
const origin = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (
    url === null ||
    !["http:", "https:"].includes(url.protocol) ||
    url.username !== "" ||
    url.password !== ""
  ) {
    context.addIssue({
      code: "custom",
      message: `must be an address such as https://hub.example, not "${text}"`,
    });
    return z.NEVER;
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    context.addIssue({ code: "custom", message: `must end after the host (no path): ${url.origin}` });
    return z.NEVER;
  }
  return url.origin;
});

const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

/** `127.0.0.1:4000` or `[::1]:4000`. */
function isAddressAndPort(text: string): boolean {
  const [, v6, v4, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const number = Number(digits);
  return (v6 === undefined ? isIPv4(v4 ?? "") : isIPv6(v6)) && number >= 1 && number <= 65_535;
}

/** `10.0.0.1` or `10.0.0.0/8`. */
function isRange(text: string): boolean {
  const [, address = "", prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  return isIP(address) !== 0 && Number(prefix ?? 0) <= (isIPv6(address) ? 128 : 32);
}

/** The variables of the environment, each explained here. */
const environment = z.object({
  /** Where to listen. Port 0 takes a free one. */
  PORT: port.default(3000),
  HOST: z.string().min(1).default("127.0.0.1"),
  /** The public address. Permanent: every id starts with it. */
  AYNI_ORIGIN: origin.optional(),
  /** PostgreSQL 18; unset: an embedded one in AYNI_DATA_DIR. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must start with postgres://")
    .optional(),
  /** Database, media, and the secret made on the first run. */
  AYNI_DATA_DIR: z.string().min(1).default("./data"),
  /** What this process does: serve pages, work the queue, or both. */
  AYNI_ROLE: z.enum(["all", "web", "worker"]).default("all"),
  /** Private `address:port` pairs that outgoing requests may reach; only there are http ids accepted. */
  AYNI_EGRESS_ALLOW: list
    .pipe(z.array(z.string().refine(isAddressAndPort, "must be address:port pairs such as 127.0.0.1:4000")))
    .default([]),
  /** Key for cookies, tokens and the actors' private keys at rest: 32 bytes or more. Unset: made on the first run. */
  AYNI_SECRET: z.string().min(32, "must have 32 characters or more").optional(),
  /** Addresses (or CIDR ranges) of reverse proxies whose X-Forwarded-* is believed. */
  AYNI_TRUST_PROXY: list
    .pipe(z.array(z.string().refine(isRange, "must be addresses or ranges such as 10.0.0.0/8")))
    .default([]),
  /** Mail server, `smtp://` (with STARTTLS where it is offered) or `smtps://`; unset: mails are written to AYNI_DATA_DIR/mail. */
  SMTP_URL: z
    .string()
    .refine(
      (text) =>
        ["smtp:", "smtps:"].includes(URL.parse(text)?.protocol ?? "") && URL.parse(text)?.hostname !== "",
      "must be an address such as smtp://user:password@mail.example:587",
    )
    .optional(),
  /** Sender of mails; default: ayni@ the public host. */
  AYNI_MAIL_FROM: z
    .string()
    .regex(/^[^\s@<>"]+@[^\s@<>"]+$/, "must be an e-mail address such as hub@example.org")
    .optional(),
  /** Folder of uploaded files; default: AYNI_DATA_DIR/media. */
  AYNI_MEDIA: z
    .string()
    .refine((text) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(text), "must be a folder; s3:// is not supported yet")
    .optional(),
  AYNI_LOG: z.enum(["debug", "info", "warning", "error"]).default("info"),
});

export interface Config {
  port: number;
  host: string;
  /** Null until the port is known when `PORT` is 0 and no origin was given. */
  origin: string | null;
  databaseUrl: string | null;
  dataDir: string;
  role: "all" | "web" | "worker";
  egressAllow: string[];
  secret: string;
  trustProxy: string[];
  smtpUrl: string | null;
  /** Null: `ayni@` the public host, which may not be known yet. */
  mailFrom: string | null;
  mediaDir: string;
  log: "debug" | "info" | "warning" | "error";
}

/** The configuration is wrong; `message` lists every mistake, one a line, for the person who starts the hub. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads the environment; `overrides` stand before it.
 *
 * @throws ConfigError naming each variable that is wrong and what it should look like
 */
export function readConfig(overrides: Record<string, string> = {}): Config {
  const env: Record<string, string | undefined> = { ...process.env, ...overrides };
  // An empty variable means "not set": that is what people expect of a line `PORT=` in a file.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );
  const result = environment.safeParse(given);
  if (!result.success) {
    throw new ConfigError(
      result.error.issues
        .map((issue) => `${issue.path[0]?.toString() ?? "environment"}: ${issue.message}`)
        .join("\n"),
    );
  }
  const e = result.data;
  if (e.AYNI_ROLE !== "all" && e.DATABASE_URL === undefined) {
    throw new ConfigError(
      `DATABASE_URL: must be set when AYNI_ROLE is "${e.AYNI_ROLE}" (several processes share one database)`,
    );
  }
  const dataDir = resolve(e.AYNI_DATA_DIR);
  return {
    port: e.PORT,
    host: e.HOST,
    origin: e.AYNI_ORIGIN ?? (e.PORT === 0 ? null : `http://localhost:${e.PORT}`),
    databaseUrl: e.DATABASE_URL ?? null,
    dataDir,
    role: e.AYNI_ROLE,
    egressAllow: e.AYNI_EGRESS_ALLOW,
    secret: e.AYNI_SECRET ?? storedSecret(dataDir),
    trustProxy: e.AYNI_TRUST_PROXY,
    smtpUrl: e.SMTP_URL ?? null,
    mailFrom: e.AYNI_MAIL_FROM ?? null,
    mediaDir: e.AYNI_MEDIA === undefined ? join(dataDir, "media") : resolve(e.AYNI_MEDIA),
    log: e.AYNI_LOG,
  };
}

/** The secret of the data directory, made when there is none. `wx` so that two first starts agree on one. */
function storedSecret(dataDir: string): string {
  const file = join(dataDir, "secret");
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(32).toString("base64url"), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new ConfigError(`AYNI_DATA_DIR: ${dataDir} cannot be written (${(error as Error).message})`);
    }
  }
  let secret: string;
  try {
    secret = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new ConfigError(`AYNI_DATA_DIR: ${file} cannot be read (${(error as Error).message})`);
  }
  if (secret.length < 32)
    throw new ConfigError(`AYNI_DATA_DIR: the secret in ${file} is damaged; restore it from a backup`);
  return secret;
}
