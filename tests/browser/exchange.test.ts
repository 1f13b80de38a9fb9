import { describe, expect, onTestFinished, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { createAccount } from "../../src/domain/accounts/commands.ts";
import { agreementById, type FullAgreement } from "../../src/domain/agreements/queries.ts";
import type { Acting } from "../../src/domain/context.ts";
import { fundAccount, setAccountLimits, setLimits } from "../../src/domain/ledger/accounts.ts";
import { checkLedger } from "../../src/domain/ledger/check.ts";
import { balance } from "../../src/domain/ledger/queries.ts";
import { decideVoucher, requestVoucher } from "../../src/domain/ledger/vouchers.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { type Locale, translator } from "../../src/locales/index.ts";
import { submit, type Visit, violations, visit } from "../support/browser.ts";
import { PASSWORD, startHub, type TestHub } from "../support/hub.ts";
import { loggedIn } from "../support/visitor.ts";

/** The hub's currency has two decimals. */
const credits = (whole: number) => BigInt(whole) * 100n;

const SIDES = { berta: "Semilla del Valle", carla: "Red Raíces" } as const;

/** Somebody at a phone who acts for an organization, or as herself. */
interface Person extends Visit, Acting {
  handle: string;
}

/**
 * Two organizations with a representative each, and the administrator, who belongs to neither of them. Berta's offers a workshop of
 * 10 hours; Carla's has a credit line.
 */
async function market(options: { javaScript: boolean; locale: Locale }) {
  const hub = await startHub();
  const t = translator(options.locale);
  const problems: string[] = [];
  onTestFinished(() => expect(problems).toEqual([]));

  async function person(handle: "berta" | "carla"): Promise<Person> {
    const { accountId } = await createAccount(hub.ctx, {
      handle,
      email: `${handle}@example.org`,
      password: PASSWORD,
      locale: options.locale,
    });
    const organization = `${handle}_org`;
    const actorId = await createOrganization(hub.ctx, accountId, {
      handle: organization,
      name: SIDES[handle],
    });
    return { ...(await at(handle, organization)), accountId, actorId, handle: organization };
  }

  async function at(handle: string, as?: string): Promise<Visit> {
    const session = await loggedIn(hub, handle, options.locale);
    await session.submit("/locale", { locale: options.locale });
    if (as !== undefined) await session.submit("/acting", { as });
    await session.get("/");
    return visit(hub, { ...options, as: session, expected: [409, 422] });
  }

  const berta = await person("berta");
  const carla = await person("carla");
  const limits = { minimum: -credits(50), growth: 0n, maximum: null };
  await transact(hub.ctx, (ctx) => setLimits(ctx, carla.actorId, limits, "a test", null));

  return {
    hub,
    t,
    berta,
    carla,
    at,
    publish: (different: Partial<ProposalInput> = {}) =>
      publishProposal(hub.ctx, berta, {
        purpose: "offer",
        name: "Taller de contabilidad",
        content: "Libro de caja y presupuesto",
        category: "training",
        unit: "hour",
        available: "10",
        settlement: "credit",
        price: "10",
        online: true,
        language: "es",
        ...different,
      }),
    /** Axe finds nothing on the page that somebody sees. */
    check: async (who: Visit) => problems.push(...(await violations(hub, who))),
    told: (who: Visit, text: string) => who.page.getByRole("status").getByText(text).waitFor(),
    /** Carla answers a proposal by its page. @returns the agreement's address */
    async offer(id: Id, values: Record<string, string>): Promise<string> {
      const { page } = carla;
      await page.goto(`/agreements/new?proposal=${id}`);
      await submit(page, "/agreements", values);
      await page.getByRole("status").getByText(t("notices.agreement_offered")).waitFor();
      return pathOf(hub, carla);
    },
    /** One of the short forms of an agreement's page. */
    async press(who: Person, path: string, action: string, values: Record<string, string> = {}) {
      await who.page.goto(path);
      await submit(who.page, `${path}/${action}`, values);
    },
    agreement: (path: string): Promise<FullAgreement> =>
      agreementById(hub.ctx, BigInt(path.split("/").at(-1) ?? ""), berta),
    /** Whole credits of the two and the fund, what is held of Carla's; and that the ledger is sound. */
    async balances() {
      const [his, hers, fund] = await Promise.all(
        [berta.actorId, carla.actorId, null].map((holder) => balance(hub.ctx, holder)),
      );
      expect(await checkLedger(hub.ctx)).toEqual([]);
      const whole = (amount: bigint | undefined) => Number(amount) / 100;
      return {
        berta: whole(his?.posted),
        carla: whole(hers?.posted),
        fund: whole(fund?.posted),
        held: whole(hers?.held),
      };
    },
  };
}

function pathOf(hub: TestHub, { page }: Visit): string {
  return new URL(page.url()).pathname.replace(hub.origin, "");
}

const MODES: { javaScript: boolean; locale: Locale }[] = [
  { javaScript: true, locale: "es" },
  { javaScript: false, locale: "ar" },
];

describe.each(MODES)("on a phone (scripts: $javaScript, language: $locale)", (mode) => {
  test("an offer is found, agreed, delivered and confirmed, and both review", async () => {
    const { hub, t, berta, carla, publish, check, told, agreement, balances } = await market(mode);
    await publish();

    // Carla finds it and proposes terms.
    await carla.page.goto("/exchange");
    await check(carla);
    await carla.page.locator("main").getByRole("link", { name: "Taller de contabilidad" }).first().click();
    await check(carla);
    await carla.page.locator('a[href^="/agreements/new?proposal="]').first().click();
    await check(carla);
    const quantity = carla.page.locator('[name="quantity"]');
    await quantity.fill("11");
    await carla.page.locator('main form[action="/agreements"] button[type="submit"]').click();
    await carla.page
      .getByText(t("errors.over_available", { left: 10 }))
      .first()
      .waitFor();
    expect(await quantity.inputValue()).toBe("11");
    await check(carla);
    await quantity.fill("2");
    const sum = carla.page.locator("output");
    if (mode.javaScript) expect(await sum.innerText()).toBe("2 × 10\u00a0₳ = 20\u00a0₳");
    else expect(await sum.isVisible()).toBe(false);
    await submit(carla.page, "/agreements", { note: "Para el equipo nuevo", due: "2999-01-31" });
    await told(carla, t("notices.agreement_offered"));
    const path = pathOf(hub, carla);
    expect(await balances()).toEqual({ berta: 0, carla: 0, fund: 0, held: 20 });
    await check(carla);

    // Berta's list says that it waits for her.
    await berta.page.goto("/agreements");
    await check(berta);
    await berta.page.locator("main").getByRole("link", { name: "Taller de contabilidad" }).click();
    expect(pathOf(hub, berta)).toBe(path);
    expect(await berta.page.locator('.step-bar [aria-current="step"]').innerText()).toContain(
      t("agreement.turn_own"),
    );
    await check(berta);
    await submit(berta.page, `${path}/accept`, {});
    await told(berta, t("notices.agreement_accepted"));

    // They write to one another.
    await submit(berta.page, `${path}/messages`, { content: "¿El jueves a las 9?" });
    await told(berta, t("notices.message_sent"));
    await carla.page.goto(path);
    await carla.page.getByText("¿El jueves a las 9?").waitFor();
    await check(carla);
    await carla.page.locator(`main form[action="${path}/messages"] summary`).click();
    await carla.page.locator('[name="document"]').setInputFiles({
      name: "programa.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("9:00 Libro de caja"),
    });
    await submit(carla.page, `${path}/messages`, { content: "Sí, va el programa." });
    await told(carla, t("notices.message_sent"));
    await berta.page.goto(path);
    const file = await berta.page.getByRole("link", { name: "programa.txt" }).getAttribute("href");
    expect(await (await berta.context.request.get(file ?? "")).text()).toBe("9:00 Libro de caja");

    // Berta delivers and gives a part to the fund; Carla confirms.
    await submit(berta.page, `${path}/deliver`, { donation: "10" });
    await told(berta, t("notices.agreement_delivered"));
    await check(berta);
    await carla.page.goto(path);
    await check(carla);
    await submit(carla.page, `${path}/confirm`, {});
    await told(carla, t("notices.agreement_confirmed"));
    expect(await balances()).toEqual({ berta: 18, carla: -20, fund: 2, held: 0 });
    expect((await agreement(path)).state).toBe("settled");
    await check(carla);

    // Both say how it was.
    for (const who of [carla, berta]) {
      await who.page.goto(path);
      await who.page.locator(`a[href="${path}/review"]`).click();
      await check(who);
      await submit(who.page, `${path}/review`, {
        kept_word: "5",
        quality: "4",
        communication: "5",
        content: "Todo claro y a tiempo",
      });
      await told(who, t("notices.review_saved"));
    }
    await carla.page.goto(`${path}/review`);
    await carla.page.getByText("Todo claro y a tiempo").first().waitFor();
    await check(carla);

    // What was signed can be taken along.
    await carla.page.goto(path);
    const link = await carla.page.locator("a[download]").first().getAttribute("href");
    const bundle = (await (await carla.context.request.get(link ?? "")).json()) as {
      consents: { message: string }[];
    };
    expect(bundle.consents.map(({ message }) => message)).toEqual(["offer", "accept", "deliver", "confirm"]);
  }, 240_000);

  test("a gift takes no credits", async () => {
    const { t, berta, carla, publish, check, told, offer, press, agreement, balances } = await market(mode);
    const path = await offer(await publish({ settlement: "none", price: undefined }), { quantity: "1" });
    await check(carla);
    await press(berta, path, "accept");
    await press(berta, path, "deliver");
    await press(carla, path, "confirm");
    await told(carla, t("notices.agreement_confirmed"));
    await check(carla);
    expect((await agreement(path)).state).toBe("settled");
    expect(await balances()).toEqual({ berta: 0, carla: 0, fund: 0, held: 0 });
  }, 120_000);

  test("a voucher pays in the place of an organization that has nothing yet", async () => {
    const { hub, t, berta, carla, publish, check, told, offer, press, balances } = await market(mode);
    // The fund may go below zero by what the hub allows.
    const limits = { minimum: -credits(100), growth: 0n, maximum: null };
    await transact(hub.ctx, async (ctx) =>
      setAccountLimits(ctx, await fundAccount(ctx), limits, "a test", null),
    );
    const { id } = await requestVoucher(hub.ctx, carla, {
      amount: "30",
      purpose: "Poner en orden las cuentas",
    });
    await decideVoucher(hub.ctx, hub.admin, id, { approve: true });
    const path = await offer(await publish(), { quantity: "2", voucher: String(id) });
    await check(carla);
    await press(berta, path, "accept");
    await press(berta, path, "deliver");
    await press(carla, path, "confirm");
    await told(carla, t("notices.agreement_confirmed"));
    await carla.page.locator("dd").getByText(t("agreement.fund")).waitFor();
    expect(await balances()).toEqual({ berta: 20, carla: 0, fund: -20, held: 0 });
  }, 120_000);

  test("only a part is confirmed, with its reason", async () => {
    const { t, berta, carla, publish, check, told, offer, press, agreement, balances } = await market(mode);
    const path = await offer(await publish(), { quantity: "3" });
    await press(berta, path, "accept");
    await press(berta, path, "deliver");
    await carla.page.goto(path);
    await carla.page.locator(`a[href="${path}/confirm"]`).click();
    await check(carla);
    await submit(carla.page, `${path}/confirm`, { amount: "40", quantity: "2", note: "x" });
    await carla.page.getByText(t("errors.over_amount")).first().waitFor();
    expect(await carla.page.locator('[name="amount"]').inputValue()).toBe("40");
    await check(carla);
    await submit(carla.page, `${path}/confirm`, { amount: "20", note: "La tercera hora no hizo falta" });
    await told(carla, t("notices.agreement_confirmed"));
    await check(carla);
    expect(await agreement(path)).toMatchObject({
      state: "settled",
      settledAmount: credits(20),
      settledQuantity: 2,
    });
    expect(await balances()).toEqual({ berta: 20, carla: -20, fund: 0, held: 0 });
  }, 120_000);

  test("a dispute ends when both sign what a steward proposes", async () => {
    const sides = await market(mode);
    const { hub, t, berta, carla, at, publish, check, told, offer, press, agreement, balances } = sides;
    const path = await offer(await publish(), { quantity: "2" });
    await press(berta, path, "accept");
    await press(berta, path, "deliver");
    await carla.page.goto(path);
    await carla.page.locator(`a[href="${path}/dispute"]`).click();
    await check(carla);
    await submit(carla.page, `${path}/dispute`, { note: "Solo vinieron la primera hora" });
    await told(carla, t("notices.agreement_disputed"));
    await check(carla);

    const steward = await at("ana");
    await steward.page.goto("/admin/disputes");
    await check(steward);
    await steward.page.locator("main").getByRole("link", { name: "Taller de contabilidad" }).click();
    expect(pathOf(hub, steward)).toBe(path);
    await check(steward);
    await submit(steward.page, `${path}/resolution`, { release: "10", note: "Una hora de dos: la mitad." });
    await told(steward, t("notices.resolution_proposed"));
    await check(steward);

    for (const who of [carla, berta]) {
      await who.page.goto(path);
      await check(who);
      await submit(who.page, `${path}/sign`, {});
      await told(who, t("notices.resolution_signed"));
    }
    await check(berta);
    expect((await agreement(path)).state).toBe("resolved");
    expect(await balances()).toEqual({ berta: 10, carla: -10, fund: 0, held: 0 });
  }, 120_000);
});
