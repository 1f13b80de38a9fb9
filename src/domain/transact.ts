import { is, sql } from "drizzle-orm";
import { PgTransaction } from "drizzle-orm/pg-core";
import type { Id } from "../db/ids.ts";
import { enqueue } from "../queue/enqueue.ts";
import type { Ctx, Remote } from "./context.ts";
import type { DomainEvent } from "./events.ts";

/**
 * Runs one intention in one transaction: state, ledger and outgoing events are written together or not at all. `fn` must
 * use the context it is given and must not reach the network; it may be called again, when the transaction was the victim of a deadlock.
 */
export async function transact<T>(ctx: Ctx, fn: (ctx: Ctx) => Promise<T>): Promise<T> {
  const run = () => ctx.db.transaction((tx) => fn({ ...ctx, db: tx, remote: NO_REMOTE }));
  // Inside another transaction a savepoint cannot be tried again: what the whole of it holds is what others wait for.
  if (is(ctx.db, PgTransaction)) return run();
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !isDeadlock(error)) throw error;
    }
  }
}

const ATTEMPTS = 4;

/**
 * Statements of one transaction that need nothing of one another, sent together: they take one round trip. Unlike `Promise.all` it
 * ends when all have ended, also when one fails: what the others still sent would come after the transaction's ROLLBACK, and so
 * stay.
 */
export async function together<const T extends readonly unknown[]>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const ends = await Promise.allSettled(work);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return ends.map((end) => (end as PromiseFulfilledResult<unknown>).value) as never;
}

/** PostgreSQL ended this transaction so that others which waited in a circle with it could go on; nothing of it was done. */
function isDeadlock(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ("code" in cause && cause.code === "40P01") return true;
  return false;
}

/** A transaction that waited for another server would hold its locks for as long as that server likes. */
const NO_REMOTE: Remote = {
  resolveActor: refuse,
  resolveHub: refuse,
};

function refuse(): never {
  throw new Error("Other servers are not asked inside a transaction.");
}

/**
 * Records that something happened, in the caller's transaction. A worker turns it into activities and notices.
 *
 * Events of one actor (`event.subject`) are handled in the order in which they were emitted: a post before its deletion, a
 * proposal before the post that stands for it.
 */
export function emit(ctx: Ctx, event: DomainEvent): Promise<void> {
  return emitAll(ctx, [event]);
}

/** The same of many, in their order. */
export async function emitAll(ctx: Ctx, events: readonly DomainEvent[]): Promise<void> {
  if (events.length === 0) return;
  const now = ctx.clock.now();
  const ids: Id[] = [];
  for (const _ of events) ids.push(await ctx.ids.next(now));
  await enqueue(
    ctx.db,
    now,
    events.map((event, index) => ({
      ...{ queue: "events", key: `event:${event.subject}` },
      payload: { ...event, id: String(ids[index]) },
    })),
  );
}

/** Tells every process that what it keeps of this object's document is no longer right; heard when the transaction commits. */
export async function documentChanged(ctx: Ctx, id: Id): Promise<void> {
  await ctx.db.execute(sql`select pg_notify('documents', ${id.toString()})`);
}
