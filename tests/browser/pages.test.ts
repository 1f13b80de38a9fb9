import { expect, test } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { notify } from "../../src/domain/notices/commands.ts";
import { decideVerification, requestVerification } from "../../src/domain/organizations/verification.ts";
import { vouch } from "../../src/domain/organizations/vouching.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { reviewing } from "../../src/domain/reviews/queries.ts";
import type { Locale } from "../../src/locales/index.ts";
import { agreed } from "../support/agreed.ts";
import { settledAgreement } from "../support/agreements.ts";
import { DESKTOP, type Visit, violations, visit } from "../support/browser.ts";
import { creditPages } from "../support/credits.ts";
import { account, type Organization, settle, startHub, type TestHub } from "../support/hub.ts";
import { askedBy } from "../support/peers.ts";
import { loggedIn, type Visitor } from "../support/visitor.ts";

/** A hub on which something happened, and whoever runs an organization there. */
async function lively(): Promise<{
  hub: TestHub;
  post: string;
  proposal: string;
  trust: string[];
  credits: string[];
  agreements: string[];
  member: Visitor;
}> {
  const hub = await startHub();
  const raices = await hub.organization("raices");
  const berta = await account(hub, "berta");
  await requestFollow(hub.ctx, { followerId: berta.actorId, followedId: raices.actorId });
  await requestFollow(hub.ctx, { followerId: raices.actorId, followedId: berta.actorId });
  const content =
    "Taller: https://example.org/una/direccion/que/no/termina/nunca/y/no/cabe/en/ninguna/pantalla";
  const post = await publishPost(hub.ctx, raices, {
    content,
    summary: "Aviso",
    visibility: "public",
    language: "es",
  });
  await publishPost(hub.ctx, hub.admin, {
    content: "ورشة يوم السبت",
    visibility: "followers",
    language: "ar",
  });
  const proposal = await publishProposal(hub.ctx, raices, {
    purpose: "offer",
    name: "Taller de contabilidad",
    content,
    category: "training",
    unit: "hour",
    available: "20",
    minimum: "2",
    settlement: "credit",
    price: "7,5",
    location: "Cochabamba",
    online: true,
    language: "es",
    ends: "2999-12-31",
  });
  await notify(hub.ctx, raices.actorId, "question_asked", `/proposals/${proposal}`, {
    actor: "جمعية",
    title: "Taller de contabilidad",
  });
  const trust = await trusted(hub, raices);
  const credits = await creditPages(hub.ctx, raices, await hub.organization("minga"));
  const agreements = await agreed(hub, raices, proposal);
  await settle(hub);
  const member = await loggedIn(hub);
  await member.submit("/acting", { as: "raices" });
  await member.get("/");
  return {
    hub,
    post: `/posts/${post}`,
    proposal: `/proposals/${proposal}`,
    trust,
    credits,
    agreements,
    member,
  };
}

/** Makes the organization verified, reviewed and vouching. Returns the pages on which that is seen and done. */
async function trusted(hub: TestHub, raices: Organization): Promise<string[]> {
  const { ctx } = hub;
  const [semilla, rio] = [await hub.organization("semilla"), await hub.organization("rio")];
  const settledAt = ctx.clock.now();
  const scores = { keptWord: 5, quality: 4, communication: 4, language: "es" };
  const parties = { provider: raices.actorId, receiver: semilla.actorId, settledAt };
  const [open, sealed, free] = [
    await settledAgreement(ctx, parties),
    await settledAgreement(ctx, parties),
    await settledAgreement(ctx, parties),
  ];
  await reviewAgreement(ctx, semilla, open, { ...scores, content: "Cumplieron." });
  await reviewAgreement(ctx, raices, open, scores);
  await reviewAgreement(ctx, raices, sealed, scores);
  for (const who of [raices, semilla])
    await requestVerification(ctx, who, { sizeClass: "S", statement: "Registro 1234" });
  await decideVerification(ctx, hub.admin, raices.actorId, { state: "verified", sizeClass: "S" });
  await vouch(ctx, raices, rio.actorId, "2");
  const { mine } = await reviewing(ctx, raices.actorId, sealed);
  return [
    ...[open, sealed, free].map((id) => `/agreements/${id}/review`),
    ...[`/reviews/${mine?.id}/delete`, "/@raices/reviews", "/settings/verification", "/@semilla/vouch"],
    ...["/admin/verifications", `/admin/verifications/${semilla.actorId}`],
  ];
}

/** Every page there is, as a member sees it, and those that only a visitor sees. */
const pages = (post: string, proposal: string, ...more: string[][]) => ({
  member: [
    ...more.flat(),
    ...["/", "/?timeline=hub", post, `${post}/delete`, proposal, `${proposal}/withdraw`],
    ...["/peers", "/admin/peers", "/admin/peers/new"],
    ...[`${proposal}/edit`, `${proposal}/photos`, "/exchange?q=taller&where=online", "/admin/categories"],
    ...["/exchange", "/exchange?purpose=request&category=food", "/proposals/new?purpose=offer"],
    ...[
      "/directory",
      "/search",
      "/search?q=raices",
      "/search?q=nadie",
      "/@raices",
      "/@raices?tab=exchange",
      "/@berta",
    ],
    ...[
      "/@raices/followers",
      "/@raices/following",
      "/me",
      "/organizations/new",
      "/settings/profile",
      "/settings/notices",
      "/settings/tokens",
      "/notices",
      "/nothing",
    ],
  ],
  visitor: ["/", "/login", "/@raices", proposal, "/ledger/hub"],
});

test.each<Locale>(["es", "ar"])(
  "axe finds nothing on any page, in light and dark (%s)",
  async (locale) => {
    const { hub, post, proposal, trust, credits, agreements, member } = await lively();
    await member.submit("/locale", { locale });
    const { id } = await askedBy(hub.ctx, 1);
    const peer = ["", "/accept", "/reject"].map((action) => `/admin/peers/${id}${action}`);
    const addresses = pages(post, proposal, trust, credits, agreements, peer);
    const problems: string[] = [];
    for (const [who, paths] of Object.entries(addresses)) {
      const reader = await visit(hub, {
        locale,
        expected: [404],
        ...(who === "member" ? { as: member } : {}),
      });
      for (const path of paths) {
        await reader.page.goto(path);
        expect(await reader.page.getAttribute("html", "lang")).toBe(locale);
        problems.push(...(await violations(hub, reader)));
      }
    }
    const wide = await visit(hub, { locale, as: member, viewport: DESKTOP });
    for (const path of ["/", proposal, ...agreements.slice(-2)]) {
      await wide.page.goto(path);
      problems.push(...(await violations(hub, wide)));
    }
    expect(problems).toEqual([]);
  },
  600_000,
);

test("pages in Arabic are the others' mirror image, in letters that are there", async () => {
  const { hub, post, member } = await lively();
  const boxes: Record<string, { start: number; end: number }[]> = {};
  for (const locale of ["es", "ar"] as const) {
    for (const viewport of [undefined, DESKTOP]) {
      const reader = await visit(hub, { locale, as: member, ...(viewport && { viewport }) });
      await member.submit("/locale", { locale });
      await reader.page.goto(post);
      expect(await reader.page.getAttribute("html", "dir")).toBe(locale === "ar" ? "rtl" : "ltr");
      boxes[`${locale} ${viewport ? "wide" : "narrow"}`] = await edges(reader, [
        ".main-nav",
        ".main-nav li:first-child a",
        ".main-nav li:last-child a",
        "main",
        "main article .avatar",
        ".hub-name",
      ]);
      if (locale === "ar") expect(await fonts(reader)).toContain("Noto Sans Arabic");
    }
  }
  for (const width of ["narrow", "wide"]) {
    const [first, second] = [boxes[`es ${width}`] ?? [], boxes[`ar ${width}`] ?? []];
    expect(first.length).toBe(6);
    for (const [index, { start }] of first.entries()) {
      expect(Math.abs((second[index]?.start ?? Number.NaN) - start), `${width} ${index}`).toBeLessThanOrEqual(
        3,
      );
    }
    // The first entry of the navigation and its last are on different sides, or it would all be in the middle.
    if (width === "narrow") expect(first[1]?.start).toBeLessThan((first[2]?.start ?? 0) - 100);
  }
});

/** How far elements are from the side where lines start, and from the other. */
function edges({ page }: Visit, selectors: string[]): Promise<{ start: number; end: number }[]> {
  return page.evaluate((selectors) => {
    const width = document.documentElement.clientWidth;
    const rtl = document.documentElement.dir === "rtl";
    return selectors.map((selector) => {
      const box = document.querySelector(selector)?.getBoundingClientRect();
      const [left, right] = [box?.left ?? Number.NaN, width - (box?.right ?? Number.NaN)];
      return rtl ? { start: right, end: left } : { start: left, end: right };
    });
  }, selectors);
}

/** The fonts that the main navigation is really drawn with. */
async function fonts({ page, context }: Visit): Promise<string[]> {
  const devtools = await context.newCDPSession(page);
  await devtools.send("DOM.enable");
  await devtools.send("CSS.enable");
  const { root } = await devtools.send("DOM.getDocument");
  const { nodeId } = await devtools.send("DOM.querySelector", {
    nodeId: root.nodeId,
    selector: ".main-nav li:first-child span",
  });
  const { fonts } = await devtools.send("CSS.getPlatformFontsForNode", { nodeId });
  return fonts.map(({ familyName }) => familyName);
}
