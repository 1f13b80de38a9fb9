import { and, eq, inArray, lt, type SQL, sql } from "drizzle-orm";
import { type Id, idAt } from "../../db/ids.ts";
import { activities, deletions, receivedActivities } from "../../db/schema/activities.ts";
import type { Ctx } from "../context.ts";
import { COPYING_STATES, keptHere } from "../peers/copied.ts";
import { transact } from "../transact.ts";

export interface NewActivity {
  /** The id of the event it came from. */
  id: Id;
  actorId: Id;
  type: string;
  /** The iri of what it is about. */
  object: string;
  audience: "public" | "followers" | "direct";
  /** The bytes that every recipient gets. */
  body: string;
  /** Followers of an actor, named actors, the peers who copy what is public here; those of this hub are not delivered to. */
  recipients: { followersOf?: Id; actors?: Id[]; peers?: boolean };
  /** It takes its object back: what was said of it before leaves the outbox. */
  retracts: boolean;
}

/**
 * Stores an activity and one delivery for each inbox that gets it, shared inboxes once. A second call with the same id
 * changes nothing: the event was handled already.
 */
export async function storeActivity(ctx: Ctx, activity: NewActivity): Promise<void> {
  if (!activity.retracts) return store(ctx, activity);
  await transact(ctx, async (ctx) => {
    await ctx.db
      .delete(activities)
      .where(and(eq(activities.object, activity.object), inArray(activities.type, ["Create", "Update"])));
    await store(ctx, activity);
  });
}

/** One statement however many followers: the rows never pass through this process, and no transaction has to be begun for it. */
async function store(ctx: Ctx, activity: NewActivity): Promise<void> {
  const { id, actorId, type, object, audience, body, recipients } = activity;
  const { followersOf = null, actors: named = [], peers = false } = recipients;
  const now = sql`${ctx.clock.now().toISOString()}::timestamptz`;
  const recipientIds = sql`
    select follower_id from follows where followed_id = ${followersOf} and state = 'accepted'
    union all select unnest(${sql.param(named.map(String))}::bigint[])
    ${peers ? COPYING_PEERS : sql``}`;
  await ctx.db.execute(sql`
    with stored as (
      insert into activities (id, actor_id, type, object, audience, body, created)
      values (${id}, ${actorId}, ${type}, ${object}, ${audience}, ${body}, ${now})
      on conflict do nothing
      returning id, actor_id
    ), inboxes as (
      select distinct stored.id, stored.actor_id, coalesce(shared_inbox, inbox) as inbox from actors, stored
      where actors.id in (${recipientIds}) and host is not null and deleted is null
    ), added as (
      insert into jobs (queue, key, payload, run, created)
      select 'deliveries', inbox,
        json_build_object('activity', id::text, 'actor', actor_id::text, 'inbox', inbox)::text, ${now}, ${now}
      from inboxes order by inbox
      returning 1
    )
    select pg_notify('jobs', 'deliveries') where exists (select from added)`);
}

const COPYING_PEERS = sql`union all select actor_id from peers where state in (${sql.join(
  COPYING_STATES.map((state) => sql`${state}`),
  sql`, `,
)})`;

/**
 * Remembers that an actor deleted something which has not arrived yet, so that it does not appear afterwards.
 *
 * @returns whether it was of concern: only what somebody here follows, or a peer's, could have arrived
 */
export async function rememberDeletion(ctx: Ctx, actorId: Id, iri: string): Promise<boolean> {
  if (!(await keptHere(ctx, actorId))) return false;
  await ctx.db.insert(deletions).values({ iri, actorId, deleted: ctx.clock.now() }).onConflictDoNothing();
  return true;
}

/** Did its author delete this object before it arrived? */
export async function wasDeleted(ctx: Ctx, actorId: Id, iri: string): Promise<boolean> {
  const [row] = await ctx.db.select({ yes: isDeleted(actorId, iri) }).from(sql`(select 1) as one`);
  return row?.yes === true;
}

/** The same, as part of another query. */
export function isDeleted(actorId: Id, iri: string): SQL<boolean> {
  return sql<boolean>`exists (
    select from ${deletions} where ${deletions.iri} = ${iri} and ${deletions.actorId} = ${actorId}
  )`;
}

const DAY = 86_400_000;

/**
 * Forgets what no longer matters; called by the clock. Deletions after a week: nobody delivers later than that. Ids of received
 * activities after a month: the door takes no signature and no proof that is nearly as old. Bodies of activities that are not
 * in an outbox after two weeks: nobody may fetch them, and by then they are delivered or given up.
 */
export async function sweepActivities(ctx: Ctx): Promise<void> {
  const daysAgo = (days: number) => new Date(ctx.clock.now().getTime() - days * DAY);
  await ctx.db.delete(deletions).where(lt(deletions.deleted, daysAgo(7)));
  await ctx.db.delete(receivedActivities).where(lt(receivedActivities.received, daysAgo(30)));
  await ctx.db
    .delete(activities)
    .where(and(lt(activities.id, idAt(daysAgo(14))), sql`${activities.audience} <> 'public'`));
}

/**
 * Does what a remote activity asks for, once: its id is written in the same transaction, whoever delivers it again and
 * however often.
 *
 * @param effect returns false when the activity was of no concern: then nothing is remembered either
 */
export async function receiveOnce(
  ctx: Ctx,
  activityIri: string,
  effect: (ctx: Ctx) => Promise<unknown>,
): Promise<void> {
  await transact(ctx, async (ctx) => {
    const first = await ctx.db
      .insert(receivedActivities)
      .values({ iri: activityIri, received: ctx.clock.now() })
      .onConflictDoNothing()
      .returning({ iri: receivedActivities.iri });
    if (first.length === 0) return;
    if ((await effect(ctx)) === false) {
      await ctx.db.delete(receivedActivities).where(eq(receivedActivities.iri, activityIri));
    }
  });
}
