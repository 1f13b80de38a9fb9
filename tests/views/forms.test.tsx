import { expect, test } from "vitest";
import { translator } from "../../src/locales/index.ts";
import { errorText } from "../../src/views/ui/form.tsx";
import { AS_ORGANIZATION } from "./example.ts";
import { tags } from "./html.ts";
import { allPages } from "./pages.tsx";

const pages = allPages("es");
const html = (name: string) => String(pages[name]);
const field = (name: string, of: string) =>
  tags(html(of)).find(({ attributes }) => attributes.get("name") === name)?.attributes;

test("what was typed is still there when a form comes back", () => {
  expect(field("name", "setup-errors")?.get("value")).toBe("Red &lt;de&gt; Redes");
  expect(field("email", "login-errors")?.get("value")).toBe("ana@example.org");
  expect(field("summary", "home-organization")?.get("value")).toBe("Aviso &lt;escrito&gt;");
  expect(html("home-organization")).toContain('<option value="followers" selected="">');
  expect(html("home-organization")).toContain('<option value="quc" lang="quc" selected="">');
  expect(field("online", "new-proposal-errors")?.has("checked")).toBe(true);
  expect(field("online", "new-proposal")?.has("checked")).toBe(false);
});

test("a password never comes back", () => {
  expect(html("login-errors")).not.toContain("not to be shown");
  expect(field("password", "login-errors")?.has("value")).toBe(false);
});

test("an error stands at its field and in a summary that leads there", () => {
  const page = html("setup-errors");
  const input = field("admin_password", "setup-errors");
  expect(input?.get("aria-invalid")).toBe("true");
  expect(input?.get("aria-describedby")).toBe("field-admin_password-error field-admin_password-hint");
  expect(page).toMatch(
    /<div class="error-summary" role="alert"[^>]*>.*<a href="#field-admin_password">Tu contraseña — /s,
  );
  expect(page.match(/al menos 12 caracteres/g)).toHaveLength(2);
  expect(field("name", "setup-errors")?.has("aria-invalid")).toBe(false);
});

test("an error of the whole form is said without a link", () => {
  expect(html("login-errors")).toMatch(/role="alert".*<li>El correo \(o nombre corto\)/s);
});

test("what more options hide is shown when something in there was chosen", () => {
  expect(html("home-organization")).toContain('<details class="more" open="">');
  expect(html("home")).toContain('<details class="more">');
});

test("forms that write name the one who acts", () => {
  const page = html("home-organization");
  expect(page).toContain(`<input type="hidden" name="as" value="${AS_ORGANIZATION.acting.handle}"/>`);
  expect(page).toContain("Publicar como Red Semilla (ejemplo)");
  expect(page).toContain('class="writing writing-organization"');
  expect(html("home")).toContain("Publicar como Ana Ejemplo");
  expect(html("home")).not.toContain("writing-organization");
});

test("an error that lacks its number is told in general words", () => {
  const t = translator("es");
  expect(errorText(t, { code: "too_long", details: { max: 500 } })).toContain("500");
  expect(errorText(t, { code: "too_long", details: {} })).toBe(t("errors.invalid"));
});
