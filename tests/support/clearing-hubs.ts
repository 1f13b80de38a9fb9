import { setTimeout as delay } from "node:timers/promises";
import type { Id } from "../../src/db/ids.ts";
import type { Message } from "../../src/domain/clearing/messages-rules.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { type EnvelopeHead, seal } from "../../src/federation/clearing/envelope.ts";
import { createKeyring, type SigningKey } from "../../src/federation/keyring.ts";
import type { TestHub } from "./hub.ts";

/** What a hub signs with, and as whom. */
export async function signer(hub: TestHub): Promise<{ iri: string; key: SigningKey; actorId: Id }> {
  const { actorId } = await localHub(hub.ctx);
  const key = await createKeyring(hub.ctx).ed25519(actorId);
  return { iri: key.id.slice(0, key.id.indexOf("#")), key, actorId };
}

/** An envelope from one hub to another, as the first would seal it now; `change`: what is said of it instead. */
export async function envelope(
  from: TestHub,
  to: TestHub,
  messages: Message[] = [],
  change: Partial<EnvelopeHead> & { key?: SigningKey } = {},
): Promise<string> {
  const sender = await signer(from);
  const { iri: receiver } = await signer(to);
  const { key = sender.key, ...rest } = change;
  const head: EnvelopeHead = {
    ...{ sender: sender.iri, receiver, published: from.clock.now() },
    ...{ session: { epoch: 1n, nonce: "test" }, state: "active" },
    ...rest,
  };
  return seal(head, messages, key)[0]!;
}

export interface Answer {
  status: number;
  headers: Headers;
  problem: { code: string; [member: string]: unknown } | null;
}

/** Posts to a hub's door for clearing. */
export async function postClearing(
  to: TestHub,
  body: string | Buffer,
  { method = "POST", type = "application/activity+json", headers = {} as Record<string, string> } = {},
): Promise<Answer> {
  const answer = await fetch(`${to.origin}/clearing`, {
    method,
    headers: { "content-type": type, ...headers },
    ...(method === "GET" ? {} : { body: typeof body === "string" ? body : new Uint8Array(body) }),
  });
  const text = await answer.text();
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  return { status: answer.status, headers: answer.headers, problem: isProblem ? JSON.parse(text) : null };
}

/** Waits until something is so. */
export async function until(condition: () => Promise<boolean>, patience = 60_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not so after ${patience} ms: ${condition}`);
    await delay(10);
  }
}
