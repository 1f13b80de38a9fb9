import { and, eq, inArray, isNull, lt, lte, type SQL, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { accounts } from "../../db/schema/accounts.ts";
import { notices } from "../../db/schema/notices.ts";
import { memberships } from "../../db/schema/organizations.ts";
import { enqueue } from "../../queue/enqueue.ts";
import type { Ctx } from "../context.ts";
import type { DetailsOf, NoticeKind } from "./kinds.ts";
import { mailTime } from "./rules.ts";

const KEPT_DAYS = 180;
const DAY = 86_400_000;
/** One organization's people, or a hub's staff: more than these are not told. */
const MAX_RECIPIENTS = 500;
const SWEEP = 1_000;

/** What everybody who acts for an actor is told; `path`: where it leads, on this hub. */
export type Notice = {
  [K in NoticeKind]: { actorId: Id; kind: K; path: string; details: DetailsOf<K> };
}[NoticeKind];

/**
 * Tells everybody who acts for an actor: representatives and editors of an organization, the account of a person. Nobody when
 * the actor is another server's. In the caller's transaction.
 *
 * @param path where it leads, on this hub
 */
export function notify<K extends NoticeKind>(
  ctx: Ctx,
  actorId: Id,
  kind: K,
  path: string,
  details: DetailsOf<K>,
): Promise<void> {
  return notifyAll(ctx, [{ actorId, kind, path, details } as Notice]);
}

/** The same of many notices, in their order. */
export async function notifyAll(ctx: Ctx, told: readonly Notice[]): Promise<void> {
  if (told.length === 0) return;
  const column = (value: (notice: Notice) => string) => sql.param(told.map(value));
  const recipients = sql`
    select a.id, a.mails, told.actor_id, told.kind, told.path, told.details
    from unnest(
      ${column(({ actorId }) => actorId.toString())}::bigint[],
      ${column(({ kind }) => kind)}::text[],
      ${column(({ path }) => path)}::text[],
      ${column(({ details }) => JSON.stringify(details))}::text[]
    ) with ordinality as told (actor_id, kind, path, details, position)
    cross join lateral (
      select id, mails from ${accounts} account
      where account.actor_id = told.actor_id or account.id in (
        select account_id from ${memberships}
        where organization_id = told.actor_id and role in ('representative', 'editor'))
      order by id limit ${MAX_RECIPIENTS}::int
    ) a
    order by told.position, a.id`;
  await tell(ctx, recipients);
}

/** Tells those who run the hub: its administrators, or with `curator` its curators too. In the caller's transaction. */
export function notifyStaff<K extends NoticeKind>(
  ctx: Ctx,
  role: "curator" | "admin",
  kind: K,
  path: string,
  details: DetailsOf<K>,
): Promise<void> {
  const roles = role === "admin" ? sql`('admin')` : sql`('curator', 'admin')`;
  const recipients = sql`
    select a.id, a.mails, a.actor_id, ${kind}::text as kind, ${path}::text as path, ${JSON.stringify(details)}::text as details
    from ${accounts} a where a.role in ${roles} order by a.id limit ${MAX_RECIPIENTS}::int`;
  return tell(ctx, recipients);
}

/** @param recipients selects `id`, `mails` of accounts, `actor_id`: as whom it concerns them; and what they are told */
async function tell(ctx: Ctx, recipients: SQL): Promise<void> {
  const now = ctx.clock.now();
  const told = await ctx.db.execute<{ account_id: string; mail: boolean }>(sql`
    insert into ${notices} (account_id, actor_id, kind, path, details, created, mailed)
    select id, actor_id, kind, path, details, ${now.toISOString()}::timestamptz,
      case when mails then null else ${now.toISOString()}::timestamptz end
    from (${recipients}) as recipient
    returning account_id, mailed is null as mail`);
  const mailed = [...told].filter(({ mail }) => mail).map(({ account_id }) => BigInt(account_id));
  // A job for each notice, though the first one of a mail's time sends them all: whether one that waits will still see this
  // notice is known only when both have ended.
  await enqueue(
    ctx.db,
    now,
    mailed.map((accountId) => ({
      queue: "mails",
      key: accountId.toString(),
      payload: { accountId: accountId.toString() },
      run: mailTime(accountId, now),
    })),
  );
}

/** Everything up to `last`, the newest that was shown, was seen. */
export async function markRead(ctx: Ctx, accountId: Id, last: Id): Promise<void> {
  await ctx.db
    .update(notices)
    .set({ read: ctx.clock.now() })
    .where(and(eq(notices.accountId, accountId), isNull(notices.read), lte(notices.id, last)));
}

/** These were sent by e-mail, or never will be. */
export async function markMailed(ctx: Ctx, ids: readonly Id[]): Promise<void> {
  await ctx.db
    .update(notices)
    .set({ mailed: ctx.clock.now() })
    .where(inArray(notices.id, [...ids]));
}

/** Whether an account's notices are sent by e-mail too, from now on. */
export async function setMails(ctx: Ctx, accountId: Id, mails: boolean): Promise<void> {
  await ctx.db.update(accounts).set({ mails }).where(eq(accounts.id, accountId));
}

/** Deletes notices that are half a year old; called by the clock. */
export async function sweepNotices(ctx: Ctx): Promise<void> {
  const old = new Date(ctx.clock.now().getTime() - KEPT_DAYS * DAY);
  for (;;) {
    const oldest = ctx.db
      .select({ id: notices.id })
      .from(notices)
      .where(lt(notices.created, old))
      .orderBy(notices.created)
      .limit(SWEEP);
    const swept = await ctx.db
      .delete(notices)
      .where(inArray(notices.id, oldest))
      .returning({ id: notices.id });
    if (swept.length < SWEEP) return;
  }
}
