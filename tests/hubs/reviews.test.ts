import { expect, test } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { htmlToPlain } from "../../src/domain/html.ts";
import { actorPosts } from "../../src/domain/posts/queries.ts";
import { deleteReview, reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { reviewsOf } from "../../src/domain/reviews/queries.ts";
import { settledAgreement } from "../support/agreements.ts";
import { golden } from "../support/golden.ts";
import { settle, startHubs } from "../support/hub.ts";
import { visitor } from "../support/visitor.ts";

const SCORES = { keptWord: 4, quality: 4, communication: 5, language: "es" };
const ACTIVITY = { accept: "application/activity+json" };

test("a review reaches followers on another hub when it is opened, not before, and leaves with its author's wish", async () => {
  const [here, there] = await startHubs(2);
  const [rio, semilla] = [await here!.organization("rio"), await here!.organization("semilla")];
  await requestFollow(there!.ctx, {
    followerId: there!.admin.actorId,
    followedId: await there!.ctx.remote.resolveActor(semilla.iri),
  });
  await settle(here!, there!);
  const settledAt = here!.ctx.clock.now();
  const agreement = await settledAgreement(here!.ctx, {
    ...{ provider: rio.actorId, receiver: semilla.actorId, settledAt },
  });
  const read = async () => {
    await settle(here!, there!);
    const author = await there!.ctx.remote.resolveActor(semilla.iri);
    return (await actorPosts(there!.ctx, author, null, null)).items.map(({ content }) =>
      htmlToPlain(content),
    );
  };

  const id = await reviewAgreement(here!.ctx, semilla, agreement, { ...SCORES, content: "Cumplieron." });
  expect(await read()).toEqual([]);
  const outbox = async () =>
    (await visitor(here!).get(`${new URL(semilla.iri).pathname}/outbox?page=1`, ACTIVITY)).body;
  expect(await outbox()).not.toContain("Cumplieron");
  expect((await visitor(here!).get(`/reviews/${id}`, ACTIVITY)).status).toBe(404);

  await reviewAgreement(here!.ctx, rio, agreement, SCORES);
  const [text] = await read();
  expect(text).toMatch(
    /^★★★★☆ 4\/5 — Cumplieron\.\n\nReseña sobre Organization rio tras un intercambio en Hub /,
  );

  const [review] = (await reviewsOf(here!.ctx, rio.actorId, null)).items;
  const note = (await visitor(here!).get(`/posts/${review?.postId}`, ACTIVITY)).body;
  await expect(
    golden(JSON.stringify(JSON.parse(note), null, 2), { [here!.host]: "here.example" }),
  ).toMatchFileSnapshot("../fixtures/golden/post-review.json");

  await deleteReview(here!.ctx, semilla, id);
  expect(await read()).toEqual([]);
  expect((await visitor(here!).get(`/posts/${review?.postId}`, ACTIVITY)).status).toBe(410);
});
