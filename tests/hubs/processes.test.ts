import { request } from "node:http";
import { beforeAll, expect, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { testDatabase } from "../support/database.ts";
import { PASSWORD, settle, startHub } from "../support/hub.ts";
import { build, type Home, makeHome, postmaster, type Server, setUp, until } from "../support/processes.ts";
import { AS2, PUBLIC, startRemote } from "../support/remote-server.ts";
import type { WebClient } from "../support/web-client.ts";

/** Hubs as they are run: processes of `ayni serve`, ended by the operating system and not by themselves. */

beforeAll(build, 120_000);

const POST = { visibility: "public", language: "es" };

async function loggedIn(home: Home, as: string): Promise<(content: string) => Promise<number>> {
  const client = home.client();
  await client.logIn("ana", PASSWORD);
  return async (content) => {
    return (await client.post("/posts", { ...POST, as, content })).status;
  };
}

/** Looks an actor up in the search box and presses the button. */
async function follow(client: WebClient, as: string, handle: string): Promise<void> {
  const { body } = await client.get(`/search?q=${encodeURIComponent(handle)}`);
  const actor = /name="actor" value="(\d+)"/.exec(body)?.[1];
  expect(actor, body.slice(0, 3_000)).toBeDefined();
  const { status } = await client.post("/follows", { as, actor: actor ?? "", next: "/" });
  expect(status).toBe(303);
}

/** As a person does whom the page asks for it: a connection that was opened while the database came back may still be lost. */
async function again<T extends { status: number }>(request: () => Promise<T>): Promise<T> {
  let answer = await request();
  for (let left = 20; answer.status === 503 && left > 0; left--) answer = await request();
  return answer;
}

/** What a worker that was killed had in hand goes to others when its lease has run out: that minute passes now. */
function passLeases({ sql }: Database) {
  return sql`update jobs set lease = clock_timestamp() where lease is not null`;
}

test("two hubs with a database of their own: set up by command, follow by form; either may be killed, and the database under it", async () => {
  const lac = await makeHome();
  const mena = await makeHome();
  const allow = { AYNI_EGRESS_ALLOW: `${lac.host},${mena.host}` };
  for (const home of [lac, mena]) Object.assign(home.env, allow);

  // Without the hub, and beside it.
  await setUp(lac);
  const [lacServer, menaServer] = await Promise.all([lac.serve(), mena.serve()]);
  await setUp(mena);
  for (const [home, handle] of [
    [lac, "raices"],
    [mena, "nour"],
  ] as const) {
    const made = await home.ayni(
      "organization",
      "create",
      "--handle",
      handle,
      "--name",
      handle,
      "--representative",
      "ana",
    );
    expect(made).toMatchObject({ status: 0, stdout: `Created @${handle}@${home.host}.\n` });
  }
  const reader = lac.client();
  await reader.logIn("ana", PASSWORD);
  const publish = await loggedIn(mena, "nour");
  await follow(reader, "raices", `@nour@${mena.host}`);
  await until(async () => (await mena.client().get("/@nour/followers")).body.includes("raices"));
  const profile = async () => (await reader.get(`/@nour@${mena.host}`)).body;

  expect(await publish("primera")).toBe(303);
  await until(async () => (await profile()).includes("primera"));

  // The database under the author: pages say so meanwhile, and it is back without anybody's doing.
  process.kill(await postmaster(mena), "SIGKILL");
  const killed = Date.now();
  const during = await mena.client().get("/");
  expect([200, 503]).toContain(during.status);
  await until(async () => (await publish("después de la base de datos")) === 303);
  expect(Date.now() - killed).toBeLessThan(30_000);
  await until(async () => (await profile()).includes("después de la base de datos"));
  // What the hub hears from its database (that a document has changed) it hears again.
  const writer = mena.client();
  await until(() => writer.logIn("ana", PASSWORD).then(() => true));
  const { headers } = await again(() => writer.post("/posts", { ...POST, as: "nour", content: "errata" }));
  const path = String(headers.location);
  const document = () => again(() => writer.get(path, { accept: "application/activity+json" }));
  expect((await document()).status).toBe(200);
  const deleted = await again(() => writer.post(`${path}/delete`, { as: "nour" }));
  expect(deleted.status, menaServer.output()).toBe(303);
  await until(async () => (await document()).status === 410);

  // The reader's hub with its database, while the author publishes.
  expect(await lacServer.kill("SIGKILL")).toBeNull();
  expect(await publish("mientras no estaba")).toBe(303);
  await lac.serve();
  expect(await profile()).toContain("primera");

  expect(await menaServer.kill("SIGTERM")).toBe(0);
  expect(menaServer.output()).not.toMatch(/TypeError|unhandled/i);
}, 240_000);

test("killed between commit and delivery: what was published arrives after the restart, once", async () => {
  const database = await testDatabase();
  const remote = await startRemote();
  const home = await makeHome({ DATABASE_URL: database.url, AYNI_EGRESS_ALLOW: remote.host });
  await setUp(home);
  let server = await home.serve();
  const { body } = await home.client().get("/.well-known/webfinger?resource=acct:ana@" + home.host);
  await remote.follow("alice", (JSON.parse(body) as { aliases: string[] }).aliases[0]!);
  await remote.waitFor(({ activity }) => activity.type === "Accept");
  const publish = await loggedIn(home, "ana");

  // The other server takes the request and does not answer: the delivery is under way when the hub dies.
  remote.documents.set("/inbox", { body: "", delay: Number.POSITIVE_INFINITY });
  const markers = Array.from({ length: 5 }, (_, i) => `marker-${i}-`);
  for (const marker of markers) expect(await publish(marker)).toBe(303);
  await until(async () => remote.requests.filter((line) => line === "POST /inbox").length > 1);
  await server.kill("SIGKILL");
  remote.documents.clear();
  await passLeases(database);
  server = await home.serve();
  const arrived = (marker: string) => remote.received.some(({ raw }) => raw.includes(marker));
  // Where publishing took so long that the request ended by itself, the next one waits for its time.
  await until(async () => markers.every(arrived));
  await until(async () => (await database.sql`select from jobs where queue <> 'clock'`).length === 0);
  const texts = remote.received.map(({ raw }) => raw.toString());
  for (const marker of markers) expect(texts.filter((text) => text.includes(marker))).toHaveLength(1);
  // In the order in which they were written.
  const order = markers.map((marker) => texts.findIndex((text) => text.includes(marker)));
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  await remote.close();
}, 180_000);

test("killed twenty times while people publish: nothing that was acknowledged is lost, nothing comes twice", async () => {
  const database = await testDatabase();
  const home = await makeHome({ DATABASE_URL: database.url });
  const reader = await startHub({ allow: [home.host] });
  home.env.AYNI_EGRESS_ALLOW = reader.host;
  await setUp(home);
  let server: Server = await home.serve();
  const followed = await reader.ctx.remote.resolveActor(`@ana@${home.host}`);
  await requestFollow(reader.ctx, { followerId: reader.admin.actorId, followedId: followed });
  await settle(reader);
  await until(async () => (await database.sql`select from follows where state = 'accepted'`).length === 1);
  const publish = await loggedIn(home, "ana");

  const acknowledged: string[] = [];
  let serial = 0;
  for (let kills = 0; kills < 20; kills++) {
    let living = true;
    const writers = Array.from({ length: 4 }, async () => {
      while (living) {
        const marker = `marker-${++serial}-`;
        const status = await publish(marker).catch(() => 0);
        if (status === 303) acknowledged.push(marker);
      }
    });
    const enough = acknowledged.length + 3 + (kills % 5) * 2;
    await until(async () => acknowledged.length >= enough);
    await server.kill("SIGKILL");
    living = false;
    await Promise.all(writers);
    await passLeases(database);
    server = await home.serve();
  }
  expect(acknowledged.length).toBeGreaterThan(100);
  await until(async () => (await database.sql`select from jobs where queue <> 'clock'`).length === 0);
  await settle(reader);

  const written = (await database.sql<{ content: string }[]>`select content from posts`).map(
    ({ content }) => content,
  );
  const arrived = (
    await reader.database.sql<{ content: string }[]>`select content from posts where not local`
  ).map(({ content }) => content);
  const markers = (contents: string[]) =>
    contents.map((content) => /marker-\d+-/.exec(content)?.[0]).toSorted();
  expect(markers(written)).toEqual([...new Set(markers(written))]);
  expect(acknowledged.filter((marker) => !markers(written).includes(marker))).toEqual([]);
  expect(markers(arrived)).toEqual(markers(written));
  expect(await database.sql`select from dead_jobs`).toHaveLength(0);
}, 300_000);

test("200 clients that hang up in the middle of a page leave no transaction open, and the hub answers", async () => {
  const database = await testDatabase();
  const home = await makeHome({ DATABASE_URL: database.url });
  await setUp(home);
  await home.serve();
  const paths = [
    "/",
    "/exchange",
    "/directory",
    "/@ana",
    "/search?q=a",
    "/.well-known/webfinger?resource=acct:ana@x",
  ];
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const asked = request(`${home.origin}${paths[i % paths.length]}`, { agent: false });
      asked.on("close", resolve).on("error", () => {});
      asked.on("response", (response) => response.on("error", () => {}));
      // Some before anything was read, some in the middle of the answer.
      if (i % 2 === 0) asked.on("response", () => asked.destroy());
      asked.end(() => i % 2 === 1 && setImmediate(() => asked.destroy()));
      return promise;
    }),
  );
  expect((await home.client().get("/")).status).toBe(200);
  const idle = () => database.sql`
    select query from pg_stat_activity
    where datname = current_database() and state like 'idle in transaction%' and state_change < now() - interval '1 second'`;
  await until(async () => (await idle()).length === 0);
}, 120_000);

test("the first 100 signed requests at once on a fresh database are all taken", async () => {
  const actors = Array.from({ length: 10 }, (_, i) => `actor${i}`);
  const [database, remote] = await Promise.all([testDatabase(), startRemote({ actors })]);
  const home = await makeHome({ DATABASE_URL: database.url, AYNI_EGRESS_ALLOW: remote.host });
  await setUp(home);
  await home.serve();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => {
      const { iri: actor } = remote.actor(`actor${i % 10}`);
      const object = {
        id: `${actor}/notes/${i}`,
        type: "Note",
        attributedTo: actor,
        content: "x",
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
      return remote.deliver(`${home.origin}/inbox`, create);
    }),
  );
  expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
  await until(async () => (await database.sql`select from jobs where queue = 'inbox'`).length === 0);
  expect(await database.sql`select from dead_jobs`).toHaveLength(0);
  await remote.close();
}, 120_000);
