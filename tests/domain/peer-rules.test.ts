import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_TERMS,
  effective,
  type Health,
  inCurrency,
  MAX_LIMIT,
  obstacles,
  outOfTerms,
  PEER_MESSAGES,
  PEER_STATES,
  type PeerMessage,
  type PeerState,
  peerStep,
  problemsOf,
} from "../../src/domain/peers/rules.ts";

/** Every state with the messages that mean something in it, and what becomes of it. All others change nothing. */
const TABLE: Record<PeerState | "none", Partial<Record<PeerMessage, PeerState>>> = {
  none: { propose: "proposed", offered: "asked" },
  proposed: {
    ...{ propose: "proposed", revise: "proposed", close: "closed" },
    ...{ offered: "active", accepted: "active", rejected: "rejected", closed: "closed" },
  },
  asked: {
    ...{ propose: "active", accept: "active", reject: "rejected" },
    ...{ offered: "asked", revised: "asked", closed: "closed" },
  },
  rejected: { propose: "proposed", close: "closed", offered: "asked" },
  active: {
    ...{ revise: "active", drain: "draining", freeze: "frozen", close: "closed" },
    ...{ offered: "active", accepted: "active", revised: "active", closed: "closed" },
  },
  draining: {
    ...{ resume: "active", freeze: "frozen", close: "closed" },
    ...{ offered: "draining", accepted: "draining", revised: "draining", closed: "closed" },
  },
  frozen: {
    ...{ unfreeze: "active", close: "closed" },
    ...{ offered: "frozen", accepted: "frozen", revised: "frozen", closed: "frozen" },
  },
  closed: { propose: "proposed", offered: "asked" },
};

describe("the life of a peering", () => {
  test.each(["none", ...PEER_STATES] as const)("%s", (state) => {
    const steps = PEER_MESSAGES.map((message) => [
      message,
      peerStep(state === "none" ? null : state, message),
    ]);
    const expected = PEER_MESSAGES.map((message) => [message, TABLE[state][message] ?? null]);
    expect(steps).toEqual(expected);
  });

  test("no word of the peer alone makes an active peering, nor ends a freeze", () => {
    const theirs = ["offered", "accepted", "rejected", "revised", "closed"] as const;
    for (const state of [null, "asked", "rejected", "closed", "draining", "frozen"] as const)
      for (const message of theirs) expect(peerStep(state, message)).not.toBe("active");
  });
});

const terms = fc.record({
  mayBeOwed: fc.bigInt(0n, MAX_LIMIT),
  mayOwe: fc.bigInt(0n, MAX_LIMIT),
  quoteDays: fc.integer({ min: 1, max: 365 }),
  disputeDays: fc.integer({ min: 1, max: 365 }),
  settleDays: fc.integer({ min: 1, max: 365 }),
  drainDays: fc.integer({ min: 1, max: 365 }),
});

test("what counts is within what each signed, and the same on both hubs", () => {
  fc.assert(
    fc.property(terms, terms, (ours, theirs) => {
      const here = effective(ours, theirs);
      const there = effective(theirs, ours);
      expect(here.theyMayOwe).toBe(there.weMayOwe);
      expect(here.weMayOwe).toBe(there.theyMayOwe);
      expect({ ...here, theyMayOwe: 0, weMayOwe: 0 }).toEqual({ ...there, theyMayOwe: 0, weMayOwe: 0 });
      expect(here.theyMayOwe <= ours.mayBeOwed && here.theyMayOwe <= theirs.mayOwe).toBe(true);
      expect(here.drainDays).toBe(Math.max(ours.drainDays, theirs.drainDays));
    }),
  );
});

test("terms have bounds", () => {
  expect(outOfTerms(DEFAULT_TERMS)).toBeNull();
  expect(outOfTerms({ ...DEFAULT_TERMS, mayBeOwed: -1n })).toBe("mayBeOwed");
  expect(outOfTerms({ ...DEFAULT_TERMS, mayOwe: MAX_LIMIT + 1n })).toBe("mayOwe");
  for (const days of [0, -1, 366, 1.5, Number.NaN])
    expect(outOfTerms({ ...DEFAULT_TERMS, settleDays: days })).toBe("settleDays");
});

test("nobody parts from what is owed, under way or not yet acknowledged", () => {
  const none = {
    owed: 0n,
    incoming: 0n,
    outgoing: 0n,
    openTransfers: 0,
    openAgreements: 0,
    unacknowledged: 0n,
  };
  expect(obstacles(none)).toEqual([]);
  expect(obstacles({ ...none, owed: -1n })).toEqual(["owed"]);
  expect(obstacles({ ...none, openTransfers: 1, openAgreements: 2, unacknowledged: 1n })).toEqual([
    ...["transfers", "agreements", "unacknowledged"],
  ]);
});

test("seconds are shown in a currency to the nearest minor unit", () => {
  const credit = { n: 100n, d: 1n };
  expect([3600n, 18n, 17n, -3600n, -18n].map((seconds) => inCurrency(seconds, credit))).toEqual([
    ...[100n, 1n, 0n, -100n, -1n],
  ]);
});

describe("what is wrong with a peer", () => {
  const NOW = new Date("2027-03-02T12:00:00Z");
  const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000);
  const well: Health = {
    ...{ state: "active", reason: null, theirState: "active", newKey: null, ready: true, drained: null },
    ...{ heard: ago(1), reached: ago(1), failure: null, skew: 0, changed: ago(100), evidence: 0 },
    copy: { completed: ago(200), compared: ago(1) },
  };
  test.each<[string, Partial<Health>, object[]]>([
    ["nothing", {}, []],
    ["a day without a word", { heard: ago(30) }, [{ kind: "silent", hours: 30 }]],
    ["not reached", { failure: "ECONNREFUSED", reached: ago(3) }, [{ kind: "unreachable", hours: 3 }]],
    ["no handshake", { ready: false }, [{ kind: "handshake" }]],
    ["a clock that is off", { skew: -1_200_000 }, [{ kind: "clock", minutes: 20, ahead: false }]],
    ["too far ahead", { skew: 7_300_000 }, [{ kind: "clock_refused", hours: 2, ahead: true }]],
    ["another key", { state: "frozen", reason: "key_changed", newKey: "z6Mk" }, [{ kind: "key" }]],
    ["evidence", { state: "frozen", reason: "equivocation" }, [{ kind: "evidence" }]],
    ["frozen here", { state: "frozen", reason: "administrator" }, [{ kind: "frozen_here" }]],
    ["frozen there", { theirState: "frozen" }, [{ kind: "frozen_there" }]],
    ["parting there", { theirState: "closed" }, [{ kind: "parting_there" }]],
    ["overdue", { state: "draining", drained: ago(1) }, [{ kind: "overdue" }]],
    ["an old copy", { copy: { completed: ago(200), compared: ago(72) } }, [{ kind: "old_copy", days: 3 }]],
    ["nothing of one that is not active", { state: "proposed", heard: null, ready: false }, []],
  ])("%s", (_, values, problems) => {
    expect(problemsOf({ ...well, ...values }, NOW)).toEqual(problems);
  });
});
