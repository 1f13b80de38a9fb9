import { and, eq, inArray, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { peerCopies, peers } from "../../db/schema/peers.ts";
import { enqueue } from "../../queue/enqueue.ts";
import type { Ctx } from "../context.ts";
import { transact } from "../transact.ts";
import { COPYING_STATES, clearItems, type Held, sweepOrganizations, sweepProposals } from "./copied.ts";

/** What a copy may come to: a peer that lists more is not believed. */
export const ITEMS_MAX = 600_000;

const MINUTE = 60_000;
/** A copy that nobody goes on with is taken up again after this. */
const WATCH = 5 * MINUTE;
/** How often totals are compared: at least daily, with room for a hub that was just down. */
const COMPARE = 20 * 60 * MINUTE;
const FIRST_PAUSE = 30_000;
const LONGEST_PAUSE = 6 * 60 * MINUTE;

/** What was in the way of a copy (`copy_failures.<code>` in the locales). */
export type CopyFailureCode = "unreachable" | "invalid" | "foreign" | "circle" | "too_large" | "too_many";

/** A peer's list cannot be copied as it is. */
export class CopyFailure extends Error {
  override readonly name = "CopyFailure";
  readonly code: CopyFailureCode;

  constructor(code: CopyFailureCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** How far the copy of a peer's organizations and proposals is. */
export interface Copy {
  /** A list is being read; otherwise all is here. */
  running: boolean;
  /** Read in this round (or the last), and how many there are by the peer's own count; null: it was not asked yet. */
  copied: number;
  total: number | null;
  /** Entries that could not be taken. */
  skipped: number;
  began: Date | null;
  completed: Date | null;
  /** When the totals of both hubs were last the same. */
  compared: Date | null;
  failure: CopyFailureCode | null;
  failures: number;
  /** When it is tried or compared again. */
  due: Date | null;
}

/** A peer's copy, for its page; null when nothing of it is copied. */
export async function copyOf(ctx: Ctx, peerId: Id): Promise<Copy | null> {
  const [row] = await ctx.db.select().from(peerCopies).where(eq(peerCopies.peerId, peerId));
  if (row === undefined) return null;
  const { cursor, copied, total, skipped, began, completed, compared, failure, failures, due } = row;
  const running = cursor !== null || completed === null;
  return {
    ...{ running, copied, total, skipped, began, completed, compared, failures, due },
    failure: failure as CopyFailureCode | null,
  };
}

/**
 * Begins to copy a peer, or to compare; in the caller's transaction.
 *
 * @param forced reads all again, even if the totals agree
 */
export async function startCopy(ctx: Ctx, peerId: Id, { forced = false } = {}): Promise<void> {
  const now = ctx.clock.now();
  const again = { due: now, failures: 0, failure: null, ...(forced ? { forced: true, cursor: null } : {}) };
  await ctx.db
    .insert(peerCopies)
    .values({ peerId, due: now, forced })
    .onConflictDoUpdate({ target: peerCopies.peerId, set: again });
  await goOn(ctx, peerId);
}

/** Enqueues every copy that is due; called by the clock. */
export async function copyDue(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now().toISOString();
  await ctx.db.execute(sql`
    with added as (
      insert into jobs (queue, key, payload, run, created)
      select 'copies', 'copy:' || peer_id, json_build_object('peer', peer_id::text)::text, ${now}::timestamptz, ${now}::timestamptz
      from ${peerCopies} where due <= ${now}::timestamptz
      and not exists (select from jobs where queue = 'copies' and key = 'copy:' || peer_id)
      returning 1
    )
    select pg_notify('jobs', 'copies') where exists (select from added)`);
}

/** A hub that had been away is there: what it and we said meanwhile may be lost. `origin` need not be a peer's. */
export async function peerIsBack(ctx: Ctx, origin: string): Promise<void> {
  // Not at once: what waited for it arrives first.
  const soon = new Date(ctx.clock.now().getTime() + 2 * MINUTE);
  await ctx.db
    .update(peerCopies)
    .set({ due: sql`least(${peerCopies.due}, ${soon.toISOString()}::timestamptz)` })
    .where(sql`${peerCopies.peerId} = (select ${peers.id} from ${peers} where ${peers.origin} = ${origin})`);
}

export const LISTS = ["organizations", "proposals"] as const;
export type List = (typeof LISTS)[number];

/** What is to be done for a copy now. */
export interface CopyTask {
  peerId: Id;
  origin: string;
  host: string;
  currency: { iri: string; symbol: string; scale: number };
  /** The page to read; null where totals are to be compared, or a round begun. */
  at: { list: List; url: string } | null;
  /** As the row has it: whoever finds another one there was overtaken. */
  cursor: string | null;
  forced: boolean;
  completed: Date | null;
  skipped: number;
}

/** Null where there is nothing to do, for now or any more. */
export async function copyTask(ctx: Ctx, peerId: Id): Promise<CopyTask | null> {
  const [row] = await ctx.db
    .select({
      origin: peers.origin,
      currency: { iri: peers.currency, symbol: peers.currencySymbol, scale: peers.currencyScale },
      copy: peerCopies,
    })
    .from(peerCopies)
    .innerJoin(peers, eq(peers.id, peerCopies.peerId))
    .where(and(eq(peerCopies.peerId, peerId), inArray(peers.state, [...COPYING_STATES])));
  if (row === undefined) return null;
  const { cursor, due, failures, forced, completed, skipped } = row.copy;
  const waits = due === null || due > ctx.clock.now();
  if (waits && (cursor === null || failures > 0)) return null;
  const [list, url] = cursor?.split(" ") ?? [];
  const known = LISTS.find((name) => name === list);
  return {
    ...{ peerId, origin: row.origin, host: new URL(row.origin).host, currency: row.currency },
    at: known === undefined || url === undefined ? null : { list: known, url },
    ...{ cursor, forced, completed, skipped },
  };
}

/** Begins a round with the first of the lists. `total`: of both, by the peer's count. */
export async function beginRound(ctx: Ctx, task: CopyTask, total: number): Promise<void> {
  await step(ctx, task, async (ctx) => {
    await clearItems(ctx, task.peerId);
    const cursor = `organizations ${task.origin}/organizations?page=1`;
    const began = ctx.clock.now();
    return { cursor, copied: 0, skipped: 0, total, began, forced: true };
  });
}

/** The totals agree: nothing was lost. */
export async function copyAgrees(ctx: Ctx, task: CopyTask): Promise<void> {
  const now = ctx.clock.now();
  await step(ctx, task, async () => ({ compared: now, due: new Date(now.getTime() + COMPARE) }));
}

/**
 * Ends a page: the round goes on with `next`, with the other list, or is over.
 *
 * @param store writes the page's entries, returns how many had not been in this round
 * @throws CopyFailure circle, too_many
 */
export async function endPage(
  ctx: Ctx,
  task: CopyTask & { at: { list: List } },
  page: { next: string | null; skipped: number },
  store: (ctx: Ctx) => Promise<number>,
): Promise<void> {
  const { peerId, origin, at } = task;
  await step(ctx, task, async (ctx, row) => {
    const found = await store(ctx);
    if (found === 0 && page.next !== null)
      throw page.skipped > 0
        ? new CopyFailure("foreign", `no entry of ${task.cursor} is the hub's own and understood`)
        : new CopyFailure("circle", `${task.cursor} has nothing new`);
    const copied = row.copied + found;
    const skipped = row.skipped + page.skipped;
    if (copied + skipped > ITEMS_MAX) throw new CopyFailure("too_many", `more than ${ITEMS_MAX} entries`);
    const read = { copied, skipped };
    if (page.next !== null) return { ...read, cursor: `${at.list} ${page.next}` };
    if (at.list === "organizations") {
      for (const iri of await sweepOrganizations(ctx, peerId))
        await enqueue(ctx.db, ctx.clock.now(), [
          { queue: "copies", key: `gone:${iri}`, payload: { gone: iri } },
        ]);
      return { ...read, cursor: `proposals ${origin}/proposals?page=1` };
    }
    await sweepProposals(ctx, peerId);
    const now = ctx.clock.now();
    const due = new Date(now.getTime() + COMPARE);
    return { ...read, cursor: null, forced: false, completed: now, compared: now, due };
  });
}

/** It did not work. A list that cannot be used is read from its beginning the next time, since its pages may be other ones then. */
export async function copyFailed(ctx: Ctx, task: CopyTask, code: CopyFailureCode): Promise<void> {
  const now = ctx.clock.now().toISOString();
  const pause = sql`least(${FIRST_PAUSE} * 2 ^ least(${peerCopies.failures}, 20), ${LONGEST_PAUSE})`;
  await ctx.db
    .update(peerCopies)
    .set({
      failure: code,
      failures: sql`${peerCopies.failures} + 1`,
      due: sql`${now}::timestamptz + ${pause} * interval '1 millisecond'`,
      ...(code === "unreachable" || task.at === null ? {} : { cursor: null, forced: true }),
    })
    .where(eq(peerCopies.peerId, task.peerId));
}

/** Do both hubs count the same? Of lists with entries that are not taken the revisions cannot be compared. */
export function agree(
  held: Held,
  theirs: { organizations: number; proposals: number; revisions: number | null },
  skipped: number,
): boolean {
  if (held.organizations + held.proposals + skipped !== theirs.organizations + theirs.proposals) return false;
  return skipped > 0 || theirs.revisions === null || theirs.revisions === held.revisions;
}

type Changes = Partial<typeof peerCopies.$inferInsert>;

/** One step of a copy in a transaction; nothing where somebody else has done it meanwhile. */
async function step(
  ctx: Ctx,
  task: CopyTask,
  work: (ctx: Ctx, row: typeof peerCopies.$inferSelect) => Promise<Changes>,
): Promise<void> {
  await transact(ctx, async (ctx) => {
    const [row] = await ctx.db
      .select()
      .from(peerCopies)
      .where(eq(peerCopies.peerId, task.peerId))
      .for("update");
    if (row === undefined || row.cursor !== task.cursor) return;
    const changes = await work(ctx, row);
    const due = new Date(ctx.clock.now().getTime() + WATCH);
    await ctx.db
      .update(peerCopies)
      .set({ due, failures: 0, failure: null, ...changes })
      .where(eq(peerCopies.peerId, task.peerId));
    if (changes.cursor != null) await goOn(ctx, task.peerId);
  });
}

async function goOn(ctx: Ctx, peerId: Id): Promise<void> {
  await enqueue(ctx.db, ctx.clock.now(), [
    { queue: "copies", key: `copy:${peerId}`, payload: { peer: peerId.toString() } },
  ]);
}
