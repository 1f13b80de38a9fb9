import { gunzipSync } from "node:zlib";
import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { accounts } from "../../src/db/schema/accounts.ts";
import { ledgerChecks } from "../../src/db/schema/ledger.ts";
import type { Acting } from "../../src/domain/context.ts";
import type { ErrorCode } from "../../src/domain/errors.ts";
import { organizationAccount } from "../../src/domain/ledger/accounts.ts";
import { runChecks } from "../../src/domain/ledger/check.ts";
import { balance } from "../../src/domain/ledger/queries.ts";
import { commit, reserve } from "../../src/domain/ledger/transfers.ts";
import { transact } from "../../src/domain/transact.ts";
import { LOCALES, translator } from "../../src/locales/index.ts";
import { csvRow, periodOf } from "../../src/routes/web/ledger-csv.ts";
import { errorText } from "../../src/views/ui/form.tsx";
import { creditPages, lend, payFor } from "../support/credits.ts";
import { elementById, textOf, typedIn } from "../support/html.ts";
import { account, settle, startHub, type TestHub } from "../support/hub.ts";
import { loggedIn, type Visitor, visitor } from "../support/visitor.ts";

/** A hub on which two organizations exchanged, and whoever represents them, acting as the first. */
async function exchanging(): Promise<{ hub: TestHub; raices: Acting; semilla: Acting; member: Visitor }> {
  const hub = await startHub();
  const [raices, semilla] = [await hub.organization("raices"), await hub.organization("semilla")];
  await lend(hub.ctx, raices, 10_000n);
  await lend(hub.ctx, semilla, 10_000n);
  return { hub, raices, semilla, member: await as(await loggedIn(hub), "raices") };
}

async function as(member: Visitor, handle: string): Promise<Visitor> {
  await member.submit("/acting", { as: handle });
  // Takes the notice.
  await member.get("/");
  return member;
}

/** The records of CSV (RFC 4180), read strictly. */
function records(csv: string): string[][] {
  expect(csv.startsWith("\ufeff")).toBe(true);
  expect(csv.endsWith("\r\n")).toBe(true);
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  const rows: string[][] = [[]];
  const text = csv.slice(1);
  for (let at = 0; at < text.length; at = cell.lastIndex) {
    cell.lastIndex = at;
    const match = cell.exec(text);
    if (match === null) throw new Error(`no cell at ${at}: ${text.slice(at, at + 40)}`);
    rows.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
    if (match[3] === "\r\n") rows.push([]);
  }
  return rows.slice(0, -1);
}

test("the statement shows what moved, narrowed as one likes, and every line leads to its agreement", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  const earned = await payFor(hub.ctx, semilla, raices, "7,5", "Taller de <radio>");
  const spent = await payFor(hub.ctx, raices, semilla, "2", "Sala con cocina");
  const page = await member.get("/ledger");
  expect(page.status).toBe(200);
  const text = textOf(page.body);
  for (const shown of ["5,5", "Taller de &lt;radio&gt;", "Sala con cocina", "+7,50", "−2,00"])
    expect(page.body + text).toContain(shown);
  expect(page.body).toContain(`href="/agreements/${earned.agreement}"`);
  expect(page.body).toContain(`href="/agreements/${spent.agreement}"`);
  expect(page.body).toContain(`href="/ledger/transfers/${earned.transfer}/return"`);
  // Who paid gives nothing back.
  expect(page.body).not.toContain(`/ledger/transfers/${spent.transfer}/return`);
  const incoming = await member.get("/ledger?direction=in&kind=agreement");
  expect(incoming.body).toContain("+7,50");
  expect(incoming.body).not.toContain("−2,00");
  const none = await member.get("/ledger?to=2020-01-01");
  expect(none.body).not.toContain("+7,50");
  for (const odd of ["direction=up", "kind=x", "from=2026-02-31", "to=%00", "before=x", "before=-1"])
    expect((await member.get(`/ledger?${odd}`)).body).toContain("+7,50");
  const other = await as(await loggedIn(hub), "ana");
  expect((await other.get("/ledger")).body).not.toContain("+7,50");
  expect((await other.get("/ledger/statement.csv")).status).toBe(422);
});

test("long statements come in pages, and as CSV whole, safe for spreadsheets", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  const { ctx } = hub;
  const [payeeId, payerId] = [
    await organizationAccount(ctx, raices.actorId),
    await organizationAccount(ctx, semilla.actorId),
  ];
  const lines = 520;
  await transact(ctx, async (ctx) => {
    for (let n = 0; n < lines; n++) {
      const note = n === 0 ? '=HYPERLINK("http://evil.example","a, b")' : n === 1 ? "dos\nlíneas" : null;
      const id = await reserve(ctx, {
        kind: "donation",
        payerId,
        payeeId,
        amount: 1n,
        note,
        accountId: null,
      });
      await commit(ctx, id, { amount: 1n, decision: "donate", accountId: null });
    }
  });
  const csv = await member.get("/ledger/statement.csv?kind=donation");
  expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8; header=present");
  expect(csv.headers["content-disposition"]).toMatch(
    /^attachment; filename="raices-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv"$/,
  );
  const [head, ...rows] = records(csv.body);
  expect(rows.length).toBe(lines);
  expect(new Set(rows.map((row) => row.length))).toEqual(new Set([head!.length]));
  const column = (name: string) => rows.map((row) => row[head!.indexOf(name)]);
  expect(column("line")).toEqual(Array.from({ length: lines }, (_, n) => String(lines - n)));
  for (const time of column("time")) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(new Set(column("amount"))).toEqual(new Set(["0.01"]));
  expect(column("balance")[0]).toBe("5.2");
  expect(column("note").slice(-2)).toEqual(["dos\nlíneas", `'=HYPERLINK("http://evil.example","a, b")`]);
  expect(new Set(column("address"))).toEqual(new Set([`semilla@${hub.host}`]));
  expect(records((await member.get("/ledger/statement.csv?direction=out")).body)).toEqual([head]);

  // The pages together are the statement, and each is light.
  const seen: string[] = [];
  let path: string | undefined = "/ledger";
  while (path !== undefined && seen.length < 100) {
    const { body } = await member.get(path);
    seen.push(...[...body.matchAll(/class="number number-in">([^<]*)</g)].map(([, amount]) => amount!));
    path = /href="(\/ledger\?before=\d+)" rel="next"/.exec(body)?.[1];
  }
  expect(seen.length).toBe(100);
  for (const locale of LOCALES) {
    await member.submit("/locale", { locale });
    const page = await member.get("/ledger", { "accept-encoding": "gzip" });
    expect(page.bytes.length, locale).toBeLessThan(15_000);
    expect(gunzipSync(page.bytes).toString()).toContain(`lang="${locale}"`);
  }
});

test("a cell of CSV is no formula, and a number stays one", () => {
  for (const formula of ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"])
    expect(csvRow([formula])).toMatch(/^"?'/);
  for (const plain of ["-2.5", "+3", "0", "", "a=1", "2026-01-01T00:00:00.000Z", "raíces @ casa"])
    expect(csvRow([plain])).toBe(`${plain}\r\n`);
  expect(csvRow(['a "b"', "c,d", "e\r\nf"])).toBe('"a ""b""","c,d","e\r\nf"\r\n');
});

test("a statement is taken away for five years at most", () => {
  const now = new Date("2026-11-22T10:00:00Z");
  const day = (date: string) => new Date(`${date}T00:00:00Z`);
  const period = (from?: string, to?: string) => {
    const found = periodOf({ from: from ? day(from) : undefined, to: to ? day(to) : undefined }, now);
    return [found.from, found.to].map((date) => date.toISOString().slice(0, 10));
  };
  expect(period()).toEqual(["2021-11-22", "2026-11-22"]);
  expect(period("2000-01-01", "2020-02-29")).toEqual(["2015-03-01", "2020-02-29"]);
  expect(period("2026-01-01", "2099-01-01")).toEqual(["2026-01-01", "2026-11-22"]);
});

test("what is too much to keep is given to the fund by one button; what is wrong is told at its field", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  await payFor(hub.ctx, semilla, raices, "35,5");
  const { body } = await member.get("/ledger");
  expect(typedIn(body, "amount")).toBe("25,5");
  for (const [amount, status] of [
    ["", 422],
    ["x", 422],
    ["46", 409],
  ] as const) {
    const wrong = await member.submit("/ledger/donate", { as: "raices", amount, note: "una nota" });
    expect(wrong.status).toBe(status);
    expect(textOf(elementById(wrong.body, "field-amount-error"))).not.toBe("");
    expect([typedIn(wrong.body, "amount"), typedIn(wrong.body, "note")]).toEqual([amount, "una nota"]);
  }
  const given = await member.submit("/ledger/donate", { as: "raices", amount: "25,5" });
  expect([given.status, given.headers.location]).toEqual([303, "/ledger"]);
  expect((await balance(hub.ctx, null)).posted).toBe(2_550n);
  expect((await balance(hub.ctx, raices.actorId)).posted).toBe(1_000n);
  expect((await member.get("/ledger")).body).not.toContain('id="excess"');
});

test("who was paid gives back a part, and then no more than the rest", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  const { transfer, agreement } = await payFor(hub.ctx, semilla, raices, "10");
  const path = `/ledger/transfers/${transfer}/return`;
  const linked = async () => (await member.get(`/agreements/${agreement}`)).body.includes(`href="${path}"`);
  expect(await linked()).toBe(true);
  expect(typedIn((await member.get(path)).body, "amount")).toBe("10");
  const silent = await member.submit(path, { as: "raices", amount: "1", note: " " });
  expect(silent.status).toBe(422);
  expect(textOf(elementById(silent.body, "field-note-error"))).not.toBe("");
  expect((await member.submit(path, { as: "raices", amount: "4", note: "De más" })).status).toBe(303);
  expect(typedIn((await member.get(path)).body, "amount")).toBe("6");
  expect((await member.submit(path, { as: "raices", amount: "6,01", note: "De más" })).status).toBe(422);
  expect((await member.submit(path, { as: "raices", amount: "6", note: "Todo" })).status).toBe(303);
  expect((await member.get(path)).body).not.toContain(`action="${path}"`);
  expect((await balance(hub.ctx, raices.actorId)).posted).toBe(0n);
  expect(await linked()).toBe(false);
  await account(hub, "berta");
  expect((await (await loggedIn(hub, "berta")).get(path)).status).toBe(404);
});

test("it is given back as who was paid, whoever one acts as elsewhere; who paid is shown no way to", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  const { transfer, agreement } = await payFor(hub.ctx, semilla, raices, "10");
  const path = `/ledger/transfers/${transfer}/return`;
  await as(member, "semilla");
  const page = (await member.get(`/agreements/${agreement}`)).body;
  expect(page).toContain('href="/ledger"');
  expect(page).not.toContain(path);
  expect((await member.get(path)).body).toContain('name="as" value="raices"');
  expect((await member.submit(path, { as: "semilla", amount: "1", note: "x" })).status).toBe(404);
  expect((await member.submit(path, { as: "raices", amount: "1", note: "De más" })).status).toBe(303);
});

test("a browser at the currency's address is led to the hub's books", async () => {
  const { hub } = await exchanging();
  const { status, headers } = await visitor(hub).get("/currency");
  expect([status, headers.location]).toEqual([302, "/ledger/hub"]);
});

test("a voucher is asked for, waits at its place, and is answered in part or refused with a reason", async () => {
  const { member } = await exchanging();
  const empty = await member.get("/vouchers");
  expect(textOf(empty.body)).toContain("El fondo está vacío por ahora");
  const wrong = await member.submit("/vouchers", { as: "raices", amount: "-1", purpose: "" });
  expect([wrong.status, typedIn(wrong.body, "amount")]).toEqual([422, "-1"]);
  const asked = await member.submit("/vouchers", { as: "raices", amount: "20", purpose: "Radio <local>" });
  expect(asked.status).toBe(303);
  const waiting = await member.get("/vouchers");
  expect(textOf(waiting.body)).toContain("Es la próxima solicitud en la lista de espera");
  expect(waiting.body).not.toContain('action="/vouchers"');
  expect((await member.submit("/vouchers", { as: "raices", amount: "1", purpose: "x" })).status).toBe(409);
  expect(textOf((await member.get("/ledger/hub")).body)).toContain("Una solicitud espera");

  const queue = await member.get("/admin/vouchers");
  const path = /href="(\/admin\/vouchers\/\d+)"/.exec(queue.body)?.[1] ?? "";
  expect(textOf((await member.get("/admin")).body)).toMatch(/Solicitudes de vales.*?En espera: 1/s);
  const answer = { as: "ana", decision: "refuse", amount: "20", note: "" };
  const mute = await member.submit(path, answer);
  expect(mute.status).toBe(422);
  expect(textOf(elementById(mute.body, "field-note-error"))).not.toBe("");
  expect((await member.submit(path, { ...answer, decision: "approve", amount: "21" })).status).toBe(422);
  const part = { ...answer, decision: "approve", amount: "12,5", note: "Por ahora" };
  expect((await member.submit(path, part)).status).toBe(303);
  expect((await member.submit(path, part)).status).toBe(404);
  const ready = textOf((await member.get("/vouchers")).body);
  for (const shown of ["Listo para usar", "12,5", "de 20", "Por ahora"]) expect(ready).toContain(shown);
  const cancel = /action="(\/vouchers\/\d+\/cancel)"/.exec((await member.get("/vouchers")).body)?.[1] ?? "";
  expect((await member.submit(cancel, { as: "raices" })).status).toBe(303);
  expect(textOf((await member.get("/vouchers")).body)).toContain("Retirado");
});

test("curators see the books; only administrators have them checked, let payments go on and change rules", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  const { ctx } = hub;
  await payFor(ctx, semilla, raices, "10");
  await account(hub, "berta");
  const carla = await account(hub, "carla");
  await ctx.db.update(accounts).set({ role: "curator" }).where(eq(accounts.id, carla.accountId));
  const [nobody, curator] = [await loggedIn(hub, "berta"), await loggedIn(hub, "carla")];
  for (const path of ["/admin", "/admin/ledger", "/admin/vouchers", "/admin/policy"]) {
    expect((await nobody.get(path)).status, path).toBe(403);
    expect((await curator.get(path)).status, path).toBe(path === "/admin/policy" ? 403 : 200);
    expect((await member.get(path)).status, path).toBe(200);
  }
  expect((await member.submit("/admin/ledger/check", { as: "ana" })).status).toBe(303);
  expect(textOf((await curator.get("/admin/ledger")).body)).toContain("Todo cuadra");

  // A fault that the application itself cannot make.
  await hub.database.sql.begin(async (sql) => {
    await sql`set local session_replication_role = replica`;
    await sql`update ledger_accounts set posted = posted + 1 where actor_id = ${String(raices.actorId)}::bigint`;
  });
  await runChecks(ctx);
  const page = await curator.get("/admin/ledger");
  expect(textOf(page.body)).toContain("Todas las cuentas juntas no suman cero");
  expect(page.body).not.toContain('action="/admin/ledger/release"');
  expect(textOf((await curator.get("/admin")).body)).toContain("Los pagos están detenidos");
  expect(textOf((await member.get("/ledger")).body)).toContain("Por ahora no se puede pagar con créditos");
  expect((await member.submit("/ledger/donate", { as: "raices", amount: "1" })).status).toBe(503);
  expect((await curator.submit("/admin/ledger/release", { as: "carla", note: "x" })).status).toBe(403);
  expect((await member.submit("/admin/ledger/release", { as: "ana", note: "" })).status).toBe(422);
  expect((await member.submit("/admin/ledger/release", { as: "ana", note: "Corregido" })).status).toBe(303);
  expect((await member.submit("/ledger/donate", { as: "raices", amount: "1" })).status).toBe(303);
  expect((await ctx.db.select().from(ledgerChecks)).length).toBe(2);
});

const WRONG_RULES: [field: string, value: string, code: ErrorCode][] = [
  ["startLine", "", "required"],
  ["startLine", "-1", "not_a_number"],
  ["maxLine", "1", "invalid"],
  ["smallFactor", "0", "not_a_number"],
  ["smallFactor", "11", "not_a_number"],
  ["smallFactor", "1.5", "not_a_number"],
  ["dailyLimit", "0", "not_a_number"],
  ["fundLine", "1e3", "not_a_number"],
  ["softMaximum", "7.555", "not_a_number"],
  ["settleDays", "366", "not_a_number"],
  ["reviewDays", "", "required"],
  ["disputeRule", "keep", "invalid"],
  ["disputeRule", "", "invalid"],
];

test("rules that are published are read by everybody, with their revision", async () => {
  const { hub, member } = await exchanging();
  const before = await member.get("/admin/policy");
  const fields: Record<string, string> = { as: "ana", disputeRule: "refund" };
  for (const [, name] of before.body.matchAll(/<input id="field-(\w+)"[^>]*type="text"/g))
    fields[name!] = typedIn(before.body, name!) ?? "";
  expect(Object.keys(fields).length).toBe(15);
  for (const [name, value, code] of WRONG_RULES) {
    const wrong = await member.submit("/admin/policy", { ...fields, [name]: value });
    expect([name, value, wrong.status]).toEqual([name, value, 422]);
    const told = textOf(elementById(wrong.body, `field-${name}-error`));
    expect(told, name).toBe(errorText(translator("es"), { code, details: {} }));
    expect(wrong.body).toContain(`href="#field-${name}"`);
    if (name !== "disputeRule") expect(typedIn(wrong.body, name)).toBe(value);
    expect(typedIn(wrong.body, "vouchMax")).toBe(fields.vouchMax);
  }
  const published = await member.submit("/admin/policy", {
    ...fields,
    settleDays: "21",
    softMaximum: "99,5",
  });
  expect(published.status).toBe(303);
  const everybody = await visitor(hub).get("/ledger/hub");
  const text = textOf(everybody.body);
  for (const shown of ["21 días", "99,5", "Revisión 1", "vuelven a quien los iba a entregar"])
    expect(text).toContain(shown);
  expect(textOf((await member.get("/admin/policy")).body)).toMatch(/Historial.*Revisión 1/s);
});

test("the hub's totals name nobody, and all its pages of credits are there", async () => {
  const { hub, raices, semilla, member } = await exchanging();
  const paths = await creditPages(hub.ctx, raices, semilla);
  await settle(hub);
  for (const path of paths) expect([path, (await member.get(path)).status]).toEqual([path, 200]);
  const { body } = await visitor(hub).get("/ledger/hub");
  expect(body).toContain("<svg");
  for (const name of ["raices", "semilla", "Organization", "contabilidad"]) expect(body).not.toContain(name);
});
