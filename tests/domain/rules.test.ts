import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkEmail, checkPassword } from "../../src/domain/accounts/rules.ts";
import { checkHandle, parseHandle } from "../../src/domain/actors/rules.ts";
import { DomainError } from "../../src/domain/errors.ts";
import { checkFollow, newFollowState } from "../../src/domain/follows/rules.ts";
import { optionalText, requiredText } from "../../src/domain/validate.ts";

/** The code of the DomainError that it ends with, or what it returns. */
function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
}

describe("handles", () => {
  test.each([
    ["nour", "nour"],
    [" @Nour_2 ", "nour_2"],
    ["ab", "ab"],
    ["a".repeat(30), "a".repeat(30)],
    ["", "required"],
    ["@", "required"],
    ["a", "not_a_handle"],
    ["a".repeat(31), "not_a_handle"],
    ["@@nour", "not_a_handle"],
    ["no.ur", "not_a_handle"],
    ["nour@hub.example", "not_a_handle"],
    ["nοur", "not_a_handle"],
    ["نور", "not_a_handle"],
    ["Kelvin\u212a", "kelvink"],
    ["HUB", "handle_reserved"],
    ["Admin", "handle_reserved"],
  ])("%s: %s", (typed, expected) => {
    expect(outcome(() => checkHandle(typed))).toBe(expected);
  });

  test("what passes is plain ASCII in lower case, and passes again unchanged", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.stringMatching(/^@?\w{2,30}$/)),
        (typed) => {
          const handle = outcome(() => checkHandle(typed));
          if (["required", "not_a_handle", "handle_reserved"].includes(String(handle))) return;
          expect(handle).toMatch(/^[a-z0-9_]{2,30}$/);
          expect(checkHandle(String(handle))).toBe(handle);
        },
      ),
    );
  });

  test.each([
    ["nour@hub.example", { name: "nour", host: "hub.example" }],
    [" @Nour@HUB.example ", { name: "Nour", host: "hub.example" }],
    ["acct:nour@hub.example:443", { name: "nour", host: "hub.example" }],
    ["nour@hub.example:8443", { name: "nour", host: "hub.example:8443" }],
    ["nour@[::1]:4000", { name: "nour", host: "[::1]:4000" }],
    ["نور@مثال.إختبار", { name: "نور", host: "xn--mgbh0fb.xn--kgbechtv" }],
    ["nour@münchen.example", { name: "nour", host: "xn--mnchen-3ya.example" }],
    ["nour", null],
    ["@nour", null],
    ["nour@", null],
    ["a@b@c.example", null],
    ["nour@hub.example/path", null],
    ["nour@hub.example?x", null],
    ["nour@hub.example\\path", null],
    ["nour@hub .example", null],
    ["nour@hub.example:99999", null],
    [`${"a".repeat(129)}@hub.example`, null],
  ])("the full handle %s is read as %o", (typed, expected) => {
    expect(parseHandle(typed)).toEqual(expected);
  });
});

describe("e-mail addresses", () => {
  test.each([
    [" Ana@Example.ORG ", "ana@example.org"],
    ["ana@localhost", "ana@localhost"],
    ["", "required"],
    ["ana", "not_an_email"],
    ["ana@", "not_an_email"],
    ["a@b@c", "not_an_email"],
    ["Ana <ana@example.org>", "not_an_email"],
    ["ana@exa\nmple.org", "not_an_email"],
    [`${"a".repeat(250)}@b.org`, "not_an_email"],
  ])("%s: %s", (typed, expected) => {
    expect(outcome(() => checkEmail(typed))).toBe(expected);
  });
});

describe("passwords", () => {
  const context = ["nour", "ana.perez@example.org", "hub.example"];
  const ok = "accepted";
  test.each([
    ["correct horse battery", ok],
    ["كلمة سر طويلة جدا", ok],
    ["🐎🔋📎🌵🐎🔋📎🌵🐎🔋📎🌵", ok],
    ["x".repeat(11), "password_short"],
    ["🐎".repeat(6), "password_short"],
    ["x".repeat(12), "password_common"],
    ["abababababab", "password_common"],
    ["Password1234567890", "password_common"],
    ["nournournournour", "password_common"],
    ["Perez.Example.Org1", "password_common"],
    [`${"correct horse ".repeat(20)}`, "too_long"],
  ])("%s: %s", (typed, expected) => {
    expect(outcome(() => checkPassword(typed, context) && ok)).toBe(expected);
  });
});

describe("follows", () => {
  test.each([
    [{ local: true, locked: false }, "accepted"],
    [{ local: true, locked: true }, "pending"],
    [{ local: false, locked: false }, "pending"],
    [{ local: false, locked: true }, "pending"],
  ])("of %o begin as %s", (followed, state) => {
    expect(newFollowState(followed)).toBe(state);
  });

  test("nobody follows themselves", () => {
    expect(outcome(() => checkFollow(1n, 1n))).toBe("follow_self");
    expect(outcome(() => checkFollow(1n, 2n))).toBeUndefined();
  });
});

describe("texts", () => {
  test.each([
    [" a\r\nb\0 ", "a\nb"],
    ["", "required"],
    [" \u200b\u2060 ", "required"],
    ["🐎".repeat(10), "🐎".repeat(10)],
    ["🐎".repeat(11), "too_long"],
  ])("%j: %j", (typed, expected) => {
    expect(outcome(() => requiredText("name", typed, 10))).toBe(expected);
  });

  test("whatever is typed can be stored, and is within its bound", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
        (typed) => {
          const text = optionalText("summary", typed, 1_000);
          if (text === null) return;
          expect(text.isWellFormed() && !text.includes("\0") && text.trim() === text).toBe(true);
        },
      ),
    );
  });
});
