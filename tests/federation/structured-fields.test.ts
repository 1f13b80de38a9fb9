import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BareItem,
  type InnerList,
  MAX_HEADER,
  type Parameters,
  parseDictionary,
  serializeInnerList,
} from "../../src/federation/signatures/structured-fields.ts";

const key = fc.stringMatching(/^[a-z*][a-z0-9_*.-]{0,12}$/);
const bareItem: fc.Arbitrary<BareItem> = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,20}$/),
  fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }),
  fc.boolean(),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.stringMatching(/^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,12}$/).map((token) => ({ token })),
);
const parameters: fc.Arbitrary<Parameters> = fc
  .uniqueArray(fc.tuple(key, bareItem), { selector: ([name]) => name, maxLength: 5 })
  .map((entries) => new Map(entries));
const innerList: fc.Arbitrary<InnerList> = fc.record({
  items: fc.array(fc.record({ value: bareItem, parameters }), { maxLength: 6 }),
  parameters,
});

describe("structured fields (RFC 8941)", () => {
  test("every inner list that can be written is read back as it was", () => {
    fc.assert(
      fc.property(key, innerList, (label, list) => {
        const text = `${label}=${serializeInnerList(list)}`;
        fc.pre(text.length <= MAX_HEADER);
        expect(parseDictionary(text)).toEqual(new Map([[label, list]]));
      }),
    );
  });

  test("what is read and written again is read the same, however it was spaced", () => {
    const text = 'sig1=(  "@method"   "date" );  created=1;keyid="a\\"b\\\\"';
    const list = parseDictionary(text)?.get("sig1") as InnerList;
    expect(serializeInnerList(list)).toBe('("@method" "date");created=1;keyid="a\\"b\\\\"');
  });

  test("no header makes the parser throw or hang", () => {
    const pieces = fc.constantFrom(
      "(",
      ")",
      '"',
      ";",
      "=",
      ":",
      ",",
      " ",
      "\\",
      "?1",
      "-",
      "9",
      "sig1",
      "\t",
      "é",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 60 }).map((list) => list.join("")),
        ),
        (text) => {
          const result = parseDictionary(text);
          expect(result === null || result instanceof Map).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
    for (const hostile of ["(", '"', ";a", ":", "\\", " ", ",a", "a=", "("]) {
      const started = performance.now();
      parseDictionary(`a=${hostile.repeat(MAX_HEADER / hostile.length - 2)}`);
      expect(performance.now() - started).toBeLessThan(1_000);
    }
  });

  test.each([
    ["a key twice", "a=1, a=2"],
    ["a parameter twice", "a=1;b=1;b=2"],
    ["a decimal", "a=1.5"],
    ["an integer of 16 digits", "a=1234567890123456"],
    ["bytes that are not base64", "a=:YQ:"],
    ["a trailing comma", "a=1,"],
    ["items without a space between", 'a=("b""c")'],
    ["an open list", 'a=("b"'],
    ["an upper-case key", "A=1"],
    ["a character outside ASCII", 'a="é"'],
    ["more than 8 kB", `a="${"x".repeat(MAX_HEADER)}"`],
  ])("refuses %s", (_, text) => {
    expect(parseDictionary(text)).toBeNull();
  });
});
