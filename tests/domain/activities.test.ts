import { expect, test } from "vitest";
import { activities, deletions, receivedActivities } from "../../src/db/schema/activities.ts";
import {
  receiveOnce,
  rememberDeletion,
  storeActivity,
  sweepActivities,
} from "../../src/domain/activities/commands.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { rollbackDatabase } from "../support/database.ts";
import { domainContext, localActor, remoteActor } from "../support/domain.ts";

const DAY = 86_400_000;
const START = new Date("2026-02-01T10:00:00Z");

test("what is kept for a while only is gone when its time is over, and the outbox stays", async () => {
  let day = 0;
  const ctx = domainContext(await rollbackDatabase(), () => new Date(START.getTime() + day * DAY));
  const [ours, theirs] = [await localActor(ctx, "ours"), await remoteActor(ctx, "theirs")];
  await requestFollow(ctx, { followerId: ours, followedId: theirs });
  await rememberDeletion(ctx, theirs, "https://remote.example/notes/1");
  await receiveOnce(ctx, "https://remote.example/activities/1", async () => true);
  for (const audience of ["public", "followers", "direct"] as const) {
    await storeActivity(ctx, {
      id: await ctx.ids.next(),
      actorId: ours,
      type: "Create",
      object: `https://hub.example/posts/${audience}`,
      audience,
      body: "{}",
      recipients: { actors: [theirs] },
      retracts: false,
    });
  }
  const kept = async () => {
    await sweepActivities(ctx);
    return {
      deletions: (await ctx.db.select().from(deletions)).length,
      received: (await ctx.db.select().from(receivedActivities)).length,
      activities: (await ctx.db.select().from(activities)).map(({ audience }) => audience).sort(),
    };
  };
  const all = ["direct", "followers", "public"];
  expect(await kept()).toEqual({ deletions: 1, received: 1, activities: all });
  day = 6;
  expect(await kept()).toEqual({ deletions: 1, received: 1, activities: all });
  day = 13;
  expect(await kept()).toEqual({ deletions: 0, received: 1, activities: all });
  day = 29;
  expect(await kept()).toEqual({ deletions: 0, received: 1, activities: ["public"] });
  day = 31;
  expect(await kept()).toEqual({ deletions: 0, received: 0, activities: ["public"] });
});

test("an activity has its effect once, and one that had none may have it later", async () => {
  const ctx = domainContext(await rollbackDatabase());
  const effects: boolean[] = [];
  const receive = (effect: boolean) =>
    receiveOnce(ctx, "https://remote.example/activities/1", async () => {
      effects.push(effect);
      return effect;
    });
  await receive(false);
  await receive(true);
  await receive(true);
  expect(effects).toEqual([false, true]);
});
