import { expect, test } from "vitest";
import { parseAmount } from "../../src/domain/amounts.ts";
import { checkProposal } from "../../src/domain/proposals/rules.ts";

test.each([
  ["7,5", 750n],
  ["7.50", 750n],
  [" 12 ", 1200n],
  ["٧٫٥", 750n],
  ["١٢", 1200n],
  ["۷،۵", 750n],
])("a price typed as %s is understood", (typed, minor) => {
  expect(parseAmount("price", typed, 2)).toBe(minor);
});

test("quantities and days may be typed with the digits of Arabic keyboards", () => {
  const proposal = checkProposal(
    {
      purpose: "request",
      name: "ترجمة",
      content: "يوم واحد",
      category: "translation",
      unit: "hour",
      available: "٨",
      minimum: "۲",
      settlement: "none",
      online: true,
      language: "ar",
      ends: "٢٠٢٧-٠٣-٣١",
    },
    { scale: 2, now: new Date("2026-01-01T00:00:00Z") },
  );
  expect(proposal).toMatchObject({ available: 8, minimum: 2, ends: new Date("2027-03-31T23:59:59.999Z") });
});
