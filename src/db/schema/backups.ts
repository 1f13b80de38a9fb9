import { bigint, index, integer, pgTable, primaryKey, serial } from "drizzle-orm/pg-core";
import { id, time } from "./columns.ts";
import { peers } from "./peers.ts";

/** Backups that were made of this database, for whoever looks after it. */
export const backups = pgTable("backups", {
  id: serial().primaryKey(),
  /** The one moment that it shows. */
  moment: time().notNull(),
  bytes: bigint({ mode: "number" }).notNull(),
});

/** This database was restored: what came after `moment` is gone, but for what peers give back. */
export const restores = pgTable("restores", {
  id: serial().primaryKey(),
  moment: time().notNull(),
  restored: time().notNull(),
});

/** How far the logs with a peer were in the backup: what is beyond, once hands are shaken again, the peer gave back. */
export const restoredLinks = pgTable(
  "restored_links",
  {
    restoreId: integer("restore_id")
      .notNull()
      .references(() => restores.id),
    peerId: id("peer_id")
      .notNull()
      .references(() => peers.id),
    outSeq: bigint("out_seq", { mode: "bigint" }).notNull(),
    inSeq: bigint("in_seq", { mode: "bigint" }).notNull(),
    /** When administrators were told what came back. */
    told: time(),
  },
  (t) => [primaryKey({ columns: [t.restoreId, t.peerId] }), index("restored_links_peer").on(t.peerId)],
);
