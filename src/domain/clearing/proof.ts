import { and, desc, eq, inArray, ne, sql } from "drizzle-orm";
import { clearingEntries, clearingLinks, clearingTransfers } from "../../db/schema/clearing.ts";
import { peerKeys } from "../../db/schema/peers.ts";
import { loadRetiredKeys } from "../actors/keys.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import type { Peer } from "../peers/queries.ts";
import { transact } from "../transact.ts";
import type { Head } from "./messages-rules.ts";

/** Transfers that are open are told up to so many; there are never more (`MAX_OPEN`, each way). */
const OPEN_MAX = 2_000;
/** Keys that each side had before are told up to so many, newest first: what was signed last is signed with one of them. */
export const OLD_KEYS_MAX = 20;

/** How two hubs stand with one another, as this one has it. */
export interface Standing {
  /** The log of what we pay, and the peer's. */
  out: Head;
  in: Head;
  /** Our newest entry and the peer's, as they were signed; null while a log is empty. */
  outEntry: string | null;
  inEntry: string | null;
  /** The peer's newest signed word on how much of our log it has posted. */
  checkpoint: string | null;
  acknowledged: { seq: bigint; cumulative: bigint };
  /** When the peer was last heard. */
  heard: Date | null;
  /** Multikeys that this hub and the peer proved with before their present ones. */
  oldKeys: { ours: string[]; theirs: string[] };
  open: { transfer: string; side: "payer" | "payee"; state: "reserved" | "prepared"; seconds: bigint }[];
}

/** @throws DomainError not_found when nothing was ever cleared with this peer */
export function standingWith(ctx: Ctx, peer: Pick<Peer, "id" | "key">): Promise<Standing> {
  return transact(ctx, async (ctx) => {
    const { db } = ctx;
    // All of it as of one moment.
    await db.execute(sql`set transaction isolation level repeatable read`);
    const [link] = await db.select().from(clearingLinks).where(eq(clearingLinks.peerId, peer.id));
    if (link === undefined) throw new DomainError("not_found", "nothing is cleared with this hub");
    const newest = async (direction: "out" | "in") => {
      const [entry] = await db
        .select({ body: clearingEntries.body })
        .from(clearingEntries)
        .where(and(eq(clearingEntries.peerId, peer.id), eq(clearingEntries.direction, direction)))
        .orderBy(desc(clearingEntries.seq))
        .limit(1);
      return entry?.body ?? null;
    };
    const open = await db
      .select({
        transfer: clearingTransfers.iri,
        side: clearingTransfers.side,
        state: clearingTransfers.state,
        seconds: clearingTransfers.seconds,
      })
      .from(clearingTransfers)
      .where(
        and(
          eq(clearingTransfers.peerId, peer.id),
          inArray(clearingTransfers.state, ["reserved", "prepared"]),
        ),
      )
      .orderBy(clearingTransfers.iri)
      .limit(OPEN_MAX);
    const ours = await loadRetiredKeys(ctx, (await localHub(ctx)).actorId);
    const theirs = await db
      .select({ key: peerKeys.key })
      .from(peerKeys)
      .where(and(eq(peerKeys.peerId, peer.id), ne(peerKeys.key, peer.key)))
      .orderBy(desc(peerKeys.accepted), peerKeys.key)
      .limit(OLD_KEYS_MAX);
    return {
      out: { seq: link.outSeq, cumulative: link.outCumulative, digest: link.outDigest },
      in: { seq: link.inSeq, cumulative: link.inCumulative, digest: link.inDigest },
      outEntry: await newest("out"),
      inEntry: await newest("in"),
      checkpoint: link.checkpoint,
      acknowledged: { seq: link.ackedSeq, cumulative: link.ackedCumulative },
      heard: link.heard,
      oldKeys: {
        ours: ours.slice(0, OLD_KEYS_MAX).map(({ publicKey }) => publicKey),
        theirs: theirs.map(({ key }) => key),
      },
      open: open as Standing["open"],
    };
  });
}
