import fc from "fast-check";
import { expect, test } from "vitest";
import { htmlToPlain, plainToHtml } from "../../src/domain/html.ts";
import { cleanText } from "../../src/domain/validate.ts";

test.each([
  "Semillas criollas",
  "Dos párrafos\n\ncon <etiquetas> & \"comillas\" y 'otras'",
  "Una línea\ny otra\n\nhttps://example.org/una/direccion/tan/larga/que/se/acorta/donde/se/muestra?con=parametros&mas=1",
  "سطران\nبالعربية",
])("a form shows again what was typed: %j", (text) => {
  expect(htmlToPlain(plainToHtml(text))).toBe(text);
});

test("whatever is typed comes back as it was, once it is saved a second time", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (typed) => {
      const once = htmlToPlain(plainToHtml(cleanText(typed)));
      expect(htmlToPlain(plainToHtml(cleanText(once)))).toBe(once);
    }),
  );
});
