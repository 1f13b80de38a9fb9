import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { IntlMessageFormat } from "intl-messageformat";
import { describe, expect, test } from "vitest";
import { ERROR_STATUS } from "../../src/domain/errors.ts";
import { CATEGORY_KEYS } from "../../src/domain/proposals/categories.ts";
import { dirOf, LOCALES, type Locale, negotiate, noticeKey, translator } from "../../src/locales/index.ts";

const FOLDER = join(import.meta.dirname, "../../src/locales");
const messages = Object.fromEntries(
  LOCALES.map((locale) => [locale, JSON.parse(readFileSync(join(FOLDER, `${locale}.json`), "utf8"))]),
) as Record<Locale, Record<string, string>>;

type Ast = ReturnType<IntlMessageFormat["getAst"]>;

/** The arguments of a message, with what is done with each: `count plural`, `name`. */
function argumentsOf(ast: Ast): string[] {
  return ast.flatMap((element) => {
    const inner =
      "options" in element ? Object.values(element.options).flatMap(({ value }) => argumentsOf(value)) : [];
    const own = element.type === 0 || element.type === 7 ? [] : [`${element.value} ${element.type}`];
    return [...own, ...inner];
  });
}

const parse = (locale: Locale, key: string) =>
  new IntlMessageFormat(messages[locale][key] ?? "", locale, undefined, { ignoreTag: true }).getAst();

describe.each(LOCALES)("messages in %s", (locale) => {
  test("are the same as in Spanish, none missing and none left over", () => {
    expect(Object.keys(messages[locale]).sort()).toEqual(Object.keys(messages.es).sort());
  });

  test("say something, and take the same arguments as in Spanish", () => {
    for (const key of Object.keys(messages.es)) {
      expect(messages[locale][key]?.trim(), key).toBeTruthy();
      expect(new Set(argumentsOf(parse(locale, key))), key).toEqual(new Set(argumentsOf(parse("es", key))));
    }
  });

  test("count with every plural form of the language, or with one for all others", () => {
    const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories;
    for (const key of Object.keys(messages[locale])) {
      for (const element of parse(locale, key)) {
        if (element.type !== 6) continue;
        const missing = forms.filter(
          (form) => !(form in element.options) && !(form === "many" && locale !== "ar"),
        );
        expect(missing, `${key} in ${locale}`).toEqual([]);
      }
    }
  });
});

test("every error and every category has a text, and no text is for an error that does not exist", () => {
  const named = (prefix: string) =>
    Object.keys(messages.es)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length))
      .sort();
  expect(named("errors.")).toEqual(Object.keys(ERROR_STATUS).sort());
  expect(named("categories.")).toEqual([...CATEGORY_KEYS].sort());
});

test("no message is left that nothing says", () => {
  const sources = ["src/views", "src/routes", "src/mail", "src/locales/index.ts"].map((path) =>
    join(import.meta.dirname, "../..", path),
  );
  const code = sources
    .flatMap((path) =>
      path.endsWith(".ts")
        ? [path]
        : readdirSync(path, { recursive: true, encoding: "utf8" })
            .filter((name) => /\.tsx?$/.test(name))
            .map((name) => join(path, name)),
    )
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  const computed = [...code.matchAll(/`([a-z_]+\.[a-z_]*)\$\{/g)].map(([, prefix]) => prefix ?? "");
  const unused = Object.keys(messages.es).filter(
    (key) => !code.includes(`"${key}"`) && !computed.some((prefix) => key.startsWith(prefix)),
  );
  expect(computed).toContain("errors.");
  expect(unused).toEqual([]);
});

test("Arabic counts as Arabic does", () => {
  const t = translator("ar");
  expect([0, 1, 2, 3, 11, 100].map((count) => t("amount.hours", { count }))).toEqual([
    "0 ساعة",
    "ساعة واحدة",
    "ساعتان",
    "3 ساعات",
    "11 ساعة",
    "100 ساعة",
  ]);
});

test("names of the other direction stand apart from the text around them", () => {
  expect(translator("ar")("acting.as", { name: "Red (ejemplo)" })).toBe("باسم \u2068Red (ejemplo)\u2069");
  expect(translator("es")("acting.as", { name: "جمعية (مثال)" })).toBe("Como \u2068جمعية (مثال)\u2069");
  expect(translator("es")("acting.as", { name: "Red Semilla" })).toBe("Como Red Semilla");
});

test("a name is shown as it is, whatever it looks like", () => {
  expect(translator("es")("acting.as", { name: "{name} <b>'#" })).toBe("Como {name} <b>'#");
});

test("only Arabic runs from right to left", () => {
  expect(LOCALES.filter((locale) => dirOf(locale) === "rtl")).toEqual(["ar"]);
});

test.each([
  [undefined, "es"],
  ["", "es"],
  ["*", "es"],
  ["pt-BR,pt;q=0.9,en;q=0.8", "pt"],
  ["de,en;q=0.5,fr;q=0.7", "fr"],
  ["ar-EG", "ar"],
  ["EN-us", "en"],
  ["en;q=0, fr;q=0.1", "fr"],
  ["qu-PE, es-PE;q=0.9", "es"],
  ["en;q=abc", "en"],
  [`${"x,".repeat(100_000)}en`, "es"],
])("a browser that asks for %s reads %s", (header, locale) => {
  expect(negotiate(header)).toBe(locale);
});

test("a notice is read back only when it is one", () => {
  expect(noticeKey("notices.followed")).toBe("notices.followed");
  expect(noticeKey("followed")).toBe("notices.followed");
  expect(noticeKey("errors.invalid")).toBeUndefined();
  expect(noticeKey("toString")).toBeUndefined();
  expect(noticeKey(undefined)).toBeUndefined();
});
