import { setTimeout as sleep } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { Sql } from "postgres";
import type { Id } from "../../db/ids.ts";
import { clearingPeers, isClearingBusy } from "../../domain/clearing/inbox.ts";
import { tellRecovered } from "../../domain/clearing/restored.ts";
import type { Ctx } from "../../domain/context.ts";
import type { Keyring } from "../keyring.ts";
import { type Connect, keepLock } from "./lock.ts";
import { type PeerSession, startSession } from "./session.ts";
import { createWire } from "./wire.ts";

export interface ClearingOptions {
  ctx: Ctx;
  /** For listening. */
  sql: Sql;
  /** For the lock, which lives and dies with its connection. */
  connect: Connect;
  keyring: Keyring;
}

export interface Clearing {
  /** Resolves when this process has nothing to do, or another one decides. What waits for a peer's answer does not count. */
  idle(): Promise<void>;
  /** Looks for work now: after a test has set the clock. */
  wake(): void;
  /** Ends what was begun, and gives the lock to another process. */
  stop(): Promise<void>;
}

/** The net under NOTIFY: how often it is looked which peers there are, and what of a restore is to be told. */
const PATROL = 10_000;
const logger = getLogger(["ayni", "clearing"]);

/**
 * The deciding process (docs/clearing.md): of all processes on one database the one that holds an advisory lock. It begins a new session
 * with every peer that is active or draining, and with those that become so.
 */
export function startClearing({ ctx, sql, connect, keyring }: ClearingOptions): Clearing {
  const stop = new AbortController();
  const tried = Promise.withResolvers<void>();
  const sessions = new Map<Id, PeerSession>();
  /** Those that sign with a key which the hub does not have any more. */
  const outdated = new WeakSet<PeerSession>();
  /** Begins and ends sessions as the peers want it; only while this process leads. */
  let look: (() => Promise<void>) | null = null;

  /** What a notice says: `keys`: this hub has another key; `peer 12`: that peering is not as it was; `12`: there is work. */
  function onNotice(notice: string): void {
    if (notice === "keys") {
      keyring.forget();
      for (const session of sessions.values()) outdated.add(session);
      return void look?.();
    }
    const [, changed = "", peerId = ""] = /^(peer )?([0-9]{1,19})$/.exec(notice) ?? [];
    const session = peerId === "" ? undefined : sessions.get(BigInt(peerId));
    session?.wake();
    // A peer that is new, frozen or closed: its session begins or ends.
    if (session === undefined || changed !== "") void look?.();
  }

  function wake(): void {
    void look?.();
    for (const session of sessions.values()) session.wake();
  }

  async function lead(lost: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>();
    lost.addEventListener("abort", () => over.resolve(), { once: true });
    let looking: Promise<void> = Promise.resolve();
    look = () => {
      looking = looking.then(refresh);
      return looking;
    };

    async function refresh(): Promise<void> {
      if (lost.aborted) return;
      await tellRecovered(ctx).catch((error: unknown) =>
        logger.warn("What came back after a restore could not be told yet: {error}", { error }),
      );
      try {
        const peers = await clearingPeers(ctx);
        const wanted = new Map(peers.map((peer) => [peer.id, peer]));
        for (const [id, session] of sessions) {
          if (wanted.get(id)?.clearing === session.peer.clearing && !outdated.has(session)) continue;
          await session.end();
          sessions.delete(id);
        }
        const fresh = peers.filter(({ id }) => !sessions.has(id));
        if (fresh.length === 0 || lost.aborted) return;
        const wire = await createWire(ctx, keyring);
        for (const peer of fresh) {
          const session = startSession(ctx, wire, peer, (why) => {
            if (why === null) return void look?.();
            logger.warn("Another process decides about {peer}", { peer: peer.iri });
            over.resolve();
          });
          sessions.set(peer.id, session);
        }
      } catch (error) {
        logger.warn("The peers could not be read, trying again: {error}", { error });
      }
    }

    const timer = setInterval(() => void look?.(), PATROL);
    logger.info("This process decides about clearing");
    await look();
    tried.resolve();
    if (!lost.aborted) await over.promise;
    clearInterval(timer);
    look = null;
    await looking;
    await Promise.all([...sessions.values()].map((session) => session.end()));
    sessions.clear();
  }

  const listening = sql
    .listen("clearing", onNotice, wake)
    .catch((error: unknown) => logger.warn("Cannot listen for clearing yet: {error}", { error }));
  const keeping = keepLock(connect, lead, { tried: tried.resolve, stop: stop.signal });

  return {
    wake,
    async idle() {
      await tried.promise;
      while (look !== null && !stop.signal.aborted) {
        await look();
        for (const session of sessions.values()) session.wake();
        await Promise.all([...sessions.values()].map((session) => session.quiet()));
        if (!(await isClearingBusy(ctx))) return;
        await sleep(5);
      }
    },
    async stop() {
      stop.abort();
      await keeping;
      await listening.then((meta) => meta?.unlisten()).catch(() => {});
    },
  };
}
