import { randomUUID } from "node:crypto";
import type { Federation as Fedify } from "@fedify/fedify";
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import { DomainError } from "../../domain/errors.ts";
import type { JsonObject } from "../../json.ts";
import type { Job } from "../../queue/worker.ts";
import type { Federation, InboxData } from "../context.ts";
import { withEgressBudget } from "../egress.ts";
import { isObject } from "../envelope.ts";
import { typeMarketplaceTerms } from "../vocab/proposals.ts";
import { onForwarded } from "./objects.ts";

const logger = getLogger(["ayni", "inbox"]);

/** How many requests one incoming activity may make us send. */
const FETCHES = 15;

/** What the door stores: an activity as it came, or the address of one that somebody else brought. */
export const inboxJob = z.union([
  z.object({ body: z.string(), signer: z.string(), received: z.string() }),
  z.object({ refetch: z.string(), deleted: z.boolean() }),
]);

/**
 * Takes one verified activity to its handler. Fedify verifies nothing again; a handler that throws fails the job, which is
 * then tried again. What cannot be understood or is not allowed is dropped: trying again would not change it.
 */
export function createInboxWorker(
  federation: Federation,
  fedify: Fedify<InboxData>,
): (job: Job) => Promise<void> {
  return async (job) => {
    const payload = inboxJob.parse(job.payload);
    try {
      await withEgressBudget(FETCHES, async () => {
        if ("refetch" in payload) return onForwarded(federation, payload.refetch, payload.deleted);
        const raw = typeMarketplaceTerms(JSON.parse(payload.body) as JsonObject);
        const { body, signer } = payload;
        const data: InboxData = { ...federation, body, raw, signer, begun: false };
        const task = {
          type: "inbox",
          id: randomUUID(),
          baseUrl: federation.ctx.hub.origin,
          activity: withoutParts(raw),
          started: payload.received,
          attempt: 0,
          identifier: null,
          ldSignatureVerified: false,
          traceContext: {},
        } as const;
        await fedify.processQueuedTask(data, task).catch((error: unknown) => {
          if (data.begun || !isUnreadable(error)) throw error;
          // Tried again it would be as unreadable, and meanwhile hold back what its actor says next.
          logger.info("Activity dropped: it cannot be read as JSON-LD: {error}", { error });
        });
      });
    } catch (error) {
      if (!(error instanceof DomainError) || ["remote_unreachable", "busy"].includes(error.code)) throw error;
      logger.info("Activity dropped: {code} {message}", { code: error.code, message: error.message });
    }
  };
}

/** What decides who handles an activity; the handlers read the rest themselves, from what came. */
const DISPATCHED = ["@context", "id", "type", "actor"] as const;

/**
 * An activity with what decides who handles it, and its object; a Create or Update only names it. JSON-LD is read several times over
 * for each class of the vocabulary, so the object is read by itself, once, by the handler that wants it (`objectOf`): the two together
 * cost less than half, and the proof alone twelve times what is left here. Agreements, and Offers that are answered, are read by their
 * handlers only: the vocabulary throws at the examples that FEP-0837 prints.
 */
function withoutParts(raw: JsonObject): JsonObject {
  const { object } = raw;
  const dispatched = Object.fromEntries(
    DISPATCHED.flatMap((name) => (name in raw ? [[name, raw[name]!]] : [])),
  );
  if (object === undefined || raw.type === "Offer") return dispatched;
  const apart =
    raw.type === "Create" || raw.type === "Update" || (isObject(object) && object.type === "Offer");
  const named = apart && isObject(object) && typeof object.id === "string" ? { id: object.id } : object;
  return { ...dispatched, object: named };
}

/** What the JSON-LD processor and the vocabulary throw at input of wrong types, not the database at a bad moment. */
function isUnreadable(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    (error instanceof Error && error.name.startsWith("jsonld."))
  );
}
