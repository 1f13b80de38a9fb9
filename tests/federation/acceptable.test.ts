import { describe, expect, test } from "vitest";
import { wantsActivity } from "../../src/federation/http.ts";
import { iriCheck } from "../../src/federation/vocab/parse.ts";

describe("what a server asks for, and what a person does", () => {
  const LD = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"';
  test.each([
    ["Mastodon", `application/activity+json, ${LD}, text/html;q=0.1`, true],
    ["Lemmy", "application/activity+json", true],
    ["Fedify", `application/activity+json, application/ld+json`, true],
    ["Misskey", `application/activity+json, ${LD}`, true],
    ["upper case", "Application/Activity+JSON", true],
    ["equal weights", "text/html, application/activity+json", true],
    ["a browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false],
    ["a page rather", "text/html, application/activity+json;q=0.9", false],
    ["not at all", "application/activity+json;q=0", false],
    ["anything", "*/*", false],
    ["JSON", "application/json", false],
    ["nonsense", ";;q=,,q=x,application/activity+json;q=1.0.0", false],
    ["nothing", "", false],
    ["no header", undefined, false],
  ])("%s", (_, accept, expected) => {
    expect(wantsActivity(accept)).toBe(expected);
  });
});

describe("ids", () => {
  const check = iriCheck(({ host }) => host === "127.0.0.1:4000");
  test.each([
    ["https://remote.example/notes/1", "https://remote.example/notes/1"],
    ["https://REMOTE.example:443/a b", "https://remote.example/a%20b"],
    ["https://مثال.إختبار/1", "https://xn--mgbh0fb.xn--kgbechtv/1"],
    ["http://127.0.0.1:4000/notes/1", "http://127.0.0.1:4000/notes/1"],
    ["http://127.0.0.1:4001/notes/1", null],
    ["http://remote.example/notes/1", null],
    ["https://user@remote.example/", null],
    ["https://:secret@remote.example/", null],
    ["ftp://remote.example/", null],
    ["javascript:alert(1)", null],
    ["urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8", null],
    [`https://remote.example/${"x".repeat(2048)}`, null],
  ])("%s: %s", (text, expected) => {
    expect(check(new URL(text))).toBe(expected);
  });

  test("nothing is no id", () => expect(check(null)).toBeNull());
});
