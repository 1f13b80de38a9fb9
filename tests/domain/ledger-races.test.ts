import { eq } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { type Database, openDatabase } from "../../src/db/client.ts";
import { createIds, type Id } from "../../src/db/ids.ts";
import { ledgerAccounts, transfers, vouchers } from "../../src/db/schema/ledger.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { fundAccount, organizationAccount, setAccountLimits } from "../../src/domain/ledger/accounts.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { donate, returnCredits } from "../../src/domain/ledger/donate.ts";
import { abort, commit, reserve } from "../../src/domain/ledger/transfers.ts";
import { requestVoucher, useVoucher } from "../../src/domain/ledger/vouchers.ts";
import { transact } from "../../src/domain/transact.ts";
import { testDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization, outcome, pay } from "../support/ledger.ts";

/** A hub on two pools, as two processes have them; `times` runs something on both in turn, all at once. */
async function twoProcesses() {
  const database = await testDatabase();
  const { ctx: bare } = await ledgerHub(database.db);
  const second = openDatabase(database.url, { orm: 8, raw: 1 });
  onTestFinished(() => second.close());
  const contexts = [database, second].map(
    (one: Database): Ctx => ({ ...bare, db: one.db, ids: createIds(one.sql, () => new Date()) }),
  );
  const ctx = contexts[0]!;
  return {
    ctx,
    /** How often each outcome came. */
    async times(count: number, work: (ctx: Ctx, n: number) => Promise<unknown>) {
      const all = await Promise.all(
        Array.from({ length: count }, (_, n) => outcome(work(contexts[n % 2]!, n))),
      );
      return Object.fromEntries(
        [...new Set(all)].sort().map((code) => [code, all.filter((one) => one === code).length]),
      );
    },
  };
}

const by = { decision: "test", accountId: null };

test("50 spends of the same credit at once: those that are covered succeed, and no others", async () => {
  const { ctx, times } = await twoProcesses();
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour");
  const spend = (ctx: Ctx) =>
    transact(ctx, (ctx) =>
      reserve(ctx, {
        kind: "agreement",
        payerId: raices.ledgerId,
        payeeId: nour.ledgerId,
        amount: 80n,
        accountId: null,
      }),
    );
  // Ten credits cover twelve times 0.80.
  expect(await times(50, spend)).toEqual({ done: 12, insufficient_credit: 38 });
  expect(await checkLedger(ctx)).toEqual([]);
});

test("50 promises at once stay within what may be promised in a day", async () => {
  const { ctx, times } = await twoProcesses();
  const raices = await organization(ctx, "raices", 1_000n * CREDIT);
  const nour = await organization(ctx, "nour");
  const spend = (ctx: Ctx) =>
    transact(ctx, (ctx) =>
      reserve(ctx, {
        kind: "agreement",
        payerId: raices.ledgerId,
        payeeId: nour.ledgerId,
        amount: 3n * CREDIT,
        accountId: null,
      }),
    );
  expect(await times(50, spend)).toEqual({ daily_limit: 37, done: 13 });
});

test("a hold that 50 confirm and 50 take back at once is decided once", async () => {
  const { ctx, times } = await twoProcesses();
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour", 0n, 50n * CREDIT);
  const id = await reserve(ctx, {
    kind: "agreement",
    payerId: raices.ledgerId,
    payeeId: nour.ledgerId,
    amount: CREDIT,
    accountId: null,
  });
  const results = await times(100, (ctx, n) =>
    transact(ctx, (ctx) =>
      n % 4 < 2 ? commit(ctx, id, { amount: CREDIT, donation: 10, ...by }) : abort(ctx, id, by),
    ),
  );
  const [row] = await ctx.db.select().from(transfers).where(eq(transfers.id, id));
  // Of the confirmations one succeeds; but every wish to take back what was taken back is fulfilled.
  expect(results).toEqual(
    row?.state === "committed" ? { conflict: 99, done: 1 } : { conflict: 50, done: 50 },
  );
  expect(await checkLedger(ctx)).toEqual([]);
});

test("payments that cross one another, in both directions and to the fund, wait for each other and never for ever", async () => {
  const { ctx, times } = await twoProcesses();
  // The fund's id lies between theirs.
  const low = await organization(ctx, "low", 100n * CREDIT);
  await fundAccount(ctx);
  const high = await organization(ctx, "high", 100n * CREDIT);
  const promise = (payerId: Id, payeeId: Id) =>
    reserve(ctx, { kind: "agreement", payerId, payeeId, amount: 20n, accountId: null });
  const held: Id[] = [];
  for (let n = 0; n < 30; n++) {
    held.push(await promise(low.ledgerId, high.ledgerId), await promise(high.ledgerId, low.ledgerId));
  }
  const giver = await organization(ctx, "giver", 100n * CREDIT);
  await pay(ctx, giver.ledgerId, low.ledgerId, 20n * CREDIT);
  await pay(ctx, giver.ledgerId, high.ledgerId, 10n * CREDIT);
  const payment = await pay(ctx, low.ledgerId, high.ledgerId, 9n * CREDIT);
  const results = await times(100, async (ctx, n) => {
    const transferId = held[n];
    if (transferId !== undefined)
      return transact(ctx, (ctx) => commit(ctx, transferId, { amount: 15n, donation: 20, ...by }));
    if (n % 3 === 0) return returnCredits(ctx, high, payment, { amount: "0.1", note: "Paid too much" });
    return donate(ctx, n % 3 === 1 ? low : high, { amount: "0.01" });
  });
  expect(results).toEqual({ done: 100 });
  expect(await checkLedger(ctx)).toEqual([]);
});

test("50 returns of one payment at once give back what was paid, and no more", async () => {
  const { ctx, times } = await twoProcesses();
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour", 30n * CREDIT);
  const payment = await pay(ctx, raices.ledgerId, nour.ledgerId, 10n * CREDIT);
  expect(
    await times(50, (ctx) => returnCredits(ctx, nour, payment, { amount: "0.9", note: "Paid too much" })),
  ).toEqual({
    done: 11,
    over_amount: 39,
  });
  expect(await checkLedger(ctx)).toEqual([]);
});

test("an account that many open at once is one, and so is the fund", async () => {
  const { ctx, times } = await twoProcesses();
  const { actorId } = await organization(ctx, "raices");
  const ids = new Set<Id>();
  await times(30, async (ctx) => ids.add(await fundAccount(ctx)));
  await times(30, async (ctx) => ids.add(await organizationAccount(ctx, actorId)));
  expect(ids.size).toBe(2);
  expect(await ctx.db.select().from(ledgerAccounts)).toHaveLength(2);
});

test("a voucher pays for one agreement, however many ask at once; and one request waits, however often it is sent", async () => {
  const { ctx, times } = await twoProcesses();
  const raices = await organization(ctx, "raices");
  await setAccountLimits(
    ctx,
    await fundAccount(ctx),
    { minimum: -100n * CREDIT, growth: 0n, maximum: null },
    "test",
    null,
  );
  const now = new Date();
  const [voucher] = await ctx.db
    .insert(vouchers)
    .values({
      id: await ctx.ids.next(),
      organizationId: raices.actorId,
      purpose: "Training",
      requested: 500n,
      approved: 500n,
      state: "approved",
      created: now,
      decided: now,
      expires: new Date(now.getTime() + 86_400_000),
    })
    .returning();
  expect(
    await times(20, (ctx, n) =>
      transact(ctx, (ctx) => useVoucher(ctx, voucher!.id, raices.actorId, 400n, BigInt(n + 1))),
    ),
  ).toEqual({ done: 1, not_found: 19 });
  expect(
    await times(20, (ctx) => requestVoucher(ctx, raices, { amount: "5", purpose: "Translation" })),
  ).toEqual({
    done: 1,
    voucher_waiting: 19,
  });
});
