import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { entries, ledgerAccounts, transfers } from "../../src/db/schema/ledger.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { fundAccount, organizationAccount, setLimits } from "../../src/domain/ledger/accounts.ts";
import { abort, commit, reserve } from "../../src/domain/ledger/transfers.ts";
import { transact } from "../../src/domain/transact.ts";
import { rollbackDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization, outcome, pay } from "../support/ledger.ts";

async function account(ctx: Ctx, id: bigint) {
  const [row] = await ctx.db.select().from(ledgerAccounts).where(eq(ledgerAccounts.id, id));
  return row!;
}

const decided = (decision: string) => ({ decision, accountId: null });

describe("a transfer", () => {
  test("holds what it promises, posts what is confirmed and gives the rest back", async () => {
    const { ctx } = await ledgerHub(await rollbackDatabase());
    const raices = await organization(ctx, "raices", 10n * CREDIT);
    const nour = await organization(ctx, "nour");
    const id = await transact(ctx, (ctx) =>
      reserve(ctx, {
        kind: "agreement",
        payerId: raices.ledgerId,
        payeeId: nour.ledgerId,
        amount: 8n * CREDIT,
        accountId: null,
      }),
    );
    expect(await account(ctx, raices.ledgerId)).toMatchObject({ posted: 0n, held: 800n });
    await transact(ctx, (ctx) => commit(ctx, id, { amount: 5n * CREDIT, ...decided("confirm") }));
    expect(await account(ctx, raices.ledgerId)).toMatchObject({ posted: -500n, held: 0n, entries: 1n });
    expect(await account(ctx, nour.ledgerId)).toMatchObject({ posted: 500n, held: 0n, entries: 1n });
    const lines = await ctx.db.select().from(entries).where(eq(entries.transferId, id)).orderBy(entries.id);
    expect(lines.map(({ amount, seq, balance }) => [amount, seq, balance])).toEqual([
      [-500n, 1n, -500n],
      [500n, 1n, 500n],
    ]);
  });

  test("is decided once: the same abort again does nothing, everything else is refused", async () => {
    const { ctx } = await ledgerHub(await rollbackDatabase());
    const raices = await organization(ctx, "raices", 10n * CREDIT);
    const nour = await organization(ctx, "nour");
    const hold = () =>
      reserve(ctx, {
        kind: "agreement",
        payerId: raices.ledgerId,
        payeeId: nour.ledgerId,
        amount: CREDIT,
        accountId: null,
      });
    const aborted = await hold();
    await abort(ctx, aborted, decided("withdraw"));
    await abort(ctx, aborted, decided("expire"));
    expect(await outcome(commit(ctx, aborted, { amount: CREDIT, ...decided("confirm") }))).toBe("conflict");
    const committed = await hold();
    expect(await outcome(commit(ctx, committed, { amount: 2n * CREDIT, ...decided("confirm") }))).toBe(
      "over_amount",
    );
    expect(await outcome(commit(ctx, committed, { amount: 0n, ...decided("confirm") }))).toBe("over_amount");
    await commit(ctx, committed, { amount: CREDIT, ...decided("confirm") });
    expect(await outcome(commit(ctx, committed, { amount: CREDIT, ...decided("auto") }))).toBe("conflict");
    expect(await outcome(abort(ctx, committed, decided("withdraw")))).toBe("conflict");
    expect(await outcome(abort(ctx, 4711n, decided("withdraw")))).toBe("not_found");
    const [row] = await ctx.db.select().from(transfers).where(eq(transfers.id, aborted));
    expect(row?.decision).toBe("withdraw");
  });

  test("earns the fund its donation, rounded in the provider's favour, and lengthens the provider's line", async () => {
    const { ctx } = await ledgerHub(await rollbackDatabase());
    const raices = await organization(ctx, "raices", 10n * CREDIT);
    const nour = await organization(ctx, "nour", CREDIT, 2n * CREDIT);
    await pay(ctx, raices.ledgerId, nour.ledgerId, 155n, 20);
    const fund = await account(ctx, await fundAccount(ctx));
    expect(fund).toMatchObject({ posted: 31n, minimum: 0n });
    expect(await account(ctx, nour.ledgerId)).toMatchObject({
      posted: 124n,
      entries: 2n,
      minimum: -255n,
      growth: 45n,
    });
    await pay(ctx, raices.ledgerId, nour.ledgerId, 100n, 19);
    expect(await account(ctx, nour.ledgerId)).toMatchObject({ minimum: -300n, growth: 0n });
  });

  test("is refused for what is not there, held already, promised today, or none", async () => {
    let now = new Date("2026-03-01T12:00:00Z");
    const { ctx } = await ledgerHub(await rollbackDatabase(), () => now);
    const raices = await organization(ctx, "raices", 100n * CREDIT);
    const nour = await organization(ctx, "nour", CREDIT);
    const from = (payer: { ledgerId: bigint }, amount: bigint) =>
      reserve(ctx, {
        kind: "agreement",
        payerId: payer.ledgerId,
        payeeId: payer === nour ? raices.ledgerId : nour.ledgerId,
        amount,
        accountId: null,
      });
    expect(await outcome(from(nour, 101n))).toBe("insufficient_credit");
    await from(nour, 60n);
    await expect(from(nour, 41n)).rejects.toMatchObject({
      code: "insufficient_credit",
      details: { available: "0.4 ₳" },
    });
    expect(await outcome(from(nour, 0n))).toBe("invalid");
    expect(await outcome(from(nour, -5n))).toBe("invalid");
    const fundId = await fundAccount(ctx);
    expect(await outcome(from({ ledgerId: fundId }, 1n))).toBe("fund_empty");
    // 40 HOURs a day.
    const first = await from(raices, 30n * CREDIT);
    await expect(from(raices, 10n * CREDIT + 1n)).rejects.toMatchObject({
      code: "daily_limit",
      details: { available: "10 ₳" },
    });
    await from(raices, 10n * CREDIT);
    expect(await outcome(from(raices, 1n))).toBe("daily_limit");
    await abort(ctx, first, decided("withdraw"));
    await from(raices, 30n * CREDIT);
    now = new Date(now.getTime() + 86_400_001);
    await from(raices, 40n * CREDIT);
  });
});

test("limits never cut into what is in use", async () => {
  const { ctx } = await ledgerHub(await rollbackDatabase());
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour");
  await pay(ctx, raices.ledgerId, nour.ledgerId, 3n * CREDIT);
  await reserve(ctx, {
    kind: "agreement",
    payerId: raices.ledgerId,
    payeeId: nour.ledgerId,
    amount: 2n * CREDIT,
    accountId: null,
  });
  const limit = (minimum: bigint) =>
    outcome(setLimits(ctx, raices.actorId, { minimum, growth: 0n, maximum: null }, "vouched", null));
  expect(await limit(-499n)).toBe("limit_in_use");
  expect(await limit(-500n)).toBe("done");
});

test("people have no account of credits", async () => {
  const { ctx, admin } = await ledgerHub(await rollbackDatabase());
  expect(await outcome(organizationAccount(ctx, admin.actorId))).toBe("organization_needed");
});
