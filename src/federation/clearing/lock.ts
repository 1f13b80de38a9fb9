import { setTimeout as sleep } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import type { Sql } from "postgres";

/** A connection that belongs to nobody else. @param onclose called when it is lost, also while nothing is asked */
export type Connect = (onclose: () => void) => Sql;

/** "ayni" and "clearing" in the two halves of the key: who decides holds this advisory lock. */
const LOCK = [0x61796e69, 0x636c6561] as const;
/** How often the lock is asked for while another process has it. Waiting inside of PostgreSQL would keep it from cleaning up. */
const EVERY = 500;
/** How often it is made sure that the connection is still there. */
const PULSE = 5_000;
const logger = getLogger(["ayni", "clearing"]);

/**
 * Takes the lock of the deciding process, again and again: whenever this process has it, `lead` runs; its signal is aborted as soon as the
 * connection is lost, and with it the lock. When `lead` ends the lock is given back.
 *
 * @param tried called once the lock was asked for: it is taken, or another process has it
 * @param stop ends it
 */
export async function keepLock(
  connect: Connect,
  lead: (lost: AbortSignal) => Promise<void>,
  { tried, stop }: { tried: () => void; stop: AbortSignal },
): Promise<void> {
  while (!stop.aborted) {
    const lost = new AbortController();
    const connection = connect(() => lost.abort());
    try {
      if (await take(connection, lost.signal, tried, stop)) {
        const pulse = beat(connection, lost);
        await lead(AbortSignal.any([lost.signal, stop])).finally(pulse);
      }
    } catch (error) {
      if (!stop.aborted) logger.warn("The deciding process begins again: {error}", { error });
    }
    tried();
    await connection.end({ timeout: 2 }).catch(() => {});
    await pause(EVERY, stop);
  }
}

/** Asks until the lock is here; false when the connection is lost or nobody wants it any more. */
async function take(
  connection: Sql,
  lost: AbortSignal,
  tried: () => void,
  stop: AbortSignal,
): Promise<boolean> {
  while (!stop.aborted && !lost.aborted) {
    const [row] = await connection<{ taken: boolean }[]>`
      select pg_try_advisory_lock(${LOCK[0]}::int, ${LOCK[1]}::int) as taken`;
    if (row?.taken === true) return !lost.aborted;
    tried();
    await pause(EVERY, stop);
  }
  return false;
}

/** A connection whose server is gone may not be told so for hours: it is asked, and given up when it does not answer. */
function beat(connection: Sql, lost: AbortController): () => void {
  let asked = false;
  const timer = setInterval(() => {
    // What was answered while this process stood still is read before it is looked at again.
    if (asked) return void setImmediate(() => asked && lost.abort());
    asked = true;
    connection`select`.then(
      () => {
        asked = false;
      },
      () => lost.abort(),
    );
  }, PULSE);
  return () => clearInterval(timer);
}

async function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stop }).catch(() => {});
}
