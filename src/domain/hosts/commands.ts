import { eq, sql } from "drizzle-orm";
import { hosts, type SignatureScheme } from "../../db/schema/hosts.ts";
import type { Ctx } from "../context.ts";

/** What we know of a server that we deliver to. */
export interface HostState {
  /** The signature it accepted last; null while none was. */
  scheme: SignatureScheme | null;
  failures: number;
  /** It was down: nothing is sent before this. */
  retry: Date | null;
}

const UNKNOWN: HostState = { scheme: null, failures: 0, retry: null };
const FIRST_PAUSE = 30_000;
const LONGEST_PAUSE = 6 * 3_600_000;

export async function hostState(ctx: Ctx, host: string): Promise<HostState> {
  const [row] = await ctx.db
    .select({ scheme: hosts.scheme, failures: hosts.failures, retry: hosts.retry })
    .from(hosts)
    .where(eq(hosts.host, host));
  return row ?? UNKNOWN;
}

/** A server took a delivery signed with `scheme`. */
export async function hostAccepted(ctx: Ctx, host: string, scheme: SignatureScheme): Promise<HostState> {
  const state = { scheme, failures: 0, retry: null };
  const succeeded = ctx.clock.now();
  await ctx.db
    .insert(hosts)
    .values({ host, ...state, succeeded })
    .onConflictDoUpdate({ target: hosts.host, set: { ...state, succeeded } });
  return state;
}

/** A server that was down is heard of again, in another way than by a delivery that it took: what waits for it is tried at once. */
export async function hostIsBack(ctx: Ctx, origin: string): Promise<void> {
  const now = ctx.clock.now().toISOString();
  await ctx.db
    .update(hosts)
    .set({ retry: null })
    .where(eq(hosts.host, new URL(origin).host));
  await ctx.db.execute(sql`
    with due as (
      update jobs set run = ${now}::timestamptz
      where queue = 'deliveries' and starts_with(key, ${`${origin}/`}) and not waiting and lease is null and run > ${now}::timestamptz
      returning 1
    )
    select pg_notify('jobs', 'deliveries') where exists (select from due)`);
}

/**
 * A server did not answer. The first failures change nothing (servers restart); from the third on everything for it waits,
 * twice as long each time, so that a dead server costs one request a pause and not one for each of its inboxes. Requests that
 * were under way together fail together and count once.
 */
export async function hostFailed(ctx: Ctx, host: string): Promise<HostState> {
  const now = ctx.clock.now();
  const time = sql`${now.toISOString()}::timestamptz`;
  const pause = sql`least(${FIRST_PAUSE} * 2 ^ (${hosts.failures} - 2), ${LONGEST_PAUSE})`;
  const [row] = await ctx.db
    .insert(hosts)
    .values({ host, failures: 1 })
    .onConflictDoUpdate({
      target: hosts.host,
      set: {
        failures: sql`${hosts.failures} + 1`,
        retry: sql`case when ${hosts.failures} >= 2 then ${time} + ${pause} * interval '1 millisecond' end`,
      },
      setWhere: sql`${hosts.retry} is null or ${hosts.retry} <= ${time}`,
    })
    .returning({ scheme: hosts.scheme, failures: hosts.failures, retry: hosts.retry });
  return row ?? hostState(ctx, host);
}
