import { expect, test } from "vitest";
import { setUpHub } from "../../src/domain/hubs/commands.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { type Locale, translator } from "../../src/locales/index.ts";
import { submit, violations, visit } from "../support/browser.ts";
import { PASSWORD, settle, startHubs, type TestHub } from "../support/hub.ts";

/** Another hub, with an organization that has nothing to say yet. */
async function neighbour(hub: TestHub) {
  const { accountId } = await setUpHub(hub.ctx, {
    name: "شبكة المشرق",
    locale: "ar",
    currencyName: "نقاط",
    currencySymbol: "ن",
    admin: { handle: "nour", email: "nour@example.org", password: PASSWORD },
  });
  const actorId = await createOrganization(hub.ctx, accountId, { handle: "bustan", name: "بستان الجيران" });
  return { accountId, actorId };
}

test.each<{ javaScript: boolean; locale: Locale }>([
  { javaScript: true, locale: "es" },
  { javaScript: false, locale: "ar" },
])(
  "from the first run to the offer of another hub, on a phone (scripts: $javaScript, language: $locale)",
  async ({ javaScript, locale }) => {
    const [hub, other] = (await startHubs(2, { setUp: false })) as [TestHub, TestHub];
    const bustan = await neighbour(other);
    const t = translator(locale);
    const here = await visit(hub, { javaScript, locale });
    const { page } = here;
    const main = page.locator("main");
    const problems: string[] = [];
    const check = async () => problems.push(...(await violations(hub, here)));
    const told = (text: string) => page.getByRole("status").getByText(text).waitFor();
    const path = () => page.url().replace(hub.origin, "");

    // The first run.
    await page.goto("/");
    expect(path()).toBe("/setup");
    await check();
    await submit(page, "/setup", {
      name: "Red del Sur",
      description: "Organizaciones que se ayudan",
      locale,
      admin_handle: "rosa",
      admin_email: "rosa@example.org",
      admin_password: PASSWORD,
    });
    await told(t("notices.set_up"));
    await check();

    // Out, and in again.
    await page
      .locator(".main-nav")
      .getByRole("link", { name: t("nav.me") })
      .click();
    await check();
    await page.getByRole("button", { name: t("me.logout") }).click();
    await told(t("notices.logged_out"));
    await check();
    await page.goto("/me");
    expect(path()).toBe("/login?next=%2Fme");
    await check();
    await submit(page, "/login", { email: "rosa", password: PASSWORD });
    await told(t("notices.logged_in"));
    expect(path()).toBe("/me");

    // An organization, and as this organization a post and an offer.
    const name = "Red Raíces";
    await main.getByRole("link", { name: t("organization.create") }).click();
    await check();
    await submit(page, "/organizations/new", {
      name,
      handle: "raices",
      summary: "Semillas criollas\n\nDesde 1998",
    });
    await told(t("notices.organization_created"));
    expect(path()).toBe("/@raices");
    await check();
    await page.goto("/");
    await main.getByRole("button", { name: t("compose.publish_as", { name }) }).waitFor();
    await submit(page, "/posts", { content: "Taller el sábado: https://example.org/taller" });
    await told(t("notices.post_published"));
    await main.locator("article").getByText(name).first().waitFor();
    await check();
    await page.goto("/exchange");
    await check();
    await main.locator('a[href="/proposals/new?purpose=offer"]').first().click();
    await check();
    await submit(page, "/proposals", {
      name: "Taller de contabilidad",
      content: "Dos horas en línea",
      category: "training",
      unit: "hour",
      available: "20",
      settlement: "credit",
      price: "7,5",
      online: "on",
    });
    await told(t("notices.proposal_published"));
    await main.getByText("Taller de contabilidad").first().waitFor();
    await check();

    // The organization of the other hub, found by its handle.
    await page.goto("/search");
    await check();
    await main.locator("#q").fill(`@bustan@${other.host}`);
    await main.getByRole("button", { name: t("search.submit") }).click();
    await main.getByRole("link", { name: "بستان الجيران" }).waitFor();
    await check();
    await main.getByRole("button", { name: t("follow.follow_as", { name }) }).click();
    await told(t("notices.follow_requested"));
    await settle(hub, other);

    // What it publishes then arrives.
    await publishPost(other.ctx, bustan, { content: "ورشة يوم السبت", visibility: "public", language: "ar" });
    await publishProposal(other.ctx, bustan, {
      purpose: "offer",
      name: "ترجمة إلى الإسبانية",
      content: "صفحتان في اليوم",
      category: "translation",
      unit: "one",
      settlement: "credit",
      price: "3",
      online: true,
      language: "ar",
    });
    await settle(hub, other);
    await page.goto("/");
    const post = main.locator("article", { hasText: "ورشة يوم السبت" });
    expect(await post.locator(".prose").getAttribute("lang")).toBe("ar");
    await check();
    await page
      .locator(".main-nav")
      .getByRole("link", { name: t("nav.exchange") })
      .click();
    await check();
    await main.getByRole("link", { name: "ترجمة إلى الإسبانية" }).click();
    await main.getByText("صفحتان في اليوم").waitFor();
    await check();
    await page.getByRole("link", { name: "بستان الجيران" }).first().click();
    expect(path()).toBe(`/@bustan@${other.host}`);
    await main.getByRole("button", { name: t("follow.unfollow") }).waitFor();
    await check();
    expect(problems).toEqual([]);
  },
  180_000,
);
