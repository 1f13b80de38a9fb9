import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import type { ClearingPeer } from "../../domain/clearing/inbox.ts";
import { beginSession, peerFailed, peerReached, SessionLost, work } from "../../domain/clearing/work.ts";
import type { Ctx } from "../../domain/context.ts";
import { EgressError, post, type Receipt } from "../egress.ts";
import { ENVELOPE_STATES, type EnvelopeState, parseJson, seal } from "./envelope.ts";
import { nonce as newNonce } from "./pen.ts";
import type { HubWire } from "./wire.ts";

/** A session with one peer, in the deciding process. */
export interface PeerSession {
  peer: ClearingPeer;
  /** Something may have to be done: at once, or when what is under way is done. */
  wake(): void;
  /** Resolves when what there is to do now is done, whatever came of it. */
  quiet(): Promise<void>;
  /** Does not begin anything more; resolves when what was begun has ended. */
  end(): Promise<void>;
}

/** Milliseconds for the answer to one envelope. */
const TIMEOUT = 10_000;
/** The longest Retry-After that is heeded, and the longest sleep. */
const LONGEST_WISH = 60_000;
const LONGEST_SLEEP = 30_000;
/** After a fault of our own (the database, say). */
const PAUSE = 1_000;
/** How often it is written down that the peer can be reached. */
const REACHED_EVERY = 30_000;
/** A hub that has nothing to say says that it is there: at least daily, with room for a few that are lost. */
const GREET_EVERY = 6 * 3_600_000;
const GREET_AGAIN = 60_000;
const logger = getLogger(["ayni", "clearing"]);

/**
 * Works for one peer until it is ended: takes what came, carries out what was ordered, asks what is to be asked, and posts what is to be
 * said, one envelope after the other. Sessions do not wait for one another.
 *
 * @param over called when it cannot go on: another process has taken the peer over, or nothing is settled with the peer now
 */
export function startSession(
  ctx: Ctx,
  wire: HubWire,
  peer: ClearingPeer,
  over: (why: SessionLost | null) => void,
): PeerSession {
  const ending = Promise.withResolvers<null>();
  let ended = false;
  let due = true;
  let nonce: string | null = null;
  /** Not before: the peer asked for it. Time of the machine, like all timers. */
  let notBefore = 0;
  let reached = 0;
  let failing = true;
  /** By the hub's clock. */
  let greets = ctx.clock.now().getTime() + GREET_EVERY;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;

  function wake(): void {
    due = true;
    if (!ended && running === null) {
      clearTimeout(timer);
      running = run().finally(() => {
        running = null;
        // Woken after the last look.
        if (due && !ended) sleep(0);
      });
    }
  }

  function sleep(milliseconds: number): void {
    clearTimeout(timer);
    timer = setTimeout(wake, Math.min(Math.max(milliseconds, 0), LONGEST_SLEEP));
  }

  async function run(): Promise<void> {
    while (due && !ended) {
      due = false;
      let rest: number;
      try {
        rest = await round();
      } catch (error) {
        if (error instanceof SessionLost) return over(error);
        logger.warn("Clearing with {peer} is tried again: {error}", { peer: peer.iri, error });
        rest = PAUSE;
      }
      if (!ended && !due) sleep(rest);
    }
  }

  /** One envelope's worth of work. @returns milliseconds until there may be more */
  async function round(): Promise<number> {
    const wait = notBefore - performance.now();
    if (wait > 0) return wait;
    if (nonce === null) {
      const fresh = newNonce();
      await beginSession(ctx, peer.id, fresh);
      nonce = fresh;
    }
    const found = await work(ctx, peer.id, nonce, wire);
    nonce = found.nonce;
    for (const error of found.failures)
      logger.warn("Clearing with {peer}: {error}", { peer: peer.iri, error });
    if (found.more) due = true;
    const { session, messages } = found;
    const state = stateOf(found.state);
    if (state !== "active" && state !== "draining") over(null);
    const published = ctx.clock.now();
    if (state !== null && (messages.length > 0 || greets <= published.getTime())) {
      const head = { sender: wire.hub, receiver: peer.iri, published, session, state };
      let taken = true;
      for (const body of seal(head, messages, wire.key)) {
        taken = await say(body);
        if (!taken) break;
      }
      greets = published.getTime() + (taken ? GREET_EVERY : GREET_AGAIN);
    }
    return found.next === null ? LONGEST_SLEEP : found.next.getTime() - ctx.clock.now().getTime();
  }

  /** @returns whether the peer has it */
  async function say(body: string): Promise<boolean> {
    const headers = { "content-type": "application/activity+json" };
    const sent = post(peer.clearing, { headers, body, timeout: TIMEOUT, explain: true }).catch(
      (error: unknown) => (error instanceof EgressError ? error : Promise.reject(error)),
    );
    const answer = await Promise.race([sent, ending.promise]);
    if (answer === null) {
      sent.catch(() => {});
      return false;
    }
    const failure = failureOf(answer);
    if (failure === null) {
      const now = performance.now();
      if (failing || now - reached > REACHED_EVERY) {
        await peerReached(ctx, peer.id);
        reached = now;
        failing = false;
      }
      return true;
    }
    failing = true;
    if (!(answer instanceof EgressError) && answer.retryAfter !== null) {
      const wish = answer.retryAfter.getTime() - Date.now();
      notBefore = performance.now() + Math.min(wish, LONGEST_WISH);
    }
    await peerFailed(ctx, peer.id, failure);
    return false;
  }

  wake();
  return {
    peer,
    wake,
    async quiet() {
      while (running !== null) await running;
    },
    async end() {
      ended = true;
      clearTimeout(timer);
      ending.resolve(null);
      while (running !== null) await running;
    },
  };
}

const stateOf = (state: string): EnvelopeState | null =>
  ENVELOPE_STATES.find((known) => known === state) ?? null;

const refusal = z.object({ code: z.string().regex(/^[a-z_]{1,40}$/) });

/** What is in the way, as a code that the peer's page has words for: the peer's own, `http_500`, or the way's: `timeout`. */
function failureOf(answer: Receipt | EgressError): string | null {
  if (answer instanceof EgressError) return answer.code;
  if (answer.status === 202) return null;
  return refusal.safeParse(parseJson(answer.body ?? "")).data?.code ?? `http_${answer.status}`;
}
