import type { Object as ASObject } from "@fedify/vocab";
import { Article, Event, Link, Note, Page, Question, Video } from "@fedify/vocab";
import type { Visibility } from "../../db/schema/posts.ts";
import { htmlToText, sanitizeHtml } from "../../domain/html.ts";
import type { RemotePost } from "../../domain/posts/commands.ts";
import type { OutgoingPost, OutgoingReview } from "../../domain/posts/queries.ts";
import { tagPage } from "../../domain/proposals/companion.ts";
import { cleanText } from "../../domain/validate.ts";
import type { JsonObject } from "../../json.ts";
import { ACTIVITY_CONTEXT, AYNI, PUBLIC } from "./context.ts";
import { EMBEDDED_ONLY, type IriCheck, instantToDate, languageOf, text } from "./parse.ts";

const PROPOSAL_REL = "https://w3id.org/valueflows/ont/vf#Proposal";
const CONTENT_MAX = 100_000;

/** Who a post is addressed to; the readers of the fediverse understand visibility by nothing else. */
export function addressing(visibility: Visibility, followers: string): { to: string[]; cc: string[] } {
  switch (visibility) {
    case "public":
      return { to: [PUBLIC], cc: [followers] };
    case "unlisted":
      return { to: [followers], cc: [PUBLIC] };
    case "followers":
      return { to: [followers], cc: [] };
  }
}

/** The same, and whoever is answered. */
export function addressingOf({ visibility, followers, answered }: OutgoingPost): {
  to: string[];
  cc: string[];
} {
  const { to, cc } = addressing(visibility, followers);
  return { to, cc: answered === null ? cc : [...cc, answered.iri] };
}

/** A post as a Note. `summary` only where there is a warning: elsewhere it hides the text behind a click. */
export function toNote(post: OutgoingPost, origin: string): JsonObject {
  return {
    id: post.iri,
    type: "Note",
    attributedTo: post.actorIri,
    ...(post.inReplyTo === null ? {} : { inReplyTo: post.inReplyTo }),
    ...(post.proposal === null ? {} : { context: post.proposal }),
    ...(post.review === null ? {} : toReview(post.review)),
    ...(post.summary === null ? {} : { summary: post.summary }),
    sensitive: post.summary !== null,
    content: post.content,
    // One language, since Mastodon shows one only.
    ...(post.language === null ? {} : { contentMap: { [post.language]: post.content } }),
    url: post.url,
    published: post.published.toISOString(),
    ...(post.updated === null ? {} : { updated: post.updated.toISOString() }),
    ...addressingOf(post),
    tag: [...toMention(post.answered, origin), ...toHashtags(post.tags, origin)],
    attachment: post.proposal === null ? [] : [proposalLink(post.proposal)],
  };
}

/** Who is answered is told so by their server only where they are mentioned. */
function toMention(answered: OutgoingPost["answered"], origin: string): JsonObject[] {
  if (answered === null) return [];
  const { iri, handle, host } = answered;
  return [{ type: "Mention", href: iri, name: `@${handle}@${host ?? new URL(origin).host}` }];
}

export function toHashtags(tags: readonly string[], origin: string): JsonObject[] {
  return tags.map((tag) => ({ type: "Hashtag", href: tagPage(origin, tag), name: `#${tag}` }));
}

/**
 * What a review says to those who understand it; the text says the same to everybody. It is no reply to the proposal: what answers something
 * that it does not have Mastodon keeps from the author's followers.
 */
function toReview({ agreement, exchanged, about, role, rating, settlement }: OutgoingReview): JsonObject {
  return {
    context: agreement,
    "ayni:review": {
      "ayni:about": { id: about },
      "ayni:proposal": { id: exchanged },
      "ayni:role": role,
      "ayni:rating": rating,
      ...(settlement === null ? {} : { "ayni:settlement": settlement }),
      "ayni:sealed": false,
    },
  };
}

/** The terms that a post's Note needs. */
export function noteContext({ review }: Pick<OutgoingPost, "review">): readonly (string | object)[] {
  return review === null ? ACTIVITY_CONTEXT : [...ACTIVITY_CONTEXT, { ayni: AYNI }];
}

/** FEP-0837 publishes a proposal through a link of FEP-0ea0. */
function proposalLink(href: string): JsonObject {
  return {
    type: "Link",
    href,
    rel: ["payment", PROPOSAL_REL],
    mediaType: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
    name: "Proposal",
  };
}

/**
 * A remote post, or null when it is none: another type, no text at all, addressed to nobody that we could show it to, or not
 * wholly its author's.
 */
export async function parsePost(
  object: ASObject,
  author: { iri: string; followers: string | null },
  check: IriCheck,
): Promise<RemotePost | null> {
  const titled =
    object instanceof Article || object instanceof Page || object instanceof Event || object instanceof Video;
  if (!(titled || object instanceof Note || object instanceof Question)) return null;
  const iri = check(object.id);
  const visibility = visibilityOf(object, author.followers);
  if (iri === null || visibility === null || !attributedOnlyTo(object, author.iri)) return null;

  const rawContent = object.content;
  const content = sanitizeHtml(cleanText(text(rawContent) ?? "").slice(0, CONTENT_MAX));
  const name = htmlToText(cleanText(text(object.name) ?? "")).slice(0, 300) || null;
  const summary = htmlToText(cleanText(text(object.summary) ?? "")).slice(0, 500) || null;
  if (content === "" && name === null) return null;
  const origin = new URL(iri).origin;
  const url = check(object.url instanceof URL ? object.url : (object.url?.href ?? null));
  return {
    iri,
    content,
    // On these the summary is the text's abstract, not a warning.
    summary: titled ? null : summary,
    name: titled ? name : null,
    language: languageOf(object.contents.find((item) => typeof item !== "string") ?? rawContent),
    visibility,
    inReplyTo: check(object.replyTargetId),
    url: url !== null && new URL(url).origin === origin ? url : iri,
    proposal: await linkedProposal(object, check),
    published: instantToDate(object.published) ?? new Date(),
    updated: instantToDate(object.updated),
  };
}

/** Nobody but the actor that sent it may stand as an author: no list, no other name beside it. */
export function attributedOnlyTo(object: ASObject, actorIri: string): boolean {
  return object.attributionIds.length > 0 && object.attributionIds.every((id) => id.href === actorIri);
}

function visibilityOf(object: ASObject, followers: string | null): Visibility | null {
  const to = object.toIds.map((id) => id.href);
  const cc = object.ccIds.map((id) => id.href);
  if (to.includes(PUBLIC)) return "public";
  if (cc.includes(PUBLIC)) return "unlisted";
  return followers !== null && (to.includes(followers) || cc.includes(followers)) ? "followers" : null;
}

async function linkedProposal(object: ASObject, check: IriCheck): Promise<string | null> {
  for await (const attachment of object.getAttachments(EMBEDDED_ONLY)) {
    if (attachment instanceof Link && attachment.href !== null && attachment.rels.includes(PROPOSAL_REL)) {
      return check(attachment.href);
    }
  }
  return null;
}
