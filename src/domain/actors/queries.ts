import type { Id } from "../../db/ids.ts";
import type { ActorKind } from "../../db/schema/actors.ts";

/** An actor as pages and APIs show it. */
export interface ActorView {
  id: Id;
  iri: string;
  kind: ActorKind;
  handle: string;
  /** null for actors of this hub. */
  host: string | null;
  /** `name`, or `name@host` for remote actors: what comes after the first `@`. */
  acct: string;
  name: string;
  /** Sanitized HTML. */
  summary: string;
  /** Page on the actor's own server. */
  url: string;
  avatar: string | null;
  locked: boolean;
  created: Date;
}

/** An actor's page: counts, and how the one who looks stands to it. */
export interface ProfileView extends ActorView {
  followers: number;
  following: number;
  posts: number;
  relation: {
    /** Does the one who looks follow it? */
    following: "no" | "pending" | "accepted";
    followedBy: boolean;
    /** The one who looks is this actor, or may act as it. */
    own: boolean;
  };
}
