import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { installEgress } from "../../src/federation/egress.ts";
import { type Organization, settle, startHub, type TestHub } from "../support/hub.ts";
import { type Remote, type Served, startRemote } from "../support/remote-server.ts";

/** Deliveries to a server that does not take them, beside one that does. Time is the hub's clock, moved on. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let hub: TestHub;
let nour: Organization;
let good: Remote;
let bad: Remote;
let serial = 0;

beforeAll(async () => {
  const now = () => hub.clock.now();
  [good, bad] = await Promise.all([startRemote({ now }), startRemote({ now })]);
  hub = await startHub({ allow: [good.host, bad.host] });
  nour = await hub.organization("nour");
  for (const remote of [good, bad]) {
    const follow = await remote.follow("alice", nour.iri);
    await remote.waitFor(({ raw }) => raw.includes(String(follow.id)));
  }
  await settle(hub);
});
afterAll(() => Promise.all([good.close(), bad.close()]));
beforeEach(async () => {
  await hub.database.sql`truncate jobs, dead_jobs, hosts`;
  // What the hub remembers of hosts, it reads again after a minute.
  hub.clock.advance(2 * MINUTE);
  bad.documents.clear();
});

/** What the bad server answers to deliveries; null: what any server does. */
function answers(served: Served | null): void {
  if (served === null) bad.documents.clear();
  else bad.documents.set("/inbox", served);
  bad.requests.length = 0;
}

function knocks(): number {
  return bad.requests.filter((line) => line === "POST /inbox").length;
}

async function publish(): Promise<string> {
  const content = `post-${++serial}-`;
  await publishPost(hub.ctx, nour, { content, visibility: "public", language: "es" });
  return content;
}

async function pass(milliseconds: number): Promise<void> {
  hub.clock.advance(milliseconds);
  hub.worker.wake();
  await settle(hub);
}

/** Moves on to each next attempt, until so much time has passed. @returns how many requests came meanwhile */
async function passBy(milliseconds: number): Promise<number> {
  const before = knocks();
  const end = hub.clock.now().getTime() + milliseconds;
  for (;;) {
    const [next] = await hub.database.sql<
      { run: Date | null }[]
    >`select min(run) as run from jobs where queue = 'deliveries' and not waiting and lease is null`;
    const now = hub.clock.now().getTime();
    if (next?.run == null || next.run.getTime() > end) {
      await pass(end - now);
      return knocks() - before;
    }
    await pass(Math.max(next.run.getTime() - now + 1, 1));
  }
}

function pending() {
  return hub.database.sql`select id from jobs where queue = 'deliveries' and key like ${`%${bad.host}%`}`;
}

function dead() {
  return hub.database.sql<{ error: string }[]>`select error from dead_jobs where key like ${`%${bad.host}%`}`;
}

describe("the other server answers", () => {
  test.each<[string, Served, number]>([
    ["500", { body: "", status: 500 }, 1],
    ["502", { body: "", status: 502 }, 1],
    ["503 without saying when", { body: "", status: 503 }, 1],
    ["401 to both signatures", { body: "", status: 401 }, 2],
    ["408", { body: "", status: 408 }, 1],
    ["nothing: it hangs up", { body: "", drop: true }, 1],
  ])("%s: it is tried again soon, delivered once, and nobody else waits", async (_, served, requests) => {
    answers(served);
    const content = await publish();
    await good.waitFor(({ raw }) => raw.includes(content));
    await settle(hub);
    // A kept connection that turns out to be closed is worth a second try.
    expect(knocks()).toBeGreaterThanOrEqual(requests);
    expect(knocks()).toBeLessThanOrEqual(requests + 1);
    expect(await pending()).toHaveLength(1);
    answers(null);
    expect(await passBy(2 * MINUTE)).toBe(1);
    expect(await pending()).toHaveLength(0);
    expect(bad.received.filter(({ raw }) => raw.includes(content))).toHaveLength(1);
    expect(good.received.filter(({ raw }) => raw.includes(content))).toHaveLength(1);
  });

  test.each([429, 503])(
    "%s with Retry-After: it is left alone until then, later posts too",
    async (status) => {
      answers({ body: "", status, headers: { "retry-after": "7200" } });
      const first = await publish();
      await settle(hub);
      const second = await publish();
      await settle(hub);
      expect(knocks()).toBe(1);
      answers(null);
      expect(await passBy(7_100 * SECOND)).toBe(0);
      expect(await passBy(200 * SECOND)).toBe(2);
      const arrived = bad.received.slice(-2).map(({ raw }) => raw.toString());
      expect(arrived[0]).toContain(first);
      expect(arrived[1]).toContain(second);
    },
  );

  test("429 with a Retry-After of years: it is asked again within two days", async () => {
    answers({ body: "", status: 429, headers: { "retry-after": "99999999" } });
    await publish();
    await settle(hub);
    answers({ body: "", status: 202 });
    expect(await passBy(2 * DAY)).toBe(1);
    expect(await pending()).toHaveLength(0);
  });

  test("500 to one activity for ever: it is given up after two days, and the next is tried", async () => {
    answers({ body: "", status: 500 });
    await publish();
    await settle(hub);
    await passBy(DAY);
    await publish();
    await settle(hub);
    await passBy(DAY + 8 * HOUR);
    const given = [{ error: expect.stringContaining("answered 500 for two days") }];
    expect(await dead()).toEqual(given);
    answers({ body: "", status: 202 });
    await passBy(8 * HOUR);
    expect([await pending(), await dead()]).toEqual([[], given]);
  });

  test.each([400, 403, 404, 410, 422, 301])(
    "%s: it is given up at once, and the next post is tried",
    async (status) => {
      answers({ body: "", status });
      await publish();
      await settle(hub);
      expect(knocks()).toBe(1);
      expect(await pending()).toHaveLength(0);
      expect(await dead()).toEqual([{ error: expect.stringContaining(String(status)) }]);
      answers(null);
      const next = await publish();
      await settle(hub);
      await bad.waitFor(({ raw }) => raw.includes(next));
    },
  );

  test("nothing at all: the request ends after ten seconds, and nobody else waits for it", async () => {
    answers({ body: "", delay: Number.POSITIVE_INFINITY });
    const started = Date.now();
    const content = await publish();
    await good.waitFor(({ raw }) => raw.includes(content));
    expect(Date.now() - started).toBeLessThan(9_000);
    await settle(hub);
    expect(await pending()).toHaveLength(1);
    answers(null);
    await passBy(MINUTE);
    await bad.waitFor(({ raw }) => raw.includes(content));
  });
});

describe("a server that is down", () => {
  test("for four days loses nothing, and is not knocked at all the time", async () => {
    answers({ body: "", drop: true });
    await publish();
    await settle(hub);
    const knocked = await passBy(4 * DAY);
    expect(knocked).toBeGreaterThan(10);
    expect(knocked).toBeLessThan(60);
    expect([await pending(), await dead()]).toEqual([[expect.anything()], []]);
    answers({ body: "", status: 202 });
    await passBy(DAY);
    expect([await pending(), await dead()]).toEqual([[], []]);
  });

  test("for longer than a week is given up", async () => {
    answers({ body: "", drop: true });
    await publish();
    await settle(hub);
    await passBy(8 * DAY);
    expect(await pending()).toHaveLength(0);
    expect(await dead()).toEqual([{ error: expect.stringContaining("week") }]);
  });

  test("and back with errors is asked again soon enough", async () => {
    answers({ body: "", drop: true });
    await publish();
    await settle(hub);
    await passBy(12 * HOUR);
    answers({ body: "", status: 502 });
    await passBy(8 * HOUR);
    expect(knocks()).toBeGreaterThan(0);
    answers({ body: "", status: 202 });
    await passBy(8 * HOUR);
    expect([await pending(), await dead()]).toEqual([[], []]);
  });

  test("once for a moment, for many inboxes at once, counts as one failure", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `actor${i}`);
    const many = await startRemote({ actors: names, now: hub.clock.now });
    installEgress({ allow: [many.host] });
    // Without a shared inbox, as on GoToSocial.
    for (const name of names) {
      many.actor(name).document.endpoints = {};
      const { iri, handle, inbox } = many.actor(name);
      await hub.database.sql`
        with added as (
          insert into actors (id, iri, kind, handle, host, name, inbox, created, updated)
          values (${String(1000 + names.indexOf(name))}, ${iri}, 'Person', ${handle}, ${many.host}, ${name}, ${inbox}, now(), now())
          returning id
        )
        insert into follows (id, iri, follower_id, followed_id, state, created)
        select id, ${`${iri}/follows/1`}, id, ${String(nour.actorId)}, 'accepted', now() from added`;
      many.documents.set(`/actors/${name}/inbox`, { body: "", drop: true });
    }
    await publish();
    await settle(hub);
    const [state] = await hub.database.sql<{ failures: number; retry: Date | null }[]>`
      select failures, retry from hosts where host = ${many.host}`;
    const pause = state?.retry == null ? 0 : state.retry.getTime() - hub.clock.now().getTime();
    expect(pause).toBeLessThanOrEqual(31 * SECOND);
    many.documents.clear();
    await passBy(10 * MINUTE);
    expect(many.received.map(({ path }) => path).toSorted()).toEqual(
      names.map((name) => `/actors/${name}/inbox`),
    );
    await many.close();
  });
});
