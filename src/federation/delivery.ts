import { createHash } from "node:crypto";
import { z } from "zod";
import type { Id } from "../db/ids.ts";
import type { SignatureScheme } from "../db/schema/hosts.ts";
import { storeActivity } from "../domain/activities/commands.ts";
import { activityBody } from "../domain/activities/queries.ts";
import type { Ctx } from "../domain/context.ts";
import { domainEvent } from "../domain/events.ts";
import { type HostState, hostAccepted, hostFailed, hostState } from "../domain/hosts/commands.ts";
import { peerIsBack } from "../domain/peers/copies.ts";
import type { JsonObject } from "../json.ts";
import { Discard, Retry } from "../queue/errors.ts";
import type { Job, RetryPolicy } from "../queue/worker.ts";
import { EgressError, post } from "./egress.ts";
import type { Keyring } from "./keyring.ts";
import { type Finished, toOutgoing } from "./outbound/index.ts";
import { proveObject } from "./proofs.ts";
import { signRequest } from "./signatures.ts";

const id = z.string().transform(BigInt);
const event = z.object({ id }).and(domainEvent);
const delivery = z.object({ activity: id, actor: id, inbox: z.string() });

/** After so long without success a delivery is given up. */
const PATIENCE = 7 * 86_400_000;
/** … and after so long when the host is there but refuses. */
const REFUSED_PATIENCE = 2 * 86_400_000;
/** The longest Retry-After that is heeded. */
const LONGEST_WISH = 86_400_000;

/**
 * A delivery is not given up by the number of its attempts, since those that find the host resting count too: 15 s after the first, three
 * times as long after each further one, six hours at most, for a week.
 */
export const deliveryRetry: RetryPolicy = (attempts) =>
  Math.min(15_000 * 3 ** Math.min(attempts - 1, 10), 6 * 3_600_000) * (0.8 + 0.4 * Math.random());

const KEPT = 200;

export interface Delivery {
  /** Turns an event into an activity with its deliveries. */
  onEvent(job: Job): Promise<void>;
  /** Sends an activity to one inbox. */
  onDelivery(job: Job): Promise<void>;
}

/**
 * From an event to the inboxes of others (ARCHITECTURE.md, "Out"). Body, digest and proof are made once per activity; a
 * delivery costs one signature and one request.
 */
export function createDelivery(ctx: Ctx, keyring: Keyring): Delivery {
  const bodies = new Map<Id, Promise<{ body: Buffer; digest: Buffer } | null>>();
  const hosts = new Map<string, { state: HostState; read: number }>();

  async function onEvent(job: Job): Promise<void> {
    const happened = event.parse(job.payload);
    const outgoing = await toOutgoing(ctx, happened, `${ctx.hub.origin}/activities/${happened.id}`);
    if (outgoing === null) return;
    const { actorId, object, audience, recipients, retracts = false } = outgoing;
    const finished =
      "finished" in outgoing
        ? outgoing.finished
        : await finish(happened.id, actorId, outgoing.activity, job.created);
    await storeActivity(ctx, { ...finished, actorId, object, audience, recipients, retracts });
  }

  /** @param created the event's own time, so that a retry makes the same bytes */
  async function finish(id: Id, actorId: Id, activity: JsonObject, created: Date): Promise<Finished> {
    const proven = proveObject(activity, await keyring.ed25519(actorId), created);
    return { id, type: activity.type as string, body: JSON.stringify(proven) };
  }

  function bodyOf(activity: Id): Promise<{ body: Buffer; digest: Buffer } | null> {
    let entry = bodies.get(activity);
    if (entry === undefined) {
      entry = activityBody(ctx, activity).then((text) => {
        if (text === null) return null;
        const body = Buffer.from(text);
        return { body, digest: createHash("sha256").update(body).digest() };
      });
      entry.catch(() => bodies.delete(activity));
      if (bodies.size >= KEPT) bodies.delete(bodies.keys().next().value ?? 0n);
      bodies.set(activity, entry);
    }
    return entry;
  }

  /** What is known of a host; read again after a minute, since other processes learn too. */
  async function stateOf(host: string): Promise<HostState> {
    const known = hosts.get(host);
    const now = ctx.clock.now().getTime();
    // Of one that rests it is asked anew: its rest may have been ended.
    const rests = known?.state.retry != null && known.state.retry.getTime() > now;
    if (known !== undefined && !rests && now - known.read < 60_000) return known.state;
    return remember(host, await hostState(ctx, host));
  }

  function remember(host: string, state: HostState): HostState {
    if (hosts.size >= 10_000) hosts.delete(hosts.keys().next().value ?? "");
    hosts.set(host, { state, read: ctx.clock.now().getTime() });
    return state;
  }

  async function onDelivery(job: Job): Promise<void> {
    const { activity, actor, inbox } = delivery.parse(job.payload);
    const now = ctx.clock.now();
    if (now.getTime() - job.created.getTime() > PATIENCE)
      throw new Discard(`${inbox} did not answer for a week`);
    const url = new URL(inbox);
    const state = await stateOf(url.host);
    if (state.retry !== null && state.retry > now) throw new Retry(state.retry, `${url.host} is down`);
    const content = await bodyOf(activity);
    if (content === null) return; // Taken back before it was sent.
    const key = await keyring.rsa(actor);

    const send = (scheme: SignatureScheme) => {
      const headers = { "content-type": "application/activity+json" };
      const signature = signRequest(
        scheme,
        { method: "POST", url, headers, digest: content.digest },
        key,
        ctx.clock.now(),
      );
      return post(url, { headers: { ...headers, ...signature }, body: content.body });
    };
    let scheme = state.scheme ?? "cavage";
    let answer = await send(scheme).catch((error: unknown) => failed(url.host, error));
    if (answer.status === 401) {
      // The one answer that a different signature can change.
      scheme = scheme === "cavage" ? "rfc9421" : "cavage";
      answer = await send(scheme).catch((error: unknown) => failed(url.host, error));
    }
    const { status, retryAfter } = answer;
    if (status >= 200 && status < 300) {
      if (state.failures > 0) await peerIsBack(ctx, url.origin);
      if (state.scheme !== scheme || state.failures > 0)
        remember(url.host, await hostAccepted(ctx, url.host, scheme));
      return;
    }
    const answered = `${inbox} answered ${status}`;
    if (status < 500 && ![401, 408, 429].includes(status)) throw new Discard(answered);
    // It is there and does not take this one: what comes after must not wait for it as long as for a server that is down.
    if (now.getTime() - job.created.getTime() > REFUSED_PATIENCE)
      throw new Discard(`${answered} for two days`);
    if (retryAfter !== null && (status === 429 || status === 503))
      throw new Retry(notBefore(retryAfter, job), answered);
    throw new Error(answered);
  }

  async function failed(host: string, error: unknown): Promise<never> {
    if (error instanceof EgressError && ["forbidden_address", "invalid_url"].includes(error.code)) {
      throw new Discard(error.message);
    }
    const state = remember(host, await hostFailed(ctx, host));
    throw state.retry === null ? error : new Retry(state.retry, `${host}: ${(error as Error).message}`);
  }

  /** When a host wants to be asked again: not years from now, and not more often than without its wish. */
  function notBefore(retryAfter: Date, job: Job): Date {
    const wished = Math.min(retryAfter.getTime() - Date.now(), LONGEST_WISH);
    const usual = Number(deliveryRetry(job.attempts, null));
    return new Date(ctx.clock.now().getTime() + Math.max(wished, usual));
  }

  return { onEvent, onDelivery };
}
