import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import {
  acceptAgreement,
  advanceAgreements,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  rejectAgreement,
  withdrawAgreement,
} from "../../src/domain/agreements/commands.ts";
import { agreementList, signedSteps } from "../../src/domain/agreements/queries.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { pauseProposal, publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { golden } from "../support/golden.ts";
import { count, type Organization, settle, startHub, type TestHub } from "../support/hub.ts";
import { type Market, market, PRINTED_CONTEXT } from "../support/remote-market.ts";
import { digestOf, proofObjection } from "../support/remote-proofs.ts";
import { type Json, type Received, type Remote, startRemote } from "../support/remote-server.ts";

/** An organization of ours and a marketplace of other make that knows FEP-0837 and nothing of what Ayni adds to it. */

const DAY = 86_400_000;
let hub: TestHub;
let remote: Remote;
let alice: Market;
/** Whom our organization follows. */
let bob: Market;
let mallory: Market;
let nour: Organization;
let actor: Json;

beforeAll(async () => {
  remote = await startRemote({
    accepts: true,
    actors: ["alice", "bob", "mallory"],
    now: () => hub.clock.now(),
  });
  hub = await startHub({ allow: [remote.host] });
  nour = await hub.organization("nour");
  [alice, bob, mallory] = [market(remote, "alice"), market(remote, "bob"), market(remote, "mallory")];
  const followedId = await hub.ctx.remote.resolveActor(bob.actor.iri);
  await requestFollow(hub.ctx, { followerId: nour.actorId, followedId });
  await settle(hub);
  actor = JSON.parse((await remote.fetch(nour.iri)).body) as Json;
});
afterAll(() => remote.close());
beforeEach(async () => {
  remote.received.length = 0;
  await hub.database.sql`delete from throttles`;
});

async function deliver(activity: Json, as?: string): Promise<void> {
  const { status, body } = await remote.deliver(`${hub.origin}/inbox`, activity, {
    date: hub.clock.now(),
    ...(as === undefined ? {} : { as }),
  });
  expect([status, body]).toEqual([202, ""]);
  await settle(hub);
}

async function publish(change: Partial<ProposalInput> = {}): Promise<{ id: Id; iri: string }> {
  const id = await publishProposal(hub.ctx, nour, {
    ...{ purpose: "offer", name: "Taller", content: "Dos horas.", category: "training", unit: "hour" },
    ...{ settlement: "none", online: true, language: "es", available: "20" },
    ...change,
  });
  return { id, iri: `${hub.origin}/proposals/${id}` };
}

/** The newest agreement of our organization; null when it has none that is newer than `after`. */
async function newest(after: Id | null = null) {
  const [agreement] = await hub.database.sql<{ id: string; state: string; iri: string; quantity: number }[]>`
    select id, state, iri, quantity from agreements order by id desc limit 1`;
  if (agreement === undefined || (after !== null && BigInt(agreement.id) <= after)) return null;
  return { ...agreement, id: BigInt(agreement.id) };
}

/** alice offers, our organization has an agreement of it. */
async function offered(iri: string, offer = alice.offer(nour.iri, iri)): Promise<{ id: Id; offer: Json }> {
  const before = await newest();
  await deliver(offer);
  const agreement = await newest(before?.id ?? null);
  expect(agreement?.state).toBe("offered");
  return { id: agreement!.id, offer };
}

async function state(id: Id): Promise<string | undefined> {
  const [row] = await hub.database.sql<
    { state: string }[]
  >`select state from agreements where id = ${String(id)}`;
  return row?.state;
}

/** What arrived, checked as the strictest reader checks it. */
async function arrival(predicate: (activity: Json) => boolean): Promise<Received> {
  const received = await remote.waitFor(({ activity }) => predicate(activity));
  expect(proofObjection(received.activity, actor)).toBeNull();
  expect(remote.problems).toEqual([]);
  return received;
}

const answerTo = (type: string, offer: Json) => (activity: Json) =>
  activity.type === type && activity.object === offer.id;
const eventOf = (agreement: string, action?: string) => (activity: Json) => {
  const object = activity.object as Json;
  return activity.type === "Create" && object.context === agreement && object.action === action;
};

function expectGolden(activity: Json, file: string): Promise<void> {
  const hosts = { [hub.host]: "hub.example", [remote.host]: "remote.example" };
  // Which of its offers it was depends on which tests ran.
  const text = golden(activity, hosts).replace(/(remote\.example\/(?:alice|bob)\/[a-z]+)\/\d+/g, "$1/<n>");
  return expect(text).toMatchFileSnapshot(`../fixtures/golden/${file}.json`);
}

async function committed(id: Id): Promise<number> {
  const [row] = await hub.database.sql<{ committed: number }[]>`
    select committed from proposals where id = ${String(id)}`;
  return row?.committed ?? -1;
}

describe("a marketplace that knows nothing but FEP-0837", () => {
  test("takes a gift: from its printed Offer to our receipt, and its actor is followed by nobody here", async () => {
    const gift = await publish();
    const offer = alice.offer(nour.iri, gift.iri);
    expect(JSON.stringify(offer)).not.toContain("@type");
    const { id } = await offered(gift.iri, offer);
    expect(
      await count(hub, `follows f join actors a on a.id = f.followed_id where a.iri = '${alice.actor.iri}'`),
    ).toBe(0);
    const [step] = await signedSteps(hub.ctx, id);
    expect(step).toMatchObject({
      ...{ message: "offer", party: "receiver", activity: offer.id, proof: "none" },
      ...{ body: JSON.stringify(offer), digest: digestOf(offer) },
    });

    await acceptAgreement(hub.ctx, nour, id);
    const accept = await arrival(answerTo("Accept", offer));
    const iri = `${hub.origin}/agreements/${id}`;
    expect(accept.activity).toMatchObject({
      actor: nour.iri,
      to: [alice.actor.iri],
      result: {
        type: "Agreement",
        id: iri,
        attributedTo: nour.iri,
        stipulates: {
          ...{ id: `${iri}#primary`, type: "Commitment", satisfies: `${gift.iri}#primary` },
          resourceQuantity: { hasUnit: "hour", hasNumericalValue: "2" },
        },
      },
      "ayni:offerDigest": digestOf(offer),
    });
    expect(accept.activity.result).not.toHaveProperty("stipulatesReciprocal");
    const [, agreed] = await signedSteps(hub.ctx, id);
    expect(accept.raw.toString()).toBe(agreed?.body);
    await expectGolden(accept.activity, "agreement-accept");

    await deliverAgreement(hub.ctx, nour, id, { note: "Hecho:\n<todo>" });
    await expectGolden((await arrival(eventOf(iri, "deliverService"))).activity, "agreement-deliver");
    // It knows no word for "received": silence settles.
    hub.clock.advance(15 * DAY);
    await advanceAgreements(hub.ctx);
    expect(await state(id)).toBe("settled");
    const receipt = await arrival(
      ({ object }) => (object as Json).name === "Receipt" && (object as Json).context === iri,
    );
    expect(receipt.activity.object).toMatchObject({ type: "Document", attributedTo: nour.iri });
    await expectGolden(receipt.activity, "agreement-receipt");
  });

  test("meets a need of ours, which the organization confirms", async () => {
    const need = await publish({ purpose: "request", name: "Traducción" });
    const { id, offer } = await offered(need.iri);
    await acceptAgreement(hub.ctx, nour, id);
    await arrival(answerTo("Accept", offer));
    await confirmAgreement(hub.ctx, nour, id);
    const iri = `${hub.origin}/agreements/${id}`;
    const confirmed = await arrival(eventOf(iri, "transfer"));
    await expectGolden(confirmed.activity, "agreement-confirm");
    await arrival(({ object }) => (object as Json).name === "Receipt" && (object as Json).context === iri);
    expect(await state(id)).toBe("settled");
  });

  test("completes an exchange that is settled elsewhere, with proofs of its own", async () => {
    const { iri: proposal } = await publish({ settlement: "external", unit: "one" });
    const offer = alice.proven(alice.offer(nour.iri, proposal, "1", "one"), hub.clock.now());
    const { id } = await offered(proposal, offer);
    expect((await signedSteps(hub.ctx, id))[0]).toMatchObject({ proof: "verified", digest: digestOf(offer) });
    await acceptAgreement(hub.ctx, nour, id);
    await deliverAgreement(hub.ctx, nour, id);
    const iri = `${hub.origin}/agreements/${id}`;
    await arrival(eventOf(iri, "deliverService"));
    const object = { type: ["Document", "EconomicEvent"], action: "transfer", realizationOf: iri };
    await deliver(alice.activity("Create", { object: { ...object, attributedTo: alice.actor.iri } }));
    expect(await state(id)).toBe("settled");
    await arrival((activity) => (activity.object as Json).name === "Receipt");
  });

  test("offers a gift that an organization of ours takes: its Agreement's id counts, its receipt says that it was delivered", async () => {
    const published = bob.proposal("offer");
    await deliver(published);
    const [found] = await hub.database.sql<{ id: string; revision: number }[]>`
      select id, revision from proposals where iri = ${(published.object as Json).id as string}`;
    const due = new Date(hub.clock.now().getTime() + 30 * DAY);
    const id = await offerAgreement(hub.ctx, nour, {
      ...{ proposalId: BigInt(found!.id), revision: found!.revision, quantity: 3, due, note: "Con gusto" },
    });
    const offer = (await arrival(({ type }) => type === "Offer")).activity;
    expect(offer).toMatchObject({
      actor: nour.iri,
      to: [bob.actor.iri],
      object: {
        type: "Agreement",
        stipulates: {
          satisfies: `${(published.object as Json).id}#primary`,
          resourceQuantity: { hasUnit: "hour", hasNumericalValue: "3" },
        },
      },
    });
    expect(offer.object).not.toHaveProperty("id");
    await expectGolden(offer, "agreement-offer");

    const accept = bob.accept(offer);
    const iri = (accept.result as Json).id as string;
    await deliver(accept);
    expect(await newest()).toMatchObject({ id, state: "accepted", iri });
    await deliver(bob.receipt(nour.iri, iri));
    expect(await state(id)).toBe("delivered");
    await confirmAgreement(hub.ctx, nour, id);
    await arrival(eventOf(iri, "transfer"));
    expect(await state(id)).toBe("settled");
  });

  test("says no and hears no: with reasons, and one may offer again", async () => {
    const gift = await publish();
    const first = await offered(gift.iri);
    await rejectAgreement(hub.ctx, nour, first.id, { note: "En marzo no" });
    const no = await arrival(answerTo("Reject", first.offer));
    expect(no.activity).toMatchObject({ content: "<p>En marzo no</p>", "ayni:reason": "declined" });
    await expectGolden(no.activity, "agreement-reject");
    const second = await offered(gift.iri);
    expect(second.id).not.toBe(first.id);

    const published = bob.proposal("request");
    await deliver(published);
    const [found] = await hub.database.sql<{ id: string }[]>`
      select id from proposals where iri = ${(published.object as Json).id as string}`;
    const ask = { proposalId: BigInt(found!.id), revision: 1, quantity: 1, due: null };
    for (const [reason, note] of [
      ["<p>Demasiado &lt;tarde&gt;</p>", "Demasiado <tarde>"],
      [undefined, "busy"],
    ] as const) {
      const id = await offerAgreement(hub.ctx, nour, ask);
      const { activity } = await arrival(
        ({ type, id: iri }) => type === "Offer" && !remote.requests.includes(String(iri)),
      );
      remote.received.length = 0;
      await deliver(
        bob.activity("Reject", {
          object: activity,
          "ayni:reason": "busy",
          ...(reason && { content: reason }),
        }),
      );
      expect(await state(id)).toBe("rejected");
      const [, step] = await hub.database.sql`
        select note from agreement_steps where agreement_id = ${String(id)} order by id`;
      expect(step?.note).toBe(note);
    }
  });

  test("is heard out when it makes other terms of its own accord, and hears ours", async () => {
    const gift = await publish();
    const { id, offer } = await offered(gift.iri);
    await counterOffer(hub.ctx, nour, id, { quantity: 1, amount: null, due: null });
    const counter = (await arrival((activity) => activity.type === "Offer")).activity;
    expect(counter.inReplyTo).toBe(offer.id);
    await expectGolden(counter, "agreement-counter");
    // The first terms are on the table no more.
    await deliver(alice.activity("Undo", { object: offer.id }));
    expect(await state(id)).toBe("offered");
    await deliver({ ...alice.offer(nour.iri, gift.iri, "3"), inReplyTo: counter.id });
    expect(await newest()).toMatchObject({ id, state: "offered", quantity: 3 });
    await deliver(alice.accept(counter));
    expect(await state(id)).toBe("offered");
    await counterOffer(hub.ctx, nour, id, { quantity: 4, amount: null, due: null });
    const last = await arrival(({ type, inReplyTo }) => type === "Offer" && inReplyTo !== offer.id);
    const accept = alice.accept(last.activity);
    await deliver(accept);
    expect(await newest()).toMatchObject({
      id,
      state: "accepted",
      iri: (accept.result as Json).id,
      quantity: 4,
    });
  });
});

describe("an Offer that cannot be", () => {
  let gift: { id: Id; iri: string };
  let need: { id: Id; iri: string };
  beforeAll(async () => {
    gift = await publish({ minimum: "2", available: "5" });
    need = await publish({ purpose: "request" });
  });

  async function refused(offer: Json, reason: string): Promise<Received> {
    const before = await count(hub, "agreements");
    await deliver(offer);
    const { activity } = await arrival(answerTo("Reject", offer));
    expect([activity["ayni:reason"], typeof activity.content]).toEqual([reason, "string"]);
    expect(activity.to).toEqual([offer.actor]);
    expect(await count(hub, "agreements")).toBe(before);
    return remote.waitFor(({ activity }) => answerTo("Reject", offer)(activity));
  }

  const wrong: Record<string, [string, () => Json]> = {
    "in another unit": ["terms", () => alice.offer(nour.iri, gift.iri, "2", "one")],
    "of less than the minimum": ["under-minimum", () => alice.offer(nour.iri, gift.iri, "1")],
    "of more than there is": ["over-available", () => alice.offer(nour.iri, gift.iri, "6")],
    "of a revision that is over": [
      "stale-revision",
      () => ({ ...alice.offer(nour.iri, gift.iri), "ayni:proposalRevision": 7 }),
    ],
    "of a revision that is none": [
      "terms",
      () => ({ ...alice.offer(nour.iri, gift.iri), "ayni:proposalRevision": "1" }),
    ],
    "that has lapsed": [
      "terms",
      () => ({ ...alice.offer(nour.iri, gift.iri), endTime: "2020-01-01T00:00:00Z" }),
    ],
    "that lapses at no time": ["terms", () => ({ ...alice.offer(nour.iri, gift.iri), endTime: "soon" })],
    "that gives back for a gift": [
      "terms",
      () => {
        const offer = alice.offer(nour.iri, gift.iri);
        const { stipulates } = alice.terms(gift.iri, "5", "one");
        const stipulatesReciprocal = { ...(stipulates as Json), satisfies: `${gift.iri}#reciprocal` };
        return { ...offer, object: { ...(offer.object as Json), stipulatesReciprocal } };
      },
    ],
    "with somebody else's work": [
      "terms",
      () => {
        const offer = alice.offer(nour.iri, need.iri);
        const stipulates = { ...((offer.object as Json).stipulates as Json), provider: mallory.actor.iri };
        return { ...offer, object: { type: "Agreement", stipulates } };
      },
    ],
  };
  test.each(Object.keys(wrong))("%s is refused with a reason, and makes no agreement", async (name) => {
    const [reason, make] = wrong[name]!;
    const received = await refused(make(), reason);
    if (reason === "stale-revision") await expectGolden(received.activity, "agreement-refusal");
  });

  test("for credits needs hubs that settle with each other; for a closed proposal there is no answer but one", async () => {
    const { iri } = await publish({ settlement: "credit", price: "5" });
    await refused(alice.offer(nour.iri, iri), "needs-peering");
    const paused = await publish();
    await pauseProposal(hub.ctx, nour, paused.id, true);
    await refused(alice.offer(nour.iri, paused.iri), "closed");
  });

  const quantities = [
    ...[
      "-1",
      "0",
      "0.5",
      "1e3",
      "9007199254740993",
      "２",
      "٢",
      " 2",
      "2 ",
      "+2",
      "0x2",
      "2.0",
      "",
      "1000001",
    ],
    ...[-1, 0, 0.5, 2 ** 53 + 1, 1e21, null, true, ["2"], { value: "2" }],
  ];
  test.each(quantities)("of the quantity %j is refused, and makes no agreement", async (quantity) => {
    await refused(alice.offer(nour.iri, gift.iri, quantity), "terms");
  });

  test("on a proposal of nobody here, or of no shape, is not answered at all", async () => {
    const before = await count(hub, "agreements");
    await deliver(alice.offer(nour.iri, `${remote.origin}/proposals/1`));
    await deliver(alice.offer(nour.iri, `${hub.origin}/proposals/1`));
    await deliver(alice.activity("Offer", { object: { type: "Agreement", stipulates: "x" } }));
    await deliver(alice.activity("Offer", { object: { type: "Note", content: "x" } }));
    await deliver(alice.activity("Offer", {}));
    await deliver(alice.activity("Offer", { object: `${gift.iri}` }));
    expect(await count(hub, "agreements")).toBe(before);
    expect(remote.received).toEqual([]);
  });

  test("and comes in hundreds is not answered either", async () => {
    const offers = Array.from({ length: 35 }, () => alice.offer(nour.iri, gift.iri, "0"));
    for (const offer of offers) await remote.deliver(`${hub.origin}/inbox`, offer, { date: hub.clock.now() });
    await settle(hub);
    expect(remote.received).toHaveLength(30);
  });
});

describe("who speaks in somebody else's name, or changes what was said", () => {
  test("a forged, altered or foreign proof makes no agreement", async () => {
    const gift = await publish();
    const before = await count(hub, "agreements");
    const proven = () => alice.proven(alice.offer(nour.iri, gift.iri), hub.clock.now());
    const altered = { ...proven(), object: alice.terms(gift.iri, "9") };
    const foreign = mallory.proven(alice.offer(nour.iri, gift.iri), hub.clock.now());
    const nameless = { ...proven(), proof: { type: "DataIntegrityProof" } };
    const several = { ...proven() };
    several.proof = [several.proof, several.proof];
    const whose = proven();
    whose.proof = { ...(whose.proof as Json), verificationMethod: mallory.actor.proofKeyId };
    for (const offer of [altered, foreign, nameless, several, whose]) await deliver(offer, "alice");
    expect(await count(hub, "agreements")).toBe(before);
    await deliver(proven());
    expect(await count(hub, "agreements")).toBe(before + 1);
  });

  test("nobody but the other party answers, withdraws, delivers, confirms or disputes", async () => {
    const need = await publish({ purpose: "request" });
    const { id, offer } = await offered(need.iri);
    const iri = `${hub.origin}/agreements/${id}`;
    const event = (by: Market, action: string) =>
      by.activity("Create", { object: { type: ["Document", "EconomicEvent"], action, realizationOf: iri } });
    const dispute = (by: Market) =>
      by.activity("Create", { object: { type: ["Document", "ayni:Dispute"], context: iri } });
    // mallory is known here.
    await deliver(mallory.offer(nour.iri, need.iri, "0"));
    for (const type of ["Undo", "Reject"]) await deliver(mallory.activity(type, { object: offer.id }));
    await deliver(mallory.accept(offer));
    // alice accepts what she offered herself.
    await deliver(alice.accept(offer));
    expect(await state(id)).toBe("offered");
    await acceptAgreement(hub.ctx, nour, id);
    for (const said of [event(mallory, "deliverService"), event(mallory, "transfer"), dispute(mallory)])
      await deliver(said);
    await deliver(mallory.receipt(nour.iri, iri));
    // She is to do it: that it was received is not hers to say, nor is a receipt, which is the proposing party's.
    await deliver(event(alice, "transfer"));
    await deliver(alice.receipt(nour.iri, iri));
    const said = event(alice, "deliverService");
    await deliver({ ...said, object: { ...(said.object as Json), attributedTo: nour.iri } });
    expect(await state(id)).toBe("accepted");
    // Signed by mallory, in alice's name.
    await remote.deliver(`${hub.origin}/inbox`, event(alice, "deliverService"), {
      as: "mallory",
      date: hub.clock.now(),
    });
    await settle(hub);
    expect(await state(id)).toBe("accepted");
    await deliver(event(alice, "deliverService"));
    expect(await state(id)).toBe("delivered");
  });

  test("an Accept on other terms, for another Offer, or with an id that is not its own, agrees to nothing", async () => {
    const published = bob.proposal("offer");
    await deliver(published);
    const [found] = await hub.database.sql<{ id: string }[]>`
      select id from proposals where iri = ${(published.object as Json).id as string}`;
    const ask = { proposalId: BigInt(found!.id), revision: 1, quantity: 3, due: null };
    const id = await offerAgreement(hub.ctx, nour, ask);
    const { activity: offer } = await arrival(({ type }) => type === "Offer");
    const accept = () => bob.accept(offer);
    const withResult = (change: Json) => {
      const said = accept();
      return { ...said, result: { ...(said.result as Json), ...change } };
    };
    const { stipulates } = bob.terms((published.object as Json).id as string, "2");
    for (const said of [
      withResult({ stipulates }),
      withResult({
        stipulatesReciprocal: {
          ...(stipulates as Json),
          satisfies: `${(published.object as Json).id}#reciprocal`,
        },
      }),
      withResult({ id: `${hub.origin}/agreements/${id}` }),
      withResult({ id: "https://elsewhere.example/agreements/1" }),
      withResult({ id: undefined }),
      withResult({ attributedTo: mallory.actor.iri }),
      { ...accept(), result: undefined },
      { ...accept(), result: `${remote.origin}/agreements/1` },
      { ...accept(), "ayni:offerDigest": digestOf(accept()) },
    ])
      await deliver(JSON.parse(JSON.stringify(said)) as Json);
    expect(await state(id)).toBe("offered");
    await deliver({ ...accept(), "ayni:offerDigest": digestOf(offer) });
    expect(await state(id)).toBe("accepted");
  });
});

describe("what crosses on its way", () => {
  test("an Undo ends it on both sides, whether it comes before our Accept or after it", async () => {
    const gift = await publish();
    const early = await offered(gift.iri);
    await deliver(alice.activity("Undo", { object: early.offer }));
    expect(await state(early.id)).toBe("withdrawn");
    await expect(acceptAgreement(hub.ctx, nour, early.id)).rejects.toMatchObject({ code: "not_now" });

    const late = await offered(gift.iri);
    await acceptAgreement(hub.ctx, nour, late.id);
    expect(await committed(gift.id)).toBe(2);
    await deliver(alice.activity("Undo", { object: late.offer.id }));
    expect([await state(late.id), await committed(gift.id)]).toEqual(["cancelled", 0]);
  });

  test("our Undo and its Accept: what we took back stays taken back, and what lapsed is taken back", async () => {
    const published = bob.proposal("offer");
    await deliver(published);
    const [found] = await hub.database.sql<{ id: string }[]>`
      select id from proposals where iri = ${(published.object as Json).id as string}`;
    const ask = { proposalId: BigInt(found!.id), revision: 1, quantity: 1, due: null };
    const withdrawn = await offerAgreement(hub.ctx, nour, ask);
    const first = (await arrival(({ type }) => type === "Offer")).activity;
    await withdrawAgreement(hub.ctx, nour, withdrawn, { note: "Ya no" });
    const undo = await arrival(answerTo("Undo", first));
    await expectGolden(undo.activity, "agreement-withdraw");
    await deliver(bob.accept(first));
    expect(await state(withdrawn)).toBe("withdrawn");

    remote.received.length = 0;
    const lapsed = await offerAgreement(hub.ctx, nour, ask);
    const second = (await arrival(({ type }) => type === "Offer")).activity;
    hub.clock.advance(60 * DAY);
    await advanceAgreements(hub.ctx);
    expect(await state(lapsed)).toBe("expired");
    await deliver(bob.accept(second));
    const answer = await arrival(answerTo("Undo", second));
    expect(answer.activity["ayni:reason"]).toBe("expired");
    expect(await state(lapsed)).toBe("expired");
  });

  test("each side calls off what was agreed by taking back its own word", async () => {
    const gift = await publish();
    const { id, offer } = await offered(gift.iri);
    await acceptAgreement(hub.ctx, nour, id);
    const accept = (await arrival(answerTo("Accept", offer))).activity;
    await cancelAgreement(hub.ctx, nour, id, { note: "Enfermedad" });
    const undo = await arrival(({ type }) => type === "Undo");
    expect(undo.activity).toMatchObject({ object: accept.id, context: `${hub.origin}/agreements/${id}` });
    await expectGolden(undo.activity, "agreement-cancel");
    expect(await committed(gift.id)).toBe(0);
  });

  test("something is wrong: each side can say so", async () => {
    const gift = await publish();
    const { id } = await offered(gift.iri);
    const iri = `${hub.origin}/agreements/${id}`;
    await acceptAgreement(hub.ctx, nour, id);
    await deliverAgreement(hub.ctx, nour, id);
    await disputeAgreement(hub.ctx, nour, id, { note: "No responden" });
    const said = await arrival(
      ({ object }) =>
        [(object as Json).type].flat().includes("ayni:Dispute") && (object as Json).context === iri,
    );
    await expectGolden(said.activity, "agreement-dispute");

    const other = await offered(gift.iri);
    await acceptAgreement(hub.ctx, nour, other.id);
    await deliverAgreement(hub.ctx, nour, other.id);
    const context = `${hub.origin}/agreements/${other.id}`;
    await deliver(
      alice.activity("Create", {
        object: { type: ["Document", "ayni:Dispute"], context, content: "<p>Nadie vino</p>" },
      }),
    );
    expect(await state(other.id)).toBe("disputed");
  });

  test("twenty times the same Offer is one agreement, and twenty times the same Undo one withdrawal", async () => {
    const gift = await publish();
    const offer = alice.proven(alice.offer(nour.iri, gift.iri), hub.clock.now());
    const undo = alice.activity("Undo", { object: offer.id });
    const before = await count(hub, "agreements");
    for (const said of [offer, undo]) {
      await Promise.all(
        Array.from({ length: 20 }, () =>
          remote.deliver(`${hub.origin}/inbox`, said, { date: hub.clock.now(), as: "alice" }),
        ),
      );
      await settle(hub);
    }
    expect(await count(hub, "agreements")).toBe(before + 1);
    const { id, state: now } = (await newest())!;
    expect([now, await count(hub, `agreement_steps where agreement_id = ${id}`)]).toEqual(["withdrawn", 2]);
  });
});

test("nothing of an agreement is served to anybody: not it, not its consents, not in an outbox", async () => {
  const gift = await publish();
  const { id, offer } = await offered(gift.iri);
  await acceptAgreement(hub.ctx, nour, id);
  const accept = (await arrival(answerTo("Accept", offer))).activity;
  for (const url of [`${hub.origin}/agreements/${id}`, String(accept.id)])
    for (const signed of [{}, { signed: "alice" }])
      expect([url, (await remote.fetch(url, signed)).status]).toEqual([url, 404]);
  const outbox = await remote.fetch(`${nour.iri}/outbox?page=1`);
  expect(outbox.status).toBe(200);
  expect(outbox.body).not.toContain("Agreement");
  expect((await agreementList(hub.ctx, nour.actorId, "open", null)).items.map((item) => item.id)).toContain(
    id,
  );
});

test("an agreement that is only named is asked for at its own server", async () => {
  const need = await publish({ purpose: "request" });
  const { id } = await offered(need.iri);
  await acceptAgreement(hub.ctx, nour, id);
  const iri = `${hub.origin}/agreements/${id}`;
  const object = {
    "@context": PRINTED_CONTEXT,
    ...{
      id: `${remote.origin}/events/1`,
      type: ["Document", "EconomicEvent"],
      attributedTo: alice.actor.iri,
    },
    ...{ action: "deliverService", realizationOf: iri },
  };
  remote.documents.set("/events/1", { body: object });
  await deliver(alice.activity("Create", { object: object.id }));
  expect(await state(id)).toBe("delivered");
});
