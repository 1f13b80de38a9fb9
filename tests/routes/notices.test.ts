import { expect, test } from "vitest";
import { notify } from "../../src/domain/notices/commands.ts";
import { NOTICE_KINDS } from "../../src/domain/notices/kinds.ts";
import { LOCALES, noticeText, translator } from "../../src/locales/index.ts";
import { textOf } from "../support/html.ts";
import { account, count, startHub } from "../support/hub.ts";
import { loggedIn, visitor } from "../support/visitor.ts";

const badge = (body: string) => /<span class="count"[^>]*>([^<]*)</.exec(body)?.[1] ?? null;

test("what is new is counted on every page until the list was opened", async () => {
  const hub = await startHub();
  const raices = await hub.organization("raices");
  const member = await loggedIn(hub);
  expect(badge((await member.get("/me")).body)).toBeNull();
  const empty = await member.get("/notices");
  expect(textOf(empty.body)).toContain("Todavía no hay avisos");
  await notify(hub.ctx, raices.actorId, "question_asked", "/proposals/5", {
    actor: "<script>alert(1)</script>",
    title: "Taller",
  });
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/6", { title: "Semillas" });
  expect(badge((await member.get("/me")).body)).toBe("2");
  await member.send("HEAD", "/notices");
  expect(badge((await member.get("/notices?before=999999")).body)).toBe("2");
  const list = await member.get("/notices");
  expect(badge(list.body)).toBeNull();
  expect(list.body).not.toContain("<script>alert");
  expect(textOf(list.body)).toMatch(/«Semillas» terminó.*pregunta algo sobre «Taller».*Organization raices/s);
  expect(list.body).toMatch(/href="\/proposals\/6".*href="\/proposals\/5"/s);
  expect(list.body.match(/notice-new/g)).toHaveLength(2);
  const again = await member.get("/notices");
  expect(again.body).not.toContain("notice-new");
  expect(again.body).toContain('href="/proposals/5"');
});

test("notices are their account's alone", async () => {
  const hub = await startHub();
  await account(hub, "berta");
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/6", { title: "Semillas" });
  const berta = await loggedIn(hub, "berta");
  for (const path of ["/notices", "/notices?before=99"])
    expect((await berta.get(path)).body).not.toContain("Semillas");
  expect(await count(hub, "notices where read is not null")).toBe(0);
  for (const path of ["/notices", "/settings/notices"]) {
    const { status, headers } = await visitor(hub).get(path);
    expect([status, headers.location]).toEqual([302, `/login?next=${encodeURIComponent(path)}`]);
  }
  expect((await visitor(hub).submit("/settings/notices", {})).status).toBe(401);
});

test.each(LOCALES)("every kind says something whole in %s, with its details or without", (locale) => {
  const t = translator(locale);
  const details = { actor: "Raíces", title: "Taller", amount: "7.50 ₳", days: "1" };
  for (const kind of NOTICE_KINDS) {
    for (const given of [details, {}]) {
      const text = noticeText(t, { kind, details: given });
      expect(text, kind).not.toMatch(/undefined|NaN|\{|\}/);
      expect(text.length).toBeGreaterThan(10);
    }
  }
});
