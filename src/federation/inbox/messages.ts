import type { Create } from "@fedify/vocab";
import { receiveOnce } from "../../domain/activities/commands.ts";
import { findActor } from "../../domain/actors/queries.ts";
import { agreementWritten, receiveMessage } from "../../domain/agreements/messages.ts";
import { throttle } from "../../domain/throttle.ts";
import type { InboxData } from "../context.ts";
import { readMessage } from "../vocab/messages.ts";

/** How many messages one server, and one actor of it, may write here within an hour. */
const MESSAGES_OF_HOST = 1_000;
const MESSAGES_OF_ACTOR = 120;
const HOUR_SECONDS = 3600;

/**
 * The other party of an agreement writes: to one reader alone, and never as a post.
 *
 * @returns false when the activity is about something else
 */
export async function onMessage(data: InboxData, create: Create): Promise<boolean> {
  const { ctx, check, raw, signer } = data;
  const said = readMessage(raw.object);
  if (said === null) return false;
  const agreementId = await agreementWritten(ctx, said);
  if (agreementId === null) return false;
  const iri = check(create.id);
  const actor = await findActor(ctx, signer);
  if (iri === null || said.author !== signer || actor === null || actor.iri !== signer) return true;
  if (actor.host === null || said.content === "") return true;
  // First its own: one of many on a server does not use up what all have.
  await throttle(ctx, `messages:${signer}`, MESSAGES_OF_ACTOR, HOUR_SECONDS);
  await throttle(ctx, `messages:${actor.host}`, MESSAGES_OF_HOST, HOUR_SECONDS);
  await receiveOnce(ctx, iri, (ctx) => receiveMessage(ctx, actor, agreementId, said));
  return true;
}
