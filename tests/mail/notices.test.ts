import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { notify } from "../../src/domain/notices/commands.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { createSmtpMailer, type Mail, MailError } from "../../src/mail/mailer.ts";
import { account, count, settle, startHub, type TestHub } from "../support/hub.ts";
import { bodyOf, headerOf, startSilence, startSmtp } from "../support/smtp.ts";
import { loggedIn } from "../support/visitor.ts";

const TEN_MINUTES = 600_000;
const PATIENT = { timeout: 30_000, interval: 20 };

const MAIL: Mail = {
  to: "ana@example.org",
  fromName: "Red",
  subject: "Aviso",
  text: "Hola",
  id: "x",
  headers: {},
};

/** Sets the hub's clock on, and lets the queue look at it. */
function later(hub: TestHub, milliseconds: number): void {
  hub.clock.advance(milliseconds);
  hub.worker.wake();
}

test("what an account is told is mailed once, in its language, and leads back to the hub", async () => {
  const smtp = await startSmtp();
  const hub = await startHub({ config: { smtpUrl: smtp.url, mailFrom: "hub@example.org" } });
  const raices = await hub.organization("raices");
  await notify(hub.ctx, raices.actorId, "agreement_offered", "/agreements/7", {
    actor: "Vozes\r\nBcc: eve@evil.example",
    title: "Taller de contabilidad",
  });
  await notify(hub.ctx, raices.actorId, "proposal_ends_soon", "/proposals/8", {
    title: "Semillas",
    days: "7",
  });
  await settle(hub);
  expect(smtp.taken).toEqual([]);
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect(smtp.taken).toHaveLength(1);
  const { from, to, raw } = smtp.taken[0]!;
  expect([from, to]).toEqual(["hub@example.org", ["ana@example.org"]]);
  expect(headerOf(raw, "subject")).toBe(`2 avisos nuevos en Hub ${hub.host}`);
  expect(headerOf(raw, "list-unsubscribe")).toBe(`<${hub.origin}/settings/notices>`);
  expect(headerOf(raw, "auto-submitted")).toBe("auto-generated");
  expect(headerOf(raw, "content-type")).toMatch(/^text\/plain; charset=utf-8/i);
  // No line that looks as if the hub had written it, neither above nor below.
  expect(raw).not.toMatch(/^bcc/im);
  const body = bodyOf(raw);
  expect(body).toContain("«Semillas» termina en 7 días");
  expect(body).toContain(`\n${hub.origin}/agreements/7\n`);
  expect(body).toContain("Para Organization raices:");
  expect(body).toContain(`${hub.origin}/settings/notices`);
  later(hub, 24 * TEN_MINUTES);
  await settle(hub);
  expect(smtp.taken).toHaveLength(1);
});

test("a subject that came with line ends stays one line", async () => {
  const smtp = await startSmtp();
  const hub = await startHub({ config: { smtpUrl: smtp.url } });
  const details = { actor: "Eve\r\nBcc: eve@evil.example\r\n\r\nHello", title: "x" };
  await notify(hub.ctx, hub.admin.actorId, "question_asked", "/proposals/1", details);
  later(hub, TEN_MINUTES);
  await settle(hub);
  const { raw, to } = smtp.taken[0]!;
  expect(to).toEqual(["ana@example.org"]);
  expect(headerOf(raw, "subject")).toContain("Hello pregunta algo sobre «x».");
  expect(raw.slice(0, raw.indexOf("\r\n\r\n"))).not.toMatch(/^(bcc|hello)/im);
});

test("mails in Arabic run from right to left, whatever the first letter is", async () => {
  const smtp = await startSmtp();
  const hub = await startHub({ config: { smtpUrl: smtp.url } });
  await (await loggedIn(hub)).submit("/locale", { locale: "ar" });
  const details = { actor: "Red Semilla", title: "Taller" };
  await notify(hub.ctx, hub.admin.actorId, "agreement_message", "/agreements/1", details);
  later(hub, TEN_MINUTES);
  await settle(hub);
  const { raw } = smtp.taken[0]!;
  expect(headerOf(raw, "content-language")).toBe("ar");
  const lines = bodyOf(raw).split("\n");
  const about = lines.find((line) => line.includes("Red Semilla"));
  expect(about).toMatch(/^\u200f\u2068Red Semilla\u2069 كتب رسالة/);
});

test("an account that wants no mails gets none, not even of before", async () => {
  const smtp = await startSmtp();
  const hub = await startHub({ config: { smtpUrl: smtp.url } });
  const member = await loggedIn(hub);
  const tell = () => notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/1", { title: "Uno" });
  await tell();
  expect((await member.submit("/settings/notices", {})).status).toBe(303);
  await tell();
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect((await member.submit("/settings/notices", { mails: "on" })).status).toBe(303);
  expect((await member.get("/settings/notices")).body).toMatch(/name="mails"[^>]* checked/);
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect(smtp.tries).toBe(0);
  expect(await count(hub, "notices")).toBe(2);
});

test("what was read meanwhile is not mailed", async () => {
  const smtp = await startSmtp();
  const hub = await startHub({ config: { smtpUrl: smtp.url } });
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/1", { title: "Uno" });
  await (await loggedIn(hub)).get("/notices");
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect(smtp.tries).toBe(0);
});

test("a server that puts off (4xx) gets the mail later, once", async () => {
  const smtp = await startSmtp();
  smtp.refuse = 451;
  const hub = await startHub({ config: { smtpUrl: smtp.url } });
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/1", { title: "Uno" });
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect([smtp.tries, await count(hub, "notices where mailed is null")]).toEqual([1, 1]);
  const [job] = await hub.database.sql<{ error: string }[]>`select error from jobs where queue = 'mails'`;
  expect(job?.error).toMatch(/451/);
  expect(job?.error).not.toContain("ana@example.org");
  smtp.refuse = null;
  later(hub, 60_000);
  await settle(hub);
  expect(smtp.taken).toHaveLength(1);
  expect(await count(hub, "notices where mailed is null")).toBe(0);
  expect(await count(hub, "jobs where queue = 'mails'")).toBe(0);
});

test("an address that is refused (5xx) is given up, and the next mail to it is tried all the same", async () => {
  const smtp = await startSmtp();
  smtp.refuse = 550;
  const hub = await startHub({ config: { smtpUrl: smtp.url } });
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/1", { title: "Uno" });
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect(smtp.tries).toBe(1);
  expect(await count(hub, "dead_jobs where queue = 'mails' and error not like '%ana@%'")).toBe(1);
  expect(await count(hub, "jobs where queue = 'mails'")).toBe(0);
  smtp.refuse = null;
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/2", { title: "Dos" });
  later(hub, TEN_MINUTES);
  await settle(hub);
  expect(smtp.taken.map(({ raw }) => headerOf(raw, "subject"))).toEqual([
    expect.stringContaining("«Dos» terminó"),
  ]);
});

test("a server that hangs holds up nothing but mails", async () => {
  const silence = await startSilence();
  const hub = await startHub({ config: { smtpUrl: silence.url } });
  for (const handle of ["berta", "carla", "dina"]) {
    const { actorId } = await account(hub, handle);
    await notify(hub.ctx, actorId, "proposal_ended", "/proposals/1", { title: "Uno" });
  }
  later(hub, TEN_MINUTES);
  await vi.waitFor(() => expect(silence.connections()).toBeGreaterThan(0), PATIENT);
  await publishPost(hub.ctx, hub.admin, { content: "Hola", visibility: "public", language: "es" });
  await vi.waitFor(async () => expect(await count(hub, "jobs where queue = 'events'")).toBe(0), PATIENT);
  expect(await count(hub, "jobs where queue = 'mails'")).toBe(3);
  silence.stop();
});

test("a server that hangs is given up after a while, one that is not there at once, and neither for good", async () => {
  const silence = await startSilence();
  const gone = await startSilence();
  gone.stop();
  for (const url of [silence.url, gone.url]) {
    const timeouts = { connectionTimeout: 200, greetingTimeout: 200, socketTimeout: 200 };
    const mailer = createSmtpMailer({ url, from: "hub@example.org", timeouts });
    for (const work of [() => mailer.send(MAIL), () => mailer.check()]) {
      const error: unknown = await work().then(
        () => null,
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(MailError);
      expect((error as MailError).refused).toBe(false);
    }
    mailer.close();
  }
});

test("a server that answers is told so, and gets many mails over few connections", async () => {
  const smtp = await startSmtp();
  const mailer = createSmtpMailer({ url: smtp.url, from: "hub@example.org" });
  await mailer.check();
  await Promise.all(Array.from({ length: 20 }, (_, n) => mailer.send({ ...MAIL, id: `x${n}` })));
  expect(smtp.taken).toHaveLength(20);
  mailer.close();
});

test("without a server mails are files", async () => {
  const hub = await startHub();
  await notify(hub.ctx, hub.admin.actorId, "proposal_ended", "/proposals/1", { title: "Uno" });
  later(hub, TEN_MINUTES);
  await settle(hub);
  const folder = join(hub.dataDir, "mail");
  const files = await readdir(folder);
  expect(files).toEqual([expect.stringMatching(/^\d+-[0-9a-f]{8}\.eml$/)]);
  const raw = await readFile(join(folder, files[0]!), "utf8");
  expect(headerOf(raw, "to")).toBe("ana@example.org");
  expect(bodyOf(raw)).toContain(`${hub.origin}/proposals/1`);
});
