import { describe, expect, test } from "vitest";
import es from "../../src/locales/es.json" with { type: "json" };
import { dirOf, LOCALES } from "../../src/locales/index.ts";
import { forms, tags, text } from "./html.ts";
import { allPages } from "./pages.tsx";

const NAMES = Object.keys(allPages("es"));
const KEYS = Object.keys(es);

describe.each(LOCALES)("pages in %s", (locale) => {
  const pages = allPages(locale);

  test.each(NAMES)("%s", (name) => {
    const html = String(pages[name]);
    const all = tags(html);
    const having = (attribute: string) => all.filter(({ attributes }) => attributes.has(attribute));
    const values = (attribute: string) =>
      having(attribute).map(({ attributes }) => attributes.get(attribute) ?? "");

    // A document in this language and direction.
    expect(html).toMatch(new RegExp(`^<!doctype html><html lang="${locale}" dir="${dirOf(locale)}">`));
    expect(all.filter(({ name }) => name === "h1")).toHaveLength(1);
    expect(all.filter(({ name }) => name === "main")).toHaveLength(1);
    expect(html).not.toMatch(/\[object |undefined|\bnull\b|NaN/);

    // Every message was translated.
    const shown = [text(html), ...values("aria-label"), ...values("data-copied")].join("\n");
    expect(KEYS.filter((key) => shown.includes(key))).toEqual([]);

    // Nothing that the content security policy would block, and nothing from elsewhere.
    expect(having("style")).toEqual([]);
    expect(
      all.filter(({ attributes }) => [...attributes.keys()].some((key) => key.startsWith("on"))),
    ).toEqual([]);
    expect(all.filter(({ name }) => ["style", "iframe", "base", "object", "embed"].includes(name))).toEqual(
      [],
    );
    expect(
      all.filter(({ name }) => name === "script").map(({ attributes }) => attributes.get("src")),
    ).toEqual(["/assets/main.js"]);
    for (const source of values("src")) expect(source).toMatch(/^\/(?!\/)/);
    for (const action of values("action")) expect(action).toMatch(/^\/(?!\/)/);

    // Everything has a name, and what refers to something finds it.
    const ids = values("id");
    expect(new Set(ids).size).toBe(ids.length);
    const labelled = new Set(values("for"));
    for (const { name, attributes } of all) {
      if (!["input", "select", "textarea"].includes(name) || attributes.get("type") === "hidden") continue;
      expect(labelled, `label of ${attributes.get("name")}`).toContain(attributes.get("id"));
    }
    const references = [
      ...values("for"),
      ...values("aria-labelledby"),
      ...values("aria-describedby").flatMap((list) => list.split(" ")),
      ...values("href")
        .filter((href) => href.startsWith("#"))
        .map((href) => href.slice(1)),
    ];
    for (const id of references) expect(ids).toContain(id);
    for (const { attributes } of all.filter(({ name }) => name === "button")) {
      expect(["submit", "button"]).toContain(attributes.get("type"));
    }
    for (const { attributes } of all.filter(({ name }) => name === "svg")) {
      expect(attributes.get("aria-hidden")).toBe("true");
    }

    // The language can always be changed, and leads back here.
    const language = forms(html).find(({ action }) => action === "/locale");
    expect(language?.inputs.map(({ attributes }) => attributes.get("name"))).toEqual(["next", "locale"]);

    // Whoever writes says as whom; settings are the account's own.
    for (const form of forms(html)) {
      if (
        form.method !== "post" ||
        /^\/(login|logout|locale|setup|settings\/notices|settings\/tokens\/\w+\/revoke)$/.test(form.action)
      )
        continue;
      expect(
        form.inputs.map(({ attributes }) => attributes.get("name")),
        form.action,
      ).toContain("as");
    }
  });
});
