import { beforeAll, describe, expect, test } from "vitest";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import {
  acceptAgreement,
  confirmAgreement,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
} from "../../src/domain/agreements/commands.ts";
import { localHub } from "../../src/domain/hubs/queries.ts";
import { createKeyring } from "../../src/federation/keyring.ts";
import { proveObject } from "../../src/federation/proofs.ts";
import { AGREEMENT_CONTEXT } from "../../src/federation/vocab/context.ts";
import { type Across, across } from "../support/across.ts";
import { until } from "../support/clearing-hubs.ts";
import { type Organization, settle, startHub, type TestHub } from "../support/hub.ts";

/**
 * Organizations of another hub that say what they may not: everything is signed over HTTP by who sends it, and proven as each case says.
 * Nothing of it becomes an agreement, a step, a hold or a posting on either hub.
 */

// biome-ignore lint/suspicious/noExplicitAny: what is forged has no shape
type Json = Record<string, any>;
type Change = (activity: Json) => unknown;

let scene: Across;
let third: TestHub;
let eve: Organization;
/** Another organization of nour's hub, and of raices's. */
let zaid: Organization;
let paz: Organization;
let seen: Awaited<ReturnType<Across["publish"]>>;

beforeAll(async () => {
  scene = await across();
  const { lac, mena } = scene;
  third = await startHub({ allow: [lac.host, mena.host] });
  [eve, zaid, paz] = await Promise.all([
    third.organization("eve"),
    mena.organization("zaid"),
    lac.organization("paz"),
  ]);
  seen = await scene.publish();
}, 120_000);

const quiet = () => settle(scene.lac, scene.mena, third);

/** Who sends, over its own hub, to which hub; and who proves it (null: nobody). */
interface From {
  hub: TestHub;
  sender: { actorId: bigint };
  prover?: { actorId: bigint } | null;
  to: { hub: TestHub; organization: Organization };
}

/** Sends what `make` makes of a new id, proven; many are on their way at once. @returns its bytes */
async function forge(
  { hub, sender, prover = sender, to }: From,
  make: (id: string) => Json,
): Promise<string> {
  const { ctx } = hub;
  const id = await ctx.ids.next(ctx.clock.now());
  const { proof: _, ...activity } = make(`${hub.origin}/activities/${id}`);
  const proven =
    prover === null
      ? activity
      : proveObject(activity, await createKeyring(ctx).ed25519(prover.actorId), ctx.clock.now());
  const body = JSON.stringify(proven);
  await send({ hub, sender, to }, body);
  return body;
}

async function send({ hub, sender, to }: Omit<From, "prover">, body: string): Promise<void> {
  const { ctx } = hub;
  const { type } = JSON.parse(body) as { type: string };
  const receiver = await ctx.remote.resolveActor(to.organization.iri);
  await storeActivity(ctx, {
    id: await ctx.ids.next(ctx.clock.now()),
    ...{ actorId: sender.actorId, type, object: "forged", audience: "direct", body, retracts: false },
    recipients: { actors: [receiver] },
  });
}

/** All that a forged word could change, on both hubs. */
async function standing(): Promise<unknown> {
  await quiet();
  return Promise.all(
    [scene.lac, scene.mena].map(async ({ database: { sql } }) => ({
      agreements:
        await sql`select id, iri, state, quantity, amount, quote, transfer_id, settled_amount, settled_quantity,
        disputed_by, offered_by from agreements order by id`,
      steps: await sql`select agreement_id, message, activity, digest from agreement_steps order by id`,
      transfers: await sql`select * from transfers order by id`,
      entries: await sql`select * from entries order by id`,
      accounts:
        await sql`select id, posted, held from ledger_accounts where posted <> 0 or held <> 0 order by id`,
      clearing: await sql`select iri, state, "order" from clearing_transfers order by iri`,
      logs: await sql`select count(*) from clearing_entries`,
      proposals: await sql`select id, committed from proposals order by id`,
    })),
  );
}

/** Nothing changed, nothing waits to be tried again, and the throttle is not what kept it out. */
async function expectUnharmed(before: unknown): Promise<void> {
  expect(await standing()).toEqual(before);
  for (const { database } of [scene.lac, scene.mena]) {
    expect(await database.sql`select payload from dead_jobs`).toEqual([]);
    expect(await database.sql`select payload, error from jobs where error is not null`).toEqual([]);
    await database.sql`delete from throttles`;
  }
  await scene.check();
}

/** Sends them all, some at a time: fewer than an actor may offer in an hour. */
async function forgeAll(cases: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (let n = 0; n < cases.length; n += 20) {
    for (const one of cases.slice(n, n + 20)) await one();
    await quiet();
    for (const { database } of [scene.lac, scene.mena]) await database.sql`delete from throttles`;
  }
}

/** raices offers for 2 hours of nour's: 20.00 points for 120 minutes. */
async function offered() {
  const { lac, mena, raices } = scene;
  const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 2, due: null });
  await quiet();
  const [, { id: theirs }] = await scene.newest();
  const steps = await lac.database.sql<{ body: string; activity: string; digest: string }[]>`
    select body, activity, digest from agreement_steps where agreement_id = ${String(mine)} and message = 'offer'`;
  await mena.database.sql`delete from throttles`;
  return { mine, theirs, offer: steps[0]! };
}

async function funded() {
  const { mena, nour } = scene;
  const made = await offered();
  await acceptAgreement(mena.ctx, nour, made.theirs);
  await until(async () => {
    await quiet();
    return (await scene.newest()).every(({ state }) => state === "funded");
  });
  const [accept] = await mena.database.sql<{ body: string }[]>`
    select body from agreement_steps where agreement_id = ${String(made.theirs)} and message = 'accept'`;
  return { ...made, accept: accept!, iri: `${mena.origin}/agreements/${made.theirs}` };
}

async function hubActor({ ctx }: TestHub): Promise<{ actorId: bigint }> {
  return { actorId: (await localHub(ctx)).actorId };
}

const set = (name: string, value: unknown): Change => {
  const path = name.split("/");
  return (activity) => {
    const last = path.pop()!;
    const holder = path.reduce((part, key) => part[key] as Json, activity);
    if (value === undefined) delete holder[last];
    else holder[last] = value;
    path.push(last);
  };
};
const all =
  (...changes: Change[]): Change =>
  (activity) => {
    for (const change of changes) change(activity);
  };

/** No amounts, whoever writes them. */
const NO_AMOUNTS = [
  "0",
  "-120",
  "1e3",
  "120.0",
  "0120",
  "１２０",
  "١٢٠",
  " 120",
  "",
  "9".repeat(19),
  120,
  null,
  ["120"],
  {},
];
const soon = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

describe("an Offer for credits", () => {
  test("with any other amount, rate, time, unit, transfer, role or proof than is right makes no agreement", async () => {
    const { lac, mena, raices, nour } = scene;
    const { offer } = await offered();
    const to = { hub: mena, organization: nour };
    const fresh = (id: string): Json => ({
      ...(structuredClone(JSON.parse(offer.body)) as Json),
      ...{ id, "ayni:transfer": `${lac.origin}/transfers/${id.slice(id.lastIndexOf("/") + 1)}` },
    });
    const changed = (change: Change) => (id: string) => {
      const activity = fresh(id);
      change(activity);
      return activity;
    };
    const quote = (name: string, value: unknown) => set(`ayni:quote/${name}`, value);
    const back = (name: string, value: unknown) =>
      set(`object/stipulatesReciprocal/resourceQuantity/${name}`, value);
    const done = (name: string, value: unknown) => set(`object/stipulates/resourceQuantity/${name}`, value);
    const changes: Change[] = [
      ...[...NO_AMOUNTS, "1", "121", "999999999999999999", undefined].map((value) =>
        quote("ayni:payerAmount", value),
      ),
      ...["ayni:payeeAmount", "ayni:clearingAmount"].flatMap((name) =>
        ["0", "-2000", "2e3", "２０００", "1", "2001", "7201", 2_000].map((value) => quote(name, value)),
      ),
      ...["ayni:payerRate", "ayni:payeeRate"].flatMap((name) =>
        [
          { n: "0", d: "1" },
          { n: "-60", d: "1" },
          { n: "60", d: "0" },
          { n: "61", d: "1" },
          { n: 60, d: 1 },
          "60",
          null,
        ].map((rate) => quote(name, rate)),
      ),
      // All of it is in itself right, and by a rate that nour's hub does not have: half as dear, or twice.
      all(
        quote("ayni:payeeRate", { n: "2000", d: "1" }),
        quote("ayni:payerAmount", "60"),
        quote("ayni:clearingAmount", "3600"),
      ),
      all(
        quote("ayni:payeeRate", { n: "500", d: "1" }),
        quote("ayni:payerAmount", "240"),
        quote("ayni:clearingAmount", "14400"),
      ),
      // The sums of one hour for two.
      all(
        quote("ayni:payerAmount", "60"),
        quote("ayni:payeeAmount", "1000"),
        quote("ayni:clearingAmount", "3600"),
      ),
      all(
        ...[
          quote("ayni:payerAmount", "60"),
          quote("ayni:payeeAmount", "1000"),
          quote("ayni:clearingAmount", "3600"),
        ],
        back("hasNumericalValue", "10"),
      ),
      ...[soon(-1), soon(30), soon(36_500), "tomorrow", undefined].map((time) => quote("endTime", time)),
      ...[soon(-1), "now"].map((time) => set("endTime", time)),
      ...[undefined, null, "120", [], {}].map((value) => set("ayni:quote", value)),
      ...[
        undefined,
        null,
        5,
        "",
        `${mena.origin}/transfers/5`,
        `${third.origin}/transfers/5`,
        `${lac.origin}/transfer`,
      ].map((value) => set("ayni:transfer", value)),
      ...["19.99", "20.01", "2e1", "２０", "-20", "0", 1e21, null].map((value) =>
        back("hasNumericalValue", value),
      ),
      ...["hour", `${mena.origin}/currency`, null].map((unit) => back("hasUnit", unit)),
      set("object/stipulatesReciprocal", undefined),
      ...["1", "3", "0", "-2", "2e0", "２", "2.5", "51", "99999999"].map((value) =>
        done("hasNumericalValue", value),
      ),
      done("hasUnit", "one"),
      set("object/stipulates/vf:provider", raices.iri),
      set("object/stipulates/vf:receiver", paz.iri),
      ...[0, 99, 1.5, "1"].map((revision) => set("ayni:proposalRevision", revision)),
    ];
    const hub = lac;
    const before = await standing();
    await forgeAll([
      ...changes.map((change) => () => forge({ hub, sender: raices, to }, changed(change))),
      // Right in every word, and nobody's consent: unproven, proven by a neighbour, by the hub; another's, and of a hub that is no peer.
      () => forge({ hub, sender: raices, prover: null, to }, fresh),
      () => forge({ hub, sender: raices, prover: paz, to }, fresh),
      async () => forge({ hub, sender: raices, prover: await hubActor(lac), to }, fresh),
      () => forge({ hub, sender: paz, prover: null, to }, fresh),
      () => forge({ hub: third, sender: eve, to }, (id) => ({ ...fresh(id), actor: eve.iri })),
      () =>
        forge(
          { hub: third, sender: eve, to },
          changed(all(set("actor", eve.iri), set("object/stipulates/vf:receiver", eve.iri))),
        ),
    ]);
    await expectUnharmed(before);
    // The very same with nothing wrong in it is an Offer; under its id nothing else is one, and said again it is said once.
    const body = await forge({ hub, sender: raices, to }, fresh);
    await quiet();
    expect((await scene.newest())[1].amount).toBe(2_000n);
    const made = (await standing()) as { agreements: unknown[] }[];
    expect(made[1]?.agreements).toHaveLength((before as typeof made)[1]!.agreements.length + 1);
    const { id } = JSON.parse(body) as { id: string };
    const cheaper = all(quote("ayni:payerAmount", "60"), quote("ayni:clearingAmount", "3600"));
    await forgeAll([
      ...Array.from({ length: 5 }, () => () => send({ hub, sender: raices, to }, body)),
      ...Array.from({ length: 5 }, () => () => send({ hub, sender: raices, to }, offer.body)),
      () => forge({ hub, sender: raices, to }, () => changed(cheaper)(id)),
      () => forge({ hub, sender: raices, to }, () => changed(done("hasNumericalValue", "3"))(id)),
    ]);
    await expectUnharmed(made);
  }, 240_000);
});

describe("an answer to an Offer for credits", () => {
  test("agrees to its very amounts and transfer, proven by whom it was made to, or to nothing", async () => {
    const { lac, mena, raices, nour } = scene;
    const first = await funded();
    const second = await offered();
    const to = { hub: lac, organization: raices };
    const transfer = (JSON.parse(second.offer.body) as Json)["ayni:transfer"] as string;
    const earlier = (JSON.parse(first.offer.body) as Json)["ayni:transfer"] as string;
    const quote = (JSON.parse(second.offer.body) as Json)["ayni:quote"] as Json;
    const iri = `${mena.origin}/agreements/${second.theirs}`;
    const fresh = (id: string): Json => {
      const text = first.accept.body.replaceAll(first.iri, iri);
      return {
        ...(JSON.parse(text) as Json),
        ...{ id, object: second.offer.activity, "ayni:offerDigest": second.offer.digest },
        ...{ "ayni:transfer": transfer, "ayni:quote": structuredClone(quote) },
      };
    };
    const changed = (change: Change) => (id: string) => {
      const activity = fresh(id);
      change(activity);
      return activity;
    };
    const changes: Change[] = [
      ...["121", "119", "1.2e2", "-120", "１２０", 120].map((value) =>
        set("ayni:quote/ayni:payerAmount", value),
      ),
      ...["2001", "1999", "１"].map((value) => set("ayni:quote/ayni:payeeAmount", value)),
      set("ayni:quote/ayni:clearingAmount", "7199"),
      set("ayni:quote/ayni:payerRate", { n: "61", d: "1" }),
      set("ayni:quote/endTime", soon(6)),
      ...[undefined, null, {}, "120"].map((value) => set("ayni:quote", value)),
      ...[undefined, earlier, `${transfer}0`, `${mena.origin}/transfers/5`, 5].map((value) =>
        set("ayni:transfer", value),
      ),
      set("ayni:offerDigest", first.offer.digest),
      set("object", first.offer.activity),
      ...[first.iri, `${lac.origin}/agreements/${second.mine}`, `${third.origin}/agreements/1`, null].map(
        (value) => set("result/id", value),
      ),
      set("result/attributedTo", zaid.iri),
      set("result/stipulates/resourceQuantity/hasNumericalValue", "3"),
      set("result/stipulatesReciprocal/resourceQuantity/hasNumericalValue", "30"),
      set("result/stipulatesReciprocal", undefined),
      set("result/stipulates/vf:provider", zaid.iri),
    ];
    const hub = mena;
    const before = await standing();
    await forgeAll([
      ...changes.map((change) => () => forge({ hub, sender: nour, to }, changed(change))),
      () => forge({ hub, sender: nour, prover: null, to }, fresh),
      () => forge({ hub, sender: nour, prover: zaid, to }, fresh),
      async () => forge({ hub, sender: nour, prover: await hubActor(mena), to }, fresh),
      () => forge({ hub, sender: zaid, to }, changed(set("actor", zaid.iri))),
      () => forge({ hub: third, sender: eve, to }, changed(set("actor", eve.iri))),
      ...["Reject", "Undo"].map(
        (type) => () =>
          forge({ hub: third, sender: eve, to }, changed(all(set("actor", eve.iri), set("type", type)))),
      ),
      ...["Reject", "Undo"].map(
        (type) => () =>
          forge({ hub, sender: zaid, to }, changed(all(set("actor", zaid.iri), set("type", type)))),
      ),
      // Said again, what was agreed once is not agreed twice.
      ...Array.from({ length: 5 }, () => () => send({ hub, sender: nour, to }, first.accept.body)),
    ]);
    await expectUnharmed(before);
    await forge({ hub, sender: nour, to }, fresh);
    await quiet();
    expect((await scene.newest())[0]).toMatchObject({ state: "accepted", iri });
  }, 240_000);
});

describe("what follows an agreement for credits", () => {
  test("is said by those whose it is to say, within what was agreed, and once", async () => {
    const { lac, mena, raices, nour } = scene;
    const { mine, theirs, iri } = await funded();
    const toRaices = { hub: lac, organization: raices };
    const toNour = { hub: mena, organization: nour };
    const event =
      (by: Organization, other: Organization, rest: Json, action = "transfer") =>
      (id: string): Json => ({
        ...{ "@context": AGREEMENT_CONTEXT, id, type: "Create", actor: by.iri, to: [other.iri], cc: [] },
        object: {
          ...{ id: `${id}#object`, type: ["Document", "EconomicEvent"], attributedTo: by.iri, context: iri },
          ...{ action, realizationOf: iri, ...rest },
        },
      });
    const amount = (payer: unknown, quantity: unknown = "2", hasUnit = "hour") => ({
      resourceQuantity: { hasUnit: "one", hasNumericalValue: "20" },
      "vf:effortQuantity": { hasUnit, hasNumericalValue: quantity },
      "ayni:payerAmount": payer,
    });
    const receipt = (by: Organization, other: Organization) => (id: string) => {
      const { object, ...rest } = event(by, other, {})(id) as Json;
      return {
        ...rest,
        object: { id: object.id, type: "Document", name: "Receipt", attributedTo: by.iri, context: iri },
      };
    };
    /** Who would be paid says that it is to be paid; strangers say anything. */
    const notTheirs = () => [
      ...[amount("120"), amount("1"), {}].map(
        (rest) => () => forge({ hub: mena, sender: nour, to: toRaices }, event(nour, raices, rest)),
      ),
      () => forge({ hub: mena, sender: nour, to: toRaices }, receipt(nour, raices)),
      () => forge({ hub: lac, sender: raices, to: toNour }, event(raices, nour, {}, "deliverService")),
      ...[paz, zaid, eve].flatMap((by) =>
        ["transfer", "deliverService"].flatMap((action) =>
          [toRaices, toNour].map((to) => async () => {
            const hub = by === eve ? third : by === zaid ? mena : lac;
            if (hub !== to.hub)
              await forge({ hub, sender: by, to }, event(by, to.organization, amount("120"), action));
          }),
        ),
      ),
      async () => {
        const actor = await hubActor(mena);
        const body = (id: string) => ({
          ...event(nour, raices, amount("120"))(id),
          actor: `${mena.origin}/actor`,
        });
        await forge({ hub: mena, sender: actor, to: toRaices }, body);
      },
    ];
    let before = await standing();
    await forgeAll(notTheirs());
    await expectUnharmed(before);

    await deliverAgreement(mena.ctx, nour, theirs, {});
    before = await standing();
    await forgeAll([
      ...notTheirs(),
      ...[...NO_AMOUNTS, "121", "999999999999999999"].map(
        (value) => () => forge({ hub: lac, sender: raices, to: toNour }, event(raices, nour, amount(value))),
      ),
      ...["3", "0", "1000000", "２", "-1"].map(
        (value) => () =>
          forge({ hub: lac, sender: raices, to: toNour }, event(raices, nour, amount("120", value))),
      ),
      () => forge({ hub: lac, sender: raices, to: toNour }, event(raices, nour, amount("120", "2", "one"))),
      () => forge({ hub: lac, sender: raices, prover: paz, to: toNour }, event(raices, nour, amount("120"))),
    ]);
    await expectUnharmed(before);

    // In a dispute the words of both hubs may have crossed: still nobody pays itself.
    await disputeAgreement(mena.ctx, nour, theirs, { note: "No llega la confirmación." });
    before = await standing();
    await forgeAll(notTheirs());
    await expectUnharmed(before);
    expect((await scene.newest()).map(({ state }) => state)).toEqual(["disputed", "disputed"]);

    await confirmAgreement(lac.ctx, raices, mine);
    await until(async () => {
      await quiet();
      return (await scene.newest()).every(({ state }) => state === "settled");
    });
    before = await standing();
    const steps = (hub: TestHub, id: bigint) => hub.database.sql<{ body: string }[]>`
      select body from agreement_steps where agreement_id = ${String(id)} and proof = 'ours' order by id`;
    const [ours, others] = [await steps(lac, mine), await steps(mena, theirs)];
    expect([ours.length, others.length]).toEqual([2, 3]);
    // Also when the ids of what came are forgotten.
    for (const round of [1, 2])
      await forgeAll([
        async () => {
          if (round === 2)
            for (const hub of [lac, mena]) await hub.database.sql`delete from received_activities`;
        },
        ...ours.flatMap(({ body }) =>
          Array(5).fill(() => send({ hub: lac, sender: raices, to: toNour }, body)),
        ),
        ...others.flatMap(({ body }) =>
          Array(5).fill(() => send({ hub: mena, sender: nour, to: toRaices }, body)),
        ),
        ...notTheirs(),
      ]);
    await expectUnharmed(before);
  }, 240_000);
});
