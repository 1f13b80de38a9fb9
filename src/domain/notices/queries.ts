import { and, desc, eq, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Id } from "../../db/ids.ts";
import { accounts } from "../../db/schema/accounts.ts";
import { actors } from "../../db/schema/actors.ts";
import { notices } from "../../db/schema/notices.ts";
import { type ActorView, actorColumns, toActorView } from "../actors/queries.ts";
import type { Ctx } from "../context.ts";
import { type Page, toPage } from "../page.ts";
import { type Detail, isNoticeKind, type NoticeKind } from "./kinds.ts";

/** A notice as pages, mails and APIs show it. */
export interface NoticeView {
  id: Id;
  kind: NoticeKind;
  /** Where it leads, on this hub. */
  path: string;
  /** What fills its text; which ones is the kind's matter. */
  details: Partial<Record<Detail, string>>;
  created: Date;
  /** Had it been seen before? */
  read: boolean;
  /** As whom it concerns the account: its person or an organization. */
  actor: ActorView;
}

/** What an account is mailed, and how. */
export interface MailOfNotices {
  email: string;
  locale: string;
  person: ActorView;
  /** Oldest first; at least one. */
  notices: NoticeView[];
}

const PAGE = 40;
const MAX_MAILED = 200;
/** What is older than this when mails can be sent again is no longer news. */
const NEWS = 3 * 86_400_000;
const detailTexts = z.record(z.string(), z.string());

const columns = {
  id: notices.id,
  kind: notices.kind,
  path: notices.path,
  details: notices.details,
  created: notices.created,
  read: notices.read,
  actor: actorColumns,
};

/** An account's notices, newest first. */
export async function noticesOf(ctx: Ctx, accountId: Id, before: Id | null): Promise<Page<NoticeView>> {
  const rows = await ctx.db
    .select(columns)
    .from(notices)
    .innerJoin(actors, eq(actors.id, notices.actorId))
    .where(and(eq(notices.accountId, accountId), before === null ? undefined : lt(notices.id, before)))
    .orderBy(desc(notices.id))
    .limit(PAGE + 1);
  const page = toPage(rows, PAGE, (row) => row.id);
  return { ...page, items: page.items.flatMap(toNotice) };
}

/** How many notices an account has not seen; 100 stands for more. */
export async function unread(ctx: Ctx, accountId: Id): Promise<number> {
  const [row] = await ctx.db.execute<{ count: number }>(sql`select ${unreadCount(accountId)} as count`);
  return row?.count ?? 0;
}

/** The same as a column of another query. */
export function unreadCount(accountId: Id): SQL<number> {
  return sql<number>`(select count(*)::int from (
    select from ${notices} where account_id = ${accountId} and read is null limit 100) as unread)`;
}

/** What an account has neither seen nor been mailed; null when there is nothing, or it wants no mails. */
export async function unmailed(ctx: Ctx, accountId: Id): Promise<MailOfNotices | null> {
  const rows = await ctx.db
    .select(columns)
    .from(notices)
    .innerJoin(actors, eq(actors.id, notices.actorId))
    .where(
      and(
        eq(notices.accountId, accountId),
        isNull(notices.mailed),
        isNull(notices.read),
        gt(notices.created, new Date(ctx.clock.now().getTime() - NEWS)),
      ),
    )
    .orderBy(notices.id)
    .limit(MAX_MAILED);
  const found = rows.flatMap(toNotice);
  if (found.length === 0) return null;
  const [account] = await ctx.db
    .select({ email: accounts.email, locale: accounts.locale, person: actorColumns })
    .from(accounts)
    .innerJoin(actors, eq(actors.id, accounts.actorId))
    .where(and(eq(accounts.id, accountId), accounts.mails));
  if (account === undefined) return null;
  return { ...account, person: toActorView(account.person), notices: found };
}

/** Does an account want its notices by e-mail? */
export async function wantsMails(ctx: Ctx, accountId: Id): Promise<boolean> {
  const [row] = await ctx.db
    .select({ mails: accounts.mails })
    .from(accounts)
    .where(eq(accounts.id, accountId));
  return row?.mails ?? false;
}

type Row = Omit<NoticeView, "kind" | "details" | "read" | "actor"> & {
  kind: string;
  details: string;
  read: Date | null;
  actor: Parameters<typeof toActorView>[0];
};

/** Nothing for a kind that this version does not know: another one wrote it. */
function toNotice({ kind, details, read, actor, ...row }: Row): NoticeView[] {
  if (!isNoticeKind(kind)) return [];
  return [
    {
      ...row,
      kind,
      details: detailTexts.parse(JSON.parse(details)),
      read: read !== null,
      actor: toActorView(actor),
    },
  ];
}
