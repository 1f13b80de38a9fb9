import { writeSync } from "node:fs";
import type { Command } from "commander";
import { z } from "zod";
import { type Config, readConfig } from "../config.ts";
import { type Database, openDatabase } from "../db/client.ts";
import { attachEmbedded, startEmbedded } from "../db/embedded.ts";
import { createIds } from "../db/ids.ts";
import { migrate } from "../db/migrate.ts";
import { ACCOUNT_ROLES } from "../db/schema/accounts.ts";
import { createAccount, createToken, revokeToken } from "../domain/accounts/commands.ts";
import { accountByHandle, actingAs, tokensOf } from "../domain/accounts/queries.ts";
import { TOKEN_SCOPES } from "../domain/accounts/rules.ts";
import type { Ctx } from "../domain/context.ts";
import { DomainError } from "../domain/errors.ts";
import { setUpHub } from "../domain/hubs/commands.ts";
import { findHub, localHub } from "../domain/hubs/queries.ts";
import { createOrganization } from "../domain/organizations/commands.ts";
import { createConsents } from "../federation/consents.ts";
import { createKeyring } from "../federation/keyring.ts";
import { createFiles } from "../files.ts";
import { isLocale, LOCALES } from "../locales/index.ts";
import { createVault } from "../vault.ts";

/** What an administrator does without a browser. Each works beside a running hub as well as without one. */
export function addDataCommands(program: Command): void {
  program
    .command("migrate")
    .description("bring the database's tables up to date")
    .action(() => withDatabase(async () => say("The database is up to date.")));

  program
    .command("setup")
    .description(
      "set up the hub and its first administrator without a browser; does nothing when that was done already",
    )
    .requiredOption("--name <name>", "the hub's name")
    .requiredOption("--admin-handle <handle>", "handle of the administrator")
    .requiredOption("--admin-email <email>", "e-mail address of the administrator")
    .requiredOption("--admin-password <password>", "password of the administrator, 12 characters or more")
    .option("--description <text>", "what the hub is", "")
    .option("--currency-name <name>", "what the hub's credits are called", "Ayni")
    .option("--currency-symbol <symbol>", "their symbol", "₳")
    .option("--currency-rate <credits>", "how many credits an hour is worth", "1")
    .option("--locale <locale>", `language: ${LOCALES.join(", ")}`, "es")
    .action((options: Record<string, string>) =>
      withDatabase(async (ctx) => {
        if ((await findHub(ctx)) !== null) return say(`The hub is set up already, at ${ctx.hub.origin}.`);
        await setUpHub(ctx, {
          name: options.name ?? "",
          description: options.description ?? "",
          locale: localeOption(options.locale),
          currencyName: options.currencyName ?? "",
          currencySymbol: options.currencySymbol ?? "",
          currencyRate: options.currencyRate,
          admin: {
            handle: options.adminHandle ?? "",
            email: options.adminEmail ?? "",
            password: options.adminPassword ?? "",
          },
        });
        say(`The hub is set up at ${ctx.hub.origin}.`);
      }),
    );

  program
    .command("account")
    .description("accounts of people")
    .command("create")
    .description("create an account")
    .requiredOption("--handle <handle>", "handle")
    .requiredOption("--email <email>", "e-mail address")
    .requiredOption("--password <password>", "password, 12 characters or more")
    .option("--name <name>", "name as others see it")
    .option("--role <role>", `role: ${ACCOUNT_ROLES.join(", ")}`, "member")
    .option("--locale <locale>", `language: ${LOCALES.join(", ")}; default: the hub's`)
    .action((options: Record<string, string>) =>
      withDatabase(async (ctx) => {
        const hub = await localHub(ctx);
        const role = z.enum(ACCOUNT_ROLES).safeParse(options.role);
        if (!role.success)
          throw new DomainError("invalid", `--role must be one of: ${ACCOUNT_ROLES.join(", ")}`);
        await createAccount(ctx, {
          handle: options.handle ?? "",
          email: options.email ?? "",
          password: options.password ?? "",
          name: options.name,
          role: role.data,
          locale: options.locale === undefined ? hub.locale : localeOption(options.locale),
        });
        say(`Created @${options.handle}@${ctx.hub.host}.`);
      }),
    );

  program
    .command("organization")
    .description("organizations of this hub")
    .command("create")
    .description("create an organization")
    .requiredOption("--handle <handle>", "handle")
    .requiredOption("--name <name>", "name")
    .requiredOption("--representative <handle>", "account that represents it")
    .option("--summary <text>", "what it does", "")
    .action((options: Record<string, string>) =>
      withDatabase(async (ctx) => {
        const { accountId } = await accountByHandle(ctx, options.representative ?? "");
        await createOrganization(ctx, accountId, {
          handle: options.handle ?? "",
          name: options.name ?? "",
          summary: options.summary,
        });
        say(`Created @${options.handle}@${ctx.hub.host}.`);
      }),
    );

  const token = program.command("token").description("tokens of the JSON API");
  token
    .command("create")
    .description("create a bearer token and print it, once")
    .requiredOption("--account <handle>", "whose token it is")
    .option("--as <handle>", "organization that it acts as; default: the account itself")
    .option("--scopes <scopes>", `scopes, separated by spaces: ${TOKEN_SCOPES.join(" ")}`, "read")
    .action((options: Record<string, string>) =>
      withDatabase(async (ctx) => {
        const scopes = (options.scopes ?? "").split(/\s+/).filter((scope) => scope !== "");
        const account = await accountByHandle(ctx, options.account ?? "");
        const acting =
          options.as === undefined ? account : await actingAs(ctx, account.accountId, options.as);
        say(await createToken(ctx, acting, scopes));
      }),
    );
  token
    .command("list")
    .description("list an account's tokens: id, whom it acts as, scopes, when it was made")
    .requiredOption("--account <handle>", "whose tokens")
    .action((options: Record<string, string>) =>
      withDatabase(async (ctx) => {
        const { accountId } = await accountByHandle(ctx, options.account ?? "");
        for (const { id, actor, scopes, created } of await tokensOf(ctx, accountId))
          say([id, `@${actor.handle}`, scopes.join(" "), created.toISOString()].join("\t"));
      }),
    );
  token
    .command("revoke <id>")
    .description("end a token at once")
    .requiredOption("--account <handle>", "whose token it is")
    .action((id: string, options: Record<string, string>) =>
      withDatabase(async (ctx) => {
        const { accountId } = await accountByHandle(ctx, options.account ?? "");
        await revokeToken(ctx, accountId, id);
        say(`The token ${id} is revoked.`);
      }),
    );
}

/**
 * Runs `fn` on the hub's database: the one that `DATABASE_URL` names, the running hub's embedded one, or the embedded one
 * started for the while.
 */
export async function withDatabase(fn: (ctx: Ctx, database: Database) => Promise<void>): Promise<void> {
  const config = readConfig();
  const embedded = config.databaseUrl === null ? await openEmbedded(config) : null;
  const url = config.databaseUrl ?? embedded?.url ?? "";
  try {
    await migrate(url).catch(databaseFault);
    const database = openDatabase(url, { orm: 4, raw: 2 });
    try {
      await fn(commandContext(config, database), database);
    } finally {
      await database.close();
    }
  } finally {
    await embedded?.stop();
  }
}

/** A database that does not answer, or refuses us, in a sentence; other faults as they are. */
export function databaseFault(error: unknown): never {
  const { code, message } = error as { code?: unknown; message?: unknown };
  // Of the socket, of postgres.js, and SQLSTATE of connections, authorization and missing databases.
  if (
    typeof code === "string" &&
    /^(E[A-Z]+|CONNECT\w*|CONNECTION\w*|08\w{3}|28\w{3}|3D000|57P03|53300)$/.test(code)
  ) {
    throw new Error(`The database cannot be reached: ${message || code}. Is DATABASE_URL right?`, {
      cause: error,
    });
  }
  throw error;
}

export async function openEmbedded({ dataDir }: Config) {
  return (await attachEmbedded({ dataDir })) ?? (await startEmbedded({ dataDir, log: () => {} }));
}

/** A context for commands that reach no other server. */
export function commandContext(config: Config, { db, sql }: Database): Ctx {
  const origin = config.origin ?? `http://localhost:${config.port}`;
  const clock = { now: () => new Date() };
  const vault = createVault(config.secret);
  return {
    db,
    clock,
    ids: createIds(sql, clock.now),
    hub: { origin, host: new URL(origin).host },
    vault,
    files: createFiles(config.mediaDir),
    consents: createConsents(origin, createKeyring({ db, vault })),
    remote: { resolveActor: noOtherServers, resolveHub: noOtherServers },
  };
}

function noOtherServers(): never {
  throw new DomainError("remote_unreachable", "this command does not reach other servers");
}

function localeOption(text: string | undefined): string {
  if (!isLocale(text)) throw new DomainError("invalid", `--locale must be one of: ${LOCALES.join(", ")}`);
  return text;
}

export function say(text: string): void {
  // Written whole before the process may exit, also into a pipe.
  writeSync(1, `${text}\n`);
}
