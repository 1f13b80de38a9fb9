import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Database } from "../../src/db/client.ts";
import type { Id } from "../../src/db/ids.ts";
import { agreements } from "../../src/db/schema/agreements.ts";
import { notices } from "../../src/db/schema/notices.ts";
import { proposals } from "../../src/db/schema/proposals.ts";
import type { Ctx } from "../../src/domain/context.ts";
import { checkLedger, releaseFreeze, runChecks } from "../../src/domain/ledger/check.ts";
import { donate, returnCredits } from "../../src/domain/ledger/donate.ts";
import { lastCheck, openFreeze } from "../../src/domain/ledger/queries.ts";
import { abort, commit, reserve } from "../../src/domain/ledger/transfers.ts";
import { transact } from "../../src/domain/transact.ts";
import { rollbackDatabase, testDatabase } from "../support/database.ts";
import { CREDIT, ledgerHub, organization, outcome, pay, person } from "../support/ledger.ts";

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("reserve" as const),
      payer: fc.nat(3),
      payee: fc.nat(3),
      amount: fc.bigInt(1n, 700n),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("commit" as const),
      transfer: fc.nat(12),
      amount: fc.bigInt(0n, 700n),
      donation: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("abort" as const), transfer: fc.nat(12) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("donate" as const),
      payer: fc.nat(3),
      amount: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("return" as const),
      transfer: fc.nat(12),
      payee: fc.nat(3),
      amount: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

test("S1 to S5: after any history the books fit", async () => {
  const { ctx } = await ledgerHub(await rollbackDatabase());
  let run = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 25 }), async (commands) => {
      run++;
      const organizations: Awaited<ReturnType<typeof organization>>[] = [];
      for (const [n, line] of [20n, 10n, 5n, 0n].entries())
        organizations.push(await organization(ctx, `o${run}_${n}`, line * CREDIT, 20n * CREDIT));
      const transfers: Id[] = [];
      const by = { decision: "test", accountId: null };
      for (const sent of commands) {
        const transferId =
          "transfer" in sent ? (transfers[sent.transfer % Math.max(transfers.length, 1)] ?? 1n) : 1n;
        const code = await outcome(
          transact(ctx, async (ctx) => {
            switch (sent.type) {
              case "reserve": {
                const [payerId, payeeId] = [
                  organizations[sent.payer]!.ledgerId,
                  organizations[sent.payee]!.ledgerId,
                ];
                transfers.push(
                  await reserve(ctx, {
                    kind: "agreement",
                    payerId,
                    payeeId,
                    amount: sent.amount,
                    accountId: null,
                  }),
                );
                return;
              }
              case "commit":
                return commit(ctx, transferId, { ...by, amount: sent.amount, donation: sent.donation });
              case "abort":
                return abort(ctx, transferId, by);
              case "donate":
                await donate(ctx, organizations[sent.payer]!, { amount: String(sent.amount) });
                return;
              case "return":
                await returnCredits(ctx, organizations[sent.payee]!, transferId, {
                  amount: String(sent.amount),
                  note: "Paid too much",
                });
            }
          }),
        );
        if (code === "done") done++;
      }
      expect(await checkLedger(ctx)).toEqual([]);
    }),
    { numRuns: 30 },
  );
  // Histories in which nothing succeeds would prove nothing.
  expect(done).toBeGreaterThan(100);
}, 240_000);

/** Some payments, one hold, and a way around everything that guards them. */
async function books(database: Database) {
  const { ctx, admin } = await ledgerHub(database.db);
  const raices = await organization(ctx, "raices", 10n * CREDIT);
  const nour = await organization(ctx, "nour", 10n * CREDIT);
  const first = await pay(ctx, raices.ledgerId, nour.ledgerId, 300n, 10);
  await pay(ctx, nour.ledgerId, raices.ledgerId, 100n);
  const held = await reserve(ctx, {
    kind: "agreement",
    payerId: raices.ledgerId,
    payeeId: nour.ledgerId,
    amount: 50n,
    accountId: null,
  });
  await returnCredits(ctx, nour, first, { amount: "1", note: "too much" });
  const names: Record<string, Id> = { raices: raices.ledgerId, nour: nour.ledgerId, first, held };
  const tamper = (text: string) =>
    database.sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`;
      await tx.unsafe(text.replace(/:(\w+)/g, (_, name: string) => String(names[name])));
    });
  return { ctx, admin, raices, nour, first, held, tamper };
}

describe("somebody who gets around the triggers", () => {
  test.each([
    [
      "makes credits out of nothing",
      "update ledger_accounts set posted = posted + 100 where id = :nour",
      ["accounts", "sum"],
    ],
    [
      "changes an amount",
      "update entries set amount = amount - 1 where transfer_id = :first and account_id = :raices",
      ["accounts", "lines", "transfers"],
    ],
    [
      "changes an amount on both sides",
      "update entries set amount = amount * 2, balance = balance + amount where transfer_id = :first",
      ["accounts", "lines", "transfers"],
    ],
    [
      "removes a line",
      "delete from entries where transfer_id = :first and amount > 0 and account_id = :nour",
      ["accounts", "lines", "transfers"],
    ],
    [
      "removes a payment whole",
      "delete from entries where transfer_id = :first",
      ["accounts", "lines", "transfers"],
    ],
    [
      "changes a balance on the way",
      "update entries set balance = balance + 1 where transfer_id = :first and account_id = :raices",
      ["lines"],
    ],
    [
      "turns a decision round",
      "update transfers set state = 'aborted', settled = null where id = :first",
      ["corrections", "transfers"],
    ],
    [
      "settles on paper only",
      "update transfers set state = 'committed', settled = amount, decided = now() where id = :held",
      ["accounts", "transfers"],
    ],
    ["drops a hold", "update ledger_accounts set held = 0 where id = :raices", ["accounts"]],
    [
      "has more given back than was paid",
      "update transfers set amount = 301 where corrects = :first",
      ["corrections"],
    ],
    [
      "posts in another unit",
      "update entries set unit = 'hour-second' where transfer_id = :first",
      ["accounts"],
    ],
  ])("and %s is found out", async (_, statement, expected) => {
    const { ctx, tamper } = await books(await testDatabase());
    expect(await checkLedger(ctx)).toEqual([]);
    await tamper(statement);
    const found = await checkLedger(ctx);
    expect([...new Set(found.map(({ check }) => check))].sort()).toEqual(expected);
    for (const { subject } of found) expect(subject).toMatch(/^(account|transfer|unit) \S+$/);
  });

  test("freezes the ledger: nothing moves until an administrator has looked, holds can be given back", async () => {
    const { ctx, admin, raices, nour, held, tamper } = await books(await testDatabase());
    expect(await runChecks(ctx)).toEqual([]);
    expect(await openFreeze(ctx)).toBeNull();
    await tamper("update ledger_accounts set posted = posted + 100 where id = :nour");
    expect((await runChecks(ctx)).length).toBeGreaterThan(0);
    await runChecks(ctx);
    expect((await openFreeze(ctx))?.reason).toContain(`account ${nour.ledgerId}`);
    expect(JSON.parse((await lastCheck(ctx))?.findings ?? "")).not.toEqual([]);
    const told = await ctx.db.select().from(notices);
    expect(told.map(({ kind, accountId }) => [kind, accountId])).toContainEqual([
      "ledger_frozen",
      admin.accountId,
    ]);
    expect(told.filter(({ kind }) => kind === "ledger_frozen")).toHaveLength(1);

    const another = {
      kind: "agreement" as const,
      payerId: nour.ledgerId,
      payeeId: raices.ledgerId,
      amount: 1n,
      accountId: null,
    };
    expect(await outcome(transact(ctx, (ctx) => reserve(ctx, another)))).toBe("ledger_frozen");
    expect(
      await outcome(
        transact(ctx, (ctx) => commit(ctx, held, { amount: 50n, decision: "confirm", accountId: null })),
      ),
    ).toBe("ledger_frozen");
    expect(await outcome(donate(ctx, nour, { amount: "1" }))).toBe("ledger_frozen");
    await transact(ctx, (ctx) => abort(ctx, held, { decision: "withdraw", accountId: null }));

    await tamper("update ledger_accounts set posted = posted - 100 where id = :nour");
    const curator = await person(ctx, "curator", "curator");
    expect(await outcome(releaseFreeze(ctx, curator, "looked at it"))).toBe("forbidden");
    expect(await outcome(releaseFreeze(ctx, admin, " "))).toBe("required");
    await releaseFreeze(ctx, admin, "A bad disk; restored.");
    expect(await outcome(releaseFreeze(ctx, admin, "again"))).toBe("not_found");
    await transact(ctx, (ctx) => reserve(ctx, another));
    expect(await runChecks(ctx)).toEqual([]);
  });
});

/** An agreement as its row says it is; nothing of it is true but what the case sets. */
async function agreement(
  ctx: Ctx,
  parties: { providerId: Id; receiverId: Id },
  row: Partial<typeof agreements.$inferInsert>,
) {
  const now = ctx.clock.now();
  const proposalId = await ctx.ids.next();
  const iri = `https://hub.example/proposals/${proposalId}`;
  await ctx.db.insert(proposals).values({
    id: proposalId,
    iri,
    url: iri,
    actorId: parties.providerId,
    local: true,
    purpose: "offer",
    name: "Training",
    content: "",
    unit: "hour",
    settlement: "credit",
    online: true,
    published: now,
  });
  const id = row.id ?? (await ctx.ids.next());
  await ctx.db.insert(agreements).values({
    id,
    iri: `https://hub.example/agreements/${id}`,
    proposalId,
    proposalRevision: 1,
    settlement: "credit",
    ...parties,
    proposer: "provider",
    state: "offered",
    offeredBy: "receiver",
    quantity: 1,
    unit: "hour",
    amount: row.settlement === undefined ? 100n : null,
    created: now,
    changed: now,
    ...row,
  });
}

describe("an agreement that says otherwise than the ledger is found out:", () => {
  test.each([
    ["funded, and nothing is held", { state: "funded" as const }, null],
    ["funded, with its hold", { state: "funded" as const }, "reserved" as const, []],
    ["delivered, and the hold was given back", { state: "delivered" as const }, "aborted" as const],
    [
      "cancelled, and still held",
      { state: "cancelled" as const },
      "reserved" as const,
      ["agreements", "owners"],
    ],
    ["cancelled, and yet paid", { state: "cancelled" as const }, "committed" as const],
    ["cancelled, and given back", { state: "cancelled" as const }, "aborted" as const, []],
    [
      "settled, and still held",
      { state: "settled" as const, settledAmount: 100n },
      "reserved" as const,
      ["agreements", "owners"],
    ],
    ["settled, and paid", { state: "settled" as const, settledAmount: 100n }, "committed" as const, []],
    [
      "settled for less than was paid",
      { state: "settled" as const, settledAmount: 90n },
      "committed" as const,
    ],
    ["settled without a word of what was paid", { state: "settled" as const }, "committed" as const],
    ["resolved, with nothing paid", { state: "resolved" as const }, "aborted" as const, []],
    ["offered, held for other terms", { state: "offered" as const, amount: 120n }, "reserved" as const],
    [
      "a gift with a transfer",
      { state: "settled" as const, settlement: "none" as const },
      "committed" as const,
      ["gifts"],
    ],
    ["a counted exchange without", { state: "settled" as const, settlement: "count" as const }, null, []],
  ])("%s", async (_, row, state, expected = ["agreements"]) => {
    const { ctx } = await ledgerHub(await rollbackDatabase());
    const raices = await organization(ctx, "raices", 10n * CREDIT);
    const nour = await organization(ctx, "nour");
    const id = await ctx.ids.next();
    let transferId: Id | null = null;
    if (state !== null) {
      const by = { decision: "test", accountId: null };
      const parties = { payerId: raices.ledgerId, payeeId: nour.ledgerId };
      transferId = await reserve(ctx, {
        kind: "agreement",
        ...parties,
        amount: 100n,
        agreementId: id,
        accountId: null,
      });
      if (state === "committed") await commit(ctx, transferId, { ...by, amount: 100n });
      if (state === "aborted") await abort(ctx, transferId, by);
    }
    await agreement(
      ctx,
      { providerId: nour.actorId, receiverId: raices.actorId },
      { id, transferId, ...row },
    );
    const found = await checkLedger(ctx);
    expect([...new Set(found.map(({ check }) => check))].sort()).toEqual(expected);
  });

  test("a hold whose agreement does not exist, or that is for no agreement's sake; and a second payment", async () => {
    const { ctx } = await ledgerHub(await rollbackDatabase());
    const raices = await organization(ctx, "raices", 10n * CREDIT);
    const nour = await organization(ctx, "nour");
    const parties = { payerId: raices.ledgerId, payeeId: nour.ledgerId, amount: 100n, accountId: null };
    const found = async () => (await checkLedger(ctx)).map(({ check, subject }) => `${check}: ${subject}`);
    const lost = await reserve(ctx, { kind: "agreement", ...parties, agreementId: 4711n });
    const donation = await reserve(ctx, { kind: "donation", ...parties });
    expect((await found()).sort()).toEqual(
      [`owners: transfer ${lost}`, `owners: transfer ${donation}`].sort(),
    );
    await abort(ctx, lost, { decision: "test", accountId: null });
    await abort(ctx, donation, { decision: "test", accountId: null });

    const id = await ctx.ids.next();
    const payments: Id[] = [];
    for (let n = 0; n < 2; n++) {
      const transferId = await reserve(ctx, { kind: "agreement", ...parties, agreementId: id });
      await commit(ctx, transferId, { amount: 100n, decision: "confirm", accountId: null });
      payments.push(transferId);
    }
    const sides = { providerId: nour.actorId, receiverId: raices.actorId };
    await agreement(ctx, sides, { id, transferId: payments[0]!, state: "settled", settledAmount: 100n });
    expect(await found()).toEqual([`owners: transfer ${payments[1]}`]);
  });
});
