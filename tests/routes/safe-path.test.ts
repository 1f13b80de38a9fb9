import { expect, test } from "vitest";
import { safePath } from "../../src/routes/web/page.tsx";

test.each([
  ["/exchange?purpose=offer", "/exchange?purpose=offer"],
  ["/a/../b", "/b"],
  ["//elsewhere.example", null],
  ["/\\elsewhere.example", null],
  ["/.//elsewhere.example", null],
  ["/a/..//elsewhere.example", null],
  ["https://elsewhere.example/", null],
  ["javascript:alert(1)", null],
  ["/a\r\nset-cookie: b=c", null],
  ["/ñ", null],
  ["", null],
  [`/${"x".repeat(2000)}`, null],
  [undefined, null],
])("a form leads back to %j as to %j", (next, expected) => {
  expect(safePath(next)).toBe(expected);
});
