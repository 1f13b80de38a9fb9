import { eq, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { hubs } from "../../db/schema/hubs.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";

/** This hub as its administrators set it up. */
export interface HubView {
  actorId: Id;
  name: string;
  description: string;
  locale: string;
  origin: string;
  currencyName: string;
  currencySymbol: string;
  currencyScale: number;
  /** Credits per HOUR, as a fraction. */
  currencyRateN: bigint;
  currencyRateD: bigint;
  created: Date;
}

/** This hub, or null before the setup. */
export async function findHub(ctx: Ctx): Promise<HubView | null> {
  const [row] = await ctx.db
    .select({
      actorId: hubs.actorId,
      name: hubs.name,
      description: hubs.description,
      locale: hubs.locale,
      origin: hubs.origin,
      currencyName: hubs.currencyName,
      currencySymbol: hubs.currencySymbol,
      currencyScale: hubs.currencyScale,
      currencyRateN: hubs.currencyRateN,
      currencyRateD: hubs.currencyRateD,
      created: hubs.created,
    })
    .from(hubs)
    .where(eq(hubs.id, 1));
  return row ?? null;
}

/** @throws DomainError not_set_up */
export async function localHub(ctx: Ctx): Promise<HubView> {
  const hub = await findHub(ctx);
  if (hub === null) throw new DomainError("not_set_up", "this hub is not set up yet");
  return hub;
}

/** What NodeInfo tells of this hub's size. Exact, and so counted row by row: not for every request. */
export async function usage(
  ctx: Ctx,
): Promise<{ users: { total: number }; localPosts: number; localComments: number }> {
  const [row] = await ctx.db.execute<{ accounts: string; posts: string; comments: string }>(sql`
    select (select count(*) from accounts) as accounts,
      (select count(*) from posts where local and visibility = 'public' and deleted is null and in_reply_to is null) as posts,
      (select count(*) from posts where local and visibility = 'public' and deleted is null and in_reply_to is not null) as comments`);
  return {
    users: { total: Number(row?.accounts ?? 0) },
    localPosts: Number(row?.posts ?? 0),
    localComments: Number(row?.comments ?? 0),
  };
}
