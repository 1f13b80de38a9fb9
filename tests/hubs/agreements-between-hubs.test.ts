import { expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { consentBundle } from "../../src/domain/agreements/bundle.ts";
import {
  acceptAgreement,
  advanceAgreements,
  cancelAgreement,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  offerAgreement,
  rejectAgreement,
  withdrawAgreement,
} from "../../src/domain/agreements/commands.ts";
import { agreementList } from "../../src/domain/agreements/queries.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { checkBundle } from "../../src/federation/consent-bundle.ts";
import { crossing } from "../support/crossing.ts";
import { type Organization, settle, startHubs, type TestHub } from "../support/hub.ts";

/** Two hubs of ours, an organization on each: the same commands as within one hub, and both say the same in the end. */

const DAY = 86_400_000;
const MINUTE = 60_000;

interface Pair {
  lac: TestHub;
  mena: TestHub;
  /** Of `lac`; follows the other. */
  raices: Organization;
  /** Of `mena`. */
  nour: Organization;
  /** Both hubs, until neither has anything to do. */
  quiet(): Promise<void>;
  /** nour publishes; what raices sees of it. */
  publish(change?: Partial<ProposalInput>): Promise<{ proposalId: Id; revision: number }>;
  states(): Promise<{ state: string; iri: string; quantity: number; committed: number }[]>;
}

async function pair(): Promise<Pair> {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const [raices, nour] = await Promise.all([lac.organization("raices"), mena.organization("nour")]);
  const followedId = await lac.ctx.remote.resolveActor(`@nour@${mena.host}`);
  await requestFollow(lac.ctx, { followerId: raices.actorId, followedId });
  const quiet = () => settle(lac, mena);
  await quiet();
  return {
    ...{ lac, mena, raices, nour, quiet },
    async publish(change = {}) {
      const id = await publishProposal(mena.ctx, nour, {
        ...{ purpose: "offer", name: "Taller", content: "Dos horas.", category: "training", unit: "hour" },
        ...{ settlement: "none", online: true, language: "es", available: "10" },
        ...change,
      });
      await quiet();
      const [row] = await lac.database.sql<{ id: string; revision: number }[]>`
        select id, revision from proposals where iri = ${`${mena.origin}/proposals/${id}`}`;
      return { proposalId: BigInt(row!.id), revision: row!.revision };
    },
    states: () =>
      Promise.all(
        [lac, mena].map(async (hub) => {
          const [row] = await hub.database.sql<
            { state: string; iri: string; quantity: number; committed: number }[]
          >`select a.state, a.iri, a.quantity, p.committed from agreements a join proposals p on p.id = a.proposal_id
            order by a.id desc limit 1`;
          return row!;
        }),
      ),
  };
}

async function here(hub: TestHub, organization: Organization): Promise<Id> {
  const { items } = await agreementList(hub.ctx, organization.actorId, "open", null);
  return items[0]!.id;
}

test("a gift goes from hub to hub: offered, accepted, delivered, confirmed, settled on both, with two signed consents", async () => {
  const { lac, mena, raices, nour, quiet, publish, states } = await pair();
  const seen = await publish();
  const due = new Date(lac.clock.now().getTime() + 20 * DAY);
  const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 3, due, note: "¿Se puede?" });
  await quiet();
  const theirs = await here(mena, nour);
  await acceptAgreement(mena.ctx, nour, theirs);
  await quiet();
  expect(await states()).toEqual(
    Array(2).fill({
      state: "accepted",
      iri: `${mena.origin}/agreements/${theirs}`,
      quantity: 3,
      committed: 3,
    }),
  );
  await deliverAgreement(mena.ctx, nour, theirs, {});
  await quiet();
  expect((await states()).map(({ state }) => state)).toEqual(["delivered", "delivered"]);
  await confirmAgreement(lac.ctx, raices, mine, { quantity: 2, note: "Faltó una hora" });
  await quiet();
  expect((await states()).map(({ state }) => state)).toEqual(["settled", "settled"]);
  for (const hub of [lac, mena])
    expect(await hub.database.sql`select settled_quantity, automatic from agreements`).toEqual([
      { settled_quantity: 2, automatic: false },
    ]);

  // What each may download is the same, and proves itself.
  const bundles = await Promise.all([
    consentBundle(lac.ctx, mine, raices),
    consentBundle(mena.ctx, theirs, nour),
  ]);
  for (const bundle of bundles) {
    const { problems, agreed, consents } = checkBundle(JSON.stringify(bundle));
    expect(problems).toEqual([]);
    expect(agreed).toBe(true);
    expect(consents.map(({ message, actor }) => [message, actor])).toEqual([
      ["offer", raices.iri],
      ["accept", nour.iri],
      ["deliver", nour.iri],
      ["confirm", raices.iri],
    ]);
  }
  const words = bundles.map(({ consents }) => consents.map(({ body, digest }) => [body, digest]));
  expect(words[0]).toEqual(words[1]);
  await expect(
    consentBundle(lac.ctx, mine, { ...lac.admin, actorId: lac.admin.actorId }),
  ).rejects.toMatchObject({
    code: "not_found",
  });
  await Promise.all([lac, mena].map((hub) => hub.stop()));
});

test("other terms, a need, a refusal, and calling it off: both hubs say the same", async () => {
  const { lac, mena, raices, nour, quiet, publish, states } = await pair();
  const seen = await publish({ purpose: "request" });
  const terms = { amount: null, due: null };
  const mine = await offerAgreement(lac.ctx, raices, { ...seen, ...terms, quantity: 5 });
  await quiet();
  const theirs = await here(mena, nour);
  await counterOffer(mena.ctx, nour, theirs, { ...terms, quantity: 2 });
  await quiet();
  await counterOffer(lac.ctx, raices, mine, { ...terms, quantity: 4 });
  await quiet();
  expect((await states()).map(({ quantity }) => quantity)).toEqual([4, 4]);
  await counterOffer(mena.ctx, nour, theirs, { ...terms, quantity: 3 });
  await quiet();
  // The one who answered the proposal has the last word this time, and so gives the agreement its id.
  await acceptAgreement(lac.ctx, raices, mine);
  await quiet();
  expect(await states()).toEqual(
    Array(2).fill({ state: "accepted", iri: `${lac.origin}/agreements/${mine}`, quantity: 3, committed: 3 }),
  );
  expect(checkBundle(JSON.stringify(await consentBundle(mena.ctx, theirs, nour))).problems).toEqual([]);
  await cancelAgreement(mena.ctx, nour, theirs, { note: "Sin fondos" });
  await quiet();
  expect((await states()).map(({ state, committed }) => [state, committed])).toEqual(
    Array(2).fill(["cancelled", 0]),
  );
  expect(checkBundle(JSON.stringify(await consentBundle(lac.ctx, mine, raices))).problems).toEqual([]);

  await offerAgreement(lac.ctx, raices, { ...seen, ...terms, quantity: 1 });
  await quiet();
  await rejectAgreement(mena.ctx, nour, await here(mena, nour), { note: "No" });
  await quiet();
  expect((await states()).map(({ state }) => state)).toEqual(["rejected", "rejected"]);
  await Promise.all([lac, mena].map((hub) => hub.stop()));
});

test("an Undo and an Accept that cross leave nothing agreed on either hub, and nothing taken", async () => {
  const { lac, mena, raices, nour, quiet, publish, states } = await pair();
  const seen = await publish();
  const mine = await offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
  await quiet();
  const theirs = await here(mena, nour);
  await crossing(lac, mena, () =>
    Promise.all([withdrawAgreement(lac.ctx, raices, mine), acceptAgreement(mena.ctx, nour, theirs)]),
  );
  await quiet();
  const ended = await states();
  expect(ended.map(({ committed }) => committed)).toEqual([0, 0]);
  expect(ended[0]?.state).toBe("withdrawn");
  expect(["cancelled", "withdrawn"]).toContain(ended[1]?.state);
  await Promise.all([lac, mena].map((hub) => hub.stop()));
});

test("silence settles on both hubs, and what is accepted after it lapsed is agreed on neither", async () => {
  const { lac, mena, raices, nour, quiet, publish, states } = await pair();
  const seen = await publish();
  const later = async (days: number, ...hubs: TestHub[]) => {
    for (const hub of [lac, mena]) hub.clock.advance(days * DAY);
    for (const hub of hubs) expect(await advanceAgreements(hub.ctx)).toEqual([]);
    await quiet();
  };
  await offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
  await quiet();
  const theirs = await here(mena, nour);
  await acceptAgreement(mena.ctx, nour, theirs);
  await deliverAgreement(mena.ctx, nour, theirs, {});
  await quiet();
  await later(15, mena, lac);
  expect((await states()).map(({ state }) => state)).toEqual(["settled", "settled"]);

  for (const expired of [true, false]) {
    await offerAgreement(lac.ctx, raices, { ...seen, quantity: 1, due: null });
    await quiet();
    const late = await here(mena, nour);
    // Accepted in time by a clock that is some minutes behind, and too late by the other one, whether or not that one has said so.
    lac.clock.advance(14 * DAY);
    mena.clock.advance(14 * DAY - 5 * MINUTE);
    if (expired) expect(await advanceAgreements(lac.ctx)).toEqual([]);
    await acceptAgreement(mena.ctx, nour, late);
    await quiet();
    if (!expired) expect(await advanceAgreements(lac.ctx)).toEqual([]);
    expect((await states()).map(({ state, committed }) => [state, committed])).toEqual([
      ["expired", 1],
      ["cancelled", 1],
    ]);
  }
  await Promise.all([lac, mena].map((hub) => hub.stop()));
});
