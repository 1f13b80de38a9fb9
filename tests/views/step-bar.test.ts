import { expect, test } from "vitest";
import type { FullAgreement } from "../../src/domain/agreements/queries.ts";
import { barSteps } from "../../src/views/agreements/step-bar.tsx";
import { agreement } from "./agreement-pages.tsx";

const day = (n: number) => new Date(Date.UTC(2027, 2, n));

/** `offered+ accepted* settled` : taken, awaited, to come; `!` for an end before its time. */
function bar(values: Partial<FullAgreement>): string {
  const marks = { done: "+", current: "*", next: "", exit: "!" };
  return barSteps(agreement({ created: day(1), ...values }))
    .map(({ state, mark }) => `${state}${marks[mark]}`)
    .join(" ");
}

const AGREED = { accepted: day(2), changed: day(2) };
const DONE = { ...AGREED, delivered: day(3), changed: day(3) };

test("the bar shows what was done, what is awaited and what comes then", () => {
  expect(bar({ state: "offered" })).toBe("offered+ accepted* funded delivered settled");
  expect(bar({ state: "accepted", ...AGREED })).toBe("offered+ accepted+ funded* delivered settled");
  expect(bar({ state: "funded", ...AGREED })).toBe("offered+ accepted+ funded+ delivered* settled");
  expect(bar({ state: "delivered", ...DONE })).toBe("offered+ accepted+ funded+ delivered+ settled*");
  expect(bar({ state: "confirmed", ...DONE })).toBe("offered+ accepted+ funded+ delivered+ settled*");
  expect(bar({ state: "settled", ...DONE, settled: day(4) })).toBe(
    "offered+ accepted+ funded+ delivered+ settled+",
  );
});

test("where no credits are paid, none are held", () => {
  for (const settlement of ["none", "external"] as const) {
    expect(bar({ state: "accepted", settlement, ...AGREED })).toBe("offered+ accepted+ delivered* settled");
    expect(bar({ state: "settled", settlement, ...DONE, settled: day(4) })).toBe(
      "offered+ accepted+ delivered+ settled+",
    );
  }
});

test("an agreement that ends before its time shows how far it came, and its end", () => {
  for (const state of ["rejected", "withdrawn", "expired"] as const)
    expect(bar({ state })).toBe(`offered+ ${state}!`);
  expect(bar({ state: "cancelled", ...AGREED })).toBe("offered+ accepted+ funded+ cancelled!");
  expect(bar({ state: "expired", settlement: "none", ...AGREED })).toBe("offered+ accepted+ expired!");
});

test("a dispute is a step of its own, and so is its end", () => {
  const disputed = { ...DONE, disputedBy: "receiver" as const };
  expect(bar({ state: "disputed", ...disputed })).toBe(
    "offered+ accepted+ funded+ delivered+ disputed+ resolved*",
  );
  expect(bar({ state: "resolved", ...disputed, changed: day(9) })).toBe(
    "offered+ accepted+ funded+ delivered+ disputed+ resolved+",
  );
  // Who disputed it confirms it after all.
  expect(bar({ state: "settled", ...disputed, settled: day(9) })).toBe(
    "offered+ accepted+ funded+ delivered+ settled+",
  );
});
