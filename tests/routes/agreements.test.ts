import { beforeAll, describe, expect, test } from "vitest";
import type { Id } from "../../src/db/ids.ts";
import { createAccount } from "../../src/domain/accounts/commands.ts";
import { agreementList } from "../../src/domain/agreements/queries.ts";
import type { Acting } from "../../src/domain/context.ts";
import { ERROR_STATUS, type ErrorCode } from "../../src/domain/errors.ts";
import { fundAccount, setAccountLimits, setLimits } from "../../src/domain/ledger/accounts.ts";
import { balance } from "../../src/domain/ledger/queries.ts";
import { decideVoucher, requestVoucher, vouchersOf } from "../../src/domain/ledger/vouchers.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import type { ProposalInput } from "../../src/domain/proposals/rules.ts";
import { transact } from "../../src/domain/transact.ts";
import { translator } from "../../src/locales/index.ts";
import { errorText } from "../../src/views/ui/form.tsx";
import { elementById, forms, textOf, typedIn } from "../support/html.ts";
import { account, PASSWORD, startHub, type TestHub } from "../support/hub.ts";
import { loggedIn, type Reply, type Visitor, visitor } from "../support/visitor.ts";

const t = translator("es");
let hub: TestHub;
/** Who gives, who gets, and whose business it is not; each with an organization of her own. */
let giver: Acting;
let getter: Acting;
let berta: Visitor;
let carla: Visitor;
let dora: Visitor;

beforeAll(async () => {
  hub = await startHub();
  [giver, getter] = [await person("berta", "semilla"), await person("carla", "raices")];
  await person("dora", "otra");
  [berta, carla, dora] = [
    await as("berta", "semilla"),
    await as("carla", "raices"),
    await as("dora", "otra"),
  ];
  const limits = { minimum: -1_000_000n, growth: 0n, maximum: null };
  await transact(hub.ctx, (ctx) => setLimits(ctx, getter.actorId, limits, "a test", null));
});

async function person(handle: string, organization: string): Promise<Acting> {
  const email = `${handle}@example.org`;
  const { accountId } = await createAccount(hub.ctx, { handle, email, password: PASSWORD, locale: "es" });
  const name = `Organization ${organization}`;
  return { accountId, actorId: await createOrganization(hub.ctx, accountId, { handle: organization, name }) };
}

async function as(handle: string, organization: string): Promise<Visitor> {
  const visit = await loggedIn(hub, handle);
  await visit.submit("/acting", { as: organization });
  return visit;
}

const publish = (different: Partial<ProposalInput> = {}) =>
  publishProposal(hub.ctx, giver, {
    purpose: "offer",
    name: "Taller de contabilidad",
    content: "Dos horas en línea",
    category: "training",
    unit: "hour",
    available: "10",
    settlement: "credit",
    // Within what an organization may promise in one day, however often.
    price: "0,5",
    online: true,
    language: "es",
    ...different,
  });

let keys = 0;
const terms = (id: Id, different: Record<string, string> = {}) => ({
  as: "raices",
  proposal: String(id),
  revision: "1",
  key: `key-${++keys}`,
  quantity: "2",
  due: "2999-01-31",
  note: "Para el <equipo> nuevo",
  voucher: "",
  ...different,
});

/** An agreement's address, with so many steps taken. */
async function agreed(...steps: ("accept" | "deliver")[]): Promise<string> {
  const path = (await carla.submit("/agreements", terms(await publish()))).headers.location ?? "";
  for (const step of steps) {
    const { status } = await berta.submit(`${path}/${step}`, { as: "semilla" });
    expect(status).toBe(303);
  }
  return path;
}

function expectWrong(
  reply: Reply,
  typed: Record<string, string>,
  field: string,
  code: ErrorCode,
  details: Record<string, string | number> = {},
): void {
  expect(reply.status, `${field} ${code}`).toBe(ERROR_STATUS[code]);
  expect(textOf(elementById(reply.body, `field-${field}-error`))).toBe(errorText(t, { code, details }));
  for (const [name, value] of Object.entries(typed))
    if (!["as", "key", "revision", "voucher"].includes(name))
      expect(typedIn(reply.body, name), name).toBe(value);
}

describe("the form that proposes terms", () => {
  test("tells at the field what is wrong, and keeps what was typed", async () => {
    const id = await publish({ minimum: "2" });
    const wrong: [field: string, value: string, code: ErrorCode, details?: Record<string, number>][] = [
      ["quantity", "", "required"],
      ...["0", "-1", "1.5", "1e3", "x", "99999999"].map((value): (typeof wrong)[number] => [
        "quantity",
        value,
        "not_a_number",
      ]),
      ["quantity", "1", "under_minimum", { minimum: 2 }],
      ["quantity", "11", "over_available", { left: 10 }],
      ["due", "2999-02-30", "not_a_date"],
      ["due", "mañana", "not_a_date"],
      ["due", "2020-01-01", "in_the_past"],
      ["note", "x".repeat(1001), "too_long", { max: 1000 }],
    ];
    for (const [field, value, code, details] of wrong) {
      const typed = terms(id, { [field]: value });
      expectWrong(await carla.submit("/agreements", typed), typed, field, code, details);
    }
    const { items } = await agreementList(hub.ctx, getter.actorId, "open", null, 100);
    expect(items.filter(({ proposal }) => proposal.id === id)).toEqual([]);
  });

  test("takes digits of other keyboards", async () => {
    const { status } = await carla.submit("/agreements", terms(await publish(), { quantity: "٣" }));
    expect(status).toBe(303);
  });

  test("pressed twice makes one agreement; its key makes no second one of other terms", async () => {
    const id = await publish();
    const sent = terms(id);
    const replies = await Promise.all(Array.from({ length: 8 }, () => carla.submit("/agreements", sent)));
    expect(new Set(replies.map(({ status, headers }) => `${status} ${headers.location}`)).size).toBe(1);
    const other = await carla.submit("/agreements", { ...sent, quantity: "3" });
    expect(other.status).toBe(ERROR_STATUS.key_reused);
    expect(textOf(other.body)).toContain(t("errors.key_reused"));
    expect(typedIn(other.body, "quantity")).toBe("3");
    expect(typedIn(other.body, "key")).not.toBe(sent.key);
    const { items } = await agreementList(hub.ctx, getter.actorId, "open", null, 100);
    expect(items.filter(({ proposal }) => proposal.id === id)).toHaveLength(1);
  });

  test("shows the proposal as it is now when it changed meanwhile", async () => {
    const id = await publish();
    const reply = await carla.submit("/agreements", terms(id, { revision: "0" }));
    expect(reply.status).toBe(ERROR_STATUS.stale_proposal);
    expect(textOf(reply.body)).toContain(t("errors.stale_proposal"));
    expect(typedIn(reply.body, "revision")).toBe("1");
    expect(typedIn(reply.body, "note")).toBe("Para el <equipo> nuevo");
  });

  test("says what stands in the way instead of asking in vain", async () => {
    const id = await publish();
    const path = `/agreements/new?proposal=${id}`;
    const linked = async (who: Visitor) => {
      const { body } = await who.get(`/proposals/${id}`);
      const [link = "", href] = /<a class="button" href="([^"]*agreements[^"]*)".*?<\/a>/s.exec(body) ?? [];
      return [href, textOf(link)];
    };
    expect(await linked(berta)).toEqual([undefined, ""]);
    expect(await linked(visitor(hub))).toEqual([
      `/login?next=${encodeURIComponent(path)}`,
      t("proposal.answer_login"),
    ]);
    expect(textOf((await berta.get(path)).body)).toContain(t("obstacles.own"));
    await account(hub, "elena");
    const elena = await loggedIn(hub, "elena");
    expect((await elena.get(path)).body).toContain('href="/organizations/new"');
    await dora.submit("/acting", { as: "dora" });
    for (const who of [carla, dora, elena])
      expect(await linked(who)).toEqual([path, t("proposal.answer_offer")]);
    const page = await dora.get(path);
    expect(textOf(page.body)).toContain(t("obstacles.person"));
    expect(forms(page.body).filter(({ action }) => action === "/agreements")).toEqual([]);
    await dora.submit("/acting", { as: "otra" });
    expect((await visitor(hub).get(path)).headers.location).toMatch(/^\/login\?next=/);
  });
});

describe("the forms of an agreement", () => {
  test("a receiver who puts other terms on the table may pay with a voucher", async () => {
    const limits = { minimum: -100n, growth: 0n, maximum: null };
    await transact(hub.ctx, async (ctx) =>
      setAccountLimits(ctx, await fundAccount(ctx), limits, "a test", null),
    );
    const { id: voucher } = await requestVoucher(hub.ctx, getter, { amount: "1", purpose: "Un taller" });
    await decideVoucher(hub.ctx, hub.admin, voucher, { approve: true });
    const path = await agreed();
    expect((await berta.get(`${path}/counter`)).body).not.toContain('name="voucher"');
    const dear = { quantity: "4", due: "", note: "Cuatro horas" };
    expect((await berta.submit(`${path}/counter`, { as: "semilla", ...dear })).status).toBe(303);

    const form = `${path}/counter`;
    // Two credits are on the table, which it does not cover; fewer hours it does.
    expect((await carla.get(path)).body).not.toContain(`value="${voucher}"`);
    expect((await carla.get(form)).body).toContain(`name="voucher" value="${voucher}"`);
    const terms = { as: "raices", quantity: "3", due: "", note: "Tres", voucher: String(voucher) };
    const small = await carla.submit(form, terms);
    expect(small.status).toBe(ERROR_STATUS.voucher_too_small);
    expect(small.body).toMatch(new RegExp(`value="${voucher}"[^>]* checked`));
    expect((await carla.submit(form, { ...terms, voucher: "0" })).status).toBe(404);
    expect((await carla.submit(form, { ...terms, quantity: "2" })).status).toBe(303);
    expect(textOf((await carla.get(path)).body)).toContain(t("agreement.fund"));
    expect((await berta.submit(`${path}/accept`, { as: "semilla" })).status).toBe(303);
    const { posted, held } = await balance(hub.ctx, getter.actorId);
    expect(await vouchersOf(hub.ctx, getter.actorId)).toMatchObject([{ id: voucher, state: "used" }]);
    expect((await carla.submit(`${path}/confirm`, { as: "raices" })).status).toBe(303);
    expect(await balance(hub.ctx, getter.actorId)).toMatchObject({ posted, held });
  });

  test("ask for a reason where the other side needs one", async () => {
    for (const [action, path] of [
      ["cancel", await agreed("accept")],
      ["dispute", await agreed("accept", "deliver")],
    ] as const) {
      const typed = { as: "raices", note: " " };
      expectWrong(await carla.submit(`${path}/${action}`, typed), typed, "note", "reason_required");
    }
  });

  test("tell what is wrong with a part, and keep what was typed", async () => {
    const path = await agreed("accept", "deliver");
    const valid = { as: "raices", amount: "0,5", quantity: "1", note: "Una hora" };
    for (const [field, value, code] of [
      ["amount", "", "required"],
      ["amount", "x", "not_a_number"],
      ["amount", "1,01", "over_amount"],
      ["quantity", "3", "over_amount"],
      ["note", "", "reason_required"],
    ] as const) {
      const typed = { ...valid, [field]: value };
      expectWrong(await carla.submit(`${path}/confirm`, typed), typed, field, code);
    }
    expect((await carla.submit(`${path}/confirm`, valid)).status).toBe(303);
  });

  test("that somebody was faster with is answered by the agreement as it is now", async () => {
    const path = await agreed();
    expect((await berta.submit(`${path}/accept`, { as: "semilla" })).status).toBe(303);
    const late = await carla.submit(`${path}/withdraw`, { as: "raices" });
    expect(late.status).toBe(ERROR_STATUS.not_now);
    expect(textOf(late.body)).toContain(t("errors.not_now"));
    expect(textOf(late.body)).toContain(t("states.funded"));
    const again = await berta.submit(`${path}/accept`, { as: "semilla" });
    expect(again.status).toBe(ERROR_STATUS.not_now);
  });

  test("are offered to who may send them, in the name of her organization", async () => {
    const offered = async (who: Visitor, path: string) =>
      forms((await who.get(path)).body)
        .map(({ action }) => action.replace(path, ""))
        .filter((action) => /^\/(accept|deliver|confirm|sign|messages)$/.test(action));
    const path = await agreed();
    expect(await offered(berta, path)).toEqual(["/accept", "/messages"]);
    expect(await offered(carla, path)).toEqual(["/messages"]);
    // Whoever acts for herself at the moment still finds the agreement of her organization.
    await berta.submit("/acting", { as: "berta" });
    const page = await berta.get(path);
    expect(typedIn(page.body.slice(page.body.indexOf(`${path}/accept`)), "as")).toBe("semilla");
    await berta.submit("/acting", { as: "semilla" });
    // A page that asks in vain leads back.
    expect((await carla.get(`${path}/reject`)).headers.location).toBe(path);
    expect((await berta.get(`${path}/reject`)).status).toBe(200);
  });

  test("are nobody else's, and neither is what they are about", async () => {
    const path = await agreed("accept", "deliver");
    const ana = await loggedIn(hub);
    for (const who of [dora, ana]) {
      for (const page of ["", "/cancel", "/confirm", "/dispute", "/counter", "/consents.json"])
        expect((await who.get(`${path}${page}`)).status, page).toBe(404);
    }
    for (const action of [
      ...["accept", "counter", "reject", "withdraw", "cancel", "deliver", "confirm", "dispute", "sign"],
      ...["resolution", "propose", "agree", "messages"],
    ]) {
      const fields = { note: "x", content: "x", release: "1", resolution: "1" };
      expect((await dora.submit(`${path}/${action}`, { ...fields, as: "otra" })).status, action).toBe(404);
      expect([403, 404], action).toContain(
        (await dora.submit(`${path}/${action}`, { ...fields, as: "raices" })).status,
      );
      expect((await visitor(hub).submit(`${path}/${action}`, fields)).status, action).toBe(401);
    }
    expect((await visitor(hub).get(path)).headers.location).toMatch(/^\/login\?next=/);
  });

  test("of a dispute are the steward's too, who sees the list of them", async () => {
    const path = await agreed("accept", "deliver");
    await carla.submit(`${path}/dispute`, { as: "raices", note: "Faltó una hora" });
    const ana = await loggedIn(hub);
    expect((await dora.get("/admin/disputes")).status).toBe(404);
    expect((await ana.get("/admin/disputes")).body).toContain(`href="${path}"`);
    expect((await ana.get(path)).status).toBe(200);
    const typed = { as: "ana", release: "1,01", note: "La mitad" };
    expectWrong(await ana.submit(`${path}/resolution`, typed), typed, "release", "over_amount");
    expect((await ana.submit(`${path}/resolution`, { ...typed, release: "0" })).status).toBe(303);
    expect((await ana.submit(`${path}/messages`, { as: "ana", content: "¿Qué pasó?" })).status).toBe(303);
    expect(textOf((await berta.get(path)).body)).toContain("¿Qué pasó?");
    expect((await dora.get(path)).status).toBe(404);
  });
});

test("an empty message is refused at its field, and a document alone is a message", async () => {
  const path = await agreed();
  const typed = { as: "raices", content: " " };
  const reply = await carla.submit(`${path}/messages`, typed);
  expectWrong(reply, { as: "raices" }, "content", "required");
  const boundary = "----boundary";
  const body = [
    `--${boundary}\r\ncontent-disposition: form-data; name="as"\r\n\r\nraices\r\n`,
    `--${boundary}\r\ncontent-disposition: form-data; name="content"\r\n\r\n\r\n`,
    `--${boundary}\r\ncontent-disposition: form-data; name="document"; filename="plan.txt"\r\n\r\n9:00\r\n`,
    `--${boundary}--\r\n`,
  ].join("");
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
  expect((await carla.submit(`${path}/messages`, body, headers)).headers.location).toBe(`${path}#messages`);
  expect(textOf((await berta.get(path)).body)).toContain("plan.txt");
});

test("the list counts what waits, and each group has a word for when it is empty", async () => {
  const page = await berta.get("/agreements");
  expect(page.status).toBe(200);
  expect(page.body).toContain("tab-count");
  expect(textOf((await dora.get("/agreements?group=waiting")).body)).toContain(t("groups.waiting_empty"));
  expect(textOf((await dora.get("/agreements?group=ended")).body)).toContain(t("groups.ended_empty"));
  expect((await visitor(hub).get("/agreements")).headers.location).toBe("/login?next=%2Fagreements");
});
