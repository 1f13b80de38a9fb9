import { expect, test } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { editProposal, pauseProposal, publishProposal } from "../../src/domain/proposals/commands.ts";
import { proposalById } from "../../src/domain/proposals/queries.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { settle, startHubs, type TestHub } from "../support/hub.ts";

const OFFER: ProposalInput = {
  purpose: "offer",
  name: "تدريب على الأمن الرقمي",
  content: "ست جلسات.",
  category: "training.digital",
  tags: "seguridad, economía solidaria, أمن رقمي",
  unit: "hour",
  available: "20",
  minimum: "2",
  settlement: "count",
  location: "صفاقس",
  country: "TN",
  online: true,
  language: "ar",
  languages: ["ar", "es"],
  leadDays: "7",
  ends: "2999-12-31",
};

test("every term of an offer is the same on the other hub, and follows when it is revised or paused", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const author = await mena.organization("nour");
  const reader = await lac.organization("raices");
  const followedId = await lac.ctx.remote.resolveActor(`@nour@${mena.host}`);
  await requestFollow(lac.ctx, { followerId: reader.actorId, followedId });
  await settle(lac, mena);
  const id = await publishProposal(mena.ctx, author, OFFER);

  /** What differs by hub is left out: ids, whose it is, and since when it is known. */
  const seen = async ({ ctx, database }: TestHub) => {
    const [row] = await database.sql<{ id: string }[]>`
      select id from proposals where iri = ${`${mena.origin}/proposals/${id}`}`;
    if (row === undefined) throw new Error("The proposal is not known there.");
    const {
      id: _id,
      actor,
      local: _local,
      own: _own,
      ...terms
    } = await proposalById(ctx, BigInt(row.id), null);
    return { ...terms, actor: actor.iri, tags: terms.tags.toSorted() };
  };
  const both = async () => {
    await settle(lac, mena);
    const [there, here] = [await seen(mena), await seen(lac)];
    expect(here).toEqual(there);
    return here;
  };

  expect(await both()).toMatchObject({
    ...{ category: "training", subcategory: "training.digital", settlement: "count", price: null },
    ...{ country: "TN", location: "صفاقس", online: true, languages: ["ar", "es"], leadDays: 7 },
    ...{ available: 20, minimum: 2, unit: "hour", revision: 1, state: "open" },
    tags: ["economía_solidaria", "seguridad", "أمن_رقمي"],
    ends: new Date("2999-12-31T23:59:59.999Z"),
  });

  const { location: _location, tags: _tags, ...rest } = OFFER;
  const priced = { category: "training", settlement: "credit", price: "7,5", unitBased: false } as const;
  const other = { country: "", languages: [], leadDays: "", ends: "2998-12-31" };
  await editProposal(mena.ctx, author, id, { ...rest, ...priced, ...other });
  expect(await both()).toMatchObject({
    ...{ subcategory: null, settlement: "credit", price: 750n, unitBased: false, tags: [], country: null },
    ...{ location: null, languages: [], leadDays: null, revision: 2, minimum: 20 },
  });

  await pauseProposal(mena.ctx, author, id, true);
  expect((await both()).state).toBe("paused");
  await pauseProposal(mena.ctx, author, id, false);
  expect((await both()).state).toBe("open");
});
