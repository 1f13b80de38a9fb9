import { asc, eq, inArray, sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { actors } from "../../db/schema/actors.ts";
import { clearingLinks } from "../../db/schema/clearing.ts";
import { hosts } from "../../db/schema/hosts.ts";
import { hubs } from "../../db/schema/hubs.ts";
import { peerCopies, peers } from "../../db/schema/peers.ts";
import type { Purpose } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";
import { quoteFromPayee, quoteFromPayer, type Rate, rateOf } from "../ledger/rules.ts";

/** A hub whose proposals and organizations are copied here, as lists show whose something is. */
export interface CopiedHub {
  id: Id;
  /** As in handles. */
  host: string;
  name: string;
  /** Is all of it here? Else so many of so many. */
  complete: boolean;
  copied: number;
  total: number | null;
  /** Set while the copy may be old: `away` where the hub does not answer, `paused` where nobody listens to it for now. */
  stale: { why: "away" | "paused"; seconds: number | null } | null;
  currency: { iri: string; rate: Rate };
  /** This hub's own. */
  here: { symbol: string; scale: number; rate: Rate };
}

/** For so long a hub may be silent before anybody is told. */
const SILENCE = 10 * 60_000;

/** All of them, by name; in one query, since there are few. */
export async function copiedHubs(ctx: Ctx): Promise<CopiedHub[]> {
  const rows = await ctx.db
    .select({
      id: peers.id,
      origin: peers.origin,
      name: actors.name,
      state: peers.state,
      copied: peerCopies.copied,
      total: peerCopies.total,
      completed: peerCopies.completed,
      failures: sql<number>`coalesce(${clearingLinks.failures}, 0) + coalesce(${hosts.failures}, 0) + ${peerCopies.failures}`,
      heard: sql<
        string | null
      >`extract(epoch from greatest(${clearingLinks.heard}, ${clearingLinks.reached}, ${hosts.succeeded}, ${peerCopies.compared}))`,
      currency: peers.currency,
      theirs: {
        currencyScale: peers.currencyScale,
        currencyRateN: peers.currencyRateN,
        currencyRateD: peers.currencyRateD,
      },
      ours: {
        currencySymbol: hubs.currencySymbol,
        currencyScale: hubs.currencyScale,
        currencyRateN: hubs.currencyRateN,
        currencyRateD: hubs.currencyRateD,
      },
    })
    .from(peers)
    .innerJoin(actors, eq(actors.id, peers.actorId))
    .innerJoin(peerCopies, eq(peerCopies.peerId, peers.id))
    .innerJoin(hubs, eq(hubs.id, 1))
    .leftJoin(clearingLinks, eq(clearingLinks.peerId, peers.id))
    .leftJoin(hosts, eq(hosts.host, sql`regexp_replace(${peers.origin}, '^https?://', '')`))
    .where(inArray(peers.state, ["active", "draining", "frozen"]))
    .orderBy(asc(actors.name), asc(peers.id))
    .limit(1_000);
  const now = ctx.clock.now().getTime();
  return rows.map(({ id, origin, name, state, copied, total, completed, failures, heard, ...row }) => {
    const age = heard === null ? null : Math.max(0, now - Number(heard) * 1000);
    const away = failures > 0 && (age === null || age > SILENCE);
    const why = state === "frozen" ? "paused" : away ? "away" : null;
    return {
      ...{ id, host: new URL(origin).host, name, complete: completed !== null, copied, total },
      stale: why === null ? null : { why, seconds: age === null ? null : Math.floor(age / 1000) },
      currency: { iri: row.currency, rate: rateOf(row.theirs) },
      here: { symbol: row.ours.currencySymbol, scale: row.ours.currencyScale, rate: rateOf(row.ours) },
    };
  });
}

/** A filter by hub as addresses have it: `here`, or a hub's host. What it cannot mean is left out. */
export function hubOf(text: string | undefined, hubs: readonly CopiedHub[]): "here" | Id | undefined {
  return text === "here" ? text : hubs.find(({ host }) => host === text)?.id;
}

/** An amount in this hub's currency. */
export interface HereAmount {
  /** Minor units. */
  amount: bigint;
  symbol: string;
  scale: number;
}

/**
 * About what a peer's price is here: what one of ours would pay for its offer, or get for what it asks for. Null where it is not in
 * the peer's own currency.
 */
export function priceHere(
  hub: CopiedHub,
  { purpose, price, currency }: { purpose: Purpose; price: bigint | null; currency: string | null },
): HereAmount | null {
  if (price === null || currency !== hub.currency.iri) return null;
  const { symbol, scale, rate } = hub.here;
  const amount =
    purpose === "offer"
      ? quoteFromPayee(price, hub.currency.rate, rate).paid
      : quoteFromPayer(price, hub.currency.rate, rate).received;
  return { amount, symbol, scale };
}
