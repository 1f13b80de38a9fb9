import { sql } from "drizzle-orm";
import { index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { actors } from "./actors.ts";
import { id, time } from "./columns.ts";

/** Activities of local actors, serialized and proven once: what every recipient gets, byte for byte. */
export const activities = pgTable(
  "activities",
  {
    /** The id of the event it came from, so that a retry can never make a second one. */
    id: id().primaryKey(),
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    type: text().notNull(),
    /** The iri of its object. */
    object: text().notNull(),
    /** Listed in the outbox (addressed to the public). */
    audience: text({ enum: ["public", "followers", "direct"] }).notNull(),
    body: text().notNull(),
    created: time().notNull(),
  },
  (t) => [
    index("activities_outbox").on(t.actorId, t.audience, t.id),
    index("activities_object").on(t.object),
    index("activities_passing").on(t.id).where(sql`${t.audience} <> 'public'`),
  ],
);

/** Remote objects whose deletion arrived before they did, by the actor who deleted them: only the author's counts. */
export const deletions = pgTable(
  "deletions",
  {
    iri: text().notNull(),
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    deleted: time().notNull(),
  },
  (t) => [primaryKey({ columns: [t.iri, t.actorId] }), index("deletions_deleted").on(t.deleted)],
);

/** Remote activities that had an effect here. The row is written in the effect's transaction, so it happens once. */
export const receivedActivities = pgTable(
  "received_activities",
  {
    iri: text().primaryKey(),
    received: time().notNull(),
  },
  (t) => [index("received_activities_received").on(t.received)],
);
