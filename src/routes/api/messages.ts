import { z } from "@hono/zod-openapi";
import { consentBundle } from "../../domain/agreements/bundle.ts";
import { MESSAGE_MAX, writeMessage } from "../../domain/agreements/commands.ts";
import { agreementById, agreementMessagesOf } from "../../domain/agreements/queries.ts";
import { ConsentBundle, Message, toMessage } from "./agreement-schemas.ts";
import type { Api } from "./operation.ts";
import { ById, list, PAGE, PAGE_SIZE } from "./schemas.ts";

const tag = "Agreements";

/** What the parties of an agreement wrote to one another, and what they signed. */
export function messageRoutes({ operation }: Api): void {
  operation({
    method: "get",
    path: "/agreements/{id}/messages",
    id: "listMessages",
    tag,
    scope: "exchange:read",
    summary: "What was written in an agreement, newest first",
    params: ById,
    query: z.strictObject(PAGE),
    answer: z.array(Message),
    async run({ ctx, acting, params: { id }, query: { before, limit = PAGE_SIZE } }) {
      await agreementById(ctx, id, acting);
      const page = await agreementMessagesOf(ctx, id, acting.actorId, before ?? null, limit);
      return list({ ...page, items: page.items.map((item) => toMessage(ctx, item)) });
    },
  });

  operation({
    method: "post",
    path: "/agreements/{id}/messages",
    id: "writeMessage",
    tag,
    scope: "exchange:write",
    summary: "Write to the other party, and in a dispute to the stewards",
    params: ById,
    body: z.strictObject({
      content: z.string().min(1).max(MESSAGE_MAX).openapi({ description: "Plain text." }),
    }),
    example: { content: "Would Tuesday at ten suit you?" },
    status: 201,
    answer: Message,
    async run({ ctx, acting, params: { id }, body: { content } }) {
      const messageId = await writeMessage(ctx, acting, id, { content });
      const { items } = await agreementMessagesOf(ctx, id, acting.actorId, messageId + 1n, 1);
      const [written] = items;
      if (written === undefined) throw new Error(`Message ${messageId} was not written.`);
      return { body: toMessage(ctx, written), location: `/agreements/${id}/messages` };
    },
  });

  operation({
    method: "get",
    path: "/agreements/{id}/consents",
    id: "listConsents",
    tag,
    scope: "exchange:read",
    summary: "What the parties signed, byte for byte",
    description:
      "Each `body` is a signed activity (FEP-8b32) exactly as it was sent. Saved as a file, `ayni agreement verify` checks the whole offline.",
    params: ById,
    answer: ConsentBundle,
    async run({ ctx, acting, params: { id } }) {
      return { body: await consentBundle(ctx, id, acting) };
    },
  });
}
