import type { Id } from "../../db/ids.ts";
import type { Visibility } from "../../db/schema/posts.ts";
import type { ActorView } from "../actors/queries.ts";

/** A post as pages and APIs show it. */
export interface PostView {
  id: Id;
  iri: string;
  /** Page on the author's own server. */
  url: string;
  author: ActorView;
  local: boolean;
  /** Title, where the post has one. */
  name: string | null;
  /** Sanitized HTML. */
  content: string;
  /** Content warning. */
  summary: string | null;
  language: string | null;
  visibility: Visibility;
  inReplyTo: string | null;
  /** Set when the post is the companion of a proposal that this hub knows. */
  proposalId: Id | null;
  published: Date;
  updated: Date | null;
  /** The one who looks may delete it. */
  own: boolean;
}

/** One keyset page, newest first. `before` is the cursor of the next page, null at the end. */
export interface Page<T> {
  items: T[];
  before: Id | null;
}
