import { z } from "zod";
import type { Message, Session } from "../../domain/clearing/messages-rules.ts";
import type { SigningKey } from "../keyring.ts";
import { type JsonObject, proveCanonical } from "../proofs.ts";
import { CLEARING_CONTEXT } from "../vocab/context.ts";
import { frame, type Keys, time, total } from "./documents.ts";
import { nonce, readMessage, toActivity } from "./messages.ts";

/** Largest envelope in bytes, and the most messages that one may have. */
export const MAX_ENVELOPE = 4_000_000;
const MAX_MESSAGES = 1_000;
/** Room for what is around the messages. */
const HEADROOM = 10_000;

/** What a hub may say of its side of the peering. */
export const ENVELOPE_STATES = ["active", "draining", "frozen", "closed"] as const;
export type EnvelopeState = (typeof ENVELOPE_STATES)[number];

/** What one hub says to another at one time: who, to whom, when, in which session, and how it sees the peering. */
export interface EnvelopeHead {
  /** Iris of the hub actors. */
  sender: string;
  receiver: string;
  published: Date;
  session: Session;
  state: EnvelopeState;
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Signs messages for the peer: one envelope, or as many as their size wants, to be sent in this order. An envelope is an OrderedCollection of
 * activities whose actor is its sender; one without any says that the sender is there.
 */
export function seal(head: EnvelopeHead, messages: readonly Message[], key: SigningKey): string[] {
  const batches: JsonObject[][] = [[]];
  let room = MAX_ENVELOPE - HEADROOM;
  for (const message of messages) {
    const activity = toActivity(message);
    const size = Buffer.byteLength(JSON.stringify(activity));
    if (size > room || batches.at(-1)!.length === MAX_MESSAGES) {
      batches.push([]);
      room = MAX_ENVELOPE - HEADROOM;
    }
    room -= size;
    batches.at(-1)!.push(activity);
  }
  return batches.map((orderedItems) => {
    const envelope = {
      "@context": CLEARING_CONTEXT,
      type: ["OrderedCollection", "ayni:ClearingEnvelope"],
      ...{ attributedTo: head.sender, to: head.receiver },
      published: head.published.toISOString(),
      "ayni:epoch": `${head.session.epoch}`,
      "ayni:nonce": head.session.nonce,
      "ayni:state": head.state,
      orderedItems,
    };
    return proveCanonical(envelope, key, head.published).whole;
  });
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

const envelope = z.strictObject({
  ...frame,
  type: z.tuple([z.literal("OrderedCollection"), z.literal("ayni:ClearingEnvelope")]),
  published: time,
  "ayni:epoch": total,
  "ayni:nonce": nonce,
  "ayni:state": z.enum(ENVELOPE_STATES),
  orderedItems: z.array(z.unknown()).max(MAX_MESSAGES),
});

/**
 * Reads what is around the messages. Its proof is not looked at: that is the door's to do, by the key that is pinned for the sender.
 *
 * @returns null when it is no envelope; `keyId`: the sender's key that it says it is proven with
 */
export function readHead(
  json: unknown,
): (EnvelopeHead & { keyId: string; items: readonly unknown[] }) | null {
  const { data } = envelope.safeParse(json);
  if (data === undefined) return null;
  const keyId = data.proof.verificationMethod;
  if (!keyId.startsWith(`${data.attributedTo}#`)) return null;
  return {
    keyId,
    sender: data.attributedTo,
    receiver: data.to,
    published: data.published,
    session: { epoch: data["ayni:epoch"], nonce: data["ayni:nonce"] },
    state: data["ayni:state"],
    items: data.orderedItems,
  };
}

/**
 * Opens an envelope that is proven already. A message that cannot be read, or whose documents are not proven by their writers, is left out:
 * the others count.
 *
 * @param keys of both hubs: one may be given back what it signed itself
 * @returns null when it is no envelope
 */
export function openEnvelope(body: string, keys: Keys): (EnvelopeHead & { messages: Message[] }) | null {
  const head = readHead(parseJson(body));
  if (head === null) return null;
  const { items, keyId: _, ...rest } = head;
  return {
    ...rest,
    messages: items.map((item) => readMessage(item, keys)).filter((message) => message !== null),
  };
}

/** JSON, or undefined for what is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
