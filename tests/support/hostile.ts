import { expect } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { type Canary, startCanary } from "./canary.ts";
import { type Organization, settle, startHub, type TestHub } from "./hub.ts";
import {
  AS2,
  type DeliverOptions,
  type Json,
  PUBLIC,
  type Remote,
  type RemoteActor,
  startRemote,
} from "./remote-server.ts";

/** A hub between a server that means ill and one that it would speak for, and an organization that follows actors of both. */
export interface Scene {
  hub: TestHub;
  nour: Organization;
  attacker: Remote;
  victim: Remote;
  canary: Canary;
  mallory: RemoteActor;
  alice: RemoteActor;
  /** Another actor of the victim's server. */
  bob: RemoteActor;
  /** An activity with an id of its own. */
  activity(type: string, by: RemoteActor, object: unknown, change?: Json): Json;
  note(by: RemoteActor, change?: Json): Json;
  /** Delivers, expects no 5xx, waits until its effects are there, and returns the status. */
  send(from: Remote, activity: Json | Buffer, options?: DeliverOptions & { inbox?: string }): Promise<number>;
  /** Delivers a genuine Create of the actor's and returns its Note, which its server then serves. */
  published(from: Remote, by: RemoteActor, change?: Json): Promise<Json>;
  /** Everything that an activity could change. */
  state(): Promise<unknown>;
  /** What was sent left no trace, fails no job, and keeps nothing genuine out. */
  expectUnharmed(before: unknown): Promise<void>;
  close(): Promise<void>;
}

export async function startScene(): Promise<Scene> {
  const [attacker, victim, canary] = await Promise.all([
    startRemote({ accepts: true, actors: ["mallory"] }),
    startRemote({ accepts: true, actors: ["alice", "bob", "carol"] }),
    startCanary(),
  ]);
  const hub = await startHub({ allow: [attacker.host, victim.host] });
  const nour = await hub.organization("nour");
  const [mallory, alice, bob] = [attacker.actor("mallory"), victim.actor("alice"), victim.actor("bob")];
  for (const { iri } of [mallory, alice, bob]) {
    const followedId = await hub.ctx.remote.resolveActor(iri);
    await requestFollow(hub.ctx, { followerId: nour.actorId, followedId });
  }
  await settle(hub);
  let serial = 0;

  const scene: Scene = {
    ...{ hub, nour, attacker, victim, canary, mallory, alice, bob },
    activity(type, by, object, change = {}) {
      const id = `${by.iri}/${type.toLowerCase()}/${++serial}`;
      return { "@context": AS2, id, type, actor: by.iri, to: [PUBLIC], object, ...change };
    },
    note(by, change = {}) {
      const id = `${by.iri}/notes/${++serial}`;
      return {
        id,
        type: "Note",
        attributedTo: by.iri,
        content: `<p>n. ${serial}</p>`,
        to: [PUBLIC],
        ...change,
      };
    },
    async send(from, activity, { inbox = `${hub.origin}/inbox`, ...options } = {}) {
      const { status, body } = await from.deliver(inbox, activity, { date: hub.clock.now(), ...options });
      expect(status, body).toBeLessThan(500);
      await settle(hub);
      return status;
    },
    async published(from, by, change) {
      const note = scene.note(by, change);
      from.documents.set(new URL(String(note.id)).pathname, { body: { "@context": AS2, ...note } });
      expect(await scene.send(from, scene.activity("Create", by, note))).toBe(202);
      expect(await hub.database.sql`select from posts where iri = ${String(note.id)}`).toHaveLength(1);
      return note;
    },
    async state() {
      const { sql } = hub.database;
      return {
        posts: await sql`select * from posts where published > '1970-01-02' order by iri`,
        proposals: await sql`select * from proposals order by iri`,
        follows: await sql`select * from follows order by iri`,
        actors: await sql`
          select iri, kind, handle, host, name, summary, url, avatar, inbox, shared_inbox, locked, deleted
          from actors order by iri`,
      };
    },
    async expectUnharmed(before) {
      expect(await scene.state()).toEqual(before);
      await scene.published(victim, alice);
      expect(await hub.database.sql`select queue, payload, error from jobs where error is not null`).toEqual(
        [],
      );
      expect(await hub.database.sql`select queue, payload, error from dead_jobs`).toEqual([]);
      // No key of the attacker's stands for anybody else.
      const keys = await hub.database.sql<
        { iri: string; owner: string }[]
      >`select iri, owner from public_keys`;
      for (const { iri, owner } of keys) expect(new URL(iri).origin).toBe(new URL(owner).origin);
      expect(canary.connections).toBe(0);
    },
    async close() {
      await Promise.all([attacker.close(), victim.close(), canary.close()]);
    },
  };
  return scene;
}
