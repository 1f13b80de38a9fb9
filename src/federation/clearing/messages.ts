import { z } from "zod";
import { type Message, REFUSALS } from "../../domain/clearing/messages-rules.ts";
import type { JsonObject } from "../proofs.ts";
import {
  digest,
  iri,
  type Keys,
  readCheckpoint,
  readEntry,
  readPromise,
  readTransfer,
  seqOrNone,
  total,
} from "./documents.ts";

const parsed = ({ body }: { body: string }) => JSON.parse(body) as JsonObject;
const toHead = ({ seq, cumulative, digest }: { seq: bigint; cumulative: bigint; digest: string }) => ({
  ...{ "ayni:seq": `${seq}`, "ayni:cumulative": `${cumulative}`, "ayni:entry": digest },
});

/** A message as an activity; its actor is the envelope's sender. The table is in docs/clearing.md. */
export function toActivity(message: Message): JsonObject {
  switch (message.type) {
    case "reserve":
      return { type: "Offer", object: parsed(message.request) };
    case "promise":
      return { type: "Accept", object: message.promise.transfer, result: parsed(message.promise) };
    case "refuse":
      return { type: "Reject", object: message.transfer, "ayni:reason": message.reason };
    case "entry":
      return { type: "Create", object: parsed(message.entry) };
    case "checkpoint":
      return { type: "Accept", result: parsed(message.checkpoint) };
    case "abort":
      return { type: "Undo", object: message.transfer };
    case "release":
      return { type: "Accept", object: { type: "Undo", object: message.transfer } };
    case "query":
      return {
        type: "Offer",
        object: { type: ["Document", "ayni:StatusQuery"], "ayni:transfer": message.transfer },
      };
    case "pull":
      return {
        type: "Offer",
        object: {
          type: ["Document", "ayni:LogQuery"],
          ...{ "ayni:log": message.log, "ayni:after": `${message.after}` },
          ...(message.nonce === null ? {} : { "ayni:nonce": message.nonce }),
        },
      };
    case "page":
      return {
        type: "Accept",
        result: {
          type: ["OrderedCollectionPage", "ayni:LogPage"],
          ...{ "ayni:log": message.log, "ayni:nonce": message.nonce },
          orderedItems: message.entries.map(parsed),
          "ayni:promised": message.requests.map(({ request, promise }) => ({
            ...{ "ayni:request": parsed(request), "ayni:promise": parsed(promise) },
          })),
        },
      };
    case "resync":
      return {
        type: "Offer",
        object: {
          type: ["Document", "ayni:Resync"],
          ...{ "ayni:out": toHead(message.out), "ayni:in": toHead(message.in), "ayni:open": message.open },
        },
      };
    case "resynced":
      return {
        type: "Accept",
        result: {
          type: ["Document", "ayni:ResyncState"],
          "ayni:nonce": message.nonce,
          ...{ "ayni:out": toHead(message.out), "ayni:in": toHead(message.in) },
          "ayni:states": message.states.map(({ transfer, state }) => ({
            ...{ "ayni:transfer": transfer, "ayni:state": state },
          })),
          "ayni:open": message.open.map(({ transfer, request, promise }) => ({
            "ayni:transfer": transfer,
            ...(request === null ? {} : { "ayni:request": parsed(request) }),
            ...(promise === null ? {} : { "ayni:promise": parsed(promise) }),
          })),
          "ayni:prepared": message.prepared,
        },
      };
    case "known":
      return {
        type: "Reject",
        object: {
          type: ["Document", "ayni:Session"],
          ...{ "ayni:epoch": `${message.epoch}`, "ayni:nonce": message.nonce },
        },
      };
  }
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Most items of what a message lists: transfers that are open one way, entries of a page; with room for other implementations' limits. */
const MAX_LISTED = 1_000;

/** What a hub calls one of its sessions. */
export const nonce = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const none = z.literal("");
const logHead = z
  .strictObject({ "ayni:seq": seqOrNone, "ayni:cumulative": total, "ayni:entry": digest.or(none) })
  .transform((head) => ({
    ...{ seq: head["ayni:seq"], cumulative: head["ayni:cumulative"], digest: head["ayni:entry"] },
  }))
  .refine((head) => (head.seq === 0n) === (head.digest === ""));
const side = z.enum(["yours", "mine"]);
const typed = <T extends string>(name: T) => z.tuple([z.literal("Document"), z.literal(name)]);
const iris = z.array(iri).max(MAX_LISTED);

/** A message by what kind of activity it is about what; null when there is none of that kind, or it is not of the shape. */
export function readMessage(item: unknown, keys: Keys): Message | null {
  const kind = kindOf(item);
  const read = Object.hasOwn(readers, kind) ? readers[kind as keyof typeof readers] : null;
  return read === null ? null : read(item, keys);
}

/** `Offer ayni:Resync`: the activity's type, and the last type of its object or result; `iri` where that is an iri. */
function kindOf(item: unknown): string {
  const { data } = activity.safeParse(item);
  if (data === undefined) return "";
  const { type, object, result } = data;
  const about = result ?? object;
  if (about === undefined) return "";
  return `${type} ${typeof about === "string" ? "iri" : [about.type].flat().at(-1)}`;
}

const about = z.looseObject({ type: z.string().or(z.array(z.string()).max(5)) });
const activity = z.looseObject({
  type: z.string(),
  object: z.string().or(about).optional(),
  result: about.optional(),
});

/** A reader of what has a shape: null for what does not, or makes no message. */
function reader<T>(schema: z.ZodType<T>, make: (found: T, keys: Keys) => Message | null) {
  return (item: unknown, keys: Keys): Message | null => {
    const { data } = schema.safeParse(item);
    return data === undefined ? null : make(data, keys);
  };
}

const json = z.unknown();

const readers = {
  "Offer ayni:CreditTransfer": reader(
    z.strictObject({ type: z.string(), object: json }),
    ({ object }, keys) => {
      const request = readTransfer(object, keys);
      return request && { type: "reserve", request };
    },
  ),
  "Accept ayni:CreditPromise": reader(
    z.strictObject({ type: z.string(), object: iri, result: json }),
    ({ object, result }, keys) => {
      const promise = readPromise(result, keys);
      return promise && promise.transfer === object ? { type: "promise", promise } : null;
    },
  ),
  "Reject iri": reader(
    z.strictObject({ type: z.string(), object: iri, "ayni:reason": z.enum(REFUSALS) }),
    ({ object: transfer, "ayni:reason": reason }) => ({ type: "refuse", transfer, reason }),
  ),
  "Create ayni:LedgerEntry": reader(
    z.strictObject({ type: z.string(), object: json }),
    ({ object }, keys) => {
      const entry = readEntry(object, keys);
      return entry && { type: "entry", entry };
    },
  ),
  "Accept ayni:Checkpoint": reader(z.strictObject({ type: z.string(), result: json }), ({ result }, keys) => {
    const checkpoint = readCheckpoint(result, keys);
    return checkpoint && { type: "checkpoint", checkpoint };
  }),
  "Undo iri": reader(z.strictObject({ type: z.string(), object: iri }), ({ object: transfer }) => ({
    type: "abort",
    transfer,
  })),
  "Accept Undo": reader(
    z.strictObject({ type: z.string(), object: z.strictObject({ type: z.string(), object: iri }) }),
    ({ object: { object: transfer } }) => ({ type: "release", transfer }),
  ),
  "Offer ayni:StatusQuery": reader(
    z.strictObject({
      type: z.string(),
      object: z.strictObject({ type: typed("ayni:StatusQuery"), "ayni:transfer": iri }),
    }),
    ({ object }) => ({ type: "query", transfer: object["ayni:transfer"] }),
  ),
  "Offer ayni:LogQuery": reader(
    z.strictObject({
      type: z.string(),
      object: z.strictObject({
        type: typed("ayni:LogQuery"),
        ...{ "ayni:log": side, "ayni:after": seqOrNone, "ayni:nonce": nonce.optional() },
      }),
    }),
    ({ object }) => ({
      ...{ type: "pull", log: object["ayni:log"], after: object["ayni:after"] },
      nonce: object["ayni:nonce"] ?? null,
    }),
  ),
  "Accept ayni:LogPage": reader(
    z.strictObject({
      type: z.string(),
      result: z.strictObject({
        type: z.tuple([z.literal("OrderedCollectionPage"), z.literal("ayni:LogPage")]),
        ...{ "ayni:log": side, "ayni:nonce": nonce },
        orderedItems: z.array(json).max(MAX_LISTED),
        "ayni:promised": z
          .array(z.strictObject({ "ayni:request": json, "ayni:promise": json }))
          .max(MAX_LISTED),
      }),
    }),
    ({ result }, keys) => {
      const entries = result.orderedItems.map((item) => readEntry(item, keys));
      const requests = result["ayni:promised"].map((pair) => {
        const request = readTransfer(pair["ayni:request"], keys);
        const promise = readPromise(pair["ayni:promise"], keys);
        return request && promise && { request, promise };
      });
      if (!isWhole(entries) || !isWhole(requests)) return null;
      return { type: "page", log: result["ayni:log"], nonce: result["ayni:nonce"], entries, requests };
    },
  ),
  "Offer ayni:Resync": reader(
    z.strictObject({
      type: z.string(),
      object: z.strictObject({
        type: typed("ayni:Resync"),
        ...{ "ayni:out": logHead, "ayni:in": logHead, "ayni:open": iris },
      }),
    }),
    ({ object }) => ({
      ...{ type: "resync", out: object["ayni:out"], in: object["ayni:in"], open: object["ayni:open"] },
    }),
  ),
  "Accept ayni:ResyncState": reader(
    z.strictObject({
      type: z.string(),
      result: z.strictObject({
        type: typed("ayni:ResyncState"),
        ...{ "ayni:nonce": nonce, "ayni:out": logHead, "ayni:in": logHead },
        "ayni:states": z
          .array(
            z.strictObject({
              "ayni:transfer": iri,
              "ayni:state": z.enum(["prepared", "rejected", "settled", "released", "none"]),
            }),
          )
          .max(MAX_LISTED),
        "ayni:open": z
          .array(
            z.strictObject({
              "ayni:transfer": iri,
              ...{ "ayni:request": json.optional(), "ayni:promise": json.optional() },
            }),
          )
          .max(MAX_LISTED),
        "ayni:prepared": iris,
      }),
    }),
    ({ result }, keys) => {
      const open = result["ayni:open"].map((row) => {
        const request = row["ayni:request"] === undefined ? null : readTransfer(row["ayni:request"], keys);
        const promise = row["ayni:promise"] === undefined ? null : readPromise(row["ayni:promise"], keys);
        const unread =
          (row["ayni:request"] !== undefined && request === null) ||
          (row["ayni:promise"] !== undefined && promise === null);
        return unread ? null : { transfer: row["ayni:transfer"], request, promise };
      });
      if (!isWhole(open)) return null;
      return {
        type: "resynced",
        nonce: result["ayni:nonce"],
        ...{ out: result["ayni:out"], in: result["ayni:in"] },
        states: result["ayni:states"].map((row) => ({
          ...{ transfer: row["ayni:transfer"], state: row["ayni:state"] },
        })),
        open,
        prepared: result["ayni:prepared"],
      };
    },
  ),
  "Reject ayni:Session": reader(
    z.strictObject({
      type: z.string(),
      object: z.strictObject({ type: typed("ayni:Session"), "ayni:epoch": total, "ayni:nonce": nonce }),
    }),
    ({ object }) => ({ type: "known", epoch: object["ayni:epoch"], nonce: object["ayni:nonce"] }),
  ),
} satisfies Record<string, (item: unknown, keys: Keys) => Message | null>;

/** Part of an answer says nothing: all of it can be read, or none counts. */
function isWhole<T>(list: readonly (T | null)[]): list is readonly T[] & T[] {
  return list.every((item) => item !== null);
}
