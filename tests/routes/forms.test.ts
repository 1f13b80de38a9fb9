import { expect, test } from "vitest";
import { ERROR_STATUS, type ErrorCode } from "../../src/domain/errors.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { translator } from "../../src/locales/index.ts";
import { webRoutes } from "../../src/routes/web/index.tsx";
import { errorText } from "../../src/views/ui/form.tsx";
import { elementById, textOf, typedIn } from "../support/html.ts";
import { account, PASSWORD, startHub, type TestHub } from "../support/hub.ts";
import { type Fields, loggedIn, type Reply, type Visitor, visitor } from "../support/visitor.ts";

const QUARTER_HOUR = 900_001;

/** Every form that asks for something to be typed or chosen, as it is filled in rightly. */
const FORMS: Record<string, { action: string; valid: Record<string, string>; secret?: string }> = {
  setup: {
    action: "/setup",
    secret: "admin_password",
    valid: {
      name: "Red Raíces",
      description: "Organizaciones del sur",
      locale: "es",
      currency_name: "Ayni",
      currency_symbol: "₳",
      currency_rate: "7,5",
      admin_name: "Rosa Yupanqui",
      admin_handle: "rosa",
      admin_email: "rosa@example.org",
      admin_password: PASSWORD,
    },
  },
  login: { action: "/login", secret: "password", valid: { email: "ana", password: PASSWORD, next: "/me" } },
  organization: {
    action: "/organizations/new",
    valid: { name: "Red Semilla", handle: "semilla", summary: "Semillas criollas" },
  },
  profile: {
    action: "/settings/profile",
    valid: { name: "Ana Mamani", summary: "Semillas\n\nhttps://example.org", as: "ana" },
  },
  post: {
    action: "/posts",
    valid: { content: "Taller el sábado", summary: "Aviso", visibility: "public", language: "es", as: "ana" },
  },
  notice_settings: { action: "/settings/notices", valid: { mails: "on" } },
  proposal: {
    action: "/proposals",
    valid: {
      purpose: "offer",
      name: "Taller de contabilidad",
      content: "Dos horas en línea",
      category: "training.facilitation",
      tags: "contabilidad, economía solidaria",
      unit: "hour",
      available: "20",
      minimum: "2",
      settlement: "credit",
      price: "7,5",
      location: "Cochabamba",
      country: "BO",
      online: "on",
      lang_es: "on",
      leadDays: "7",
      language: "es",
      ends: "2999-12-31",
      as: "ana",
    },
  },
  category: {
    action: "/admin/categories",
    valid: {
      parent: "training",
      key: "seeds",
      label_es: "Semillas",
      label_pt: "Sementes",
      label_en: "Seeds",
      label_fr: "Semences",
      label_ar: "بذور",
      as: "ana",
    },
  },
};

/** What is wrong, at which field, and what is said about it. */
const WRONG: [
  form: string,
  field: string,
  value: string,
  code: ErrorCode,
  details?: Record<string, number>,
][] = [
  ["setup", "name", "", "required"],
  ["profile", "name", "", "required"],
  ["profile", "name", "x".repeat(101), "too_long", { max: 100 }],
  ["profile", "summary", "x".repeat(1001), "too_long", { max: 1000 }],
  ["setup", "name", "x".repeat(81), "too_long", { max: 80 }],
  ["setup", "description", "x".repeat(1001), "too_long", { max: 1000 }],
  ["setup", "locale", "tlh", "invalid"],
  ["setup", "currency_name", "", "required"],
  ["setup", "currency_symbol", "x".repeat(9), "too_long", { max: 8 }],
  ...["0", "-1", "1e3", "1,23456", "uno"].map((value): (typeof WRONG)[number] => [
    "setup",
    "currency_rate",
    value,
    "not_a_number",
  ]),
  ["setup", "admin_name", "x".repeat(101), "too_long", { max: 100 }],
  ["setup", "admin_handle", "rosa luxemburgo", "not_a_handle"],
  ["setup", "admin_handle", "роза", "not_a_handle"],
  ["setup", "admin_handle", "admin", "handle_reserved"],
  ["setup", "admin_email", "rosa", "not_an_email"],
  ["setup", "admin_email", "rosa\0@example.org", "not_an_email"],
  ["setup", "admin_password", "", "password_short", { min: 12 }],
  ["setup", "admin_password", "elevenchars", "password_short", { min: 12 }],
  ["setup", "admin_password", "rosarosarosarosa", "password_common"],
  ["setup", "admin_password", "aB3$".repeat(65), "too_long", { max: 256 }],
  ["login", "email", "", "required"],
  ["login", "email", " \t", "required"],
  ["login", "password", "", "required"],
  ["organization", "name", "", "required"],
  ["organization", "name", "\u200b\u202e\u2066", "required"],
  ["organization", "name", "🌱".repeat(101), "too_long", { max: 100 }],
  ["organization", "handle", "", "required"],
  ["organization", "handle", "a", "not_a_handle"],
  ["organization", "handle", "a".repeat(31), "not_a_handle"],
  ["organization", "handle", "se/milla", "not_a_handle"],
  ["organization", "handle", "@@semilla", "not_a_handle"],
  ["organization", "handle", "ana", "handle_taken"],
  ["organization", "handle", "ANA", "handle_taken"],
  ["organization", "handle", "hub", "handle_reserved"],
  ["organization", "summary", "x".repeat(1001), "too_long", { max: 1000 }],
  ["post", "content", "", "required"],
  ["post", "content", " \n\t ", "required"],
  ["post", "content", "\0\u0001\u001b", "required"],
  ["post", "content", "x".repeat(5001), "too_long", { max: 5000 }],
  ["post", "summary", "x".repeat(201), "too_long", { max: 200 }],
  ["post", "visibility", "direct", "invalid"],
  ["post", "language", "xx", "invalid"],
  ["proposal", "purpose", "both", "invalid"],
  ["proposal", "name", "", "required"],
  ["proposal", "name", "x".repeat(121), "too_long", { max: 120 }],
  ["proposal", "content", "", "required"],
  ["proposal", "content", "x".repeat(5001), "too_long", { max: 5000 }],
  ["proposal", "category", "", "required"],
  ["proposal", "category", "weapons", "invalid"],
  ["proposal", "category", "training.weapons", "invalid"],
  ["proposal", "tags", "a b c d e f g h i", "too_many", { max: 8 }],
  ["proposal", "tags", "x".repeat(41), "too_long", { max: 40 }],
  ["proposal", "tags", "<b>", "invalid"],
  ["proposal", "country", "XX", "invalid"],
  ["proposal", "leadDays", "366", "not_a_number"],
  ["category", "parent", "weapons", "invalid"],
  ["category", "key", "", "required"],
  ["category", "key", "Semillas", "invalid"],
  ["category", "label_ar", "", "required"],
  ["category", "label_es", "x".repeat(61), "too_long", { max: 60 }],
  ["proposal", "unit", "kilogram", "invalid"],
  ...["-1", "0", "1e9", "1.5", "½", "NaN", "１２", "1000001", "99999999999999999999", "' or 1=1 --"].flatMap(
    (value): (typeof WRONG)[number][] => [
      ["proposal", "available", value, "not_a_number"],
      ["proposal", "minimum", value, "not_a_number"],
    ],
  ),
  ["proposal", "minimum", "21", "minimum_over_available"],
  ["proposal", "settlement", "cash", "invalid"],
  ["proposal", "price", "", "required"],
  ...["-1", "0", "0,00", "1e9", "½", "NaN", "7,555", "7.5.0", "1 000", "七", "1000001", "Infinity"].map(
    (value): (typeof WRONG)[number] => ["proposal", "price", value, "not_a_number"],
  ),
  ["proposal", "location", "x".repeat(121), "too_long", { max: 120 }],
  ["proposal", "language", "", "invalid"],
  ...["2026-02-31", "2026-13-01", "31/12/2999", "2999-1-1", "99999-01-01", "mañana", "0000-00-00"].map(
    (value): (typeof WRONG)[number] => ["proposal", "ends", value, "not_a_date"],
  ),
  ["proposal", "ends", "2020-02-29", "in_the_past"],
];

/** What nobody expects in any field; sent as it stands, so that it may be malformed. */
const STRANGE: Record<string, string> = {
  "a NUL": "a%00b",
  "a lone surrogate": "a%ED%A0%80b",
  "bytes that are no UTF-8": "a%FF%FEb",
  "a stray percent sign": "100%",
  emoji: encodeURIComponent("🌱👩‍👩‍👧"),
  "a right-to-left override": encodeURIComponent("\u202egnp.exe\u2066"),
  quotes: encodeURIComponent(`'"); drop table posts; --`),
  markup: encodeURIComponent("</textarea><script>alert(1)</script><b onclick=alert(1)>"),
  "100 kB": "x".repeat(100_000),
  "100 kB of white space": "+".repeat(100_000),
  "line ends": "a%0D%0Ab%0Dc",
  "a placeholder": encodeURIComponent("{max} %s {{constructor}}"),
  "the name of a property": "__proto__",
  "a negative number": "-1",
  "a large number": "1e999",
  "no such day": "2026-02-31",
};

/** Fields that are compared with a list; nothing is done with what stands in them. */
const CHOICES = [
  "country",
  "lang_es",
  "parent",
  "locale",
  "visibility",
  "language",
  "purpose",
  "category",
  "unit",
  "settlement",
  "online",
  "mails",
  "as",
];
const IN_CHOICES = ["a NUL", "a lone surrogate", "100 kB", "the name of a property"];

/** The hubs that the forms are sent to: the setup's has none yet. */
async function hubs(): Promise<{ hubOf: (form: string) => TestHub; who: (form: string) => Visitor }> {
  const [hub, fresh] = await Promise.all([startHub(), startHub({ setUp: false })]);
  const member = await loggedIn(hub);
  const hubOf = (form: string) => (form === "setup" ? fresh : hub);
  return { hubOf, who: (form) => (form === "setup" || form === "login" ? visitor(hubOf(form)) : member) };
}

/** What was typed is still there, what was secret is not, and it is told on top what is wrong. */
function expectBack(reply: Reply, form: string, typed: Record<string, string>, wrong?: string): void {
  const { valid, secret, action } = FORMS[form]!;
  const html = reply.body;
  expect(html).toContain(`action="${action}"`);
  for (const name of Object.keys(valid)) {
    if (name === wrong || name === "next" || name === "as") continue;
    expect(typedIn(html, name), name).toBe(name === secret ? "" : typed[name]);
  }
  const summary = /<div class="error-summary" role="alert".*?<\/ul>/s.exec(html)?.[0] ?? "";
  expect(textOf(summary)).toMatch(/\p{L}{4}/u);
  expectTranslated(html);
}

function expectTranslated(html: string): void {
  expect(textOf(html)).not.toMatch(/\b(errors|form|error)\.[a-z_]+|undefined|\[object|\bNaN /);
}

test("what is wrong in a form is told at its field and on top, and nothing that was typed is lost", async () => {
  const { hubOf, who } = await hubs();
  const t = translator("es");
  for (const [form, field, value, code, details = {}] of WRONG) {
    const { action, valid, secret } = FORMS[form]!;
    // Guessing at one's own password too often is another matter.
    hubOf(form).clock.advance(QUARTER_HOUR);
    const typed = { ...valid, [field]: value };
    const reply = await who(form).submit(action, typed);
    const label = `${form} ${field} ${JSON.stringify(value.slice(0, 30))}`;
    expect(reply.status, label).toBe(ERROR_STATUS[code]);
    const text = errorText(t, { code, details });
    expect(textOf(elementById(reply.body, `field-${field}-error`)), label).toBe(text);
    expect(elementById(reply.body, `field-${field}`), label).not.toBe("");
    const summary = /<div class="error-summary" role="alert".*?<\/ul>/s.exec(reply.body)?.[0] ?? "";
    expect(summary, label).toContain(`href="#field-${field}"`);
    expect(textOf(summary), label).toContain(text);
    // A choice that was not offered cannot be shown again.
    expectBack(reply, form, typed, code === "invalid" || code === "required" ? field : undefined);
    if (code !== "invalid" && field !== "category" && field !== secret && !/[\0\r]/.test(value))
      expect(typedIn(reply.body, field), label).toBe(value);
  }
}, 180_000);

test("a wrong password is told without saying which of both is wrong", async () => {
  const hub = await startHub();
  const answers = [];
  for (const email of ["ana", "nobody", "ana@example.org", "nobody@example.org"]) {
    const reply = await visitor(hub).submit("/login", { email, password: "not the password at all" });
    expectBack(reply, "login", { email, password: "" });
    answers.push([reply.status, reply.body.replaceAll(email, "…")]);
  }
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]?.[0]).toBe(401);
});

test("whoever guesses passwords is stopped", async () => {
  const hub = await startHub();
  const statuses: number[] = [];
  for (let guess = 0; guess < 9; guess++) {
    const { status } = await visitor(hub).submit("/login", {
      email: "ana",
      password: `guess number ${guess}`,
    });
    statuses.push(status);
  }
  expect(statuses).toEqual([...Array(8).fill(401), 429]);
  hub.clock.advance(QUARTER_HOUR);
  expect((await visitor(hub).submit("/login", { email: "ana", password: PASSWORD })).status).toBe(303);
});

test("a missing field is like an empty one", async () => {
  const { hubOf, who } = await hubs();
  for (const [form, { action, valid }] of Object.entries(FORMS)) {
    for (const missing of Object.keys(valid)) {
      if (form === "setup" && !["name", "locale", "currency_name", "currency_symbol"].includes(missing))
        continue;
      hubOf(form).clock.advance(QUARTER_HOUR);
      const { [missing]: _, ...rest } = valid;
      const handle = form === "organization" && missing !== "handle" ? { handle: `o_${missing}` } : {};
      const reply = await who(form).submit(action, { ...rest, ...handle });
      const optional = [
        "summary",
        "visibility",
        "language",
        "available",
        "minimum",
        "location",
        "tags",
        "country",
        "leadDays",
        "lang_es",
        "parent",
        "online",
        "ends",
        "next",
        "mails",
      ];
      expect(reply.status, `${form} without ${missing}`).toBe(
        optional.includes(missing) ? 303 : missing === "as" ? 403 : 422,
      );
      if (reply.status === 422) expect(elementById(reply.body, `field-${missing}-error`)).not.toBe("");
    }
  }
}, 180_000);

test("whatever stands in a field, the answer is a page that says what to do", async () => {
  const { hubOf, who } = await hubs();
  let serial = 0;
  const encoded = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
  for (const [form, { action, valid, secret }] of Object.entries(FORMS)) {
    for (const field of Object.keys(valid)) {
      for (const [kind, value] of Object.entries(STRANGE)) {
        if (CHOICES.includes(field) && !IN_CHOICES.includes(kind)) continue;
        hubOf(form).clock.advance(QUARTER_HOUR);
        const rest = { ...valid };
        delete rest[field];
        if (form === "organization" && field !== "handle") rest.handle = `o_${++serial}`;
        // A hub is set up once: something else is wrong as well.
        if (form === "setup" && field !== "admin_password") rest.admin_password = "short";
        if (form === "setup" && field === "admin_password") rest.admin_email = "none";
        const reply = await who(form).submit(action, `${encoded(rest)}&${field}=${value}`);
        const label = `${form} ${field}: ${kind}`;
        expect([303, 400, 401, 403, 409, 422], label).toContain(reply.status);
        if (reply.status === 303) {
          expect(reply.headers.location, label).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/);
          const next = await who(form).get(reply.headers.location ?? "");
          expect([200, 302], `${label}, then ${reply.headers.location}`).toContain(next.status);
        } else {
          expect(reply.headers["content-type"], label).toBe("text/html; charset=UTF-8");
          expectTranslated(reply.body);
          if (reply.status !== 403) expectBack(reply, form, rest, field);
          if (field === secret) expect(reply.body, label).not.toContain("100%");
        }
      }
    }
  }
}, 600_000);

test("a form may be sent twice over, as a file, in pieces, or as something else", async () => {
  const hub = await startHub();
  const member = await loggedIn(hub);
  const { action, valid } = FORMS.post!;
  const text = new URLSearchParams(valid).toString();
  const boundary = "----boundary";
  const part = (name: string, value: string, file = "") =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  const multipart = { "content-type": `multipart/form-data; boundary=${boundary}` };
  const fields = Object.entries(valid);
  const all = fields.map(([name, value]) => part(name, value)).join("");
  const cases: [string, Fields, Record<string, string>, number[]][] = [
    ["a field twice", `${text}&content=again`, {}, [303, 422]],
    ["a list", text.replace("content=", "content[]="), {}, [422]],
    ["a property", `${text}&__proto__[x]=1&constructor=2&toString=3`, {}, [303]],
    [
      "10,000 fields",
      `${text}&${Array.from({ length: 10_000 }, (_, n) => `f${n}=1`).join("&")}`,
      {},
      [303, 422],
    ],
    ["multipart", `${all}--${boundary}--\r\n`, multipart, [303]],
    [
      "a file in place of text",
      `${all.replace('name="content"', 'name="content"; filename="a"')}--${boundary}--\r\n`,
      multipart,
      [422],
    ],
    ["multipart that breaks off", all.slice(0, -10), multipart, [422]],
    ["multipart without a boundary", all, { "content-type": "multipart/form-data" }, [422]],
    ["JSON", JSON.stringify(valid), { "content-type": "application/json" }, [403, 422]],
    ["plain text", text, { "content-type": "text/plain" }, [403, 422]],
    ["no type", text, { "content-type": "" }, [403, 422]],
    ["nothing", "", {}, [403, 422]],
    ["of a length that is not told", text, { "transfer-encoding": "chunked" }, [303]],
    [
      "more than a form holds, of a length that is not told",
      `${text}&x=${"x".repeat(300_000)}`,
      { "transfer-encoding": "chunked" },
      [422],
    ],
    ["more than a form holds", `${text}&x=${"x".repeat(300_000)}`, {}, [422]],
  ];
  for (const [kind, body, headers, statuses] of cases) {
    const reply = await member.submit(action, body, headers);
    expect(statuses, `${kind}: ${reply.status}`).toContain(reply.status);
    if (reply.status !== 303) expectTranslated(reply.body);
  }
});

test("forms without fields to mend answer what is not theirs with a page", async () => {
  const hub = await startHub();
  await account(hub, "berta");
  const organization = await hub.organization("raices");
  const postId = await publishPost(hub.ctx, organization, {
    content: "x",
    visibility: "public",
    language: "es",
  });
  const proposalId = await publishProposal(hub.ctx, organization, {
    purpose: "offer",
    name: "x",
    content: "x",
    category: "training",
    unit: "one",
    settlement: "none",
    online: true,
    language: "es",
  });
  const ana = await loggedIn(hub);
  const berta = await loggedIn(hub, "berta");
  const self = String(hub.admin.actorId);
  const cases: [Visitor, string, Record<string, string>, number][] = [
    [berta, `/posts/${postId}/delete`, { as: "berta" }, 404],
    [berta, `/posts/${postId}/delete`, { as: "raices" }, 403],
    ...["edit", "renew", "pause", "resume", "withdraw"].flatMap((what): typeof cases => [
      [visitor(hub), `/proposals/${proposalId}/${what}`, { ...FORMS.proposal!.valid, as: "raices" }, 401],
      [berta, `/proposals/${proposalId}/${what}`, { ...FORMS.proposal!.valid, as: "berta" }, 404],
      [berta, `/proposals/${proposalId}/${what}`, { ...FORMS.proposal!.valid, as: "raices" }, 403],
      [ana, `/proposals/x/${what}`, { ...FORMS.proposal!.valid, as: "ana" }, 404],
    ]),
    [visitor(hub), `/proposals/${proposalId}/photos`, { as: "raices" }, 401],
    [berta, `/proposals/${proposalId}/photos`, { as: "raices" }, 403],
    [berta, `/proposals/${proposalId}/photos`, { as: "berta" }, 404],
    [visitor(hub), `/proposals/${proposalId}/photos/remove`, { as: "raices" }, 401],
    [berta, `/proposals/${proposalId}/photos/remove`, { as: "berta", photo: "1" }, 404],
    [ana, `/proposals/${proposalId}/photos/remove`, { as: "raices", photo: "x" }, 404],
    [visitor(hub), `/proposals/${proposalId}/questions`, { content: "?" }, 401],
    [berta, `/proposals/${proposalId}/questions`, { content: "?", as: "raices" }, 403],
    [berta, `/proposals/${proposalId}/questions`, { content: "?", as: "berta", question: "x" }, 404],
    [
      berta,
      `/proposals/${proposalId}/questions`,
      { content: "?", as: "berta", question: String(postId) },
      404,
    ],
    [berta, "/proposals/1/questions", { content: "?", as: "berta" }, 404],
    [berta, `/proposals/${proposalId}/questions`, { content: "", as: "berta" }, 422],
    [berta, `/proposals/${proposalId}/questions`, { content: "¿Cuándo?", as: "berta" }, 303],
    [berta, "/admin/categories", { ...FORMS.category!.valid, as: "berta" }, 403],
    [visitor(hub), "/admin/categories", FORMS.category!.valid, 401],
    [berta, "/admin/categories/retire", { category: "seeds", as: "berta" }, 403],
    [ana, "/admin/categories/retire", { category: "nothing", as: "ana" }, 404],
    [ana, `/posts/${postId}/delete`, { as: "ana" }, 404],
    [ana, "/posts/1/delete", { as: "ana" }, 404],
    [ana, "/posts/x/delete", { as: "ana" }, 404],
    [ana, "/proposals/%00/withdraw", { as: "ana" }, 404],
    [ana, "/follows", { as: "ana", actor: "1" }, 404],
    [ana, "/follows", { as: "ana", actor: "\0" }, 404],
    [ana, "/follows", { as: "ana" }, 404],
    [ana, "/follows", { as: "ana", actor: self }, 422],
    [ana, "/follows", { as: "berta", actor: self }, 403],
    [ana, "/follows", { as: "\0", actor: self }, 403],
    [ana, "/follows/undo", { as: "ana", actor: "-1" }, 404],
    [ana, "/follows/undo", { as: "ana", actor: self }, 303],
    [ana, "/acting", { as: "berta" }, 422],
    [ana, "/acting", {}, 422],
    [ana, "/acting", { as: "raices", next: "//evil.example" }, 303],
    [ana, "/locale", { locale: "tlh" }, 422],
    [ana, "/locale", { locale: "ar", next: "https://evil.example/" }, 303],
    [visitor(hub), "/locale", { locale: "../../es" }, 422],
    [visitor(hub), "/posts", FORMS.post!.valid, 401],
    [visitor(hub), "/proposals", FORMS.proposal!.valid, 401],
    [ana, "/settings/profile", { ...FORMS.profile!.valid, as: "berta" }, 403],
    [visitor(hub), "/settings/profile", FORMS.profile!.valid, 401],
    [visitor(hub), "/organizations/new", FORMS.organization!.valid, 401],
    [visitor(hub), "/follows", { actor: self }, 401],
    [visitor(hub), "/acting", { as: "ana" }, 401],
    [visitor(hub), "/logout", {}, 303],
    [visitor(hub), "/setup", FORMS.setup!.valid, 409],
    // What is right and wrong in these is tried in agreements.test.ts.
    [visitor(hub), "/agreements", { as: "ana" }, 401],
    [ana, "/agreements", { as: "ana", proposal: "\0" }, 404],
    [ana, "/agreements", { as: "berta", proposal: String(proposalId) }, 403],
    [ana, "/agreements", { as: "raices", proposal: String(proposalId), revision: "1", key: "k" }, 422],
    ...[
      ...["accept", "counter", "reject", "withdraw", "cancel", "deliver", "confirm", "dispute", "sign"],
      ...["resolution", "propose", "agree", "messages"],
    ].map((action): (typeof cases)[number] => [ana, `/agreements/1/${action}`, { as: "ana" }, 404]),
    // What is right and wrong in these is tried in trust.test.ts.
    [visitor(hub), "/agreements/1/review", { as: "ana" }, 401],
    [ana, "/agreements/1/review", { as: "ana", kept_word: "1", quality: "1", communication: "1" }, 404],
    [ana, "/reviews/1/delete", { as: "ana" }, 404],
    [ana, "/reviews/%00/delete", { as: "ana" }, 404],
    [visitor(hub), "/settings/verification", { as: "ana" }, 401],
    [ana, "/settings/verification", { as: "berta" }, 403],
    [berta, "/admin/verifications/1", { as: "berta" }, 404],
    [ana, "/admin/verifications/x", { as: "ana", state: "verified", size_class: "S" }, 404],
    [visitor(hub), "/@raices/vouch", { as: "ana" }, 401],
    [ana, "/@nobody/vouch", { as: "ana", amount: "1" }, 404],
    [ana, "/@raices/vouch/withdraw", { as: "ana" }, 404],
    // What is right and wrong in these is tried in ledger.test.ts.
    [visitor(hub), "/ledger/donate", { as: "raices", amount: "1" }, 401],
    [berta, "/ledger/donate", { as: "raices", amount: "1" }, 403],
    [ana, "/ledger/donate", { as: "ana", amount: "1" }, 422],
    [visitor(hub), "/ledger/transfers/1/return", { as: "raices", amount: "1", note: "x" }, 401],
    [ana, "/ledger/transfers/1/return", { as: "raices", amount: "1", note: "x" }, 404],
    [ana, "/ledger/transfers/%00/return", { as: "raices", amount: "1", note: "x" }, 404],
    // What is right and wrong in these is tried in tokens.test.ts.
    [visitor(hub), "/settings/tokens", { as: "ana", "exchange:read": "on" }, 401],
    [berta, "/settings/tokens", { as: "raices", "exchange:read": "on" }, 403],
    [ana, "/settings/tokens", { "exchange:read": "on" }, 403],
    [ana, "/settings/tokens", { as: "ana", "exchange:delete": "on" }, 422],
    [visitor(hub), "/settings/tokens/000000000000/revoke", {}, 401],
    [ana, "/settings/tokens/000000000000/revoke", {}, 404],
    [ana, "/settings/tokens/%00/revoke", {}, 404],
    [visitor(hub), "/vouchers", { as: "raices", amount: "1", purpose: "x" }, 401],
    [berta, "/vouchers", { as: "raices", amount: "1", purpose: "x" }, 403],
    [ana, "/vouchers", { as: "ana", amount: "1", purpose: "x" }, 422],
    [visitor(hub), "/vouchers/1/cancel", { as: "raices" }, 401],
    [ana, "/vouchers/1/cancel", { as: "raices" }, 404],
    [ana, "/vouchers/x/cancel", { as: "raices" }, 404],
    [visitor(hub), "/admin/vouchers/1", { as: "ana", decision: "approve" }, 401],
    [berta, "/admin/vouchers/1", { as: "berta", decision: "approve" }, 403],
    [ana, "/admin/vouchers/1", { as: "ana", decision: "approve" }, 404],
    [visitor(hub), "/admin/policy", { as: "ana" }, 401],
    [berta, "/admin/policy", { as: "berta", disputeRule: "half" }, 403],
    [visitor(hub), "/admin/ledger/check", { as: "ana" }, 401],
    [berta, "/admin/ledger/check", { as: "berta" }, 403],
    [visitor(hub), "/admin/ledger/release", { as: "ana", note: "x" }, 401],
    [berta, "/admin/ledger/release", { as: "berta", note: "x" }, 403],
    [ana, "/admin/ledger/release", { as: "ana", note: "x" }, 404],
    // What is right and wrong in these is tried in peers.test.ts.
    [visitor(hub), "/admin/peers/new", { as: "ana", origin: "hub.example" }, 401],
    [berta, "/admin/peers/new", { as: "berta", origin: "hub.example" }, 403],
    [ana, "/admin/peers/new", { as: "ana", origin: "" }, 422],
    [ana, "/admin/peers/new", { as: "ana", origin: "hub.example", mayOwe: "x" }, 422],
    [visitor(hub), "/admin/peers/1/close", { as: "ana" }, 401],
    [berta, "/admin/peers/1/close", { as: "berta" }, 403],
    ...["1/close", "x/close", "%00/freeze", "1/nothing"].map((path): (typeof cases)[number] => [
      ...([ana, `/admin/peers/${path}`, { as: "ana", note: "x" }, 404] as const),
    ]),
  ];
  for (const [who, path, fields, status] of cases) {
    const reply = await who.submit(path, fields);
    expect(reply.status, `${path} ${JSON.stringify(fields)}`).toBe(status);
    if (status === 303) expect(reply.headers.location, path).toMatch(/^\/(?![/\\])/);
    else expectTranslated(reply.body);
  }
  const tried = [...Object.values(FORMS).map(({ action }) => action), ...cases.map(([, path]) => path)];
  const options = { ctx: hub.ctx, assets: { style: "", script: null }, clientAddress: () => "" };
  const posts = webRoutes(options).routes.filter(({ method }) => method === "POST");
  // Every form that there is was tried here or above.
  const untried = posts.filter(({ path }) => !tried.some((action) => pattern(path).test(action)));
  expect(untried.map(({ path }) => path)).toEqual([]);
}, 180_000);

/** What a route's path matches, spelt as Hono's are: `/posts/:id/delete`, `/:acct{@[^/]+}/vouch`. */
function pattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+\{([^}]*)\}/g, "$1").replace(/:\w+/g, "[^/]+")}$`);
}
