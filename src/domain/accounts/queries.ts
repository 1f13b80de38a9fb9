import { and, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Id } from "../../db/ids.ts";
import { type AccountRole, accounts, tokens } from "../../db/schema/accounts.ts";
import { actors } from "../../db/schema/actors.ts";
import { memberships } from "../../db/schema/organizations.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { unreadCount } from "../notices/queries.ts";
import { hashToken, TOKEN_ID } from "./tokens.ts";

/** Who is logged in, as every page needs it. */
export interface Viewer {
  accountId: Id;
  role: AccountRole;
  locale: string;
  /** The account's own `Person`. */
  person: ActorView;
  /** Organizations it may write for (representative or editor). */
  organizations: ActorView[];
  /** Who it acts as now: `person` or one of `organizations`. */
  acting: ActorView;
  /** Notices it has not seen; 100 stands for more. */
  unread: number;
}

/** The account behind a session and whom it may act for. `as` (a handle) chooses one; an unknown choice is the person. */
export async function viewer(ctx: Ctx, accountId: Id, as: string | undefined): Promise<Viewer | null> {
  const [rows, organizations] = await Promise.all([
    ctx.db
      .select({
        role: accounts.role,
        locale: accounts.locale,
        person: actorColumns,
        unread: unreadCount(accountId),
      })
      .from(accounts)
      .innerJoin(actors, eq(actors.id, accounts.actorId))
      .where(eq(accounts.id, accountId)),
    writableOrganizations(ctx, accountId),
  ]);
  const [row] = rows;
  if (row === undefined) return null;
  const person = toActorView(row.person);
  const acting = organizations.find((organization) => organization.handle === as) ?? person;
  return { accountId, role: row.role, locale: row.locale, person, organizations, acting, unread: row.unread };
}

/**
 * Who acts, checked: the account's own person, or an organization that it represents or edits. This is the permission;
 * what it returns can be handed to any command.
 *
 * @param as handle of the actor, as the form or token carries it
 * @throws DomainError forbidden
 */
export async function actingAs(ctx: Ctx, accountId: Id, as: string): Promise<Acting> {
  const who = await viewer(ctx, accountId, as);
  if (who === null || who.acting.handle !== as.toLowerCase()) {
    throw new DomainError("forbidden", `this account may not act as ${as}`);
  }
  return { accountId, actorId: who.acting.id };
}

async function writableOrganizations(ctx: Ctx, accountId: Id): Promise<ActorView[]> {
  const rows = await ctx.db
    .select(actorColumns)
    .from(memberships)
    .innerJoin(actors, eq(actors.id, memberships.organizationId))
    .where(
      and(
        eq(memberships.accountId, accountId),
        inArray(memberships.role, ["representative", "editor"]),
        isNull(actors.deleted),
      ),
    )
    .orderBy(actors.id)
    .limit(100);
  return rows.map(toActorView);
}

/** The account whose person has this handle. @throws DomainError not_found */
export async function accountByHandle(ctx: Ctx, handle: string): Promise<Acting> {
  const [row] = await ctx.db
    .select({ accountId: accounts.id, actorId: accounts.actorId })
    .from(accounts)
    .innerJoin(actors, eq(actors.id, accounts.actorId))
    .where(
      and(sql`lower(${actors.handle}) = ${handle.replace(/^@/, "").toLowerCase()}`, isNull(actors.host)),
    );
  if (row === undefined) throw new DomainError("not_found", `no account has the handle ${handle}`);
  return row;
}

/** The administrator that the hub began with, for whom its operator's commands act; null before the setup. */
export async function firstAdministrator(ctx: Ctx): Promise<Acting | null> {
  const [row] = await ctx.db
    .select({ accountId: accounts.id, actorId: accounts.actorId })
    .from(accounts)
    .where(eq(accounts.role, "admin"))
    .orderBy(accounts.id)
    .limit(1);
  return row ?? null;
}

/** Whose token it is, and what it allows. `id` names it where it must not be shown. */
export interface TokenAccount extends Acting {
  id: string;
  role: AccountRole;
  scopes: string[];
}

/**
 * Whose token this is and what it may do; null for an unknown or revoked one, and for one whose account may no longer act as its
 * actor: asked at every request, since memberships end and actors are deleted without a word to their tokens.
 */
export async function tokenAccount(ctx: Ctx, secret: string): Promise<TokenAccount | null> {
  const [row] = await ctx.db
    .select({
      id: TOKEN_ID,
      accountId: tokens.accountId,
      actorId: tokens.actorId,
      scopes: tokens.scopes,
      role: accounts.role,
    })
    .from(tokens)
    .innerJoin(accounts, eq(accounts.id, tokens.accountId))
    .innerJoin(actors, eq(actors.id, tokens.actorId))
    .innerJoin(people, eq(people.id, accounts.actorId))
    .where(
      and(
        eq(tokens.tokenHash, hashToken(secret)),
        isNull(tokens.revoked),
        isNull(actors.deleted),
        isNull(people.deleted),
        MAY_ACT,
      ),
    );
  return row ?? null;
}

const people = alias(actors, "person");

/** The account of a token may act as the token's actor: its own person, or an organization that it represents or edits. */
const MAY_ACT = sql`(${tokens.actorId} = ${accounts.actorId} or exists (
  select from ${memberships}
  where ${memberships.accountId} = ${tokens.accountId} and ${memberships.organizationId} = ${tokens.actorId}
    and ${memberships.role} in ('representative', 'editor')
))`;

/** A token as its owner sees it. */
export interface TokenView {
  id: string;
  /** Whom it acts as. */
  actor: ActorView;
  scopes: string[];
  created: Date;
}

/** An account's tokens that are not revoked, newest first; at most 100. */
export async function tokensOf(ctx: Ctx, accountId: Id): Promise<TokenView[]> {
  const rows = await ctx.db
    .select({ id: TOKEN_ID, actor: actorColumns, scopes: tokens.scopes, created: tokens.created })
    .from(tokens)
    .innerJoin(actors, eq(actors.id, tokens.actorId))
    .where(and(eq(tokens.accountId, accountId), isNull(tokens.revoked)))
    .orderBy(desc(tokens.created))
    .limit(100);
  return rows.map((row) => ({ ...row, actor: toActorView(row.actor) }));
}

/**
 * The account is one of those who run the hub. Administrators may what curators may.
 *
 * @throws DomainError forbidden
 */
export async function requireRole(ctx: Ctx, accountId: Id, role: "curator" | "admin"): Promise<void> {
  const [row] = await ctx.db.select({ role: accounts.role }).from(accounts).where(eq(accounts.id, accountId));
  if (row?.role !== "admin" && (role === "admin" || row?.role !== "curator"))
    throw new DomainError("forbidden", `this is for those with the role ${role}`);
}
