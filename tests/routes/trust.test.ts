import { eq } from "drizzle-orm";
import { beforeAll, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { accounts } from "../../src/db/schema/accounts.ts";
import { memberships } from "../../src/db/schema/organizations.ts";
import { ERROR_STATUS, type ErrorCode } from "../../src/domain/errors.ts";
import { decideVerification, requestVerification } from "../../src/domain/organizations/verification.ts";
import { reviewAgreement } from "../../src/domain/reviews/commands.ts";
import { translator } from "../../src/locales/index.ts";
import { errorText } from "../../src/views/ui/form.tsx";
import { settledAgreement } from "../support/agreements.ts";
import { elementById, textOf, typedIn } from "../support/html.ts";
import { account, type Organization, startHub, type TestHub } from "../support/hub.ts";
import { loggedIn, type Visitor, visitor } from "../support/visitor.ts";

const t = translator("es");
let hub: TestHub;
let ana: Visitor;
let rio: Organization;
let semilla: Organization;

beforeAll(async () => {
  hub = await startHub();
  rio = await hub.organization("rio");
  semilla = await hub.organization("semilla");
  ana = await loggedIn(hub);
});

/** Sends the form, and expects to be told what is wrong at its field, with all that was typed still there. */
async function expectWrong(
  path: string,
  fields: Record<string, string>,
  field: string,
  code: ErrorCode,
  details: Record<string, string | number> = {},
): Promise<void> {
  const reply = await ana.submit(path, fields);
  expect(reply.status, `${path} ${field}`).toBe(ERROR_STATUS[code]);
  expect(textOf(elementById(reply.body, `field-${field}-error`))).toBe(errorText(t, { code, details }));
  for (const [name, typed] of Object.entries(fields))
    if (name !== field && name !== "as") expect(typedIn(reply.body, name), name).toBe(typed);
}

const actAs = (as: string) => ana.submit("/acting", { as });

describe("the form of a review", () => {
  const valid = {
    ...{ as: "semilla", kept_word: "5", quality: "4", communication: "4", language: "es" },
    content: "Cumplieron <b>todo</b>.",
  };
  const settled = () =>
    settledAgreement(hub.ctx, {
      ...{ provider: rio.actorId, receiver: semilla.actorId, settledAt: hub.ctx.clock.now() },
    });

  test("asks for each score, and keeps what was typed", async () => {
    await actAs("semilla");
    const path = `/agreements/${await settled()}/review`;
    for (const field of ["kept_word", "quality", "communication"]) {
      await expectWrong(path, { ...valid, [field]: "" }, field, "required");
      for (const wrong of ["0", "6", "4.5", "x"])
        await expectWrong(path, { ...valid, [field]: wrong }, field, "invalid");
    }
    const long = "x".repeat(2001);
    await expectWrong(path, { ...valid, content: long }, "content", "too_long", { max: 2000 });
    await expectWrong(path, { ...valid, language: "xx" }, "language", "invalid");
  });

  test("saves it sealed, tells so, and takes no second one", async () => {
    await actAs("semilla");
    const path = `/agreements/${await settled()}/review`;
    expect((await ana.get(path)).body).toContain(`action="${path}"`);
    const saved = await ana.submit(path, valid);
    expect([saved.status, saved.headers.location]).toEqual([303, path]);
    const page = (await ana.get(path)).body;
    expect(textOf(page)).toContain(t("review.sealed"));
    expect(page).not.toContain("Cumplieron");
    expect(page).not.toContain(`action="${path}"`);
    expect((await ana.submit(path, valid)).status).toBe(409);

    await actAs("rio");
    const theirs = (await ana.get(path)).body;
    expect(theirs).not.toContain("Cumplieron");
    expect((await visitor(hub).get("/@rio/reviews")).body).not.toContain("Cumplieron");
    await ana.submit(path, { ...valid, as: "rio", content: "" });
    const open = (await visitor(hub).get("/@rio/reviews")).body;
    expect(open).toContain("Cumplieron &lt;b&gt;todo&lt;/b&gt;.");
    expect(textOf(open)).toContain(t("review.stars", { rating: 4 }));
  });

  test("is for the parties: others find nothing, visitors log in", async () => {
    const id = await settled();
    await account(hub, "berta");
    const berta = await loggedIn(hub, "berta");
    expect((await berta.get(`/agreements/${id}/review`)).status).toBe(404);
    expect((await berta.submit(`/agreements/${id}/review`, { ...valid, as: "berta" })).status).toBe(404);
    expect((await ana.submit(`/agreements/${id}/review`, { ...valid, as: "ana" })).status).toBe(404);
    expect((await visitor(hub).get(`/agreements/${id}/review`)).headers.location).toMatch(/^\/login/);
    expect((await visitor(hub).submit(`/agreements/${id}/review`, valid)).status).toBe(401);
  });

  test("is written, read and taken back as the party, whoever one acts as elsewhere", async () => {
    const other = await hub.organization("lago");
    const id = await settledAgreement(hub.ctx, {
      ...{ provider: other.actorId, receiver: semilla.actorId, settledAt: hub.ctx.clock.now() },
    });
    const path = `/agreements/${id}/review`;
    const { accountId } = await account(hub, "dina");
    await hub.ctx.db.insert(memberships).values({
      ...{ accountId, organizationId: semilla.actorId, role: "editor", created: hub.ctx.clock.now() },
    });
    const dina = await loggedIn(hub, "dina");
    const page = (await dina.get(path)).body;
    expect(page).toContain('name="as" value="semilla"');
    expect(textOf(page)).toContain(t("review.submit", { name: "Organization semilla" }));
    expect((await dina.submit(path, valid)).status).toBe(303);
    const [, review = ""] = /href="(\/reviews\/\d+)\/delete"/.exec((await dina.get(path)).body) ?? [];
    expect((await dina.get(review)).headers.location).toBe(path);
    expect((await dina.get(`${review}/delete`)).body).toContain('name="as" value="semilla"');
    expect((await dina.submit(`${review}/delete`, { as: "semilla" })).status).toBe(303);
  });

  test("before the end and after the time for it there is none, and the page says why", async () => {
    await actAs("semilla");
    const parties = { provider: rio.actorId, receiver: semilla.actorId };
    const now = hub.ctx.clock.now();
    const early = await settledAgreement(hub.ctx, { ...parties, settledAt: now, state: "delivered" });
    const settledAt = new Date(now.getTime() - 90 * 86_400_000);
    const over = await settledAgreement(hub.ctx, { ...parties, settledAt });
    for (const [id, code] of [
      [early, "not_reviewable"],
      [over, "review_over"],
    ] as const) {
      const page = await ana.get(`/agreements/${id}/review`);
      expect(textOf(page.body)).toContain(t(`errors.${code}`));
      expect(page.body).not.toContain(`action="/agreements/${id}/review"`);
      expect((await ana.submit(`/agreements/${id}/review`, valid)).status).toBe(409);
    }
  });

  test("a review is taken back by its author after a page that says what will happen", async () => {
    const agreement = await settled();
    const review = (who: Organization, content: string): Promise<Id> =>
      reviewAgreement(hub.ctx, who, agreement, {
        ...{ keptWord: 1, quality: 1, communication: 1, content, language: "es" },
      });
    const id = await review(semilla, "me equivoqué");
    await review(rio, "todo bien");
    await account(hub, "elsa");
    const elsa = await loggedIn(hub, "elsa");
    expect((await elsa.get(`/reviews/${id}/delete`)).status).toBe(404);
    expect((await ana.submit(`/reviews/${id}/delete`, { as: "rio" })).status).toBe(404);
    const { location = "" } = (await visitor(hub).get(`/reviews/${id}`)).headers;
    expect(textOf((await visitor(hub).get(location)).body)).toContain("★☆☆☆☆ 1/5 — me equivoqué");
    await actAs("semilla");
    expect((await ana.get(`/reviews/${id}/delete`)).body).toContain(`action="/reviews/${id}/delete"`);
    expect((await ana.submit(`/reviews/${id}/delete`, { as: "semilla" })).status).toBe(303);
    for (const path of [`/reviews/${id}`, location]) expect((await visitor(hub).get(path)).status).toBe(410);
    expect((await visitor(hub).get("/@rio/reviews")).body).not.toContain("me equivoqué");
  });
});

describe("verification and vouching", () => {
  test("an organization asks, a curator decides, the profile shows it", async () => {
    await actAs("rio");
    const path = "/settings/verification";
    const valid = { as: "rio", size_class: "S", statement: "Registro 1234" };
    await expectWrong(path, { ...valid, size_class: "" }, "size_class", "required");
    await expectWrong(path, { ...valid, size_class: "XL" }, "size_class", "invalid");
    await expectWrong(path, { ...valid, statement: "" }, "statement", "required");
    expect((await ana.submit(path, { ...valid, as: "ana" })).status).toBe(422);
    expect((await ana.submit(path, valid)).status).toBe(303);

    await account(hub, "carla");
    const carla = await loggedIn(hub, "carla");
    const decide = `/admin/verifications/${rio.actorId}`;
    const decision = { as: "carla", state: "verified", size_class: "S", note: "" };
    for (const page of ["/admin/verifications", decide]) expect((await carla.get(page)).status).toBe(404);
    expect((await carla.submit(decide, decision)).status).toBe(404);
    await hub.ctx.db.update(accounts).set({ role: "curator" }).where(eq(accounts.email, "carla@example.org"));
    expect((await carla.get("/admin/verifications")).body).toContain(`href="${decide}"`);
    expect(textOf((await carla.get(decide)).body)).toContain("Registro 1234");

    await expectWrong(decide, { ...decision, as: "ana", state: "" }, "state", "required");
    await expectWrong(decide, { ...decision, as: "ana", state: "refused" }, "note", "required");
    expect((await carla.submit(decide, decision)).status).toBe(303);
    expect((await carla.submit(decide, { ...decision, state: "refused", note: "x" })).status).toBe(409);
    const badge = t("verified.badge", { hub: `Hub ${hub.host}` });
    expect(textOf((await visitor(hub).get("/@rio")).body)).toContain(badge);
    expect(textOf((await visitor(hub).get("/directory")).body)).toContain(badge);
    expect(textOf((await visitor(hub).get("/@semilla")).body)).not.toContain(badge);
    expect((await visitor(hub).get("/admin/verifications")).headers.location).toMatch(/^\/login/);
  });

  test("it vouches from the other one's profile, and takes that back", async () => {
    const monte = await hub.organization("monte");
    await requestVerification(hub.ctx, monte, { sizeClass: "M", statement: "x" });
    const decision = { state: "verified", sizeClass: "M" } as const;
    const dora = await account(hub, "dora");
    await hub.ctx.db.update(accounts).set({ role: "curator" }).where(eq(accounts.id, dora.accountId));
    await decideVerification(hub.ctx, dora, monte.actorId, decision);
    await actAs("monte");
    expect((await ana.get("/@semilla")).body).toContain(`href="/@semilla/vouch"`);
    expect((await ana.get("/@semilla/vouch")).body).toContain(`action="/@semilla/vouch"`);
    const path = "/@semilla/vouch";
    await expectWrong(path, { as: "monte", amount: "" }, "amount", "required");
    await expectWrong(path, { as: "monte", amount: "uno" }, "amount", "not_a_number");
    const max = { max: "5 ₳" };
    await expectWrong(path, { as: "monte", amount: "6" }, "amount", "over_vouch_max", max);
    expect((await ana.submit(path, { as: "monte", amount: "2,5" })).status).toBe(303);
    expect((await visitor(hub).get("/@semilla")).body).toContain(`href="/@monte"`);
    for (const closed of [path, "/@monte/vouch", "/@ana/vouch"])
      expect((await ana.get(closed)).status).toBe(404);
    const own = await ana.get("/settings/verification");
    expect(own.body).toContain(`action="/@semilla/vouch/withdraw"`);
    expect((await ana.submit("/@semilla/vouch/withdraw", { as: "monte" })).status).toBe(303);
    expect((await ana.get("/settings/verification")).body).not.toContain("/vouch/withdraw");
    await actAs("semilla");
    expect((await ana.get("/@monte/vouch")).status).toBe(404);
    expect((await ana.get("/@monte")).body).not.toContain("/vouch");
  });
});
