import { index, pgTable, text, uniqueIndex } from "drizzle-orm/pg-core";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

export const FOLLOW_STATES = ["pending", "accepted"] as const;
export type FollowState = (typeof FOLLOW_STATES)[number];

/** `follower` follows `followed`; rejected or undone follows are deleted. */
export const follows = pgTable(
  "follows",
  {
    id: id().primaryKey(),
    /** The Follow activity that asked; its Accept, Reject or Undo names it. */
    iri: text().notNull().unique(),
    followerId: id("follower_id")
      .notNull()
      .references(() => actors.id),
    followedId: id("followed_id")
      .notNull()
      .references(() => actors.id),
    state: text({ enum: FOLLOW_STATES }).notNull(),
    created: time().notNull(),
    accepted: time(),
  },
  (t) => [
    uniqueIndex("follows_pair").on(t.followerId, t.followedId),
    index("follows_followers").on(t.followedId, t.state, t.id),
    index("follows_following").on(t.followerId, t.state, t.id),
  ],
);
