import { beforeEach, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { accounts } from "../../src/db/schema/accounts.ts";
import { jobs } from "../../src/db/schema/jobs.ts";
import { notices } from "../../src/db/schema/notices.ts";
import { memberships } from "../../src/db/schema/organizations.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { markRead, notify, notifyStaff, sweepNotices } from "../../src/domain/notices/commands.ts";
import { noticesOf, unread } from "../../src/domain/notices/queries.ts";
import { MAIL_EVERY, mailTime } from "../../src/domain/notices/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { rollbackDatabase } from "../support/database.ts";
import { domainContext, localActor, remoteActor } from "../support/domain.ts";

let ctx: Ctx;
let ahead = 0;
const now = () => new Date(Date.UTC(2027, 2, 2) + ahead);

beforeEach(async () => {
  ahead = 0;
  ctx = domainContext(await rollbackDatabase(), now);
});

async function person(handle: string, values: Partial<typeof accounts.$inferInsert> = {}) {
  const actorId = await localActor(ctx, handle, "Person");
  const accountId = await ctx.ids.next();
  await ctx.db.insert(accounts).values({
    id: accountId,
    actorId,
    email: `${handle}@example.org`,
    passwordHash: "",
    locale: "es",
    created: now(),
    ...values,
  });
  return { accountId, actorId };
}

async function organization(handle: string, members: Record<"representative" | "editor" | "observer", Id>) {
  const organizationId = await localActor(ctx, handle);
  for (const [role, accountId] of Object.entries(members) as ["editor", Id][])
    await ctx.db.insert(memberships).values({ organizationId, accountId, role, created: now() });
  return organizationId;
}

const ended = (actorId: Id, title = "Uno") =>
  notify(ctx, actorId, "proposal_ended", "/proposals/1", { title });

test("whoever may act for an organization is told, and nobody else", async () => {
  const [ana, berta, carla, dina] = [
    await person("ana"),
    await person("berta", { mails: false }),
    await person("carla"),
    await person("dina"),
  ];
  const members = { representative: ana.accountId, editor: berta.accountId, observer: carla.accountId };
  const raices = await organization("raices", members);
  await ended(raices);
  await ended(dina.actorId);
  await ended(await remoteActor(ctx, "eve"));
  const told = await ctx.db.select().from(notices).orderBy(notices.id);
  expect(told.map(({ accountId, actorId }) => [accountId, actorId])).toEqual([
    [ana.accountId, raices],
    [berta.accountId, raices],
    [dina.accountId, dina.actorId],
  ]);
  // Nothing is mailed to those who do not want it.
  const keys = (await ctx.db.select().from(jobs)).map(({ queue, key }) => `${queue} ${key}`);
  expect(keys.sort()).toEqual([`mails ${ana.accountId}`, `mails ${dina.accountId}`].sort());
});

test("staff is told by role", async () => {
  const admin = await person("ana", { role: "admin" });
  const curator = await person("berta", { role: "curator" });
  await person("carla");
  await notifyStaff(ctx, "admin", "ledger_frozen", "/admin", {});
  expect([await unread(ctx, admin.accountId), await unread(ctx, curator.accountId)]).toEqual([1, 0]);
  await notifyStaff(ctx, "curator", "verification_requested", "/admin", { actor: "Raíces" });
  expect([await unread(ctx, admin.accountId), await unread(ctx, curator.accountId)]).toEqual([2, 1]);
});

test("what is undone was never told", async () => {
  const ana = await person("ana");
  const failing = transact(ctx, async (tx) => {
    await notify(tx, ana.actorId, "proposal_ended", "/", { title: "Uno" });
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await ctx.db.$count(notices)).toBe(0);
  expect(await ctx.db.$count(jobs)).toBe(0);
});

test("notices come in pages, newest first, and stay unread until they were shown", async () => {
  const [ana, berta] = [await person("ana"), await person("berta")];
  for (let n = 0; n < 50; n++) await ended(ana.actorId, `${n}`);
  await ended(berta.actorId);
  const first = await noticesOf(ctx, ana.accountId, null);
  const second = await noticesOf(ctx, ana.accountId, first.before);
  const titles = [...first.items, ...second.items].map(({ details }) => Number(details.title));
  expect(titles).toEqual(Array.from({ length: 50 }, (_, n) => 49 - n));
  expect(second.before).toBeNull();
  await markRead(ctx, ana.accountId, first.items[9]!.id);
  expect([await unread(ctx, ana.accountId), await unread(ctx, berta.accountId)]).toEqual([9, 1]);
  for (let n = 0; n < 100; n++) await ended(ana.actorId);
  expect(await unread(ctx, ana.accountId)).toBe(100);
});

test("notices are kept for half a year", async () => {
  const ana = await person("ana");
  await ended(ana.actorId, "old");
  ahead = 100 * 86_400_000;
  await ended(ana.actorId, "new");
  ahead = 179 * 86_400_000;
  await sweepNotices(ctx);
  expect(await ctx.db.$count(notices)).toBe(2);
  ahead = 181 * 86_400_000;
  await sweepNotices(ctx);
  expect((await noticesOf(ctx, ana.accountId, null)).items.map(({ details }) => details.title)).toEqual([
    "new",
  ]);
});

test("what comes within ten minutes is mailed at one time, later and not much later", () => {
  const times = new Set<number>();
  for (let account = 1n; account < 200n; account++) {
    for (let at = 0; at < 2 * MAIL_EVERY; at += 37_123) {
      const moment = new Date(Date.UTC(2027, 2, 2) + at);
      const run = mailTime(account, moment).getTime();
      expect(run).toBeGreaterThan(moment.getTime());
      expect(run - moment.getTime()).toBeLessThanOrEqual(MAIL_EVERY);
      expect(mailTime(account, new Date(run - 1)).getTime()).toBe(run);
      expect(mailTime(account, new Date(run)).getTime()).toBe(run + MAIL_EVERY);
      times.add(run % MAIL_EVERY);
    }
  }
  expect(times.size).toBeGreaterThan(150);
});
