import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatAmount, parseAmount } from "../../src/domain/amounts.ts";
import {
  type Account,
  available,
  checkReserve,
  creditLine,
  defaultPolicy,
  donatable,
  donationOf,
  excess,
  growthBy,
  quarterOf,
  quoteFromPayee,
  quoteFromPayer,
  type Rate,
  type Transfer,
  type TransferMessage,
  transferStep,
} from "../../src/domain/ledger/rules.ts";

const NOW = new Date("2026-05-01T12:00:00Z");
const EARLIER = new Date("2026-04-01T12:00:00Z");

const STATES: Record<string, Transfer | null> = {
  none: null,
  reserved: { state: "reserved", amount: 100n, settled: null, decided: null },
  committed: { state: "committed", amount: 100n, settled: 60n, decided: EARLIER },
  aborted: { state: "aborted", amount: 100n, settled: null, decided: EARLIER },
};
const MESSAGES: Record<string, TransferMessage> = {
  "reserve 100": { type: "reserve", amount: 100n },
  "reserve 99": { type: "reserve", amount: 99n },
  "reserve 0": { type: "reserve", amount: 0n },
  "commit 60": { type: "commit", amount: 60n },
  "commit 100": { type: "commit", amount: 100n },
  "commit 101": { type: "commit", amount: 101n },
  "commit 0": { type: "commit", amount: 0n },
  abort: { type: "abort" },
};
/** What each message does in each state: effects, or why it is refused; "" for nothing. */
const TABLE: Record<string, Record<string, string>> = {
  none: {
    "reserve 100": "hold 100",
    "reserve 99": "hold 99",
    "reserve 0": "over_amount",
    "commit 60": "not_found",
    "commit 100": "not_found",
    "commit 101": "not_found",
    "commit 0": "not_found",
    abort: "not_found",
  },
  reserved: {
    "reserve 100": "",
    "reserve 99": "conflict",
    "reserve 0": "conflict",
    "commit 60": "release 100, post 60",
    "commit 100": "release 100, post 100",
    "commit 101": "over_amount",
    "commit 0": "over_amount",
    abort: "release 100",
  },
  committed: {
    "reserve 100": "",
    "reserve 99": "conflict",
    "reserve 0": "conflict",
    "commit 60": "",
    "commit 100": "conflict",
    "commit 101": "conflict",
    "commit 0": "conflict",
    abort: "conflict",
  },
  aborted: {
    "reserve 100": "",
    "reserve 99": "conflict",
    "reserve 0": "conflict",
    "commit 60": "conflict",
    "commit 100": "conflict",
    "commit 101": "conflict",
    "commit 0": "conflict",
    abort: "",
  },
};

describe("the transfer's machine", () => {
  const cases = Object.entries(TABLE).flatMap(([state, row]) =>
    Object.entries(row).map(([message, expected]) => [state, message, expected] as const),
  );
  test("has a cell for every state and message", () => {
    expect(Object.keys(TABLE)).toEqual(Object.keys(STATES));
    for (const row of Object.values(TABLE)) expect(Object.keys(row)).toEqual(Object.keys(MESSAGES));
  });

  test.each(cases)("%s, %s: %s", (name, message, expected) => {
    const state = STATES[name]!;
    const result = transferStep(state, MESSAGES[message]!, NOW);
    const told = result.messages
      .map((effect) => (effect.type === "refuse" ? effect.code : `${effect.type} ${effect.amount}`))
      .join(", ");
    expect(told).toBe(expected);
    // What is refused or repeated changes nothing; what is decided is decided now.
    if (expected === "" || !expected.includes(" ")) expect(result.state).toEqual(state);
    else if (name === "reserved") expect(result.state?.decided).toEqual(NOW);
  });
});

const message = fc.oneof(
  fc.record({ type: fc.constant("reserve" as const), amount: fc.bigInt(-5n, 120n) }),
  fc.record({ type: fc.constant("commit" as const), amount: fc.bigInt(-5n, 120n) }),
  fc.constant({ type: "abort" as const }),
);

test("S4, S5: whatever is sent in whatever order and number, a transfer ends once and posts once", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      let state: Transfer | null = null;
      let posts = 0;
      let held = 0n;
      let end: Transfer | null = null;
      for (const sent of messages) {
        const result = transferStep(state, sent, NOW);
        for (const effect of result.messages) {
          if (effect.type === "post") posts++;
          if (effect.type === "hold") held += effect.amount;
          if (effect.type === "release") held -= effect.amount;
        }
        if (end !== null) expect(result.state).toEqual(end);
        state = result.state;
        if (state !== null && state.state !== "reserved") end = state;
        expect(held).toBe(state?.state === "reserved" ? state.amount : 0n);
      }
      expect(posts).toBe(end?.state === "committed" ? 1 : 0);
    }),
    { numRuns: 3_000 },
  );
});

interface Books {
  accounts: (Account & { lines: bigint[] })[];
  transfers: { payer: number; payee: number; state: Transfer }[];
}
const ORGANIZATIONS = 4;
/** The fund comes after the organizations. */
const FUND = ORGANIZATIONS;

const command = fc.oneof(
  fc.record({
    type: fc.constant("reserve" as const),
    payer: fc.nat(FUND),
    payee: fc.nat(ORGANIZATIONS - 1),
    amount: fc.bigInt(1n, 150n),
  }),
  fc.record({
    type: fc.constant("commit" as const),
    transfer: fc.nat(30),
    amount: fc.bigInt(0n, 150n),
    donation: fc.nat(20),
  }),
  fc.record({ type: fc.constant("abort" as const), transfer: fc.nat(30) }),
);

test("S1 to S5: books kept by these rules sum to zero, keep every floor, and replay to the same balances", () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt(0n, 100n), { minLength: 4, maxLength: 4 }),
      fc.array(command, { maxLength: 60 }),
      (lines, commands) => {
        const books: Books = {
          accounts: [
            ...lines.map((line) => ({
              kind: "organization" as const,
              posted: 0n,
              held: 0n,
              minimum: -line,
              growth: 50n,
              closed: false,
              lines: [],
            })),
            { kind: "solidarity", posted: 0n, held: 0n, minimum: 0n, growth: 0n, closed: false, lines: [] },
          ],
          transfers: [],
        };
        for (const sent of commands) {
          perform(books, sent);
          expect(books.accounts.reduce((sum, { posted }) => sum + posted, 0n)).toBe(0n);
          for (const [index, account] of books.accounts.entries()) {
            expect(account.posted - account.held >= account.minimum!).toBe(true);
            expect(account.posted).toBe(account.lines.reduce((sum, line) => sum + line, 0n));
            const open = books.transfers.filter(
              ({ payer, state }) => payer === index && state.state === "reserved",
            );
            expect(account.held).toBe(open.reduce((sum, { state }) => sum + state.amount, 0n));
            expect(account.growth >= 0n).toBe(true);
          }
        }
      },
    ),
    { numRuns: 3_000 },
  );
});

/** The ledger's commands without a database: the same rules, in the same order. */
function perform(
  { accounts, transfers }: Books,
  sent: typeof command extends fc.Arbitrary<infer T> ? T : never,
): void {
  if (sent.type === "reserve") {
    const payer = accounts[sent.payer]!;
    if (sent.payer === sent.payee || checkReserve(payer, sent.amount, 0n, 1_000n) !== null) return;
    const { state } = transferStep(null, { type: "reserve", amount: sent.amount }, NOW);
    payer.held += sent.amount;
    transfers.push({ payer: sent.payer, payee: sent.payee, state: state! });
    return;
  }
  const transfer = transfers[sent.transfer];
  if (transfer === undefined) return;
  const payer = accounts[transfer.payer]!;
  const payee = accounts[transfer.payee]!;
  const { state, messages } = transferStep(transfer.state, sent, NOW);
  transfer.state = state!;
  const post = (account: (typeof accounts)[number], amount: bigint) => {
    if (amount === 0n) return;
    account.posted += amount;
    account.lines.push(amount);
  };
  for (const effect of messages) {
    if (effect.type === "release") payer.held -= effect.amount;
    if (effect.type !== "post" || sent.type !== "commit") continue;
    const donated = donationOf(effect.amount, sent.donation);
    const grown = growthBy(payee, effect.amount);
    post(payer, -effect.amount);
    post(payee, effect.amount);
    post(payee, -donated);
    post(accounts[FUND]!, donated);
    payee.minimum! -= grown;
    payee.growth -= grown;
  }
}

describe("what an account may promise", () => {
  const account: Account = {
    kind: "organization",
    posted: -20n,
    held: 30n,
    minimum: -100n,
    growth: 0n,
    closed: false,
  };
  test.each([
    [50n, 0n, null],
    [51n, 0n, { code: "insufficient_credit", available: 50n }],
    [50n, 150n, null],
    [50n, 151n, { code: "daily_limit", available: 49n }],
    [50n, 900n, { code: "daily_limit", available: 0n }],
  ])("%s, having promised %s today of 200: %o", (amount, today, expected) => {
    expect(checkReserve(account, amount, today, 200n)).toEqual(expected);
  });

  test("the fund knows no daily limit, and says that it is empty; an account without a floor promises all; a closed one nothing", () => {
    const fund: Account = { ...account, kind: "solidarity", posted: 500n, held: 0n, minimum: 0n };
    expect(checkReserve(fund, 500n, 9_999n, 200n)).toBeNull();
    expect(checkReserve(fund, 501n, 0n, 200n)).toEqual({ code: "fund_empty", available: 500n });
    expect(checkReserve({ ...account, kind: "clearing", minimum: null }, 10n ** 15n, 0n, 1n)).toBeNull();
    expect(checkReserve({ ...account, closed: true }, 1n, 0n, 200n)).toEqual({
      code: "account_closed",
      available: 0n,
    });
    expect(available(account)).toBe(50n);
  });
});

test("a donation is never more than its percentage, and less than one unit below it", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 12n), fc.nat(20), (settled, percent) => {
      const donated = donationOf(settled, percent);
      const exact = settled * BigInt(percent);
      expect(donated * 100n <= exact && (donated + 1n) * 100n > exact).toBe(true);
    }),
  );
});

test.each([
  [500n, 0n, 300n, 200n],
  [500n, 350n, 300n, 150n],
  [300n, 0n, 300n, 0n],
  [-50n, 0n, 300n, 0n],
  [500n, 500n, 300n, 0n],
])("with %s posted and %s held, a soft maximum of %s overflows by %s", (posted, held, maximum, expected) => {
  expect(excess({ posted, held }, maximum)).toBe(expected);
});

test("nobody gives away what it is lent", () => {
  expect(donatable({ posted: 50n, held: 20n })).toBe(30n);
  expect(donatable({ posted: 10n, held: 20n })).toBe(0n);
  expect(donatable({ posted: -10n, held: 0n })).toBe(0n);
});

describe("a hub's rules", () => {
  test("begin with lines of ten HOURs that grow to forty, in the hub's own unit", () => {
    const policy = defaultPolicy({ n: 100n, d: 1n });
    expect(policy).toMatchObject({
      startLine: 1_000n,
      maxLine: 4_000n,
      softMaximum: 8_000n,
      dailyLimit: 4_000n,
      fundMinimum: 0n,
      voucherQuota: 1_000n,
      vouchMax: 500n,
    });
    expect(creditLine(policy, "M")).toEqual({ minimum: -1_000n, growth: 3_000n, maximum: 8_000n });
    expect(creditLine(policy, "L")).toEqual(creditLine(policy, "M"));
    expect(creditLine(policy, "S")).toEqual({ minimum: -2_000n, growth: 6_000n, maximum: 8_000n });
  });

  test("are of use whatever an HOUR is worth", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 6n), fc.bigInt(1n, 10n ** 6n), (n, d) => {
        const { startLine, maxLine, dailyLimit, vouchMax } = defaultPolicy({ n, d });
        expect(startLine > 0n && maxLine >= startLine && dailyLimit > 0n && vouchMax > 0n).toBe(true);
      }),
    );
  });
});

const rate = fc.record({ n: fc.bigInt(1n, 10n ** 6n), d: fc.bigInt(1n, 10n ** 4n) });

test("S15: credits that cross to another currency and back are never more than they were", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 9n), rate, rate, (amount, one: Rate, other: Rate) => {
      // Who pays the price of something has paid for all of it.
      const { paid } = quoteFromPayee(amount, other, one);
      expect(quoteFromPayer(paid, one, other).received >= amount).toBe(true);
      const there = quoteFromPayer(amount, one, other);
      const back = quoteFromPayer(there.received, other, one);
      expect(back.received <= amount && back.seconds <= there.seconds).toBe(true);
      // The price of what one got is not more than what one paid for it.
      if (there.received > 0n) expect(quoteFromPayee(there.received, other, one).paid <= amount).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test("a quarter begins with its first month, in UTC", () => {
  expect(quarterOf(new Date("2026-01-01T00:00:00Z")).toISOString()).toBe("2026-01-01T00:00:00.000Z");
  expect(quarterOf(new Date("2026-12-31T23:59:59Z")).toISOString()).toBe("2026-10-01T00:00:00.000Z");
});

test("amounts are read as they are written, also below zero", () => {
  expect(formatAmount(-25n, 2)).toBe("-0.25");
  expect(formatAmount(-2500n, 2)).toBe("-25");
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 6n), fc.nat(2), (amount, scale) => {
      expect(parseAmount("amount", formatAmount(amount, scale), scale)).toBe(amount);
    }),
  );
  expect(parseAmount("line", "0", 2, 0n)).toBe(0n);
  expect(() => parseAmount("amount", "0", 2)).toThrow();
});
