import { expect, test } from "vitest";
import { translator } from "../../src/locales/index.ts";
import { DESKTOP, submit, visit } from "../support/browser.ts";
import { count, startHub } from "../support/hub.ts";
import { loggedIn } from "../support/visitor.ts";

const t = translator("es");

test("the keyboard reaches the composer and its button in order, and shows where it is", async () => {
  const hub = await startHub();
  const { page } = await visit(hub, { as: await loggedIn(hub) });
  await page.goto("/");

  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: t("nav.skip") });
  expect(await skip.evaluate((one) => one === document.activeElement)).toBe(true);
  const box = await skip.boundingBox();
  expect(box && box.y >= 0 && box.x >= 0 && box.height >= 24).toBe(true);
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");

  const reached: string[] = [];
  for (let step = 0; step < 10 && reached.at(-1) !== "submit"; step++) {
    await page.keyboard.press("Tab");
    const { name, ring, visible } = await page.evaluate(() => {
      const one = document.activeElement as HTMLElement & { name?: string; type?: string };
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
      const { left, right, top, bottom } = one.getBoundingClientRect();
      const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      return {
        name: one.type === "submit" ? "submit" : one.name || one.localName,
        ring: (outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2) || boxShadow !== "none",
        // Not off the screen, nor behind the bar at its bottom.
        visible: there !== null && one.contains(there),
      };
    });
    expect({ name, ring, visible }).toEqual({ name, ring: true, visible: true });
    reached.push(name);
  }
  expect(reached).toEqual(["content", "visibility", "summary", "submit"]);

  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.locator('[name="summary"]').waitFor({ state: "visible" });
  await page.locator('[name="content"]').focus();
  await page.keyboard.type("Escrito con el teclado");
  await page.getByRole("button", { name: t("compose.publish_as", { name: "ana" }) }).focus();
  await page.keyboard.press("Enter");
  await page.getByText(t("notices.post_published")).waitFor();
});

test("what was typed survives a reload, until it is published", async () => {
  const hub = await startHub();
  const { page } = await visit(hub, { as: await loggedIn(hub) });
  const content = page.locator('[name="content"]');
  await page.goto("/");
  await content.fill("A medio escribir");
  await page.locator('[name="visibility"]').selectOption("followers");
  await page.reload();
  expect(await content.inputValue()).toBe("A medio escribir");
  expect(await page.locator('[name="visibility"]').inputValue()).toBe("followers");
  await submit(page, "/posts", {});
  await page.getByText(t("notices.post_published")).waitFor();
  await page.goto("/");
  expect(await content.inputValue()).toBe("");

  await content.fill("Otro borrador");
  await page.goto("/me");
  await page.getByRole("button", { name: t("me.logout") }).click();
  await page.getByText(t("notices.logged_out")).waitFor();
  expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
});

test("a form that comes back with an error is brought into view, with what was typed", async () => {
  const hub = await startHub();
  for (const javaScript of [true, false]) {
    const { page } = await visit(hub, { as: await loggedIn(hub), javaScript, expected: [422] });
    await page.goto("/proposals/new?purpose=request");
    await submit(page, "/proposals", {
      name: "Traducción",
      content: "Al quechua",
      category: "translation",
      settlement: "credit",
      price: "siete",
    });
    const summary = page.getByRole("alert");
    await summary.waitFor();
    if (javaScript) expect(await summary.evaluate((one) => one === document.activeElement)).toBe(true);
    expect(await page.locator('[name="price"]').inputValue()).toBe("siete");
    expect(await page.locator('[name="name"]').inputValue()).toBe("Traducción");
    await summary.getByRole("link").click();
    const price = page.locator('[name="price"]');
    expect(await price.getAttribute("aria-invalid")).toBe("true");
    const described = (await price.getAttribute("aria-describedby")) ?? "";
    const [error = ""] = described.split(" ");
    expect(await page.locator(`#${error}`).textContent()).toContain(t("errors.not_a_number"));
  }
});

test("two taps on a button publish once", async () => {
  const hub = await startHub();
  const { page } = await visit(hub, { as: await loggedIn(hub) });
  await page.goto("/");
  await page.locator('[name="content"]').fill("Una sola vez");
  await page.getByRole("button", { name: t("compose.publish_as", { name: "ana" }) }).dblclick();
  await page.getByText(t("notices.post_published")).waitFor();
  expect(await count(hub, "posts")).toBe(1);
});

test("the switch of the one who acts opens, closes, and names every button", async () => {
  const hub = await startHub();
  await hub.organization("raices");
  for (const javaScript of [true, false]) {
    const { page } = await visit(hub, { as: await loggedIn(hub), javaScript });
    await page.goto("/");
    const menu = page.locator("header details.menu");
    await menu.locator("summary").click();
    const item = menu.getByRole("button", { name: "Organization raices" });
    await item.waitFor();
    if (javaScript) {
      await page.keyboard.press("Escape");
      await item.waitFor({ state: "hidden" });
      await menu.locator("summary").click();
    }
    await item.click();
    await page.getByText(t("notices.acting_changed")).waitFor();
    await page
      .getByRole("button", { name: t("compose.publish_as", { name: "Organization raices" }) })
      .waitFor();
  }
});

test("on a phone the exchange is where agreements are; on a wide screen they have their own place", async () => {
  const hub = await startHub();
  const member = await loggedIn(hub);
  const marked = async (viewport?: typeof DESKTOP) => {
    const { page } = await visit(hub, { as: member, ...(viewport && { viewport }) });
    await page.goto("/agreements");
    return page.$$eval(".main-nav a", (links) =>
      links
        .filter((link) => link.checkVisibility() && Number(getComputedStyle(link).fontWeight) > 600)
        .map((link) => link.getAttribute("href")),
    );
  };
  expect(await marked()).toEqual(["/exchange"]);
  expect(await marked(DESKTOP)).toEqual(["/agreements"]);
});
