import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults, RunOptions } from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, expect, onTestFinished } from "vitest";
import type { Locale } from "../../src/locales/index.ts";
import { launch } from "./chromium.ts";
import type { Visitor } from "./visitor.ts";

export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 800 };

export interface VisitOptions {
  javaScript?: boolean;
  locale?: Locale;
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  /** Whose session the browser has. */
  as?: Visitor;
  /** Runs what the content security policy would stop: what a page carries shows itself. */
  bypassCsp?: boolean;
  /** Answers of these statuses are what the test is about. */
  expected?: readonly number[];
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What no page may do; the test fails at its end when there is any. */
  faults: string[];
}

interface Origin {
  origin: string;
}

interface Axe {
  axe: { run(within: string, rules: RunOptions): Promise<AxeResults> };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The menus that axe has seen, which are the same on all pages. */
const menus = new Set<string>();

/** One browser a file, started when first needed. */
let running: Promise<Browser> | undefined;

/**
 * A page of a fresh browser profile at a hub, on a phone unless told otherwise. At the end of the test the profile is closed, and
 * the test fails when a page complained: an error in the console, a broken content security policy, a dialog, an answer
 * of 5xx, or a request to anywhere but the hub.
 */
export async function visit(hub: Origin, options: VisitOptions = {}): Promise<Visit> {
  const context = await newContext(hub, options);
  for (const [name, value] of options.as?.cookies ?? [])
    await context.addCookies([{ name, value, url: hub.origin }]);
  const page = await context.newPage();
  const faults: string[] = [];
  watch(page, hub, faults, options.expected ?? []);
  onTestFinished(async () => {
    await context.close();
    expect(faults).toEqual([]);
  });
  return { page, context, faults };
}

async function newContext(hub: Origin, options: VisitOptions): Promise<BrowserContext> {
  const browser = await start();
  return browser.newContext({
    baseURL: hub.origin,
    javaScriptEnabled: options.javaScript ?? true,
    locale: options.locale ?? "es",
    viewport: options.viewport ?? PHONE,
    hasTouch: options.viewport === undefined,
    colorScheme: options.colorScheme ?? "light",
    reducedMotion: "reduce",
    timezoneId: "UTC",
    bypassCSP: options.bypassCsp ?? false,
  });
}

function watch(page: Page, hub: Origin, faults: string[], expected: readonly number[]): void {
  const here = () => page.url().replace(hub.origin, "");
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const status = Number(/the server responded with a status of (\d+)/.exec(message.text())?.[1]);
    if (!expected.includes(status)) faults.push(`${here()} console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`${here()} error: ${error.message}`));
  page.on("dialog", (dialog) => {
    faults.push(`${here()} dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${hub.origin}/`) && !url.startsWith("data:"))
      faults.push(`${here()} request: ${url}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 500) faults.push(`${here()} answered ${response.status()}: ${response.url()}`);
  });
}

/** axe's rules for WCAG 2.2 AA and its own best practices. */
const RULES: RunOptions = {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  rules: { "target-size": { enabled: true } },
  resultTypes: ["violations"],
  // Style sheets are read again for rules on turning the screen only.
  preload: false,
};
/** The only rule whose outcome depends on the colours. */
const COLOURS: RunOptions = { runOnly: { type: "rule", values: ["color-contrast"] } };

/**
 * What axe finds wrong with the page that is shown, in light and (in Spanish: no language has colours of its own) dark colours,
 * and whether it is wider than the screen; empty when all is well.
 * Where scripts are off, the same address is read with the same cookies in a page where they are on.
 */
export async function violations(hub: Origin, { page, context }: Visit): Promise<string[]> {
  // A click waits for the new page to begin, not for all of it.
  await page.waitForLoadState();
  if (await page.evaluate(() => matchMedia("(scripting: enabled)").matches)) return examine(page);
  const { cookies } = await context.storageState();
  const locale = (await page.getAttribute("html", "lang")) as Locale;
  const second = await newContext(hub, { locale, viewport: page.viewportSize() ?? PHONE });
  try {
    await second.addCookies(cookies);
    const copy = await second.newPage();
    await copy.goto(page.url());
    return await examine(copy);
  } finally {
    await second.close();
  }
}

async function examine(page: Page): Promise<string[]> {
  const path = page.url().replace(/^https?:\/\/[^/]+/, "");
  // Evaluated through the debugger: the page's policy lets no other script in.
  await page.evaluate(AXE);
  const found: string[] = [];
  // What is folded away is part of the page too; open menus lie over it and are looked at by themselves, once each.
  for (const [kind, within] of [
    ["details:not(.menu, [open])", "html"],
    ["details.menu:not([open])", "details.menu"],
  ] as const) {
    const folded = await page.evaluateHandle((kind) => {
      const closed = [...document.querySelectorAll<HTMLDetailsElement>(kind)];
      for (const one of closed) one.open = true;
      return closed;
    }, kind);
    const text = await folded.evaluate((closed) => closed.map((one) => one.textContent).join());
    if (within === "html" || (text !== "" && !menus.has(text))) {
      if (within !== "html") menus.add(text);
      found.push(...(await inBothColours(page, within)).map((problem) => `${path} ${problem}`));
    }
    await folded.evaluate((closed) => {
      for (const one of closed) one.open = false;
    });
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) found.push(`${path} is ${wide} px wider than the screen`);
  return found;
}

async function inBothColours(page: Page, within: string): Promise<string[]> {
  const found: string[] = [];
  for (const [scheme, rules] of [
    ["light", RULES],
    ["dark", COLOURS],
  ] as const) {
    if (scheme === "dark" && (await page.getAttribute("html", "lang")) !== "es") continue;
    await page.emulateMedia({ colorScheme: scheme });
    const { violations } = await page.evaluate(
      ([within, rules]) => (globalThis as unknown as Axe).axe.run(within, rules),
      [within, rules] as const,
    );
    for (const { id, help, nodes } of violations) {
      found.push(`(${scheme}) ${id}, ${help}: ${nodes.map((node) => node.html).join(" | ")}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  return found;
}

/**
 * Fills a form's controls by their names and sends it with its own button. Both pages, the form's and the one that answers it, are there
 * as a whole, their scripts among them: what these do (a draft that comes back, the focus) is neither too early nor too late.
 */
export async function submit(page: Page, action: string, values: Record<string, string>): Promise<void> {
  await page.waitForLoadState();
  const form = page.locator(`main form[action="${action}"]`);
  for (const [name, value] of Object.entries(values)) {
    const control = form.locator(`[name="${name}"]`);
    const kind = await control.first().evaluate((one) => (one as HTMLInputElement).type);
    // The whole box around it answers to the finger: it lies over the button.
    if (kind === "radio") await form.locator(`[name="${name}"][value="${value}"]`).check({ force: true });
    else if (kind === "checkbox") await control.check();
    else if (kind === "select-one") await control.selectOption(value);
    else await control.fill(value);
  }
  const answered = page.waitForEvent("load");
  await Promise.all([answered, form.locator('button[type="submit"]').click()]);
}

function start(): Promise<Browser> {
  running ??= launch();
  return running;
}

afterAll(async () => {
  await (await running)?.close();
});
