import { expect, test } from "vitest";
import { updateProfile } from "../../src/domain/actors/commands.ts";
import { actorById } from "../../src/domain/actors/queries.ts";
import { requestFollow, undoFollow } from "../../src/domain/follows/commands.ts";
import { deletePost, publishPost } from "../../src/domain/posts/commands.ts";
import { homeTimeline } from "../../src/domain/posts/queries.ts";
import { publishProposal, withdrawProposal } from "../../src/domain/proposals/commands.ts";
import { proposalList } from "../../src/domain/proposals/queries.ts";
import { type Organization, settle, startHubs, type TestHub } from "../support/hub.ts";

const POST = {
  content: "Talleres en marzo: https://example.org",
  visibility: "public",
  language: "es",
} as const;
const OFFER = {
  purpose: "offer",
  name: "Taller de seguridad digital",
  content: "Dos horas, en línea.",
  category: "training",
  unit: "hour",
  available: "20",
  minimum: "2",
  settlement: "credit",
  price: "7,50",
  online: true,
  language: "es",
} as const;

async function followed(
  lac: TestHub,
  mena: TestHub,
): Promise<{ author: Organization; reader: Organization }> {
  const author = await mena.organization("nour");
  const reader = await lac.organization("raices");
  const followedId = await lac.ctx.remote.resolveActor(`@nour@${mena.host}`);
  await requestFollow(lac.ctx, { followerId: reader.actorId, followedId });
  await settle(lac, mena);
  return { author, reader };
}

test("an organization of another hub is followed, and its post and its offer arrive", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const { author, reader } = await followed(lac, mena);
  const postId = await publishPost(mena.ctx, author, POST);
  const proposalId = await publishProposal(mena.ctx, author, OFFER);
  await settle(lac, mena);

  const timeline = await homeTimeline(lac.ctx, reader.actorId, null);
  expect(
    timeline.items.map(({ iri, author, proposalId }) => ({
      iri,
      acct: author.acct,
      card: proposalId !== null,
    })),
  ).toEqual([
    { iri: expect.stringContaining(`${mena.origin}/posts/`), acct: `nour@${mena.host}`, card: true },
    { iri: `${mena.origin}/posts/${postId}`, acct: `nour@${mena.host}`, card: false },
  ]);
  const { items } = await proposalList(lac.ctx, {}, reader.actorId, null);
  expect(items).toMatchObject([
    {
      iri: `${mena.origin}/proposals/${proposalId}`,
      purpose: "offer",
      name: OFFER.name,
      category: "training",
      unit: "hour",
      available: 20,
      minimum: 2,
      unitBased: true,
      settlement: "credit",
      price: 750n,
      currencySymbol: "₳",
      currencyScale: 2,
      online: true,
      language: "es",
    },
  ]);
});

test("what its author deletes or withdraws disappears elsewhere too", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const { author, reader } = await followed(lac, mena);
  const postId = await publishPost(mena.ctx, author, POST);
  const proposalId = await publishProposal(mena.ctx, author, OFFER);
  await settle(lac, mena);
  expect((await homeTimeline(lac.ctx, reader.actorId, null)).items).toHaveLength(2);

  await deletePost(mena.ctx, author, postId);
  await withdrawProposal(mena.ctx, author, proposalId);
  await settle(lac, mena);
  expect((await homeTimeline(lac.ctx, reader.actorId, null)).items).toEqual([]);
  expect((await proposalList(lac.ctx, {}, null, null)).items).toEqual([]);
  const served = await fetch(`${mena.origin}/posts/${postId}`, {
    headers: { accept: "application/activity+json" },
  });
  expect([served.status, await served.json()]).toMatchObject([410, { type: "Tombstone" }]);
});

test("who stops following gets nothing more", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const { author, reader } = await followed(lac, mena);
  const followedId = await lac.ctx.remote.resolveActor(author.iri);
  await undoFollow(lac.ctx, { followerId: reader.actorId, followedId });
  await settle(lac, mena);
  await publishPost(mena.ctx, author, POST);
  await settle(lac, mena);
  expect(await lac.database.sql`select id from posts`).toEqual([]);
  expect(await mena.database.sql`select id from follows`).toEqual([]);
});

test("a changed profile is read anew where it is followed, and whoever follows as a person is named to nobody", async () => {
  const [lac, mena] = (await startHubs(2)) as [TestHub, TestHub];
  const { author, reader } = await followed(lac, mena);
  const followedId = await lac.ctx.remote.resolveActor(author.iri);
  await requestFollow(lac.ctx, { followerId: lac.admin.actorId, followedId });
  await settle(lac, mena);
  await updateProfile(mena.ctx, author, { name: "Nour", summary: "Formación" });
  await settle(lac, mena);
  expect(await actorById(lac.ctx, followedId)).toMatchObject({ name: "Nour", summary: "<p>Formación</p>" });

  const get = async (path: string) => {
    const response = await fetch(author.iri + path, { headers: { accept: "application/activity+json" } });
    return (await response.json()) as Record<string, unknown>;
  };
  expect(await get("/followers")).toMatchObject({ totalItems: 2 });
  expect(await get("/followers?page=1")).toMatchObject({ orderedItems: [reader.iri] });
});
