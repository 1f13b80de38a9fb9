import { describe, expect, test } from "vitest";
import type { AgreementState, Party } from "../../src/db/schema/agreements.ts";
import { stepFromAfar } from "../../src/domain/agreements/crossing-rules.ts";
import {
  type Agreement,
  type AgreementPolicy,
  type Effect,
  type Message,
  type Side,
  step,
} from "../../src/domain/agreements/rules.ts";
import { DomainError } from "../../src/domain/errors.ts";

/** What two parties say at the same moment, each on its own hub: whichever hub hears what first, both come to the same end. */

const NOW = new Date("2026-06-01T12:00:00Z");
const LATER = new Date("2026-07-01T12:00:00Z");
const POLICY: AgreementPolicy = {
  ...{ answerDays: 14, graceDays: 30, settleDays: 14, disputeDays: 14 },
  disputeRule: "half",
};
const TERMS = { quantity: 3, due: null };

function side(between: Side, state: AgreementState, offeredBy: Party): Agreement {
  const open = ["offered", "accepted", "funded", "delivered", "disputed"].includes(state);
  const held = between === "payer" && open && (state !== "offered" || offeredBy === "receiver");
  return {
    ...{ state, settlement: "credit", between, proposer: "provider", offeredBy, held },
    terms: { ...TERMS, amount: between === "payer" ? 120n : 2_000n },
    delivered: null,
    disputedBy: state === "disputed" ? "receiver" : null,
    resolution: null,
    settled: null,
    deadline: new Date("2026-06-15T12:00:00Z"),
    remind: null,
  };
}

type Said = { by: Party; type: string } | "silence";
const RECEIVER = (type: string): Said => ({ by: "receiver", type });
const PROVIDER = (type: string): Said => ({ by: "provider", type });

/** State and who made the terms; what the receiver (the payer) and the provider say; how it ends on both. */
const PAIRS: [AgreementState, Party, Said, Said, AgreementState][] = [
  ["offered", "receiver", RECEIVER("withdraw"), PROVIDER("accept"), "withdrawn"],
  ["offered", "receiver", RECEIVER("withdraw"), PROVIDER("reject"), "withdrawn"],
  ["offered", "receiver", RECEIVER("withdraw"), PROVIDER("counter"), "withdrawn"],
  ["offered", "provider", RECEIVER("accept"), PROVIDER("withdraw"), "withdrawn"],
  ["offered", "provider", RECEIVER("reject"), PROVIDER("withdraw"), "withdrawn"],
  ["offered", "provider", RECEIVER("counter"), PROVIDER("withdraw"), "withdrawn"],
  ["accepted", "receiver", RECEIVER("cancel"), PROVIDER("cancel"), "cancelled"],
  ["funded", "receiver", RECEIVER("cancel"), PROVIDER("cancel"), "cancelled"],
  ["funded", "receiver", RECEIVER("cancel"), PROVIDER("deliver"), "cancelled"],
  ["funded", "receiver", RECEIVER("confirm"), PROVIDER("deliver"), "settled"],
  ["funded", "receiver", RECEIVER("confirm"), PROVIDER("cancel"), "settled"],
  ["funded", "receiver", "silence", PROVIDER("cancel"), "cancelled"],
  ["funded", "receiver", "silence", PROVIDER("deliver"), "expired"],
  ["delivered", "receiver", RECEIVER("confirm"), PROVIDER("dispute"), "settled"],
  ["delivered", "receiver", RECEIVER("confirm"), PROVIDER("cancel"), "settled"],
  ["delivered", "receiver", RECEIVER("dispute"), PROVIDER("dispute"), "disputed"],
  ["delivered", "receiver", RECEIVER("dispute"), PROVIDER("cancel"), "cancelled"],
  ["delivered", "receiver", "silence", PROVIDER("dispute"), "settled"],
  ["delivered", "receiver", "silence", PROVIDER("cancel"), "settled"],
  ["disputed", "receiver", RECEIVER("confirm"), PROVIDER("cancel"), "settled"],
  ["disputed", "receiver", "silence", PROVIDER("cancel"), "resolved"],
];

function messageOf(said: Said, on: Agreement): Message {
  if (said === "silence") return { type: "tick" };
  const { by, type } = said;
  return (type === "counter" ? { type, by, terms: { ...on.terms, quantity: 2 } } : { type, by }) as Message;
}

/** As the commands have it: what cannot be any more changes nothing. */
function attempt(
  before: Agreement,
  next: () => { agreement: Agreement; effects: Effect[] },
): { agreement: Agreement; effects: Effect[] } {
  try {
    return next();
  } catch (error) {
    if (error instanceof DomainError) return { agreement: before, effects: [] };
    throw error;
  }
}

/** One hub's agreement, and the balance of what its proposal gave and has got back. */
class Hub {
  taken = 0;
  effects: Effect[] = [];
  now: Agreement;
  constructor(now: Agreement) {
    this.now = now;
    this.taken = now.state === "offered" ? 0 : 1;
  }
  take(next: () => { agreement: Agreement; effects: Effect[] }): void {
    const { agreement, effects } = attempt(this.now, next);
    this.now = agreement;
    this.effects.push(...effects);
    for (const { type } of effects) {
      if (type === "take" || type === "retake") this.taken++;
      if (type === "giveBack") this.taken--;
    }
  }
}

describe.each(PAIRS)("%s by %s: %o × %o", (state, offeredBy, receiver, provider, end) => {
  test.each([
    ["the ledger's word first", true],
    ["the party's word first", false],
  ])("ends the same on both hubs, %s", (_, ledgerFirst) => {
    const payer = new Hub(side("payer", state, offeredBy));
    const payee = new Hub(side("payee", state, offeredBy));
    const [said, answered] = [messageOf(receiver, payer.now), messageOf(provider, payee.now)];
    const at = receiver === "silence" ? LATER : NOW;
    payer.take(() => step(payer.now, said, at, POLICY));
    payee.take(() => step(payee.now, answered, NOW, POLICY));
    const afar = (hub: Hub, message: Message) => {
      if ("by" in message) hub.take(() => stepFromAfar(hub.now, message as never, at, POLICY));
    };
    // Its clock's word travels with its party's own.
    const lapsed = payer.effects.some(({ type }) => type === "lapse");
    const travels: Message = lapsed ? { type: "lapse", by: "receiver" } : said;
    const clear = () => {
      const paid = payer.effects.find((effect) => effect.type === "commit");
      if (paid?.type === "commit") {
        payer.take(() => step(payer.now, { type: "committed" }, at, POLICY));
        const decided = payer.now.state === "resolved";
        payee.take(() =>
          step(payee.now, { type: "settled", amount: 1n, automatic: paid.automatic, decided }, at, POLICY),
        );
      } else if (payer.effects.some(({ type }) => type === "abort") && state !== "offered")
        payee.take(() => step(payee.now, { type: "released" }, at, POLICY));
    };
    if (ledgerFirst) clear();
    afar(payee, travels);
    afar(payer, answered);
    if (!ledgerFirst) clear();
    expect([payer.now.state, payee.now.state]).toEqual([end, end]);
    expect(payee.now.disputedBy).toBe(end === "disputed" ? payer.now.disputedBy : payee.now.disputedBy);
    const over = ["withdrawn", "rejected", "cancelled", "expired"].includes(end);
    expect([payer.taken, payee.taken]).toEqual(over ? [0, 0] : [1, 1]);
    if (over) expect(payer.now.held).toBe(false);
  });
});

describe("what only the other party may say stays its own, also when it may have crossed", () => {
  const afar = (hub: Agreement, message: Message) => () => stepFromAfar(hub, message as never, NOW, POLICY);
  const STATES = [
    ...(["offered", "accepted", "funded", "delivered", "disputed", "confirmed", "settled"] as const),
    ...(["rejected", "withdrawn", "expired", "cancelled", "resolved"] as const),
  ];

  test.each(STATES)("who works does not confirm, and who pays does not deliver: %s", (state) => {
    for (const between of ["payer", "payee"] as const)
      for (const offeredBy of ["provider", "receiver"] as const) {
        const hub = side(between, state, offeredBy);
        expect(afar(hub, { type: "confirm", by: "provider" })).toThrow(DomainError);
        expect(afar(hub, { type: "deliver", by: "receiver" })).toThrow(DomainError);
        if (state === "offered") expect(afar(hub, { type: "reject", by: offeredBy })).toThrow(DomainError);
      }
  });

  test.each(STATES)("no more is confirmed than was agreed: %s", (state) => {
    const hub = side("payee", state, "receiver");
    const confirm = (said: { amount?: bigint; quantity?: number }) =>
      afar(hub, { type: "confirm", by: "receiver", ...said });
    for (const amount of [0n, -1n, 2_001n, 10n ** 17n]) expect(confirm({ amount })).toThrow(DomainError);
    for (const quantity of [0, -1, 4, 1_000_000]) expect(confirm({ quantity })).toThrow(DomainError);
  });
});
