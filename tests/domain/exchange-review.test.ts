import { eq, sql } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import { chores } from "../../src/clock.ts";
import type { Database } from "../../src/db/client.ts";
import type { Id } from "../../src/db/ids.ts";
import { agreements } from "../../src/db/schema/agreements.ts";
import { ledgerAccounts, vouches } from "../../src/db/schema/ledger.ts";
import { proposals } from "../../src/db/schema/proposals.ts";
import { insertAccount } from "../../src/domain/accounts/commands.ts";
import { generateKeys } from "../../src/domain/actors/keys.ts";
import {
  acceptAgreement,
  advanceAgreements,
  confirmAgreement,
  counterOffer,
  deliverAgreement,
  disputeAgreement,
  offerAgreement,
  proposeResolution,
  rejectAgreement,
  withdrawAgreement,
} from "../../src/domain/agreements/commands.ts";
import {
  agreementById,
  agreementList,
  agreementsWaiting,
  signedSteps,
} from "../../src/domain/agreements/queries.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { DomainError } from "../../src/domain/errors.ts";
import { fundAccount, organizationAccount, setAccountLimits } from "../../src/domain/ledger/accounts.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { decideVoucher, requestVoucher } from "../../src/domain/ledger/vouchers.ts";
import { decideVerification, requestVerification } from "../../src/domain/organizations/verification.ts";
import { vouch } from "../../src/domain/organizations/vouching.ts";
import { editProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { transact } from "../../src/domain/transact.ts";
import { testDatabase } from "../support/database.ts";
import { answer, DAY, exchangeHub, organizations, publish } from "../support/exchange.ts";

let database: Database;
let ctx: Ctx;
let admin: Acting;
let now = new Date("2026-03-02T12:00:00Z");
const pass = (days: number) => {
  now = new Date(now.getTime() + days * DAY);
};

beforeAll(async () => {
  database = await testDatabase();
  ({ ctx, admin } = await exchangeHub(database, () => now));
  // The fund is the ledger's first account, and may pay a good deal.
  await transact(ctx, async (ctx) => {
    const limits = { minimum: -1_000_000n, growth: 0n, maximum: null };
    await setAccountLimits(ctx, await fundAccount(ctx), limits, "a test", null);
  });
}, 60_000);

let tags = 0;
/** So many organizations that nobody else knows, with so much credit. */
const fresh = (count: number, credit = 100_000n) => organizations(ctx, admin, count, credit, `t${tags++}_`);
const pair = async (credit?: bigint) => (await fresh(2, credit)) as [Acting, Acting];

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );
const rowOf = async (id: Id) => {
  const [row] = await ctx.db.select().from(agreements).where(eq(agreements.id, id));
  if (row === undefined) throw new Error("no such agreement");
  return row;
};
const ledgerOf = async ({ actorId }: Acting) => {
  const [row] = await ctx.db.select().from(ledgerAccounts).where(eq(ledgerAccounts.actorId, actorId));
  if (row === undefined) throw new Error("no such account");
  return row;
};
const offer: ProposalInput = {
  ...{ purpose: "offer", name: "Taller de contabilidad", content: "Dos horas en línea" },
  ...{ category: "training", unit: "hour", available: "10", settlement: "credit", price: "10" },
  ...{ online: true, language: "es" },
} as ProposalInput;

async function verified(organization: Acting, sizeClass: "S" | "M" | "L" = "M"): Promise<Acting> {
  await requestVerification(ctx, organization, { sizeClass, statement: "Registrada desde 2003." });
  await decideVerification(ctx, admin, organization.actorId, { state: "verified", sizeClass });
  return organization;
}

test("an offer that has lapsed is accepted and countered no more, also before the clock comes by; its hold can be freed", async () => {
  const [author, other] = await pair();
  const proposalId = await publish(ctx, author);
  const [accepted, countered, rejected, withdrawn] = [
    await answer(ctx, other, proposalId),
    await answer(ctx, other, proposalId),
    await answer(ctx, other, proposalId),
    await answer(ctx, other, proposalId),
  ];
  pass(14);
  expect(await codeOf(acceptAgreement(ctx, author, accepted))).toBe("not_now");
  expect(await codeOf(counterOffer(ctx, author, countered, { quantity: 2, amount: null, due: null }))).toBe(
    "not_now",
  );
  expect(await rejectAgreement(ctx, author, rejected)).toBe("rejected");
  expect(await withdrawAgreement(ctx, other, withdrawn)).toBe("withdrawn");
  expect(await advanceAgreements(ctx)).toEqual([]);
  for (const id of [accepted, countered]) expect((await rowOf(id)).state).toBe("expired");
  expect((await ledgerOf(other)).held).toBe(0n);
});

test("the price is that of the revision which was answered, whatever the proposal asks for meanwhile", async () => {
  const [author, other] = await pair();
  const proposalId = await publish(ctx, author);
  const id = await answer(ctx, other, proposalId);
  await counterOffer(ctx, author, id, { quantity: 2, amount: null, due: null });
  await editProposal(ctx, author, proposalId, { ...offer, price: "50" });
  await counterOffer(ctx, other, id, { quantity: 3, amount: null, due: null });
  expect((await rowOf(id)).amount).toBe(3_000n);
  expect((await ledgerOf(other)).held).toBe(3_000n);
});

test("of a proposal that is counted in another unit since, nothing is taken in the old one", async () => {
  const [author, other] = await pair();
  const proposalId = await publish(ctx, author);
  const [id, second] = [await answer(ctx, other, proposalId, 2), await answer(ctx, other, proposalId, 1)];
  await editProposal(ctx, author, proposalId, { ...offer, unit: "one", price: "80" });
  expect(await codeOf(acceptAgreement(ctx, author, id))).toBe("stale_proposal");
  expect(await codeOf(counterOffer(ctx, author, second, { quantity: 1, amount: null, due: null }))).toBe(
    "stale_proposal",
  );
  const [proposal] = await ctx.db.select().from(proposals).where(eq(proposals.id, proposalId));
  expect(proposal?.committed).toBe(0);
  expect(await rejectAgreement(ctx, author, id)).toBe("rejected");
  expect(await withdrawAgreement(ctx, other, second)).toBe("withdrawn");
});

test("verified anew while its line is in use, an organization's line still grows to the policy's length and no further", async () => {
  const [organization, other] = (await fresh(2)) as [Acting, Acting];
  await transact(ctx, async (ctx) => {
    const limits = { minimum: 0n, growth: 0n, maximum: null };
    await setAccountLimits(ctx, await organizationAccount(ctx, organization.actorId), limits, "a test", null);
  });
  await verified(organization);
  const buy = async (payer: Acting, payee: Acting, quantity: number) => {
    pass(2);
    const id = await answer(
      ctx,
      payer,
      await publish(ctx, payee, { price: "1", available: "100" }),
      quantity,
    );
    await acceptAgreement(ctx, payee, id);
    expect(await confirmAgreement(ctx, payer, id)).toBe("settled");
  };
  // Earns until its line is at its longest, then spends it all.
  await buy(other, organization, 30);
  await buy(organization, other, 30);
  await buy(organization, other, 40);
  expect(await ledgerOf(organization)).toMatchObject({ posted: -4_000n, minimum: -4_000n, growth: 0n });
  const again = { state: "verified" as const, sizeClass: "M" as const };
  expect(await decideVerification(ctx, admin, organization.actorId, again)).toEqual({ inUse: true });
  await buy(other, organization, 30);
  expect((await ledgerOf(organization)).minimum).toBe(-4_000n);
});

test("who decides about a voucher's giver and who pays the one it vouches for do not wait for each other in a circle", async () => {
  const [giver, newcomer] = await pair(0n);
  await verified(giver);
  await vouch(ctx, giver, newcomer.actorId, "5");
  const id = await answer(ctx, giver, await publish(ctx, newcomer, { price: "2" }));
  await acceptAgreement(ctx, newcomer, id);
  await database.sql.begin(async (tx) => {
    await tx`select from verifications where organization_id = ${giver.actorId.toString()} for update`;
    expect(await confirmAgreement(ctx, giver, id)).toBe("settled");
    await tx`select from ledger_accounts where actor_id = ${giver.actorId.toString()} for no key update`;
  });
}, 60_000);

test("a row that cannot be worked on keeps the clock from nothing else", async () => {
  const [giver, first, second] = (await fresh(3)) as [Acting, Acting, Acting];
  await verified(giver);
  const sell = async (payer: Acting, payee: Acting) => {
    const id = await answer(ctx, payer, await publish(ctx, payee, { price: "2" }));
    await acceptAgreement(ctx, payee, id);
    await confirmAgreement(ctx, payer, id);
    return id;
  };
  // They earn, are vouched for, and pay: their balance is at zero, and only the clock comes by.
  const paid = await sell(giver, first);
  await sell(giver, second);
  for (const { actorId } of [first, second]) await vouch(ctx, giver, actorId, "1");
  pass(1);
  await sell(first, giver);
  await sell(second, giver);
  const proposalId = await publish(ctx, giver, {
    ends: new Date(now.getTime() + 15 * DAY).toISOString().slice(0, 10),
  });
  await reviewAgreement(ctx, giver, paid, { keptWord: 5, quality: 5, communication: 5, language: "es" });
  const released = async ({ actorId }: Acting) => {
    const [row] = await ctx.db.select().from(vouches).where(eq(vouches.vouchedId, actorId));
    return row?.released != null;
  };
  await database.sql.unsafe(`
    create function poison() returns trigger language plpgsql as $$ begin raise 'poisoned'; end $$;
    create trigger poison before update on reviews for each row execute function poison();
    create trigger poison before update on vouches for each row when (old.vouched_id = ${first.actorId})
      execute function poison();`);
  pass(14);
  const clock = chores(ctx, database.sql, {} as never, async () => "").find(
    ({ name }) => name === "exchange",
  );
  await expect(clock?.run()).rejects.toThrow();
  await database.sql.unsafe("drop function poison cascade");
  expect([await released(first), await released(second)]).toEqual([false, true]);
  const [proposal] = await ctx.db.select().from(proposals).where(eq(proposals.id, proposalId));
  expect(proposal?.noticed).not.toBeNull();
  await clock?.run();
  expect(await released(first)).toBe(true);
}, 60_000);

test("whatever the clock says, what was said last is the newest: an Accept is of the terms on the table", async () => {
  const [author, other] = await pair();
  const id = await answer(ctx, other, await publish(ctx, author));
  pass(-1 / 24);
  await counterOffer(ctx, author, id, { quantity: 2, amount: null, due: null });
  pass(-1 / 24);
  await acceptAgreement(ctx, other, id);
  const steps = await signedSteps(ctx, id);
  expect(steps.map(({ message }) => message)).toEqual(["offer", "counter", "accept"]);
  expect(steps[2]?.body).toContain(steps[1]?.digest);

  await deliverAgreement(ctx, author, id);
  await disputeAgreement(ctx, other, id, { note: "Falta una sesión." });
  const steward = await insertAccount(ctx, {
    ...{ handle: "carla", email: "carla@example.org", name: "Carla", role: "curator", locale: "es" },
    ...{ passwordHash: "none", keys: await generateKeys(ctx) },
  });
  await proposeResolution(ctx, steward.accountId, id, { release: 100n, note: "Poco." });
  pass(-1 / 24);
  await proposeResolution(ctx, steward.accountId, id, { release: 900n, note: "Más." });
  const viewer = { accountId: steward.accountId, actorId: steward.actorId };
  expect((await agreementById(ctx, id, viewer)).resolution?.release).toBe(900n);
});

test("what goes on is found without reading all that ended", async () => {
  const [author, other] = await pair();
  await answer(ctx, other, await publish(ctx, author));
  const undo = new Error("undone");
  await ctx.db
    .transaction(async (tx) => {
      await tx.execute(sql`
        insert into agreements (id, iri, proposal_id, proposal_revision, settlement, provider_id, receiver_id, proposer, state,
          offered_by, quantity, unit, created, changed)
        select n, 'urn:' || n, proposal_id, 1, 'none', provider_id, receiver_id, proposer, 'withdrawn', offered_by, 1, unit, created, changed
        from agreements, generate_series(1, 5000) n where provider_id = ${author.actorId}`);
      await tx.execute(sql`analyze agreements`);
      const read = async () => {
        const [row] = await tx.execute<{ n: string }>(sql`
          select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as n from pg_stat_xact_user_tables where relname = 'agreements'`);
        return Number(row?.n);
      };
      const before = await read();
      expect(await agreementsWaiting({ ...ctx, db: tx }, author.actorId)).toBe(1);
      const { items } = await agreementList({ ...ctx, db: tx }, other.actorId, "open", null);
      expect(items).toHaveLength(1);
      expect((await read()) - before).toBeLessThan(100);
      throw undo;
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error;
    });
});

describe("the checkers find out who gets around the triggers and", () => {
  let names: Record<string, Id>;

  /** A payment with its donation, one by a voucher, a hold, and two that have nothing to do with any of it. */
  beforeAll(async () => {
    const [payer, payee, third, fourth] = (await fresh(4)) as [Acting, Acting, Acting, Acting];
    const agree = async (voucherId: Id | null) => {
      const proposalId = await publish(ctx, payee, { price: "10" });
      const terms = { proposalId, revision: 1, quantity: 1, due: null, voucherId };
      const id = await offerAgreement(ctx, payer, terms);
      await acceptAgreement(ctx, payee, id);
      return id;
    };
    const { id: voucher } = await requestVoucher(ctx, payer, { amount: "10", purpose: "Contabilidad" });
    await decideVoucher(ctx, admin, voucher, { approve: true });
    const [paid, given, open] = [await agree(null), await agree(voucher), await agree(null)];
    await deliverAgreement(ctx, payee, paid, { donation: 20 });
    for (const id of [paid, given]) await confirmAgreement(ctx, payer, id);
    names = {
      voucher,
      paid: (await rowOf(paid)).transferId ?? 0n,
      held: (await rowOf(open)).transferId ?? 0n,
    };
    for (const [name, who] of Object.entries({ payer, payee, third, fourth }))
      names[name] = (await ledgerOf(who)).id;
    expect(await checkLedger(ctx)).toEqual([]);
  }, 60_000);

  const move = (transfer: string) => `
    update ledger_accounts set posted = posted - 50, entries = 1 where id = :third;
    update ledger_accounts set posted = posted + 50, entries = 1 where id = :fourth;
    insert into entries (id, transfer_id, account_id, amount, seq, balance, created)
      values (1, ${transfer}, :third, -50, 1, -50, now()), (2, ${transfer}, :fourth, 50, 1, 50, now())`;

  test.each([
    ["moves credits without any transfer", move("4711"), ["transfers"]],
    ["moves others' credits in a transfer", move(":paid"), ["transfers"]],
    [
      "lets somebody else pay",
      `update transfers set payer_id = :third where id = :held;
       update ledger_accounts set held = held - 1000 where id = :payer;
       update ledger_accounts set held = held + 1000 where id = :third`,
      ["owners"],
    ],
    ["pays somebody else", "update transfers set payee_id = :fourth where id = :held", ["owners"]],
    ["makes a line longer", "update ledger_accounts set minimum = minimum - 1 where id = :third", ["limits"]],
    ["lets a line grow", "update ledger_accounts set growth = growth + 1 where id = :third", ["limits"]],
    [
      "lets a line grow for nothing",
      "update ledger_accounts set minimum = minimum + 1, growth = growth + 1 where id = :third",
      ["limits"],
    ],
    [
      "makes a voucher new",
      "update vouchers set state = 'approved', agreement_id = null where id = :voucher",
      ["vouchers"],
    ],
    [
      "makes a voucher somebody else's",
      "update vouchers set organization_id = (select actor_id from ledger_accounts where id = :third) where id = :voucher",
      ["vouchers"],
    ],
    ["makes a voucher smaller", "update vouchers set approved = 999 where id = :voucher", ["vouchers"]],
  ])("%s", async (_, statements, expected) => {
    const undo = new Error("undone");
    let found: string[] = [];
    await ctx.db
      .transaction(async (tx) => {
        await tx.execute(sql`set local session_replication_role = replica`);
        for (const statement of statements.split(";"))
          await tx.execute(sql.raw(statement.replace(/:(\w+)/g, (_, name: string) => String(names[name]))));
        found = (await checkLedger({ ...ctx, db: tx })).map(({ check }) => check);
        throw undo;
      })
      .catch((error: unknown) => {
        if (error !== undo) throw error;
      });
    expect([...new Set(found)].sort()).toEqual(expected);
  });
});
