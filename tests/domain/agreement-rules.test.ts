import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AGREEMENT_STATES,
  type AgreementState,
  PARTIES,
  type Party,
} from "../../src/db/schema/agreements.ts";
import type { Settlement } from "../../src/db/schema/proposals.ts";
import { amountFor } from "../../src/domain/agreements/price-rules.ts";
import {
  type Agreement,
  type AgreementPolicy,
  type Effect,
  FINAL,
  type Message,
  type MessageType,
  nextReminder,
  otherParty,
  possible,
  step,
  whoActs,
} from "../../src/domain/agreements/rules.ts";
import { DomainError } from "../../src/domain/errors.ts";

const DAY = 86_400_000;
const NOW = new Date("2026-06-01T12:00:00Z");
const later = (days: number, from = NOW) => new Date(from.getTime() + days * DAY);
const POLICY: AgreementPolicy = {
  answerDays: 14,
  graceDays: 30,
  settleDays: 14,
  disputeDays: 14,
  disputeRule: "half",
};

/** An agreement about 3 hours for 30 credits, offered by the receiver, in a state; credits are held where they would be. */
function agreement(state: AgreementState, settlement: Settlement = "credit"): Agreement {
  const holding = ["offered", "funded", "delivered", "disputed"].includes(state);
  return {
    state,
    settlement,
    between: null,
    proposer: "provider",
    offeredBy: "receiver",
    terms: { quantity: 3, amount: settlement === "credit" ? 3000n : null, due: later(20) },
    held: settlement === "credit" && holding,
    delivered: ["delivered", "confirmed", "disputed", "settled", "resolved"].includes(state) ? NOW : null,
    disputedBy: state === "disputed" ? "receiver" : null,
    resolution: state === "disputed" ? { release: 1000n, signed: [] } : null,
    settled: null,
    deadline: FINAL.includes(state) || state === "confirmed" ? null : later(14),
    remind: null,
  };
}

type Outcome = AgreementState | "not_now" | "other_party";
const NOBODY: Outcome = "not_now";

/** What each party's word leads to, by state: [provider, receiver]. The receiver made the offer. A state that is not here takes nothing. */
const TABLE: Record<string, Partial<Record<AgreementState, [Outcome, Outcome]>>> = {
  accept: { offered: ["funded", "other_party"] },
  reject: { offered: ["rejected", "other_party"] },
  counter: { offered: ["offered", "other_party"] },
  withdraw: { offered: ["other_party", "withdrawn"] },
  cancel: {
    accepted: ["cancelled", "cancelled"],
    funded: ["cancelled", "cancelled"],
    delivered: ["cancelled", "other_party"],
    disputed: ["cancelled", "other_party"],
  },
  deliver: { accepted: [NOBODY, "other_party"], funded: ["delivered", "other_party"] },
  confirm: {
    accepted: ["other_party", NOBODY],
    funded: ["other_party", "confirmed"],
    delivered: ["other_party", "confirmed"],
    disputed: ["other_party", "confirmed"],
  },
  dispute: { delivered: ["disputed", "disputed"] },
  sign: { disputed: ["disputed", "disputed"] },
};

/** The same for those who are no party: the ledger, a steward, the clock before and after the deadline. */
const OTHERS: [name: string, message: Message, at: Date, Partial<Record<AgreementState, AgreementState>>][] =
  [
    ["reserved", { type: "reserved" }, NOW, { accepted: "funded" }],
    ["refused", { type: "refused" }, NOW, { accepted: "cancelled" }],
    ["committed", { type: "committed" }, NOW, { confirmed: "settled", resolved: "resolved" }],
    ["propose", { type: "propose", release: 500n }, NOW, { disputed: "disputed" }],
    [
      "the clock before the deadline",
      { type: "tick" },
      NOW,
      {
        offered: "offered",
        accepted: "accepted",
        funded: "funded",
        delivered: "delivered",
        disputed: "disputed",
      },
    ],
    [
      "the clock at the deadline",
      { type: "tick" },
      later(14),
      {
        offered: "expired",
        accepted: "expired",
        funded: "expired",
        delivered: "confirmed",
        disputed: "resolved",
      },
    ],
  ];

function messageOf(type: string, by: Party, terms = agreement("offered").terms): Message {
  if (type === "counter") return { type, by, terms: { ...terms, quantity: 2 } };
  return { type, by } as Message;
}

function outcome(before: Agreement, message: Message, at = NOW): Outcome {
  try {
    return step(before, message, at, POLICY).agreement.state;
  } catch (error) {
    if (error instanceof DomainError && (error.code === "not_now" || error.code === "other_party"))
      return error.code;
    throw error;
  }
}

describe("every state × message × party", () => {
  for (const [type, row] of Object.entries(TABLE)) {
    test.each(AGREEMENT_STATES)(`${type} when %s`, (state) => {
      const expected = row[state] ?? [NOBODY, NOBODY];
      for (const [index, by] of PARTIES.entries())
        expect(outcome(agreement(state), messageOf(type, by)), by).toBe(expected[index]);
    });
  }
  for (const [name, message, at, row] of OTHERS) {
    test.each(AGREEMENT_STATES)(`${name} when %s`, (state) => {
      expect(outcome(agreement(state), message, at)).toBe(row[state] ?? NOBODY);
    });
  }

  test("the table knows every message that there is", () => {
    const types: Record<MessageType, true> = {
      offer: true,
      counter: true,
      accept: true,
      reject: true,
      withdraw: true,
      cancel: true,
      deliver: true,
      dispute: true,
      sign: true,
      confirm: true,
      propose: true,
      reserved: true,
      refused: true,
      committed: true,
      settled: true,
      released: true,
      lapse: true,
      tick: true,
    };
    const between = ["settled", "released", "lapse"];
    const tested = new Set([
      ...Object.keys(TABLE),
      ...OTHERS.map(([, { type }]) => type),
      "offer",
      ...between,
    ]);
    expect([...tested].sort()).toEqual(Object.keys(types).sort());
  });

  test("an offer makes an agreement and is not taken twice; nothing else makes one", () => {
    const offer: Message = {
      type: "offer",
      by: "receiver",
      proposer: "provider",
      settlement: "credit",
      terms: agreement("offered").terms,
    };
    expect(step(null, offer, NOW, POLICY).agreement).toEqual({
      ...agreement("offered"),
      remind: later(7),
    });
    for (const state of AGREEMENT_STATES)
      expect(outcome(agreement(state), offer)).toMatch(/not_now|other_party/);
    for (const type of Object.keys(TABLE))
      expect(() => step(null, messageOf(type, "receiver"), NOW, POLICY)).toThrow("there is no agreement yet");
  });

  test("of a gift, too, each state takes what it should: without credits there is nothing to be held", () => {
    expect(outcome({ ...agreement("offered", "none") }, messageOf("accept", "provider"))).toBe("accepted");
    expect(outcome(agreement("accepted", "none"), messageOf("deliver", "provider"))).toBe("delivered");
    expect(outcome(agreement("accepted", "none"), messageOf("confirm", "receiver"))).toBe("settled");
    expect(outcome(agreement("delivered", "count"), messageOf("confirm", "receiver"))).toBe("settled");
    expect(outcome(agreement("delivered", "external"), { type: "tick" }, later(14))).toBe("settled");
    expect(outcome(agreement("disputed", "none"), { type: "tick" }, later(14))).toBe("resolved");
  });

  test("what a page offers is exactly what the rules take", () => {
    for (const settlement of ["credit", "none"] as const)
      for (const state of AGREEMENT_STATES)
        for (const party of PARTIES) {
          const before = agreement(state, settlement);
          const taken = Object.keys(TABLE).filter((type) => {
            const said = type === "counter" ? messageOf(type, party, before.terms) : messageOf(type, party);
            return !["not_now", "other_party"].includes(outcome(before, said));
          });
          expect(possible(before, party).sort(), `${state} ${party}`).toEqual(taken.sort());
        }
  });
});

describe("amounts", () => {
  const delivered = agreement("delivered");
  const confirm = (rest: object) => () =>
    step(delivered, { type: "confirm", by: "receiver", ...rest } as Message, NOW, POLICY);

  test("a part is paid, and no more than was agreed", () => {
    expect(confirm({ amount: 1n })().effects).toContainEqual({
      type: "commit",
      amount: 1n,
      automatic: false,
    });
    expect(confirm({})().agreement.settled).toEqual({ amount: 3000n, quantity: 3, automatic: false });
    for (const amount of [0n, -1n, 3001n]) expect(confirm({ amount })).toThrow("more than was agreed");
    for (const quantity of [0, -1, 4]) expect(confirm({ quantity })).toThrow("more than was agreed");
  });

  test("nothing is paid for a gift", () => {
    const gift = agreement("delivered", "none");
    const paid = () => step(gift, { type: "confirm", by: "receiver", amount: 1n }, NOW, POLICY);
    expect(paid).toThrow("no amount was agreed");
  });

  test("who is in dispute cannot end it by paying a part", () => {
    const disputed = agreement("disputed");
    const part = () => step(disputed, { type: "confirm", by: "receiver", amount: 1n }, NOW, POLICY);
    expect(part).toThrow("in whole");
    expect(outcome(disputed, { type: "confirm", by: "receiver" })).toBe("confirmed");
  });

  test.each([
    ["refund", 0n],
    ["half", 1500n],
    ["release", 3000n],
  ] as const)("a dispute that nobody ends: %s gives the provider %s", (disputeRule, paid) => {
    const { effects } = step(agreement("disputed"), { type: "tick" }, later(14), { ...POLICY, disputeRule });
    const done = paid === 0n ? { type: "abort" } : { type: "commit", amount: paid, automatic: false };
    expect(effects).toContainEqual(done);
  });

  test("both sign a resolution, in either order, and not twice", () => {
    for (const first of PARTIES) {
      const signed = step(agreement("disputed"), { type: "sign", by: first }, NOW, POLICY).agreement;
      expect(outcome(signed, { type: "sign", by: first })).toBe("not_now");
      const { agreement: ended, effects } = step(
        signed,
        { type: "sign", by: otherParty(first) },
        NOW,
        POLICY,
      );
      expect(ended.state).toBe("resolved");
      expect(effects).toContainEqual({ type: "commit", amount: 1000n, automatic: false });
      const newer = step(signed, { type: "propose", release: 0n }, NOW, POLICY).agreement;
      expect(newer.resolution).toEqual({ release: 0n, signed: [] });
    }
    const without = { ...agreement("disputed"), resolution: null };
    expect(outcome(without, { type: "sign", by: "receiver" })).toBe("not_now");
    expect(() => step(without, { type: "propose", release: 3001n }, NOW, POLICY)).toThrow(
      "more than is held",
    );
  });

  const offer = {
    settlement: "credit",
    unitBased: true,
    price: 1000n,
    minimum: 2,
    available: 10,
    committed: 5,
  } as const;

  test("FEP-0837: per unit in multiples, in all exactly, or as the two like", () => {
    expect(amountFor(offer, 3, null)).toBe(3000n);
    expect(amountFor(offer, 3, 3000n)).toBe(3000n);
    expect(() => amountFor(offer, 3, 2999n)).toThrow("sets the price");
    expect(amountFor({ ...offer, unitBased: false }, 3, null)).toBe(1000n);
    expect(amountFor({ ...offer, unitBased: null }, 3, 2999n)).toBe(2999n);
    expect(amountFor({ ...offer, settlement: "none", price: null }, 3, null)).toBe(null);
    expect(() => amountFor(offer, 1, null)).toThrow("at least 2");
    expect(() => amountFor(offer, 6, null)).toThrow("only 5");
  });
});

test("reminders come seven days and one day before, and on the day, each once", () => {
  const target = later(20);
  const given: number[] = [];
  for (let at = nextReminder(target, NOW); at !== null; at = nextReminder(target, at))
    given.push((target.getTime() - at.getTime()) / DAY);
  expect(given).toEqual([7, 1, 0]);
  expect(nextReminder(later(0.5), NOW)).toEqual(later(0.5));

  const funded = { ...agreement("funded"), remind: later(13), deadline: later(50) };
  const { agreement: after, effects } = step(funded, { type: "tick" }, later(13), POLICY);
  expect(effects).toEqual([{ type: "remind", to: "provider", target: later(20) }]);
  expect(after.remind).toEqual(later(19));
  // A clock that stood still for weeks reminds once.
  expect(step(funded, { type: "tick" }, later(30), POLICY).agreement.remind).toBe(null);
});

test("whose turn it is", () => {
  expect(whoActs(agreement("offered"))).toEqual(["provider"]);
  expect(whoActs(agreement("funded"))).toEqual(["provider"]);
  expect(whoActs(agreement("delivered"))).toEqual(["receiver"]);
  expect(whoActs(agreement("disputed"))).toEqual(["provider", "receiver"]);
  expect(whoActs(agreement("settled"))).toEqual([]);
});

describe("random histories", () => {
  /** A hub in miniature: one proposal with 5 units, one hold per agreement, a ledger of two accounts. */
  interface World {
    agreements: Agreement[];
    holds: (bigint | null)[];
    committed: number;
    paid: bigint;
    commits: number[];
  }

  const AVAILABLE = 5;
  const LINE = 9000n;

  function carryOut(world: World, index: number, effects: Effect[], at: Date): void {
    for (const effect of effects) {
      if (effect.type === "take") {
        if (world.committed + effect.quantity > AVAILABLE)
          throw new DomainError("over_available", "none left");
        world.committed += effect.quantity;
      } else if (effect.type === "giveBack") world.committed -= effect.quantity;
      else if (effect.type === "abort") {
        expect(world.holds[index], "what is freed was held").not.toBe(null);
        world.holds[index] = null;
      } else if (effect.type === "reserve") {
        const held = world.holds.reduce<bigint>((sum, hold) => sum + (hold ?? 0n), 0n);
        if (world.paid + held + effect.amount > LINE)
          throw new DomainError("insufficient_credit", "no credit");
        expect(world.holds[index] ?? null, "nothing is held twice").toBe(null);
        world.holds[index] = effect.amount;
        const now = world.agreements[index]!;
        if (now.state === "accepted")
          world.agreements[index] = step(now, { type: "reserved" }, at, POLICY).agreement;
      } else if (effect.type === "commit") {
        const hold = world.holds[index] ?? 0n;
        expect(effect.amount <= hold, "no more is paid than was held").toBe(true);
        world.holds[index] = null;
        world.paid += effect.amount;
        world.commits[index] = (world.commits[index] ?? 0) + 1;
        world.agreements[index] = step(world.agreements[index]!, { type: "committed" }, at, POLICY).agreement;
      }
    }
  }

  const terms = fc.record({
    quantity: fc.integer({ min: 1, max: 4 }),
    amount: fc.bigInt({ min: 1n, max: 5000n }),
    due: fc.constant(null),
  });
  const action = fc.record({
    index: fc.nat({ max: 3 }),
    type: fc.constantFrom<string>(...Object.keys(TABLE), "propose", "tick", "offer"),
    by: fc.constantFrom<Party>(...PARTIES),
    days: fc.integer({ min: 0, max: 20 }),
    amount: fc.option(fc.bigInt({ min: 1n, max: 5000n }), { nil: undefined }),
    terms,
    settlement: fc.constantFrom<Settlement>("credit", "credit", "credit", "none", "count", "external"),
  });

  test("S3, S4, S5, S14, S17: nothing is paid twice, beyond the hold or the line, or for a gift; no more is taken than there is", () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 5, maxLength: 60 }), (actions) => {
        const world: World = { agreements: [], holds: [], committed: 0, paid: 0n, commits: [] };
        let at = NOW;
        for (const { index, type, by, days, amount, terms, settlement } of actions) {
          at = later(days / 4, at);
          const known = world.agreements[index];
          const agreed = {
            ...terms,
            amount: (known?.settlement ?? settlement) === "credit" ? terms.amount : null,
          };
          const message = {
            type,
            by,
            ...(type === "offer" ? { settlement, proposer: otherParty(by), terms: agreed } : {}),
            ...(type === "counter" ? { terms: agreed } : {}),
            ...(type === "propose" ? { release: terms.amount, by: undefined } : {}),
            ...(type === "confirm" && amount !== undefined ? { amount } : {}),
          } as Message;
          if (type === "tick" || type === "propose") Reflect.deleteProperty(message, "by");
          const slot = known === undefined ? world.agreements.length : index;
          const before = structuredClone(world);
          try {
            const { agreement: next, effects } = step(known ?? null, message, at, POLICY);
            world.agreements[slot] = next;
            world.holds[slot] ??= null;
            carryOut(world, slot, effects, at);
            if (known !== undefined && FINAL.includes(known.state)) expect(next.state).toBe(known.state);
          } catch (error) {
            if (!(error instanceof DomainError)) throw error;
            // One transaction per intention: what is refused leaves no trace.
            Object.assign(world, before);
          }
          const live = world.agreements.filter(({ state }) =>
            ["accepted", "funded", "delivered", "disputed", "confirmed"].includes(state),
          );
          const kept = world.agreements.filter(
            ({ state, settled }) => state === "settled" || (state === "resolved" && settled !== null),
          );
          const taken = [...live, ...kept].reduce((sum, { terms }) => sum + terms.quantity, 0);
          expect(world.committed).toBe(taken);
          expect(world.committed).toBeLessThanOrEqual(AVAILABLE);
          for (const [slot, { state, settlement, held }] of world.agreements.entries()) {
            const hold = world.holds[slot] ?? null;
            expect(held, `${state}: the rules know whether credits are held`).toBe(hold !== null);
            expect(world.commits[slot] ?? 0, "paid at most once").toBeLessThanOrEqual(1);
            if (settlement !== "credit") expect([hold, world.commits[slot] ?? 0]).toEqual([null, 0]);
            if (FINAL.includes(state)) expect(hold, `${state}: nothing stays held`).toBe(null);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("nothing waits for ever: whatever state it is in, the clock alone brings it to an end", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...AGREEMENT_STATES),
        fc.constantFrom<Settlement>("credit", "none"),
        (state, settlement) => {
          let now: Agreement = agreement(state, settlement);
          if (state === "confirmed") return;
          for (let round = 0; round < 5 && !FINAL.includes(now.state); round++) {
            now = step(now, { type: "tick" }, now.deadline!, POLICY).agreement;
            if (now.state === "confirmed") now = step(now, { type: "committed" }, NOW, POLICY).agreement;
          }
          expect(FINAL).toContain(now.state);
        },
      ),
    );
  });
});
