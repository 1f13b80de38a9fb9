import { desc, eq } from "drizzle-orm";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { ledgerAccounts, limitChanges, vouches } from "../../src/db/schema/ledger.ts";
import { notices } from "../../src/db/schema/notices.ts";
import { directory } from "../../src/domain/actors/queries.ts";
import type { Acting, Ctx } from "../../src/domain/context.ts";
import { DomainError, type ErrorCode } from "../../src/domain/errors.ts";
import { organizationAccount } from "../../src/domain/ledger/accounts.ts";
import { currentPolicy } from "../../src/domain/ledger/policy.ts";
import { creditLine } from "../../src/domain/ledger/rules.ts";
import { commit, reserve } from "../../src/domain/ledger/transfers.ts";
import {
  canGiveBack,
  DECIDABLE,
  DECISIONS,
  type Decision,
  floorFor,
  freeLine,
} from "../../src/domain/organizations/rules.ts";
import {
  decidedVerifications,
  decideVerification,
  requestVerification,
  verificationOf,
  verificationQueue,
} from "../../src/domain/organizations/verification.ts";
import {
  releaseDueVouches,
  releaseVouches,
  vouch,
  vouchesOf,
  vouchOffer,
  withdrawVouch,
} from "../../src/domain/organizations/vouching.ts";
import { transact } from "../../src/domain/transact.ts";
import { rollbackDatabase, testDatabase } from "../support/database.ts";
import { domainContext, remoteActor } from "../support/domain.ts";
import { type QuickHub, quickHub } from "../support/quick-hub.ts";

const START = new Date("2026-06-15T12:00:00Z");
const STATEMENT = { sizeClass: "M", statement: "Registro 1234; nos conoce la Red Semilla." } as const;

const codeOf = (work: Promise<unknown>): Promise<ErrorCode | null> =>
  work.then(
    () => null,
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );

let ctx: Ctx;
let now: Date;
let hub: QuickHub;
let curator: Acting;

async function begin(context: Ctx): Promise<void> {
  ctx = context;
  hub = await quickHub(ctx);
  curator = await hub.account("carla", "curator");
}

const account = async (actorId: Id) => {
  const [row] = await ctx.db.select().from(ledgerAccounts).where(eq(ledgerAccounts.actorId, actorId));
  if (row === undefined) throw new Error("no account");
  return row;
};

const decide = (organization: Acting, state: Decision, sizeClass: "S" | "M" | "L" = "M", as = curator) =>
  decideVerification(ctx, as, organization.actorId, { state, sizeClass, note: "Vista la documentación." });

/** A verified organization. */
async function verified(handle: string, sizeClass: "S" | "M" | "L" = "M"): Promise<Acting> {
  const organization = await hub.organization(handle);
  await requestVerification(ctx, organization, { ...STATEMENT, sizeClass });
  await decide(organization, "verified", sizeClass);
  return organization;
}

/** One pays the other, or (`hold`) only promises to. */
async function pay(payer: Acting, payee: Acting, amount: bigint, hold = false): Promise<void> {
  // Entries of one instant would hide what came first.
  now = new Date(now.getTime() + 1000);
  await transact(ctx, async (ctx) => {
    const transfer = await reserve(ctx, {
      ...{ kind: "agreement", amount, accountId: payer.accountId },
      payerId: await organizationAccount(ctx, payer.actorId),
      payeeId: await organizationAccount(ctx, payee.actorId),
    });
    if (!hold) await commit(ctx, transfer, { amount, decision: "confirm", accountId: payer.accountId });
  });
}

const toldTo = async ({ accountId }: Acting) =>
  (await ctx.db.select({ kind: notices.kind }).from(notices).where(eq(notices.accountId, accountId))).map(
    ({ kind }) => kind,
  );

describe("the rules", () => {
  test.each([
    [0n, 0n, -1000n, 1000n],
    [-400n, 0n, -1000n, 600n],
    [-400n, 300n, -1000n, 300n],
    [5000n, 0n, -1000n, 1000n],
    [0n, 0n, 0n, 0n],
    [-1000n, 0n, -1000n, 0n],
  ])("with %s posted, %s held and a floor of %s, %s of the line are free", (posted, held, minimum, free) => {
    expect(freeLine({ posted, held, minimum })).toBe(free);
    expect(canGiveBack({ posted, held, minimum }, posted - held - minimum)).toBe(true);
    expect(canGiveBack({ posted, held, minimum }, posted - held - minimum + 1n)).toBe(false);
  });

  test.each([
    [1000n, 0n, 0n, 0n, -1000n, false],
    [1000n, 300n, 0n, 0n, -700n, false],
    [1000n, 0n, 500n, 0n, -1500n, false],
    [1000n, 0n, 0n, -1200n, -1200n, true],
    [0n, 0n, 0n, -700n, -700n, true],
    // What it has lent is not taken from what others lend to it.
    [0n, 300n, 500n, 0n, -500n, false],
    [0n, 300n, 0n, 900n, 0n, false],
  ])("a line of %s, %s lent, %s borrowed, %s in use: %s", (line, given, received, posted, minimum, inUse) => {
    expect(floorFor(line, { given, received }, { posted, held: 0n })).toEqual({ minimum, inUse });
  });
});

describe("verification", () => {
  beforeEach(async () => {
    now = START;
    await begin(domainContext(await rollbackDatabase(), () => now));
  });

  test("an organization asks, curators see it, the longest waiting first", async () => {
    const [first, second] = [await hub.organization("rio"), await hub.organization("semilla")];
    await requestVerification(ctx, second, STATEMENT);
    now = new Date(now.getTime() + 1000);
    await requestVerification(ctx, first, STATEMENT);
    expect((await verificationQueue(ctx)).map(({ organization }) => organization.handle)).toEqual([
      ...["semilla", "rio"],
    ]);
    expect(await toldTo(curator)).toEqual(["verification_requested", "verification_requested"]);
    // What is said anew is no second request.
    await requestVerification(ctx, first, { sizeClass: "S", statement: "Otra cosa" });
    expect(await toldTo(curator)).toHaveLength(2);
    expect(await verificationOf(ctx, first.actorId)).toMatchObject({
      sizeClass: "S",
      statement: "Otra cosa",
    });
  });

  test("only organizations ask, and they say something", async () => {
    expect(await codeOf(requestVerification(ctx, curator, STATEMENT))).toBe("organization_needed");
    const organization = await hub.organization("rio");
    const wrong = { ...STATEMENT, statement: " " };
    expect(await codeOf(requestVerification(ctx, organization, wrong))).toBe("required");
    const long = { ...STATEMENT, statement: "x".repeat(2001) };
    expect(await codeOf(requestVerification(ctx, organization, long))).toBe("too_long");
  });

  test("only curators and administrators decide, and only about who asked", async () => {
    const organization = await hub.organization("rio");
    expect(await codeOf(decide(organization, "verified"))).toBe("not_found");
    await requestVerification(ctx, organization, STATEMENT);
    for (const who of [organization, await hub.account("berta")])
      expect(await codeOf(decide(organization, "verified", "M", who))).toBe("forbidden");
    await decide(organization, "verified", "M", await hub.account("ana", "admin"));
    expect((await verificationOf(ctx, organization.actorId))?.state).toBe("verified");
  });

  test("in each state some things can be decided and others not", async () => {
    for (const [state, decidable] of Object.entries(DECIDABLE)) {
      for (const decision of DECISIONS) {
        const organization = await hub.organization(`${state}_${decision}`);
        await requestVerification(ctx, organization, STATEMENT);
        if (state !== "requested") await decide(organization, state === "refused" ? "refused" : "verified");
        if (state === "revoked") await decide(organization, "revoked");
        const code = await codeOf(decide(organization, decision));
        expect(code, `${state}, ${decision}`).toBe(decidable.includes(decision) ? null : "conflict");
      }
    }
  });

  test("who says no, says why; who was refused may ask again, who is verified not", async () => {
    const organization = await hub.organization("rio");
    await requestVerification(ctx, organization, STATEMENT);
    const refused = { state: "refused", sizeClass: "M", note: " " } as const;
    expect(await codeOf(decideVerification(ctx, curator, organization.actorId, refused))).toBe("required");
    await decide(organization, "refused");
    expect(await toldTo(organization)).toEqual(["verification_decided"]);
    await requestVerification(ctx, organization, STATEMENT);
    expect(await verificationOf(ctx, organization.actorId)).toMatchObject({ state: "requested", note: null });
    await decide(organization, "verified");
    expect(await codeOf(requestVerification(ctx, organization, STATEMENT))).toBe("already_verified");
  });

  test("a verified one is shown as such, one that asked, was refused or lost it is not", async () => {
    for (const state of ["asked", "verified", "refused", "revoked"] as const) {
      const organization = await hub.organization(state);
      await requestVerification(ctx, organization, STATEMENT);
      if (state === "verified" || state === "revoked") await decide(organization, "verified");
      if (state === "refused" || state === "revoked") await decide(organization, state);
    }
    const { items } = await directory(ctx, null);
    expect(items.filter(({ verified }) => verified).map(({ handle }) => handle)).toEqual(["verified"]);
    const { items: decided } = await decidedVerifications(ctx, null);
    expect(decided.map(({ state }) => state)).toEqual(["revoked", "refused", "verified"]);
  });

  test.each(["S", "M", "L"] as const)(
    "an organization of size %s gets the line of the policy",
    async (size) => {
      const organization = await verified("rio", size);
      const line = creditLine(await currentPolicy(ctx), size);
      expect(await account(organization.actorId)).toMatchObject(line);
      expect(line.minimum).toBe(size === "S" ? -2000n : -1000n);
      const [change] = await ctx.db.select().from(limitChanges).orderBy(desc(limitChanges.id)).limit(1);
      expect(change).toMatchObject({ reason: "verified", accountId: curator.accountId, ...line });
    },
  );

  test("a smaller line or none: what is in use stays, and it is said", async () => {
    const [organization, other] = [await verified("rio", "S"), await hub.organization("semilla")];
    await pay(organization, other, 1500n);
    expect(await decide(organization, "verified", "L")).toEqual({ inUse: true });
    expect((await account(organization.actorId)).minimum).toBe(-1500n);
    await pay(other, organization, 1200n);
    expect(await decide(organization, "verified", "L")).toEqual({ inUse: false });
    expect((await account(organization.actorId)).minimum).toBe(-1000n);
    expect(await decide(organization, "revoked")).toEqual({ inUse: true });
    expect(await account(organization.actorId)).toMatchObject({ minimum: -300n, growth: 0n });
    await pay(other, organization, 300n);
    expect(await decide(organization, "verified")).toEqual({ inUse: false });
    expect(await decide(organization, "revoked")).toEqual({ inUse: false });
    expect(await account(organization.actorId)).toMatchObject({ minimum: 0n, growth: 0n });
  });

  test("what is held counts as in use", async () => {
    const [organization, other] = [await verified("rio"), await hub.organization("semilla")];
    await pay(organization, other, 400n, true);
    expect(await decide(organization, "revoked")).toEqual({ inUse: true });
    expect((await account(organization.actorId)).minimum).toBe(-400n);
  });
});

describe("vouching", () => {
  let voucher: Acting;
  let newcomer: Acting;
  const give = (amount: string, from = voucher, to = newcomer) => vouch(ctx, from, to.actorId, amount);
  const floor = async ({ actorId }: Acting) => (await account(actorId)).minimum;

  beforeEach(async () => {
    now = START;
    await begin(domainContext(await rollbackDatabase(), () => now));
    voucher = await verified("rio");
    newcomer = await hub.organization("semilla");
  });

  test("a pledge moves from one line to the other, and both know", async () => {
    await give("3,5");
    expect([await floor(voucher), await floor(newcomer)]).toEqual([-650n, -350n]);
    expect(await toldTo(newcomer)).toEqual(["vouched"]);
    const [given, received] = [await vouchesOf(ctx, voucher.actorId), await vouchesOf(ctx, newcomer.actorId)];
    expect(given).toMatchObject({ given: [{ amount: 350n }], received: [] });
    expect(received).toMatchObject({ given: [], received: [{ amount: 350n }] });
    expect(received.received[0]?.organization.id).toBe(voucher.actorId);
    await pay(newcomer, voucher, 350n);
    expect(await codeOf(pay(newcomer, voucher, 1n))).toBe("insufficient_credit");
  });

  test("no more than the hub allows, and no more than is free", async () => {
    expect(await codeOf(give("5,01"))).toBe("over_vouch_max");
    for (const wrong of ["", "0", "-1", "x"])
      expect(await codeOf(give(wrong))).toBe(wrong === "" ? "required" : "not_a_number");
    await pay(voucher, newcomer, 700n);
    expect(await codeOf(give("3,01"))).toBe("no_free_line");
    expect(await vouchOffer(ctx, voucher.actorId, newcomer.actorId)).toEqual({ free: 300n, max: 300n });
    await give("3");
    expect(await codeOf(pay(voucher, newcomer, 1n))).toBe("insufficient_credit");
    expect(await vouchOffer(ctx, voucher.actorId, newcomer.actorId)).toBeNull();
  });

  test("credits that it has are no line to lend", async () => {
    await pay(await verified("rica"), newcomer, 1000n);
    await pay(newcomer, voucher, 1000n);
    for (const handle of ["n2", "n3", "n4"]) await give("5", voucher, await hub.organization(handle));
    // Earning made its line longer by as much as it earned: all of that is lent, and what it has is left.
    expect(await account(voucher.actorId)).toMatchObject({ minimum: -500n, posted: 1000n });
    await withdrawVouch(ctx, voucher, (await directory(ctx, null)).items[0]?.id ?? 0n);
    await decide(voucher, "revoked");
    expect(await codeOf(give("1"))).toBe("not_verified");
  });

  test("only verified organizations, for other organizations of this hub", async () => {
    const other = await hub.organization("otra");
    expect(await codeOf(give("1", other))).toBe("not_verified");
    expect(await codeOf(give("1", curator))).toBe("organization_needed");
    expect(await codeOf(give("1", voucher, voucher))).toBe("not_found");
    expect(await codeOf(give("1", voucher, curator))).toBe("not_found");
    const nour = await remoteActor(ctx, "nour");
    expect(await codeOf(vouch(ctx, voucher, nour, "1"))).toBe("not_found");
    expect(await codeOf(vouch(ctx, voucher, 1n, "1"))).toBe("not_found");
  });

  test("at most two for one, three by one, and one for a pair", async () => {
    const [second, third] = [await verified("dos"), await verified("tres")];
    await give("1");
    expect(await codeOf(give("1"))).toBe("already_vouched");
    await give("1", second);
    expect(await codeOf(give("1", third))).toBe("too_many_vouches");
    for (const handle of ["n2", "n3"]) await give("1", voucher, await hub.organization(handle));
    expect(await codeOf(give("1", voucher, await hub.organization("n4")))).toBe("too_many_vouches");
    // One that was taken back makes room.
    await withdrawVouch(ctx, voucher, newcomer.actorId);
    await give("1", third);
  });

  test("a pledge is taken back when the other one does not use it", async () => {
    await give("5");
    await pay(newcomer, voucher, 200n, true);
    expect(await codeOf(withdrawVouch(ctx, voucher, newcomer.actorId))).toBe("vouch_in_use");
    expect([await floor(voucher), await floor(newcomer)]).toEqual([-500n, -500n]);
    await pay(voucher, newcomer, 200n);
    expect(await codeOf(withdrawVouch(ctx, newcomer, voucher.actorId))).toBe("not_found");
    await withdrawVouch(ctx, voucher, newcomer.actorId);
    expect([await floor(voucher), await floor(newcomer)]).toEqual([-1000n, 0n]);
    expect(await codeOf(withdrawVouch(ctx, voucher, newcomer.actorId))).toBe("not_found");
  });

  test("it is let go when the other one is at zero again, not before", async () => {
    await give("5");
    await releaseVouches(ctx, newcomer.actorId);
    expect(await floor(newcomer)).toBe(-500n);
    await pay(newcomer, voucher, 300n);
    await releaseVouches(ctx, newcomer.actorId);
    expect(await floor(newcomer)).toBe(-500n);
    await pay(voucher, newcomer, 300n);
    await releaseVouches(ctx, newcomer.actorId);
    expect([await floor(voucher), await floor(newcomer)]).toEqual([-1300n, 0n]);
    expect(await vouchesOf(ctx, newcomer.actorId)).toEqual({ given: [], received: [] });
    await releaseVouches(ctx, newcomer.actorId);
    expect(await floor(voucher)).toBe(-1300n);
  });

  test("it stays while a hold uses it, and the clock lets it go later", async () => {
    await give("5");
    await pay(voucher, newcomer, 100n);
    await pay(newcomer, voucher, 300n, true);
    await releaseDueVouches(ctx);
    expect(await floor(newcomer)).toBe(-500n);
    await pay(voucher, newcomer, 200n);
    await releaseDueVouches(ctx);
    expect([await floor(voucher), await floor(newcomer)]).toEqual([-1000n, 0n]);
  });

  test("a line that was lost does not come back with a pledge", async () => {
    await give("5");
    await decide(voucher, "revoked");
    expect([await floor(voucher), await floor(newcomer)]).toEqual([0n, -500n]);
    await withdrawVouch(ctx, voucher, newcomer.actorId);
    expect([await floor(voucher), await floor(newcomer)]).toEqual([0n, 0n]);
  });

  test("verified while it is vouched for and vouches: both pledges are kept in its line", async () => {
    await give("5");
    await requestVerification(ctx, newcomer, STATEMENT);
    await decide(newcomer, "verified");
    expect(await floor(newcomer)).toBe(-1500n);
    await give("2", newcomer, await hub.organization("tercera"));
    await decide(newcomer, "verified");
    expect(await floor(newcomer)).toBe(-1300n);
    await decide(newcomer, "revoked");
    expect(await floor(newcomer)).toBe(-500n);
  });

  test("whatever happens, credit lines are neither made nor lost, and nobody is below its floor", async () => {
    const everybody = [voucher, newcomer, await verified("dos"), await hub.organization("tres")];
    const total = async () => {
      const rows = await ctx.db.select().from(ledgerAccounts);
      for (const { posted, held, minimum } of rows) {
        expect(posted - held >= (minimum ?? 0n)).toBe(true);
        expect((minimum ?? 0n) <= 0n).toBe(true);
      }
      return rows.reduce((sum, { minimum, growth }) => sum + (minimum ?? 0n) - growth, 0n);
    };
    const whole = await total();
    const who = fc.nat({ max: 3 });
    const step = fc.record({
      kind: fc.constantFrom("vouch", "withdraw", "pay", "pay", "release", "clock"),
      from: who,
      to: who,
      amount: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        for (const { kind, from, to, amount } of steps) {
          const [one, other] = [everybody[from]!, everybody[to]!];
          if (kind === "vouch") await codeOf(give(String(amount), one, other));
          if (kind === "withdraw") await codeOf(withdrawVouch(ctx, one, other.actorId));
          if (kind === "pay" && from !== to) await codeOf(pay(one, other, BigInt(amount * 100)));
          if (kind === "release") await releaseVouches(ctx, one.actorId);
          if (kind === "clock") await releaseDueVouches(ctx);
          // A payment of a day ago is no longer counted for the day's limit.
          now = new Date(now.getTime() + 86_400_000);
          expect(await total()).toBe(whole);
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

test("many vouch for the same one at once, and one for many: never more than there may be", async () => {
  now = START;
  await begin(domainContext((await testDatabase()).db, () => now));
  const vouchers: Acting[] = [];
  const newcomers: Acting[] = [];
  for (let n = 0; n < 5; n++) {
    vouchers.push(await verified(`v${n}`));
    newcomers.push(await hub.organization(`n${n}`));
  }
  const target = newcomers[0]!;
  const codes = await Promise.all(vouchers.map((one) => codeOf(vouch(ctx, one, target.actorId, "5"))));
  expect(codes.toSorted()).toEqual([null, null, ...Array(3).fill("too_many_vouches")].toSorted());
  expect((await account(target.actorId)).minimum).toBe(-1000n);

  const fresh = await verified("una");
  const given = await Promise.all(newcomers.slice(1).map((to) => codeOf(vouch(ctx, fresh, to.actorId, "5"))));
  // Two pledges of five hours are its whole line.
  expect(given.filter((code) => code === null)).toHaveLength(2);
  expect((await account(fresh.actorId)).minimum).toBe(0n);
  const open = await ctx.db.select().from(vouches).where(eq(vouches.voucherId, fresh.actorId));
  expect(open).toHaveLength(2);

  // Both for one another at the same time: locks are taken in one order.
  const [left, right] = [await verified("izquierda"), await verified("derecha")];
  const mutual = await Promise.all([
    codeOf(vouch(ctx, left, right.actorId, "1")),
    codeOf(vouch(ctx, right, left.actorId, "2")),
  ]);
  expect(mutual).toEqual([null, null]);
  expect([(await account(left.actorId)).minimum, (await account(right.actorId)).minimum]).toEqual([
    ...[-1100n, -900n],
  ]);
  await Promise.all([
    withdrawVouch(ctx, left, right.actorId),
    withdrawVouch(ctx, right, left.actorId),
    decide(left, "revoked"),
  ]);
  expect((await account(left.actorId)).minimum).toBe(0n);
}, 60_000);
