import { and, eq, gte, inArray } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { notices } from "../../db/schema/notices.ts";
import { peers } from "../../db/schema/peers.ts";
import type { Ctx } from "../context.ts";
import { transact } from "../transact.ts";
import {
  currencyText,
  lockPeer,
  newest,
  ownCurrency,
  peerPath,
  sign,
  tellAdmins,
  termsOf,
} from "./peerings.ts";
import type { Peer } from "./queries.ts";
import { endDrained } from "./receive.ts";
import { SILENCE } from "./rules.ts";
import { linkOf } from "./standing.ts";

/**
 * What the clock does for every peering: ends those that were to part when nothing is open, tells administrators once of a time that is over
 * and of a peer that is silent, and signs terms anew when this hub's currency is not what they say.
 *
 * @returns those that it failed for; the others are done
 */
export async function watchPeers(ctx: Ctx): Promise<{ id: Id; error: unknown }[]> {
  const rows = await ctx.db
    .select({ id: peers.id })
    .from(peers)
    .where(inArray(peers.state, ["proposed", "active", "draining", "frozen"]))
    .orderBy(peers.id);
  const failures: { id: Id; error: unknown }[] = [];
  for (const { id } of rows)
    await transact(ctx, (ctx) => watch(ctx, id)).catch((error: unknown) => failures.push({ id, error }));
  return failures;
}

async function watch(ctx: Ctx, id: Id): Promise<void> {
  if (await endDrained(ctx, id)) return;
  const peer = await lockPeer(ctx, id);
  await signCurrency(ctx, peer);
  await tellSilence(ctx, peer);
  await tellOverdue(ctx, peer);
}

/** Others offer prices by the rate that was signed. */
async function signCurrency(ctx: Ctx, peer: Peer): Promise<void> {
  const [ours, currency] = await Promise.all([newest(ctx, peer.id, "ours"), ownCurrency(ctx)]);
  if (ours === null || ours.currency === currencyText(currency)) return;
  const type = peer.state === "proposed" ? "Offer" : "Update";
  await sign(ctx, peer, type, termsOf(ours), peer.state, null);
}

/** Told once, and again only when it was heard in between. A frozen one is not listened to. */
async function tellSilence(ctx: Ctx, peer: Peer): Promise<void> {
  if (peer.state !== "active" && peer.state !== "draining") return;
  const now = ctx.clock.now();
  const heard = (await linkOf(ctx, peer.id))?.heard ?? peer.changed;
  const silent = now.getTime() - heard.getTime() > SILENCE;
  if (silent === (peer.silent !== null)) return;
  await ctx.db
    .update(peers)
    .set({ silent: silent ? now : null })
    .where(eq(peers.id, peer.id));
  if (silent) await tellAdmins(ctx, peer, "peer_silent");
}

/** Told once for every time that was set, for as long as notices are kept. */
async function tellOverdue(ctx: Ctx, peer: Peer): Promise<void> {
  if (peer.state !== "draining" || peer.drained === null || peer.drained > ctx.clock.now()) return;
  const told = await ctx.db.$count(
    notices,
    and(
      eq(notices.kind, "peer_overdue"),
      eq(notices.path, peerPath(peer.id)),
      gte(notices.created, peer.drained),
    ),
  );
  if (told === 0) await tellAdmins(ctx, peer, "peer_overdue");
}
