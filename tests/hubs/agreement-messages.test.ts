import { beforeAll, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import {
  acceptAgreement,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  writeMessage,
} from "../../src/domain/agreements/commands.ts";
import { agreementMessagesOf } from "../../src/domain/agreements/queries.ts";
import type { Acting } from "../../src/domain/context.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { proveObject } from "../../src/federation/proofs.ts";
import { ACTIVITY_CONTEXT, PUBLIC } from "../../src/federation/vocab/context.ts";
import { type Across, across } from "../support/across.ts";
import { until } from "../support/clearing-hubs.ts";
import { account, count, type Organization, type TestHub } from "../support/hub.ts";

/** What the two parties of an agreement write reaches the other one's hub, and nobody else. */

let scene: Across;
let mine: Id;
let theirs: Id;

beforeAll(async () => {
  scene = await across();
  const seen = await scene.publish();
  mine = await offerAgreement(scene.lac.ctx, scene.raices, { ...seen, quantity: 1, due: null });
  await scene.quiet();
  theirs = (await scene.newest())[1].id;
}, 120_000);

/** Oldest first: who wrote what. */
async function written(hub: TestHub, id: Id): Promise<[string, string][]> {
  const { items } = await agreementMessagesOf(hub.ctx, id, 0n, null);
  return items.toReversed().map(({ author, content }) => [author.handle, content]);
}

interface Forgery {
  hub: TestHub;
  sender: { actorId: bigint; iri: string };
  to: Organization;
}

/** A Create(Note) that `sender` proves and sends. @returns its bytes */
async function send({ hub, sender, to }: Forgery, note: object, id?: string): Promise<string> {
  const { ctx } = hub;
  const activityId = await ctx.ids.next(ctx.clock.now());
  const iri = id ?? `${hub.origin}/activities/${activityId}`;
  const activity = {
    ...{ "@context": ACTIVITY_CONTEXT, id: iri, type: "Create", actor: sender.iri, to: [to.iri], cc: [] },
    object: {
      ...{
        id: `${iri}#object`,
        type: "Note",
        attributedTo: sender.iri,
        to: [to.iri],
        content: "<p>falso</p>",
      },
      context: `${scene.lac.origin}/agreements/${mine}`,
      ...note,
    },
  };
  const key = await createKeyring(ctx).ed25519(sender.actorId);
  const body = JSON.stringify(proveObject(activity as never, key, ctx.clock.now()));
  await deliver({ hub, sender, to }, activityId, body);
  return body;
}

async function deliver({ hub, sender, to }: Forgery, id: bigint, body: string): Promise<void> {
  await storeActivity(hub.ctx, {
    ...{ id, actorId: sender.actorId, type: "Create", object: "forged", audience: "direct", body },
    ...{ recipients: { actors: [await hub.ctx.remote.resolveActor(to.iri)] }, retracts: false },
  });
}

describe("messages between the parties of two hubs", () => {
  test("arrive once, in order, as plain text, before anything is agreed and after; they are no posts", async () => {
    const { lac, mena, raices, nour, quiet } = scene;
    const posts = await Promise.all([lac, mena].map((hub) => count(hub, "posts")));
    const long = "ñ".repeat(4000);
    const link = `https://example.org/${"a".repeat(80)}?b=1&c=2`;
    const first = ["¿El martes a las diez?", "Línea <b>uno</b>\nlínea dos\n\n& otra", link, long];
    for (const content of first) await writeMessage(lac.ctx, raices, mine, { content });
    await quiet();
    expect(await written(mena, theirs)).toEqual(first.map((content) => ["raices", content]));
    await acceptAgreement(mena.ctx, nour, theirs);
    await writeMessage(mena.ctx, nour, theirs, { content: "Sí. نعم" });
    await quiet();
    await writeMessage(lac.ctx, raices, mine, { content: "Gracias" });
    await quiet();
    const all = [...first.map((content) => ["raices", content]), ["nour", "Sí. نعم"], ["raices", "Gracias"]];
    expect([await written(lac, mine), await written(mena, theirs)]).toEqual([all, all]);
    expect(await count(mena, "notices where kind = 'agreement_message'")).toBe(5);
    expect(await count(lac, "notices where kind = 'agreement_message'")).toBe(1);
    expect(await Promise.all([lac, mena].map((hub) => count(hub, "posts")))).toEqual(posts);
    // Nobody may fetch it, and nobody else was sent it.
    const sent = await lac.database.sql<{ body: string; audience: string }[]>`
      select body, audience from activities where body like '%Gracias%'`;
    expect(sent.map(({ audience }) => audience)).toEqual(["direct"]);
    const { id, object } = JSON.parse(sent[0]!.body) as { id: string; object: Record<string, unknown> };
    expect(object).toMatchObject({
      type: "Note",
      to: [nour.iri],
      context: `${mena.origin}/agreements/${theirs}`,
    });
    expect((await fetch(id, { headers: { accept: "application/activity+json" } })).status).toBe(404);
    // Delivered again, it is the same message.
    for (let n = 0; n < 5; n++)
      await deliver({ hub: lac, sender: raices, to: nour }, await lac.ctx.ids.next(), sent[0]!.body);
    await quiet();
    expect(await written(mena, theirs)).toEqual(all);
  }, 120_000);

  test("of anybody else, for several readers, with no words or with markup are no messages, or text alone", async () => {
    const { lac, mena, raices, nour, quiet } = scene;
    const paz = await lac.organization("paz");
    const before = await written(mena, theirs);
    const forged = { hub: lac, to: nour };
    const posts = await count(mena, "posts");
    const hub = { actorId: (await localHub(lac.ctx)).actorId, iri: `${lac.origin}/actor` };
    const context = `${mena.origin}/agreements/${theirs}`;
    await send({ ...forged, sender: paz }, { context });
    await send({ ...forged, sender: paz }, { context, attributedTo: raices.iri });
    // The hub's actor speaks for stewards, and there is no dispute; and to the other hub only.
    await send({ ...forged, sender: hub }, { context });
    await send({ ...forged, sender: raices }, { context, to: [nour.iri, paz.iri] });
    await send({ ...forged, sender: raices }, { context, cc: [PUBLIC] });
    await send({ ...forged, sender: raices }, { context, to: [`${mena.origin}/actor`] });
    await send({ ...forged, sender: raices }, { context, attributedTo: nour.iri });
    await send({ ...forged, sender: raices }, { context: `${mena.origin}/agreements/1` });
    for (const content of ["", " ", "<p></p>", 5, null, "<script>alert(1)</script>"])
      await send({ ...forged, sender: raices }, { context, content });
    await quiet();
    expect(await written(mena, theirs)).toEqual(before);
    const own = await count(mena, "posts where visibility <> 'public' and visibility <> 'unlisted'");
    expect(own).toBe(0);
    await send(
      { ...forged, sender: raices },
      { context, content: `<p onclick="x">a &lt;b&gt; <img src=x>c</p>` },
    );
    await send({ ...forged, sender: raices }, { context, content: "é".repeat(60_000) });
    await quiet();
    const added = (await written(mena, theirs)).slice(before.length);
    expect(added).toEqual([
      ["raices", "a <b> c"],
      ["raices", "é".repeat(4000)],
    ]);
    // What is public of it is a post, at most.
    expect((await count(mena, "posts")) - posts).toBeLessThanOrEqual(1);
  }, 120_000);

  test("are so many in an hour: what is beyond is not kept", async () => {
    const { lac, mena, raices, nour, quiet } = scene;
    const before = (await written(mena, theirs)).length;
    await mena.database.sql`
      insert into throttles (subject, started, count) values (${`messages:${raices.iri}`}, ${mena.clock.now()}, 119)
      on conflict (subject) do update set count = 119, started = excluded.started`;
    for (let n = 0; n < 3; n++) await writeMessage(lac.ctx, raices, mine, { content: `${n}` });
    await quiet();
    expect((await written(mena, theirs)).length).toBe(before + 1);
    await mena.database.sql`delete from throttles`;
    await writeMessage(mena.ctx, nour, theirs, { content: "¿Hola?" });
    await quiet();
    expect((await written(lac, mine)).at(-1)).toEqual(["nour", "¿Hola?"]);
  }, 120_000);

  test("of stewards reach the other hub in a dispute, in their hub's name", async () => {
    const { lac, mena, nour, quiet } = scene;
    await until(async () => {
      await quiet();
      return (await scene.newest()).every(({ state }) => state === "funded");
    });
    await deliverAgreement(mena.ctx, nour, theirs, {});
    await disputeAgreement(mena.ctx, nour, theirs, { note: "No contestan." });
    await quiet();
    const steward: Acting = await account(lac, "mediadora");
    await lac.database.sql`update accounts set role = 'curator' where id = ${String(steward.accountId)}`;
    await writeMessage(lac.ctx, steward, mine, { content: "¿Qué faltó?" });
    await quiet();
    const [, handle] = [await written(lac, mine), (await written(mena, theirs)).at(-1)];
    const [hub] = await mena.database.sql<{ handle: string }[]>`
      select handle from actors where iri = ${`${lac.origin}/actor`}`;
    expect(handle).toEqual([hub!.handle, "¿Qué faltó?"]);
    expect((await written(lac, mine)).at(-1)).toEqual(["mediadora", "¿Qué faltó?"]);
  }, 120_000);
});
