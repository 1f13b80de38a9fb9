import { sql } from "drizzle-orm";
import { boolean, index, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { bytes, id, time } from "./columns.ts";

export const ACTOR_KINDS = ["Person", "Organization", "Group", "Application", "Service"] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** Everybody who acts, here (`host` is null) or elsewhere. */
export const actors = pgTable(
  "actors",
  {
    id: id().primaryKey(),
    iri: text().notNull().unique(),
    kind: text({ enum: ACTOR_KINDS }).notNull(),
    /** preferredUsername; people, organizations and groups of this hub share one namespace. */
    handle: text().notNull(),
    /** Host (with port) of a remote actor's handle; null for ours. */
    host: text(),
    name: text().notNull(),
    /** HTML, sanitized on the way in. */
    summary: text().notNull().default(""),
    /** Page for people. */
    url: text(),
    avatar: text(),
    inbox: text().notNull(),
    sharedInbox: text("shared_inbox"),
    outbox: text(),
    followers: text(),
    following: text(),
    /** manuallyApprovesFollowers */
    locked: boolean().notNull().default(false),
    discoverable: boolean().notNull().default(true),
    created: time().notNull(),
    updated: time().notNull(),
    /** When a remote actor was last read from its server. */
    fetched: time(),
    deleted: time(),
    /** The peer hub whose it is (`peers.id`); no reference, since peers refer to actors. */
    peerId: id("peer_id"),
  },
  (t) => [
    uniqueIndex("actors_local_handle").on(sql`lower(${t.handle})`).where(sql`${t.host} is null`),
    index("actors_remote_handle").on(t.host, sql`lower(${t.handle})`).where(sql`${t.host} is not null`),
    index("actors_url").on(t.url),
    index("actors_search").using("gin", sql`(${t.name} || ' ' || ${t.handle}) gin_trgm_ops`),
    index("actors_directory").on(t.kind, t.id).where(sql`${t.host} is null and ${t.deleted} is null`),
    // The directory of all hubs together, and of one peer.
    index("actors_organizations")
      .on(t.id)
      .where(
        sql`${t.kind} = 'Organization' and ${t.deleted} is null and (${t.host} is null or ${t.peerId} is not null)`,
      ),
    index("actors_peer").on(t.peerId, t.id).where(sql`${t.peerId} is not null and ${t.deleted} is null`),
  ],
);

export const KEY_KINDS = ["rsa", "ed25519"] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** Key pairs of local actors: RSA for HTTP signatures, Ed25519 for object proofs (FEP-8b32, FEP-521a). */
export const actorKeys = pgTable(
  "actor_keys",
  {
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    kind: text({ enum: KEY_KINDS }).notNull(),
    /** SPKI in PEM. */
    publicKey: text("public_key").notNull(),
    /** PKCS #8 (DER), sealed with the hub's secret: a stolen database alone cannot sign. */
    privateKey: bytes("private_key").notNull(),
    /** Fragment of the key's iri where the key has replaced another one; null: the usual one of its kind. */
    fragment: text(),
    created: time().notNull(),
  },
  (t) => [primaryKey({ columns: [t.actorId, t.kind] })],
);

/**
 * Ed25519 keys that local actors had before, append-only: what they proved stays proven. The private halves are gone.
 */
export const retiredKeys = pgTable(
  "retired_keys",
  {
    actorId: id("actor_id")
      .notNull()
      .references(() => actors.id),
    /** Fragment of the key's iri, and the key itself (Multikey). */
    fragment: text().notNull(),
    publicKey: text("public_key").notNull(),
    retired: time().notNull(),
  },
  (t) => [primaryKey({ columns: [t.actorId, t.publicKey] })],
);

/** Public keys of remote actors, as their own documents list them. Forgotten after an hour or with their actor. */
export const publicKeys = pgTable(
  "public_keys",
  {
    iri: text().primaryKey(),
    owner: text().notNull(),
    kind: text({ enum: KEY_KINDS }).notNull(),
    /** SPKI in PEM. */
    publicKey: text("public_key").notNull(),
    fetched: time().notNull(),
  },
  (t) => [index("public_keys_owner").on(t.owner), index("public_keys_fetched").on(t.fetched)],
);
