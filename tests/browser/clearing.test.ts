import { expect, onTestFinished, test } from "vitest";
import { agreementList } from "../../src/domain/agreements/queries.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { balance } from "../../src/domain/ledger/queries.ts";
import { startCopy } from "../../src/domain/peers/copies.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { type Locale, translator } from "../../src/locales/index.ts";
import { prove } from "../support/across.ts";
import { submit, type Visit, violations, visit } from "../support/browser.ts";
import { type Organization, settle, startHubs, type TestHub } from "../support/hub.ts";
import { makePeers } from "../support/peers.ts";
import { until } from "../support/processes.ts";
import { loggedIn } from "../support/visitor.ts";

const MINUTE = 60_000;
const OFFER = "ترجمة إلى الإسبانية";

/** Somebody at a phone who represents an organization and, at times, administers the hub. */
interface Side extends Visit {
  hub: TestHub;
  t: ReturnType<typeof translator>;
  organization: Organization;
  name: string;
  /** The hub's name. */
  network: string;
}

interface Network {
  name: string;
  locale: Locale;
  currency: { symbol: string; scale: number; rate: number };
  organization: { handle: string; name: string };
  javaScript: boolean;
}

const LAC: Network = {
  name: "Red Sur",
  locale: "es",
  currency: { symbol: "min", scale: 0, rate: 60 },
  organization: { handle: "raices", name: "Red Raíces" },
  javaScript: true,
};
const MENA: Network = {
  name: "شبكة المشرق",
  locale: "ar",
  currency: { symbol: "ن", scale: 2, rate: 10 },
  organization: { handle: "bustan", name: "بستان الجيران" },
  javaScript: true,
};

/**
 * Two hubs: raices of the one, whose credits are minutes, may pay at other hubs; bustan of the other, where ten credits are an hour,
 * offers translations at ten credits an hour.
 */
async function networks(change: { javaScript: boolean }) {
  const hubs = (await startHubs(2)) as [TestHub, TestHub];
  const problems: string[] = [];
  onTestFinished(() => expect(problems).toEqual([]));

  async function side(hub: TestHub, network: Network): Promise<Side> {
    const { name, locale, currency, organization: who, javaScript } = network;
    const { sql } = hub.database;
    const organization = await hub.organization(who.handle);
    await sql`update actors set name = ${who.name} where iri = ${organization.iri}`;
    await sql`update actors set name = ${name} where id = (select actor_id from hubs)`;
    await sql`update hubs set name = ${name}, currency_symbol = ${currency.symbol}, currency_scale = ${currency.scale},
      currency_rate_n = ${currency.rate}`;
    const session = await loggedIn(hub, "ana", locale);
    await session.submit("/locale", { locale });
    await session.submit("/acting", { as: who.handle });
    await session.get("/");
    const visited = await visit(hub, { javaScript, locale, as: session });
    return { ...visited, hub, t: translator(locale), organization, name: who.name, network: name };
  }

  const lac = await side(hubs[0], LAC);
  const mena = await side(hubs[1], { ...MENA, ...change });
  await prove(lac.hub, lac.organization, 6_000n);
  await publishProposal(mena.hub.ctx, mena.organization, {
    ...{ purpose: "offer", name: OFFER, content: "صفحتان في الساعة", category: "translation", unit: "hour" },
    ...{ settlement: "credit", price: "10", available: "50", online: true, language: "ar" },
  });
  const state = async ({ hub, organization }: Side) =>
    (await agreementList(hub.ctx, organization.actorId, "open", null)).items[0]?.state ?? "ended";
  /** Nobody presses a button, only time passes, until something is so. */
  const byItself = (condition: () => Promise<boolean>) =>
    until(async () => {
      for (const hub of hubs) {
        hub.worker.wake();
        hub.clearing.wake();
      }
      await settle(...hubs);
      for (const hub of hubs) hub.clock.advance(20_000);
      return condition();
    });
  return {
    lac,
    mena,
    /** Axe finds nothing on the page that somebody sees. */
    check: async (who: Side) => problems.push(...(await violations(who.hub, who))),
    state,
    told: (who: Side, text: string) => who.page.getByRole("status").getByText(text).waitFor(),
    byItself,
    /** Both hubs say so. */
    both: (wanted: string) =>
      byItself(async () => (await state(lac)) === wanted && (await state(mena)) === wanted),
    /** What the two have and what is held of it, in minor units of their hubs; and that no ledger made or lost anything. */
    async balances() {
      for (const { ctx } of hubs) expect(await checkLedger(ctx)).toEqual([]);
      return Promise.all(
        [lac, mena].map(async ({ hub, organization }) => {
          const found = await balance(hub.ctx, organization.actorId);
          return [Number(found?.posted), Number(found?.held)];
        }),
      );
    },
  };
}

type Scene = Awaited<ReturnType<typeof networks>>;

/** The administrators agree by their pages: one hub proposes, the other accepts. */
async function peerByPages({ lac, mena, check, told }: Scene): Promise<void> {
  await lac.page.goto("/admin/peers");
  await lac.page.locator('main a[href="/admin/peers/new"]').click();
  await submit(lac.page, "/admin/peers/new", { origin: mena.hub.origin, mayOwe: "20" });
  await told(lac, lac.t("notices.peer_proposed"));
  await check(lac);
  await settle(lac.hub, mena.hub);

  await mena.page.goto("/admin/peers");
  await mena.page.locator("main").getByRole("link", { name: lac.network }).click();
  await check(mena);
  await mena.page.locator('main a[href$="/accept"]').click();
  await check(mena);
  await submit(mena.page, pathOf(mena), { mayBeOwed: "30" });
  await told(mena, mena.t("notices.peer_changed"));
  await settle(lac.hub, mena.hub);
  await lac.page.reload();
  await lac.page.locator("main .badge").getByText(lac.t("peers.state_active")).waitFor();
  await lac.page.getByText("20 h", { exact: true }).first().waitFor();
  await check(lac);
}

const pathOf = ({ page, hub }: Side) =>
  page
    .url()
    .replace(hub.origin, "")
    .replace(/[?#].*/, "");

/** raices finds the offer among its own hub's and sends an offer. @returns the agreement's address there */
async function offerFound({ lac, mena, check, told }: Scene): Promise<string> {
  const { page } = lac;
  await page.goto("/exchange");
  const card = page.locator("article", { hasText: OFFER });
  expect(await card.innerText()).toContain(mena.network);
  await check(lac);
  await card.getByRole("link", { name: OFFER }).click();
  await page.getByText("60 min").first().waitFor();
  await check(lac);
  await page.locator('a[href^="/agreements/new?proposal="]').first().click();
  await page.locator('[name="quantity"]').fill("2");
  await page.locator("output", { hasText: "120 min" }).getByText("20 ن").waitFor();
  await check(lac);
  await submit(page, "/agreements", { note: "Para el boletín" });
  await told(lac, lac.t("notices.agreement_offered"));
  return pathOf(lac);
}

/** bustan's list says that an offer waits. @returns the agreement's address there */
async function waitingAt({ mena }: Scene): Promise<string> {
  await mena.page.goto("/agreements");
  await mena.page.locator("main").getByRole("link", { name: OFFER }).click();
  return pathOf(mena);
}

/** Time passes while the other hub is away, until somebody here is told what that means; nothing is lost by it. */
async function waitsInVain({ lac, mena }: Scene, path: string): Promise<void> {
  const told = lac.page.getByRole("status").getByText(lac.t("between.away_text"));
  await until(async () => {
    for (const { clock } of [lac.hub, mena.hub]) clock.advance(4 * MINUTE);
    lac.hub.worker.wake();
    lac.hub.clearing.wake();
    await settle(lac.hub);
    await lac.page.goto(path);
    return (await told.count()) > 0;
  });
}

/** Each tells how it was. */
async function review({ told }: Scene, who: Side, path: string, content: string): Promise<void> {
  await who.page.goto(path);
  await who.page.locator(`a[href="${path}/review"]`).click();
  const scores = { kept_word: "5", quality: "4", communication: "5" };
  await submit(who.page, `${path}/review`, { ...scores, content });
  await told(who, who.t("notices.review_saved"));
}

/** Both see that it is paid: to the credit what was fixed in the offer, on the agreement and in the ledger, with whom. */
async function seesSettled(who: Side, other: Side, path: string, [own, theirs]: [string, string]) {
  const { page, t } = who;
  await page.goto(path);
  await page.locator(".badge").getByText(t("states.settled")).waitFor();
  await page.locator("#outcome ~ p").getByText(own).getByText(theirs).waitFor();
  await page.goto("/ledger");
  const line = page.locator("table.statement tr", { hasText: OFFER });
  await line.getByRole("link", { name: other.name }).waitFor();
}

const WORDS = { lac: "Muy buena traducción", mena: "تعاون رائع" };

/** What was said about an organization comes to stand on both hubs' pages. */
async function seesReviews({ lac, mena, byItself }: Scene): Promise<void> {
  for (const { page, hub } of [lac, mena])
    for (const [of, words] of [
      [lac, WORDS.mena],
      [mena, WORDS.lac],
    ] as const) {
      const { handle } = of.organization;
      await byItself(async () => {
        await page.goto(of.hub === hub ? `/@${handle}/reviews` : `/@${handle}@${of.hub.host}/reviews`);
        return (await page.getByText(words).count()) > 0;
      });
    }
}

test("administrators agree, an organization finds another hub's offer, and both are paid and reviewed in their own credits and words", async () => {
  const scene = await networks({ javaScript: false });
  const { lac, mena, check, told, both, balances } = scene;
  await peerByPages(scene);
  const mine = await offerFound(scene);
  await check(lac);
  expect(await balances()).toEqual([
    [0, 120],
    [0, 0],
  ]);
  await settle(lac.hub, mena.hub);

  const theirs = await waitingAt(scene);
  await mena.page.getByText("120 min").first().waitFor();
  await check(mena);
  await submit(mena.page, `${theirs}/accept`, {});
  await told(mena, mena.t("notices.agreement_accepted"));
  await both("funded");
  await mena.page.reload();
  await check(mena);
  await submit(mena.page, `${theirs}/deliver`, {});
  await told(mena, mena.t("notices.agreement_delivered"));
  await both("delivered");

  await lac.page.goto(mine);
  await submit(lac.page, `${mine}/confirm`, {});
  await told(lac, lac.t("notices.agreement_confirmed"));
  await both("ended");
  expect(await balances()).toEqual([
    [-120, 0],
    [2_000, 0],
  ]);
  await seesSettled(lac, mena, mine, ["120 min", "20 ن"]);
  await check(lac);
  await seesSettled(mena, lac, theirs, ["20 ن", "120 min"]);
  await check(mena);

  await review(scene, lac, mine, WORDS.lac);
  await settle(lac.hub, mena.hub);
  await mena.page.goto(`/@${mena.organization.handle}/reviews`);
  expect(await mena.page.getByText(WORDS.lac).count()).toBe(0);
  await review(scene, mena, theirs, WORDS.mena);
  await settle(lac.hub, mena.hub);
  await seesReviews(scene);
}, 300_000);

test("the other hub is away between every two steps: nothing is lost, people are told, and it goes on by itself", async () => {
  const scene = await networks({ javaScript: true });
  const { lac, mena, check, told, state, both, balances } = scene;
  const [known] = await makePeers(lac.hub, mena.hub);
  await startCopy(lac.hub.ctx, known);
  await settle(lac.hub, mena.hub);

  await mena.hub.stop();
  const mine = await offerFound(scene);
  await waitsInVain(scene, mine);
  await check(lac);
  for (const { hub } of [lac, mena]) hub.clock.advance(10 * MINUTE);
  await lac.page.goto("/exchange");
  await lac.page
    .getByRole("status")
    .getByText(lac.t("copies.away_never", { hub: mena.network }))
    .waitFor();
  await check(lac);
  await mena.hub.start();
  await both("offered");
  const theirs = await waitingAt(scene);
  await submit(mena.page, `${theirs}/accept`, {});
  await told(mena, mena.t("notices.agreement_accepted"));
  await mena.hub.stop();
  await lac.page.goto(mine);
  await mena.hub.start();
  await both("funded");

  await mena.page.goto(theirs);
  await submit(mena.page, `${theirs}/deliver`, {});
  await told(mena, mena.t("notices.agreement_delivered"));
  await mena.hub.stop();
  await mena.hub.start();
  await both("delivered");

  await mena.hub.stop();
  await lac.page.goto(mine);
  await submit(lac.page, `${mine}/confirm`, {});
  await told(lac, lac.t("notices.agreement_confirmed"));
  // The payer's hub decides: for its own people it is done, whenever the other one hears of it.
  await until(async () => (await state(lac)) === "ended");
  await lac.page.goto(mine);
  await lac.page.locator(".badge").getByText(lac.t("states.settled")).waitFor();
  expect(await state(mena)).toBe("delivered");
  await mena.hub.start();
  await both("ended");
  expect(await balances()).toEqual([
    [-120, 0],
    [2_000, 0],
  ]);
  await seesSettled(lac, mena, mine, ["120 min", "20 ن"]);
  await seesSettled(mena, lac, theirs, ["20 ن", "120 min"]);

  await mena.hub.stop();
  await review(scene, lac, mine, WORDS.lac);
  await mena.hub.start();
  await review(scene, mena, theirs, WORDS.mena);
  await mena.hub.stop();
  await mena.hub.start();
  await seesReviews(scene);
}, 300_000);
