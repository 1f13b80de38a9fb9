import { expect, test, vi } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import { consentBundle } from "../../src/domain/agreements/bundle.ts";
import {
  acceptAgreement,
  advanceAgreements,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  proposeResolution,
  signResolution,
} from "../../src/domain/agreements/commands.ts";
import { agreementById, disputes } from "../../src/domain/agreements/queries.ts";
import { stewardingOf } from "../../src/domain/agreements/stewarding.ts";
import { agreeToResolution, proposeBetween } from "../../src/domain/agreements/stewards.ts";
import type { Acting } from "../../src/domain/context.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { reviewsOf } from "../../src/domain/reviews/queries.ts";
import { checkBundle } from "../../src/federation/consent-bundle.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { proveObject } from "../../src/federation/proofs.ts";
import type { JsonObject } from "../../src/json.ts";
import { type Across, across } from "../support/across.ts";
import { type ApiAnswer, apiClient } from "../support/api-client.ts";
import { until } from "../support/clearing-hubs.ts";
import { account, count, settle, startHubs, type TestHub } from "../support/hub.ts";
import { digestOf, proofObjection } from "../support/remote-proofs.ts";
import { loggedIn } from "../support/visitor.ts";

/** Two hubs that settle with one another, a curator on each, and a dispute about 2 hours: 120 minutes there, 20.00 points here. */

vi.setConfig({ testTimeout: 240_000 });

const DAY = 86_400_000;

interface Dispute extends Across {
  /** Curators: Dora of `lac`, where it is paid, and Omar of `mena`. */
  dora: Acting;
  omar: Acting;
  /** The agreement on `lac`, and on `mena`. */
  mine: Id;
  theirs: Id;
  /** Waits until both hubs say that it is so. */
  ends(state: string): Promise<void>;
  /** The newest proposal that both hubs' stewards stand behind, and who signed it, as each hub sees it. */
  standing(): Promise<unknown[]>;
  stop(): Promise<unknown>;
}

async function curator(hub: TestHub, handle: string): Promise<Acting> {
  const acting = await account(hub, handle);
  await hub.database.sql`update accounts set role = 'curator' where id = ${String(acting.accountId)}`;
  return acting;
}

async function dispute(disputed = true): Promise<Dispute> {
  const scene = await across();
  const { lac, mena, raices, nour, quiet } = scene;
  const [dora, omar] = await Promise.all([curator(lac, "dora"), curator(mena, "omar")]);
  const seen = await scene.publish();
  const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 2, due: null });
  await until(async () => (await count(mena, "agreements")) === 1);
  const { id: theirs } = (await scene.newest())[1];
  const ends = (state: string) =>
    until(async () => {
      await quiet();
      return (await scene.newest()).every((standing) => standing.state === state);
    });
  await acceptAgreement(mena.ctx, nour, theirs);
  await ends("funded");
  await deliverAgreement(mena.ctx, nour, theirs, {});
  await quiet();
  if (disputed) {
    await disputeAgreement(lac.ctx, raices, mine, { note: "Faltó la mitad" });
    await quiet();
  }
  return {
    ...{ ...scene, dora, omar, mine, theirs, ends },
    standing: async () =>
      Promise.all(
        [
          [lac, raices, mine],
          [mena, nour, theirs],
        ].map(async ([hub, party, id]) => {
          const { ctx } = hub as TestHub;
          const { resolution } = await agreementById(ctx, id as Id, party as Acting);
          if (resolution === null) return null;
          const [row] = await (hub as TestHub).database.sql`
            select iri from resolutions where id = ${String(resolution.id)}`;
          const { providerSigned, receiverSigned } = resolution;
          return [row!.iri, providerSigned !== null, receiverSigned !== null];
        }),
      ),
    stop: () => Promise.all([lac.stop(), mena.stop()]),
  };
}

interface Word extends Record<"message" | "state" | "proof" | "body" | "digest" | "key", string> {}

/** What stewards of both said, as a hub keeps it. */
async function wordsOf(hub: TestHub): Promise<Word[]> {
  return hub.database.sql<Word[]>`
    select message, state, proof, body, digest, key from agreement_steps
    where party is null and body is not null order by id`;
}

/** Which proposal each party can sign. */
async function signable({ lac, mena, raices, nour, mine, theirs }: Dispute): Promise<[Id, Id]> {
  const here = await agreementById(lac.ctx, mine, raices);
  const there = await agreementById(mena.ctx, theirs, nour);
  return [here.resolution?.id ?? 0n, there.resolution?.id ?? 0n];
}

async function newestProposal(hub: TestHub, id: Id): Promise<Id> {
  return (await stewardingOf(hub.ctx, id))?.proposals[0]?.id ?? 0n;
}

test("a steward of one hub proposes, one of the other agrees, both parties sign: the payer's hub pays the part, on both it is resolved", async () => {
  const scene = await dispute();
  const { lac, mena, raices, nour, dora, omar, mine, theirs, quiet } = scene;
  // The curators of both see it, and were told.
  for (const hub of [lac, mena]) {
    expect(await disputes(hub.ctx)).toHaveLength(1);
    expect(
      await count(
        hub,
        "notices n join accounts a on a.id = n.account_id where n.kind = 'agreement_disputed' and a.role = 'curator'",
      ),
    ).toBe(1);
  }
  // A proposal of one hub's steward alone binds nobody.
  await proposeBetween(mena.ctx, omar.accountId, theirs, { payer: 45n, note: "Una parte" });
  await quiet();
  expect(await scene.standing()).toEqual([null, null]);
  expect(await count(lac, "notices where kind = 'resolution_asked'")).toBeGreaterThan(0);
  expect(await count(lac, "notices where kind = 'resolution_proposed'")).toBe(0);
  const [asked] = (await stewardingOf(lac.ctx, mine))!.proposals;
  expect(asked).toMatchObject({ theirs: true, payer: 45n, payee: 750n, note: "Una parte", agreed: null });
  await expect(signResolution(lac.ctx, raices, mine, asked!.id)).rejects.toMatchObject({ code: "not_now" });
  // Not by those who proposed it, nor by who is of one of the two, nor by no curator.
  const own = await newestProposal(mena, theirs);
  await expect(agreeToResolution(mena.ctx, omar.accountId, theirs, own)).rejects.toMatchObject({
    code: "not_now",
  });
  await expect(agreeToResolution(lac.ctx, raices.accountId, mine, asked!.id)).rejects.toMatchObject({
    code: "not_found",
  });
  await agreeToResolution(lac.ctx, dora.accountId, mine, asked!.id);
  await quiet();
  const iri = `${mena.origin}/resolutions/${own}`;
  expect(await scene.standing()).toEqual(Array(2).fill([iri, false, false]));
  for (const hub of [lac, mena])
    expect(await count(hub, "notices where kind = 'resolution_proposed'")).toBeGreaterThan(0);

  const [here, there] = await signable(scene);
  await signResolution(mena.ctx, nour, theirs, there);
  await quiet();
  expect(await scene.standing()).toEqual(Array(2).fill([iri, true, false]));
  await signResolution(lac.ctx, raices, mine, here);
  await scene.ends("resolved");
  expect(await scene.balances()).toEqual([-45n, 750n]);
  expect((await scene.newest()).map(({ settledAmount }) => settledAmount)).toEqual([45n, 750n]);
  const [entry] = await mena.database.sql`select body from clearing_entries where direction = 'in'`;
  expect(JSON.parse(entry!.body)["ayni:confirm"]).toBe("resolution");
  await scene.check();

  // Both signatures are consents that prove themselves, on both hubs the same.
  const bundles = await Promise.all([
    consentBundle(lac.ctx, mine, raices),
    consentBundle(mena.ctx, theirs, nour),
  ]);
  for (const bundle of bundles) {
    expect(checkBundle(JSON.stringify(bundle)).problems).toEqual([]);
    const signatures = bundle.consents.filter(({ message }) => message === "sign");
    expect(signatures.map(({ body }) => JSON.parse(body).object)).toMatchObject(
      Array(2).fill({ "ayni:release": "45", "ayni:resolution": { id: iri } }),
    );
  }
  // And so are the stewards' words, which the signatures are about.
  const said = await Promise.all([wordsOf(lac), wordsOf(mena)]);
  expect(said[0].map(({ message, state, proof }) => [message, state, proof])).toEqual([
    ["propose", "disputed", "verified"],
    ["agree", "disputed", "ours"],
  ]);
  expect(said[1].map(({ proof }) => proof)).toEqual(["ours", "verified"]);
  const unmarked = said.map((words) => words.map(({ body, digest, key }) => ({ body, digest, key })));
  expect(unmarked[0]).toEqual(unmarked[1]);
  const [proposal, agreed] = said[0] as [Word, Word];
  for (const [{ body, digest, key }, hub] of [
    [proposal, mena],
    [agreed, lac],
  ] as const) {
    const word = JSON.parse(body);
    const { actorId } = await localHub(hub.ctx);
    expect(await hub.ctx.consents.publicKey(hub.ctx.db, actorId)).toBe(key);
    const controller = `${hub.origin}/actor`;
    const method = { id: word.proof.verificationMethod, controller, publicKeyMultibase: key };
    expect(word.actor).toBe(controller);
    expect(proofObjection(word, { id: controller, assertionMethod: [method] })).toBeNull();
    expect(digestOf(word)).toBe(digest);
  }
  expect(JSON.parse(agreed.body)).toMatchObject({
    ...{ type: "Accept", object: iri, context: bundles[0].agreement, "ayni:release": "45" },
    "ayni:offerDigest": proposal.digest,
  });
  await expect(
    lac.database.sql`update agreement_steps set body = '{}' where message = 'propose'`,
  ).rejects.toThrow();
  for (const bundle of bundles) {
    expect(bundle.hubs).toEqual({
      provider: JSON.parse(proposal.body).actor,
      receiver: JSON.parse(agreed.body).actor,
    });
    expect(bundle.consents.filter(({ message }) => /propose|agree/.test(message))).toMatchObject([
      { message: "propose", party: "provider", body: proposal.body },
      { message: "agree", party: "receiver", body: agreed.body },
    ]);
    const changed = (change: (copy: typeof bundle) => unknown) => {
      const copy = structuredClone(bundle);
      change(copy);
      return checkBundle(JSON.stringify(copy)).problems.join(" ");
    };
    const of = (copy: typeof bundle, message: string) =>
      copy.consents.findIndex((consent) => consent.message === message);
    const agreeOf = (copy: typeof bundle) => copy.consents[of(copy, "agree")]!;
    const { provider, receiver } = bundle.hubs!;
    for (const [what, change] of [
      [
        "is not the hub of",
        (copy) => Object.assign(copy, { hubs: { provider: receiver, receiver: provider } }),
      ],
      ["its hub is not named", (copy) => Object.assign(copy, { hubs: { receiver } })],
      ["agrees to nothing that was proposed", (copy) => copy.consents.splice(of(copy, "propose"), 1)],
      ["its bytes are not those", (copy) => Object.assign(agreeOf(copy), { body: `${agreed.body} ` })],
      ["is no propose", (copy) => Object.assign(agreeOf(copy), { message: "propose" })],
      [
        "is not signed with a key of its actor",
        (copy) => Object.assign(copy, { keys: bundle.keys.slice(0, 2) }),
      ],
    ] as [string, (copy: typeof bundle) => unknown][])
      expect(changed(change)).toContain(what);
  }
  const [doras, tdoras] = [await loggedIn(lac, "dora"), await loggedIn(mena, "omar")];
  const page = (await doras.get(`/agreements/${mine}`)).body;
  expect(page).toContain("propusieron una salida");
  expect(page).toContain("Quienes cuidan esta red aceptaron la salida");
  expect((await tdoras.get(`/agreements/${theirs}`)).body).toContain("Quienes cuidan esta red propusieron");
  // What came of it is reviewed, by what settled it.
  const review = { keptWord: 3, quality: 3, communication: 4, language: "es", content: "A medias." };
  await reviewAgreement(lac.ctx, raices, mine, review);
  await reviewAgreement(mena.ctx, nour, theirs, review);
  await quiet();
  expect((await reviewsOf(mena.ctx, nour.actorId, null)).items).toMatchObject([{ content: "A medias." }]);
  expect((await reviewsOf(lac.ctx, raices.actorId, null)).items).toMatchObject([{ content: "A medias." }]);
  await scene.stop();
});

test("by the pages: what is proposed stands there in both currencies, with who agreed and who signed", async () => {
  const scene = await dispute();
  const { lac, mena, mine, theirs, quiet } = scene;
  const [dora, omar, ana] = [await loggedIn(lac, "dora"), await loggedIn(mena, "omar"), await loggedIn(mena)];
  const [here, there] = [`/agreements/${mine}`, `/agreements/${theirs}`];
  expect((await dora.get(here)).body).toContain("entre dos redes");
  const typed = { as: "dora", release: "121", note: "Todo y más" };
  expect((await dora.submit(`${here}/propose`, typed)).status).toBe(422);
  expect((await dora.submit(`${here}/propose`, { ...typed, release: "60" })).status).toBe(303);
  await quiet();
  const asked = (await omar.get(there)).body.replaceAll("\u00a0", " ");
  for (const text of ["60 min", "10 pt", "Todo y más", `${there}/agree`]) expect(asked).toContain(text);
  const agreed = { as: "omar", resolution: String(await newestProposal(mena, theirs)) };
  expect((await ana.get(there)).body).not.toContain(`${there}/sign`);
  expect((await omar.submit(`${there}/agree`, agreed)).status).toBe(303);
  await quiet();
  const sign = { as: "nour", resolution: agreed.resolution };
  expect((await ana.get(there)).body).toContain(`${there}/sign`);
  expect((await ana.submit(`${there}/sign`, sign)).status).toBe(303);
  await quiet();
  expect((await dora.get(here)).body).toContain("Organization nour firmó");
  // Nobody else has any business there.
  await account(mena, "eva");
  const eva = await loggedIn(mena, "eva");
  expect((await eva.get(there)).status).toBe(404);
  expect((await eva.submit(`${there}/agree`, { ...agreed, as: "eva" })).status).toBe(404);
  await scene.stop();
});

test("by the JSON API: the same requests as within one hub, amounts in the payer's currency, and the other hub's steward agrees", async () => {
  const scene = await dispute();
  const { lac, mena, raices, nour, dora, omar, mine, theirs, quiet } = scene;
  const [steward, other, pays, gets] = await Promise.all([
    apiClient(lac, dora),
    apiClient(mena, omar),
    apiClient(lac, raices),
    apiClient(mena, nour),
  ]);
  const [here, there] = [`/agreements/${mine}`, `/agreements/${theirs}`];
  const minutes = (value: string) => ({ value, currency: `${lac.origin}/currency` });
  const points = (value: string) => ({ value, currency: `${mena.origin}/currency` });
  const refusal = async (answer: Promise<ApiAnswer>) => {
    const { status, body } = await answer;
    return [status, body.code, body.field];
  };
  // The payer pays in minutes, whichever hub's steward says so.
  const note = "Una parte";
  const inPoints = { release: points("750"), note };
  expect(await refusal(other.post(`${there}/resolutions`, inPoints))).toEqual([
    422,
    "invalid",
    "release.currency",
  ]);
  const proposed = await other.post(`${there}/resolutions`, { release: minutes("45"), note });
  const mineOf = { release: points("750"), payerAmount: minutes("45"), payeeAmount: points("750"), note };
  expect(proposed.body).toMatchObject({
    ...{ steward: true, state: "disputed", resolution: null },
    resolutions: [{ ...mineOf, theirs: false, agreed: null, applied: null }],
  });
  await quiet();
  const { resolution, resolutions } = (await steward.get(here)).body;
  expect([resolution, resolutions]).toMatchObject([
    null,
    [{ ...mineOf, release: minutes("45"), theirs: true, agreed: null }],
  ]);
  const asked = { resolution: resolutions[0].id };
  // Whose it is not to agree: who proposed it, a party of it, a token that may only read, and nobody else learns that there is any.
  const own = { resolution: proposed.body.resolutions[0].id };
  expect(await refusal(other.post(`${there}/agree`, own))).toEqual([409, "not_now", undefined]);
  expect(await refusal(pays.post(`${here}/agree`, asked))).toEqual([404, "not_found", undefined]);
  const reader = await apiClient(lac, dora, ["exchange:read"]);
  expect(await refusal(reader.post(`${here}/agree`, asked))).toEqual([403, "insufficient_scope", undefined]);
  const eva = await apiClient(lac, await account(lac, "eva"));
  expect(await refusal(eva.post(`${here}/agree`, asked))).toEqual([404, "not_found", undefined]);
  expect(await refusal(eva.post(`${here}/resolutions`, { release: minutes("1"), note }))).toEqual([
    ...[404, "not_found", undefined],
  ]);
  expect(await refusal(pays.post(`${here}/sign`, asked))).toEqual([409, "not_now", undefined]);

  const agreed = (await steward.post(`${here}/agree`, asked, { "idempotency-key": "agree-1" })).body;
  expect(agreed.resolution).toMatchObject({ id: asked.resolution, agreed: expect.any(String) });
  // Sent again it is done once.
  const again = await steward.post(`${here}/agree`, asked, { "idempotency-key": "agree-1" });
  expect(again.body).toEqual(agreed);
  expect(await refusal(steward.post(`${here}/agree`, asked))).toEqual([409, "not_now", undefined]);
  await quiet();
  expect((await gets.get(there)).body.possible).toContain("sign");
  await gets.post(`${there}/sign`, own);
  await quiet();
  await pays.post(`${here}/sign`, asked);
  await scene.ends("resolved");
  expect(await scene.balances()).toEqual([-45n, 750n]);
  const ended = (await gets.get(there)).body;
  expect(ended).toMatchObject({ state: "resolved", resolution: { ...mineOf, id: own.resolution } });
  await scene.stop();
});

test("stewards of both propose at once, and each agrees to the other's: both hubs find the same one the newest", async () => {
  const scene = await dispute();
  const { lac, mena, raices, nour, dora, omar, mine, theirs, quiet } = scene;
  await Promise.all([
    proposeBetween(lac.ctx, dora.accountId, mine, { payer: 30n, note: "Poco" }),
    proposeBetween(mena.ctx, omar.accountId, theirs, { payer: 90n, note: "Mucho" }),
  ]);
  await quiet();
  const asked = async (hub: TestHub, id: Id) =>
    (await stewardingOf(hub.ctx, id))!.proposals.find((proposal) => proposal.theirs)!.id;
  await Promise.all([
    agreeToResolution(lac.ctx, dora.accountId, mine, await asked(lac, mine)),
    agreeToResolution(mena.ctx, omar.accountId, theirs, await asked(mena, theirs)),
  ]);
  await quiet();
  const [a, b] = await scene.standing();
  expect(a).not.toBeNull();
  expect(a).toEqual(b);
  // Signed at the same moment on both.
  const [here, there] = await signable(scene);
  await Promise.all([
    signResolution(lac.ctx, raices, mine, here),
    signResolution(mena.ctx, nour, theirs, there),
  ]);
  await scene.ends("resolved");
  const [row] = await lac.database.sql`select payer from resolutions where applied is not null`;
  const paid = BigInt(String(row!.payer));
  expect([30n, 90n]).toContain(paid);
  expect((await scene.balances())[0]).toBe(-paid);
  await scene.check();
  await scene.stop();
});

test("a signature that overtakes the other steward's word counts when that comes; nothing released gives all back", async () => {
  const scene = await dispute();
  const { lac, mena, raices, nour, dora, omar, mine, theirs, quiet } = scene;
  await proposeBetween(lac.ctx, dora.accountId, mine, { payer: 0n, note: "Nada se hizo" });
  await quiet();
  // mena's hub speaks by one queue and nour by another: the word of the hub waits.
  const there = await newestProposal(mena, theirs);
  await agreeToResolution(mena.ctx, omar.accountId, theirs, there);
  await quiet();
  await lac.database.sql`update resolutions set agreed = null`;
  await signResolution(mena.ctx, nour, theirs, there);
  await until(async () => (await count(lac, "resolutions where provider_signed is not null")) === 1);
  await quiet();
  expect((await scene.newest())[0].state).toBe("disputed");
  await lac.database.sql`update resolutions set agreed = now()`;
  const [here] = await signable(scene);
  await signResolution(lac.ctx, raices, mine, here);
  await scene.ends("resolved");
  expect(await scene.balances()).toEqual([0n, 0n]);
  expect((await scene.newest()).map(({ settledAmount, committed }) => [settledAmount, committed])).toEqual(
    Array(2).fill([null, 0]),
  );
  await scene.check();
  await scene.stop();
});

test("without both signatures the rule of the payer's hub applies when time is over, and the payee's waits for it", async () => {
  const scene = await dispute();
  const { lac, mena, raices, dora, omar, mine, theirs, quiet } = scene;
  await proposeBetween(mena.ctx, omar.accountId, theirs, { payer: 100n, note: "Casi todo" });
  await quiet();
  await agreeToResolution(lac.ctx, dora.accountId, mine, await newestProposal(lac, mine));
  await quiet();
  const [here] = await signable(scene);
  await signResolution(lac.ctx, raices, mine, here);
  for (const hub of [lac, mena]) hub.clock.advance(15 * DAY);
  expect(await advanceAgreements(mena.ctx)).toEqual([]);
  expect((await scene.newest())[1].state).toBe("disputed");
  expect(await advanceAgreements(lac.ctx)).toEqual([]);
  await scene.ends("resolved");
  // As it is published where nobody changed it: half.
  expect(await scene.balances()).toEqual([-60n, 1_000n]);
  const [entry] = await mena.database.sql`select body from clearing_entries where direction = 'in'`;
  expect(JSON.parse(entry!.body)["ayni:confirm"]).toBe("rule");
  await scene.check();
  await scene.stop();
});

test("forged words about a dispute leave no trace: another hub, an organization, another amount, no dispute, a stranger's signature", async () => {
  const scene = await dispute();
  const { lac, mena, raices, nour, dora, omar, mine, theirs, quiet } = scene;
  await expect(
    proposeResolution(lac.ctx, dora.accountId, mine, { release: 1n, note: "x" }),
  ).rejects.toMatchObject({ code: "not_now" });
  for (const [payer, code] of [
    [121n, "over_amount"],
    [-1n, "over_amount"],
  ] as const)
    await expect(proposeBetween(lac.ctx, dora.accountId, mine, { payer, note: "x" })).rejects.toMatchObject({
      code,
    });
  await expect(
    proposeBetween(lac.ctx, omar.accountId + 1n, mine, { payer: 1n, note: "x" }),
  ).rejects.toMatchObject({ code: "not_found" });

  await proposeBetween(lac.ctx, dora.accountId, mine, { payer: 60n, note: "La mitad" });
  await quiet();
  const [row] = await lac.database.sql<{ iri: string }[]>`select iri from resolutions`;
  const resolution = row!.iri;
  const { iri: agreement } = (await scene.newest())[0];
  const hubOf = async (hub: TestHub) => {
    const { actorId } = await localHub(hub.ctx);
    const key = await createKeyring(hub.ctx).ed25519(actorId);
    return { actorId, iri: key.id.slice(0, key.id.indexOf("#")), hub };
  };
  const [other] = (await startHubs(1, { allow: [lac.host, mena.host] })) as [TestHub];
  const [menaHub, otherHub] = [await hubOf(mena), await hubOf(other)];
  const stranger = { ...(await mena.organization("extrana")), hub: mena };
  const party = { ...nour, hub: mena };
  type Speaker = { hub: TestHub; actorId: Id; iri: string };
  const say = async ({ hub, actorId, iri }: Speaker, activity: JsonObject) => {
    const id = await hub.ctx.ids.next(hub.ctx.clock.now());
    const key = await createKeyring(hub.ctx).ed25519(actorId);
    const said = {
      "@context": "https://www.w3.org/ns/activitystreams",
      ...{ id: `${hub.origin}/activities/${id}`, actor: iri, to: [raices.iri], ...activity },
    };
    await storeActivity(hub.ctx, {
      ...{ id, actorId, type: String(activity.type), object: said.id, audience: "direct", retracts: false },
      body: JSON.stringify(proveObject(said, key, hub.ctx.clock.now())),
      recipients: { actors: [await hub.ctx.remote.resolveActor(raices.iri)] },
    });
  };
  const offer = (by: Speaker, change: JsonObject = {}): JsonObject => ({
    type: "Offer",
    object: {
      ...{
        id: `${by.hub.origin}/resolutions/9`,
        type: ["Document", "ayni:Resolution"],
        attributedTo: by.iri,
      },
      ...{ context: agreement, published: new Date().toISOString(), "ayni:release": "120", content: "x" },
      ...change,
    },
  });
  const accept = (release = "60", object = resolution): JsonObject => ({
    ...{ type: "Accept", object, "ayni:release": release },
  });
  const signature = (change: JsonObject = {}): JsonObject => ({
    type: "Create",
    object: {
      ...{ id: `${mena.origin}/signatures/1`, type: ["Document", "ayni:Resolution"], context: agreement },
      ...{ "ayni:release": "60", "ayni:resolution": { id: resolution }, ...change },
    },
  });
  const traces = async () => [
    await lac.database
      .sql`select iri, payer, agreed, provider_signed, receiver_signed from resolutions order by id`,
    await count(lac, "agreement_steps"),
    await count(lac, "received_activities"),
    await count(lac, "notices"),
  ];
  const before = await traces();
  const forged: [Speaker, JsonObject][] = [
    // A hub that is no peer, or not this agreement's; an organization in its hub's place.
    [otherHub, offer(otherHub)],
    [otherHub, accept()],
    [party, offer(party)],
    [party, accept()],
    // The peer's own words: for somebody else's iri, of another agreement, of too much, of no amount, what nobody proposed.
    [menaHub, offer(menaHub, { id: `${lac.origin}/resolutions/9` })],
    [menaHub, offer(menaHub, { context: `${mena.origin}/agreements/7` })],
    [menaHub, offer(menaHub, { "ayni:release": "121" })],
    [menaHub, offer(menaHub, { "ayni:release": "-1" })],
    [menaHub, offer(menaHub, { "ayni:release": 12 })],
    [menaHub, accept("61")],
    [menaHub, accept("60", `${lac.origin}/resolutions/7`)],
    // A signature of no party, of the hub, of another amount, under what nobody proposed.
    [stranger, signature()],
    [menaHub, signature()],
    [party, signature({ "ayni:release": "61" })],
    [party, signature({ "ayni:resolution": { id: `${lac.origin}/resolutions/7` } })],
    [party, signature({ context: `${mena.origin}/agreements/7` })],
  ];
  for (const [speaker, activity] of forged) await say(speaker, activity);
  await settle(lac, mena, other);
  expect(await traces()).toEqual(before);

  // Not for want of having been heard: said by whom it is to say, each of these is taken.
  await say(menaHub, offer(menaHub));
  await say(menaHub, accept());
  await say(party, signature());
  await quiet();
  expect(
    await lac.database.sql`
    select payer::int, theirs, agreed is not null as agreed, provider_signed is not null as signed
    from resolutions order by payer`,
  ).toEqual([
    { payer: 60, theirs: false, agreed: true, signed: true },
    { payer: 120, theirs: true, agreed: false, signed: false },
  ]);
  // Said twice, they are said once.
  const after = await count(lac, "agreement_steps");
  await say(menaHub, accept());
  await say(party, signature());
  await quiet();
  expect(await count(lac, "agreement_steps")).toBe(after);
  expect(theirs).not.toBe(mine);
  await Promise.all([scene.stop(), other.stop()]);
});
