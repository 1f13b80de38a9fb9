import { eq } from "drizzle-orm";
import { beforeEach, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { agreements } from "../../src/db/schema/agreements.ts";
import { limitChanges, vouchers } from "../../src/db/schema/ledger.ts";
import { notices } from "../../src/db/schema/notices.ts";
import { type SizeClass, verifications } from "../../src/db/schema/organizations.ts";
import { proposals } from "../../src/db/schema/proposals.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { fundAccount } from "../../src/domain/ledger/accounts.ts";
import { donate, returnCredits } from "../../src/domain/ledger/donate.ts";
import { changePolicy, currentPolicy, type PolicyInput } from "../../src/domain/ledger/policy.ts";
import {
  balance,
  balanceHistory,
  flowsBySize,
  holds,
  hubTotals,
  overflow,
  type StatementFilter,
  statement,
} from "../../src/domain/ledger/queries.ts";
import { reserve } from "../../src/domain/ledger/transfers.ts";
import {
  cancelVoucher,
  decideVoucher,
  expireVouchers,
  requestVoucher,
  returnVoucher,
  usableVouchers,
  useVoucher,
  voucherQueue,
  vouchersOf,
} from "../../src/domain/ledger/vouchers.ts";
import { rollbackDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization, outcome, pay, person } from "../support/ledger.ts";

const DAY = 86_400_000;
let now: Date;
let ctx: Ctx;
let admin: Acting;
let raices: Acting & { ledgerId: Id };
let nour: Acting & { ledgerId: Id };

beforeEach(async () => {
  now = new Date("2026-05-20T12:00:00Z");
  ({ ctx, admin } = await ledgerHub(await rollbackDatabase(), () => now));
  raices = await organization(ctx, "raices", 100n * CREDIT);
  nour = await organization(ctx, "nour");
});

async function verify(organizationId: Id, sizeClass: SizeClass): Promise<void> {
  await ctx.db
    .insert(verifications)
    .values({ organizationId, state: "verified", sizeClass, statement: "", requested: now, decided: now });
}

/** Fills the fund with whole credits, a month ago. */
async function fill(credits: number): Promise<void> {
  const today = now;
  now = new Date(now.getTime() - 30 * DAY);
  await pay(ctx, raices.ledgerId, nour.ledgerId, BigInt(credits) * CREDIT);
  await donate(ctx, nour, { amount: String(credits) });
  now = today;
}

describe("donations", () => {
  test("are of what an organization has, never of its credit line", async () => {
    expect(await outcome(donate(ctx, raices, { amount: "1" }))).toBe("insufficient_credit");
    await pay(ctx, raices.ledgerId, nour.ledgerId, 3n * CREDIT);
    await reserve(ctx, {
      kind: "agreement",
      payerId: nour.ledgerId,
      payeeId: raices.ledgerId,
      amount: CREDIT,
      accountId: null,
    });
    await expect(donate(ctx, nour, { amount: "2.01" })).rejects.toMatchObject({
      details: { available: "2 ₳" },
    });
    await donate(ctx, nour, { amount: "2", note: " for all " });
    expect(await balance(ctx, null)).toMatchObject({ posted: 200n });
    expect((await statement(ctx, null, {}, null)).items).toMatchObject([
      { kind: "donation", note: "for all", counterparty: { handle: "nour" } },
    ]);
  });

  test.each(["", "0", "-1", "1.234", "1e3", "0x10", "9007199254740993", "１"])(
    "of %j are refused",
    async (amount) => {
      expect(await outcome(donate(ctx, nour, { amount }))).toMatch(/^(required|not_a_number)$/);
    },
  );

  test("are not made by people", async () => {
    expect(await outcome(donate(ctx, admin, { amount: "1" }))).toBe("organization_needed");
  });

  test("are offered of what is above the soft maximum, less what is promised", async () => {
    await pay(ctx, raices.ledgerId, nour.ledgerId, 40n * CREDIT);
    now = new Date(now.getTime() + 2 * DAY);
    await pay(ctx, raices.ledgerId, nour.ledgerId, 40n * CREDIT);
    expect(await overflow(ctx, nour.actorId)).toEqual({ maximum: 80n * CREDIT, excess: 0n });
    now = new Date(now.getTime() + 2 * DAY);
    await pay(ctx, raices.ledgerId, nour.ledgerId, 5n * CREDIT);
    expect(await overflow(ctx, nour.actorId)).toEqual({ maximum: 80n * CREDIT, excess: 5n * CREDIT });
  });
});

describe("what was paid", () => {
  test("is given back by a transfer the other way, in parts, and never more of it; the payer is told", async () => {
    const payment = await pay(ctx, raices.ledgerId, nour.ledgerId, 10n * CREDIT);
    const back = await returnCredits(ctx, nour, payment, { amount: "4", note: "half the hours" });
    await expect(returnCredits(ctx, nour, payment, { amount: "6.01", note: "x" })).rejects.toMatchObject({
      code: "over_amount",
      details: { available: "6 ₳" },
    });
    await returnCredits(ctx, nour, payment, { amount: "6", note: "the rest" });
    expect(await balance(ctx, raices.actorId)).toMatchObject({ posted: 0n });
    const { items } = await statement(ctx, raices.actorId, { kind: "correction" }, null);
    expect(items.map(({ amount, corrects }) => [amount, corrects])).toEqual([
      [600n, payment],
      [400n, payment],
    ]);
    const told = await ctx.db.select().from(notices).where(eq(notices.kind, "credits_received"));
    expect(told.map(({ actorId, details }) => [actorId, JSON.parse(details)])).toContainEqual([
      raices.actorId,
      { actor: "nour", amount: "4 ₳" },
    ]);
    // A return is not returned, and only who was paid gives back.
    expect(await outcome(returnCredits(ctx, raices, back, { amount: "1", note: "x" }))).toBe("not_found");
    expect(await outcome(returnCredits(ctx, raices, payment, { amount: "1", note: "x" }))).toBe("not_found");
  });
});

describe("a voucher", () => {
  test("within a small organization's quota is approved at once, while the fund can pay it; the rest waits", async () => {
    await verify(nour.actorId, "S");
    expect(await requestVoucher(ctx, nour, { amount: "6", purpose: "Training" })).toMatchObject({
      approved: false,
    });
    const [first] = await vouchersOf(ctx, nour.actorId);
    await cancelVoucher(ctx, nour, first!.id);
    await fill(20);
    expect(await requestVoucher(ctx, nour, { amount: "6", purpose: "Training" })).toMatchObject({
      approved: true,
    });
    expect(await requestVoucher(ctx, nour, { amount: "4", purpose: "Training" })).toMatchObject({
      approved: true,
    });
    expect(await requestVoucher(ctx, nour, { amount: "0.01", purpose: "Training" })).toMatchObject({
      approved: false,
    });
    expect(await outcome(requestVoucher(ctx, nour, { amount: "1", purpose: "More" }))).toBe(
      "voucher_waiting",
    );
    expect(await voucherQueue(ctx)).toMatchObject([
      { requested: 1n, sizeClass: "S", organization: { handle: "nour" } },
    ]);
    // The next quarter has a quota of its own.
    const [waiting] = await voucherQueue(ctx);
    await cancelVoucher(ctx, nour, waiting!.id);
    now = new Date("2026-07-01T00:00:00Z");
    expect(await requestVoucher(ctx, nour, { amount: "10", purpose: "Training" })).toMatchObject({
      approved: true,
    });
  });

  test.each(["M", "L", null] as const)(
    "of an organization of size %s waits for a curator, who is told",
    async (size) => {
      await fill(20);
      if (size !== null) await verify(nour.actorId, size);
      const curator = await person(ctx, "curator", "curator");
      const { id, approved } = await requestVoucher(ctx, nour, { amount: "5", purpose: "Training" });
      expect(approved).toBe(false);
      const told = await ctx.db.select().from(notices).where(eq(notices.kind, "voucher_requested"));
      expect(told.map(({ accountId }) => accountId).sort()).toEqual(
        [admin.accountId, curator.accountId].sort(),
      );

      expect(await outcome(decideVoucher(ctx, nour, id, { approve: true }))).toBe("forbidden");
      expect(await outcome(decideVoucher(ctx, curator, id, { approve: true, amount: "5.01" }))).toBe(
        "over_amount",
      );
      await decideVoucher(ctx, curator, id, { approve: true, amount: "3", note: "for now" });
      expect(await outcome(decideVoucher(ctx, admin, id, { approve: false }))).toBe("required");
      expect(await outcome(decideVoucher(ctx, admin, id, { approve: false, note: "Too late" }))).toBe(
        "conflict",
      );
      expect(await usableVouchers(ctx, nour.actorId)).toMatchObject([
        { id, approved: 300n, note: "for now" },
      ]);
      const answers = await ctx.db.select().from(notices).where(eq(notices.kind, "voucher_approved"));
      expect(answers.map(({ actorId }) => actorId)).toEqual([nour.actorId]);
    },
  );

  test("is used once, by its organization, for what it covers, in its time; and comes back when nothing was paid", async () => {
    await verify(nour.actorId, "S");
    await fill(20);
    const { id } = await requestVoucher(ctx, nour, { amount: "5", purpose: "Training" });
    expect(await outcome(useVoucher(ctx, id, raices.actorId, 100n, 1n))).toBe("not_found");
    expect(await outcome(useVoucher(ctx, id, nour.actorId, 501n, 1n))).toBe("voucher_too_small");
    await useVoucher(ctx, id, nour.actorId, 500n, 1n);
    expect(await outcome(useVoucher(ctx, id, nour.actorId, 100n, 2n))).toBe("not_found");
    expect(await outcome(cancelVoucher(ctx, nour, id))).toBe("conflict");
    await returnVoucher(ctx, id);
    await returnVoucher(ctx, id);
    expect(await usableVouchers(ctx, nour.actorId)).toMatchObject([{ id, agreementId: null }]);
    now = new Date(now.getTime() + 91 * DAY);
    expect(await usableVouchers(ctx, nour.actorId)).toEqual([]);
    expect(await outcome(useVoucher(ctx, id, nour.actorId, 100n, 2n))).toBe("voucher_expired");
    await expireVouchers(ctx);
    expect(await outcome(useVoucher(ctx, id, nour.actorId, 100n, 2n))).toBe("voucher_expired");
    const [row] = await ctx.db.select().from(vouchers).where(eq(vouchers.id, id));
    expect(row?.state).toBe("expired");
  });
});

describe("a statement", () => {
  test("is read page by page, whole and in order, with who was on the other side", async () => {
    for (let n = 0; n < 7; n++) await pay(ctx, raices.ledgerId, nour.ledgerId, 100n, n === 3 ? 10 : 0);
    const seen: bigint[] = [];
    let before: bigint | null = null;
    do {
      const page: Awaited<ReturnType<typeof statement>> = await statement(ctx, nour.actorId, {}, before, 3);
      seen.push(...page.items.map(({ seq }) => seq));
      before = page.before;
    } while (before !== null);
    expect(seen).toEqual([8n, 7n, 6n, 5n, 4n, 3n, 2n, 1n]);
    const { items } = await statement(ctx, nour.actorId, {}, 6n, 2);
    expect(
      items.map(({ kind, amount, balance, counterparty }) => [
        kind,
        amount,
        balance,
        counterparty?.handle ?? null,
      ]),
    ).toEqual([
      ["donation", -10n, 390n, null],
      ["agreement", 100n, 400n, "raices"],
    ]);
    expect((await statement(ctx, null, {}, null)).items).toMatchObject([
      { kind: "donation", amount: 10n, counterparty: { handle: "nour" } },
    ]);
  });

  test("is narrowed by kind, direction and time", async () => {
    await pay(ctx, raices.ledgerId, nour.ledgerId, 500n, 10);
    now = new Date(now.getTime() + DAY);
    await pay(ctx, nour.ledgerId, raices.ledgerId, 100n);
    const amounts = async (filter: StatementFilter) =>
      (await statement(ctx, nour.actorId, filter, null)).items.map(({ amount }) => amount);
    expect(await amounts({})).toEqual([-100n, -50n, 500n]);
    expect(await amounts({ kind: "donation" })).toEqual([-50n]);
    expect(await amounts({ kind: "agreement" })).toEqual([-100n, 500n]);
    expect(await amounts({ direction: "in" })).toEqual([500n]);
    expect(await amounts({ direction: "out" })).toEqual([-100n, -50n]);
    expect(await amounts({ from: now })).toEqual([-100n]);
    expect(await amounts({ to: new Date(now.getTime() - 1) })).toEqual([-50n, 500n]);
    expect((await balanceHistory(ctx, nour.actorId, new Date(0))).map(({ balance }) => balance)).toEqual([
      450n,
      350n,
    ]);
  });

  test("of who has no account is empty, and the balance nothing", async () => {
    expect(await statement(ctx, admin.actorId, {}, null)).toEqual({ items: [], before: null });
    expect(await balance(ctx, admin.actorId)).toMatchObject({ posted: 0n, available: 0n });
    expect(await holds(ctx, admin.actorId)).toEqual([]);
  });

  test("comes with what is promised", async () => {
    await reserve(ctx, {
      kind: "agreement",
      payerId: raices.ledgerId,
      payeeId: nour.ledgerId,
      amount: 70n,
      accountId: null,
    });
    expect(await holds(ctx, raices.actorId)).toMatchObject([{ amount: 70n, payee: { handle: "nour" } }]);
    expect(await balance(ctx, raices.actorId)).toMatchObject({ posted: 0n, held: 70n, available: 9_930n });
  });
});

test("the hub's sums, and who gives and receives by size and quarter", async () => {
  await verify(raices.actorId, "L");
  await verify(nour.actorId, "S");
  const unknown = await organization(ctx, "unknown");
  const proposalId = await ctx.ids.next();
  await ctx.db.insert(proposals).values({
    id: proposalId,
    iri: "https://hub.example/proposals/1",
    url: "https://hub.example/proposals/1",
    actorId: nour.actorId,
    local: true,
    purpose: "offer",
    name: "Training",
    content: "",
    unit: "hour",
    settlement: "credit",
    online: true,
    published: now,
  });
  const settle = async (provider: Acting, receiver: Acting, settled: string, amount: bigint | null) => {
    const id = await ctx.ids.next();
    await ctx.db.insert(agreements).values({
      id,
      iri: `https://hub.example/agreements/${id}`,
      proposalId,
      proposalRevision: 1,
      settlement: amount === null ? "count" : "credit",
      providerId: provider.actorId,
      receiverId: receiver.actorId,
      proposer: "provider",
      state: "settled",
      offeredBy: "receiver",
      quantity: 1,
      unit: "hour",
      amount,
      settledAmount: amount,
      created: now,
      changed: now,
      settled: new Date(settled),
    });
  };
  await settle(raices, nour, "2026-05-01T00:00:00Z", 300n);
  await settle(nour, raices, "2026-04-01T00:00:00Z", 100n);
  await settle(nour, unknown, "2026-04-02T00:00:00Z", null);
  await settle(raices, nour, "2026-03-31T23:59:59Z", 50n);
  await settle(raices, nour, "2024-06-30T00:00:00Z", 999n);
  const flows = (await flowsBySize(ctx)).map(({ quarter, ...flow }) => ({
    quarter: quarter.toISOString().slice(0, 10),
    ...flow,
  }));
  expect(flows).toEqual([
    { quarter: "2026-01-01", sizeClass: "L", given: 50n, received: 0n, gave: 1, got: 0 },
    { quarter: "2026-01-01", sizeClass: "S", given: 0n, received: 50n, gave: 0, got: 1 },
    { quarter: "2026-04-01", sizeClass: "?", given: 0n, received: 0n, gave: 0, got: 1 },
    { quarter: "2026-04-01", sizeClass: "L", given: 300n, received: 100n, gave: 1, got: 1 },
    { quarter: "2026-04-01", sizeClass: "S", given: 100n, received: 300n, gave: 2, got: 1 },
  ]);
  await pay(ctx, raices.ledgerId, nour.ledgerId, 500n, 10);
  await reserve(ctx, {
    kind: "agreement",
    payerId: nour.ledgerId,
    payeeId: raices.ledgerId,
    amount: 20n,
    accountId: null,
  });
  expect(await hubTotals(ctx)).toEqual({
    members: -50n,
    fund: 50n,
    held: 20n,
    accounts: 3,
    settled: 450n,
    exchanges: { credit: 3, gift: 0, count: 1, external: 0 },
  });
});

describe("the hub's rules", () => {
  const input: PolicyInput = {
    startLine: "12",
    maxLine: "48",
    smallFactor: "3",
    softMaximum: "90",
    dailyLimit: "24",
    fundLine: "5",
    voucherQuota: "8",
    vouchMax: "4",
    answerDays: "7",
    graceDays: "٢٠",
    settleDays: "10",
    disputeDays: "14",
    reviewDays: "14",
    disputeRule: "refund",
  };

  test("are changed by administrators, revision by revision; the fund's floor follows", async () => {
    const curator = await person(ctx, "curator", "curator");
    const fundId = await fundAccount(ctx);
    expect(await currentPolicy(ctx)).toMatchObject({ revision: 0, startLine: 1_000n, created: null });
    expect(await outcome(changePolicy(ctx, curator, input))).toBe("forbidden");
    await changePolicy(ctx, admin, input);
    expect(await currentPolicy(ctx)).toMatchObject({
      startLine: 1_200n,
      maxLine: 4_800n,
      smallFactor: 3,
      fundMinimum: -500n,
      graceDays: 20,
      disputeRule: "refund",
    });
    expect(await balance(ctx, null)).toMatchObject({ minimum: -500n, available: 500n });
    const changes = await ctx.db.select().from(limitChanges).where(eq(limitChanges.ledgerAccountId, fundId));
    expect(changes).toMatchObject([{ reason: "policy", accountId: admin.accountId }]);
    const spend = reserve(ctx, {
      kind: "agreement",
      payerId: raices.ledgerId,
      payeeId: nour.ledgerId,
      amount: 2_401n,
      accountId: null,
    });
    expect(await outcome(spend)).toBe("daily_limit");
  });

  test.each([
    [{ startLine: "" }, "required", "startLine"],
    [{ maxLine: "11" }, "invalid", "maxLine"],
    [{ dailyLimit: "0" }, "not_a_number", "dailyLimit"],
    [{ smallFactor: "0" }, "not_a_number", "smallFactor"],
    [{ smallFactor: "1.5" }, "not_a_number", "smallFactor"],
    [{ answerDays: "366" }, "not_a_number", "answerDays"],
    [{ fundLine: "-1" }, "not_a_number", "fundLine"],
  ])("with %o are refused", async (wrong, code, field) => {
    await expect(changePolicy(ctx, admin, { ...input, ...wrong })).rejects.toMatchObject({ code, field });
  });
});
