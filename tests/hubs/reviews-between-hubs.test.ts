import { eq } from "drizzle-orm";
import { expect, test, vi } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { agreements, reviews } from "../../src/db/schema/agreements.ts";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import {
  acceptAgreement,
  confirmAgreement,
  deliverAgreement,
  offerAgreement,
} from "../../src/domain/agreements/commands.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { htmlToPlain } from "../../src/domain/html.ts";
import { actorPosts } from "../../src/domain/posts/queries.ts";
import { deleteReview, reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { facts, reputation, reviewing, reviewsOf } from "../../src/domain/reviews/queries.ts";
import { revealDue } from "../../src/domain/reviews/reveal.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { proveObject } from "../../src/federation/proofs.ts";
import type { JsonObject } from "../../src/json.ts";
import { type Across, across } from "../support/across.ts";
import { until } from "../support/clearing-hubs.ts";
import { count, type Organization, settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";
import { type Between, settledBetween } from "../support/settled-between.ts";
import { visitor } from "../support/visitor.ts";

vi.setConfig({ testTimeout: 240_000 });

const DAY = 86_400_000;
const MINUTE = 60_000;
const SCORES = { keptWord: 5, quality: 4, communication: 4, language: "es" };
const HARSH = { keptWord: 1, quality: 2, communication: 1, language: "es" };
const ACTIVITY = { accept: "application/activity+json" };

/** Two hubs that are peers: raices of the first pays, nour of the second is paid. And a third one. */
async function pair() {
  const [lac, mena, third] = (await startHubs(3)) as [TestHub, TestHub, TestHub];
  const [raices, nour] = await Promise.all([lac.organization("raices"), mena.organization("nour")]);
  const peers = await makePeers(lac, mena);
  const quiet = () => settle(lac, mena);
  const settled = (organization = raices, paid = true) =>
    settledBetween({ hub: lac, organization }, { hub: mena, organization: nour }, paid ? peers : null);
  const later = async (days: number) => {
    for (const hub of [lac, mena]) hub.clock.advance(days * DAY);
    for (const hub of [lac, mena]) await revealDue(hub.ctx);
    await quiet();
  };
  const stop = () => Promise.all([lac.stop(), mena.stop(), third.stop()]);
  return { lac, mena, third, raices, nour, quiet, settled, later, stop };
}

/** Both hubs settle an agreement: offered, promised, done, paid, and the entry posted on either side. */
async function paid(scene: Across): Promise<Between> {
  const { lac, mena, raices, nour, quiet } = scene;
  const seen = await scene.publish();
  const payer = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 2, due: null });
  await until(async () => (await count(mena, "agreements")) === 1);
  const { id: payee } = (await scene.newest())[1];
  const both = (state: string) =>
    until(async () => {
      await quiet();
      return (await scene.newest()).every((standing) => standing.state === state);
    });
  await acceptAgreement(mena.ctx, nour, payee);
  await both("funded");
  await deliverAgreement(mena.ctx, nour, payee, {});
  await quiet();
  await confirmAgreement(lac.ctx, raices, payer);
  await both("settled");
  return { iri: (await scene.newest())[0].iri, payer, payee };
}

/** An activity of `as`, proven with its key (or not) and sent over HTTP by its hub, whatever it says. */
async function say(
  hub: TestHub,
  as: Organization,
  to: Id,
  activity: JsonObject,
  proven = true,
): Promise<void> {
  const id = await hub.ctx.ids.next(hub.ctx.clock.now());
  const said = { id: `${hub.origin}/activities/${id}`, ...activity };
  const key = await createKeyring(hub.ctx).ed25519(as.actorId);
  await storeActivity(hub.ctx, {
    ...{ id, actorId: as.actorId, type: String(activity.type), object: said.id, audience: "direct" },
    body: JSON.stringify(proven ? proveObject(said, key, hub.ctx.clock.now()) : said),
    recipients: { actors: [to] },
    retracts: false,
  });
}

/** What a hub sent of reviews, newest last. */
async function sent(hub: TestHub): Promise<JsonObject[]> {
  const rows = await hub.database.sql<{ body: string }[]>`
    select body from activities where body like '%Review"%' and audience = 'direct' order by id`;
  return rows.map(({ body }) => JSON.parse(body) as JsonObject);
}

const traces = async (hub: TestHub) => [
  await count(hub, "reviews"),
  await count(hub, "review_digests"),
  await count(hub, "received_activities"),
  await count(hub, "notices"),
];

test("two parties on two hubs review one another: nothing is read before both are in, then all is, and each hub verifies it", async () => {
  const scene = await across();
  const { lac, mena, raices, nour, quiet } = scene;
  await requestFollow(mena.ctx, {
    followerId: mena.admin.actorId,
    followedId: await mena.ctx.remote.resolveActor(raices.iri),
  });
  const agreement = await paid(scene);
  await reviewAgreement(lac.ctx, raices, agreement.payer, { ...SCORES, content: "Cumplieron." });
  await quiet();
  expect(await reviewing(mena.ctx, nour.actorId, agreement.payee)).toMatchObject({
    window: "sealed",
    mine: null,
    theirs: { state: "sealed", rating: null, content: null },
  });
  const everything = async () => {
    const [row] = await mena.database.sql<{ text: string }[]>`
      select concat((select json_agg(d) from review_digests d), (select json_agg(r) from reviews r),
        (select json_agg(a) from activities a), (select json_agg(p) from posts p), (select json_agg(j) from jobs j)) as text`;
    return row!.text;
  };
  expect(await everything()).not.toContain("Cumplieron");
  expect(await count(mena, "notices where kind = 'review_received'")).toBe(1);
  const [told] = await sent(lac);
  expect(JSON.stringify(told)).toContain('"ayni:reviewDigest":"z');
  expect(JSON.stringify(told)).not.toMatch(/keptWord|Cumplieron|salt/);

  await reviewAgreement(mena.ctx, nour, agreement.payee, { ...SCORES, quality: 5, content: "تعاون رائع" });
  await quiet();
  for (const [hub, subject, author, content] of [
    [mena, nour, raices, "Cumplieron."],
    [lac, raices, nour, "تعاون رائع"],
  ] as const) {
    const { items } = await reviewsOf(hub.ctx, subject.actorId, null);
    expect(items).toMatchObject([{ content, late: false, author: { iri: author.iri } }]);
    expect(items[0]?.url).toMatch(/^http:.*\/reviews\/\d+$/);
    expect(await reputation(hub.ctx, subject.actorId)).toEqual({
      reviews: 1,
      counterparties: 1,
      means: null,
    });
    expect(await facts(hub.ctx, subject.actorId)).toMatchObject({ completed: 1, counterparties: 1 });
    // The scores are here now, and nobody but the hub of the one they are about has got them.
    expect(await count(hub, "reviews where quality is not null")).toBe(2);
  }
  // What followers anywhere read is an ordinary public Note.
  const author = await mena.ctx.remote.resolveActor(raices.iri);
  const [post] = (await actorPosts(mena.ctx, author, null, null)).items;
  expect(htmlToPlain(post?.content ?? "")).toMatch(/^★★★★☆ 4\/5 — Cumplieron\./);
  const note = JSON.parse((await visitor(lac).get(new URL(post!.iri).pathname, ACTIVITY)).body) as JsonObject;
  const [entry] = await mena.database.sql<{ digest: string }[]>`select digest from clearing_entries`;
  expect(note).toMatchObject({
    type: "Note",
    context: agreement.iri,
    "ayni:review": { "ayni:about": { id: nour.iri }, "ayni:settlement": entry?.digest, "ayni:sealed": false },
  });
  expect(note).not.toHaveProperty("inReplyTo");
  expect(JSON.stringify(note)).not.toMatch(/keptWord|quality|communication|salt/);
  // A profile of the other hub's organization shows what was said of it from here.
  const page = await visitor(lac).get(`/@nour@${mena.host}/reviews`);
  expect(page.status).toBe(200);
  expect(page.body).toContain("Cumplieron.");
  expect((await visitor(mena).get("/@nour/reviews")).body).toContain("Cumplieron.");

  const [mine] = await lac.ctx.db.select().from(reviews).where(eq(reviews.authorId, raices.actorId));
  await deleteReview(lac.ctx, raices, mine!.id);
  await quiet();
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toEqual([]);
  expect(await reputation(mena.ctx, nour.actorId)).toMatchObject({ reviews: 0 });
  expect((await actorPosts(mena.ctx, author, null, null)).items).toEqual([]);
  expect(await reviewing(mena.ctx, nour.actorId, agreement.payee)).toMatchObject({
    theirs: { state: "deleted" },
  });
  const [row] = await mena.database.sql`select content, salt, digest from reviews where deleted is not null`;
  expect(row).toMatchObject({ content: null, salt: null, digest: mine!.digest });
  expect(await everything()).not.toContain("Cumplieron");
  // That it was settled stays.
  expect(await facts(mena.ctx, nour.actorId)).toMatchObject({ completed: 1 });
  await Promise.all([lac.stop(), mena.stop()]);
});

test("one alone is opened when the time is over, on both hubs; who comes after that is late, and then nobody comes", async () => {
  const { lac, mena, raices, nour, quiet, settled, later, stop } = await pair();
  const agreement = await settled();
  await reviewAgreement(lac.ctx, raices, agreement.payer, SCORES);
  await quiet();
  await later(13);
  expect(await count(mena, "reviews")).toBe(0);
  await later(1.1);
  // Without a text there is no post, but the scores count where they belong.
  expect(await count(lac, "posts")).toBe(0);
  expect(await mena.database.sql`select quality, late, revealed is not null as open from reviews`).toEqual([
    { quality: 4, late: false, open: true },
  ]);
  await reviewAgreement(mena.ctx, nour, agreement.payee, { ...HARSH, content: "Tarde, pero lo digo." });
  await quiet();
  expect((await reviewsOf(lac.ctx, raices.actorId, null)).items).toMatchObject([
    { content: "Tarde, pero lo digo.", late: true, rating: 1 },
  ]);

  const other = await settled(await lac.organization("valle"));
  await later(91);
  await expect(reviewAgreement(mena.ctx, nour, other.payee, SCORES)).rejects.toMatchObject({
    code: "review_over",
  });
  await stop();
});

test("a hub whose clock is ahead opens its own: the other one keeps that closed until it finds the time over", async () => {
  const { lac, mena, raices, nour, quiet, settled, stop } = await pair();
  const agreement = await settled();
  await reviewAgreement(lac.ctx, raices, agreement.payer, { ...SCORES, content: "Antes de tiempo" });
  await quiet();
  mena.clock.advance(14 * DAY - 20 * MINUTE);
  lac.clock.advance(14 * DAY + 20 * MINUTE);
  await revealDue(lac.ctx);
  await quiet();
  expect(await reviewing(mena.ctx, nour.actorId, agreement.payee)).toMatchObject({
    theirs: { state: "sealed", content: null, rating: null },
  });
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toEqual([]);
  expect(await count(mena, "reviews")).toBe(1);
  mena.clock.advance(40 * MINUTE);
  await revealDue(mena.ctx);
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toMatchObject([
    { content: "Antes de tiempo" },
  ]);
  await stop();
});

test("scores of other hubs' parties are shown as means from three counterparties on", async () => {
  const { lac, mena, nour, quiet, settled, stop } = await pair();
  for (const [index, handle] of ["uno", "dos", "tres"].entries()) {
    const organization = await lac.organization(handle);
    const agreement = await settled(organization);
    await reviewAgreement(lac.ctx, organization, agreement.payer, { ...SCORES, quality: index + 3 });
    await reviewAgreement(mena.ctx, nour, agreement.payee, SCORES);
    await quiet();
    const { means, counterparties } = await reputation(mena.ctx, nour.actorId);
    expect([counterparties, means?.quality ?? null]).toEqual([
      index + 1,
      index < 2 ? null : expect.closeTo(4),
    ]);
  }
  await stop();
});

test("a gift between hubs is reviewed too: nothing was paid, and nothing stands for it", async () => {
  const { lac, mena, raices, nour, quiet, settled, stop } = await pair();
  const agreement = await settled(raices, false);
  await reviewAgreement(lac.ctx, raices, agreement.payer, { ...SCORES, content: "Gracias" });
  await reviewAgreement(mena.ctx, nour, agreement.payee, SCORES);
  await quiet();
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toMatchObject([{ content: "Gracias" }]);
  expect(JSON.stringify(await sent(lac))).not.toContain("settlement");
  await stop();
});

test("forged reviews leave no trace: wrong signer, other agreement, nothing settled, another text, a third hub, a second one, once more", async () => {
  const { lac, mena, third, raices, nour, quiet, settled, stop } = await pair();
  const other = await lac.organization("otra");
  const agreement = await settled();
  const gift = await settled(raices, false);
  const open = await settled();
  await mena.ctx.db.update(agreements).set({ state: "accepted" }).where(eq(agreements.id, open.payee));
  // The genuine words, as a pattern.
  await reviewAgreement(lac.ctx, raices, agreement.payer, { ...SCORES, content: "Cierto" });
  await quiet();
  const [genuine] = await sent(lac);
  const nourThere = await lac.ctx.remote.resolveActor(nour.iri);
  const object = genuine!.object as JsonObject;
  const fresh = { ...object, id: `${lac.origin}/reviews/1` };
  const create = (change: JsonObject, actor = raices.iri): JsonObject => ({
    "@context": genuine!["@context"]!,
    ...{ type: "Create", actor, to: [nour.iri], cc: [] },
    object: { ...fresh, ...change },
  });
  const opening = (change: JsonObject): JsonObject => {
    const { "ayni:reviewDigest": _, ...rest } = fresh as JsonObject;
    return {
      ...create({}),
      object: {
        ...{ ...rest, id: object.id!, type: "ayni:Review", content: "Cierto", "ayni:language": "es" },
        ...{ "ayni:keptWord": 5, "ayni:quality": 4, "ayni:communication": 4, "ayni:salt": "x" },
        ...change,
      },
    };
  };
  const before = await traces(mena);
  const forged: [as: Organization, activity: JsonObject][] = [
    // No party of it, in its own name and in that of the party.
    [other, create({ attributedTo: other.iri, id: `${lac.origin}/reviews/2` }, other.iri)],
    [other, create({}, other.iri)],
    // A second one, of the same party.
    [raices, create({})],
    // Of an agreement that was paid by nothing, with what paid another one; and of one that is not settled, sealed or open.
    [raices, create({ context: gift.iri })],
    [raices, create({ context: open.iri })],
    [raices, opening({ context: open.iri, id: `${lac.origin}/reviews/3` })],
    [raices, create({ context: `${mena.origin}/agreements/7` })],
    // With another settlement, about somebody else, as something else.
    [raices, opening({ "ayni:settlement": "zAnother" })],
    [raices, opening({ "ayni:about": { id: raices.iri } })],
    [raices, opening({ "ayni:role": "receiver" })],
    // Another text, other scores, or the true ones with another salt.
    [raices, opening({ content: "Falso" })],
    [raices, opening({ "ayni:quality": 5 })],
    [raices, opening({})],
    // What makes no sense.
    [raices, opening({ "ayni:quality": 9 })],
    [raices, opening({ content: "x".repeat(30_000) })],
    [raices, create({ "ayni:reviewDigest": "zzz" })],
    [raices, create({ id: `${mena.origin}/reviews/4` })],
  ];
  for (const [as, activity] of forged) await say(lac, as, nourThere, activity);
  const ofGift = create({ context: gift.iri, "ayni:settlement": null });
  // Signed by the request alone, or changed after it was proven.
  await say(lac, raices, nourThere, ofGift, false);
  const key = await createKeyring(lac.ctx).ed25519(raices.actorId);
  const changed = { ...proveObject(ofGift, key, lac.clock.now()), published: new Date().toISOString() };
  await say(lac, raices, nourThere, changed, false);
  await quiet();
  expect(await traces(mena)).toEqual(before);

  // A third hub, which has nothing to do with it, says it in its own name and in the party's.
  const mallory = await third.organization("mallory");
  const nourFromThird = await third.ctx.remote.resolveActor(nour.iri);
  await say(third, mallory, nourFromThird, create({ attributedTo: mallory.iri }, mallory.iri));
  await say(third, mallory, nourFromThird, create({}));
  await settle(third, mena);
  expect(await traces(mena)).toEqual(before);

  // Not for want of having been heard: with a proof that very one is taken.
  await say(lac, raices, nourThere, ofGift);
  await quiet();
  expect(await count(mena, "review_digests")).toBe(2);

  // The genuine one is opened all the same, and once: said again it changes nothing.
  await reviewAgreement(mena.ctx, nour, agreement.payee, SCORES);
  await quiet();
  const words = await sent(lac);
  const after = await traces(mena);
  for (const { id: _, proof: __, ...activity } of words) await say(lac, raices, nourThere, activity);
  await quiet();
  expect((await traces(mena)).slice(0, 2)).toEqual(after.slice(0, 2));
  expect(after.slice(0, 2)).toEqual([2, 2]);
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toMatchObject([
    { content: "Cierto", rating: 4 },
  ]);
  await stop();
});

test("a digest that overtakes the credits is kept, a review that does is not read", async () => {
  const { lac, mena, raices, nour, quiet, settled, stop } = await pair();
  const agreement = await settled();
  const state = (state: "delivered" | "settled") =>
    mena.ctx.db.update(agreements).set({ state }).where(eq(agreements.id, agreement.payee));
  await state("delivered");
  await reviewAgreement(lac.ctx, raices, agreement.payer, { ...SCORES, content: "Rápido" });
  await quiet();
  expect(await reviewing(mena.ctx, nour.actorId, agreement.payee)).toMatchObject({
    window: "not_yet",
    theirs: { state: "sealed" },
  });
  await expect(reviewAgreement(mena.ctx, nour, agreement.payee, SCORES)).rejects.toMatchObject({
    code: "not_reviewable",
  });
  await state("settled");
  await reviewAgreement(mena.ctx, nour, agreement.payee, SCORES);
  await quiet();
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toMatchObject([
    { content: "Rápido", late: false },
  ]);
  await stop();
});
