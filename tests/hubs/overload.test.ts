import { expect, test } from "vitest";
import { settle, startHub } from "../support/hub.ts";
import { type Answer, AS2, PUBLIC, startRemote } from "../support/remote-server.ts";
import { webClient } from "../support/web-client.ts";

const ACTORS = 50;
const ACTIVITIES = 2_000;
const AT_ONCE = 32;

test("2,000 activities of 50 actors, 32 at once, while pages are asked: each that was taken has its effect, none is lost", async () => {
  const remote = await startRemote({ crowd: ACTORS, actors: [] });
  const hub = await startHub({ allow: [remote.host] });
  const nour = await hub.organization("nour");
  const { sql } = hub.database;
  // Followed by an organization here, so that what they say counts.
  for (let i = 0; i < ACTORS; i++) {
    const { iri } = remote.actor(`crowd${i}`);
    const id = await hub.ctx.remote.resolveActor(iri);
    await sql`
      insert into follows (id, iri, follower_id, followed_id, state, created)
      values (${i + 1}, ${`${hub.origin}/follows/${i + 1}`}, ${String(nour.actorId)}, ${String(id)}, 'accepted', now())`;
  }

  const answers: Answer[] = [];
  let next = 0;
  let longest = 0;
  async function sender(): Promise<void> {
    for (let i = next++; i < ACTIVITIES; i = next++) {
      const { iri: actor } = remote.actor(`crowd${i % ACTORS}`);
      const object = {
        id: `${actor}/notes/${i}`,
        type: "Note",
        attributedTo: actor,
        content: `n. ${i}`,
        to: [PUBLIC],
      };
      const create = {
        "@context": AS2,
        id: `${actor}/creates/${i}`,
        type: "Create",
        actor,
        to: [PUBLIC],
        object,
      };
      answers[i] = await remote.deliver(`${hub.origin}/inbox`, create);
    }
  }
  const pages: number[] = [];
  const visitor = webClient(hub.origin);
  async function reader(): Promise<void> {
    const paths = ["/", "/exchange", "/@nour", "/directory"];
    for (let i = 0; next < ACTIVITIES; i++) {
      const started = performance.now();
      pages.push((await visitor.get(paths[i % paths.length]!)).status);
      longest = Math.max(longest, performance.now() - started);
    }
  }
  const began = performance.now();
  await Promise.all([...Array.from({ length: AT_ONCE }, sender), reader()]);
  const took = performance.now() - began;

  expect(pages.length).toBeGreaterThan(0);
  expect(pages.filter((status) => status !== 200)).toEqual([]);
  // No page waits behind the flood; on a machine that is slow at both, measured by how long the flood took.
  expect(longest).toBeLessThan(Math.max(10_000, took / 5));
  for (const { status, headers } of answers) {
    // Refused is allowed, but only with a word on when to come back.
    if (status !== 202)
      expect([[429, 503].includes(status), Number(headers["retry-after"]) > 0]).toEqual([true, true]);
  }
  const taken = answers.flatMap(({ status }, i) => (status === 202 ? [`n. ${i}`] : []));
  expect(taken.length).toBeGreaterThan(ACTIVITIES / 2);

  await settle(hub);
  const stored = await sql<{ content: string }[]>`select content from posts where not local`;
  expect(stored.map(({ content }) => content).toSorted()).toEqual(taken.toSorted());
  expect(await sql`select from jobs where queue = 'inbox'`).toHaveLength(0);
  expect(await sql`select from dead_jobs`).toHaveLength(0);
  await remote.close();
}, 180_000);
