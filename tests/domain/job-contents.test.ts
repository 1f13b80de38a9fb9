import { createPrivateKey } from "node:crypto";
import { expect, test } from "vitest";
import { actorKeys } from "../../src/db/schema/actors.ts";
import { jobs } from "../../src/db/schema/jobs.ts";
import { createAccount } from "../../src/domain/accounts/commands.ts";
import { storeActivity } from "../../src/domain/activities/commands.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { rollbackDatabase } from "../support/database.ts";
import { domainContext, remoteActor } from "../support/domain.ts";

test("a job names the actor and the activity: neither private key nor body stands in its row", async () => {
  const ctx = domainContext(await rollbackDatabase());
  const ours = await createAccount(ctx, {
    handle: "ours",
    email: "ours@example.org",
    password: "correct horse battery staple",
    locale: "es",
  });
  const theirs = await remoteActor(ctx, "theirs");
  const iri = "https://remote.example/follows/1";
  await requestFollow(ctx, { followerId: theirs, followedId: ours.actorId, iri });
  await requestFollow(ctx, { followerId: ours.actorId, followedId: theirs });
  await publishPost(ctx, ours, {
    content: "Un texto que nadie más tiene",
    visibility: "public",
    language: "es",
  });
  await storeActivity(ctx, {
    id: await ctx.ids.next(),
    actorId: ours.actorId,
    type: "Create",
    object: "https://hub.example/posts/1",
    audience: "public",
    body: '{"content":"Un texto que nadie más tiene"}',
    recipients: { followersOf: ours.actorId },
    retracts: false,
  });

  const rows = await ctx.db.select().from(jobs);
  expect(rows.map(({ queue }) => queue).sort()).toEqual(["deliveries", "events", "events", "events"]);
  const written = rows.map((row) => `${row.key} ${row.payload}`).join("\n");
  expect(written).not.toContain("Un texto");
  const keys = await ctx.db.select().from(actorKeys);
  expect(keys).toHaveLength(2);
  for (const { privateKey } of keys) {
    const der = ctx.vault.open(privateKey);
    const { d } = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "jwk" });
    const forms = [der, privateKey].flatMap((bytes) => [bytes.toString("base64"), bytes.toString("hex")]);
    for (const form of [d, ...forms]) expect(written).not.toContain(form);
  }
  expect(written).not.toMatch(/PRIVATE KEY/);
});
