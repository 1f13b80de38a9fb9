import { randomBytes } from "node:crypto";
import { and, eq, gt, isNull, lt, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { type AccountRole, accounts, sessions, tokens } from "../../db/schema/accounts.ts";
import { actors } from "../../db/schema/actors.ts";
import { createActor } from "../actors/commands.ts";
import { generateKeys, type NewKey } from "../actors/keys.ts";
import { checkHandle } from "../actors/rules.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { throttle, unthrottle } from "../throttle.ts";
import { transact } from "../transact.ts";
import { cleanText, optionalText } from "../validate.ts";
import { hashPassword, pretendToVerify, verifyPassword } from "./passwords.ts";
import { checkEmail, checkPassword, checkScopes } from "./rules.ts";
import { hashToken, TOKEN_ID } from "./tokens.ts";

const SESSION_DAYS = 90;
const IDLE_DAYS = 14;
const DAY = 86_400_000;
/** As many as are listed, so that each can be revoked. */
const TOKENS_MAX = 100;

export interface NewAccount {
  handle: string;
  email: string;
  password: string;
  name?: string | undefined;
  role?: AccountRole | undefined;
  locale: string;
}

export interface PreparedAccount {
  handle: string;
  email: string;
  name: string;
  role: AccountRole;
  locale: string;
  passwordHash: string;
  keys: NewKey[];
}

/**
 * Checks an account's fields and makes what takes time (hash, keys) outside of any transaction.
 *
 * @throws DomainError required, not_a_handle, handle_reserved, not_an_email, password_short, password_common, busy
 */
export async function prepareAccount(ctx: Ctx, input: NewAccount): Promise<PreparedAccount> {
  const handle = checkHandle(input.handle);
  const email = checkEmail(input.email);
  checkPassword(input.password, [handle, email, ctx.hub.host]);
  const name = optionalText("name", input.name, 100) ?? handle;
  const [passwordHash, keys] = await Promise.all([hashPassword(input.password), generateKeys(ctx)]);
  return { handle, email, name, role: input.role ?? "member", locale: input.locale, passwordHash, keys };
}

/** Stores a prepared account with its `Person`, in the caller's transaction. @throws DomainError handle_taken, email_taken */
export async function insertAccount(ctx: Ctx, account: PreparedAccount): Promise<Acting> {
  const { keys, handle, name, ...fields } = account;
  const actorId = await createActor(ctx, { kind: "Person", handle, name, summary: "" }, keys);
  const now = ctx.clock.now();
  const [row] = await ctx.db
    .insert(accounts)
    .values({ id: await ctx.ids.next(now), actorId, created: now, ...fields })
    .onConflictDoNothing()
    .returning({ id: accounts.id });
  if (row === undefined)
    throw new DomainError("email_taken", "an account has this e-mail address", { field: "email" });
  return { accountId: row.id, actorId };
}

/** Creates an account with its `Person`. @throws DomainError as prepareAccount and insertAccount */
export async function createAccount(ctx: Ctx, input: NewAccount): Promise<Acting> {
  const account = await prepareAccount(ctx, input);
  return transact(ctx, (ctx) => insertAccount(ctx, account));
}

/**
 * Checks a login (e-mail or handle, and password) and opens a session.
 *
 * @param address the client's address, counted beside the account so that neither can be guessed at without end
 * @returns the session's secret, for the cookie; only its hash is stored
 * @throws DomainError wrong_login, too_many_attempts, busy
 */
export async function logIn(
  ctx: Ctx,
  input: { login: string; password: string; address: string },
): Promise<{ secret: string; expires: Date }> {
  const login = cleanText(input.login).replace(/^@/, "").toLowerCase().slice(0, 254);
  if (login === "")
    throw new DomainError("required", "an e-mail address or handle is required", { field: "email" });
  if (input.password === "")
    throw new DomainError("required", "a password is required", { field: "password" });
  // By account and by address together, then by account alone: somebody who hammers one account from many addresses is
  // stopped, and its owner still gets in from elsewhere for a while longer.
  await throttle(ctx, `login:${input.address}`, 30, 900);
  await throttle(ctx, `login:${login}:${input.address}`, 8, 900);
  await throttle(ctx, `login:${login}`, 50, 900);

  const [account] = await ctx.db
    .select({ id: accounts.id, passwordHash: accounts.passwordHash })
    .from(accounts)
    .innerJoin(actors, eq(actors.id, accounts.actorId))
    .where(
      login.includes("@")
        ? sql`lower(${accounts.email}) = ${login}`
        : and(sql`lower(${actors.handle}) = ${login}`, isNull(actors.host)),
    );
  const password = input.password.slice(0, 1024);
  if (account === undefined) await pretendToVerify(password);
  if (account === undefined || !(await verifyPassword(account.passwordHash, password))) {
    throw new DomainError("wrong_login", "the login or the password is wrong");
  }
  await unthrottle(ctx, `login:${login}:${input.address}`);
  return openSession(ctx, account.id);
}

/** Opens a session for an account that proved itself. */
export async function openSession(ctx: Ctx, accountId: Id): Promise<{ secret: string; expires: Date }> {
  const secret = randomBytes(32).toString("base64url");
  const now = ctx.clock.now();
  const expires = new Date(now.getTime() + SESSION_DAYS * DAY);
  await ctx.db
    .insert(sessions)
    .values({ tokenHash: hashToken(secret), accountId, created: now, seen: now, expires });
  return { secret, expires };
}

/** Ends a session; nothing happens when there is none. */
export async function logOut(ctx: Ctx, secret: string): Promise<void> {
  await ctx.db.delete(sessions).where(eq(sessions.tokenHash, hashToken(secret)));
}

/** The account of a session, or null when it is unknown, too old, or was idle for too long. */
export async function sessionAccount(ctx: Ctx, secret: string): Promise<Id | null> {
  const now = ctx.clock.now();
  const tokenHash = hashToken(secret);
  const [session] = await ctx.db
    .select({ accountId: sessions.accountId, seen: sessions.seen })
    .from(sessions)
    .where(
      and(
        eq(sessions.tokenHash, tokenHash),
        gt(sessions.expires, now),
        gt(sessions.seen, new Date(now.getTime() - IDLE_DAYS * DAY)),
      ),
    );
  if (session === undefined) return null;
  // Written once an hour, not at every page.
  if (now.getTime() - session.seen.getTime() > 3_600_000) {
    await ctx.db.update(sessions).set({ seen: now }).where(eq(sessions.tokenHash, tokenHash));
  }
  return session.accountId;
}

/** Deletes sessions that ended; called by the clock. */
export async function sweepSessions(ctx: Ctx): Promise<void> {
  await ctx.db.delete(sessions).where(lt(sessions.expires, ctx.clock.now()));
}

export async function setLocale(ctx: Ctx, accountId: Id, locale: string): Promise<void> {
  await ctx.db.update(accounts).set({ locale }).where(eq(accounts.id, accountId));
}

/**
 * Makes a bearer token that acts as `acting.actorId`, for as long as the account may.
 *
 * @returns the token, shown once; only its hash is stored
 * @throws DomainError invalid (an unknown scope, or none), too_many
 */
export async function createToken(
  ctx: Ctx,
  { accountId, actorId }: Acting,
  scopes: readonly string[],
): Promise<string> {
  const secret = `ayni_${randomBytes(32).toString("base64url")}`;
  const allowed = checkScopes(scopes);
  const live = await ctx.db.$count(tokens, and(eq(tokens.accountId, accountId), isNull(tokens.revoked)));
  if (live >= TOKENS_MAX)
    throw new DomainError("too_many", `an account has ${TOKENS_MAX} tokens at most`, {
      details: { max: TOKENS_MAX },
    });
  await ctx.db.insert(tokens).values({
    tokenHash: hashToken(secret),
    accountId,
    actorId,
    scopes: allowed,
    created: ctx.clock.now(),
  });
  return secret;
}

/** Ends a token of the account, at once. @param id as `tokensOf` shows it. @throws DomainError not_found */
export async function revokeToken(ctx: Ctx, accountId: Id, id: string): Promise<void> {
  if (!/^[0-9a-f]{12}$/.test(id)) throw new DomainError("not_found", "no such token");
  const revoked = await ctx.db
    .update(tokens)
    .set({ revoked: ctx.clock.now() })
    .where(and(eq(tokens.accountId, accountId), eq(TOKEN_ID, id), isNull(tokens.revoked)))
    .returning({ id: TOKEN_ID });
  if (revoked.length === 0) throw new DomainError("not_found", "no such token");
}
