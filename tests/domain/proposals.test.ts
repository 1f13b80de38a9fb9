import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAmount, parseAmount } from "../../src/domain/amounts.ts";
import { DomainError, type ErrorCode } from "../../src/domain/errors.ts";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { setUpHub } from "../../src/domain/hubs/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { proposalList } from "../../src/domain/proposals/queries.ts";
import { type RemoteProposal, receiveProposal } from "../../src/domain/proposals/receive.ts";
import { checkProposal, type ProposalInput } from "../../src/domain/proposals/rules.ts";
import { rollbackDatabase } from "../support/database.ts";
import { domainContext, localActor, remoteActor } from "../support/domain.ts";

const OFFER: ProposalInput = {
  purpose: "offer",
  name: "Taller",
  content: "Dos horas.",
  category: "training",
  unit: "hour",
  settlement: "credit",
  price: "7,50",
  online: true,
  language: "es",
};
const NOW = new Date("2026-06-15T12:00:00Z");

function codeOf(work: () => unknown): ErrorCode | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

describe("prices", () => {
  const scale = fc.integer({ min: 0, max: 6 });

  test("what is printed reads back as the same price", () => {
    fc.assert(
      fc.property(scale, fc.bigInt({ min: 1n, max: 10n ** 12n }), (scale, price) => {
        fc.pre(price <= 1_000_000n * 10n ** BigInt(scale));
        const text = formatAmount(price, scale);
        expect(parseAmount("price", text, scale)).toBe(price);
        expect(parseAmount("price", text.replace(".", ","), scale)).toBe(price);
      }),
    );
  });

  test("any text is a price within the bounds or told to be none", () => {
    fc.assert(
      fc.property(scale, fc.oneof(fc.string(), fc.stringMatching(/^[0-9.,+ e-]{0,12}$/)), (scale, text) => {
        const code = codeOf(() => {
          const price = parseAmount("price", text, scale);
          expect(price > 0n && price <= 1_000_000n * 10n ** BigInt(scale)).toBe(true);
        });
        expect([null, "required", "not_a_number"]).toContain(code);
      }),
    );
  });

  test.each([
    ["1000000", 2, null],
    ["1000000.01", 2, "not_a_number"],
    ["0", 2, "not_a_number"],
    ["0.00", 2, "not_a_number"],
    ["7.5", 0, "not_a_number"],
    ["7.0", 0, null],
    ["7.505", 2, "not_a_number"],
    ["7.500", 2, null],
    ["-1", 2, "not_a_number"],
    ["1e3", 2, "not_a_number"],
    ["1.000,50", 2, "not_a_number"],
    ["", 2, "required"],
  ] as const)("%s with %i decimals: %s", (text, scale, code) => {
    expect(codeOf(() => parseAmount("price", text, scale))).toBe(code);
  });
});

describe("what a proposal says", () => {
  test.each([
    [{}, null],
    [{ category: "" }, "required"],
    [{ category: "constructor" }, "invalid"],
    [{ name: " " }, "required"],
    [{ name: "x".repeat(121) }, "too_long"],
    [{ content: "" }, "required"],
    [{ content: "x".repeat(5001) }, "too_long"],
    [{ location: "x".repeat(121) }, "too_long"],
    [{ price: undefined }, "required"],
    [{ price: undefined, settlement: "none" }, null],
    [{ available: "5", minimum: "5" }, null],
    [{ available: "5", minimum: "6" }, "minimum_over_available"],
    [{ minimum: "6" }, null],
    [{ available: "0" }, "not_a_number"],
    [{ available: "1.5" }, "not_a_number"],
    [{ available: "1000001" }, "not_a_number"],
    [{ category: "training.facilitation" }, null],
    [{ category: "training.constructor" }, "invalid"],
    [{ category: "advice.facilitation" }, "invalid"],
    [{ tags: "agua, economía solidaria, #riego" }, null],
    [{ tags: "1 2" }, "invalid"],
    [{ tags: "a<b" }, "invalid"],
    [{ tags: "x".repeat(41) }, "too_long"],
    [{ tags: "a b c d e f g h" }, null],
    [{ tags: "a b c d e f g h i" }, "too_many"],
    [{ country: "BO" }, null],
    [{ country: "bo" }, "invalid"],
    [{ country: "XX" }, "invalid"],
    [{ leadDays: "0" }, null],
    [{ leadDays: "٧" }, null],
    [{ leadDays: "366" }, "not_a_number"],
    [{ leadDays: "-1" }, "not_a_number"],
    [{ ends: "2026-06-31" }, "not_a_date"],
    [{ ends: "31/12/2026" }, "not_a_date"],
    [{ ends: "2026-06-16" }, null],
    [{ ends: "2026-06-14" }, "in_the_past"],
  ] as [Partial<ProposalInput>, ErrorCode | null][])("%o: %s", (change, code) => {
    expect(
      codeOf(() =>
        checkProposal({ ...OFFER, ...change }, { scale: 2, now: new Date("2026-06-15T13:00:00Z") }),
      ),
    ).toBe(code);
  });

  test("a price is kept only where credits are the settlement", () => {
    for (const settlement of ["none", "count", "external"] as const)
      expect(checkProposal({ ...OFFER, settlement }, { scale: 2, now: NOW }).price).toBeNull();
  });
});

describe("the last day of a proposal", () => {
  test("can be today in the evening of Lima, and lasts there until midnight", async () => {
    let now = new Date("2026-06-16T02:00:00Z");
    const ctx = domainContext(await rollbackDatabase(), () => now);
    const acting = await setUpHub(ctx, {
      name: "Hub",
      locale: "es",
      currencyName: "Ayni",
      currencySymbol: "₳",
      admin: { handle: "ana", email: "ana@example.org", password: "correct horse battery staple" },
    });
    await publishProposal(ctx, acting, { ...OFFER, ends: "2026-06-15" });
    const open = async () => (await proposalList(ctx, {}, null, null)).items.length;
    expect(await open()).toBe(1);
    now = new Date("2026-06-16T04:59:59Z");
    expect(await open()).toBe(1);
    now = new Date("2026-06-16T12:00:00Z");
    expect(await open()).toBe(0);
  });
});

test("a remote proposal changes by higher revisions of its author only", async () => {
  const ctx = domainContext(await rollbackDatabase());
  const [reader, author, other] = [
    await localActor(ctx, "reader"),
    await remoteActor(ctx, "author"),
    await remoteActor(ctx, "other"),
  ];
  const iri = "https://remote.example/proposals/1";
  const remote: RemoteProposal = {
    ...{ iri, url: iri, purpose: "offer", name: "r1", content: "<p>r1</p>", language: null, category: null },
    ...{ unit: "one", available: null, minimum: null, unitBased: null, settlement: "none", price: null },
    ...{ currency: null, currencySymbol: null, currencyScale: null, location: null, online: false },
    ...{ subcategory: null, tags: [], languages: [], country: null, leadDays: null, paused: null },
    ...{ revision: 1, published: NOW, updated: null, ends: null },
  };
  expect(await receiveProposal(ctx, author, remote)).toBe(false);
  await requestFollow(ctx, { followerId: reader, followedId: author });
  for (const [actorId, revision, stored, name] of [
    [author, 1, true, "r1"],
    [author, 1, false, "r1"],
    [author, 3, true, "r3"],
    [author, 2, false, "r3"],
    [other, 9, false, "r3"],
  ] as const) {
    expect(await receiveProposal(ctx, actorId, { ...remote, revision, name: `r${revision}` })).toBe(stored);
    expect((await proposalList(ctx, {}, null, null)).items.map((proposal) => proposal.name)).toEqual([name]);
  }
});
