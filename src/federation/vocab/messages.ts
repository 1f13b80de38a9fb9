import { MESSAGE_MAX } from "../../domain/agreements/commands.ts";
import type { OutgoingMessage } from "../../domain/agreements/messages.ts";
import { htmlToPlain, plainToHtml, sanitizeHtml } from "../../domain/html.ts";
import { cleanText } from "../../domain/validate.ts";
import type { JsonObject } from "../../json.ts";
import { iriOf, isObject } from "../envelope.ts";
import { ACTIVITY_CONTEXT, document } from "./context.ts";

/** So much HTML is read. */
const HTML_MAX = 50_000;

/** A message in an agreement: a Note for the other one alone, whose `context` is the agreement and which answers its first Offer. */
export function toMessage(iri: string, message: OutgoingMessage): JsonObject {
  const { author, other, agreement, offer, content, created } = message;
  const addressed = { to: [other.iri], cc: [], published: created.toISOString() };
  return document(ACTIVITY_CONTEXT, {
    ...{ id: iri, type: "Create", actor: author.iri, ...addressed },
    object: {
      ...{ id: `${iri}#object`, type: "Note", attributedTo: author.iri, context: agreement },
      ...(offer === null ? {} : { inReplyTo: offer }),
      ...addressed,
      content: plainToHtml(content),
      // Elsewhere a message that mentions nobody is told to nobody.
      tag: [{ type: "Mention", href: other.iri, name: `@${other.handle}@${other.host}` }],
    },
  });
}

/** What somebody writes to one reader about an agreement. */
export interface WrittenMessage {
  agreement: string | null;
  offer: string | null;
  author: string;
  to: string;
  /** Plain text, cut where it is longer than people here may write; empty when nothing can be read. */
  content: string;
}

/** A Note for one reader alone, which answers or is about something; null: it is another thing. */
export function readMessage(object: unknown): WrittenMessage | null {
  if (!isObject(object) || object.type !== "Note") return null;
  const agreement = iriOf(object.context);
  const offer = iriOf(object.inReplyTo);
  const author = iriOf(object.attributedTo);
  const readers = [object.to, object.cc, object.bto, object.bcc, object.audience]
    .flat()
    .filter((to) => to != null);
  const [to] = readers.map(iriOf);
  if ((agreement === null && offer === null) || author === null || readers.length !== 1 || to == null)
    return null;
  const html = typeof object.content === "string" ? object.content.slice(0, HTML_MAX) : "";
  const text = cleanText(htmlToPlain(sanitizeHtml(cleanText(html))));
  return { agreement, offer, author, to, content: [...text].slice(0, MESSAGE_MAX).join("").trim() };
}
