import { beforeAll, expect, test } from "vitest";
import { createAccount, revokeToken } from "../../src/domain/accounts/commands.ts";
import { tokensOf } from "../../src/domain/accounts/queries.ts";
import { TOKEN_SCOPES } from "../../src/domain/accounts/rules.ts";
import type { Acting } from "../../src/domain/context.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { BASE } from "../../src/routes/api/operation.ts";
import { type ApiClient, apiClient, ask, described } from "../support/api-client.ts";
import { type ApiScene, apiScene, OFFER } from "../support/api-scene.ts";
import { count, type Organization, PASSWORD, type TestHub } from "../support/hub.ts";

let hub: TestHub;
let provider: Organization;
let provides: ApiClient;
let receives: ApiClient;
/** Of another account, which has nothing to do with the two. */
let stranger: Acting;
let strange: ApiClient;
let currency: string;
let amount: ApiScene["amount"];
let offer: ApiScene["offer"];
let answer: ApiScene["answer"];
let agreement: ApiScene["agreement"];
let organizationOf: ApiScene["organizationOf"];

beforeAll(async () => {
  const scene = await apiScene();
  ({ hub, provider, provides, receives, currency, amount, offer, answer, agreement, organizationOf } = scene);
  stranger = await organizationOf("otra", "luz");
  strange = await apiClient(hub, stranger);
});

test("an exchange from search to reviews, with its ledger", async () => {
  const published = await provides.post("/proposals", {
    ...{
      purpose: "offer",
      name: "Quipu workshop",
      content: "Three hours.",
      category: "training.facilitation",
    },
    ...{
      unit: "hour",
      available: 12,
      settlement: "credit",
      price: amount("100"),
      online: true,
      language: "es",
    },
    tags: ["quipu"],
  });
  expect(published.headers.location).toBe(`${hub.origin}${BASE}/proposals/${published.body.id}`);
  const found = await receives.get("/proposals?q=quipu&purpose=offer&category=training&nearby=true");
  expect(found.body).toEqual([{ ...published.body, own: false }]);
  const [{ id: proposal, revision }] = found.body;

  const offered = await receives.post("/agreements", {
    proposal,
    revision,
    quantity: 2,
    note: "For volunteers.",
  });
  const { id } = offered.body;
  expect(offered.headers.location).toBe(`${hub.origin}${BASE}/agreements/${id}`);
  expect(offered.body).toMatchObject({ state: "offered", amount: amount("200"), party: "receiver" });
  expect((await receives.get("/ledger/holds")).body).toMatchObject([
    { agreement: id, amount: amount("200") },
  ]);
  expect((await provides.get("/agreements?group=waiting")).body).toMatchObject([{ id, party: "provider" }]);
  expect((await provides.post(`/agreements/${id}/accept`)).body.state).toBe("funded");
  const said = await receives.post(`/agreements/${id}/messages`, { content: "¿Martes?" });
  expect((await provides.get(`/agreements/${id}/messages`)).body).toEqual([{ ...said.body, own: false }]);
  expect((await provides.post(`/agreements/${id}/deliver`, { donation: 10 })).body.state).toBe("delivered");
  const part = { amount: amount("150"), note: "One session was shorter." };
  const confirmed = await receives.post(`/agreements/${id}/confirm`, part);
  expect(confirmed.body).toMatchObject({ state: "settled", settledAmount: amount("150"), possible: [] });

  const lines = await provides.get("/ledger/entries");
  expect(lines.body.map((line: { amount: unknown; kind: string }) => [line.kind, line.amount])).toEqual([
    ["donation", amount("-15")],
    ["agreement", amount("150")],
  ]);
  expect((await provides.get("/ledger")).body).toMatchObject({ posted: amount("135"), held: amount("0") });
  const { transfer } = confirmed.body;
  const back = { amount: amount("50"), note: "Counted twice." };
  expect((await provides.post(`/ledger/transfers/${transfer}/returns`, back)).status).toBe(201);
  expect((await provides.post("/ledger/donations", { amount: amount("85") })).status).toBe(201);
  expect((await provides.post("/ledger/donations", { amount: amount("1") })).body.code).toBe(
    "insufficient_credit",
  );

  const review = { keptWord: 5, quality: 4, communication: 5, content: "Bien preparado.", language: "es" };
  expect((await receives.post(`/agreements/${id}/reviews`, review)).body).toMatchObject({
    mine: { state: "sealed", content: null },
    theirs: null,
  });
  expect((await receives.post(`/agreements/${id}/reviews`, review)).body.code).toBe("already_reviewed");
  await provides.post(`/agreements/${id}/reviews`, { ...review, content: "Buena contraparte." });
  expect((await strange.get("/organizations/raices/reviews")).body).toMatchObject([
    { rating: 5, content: "Bien preparado.", author: { acct: "puentes" } },
  ]);
  expect((await strange.get("/organizations/raices/facts")).body).toMatchObject({
    completed: 1,
    means: null,
  });
  const { consents, keys } = (await provides.get(`/agreements/${id}/consents`)).body;
  expect(keys).toHaveLength(2);
  expect(consents.map(({ message }: { message: string }) => message)).toEqual([
    ...["offer", "accept", "deliver", "confirm"],
  ]);
  expect(JSON.parse(consents[0].body)).toMatchObject({ type: "Offer", id: consents[0].activity });
});

test("a proposal's life: changed in part, paused, resumed, renewed, withdrawn", async () => {
  const id = await offer({ tags: "economía solidaria, agua", location: "Lima", ends: "2030-03-31" });
  const before = (await provides.get(`/proposals/${id}`)).body;
  const { price, tags, ends } = before;
  const changed = await provides.send(
    ...([
      "PATCH",
      `/proposals/${id}`,
      { "content-type": "application/json" },
      '{"location":null,"available":7}',
    ] as const),
  );
  expect(changed.body).toMatchObject({ revision: 2, location: null, available: 7, price, tags, ends });
  expect(changed.body).toEqual({ ...before, ...changed.body });
  const stale = await provides.send(
    ...([
      "PATCH",
      `/proposals/${id}`,
      { "content-type": "application/json" },
      '{"name":"x","revision":1}',
    ] as const),
  );
  expect([stale.status, stale.body.code]).toEqual([409, "stale_proposal"]);
  expect((await provides.post(`/proposals/${id}/pause`)).body.state).toBe("paused");
  expect((await receives.post("/agreements", answer(id, { revision: 3 }))).body.code).toBe("proposal_closed");
  expect((await provides.post(`/proposals/${id}/resume`)).body.state).toBe("open");
  expect((await provides.post(`/proposals/${id}/renew`)).body.ends).not.toBe(ends);
  expect((await provides.post(`/proposals/${id}/withdraw`)).status).toBe(204);
  expect((await provides.get(`/proposals/${id}`)).status).toBe(410);
});

test("what fits is shown with its reason, and questions are asked and answered", async () => {
  const own = await apiClient(hub, await organizationOf("busca", "bruno"));
  const need = {
    purpose: "request",
    name: "Mapa",
    content: "Un mapa.",
    category: "research.mapping",
    unit: "one",
  };
  const wanted = await own.post("/proposals", { ...need, settlement: "none", online: true, language: "es" });
  const offered = await offer({ category: "research.mapping", unit: "one", name: "Mapas" });
  expect((await own.get("/proposals/matches")).body).toMatchObject({
    theyNeed: [],
    theyOffer: [
      { proposal: { id: String(offered) }, mine: { id: wanted.body.id }, reason: { category: "second" } },
    ],
  });
  const path = `/proposals/${offered}/questions`;
  const asked = await own.post(path, { content: "¿También de noche?", language: "es" });
  expect(asked.body).toMatchObject([{ author: { acct: "busca" }, answers: [] }]);
  const question = asked.body[0].id;
  const said = { content: "Sí.", language: "es", question };
  expect((await strange.post(path, said)).status).toBe(404);
  const answered = await provides.post(path, said);
  expect(answered.body).toMatchObject([{ id: question, answers: [{ author: { acct: "raices" } }] }]);
  expect((await own.get(path)).body).toEqual(answered.body);
});

test("vouchers, verification and pledges", async () => {
  const admin = await apiClient(hub, hub.admin);
  const size = { size: "L", statement: "Registered in 2011." };
  expect((await strange.get("/verification")).status).toBe(404);
  expect((await strange.post("/verification", size)).body.state).toBe("requested");
  expect((await admin.get("/verifications")).body).toMatchObject([
    { organization: { acct: "otra" }, size: "L" },
  ]);
  const decided = await admin.post("/organizations/otra/verification", { state: "verified", size: "M" });
  expect(decided.body).toMatchObject({ state: "verified", size: "M" });
  const asked = await strange.post("/vouchers", { amount: amount("300"), purpose: "An audit." });
  expect(asked.body).toMatchObject({ state: "requested", requested: amount("300"), approved: null });
  expect((await admin.get("/vouchers/queue")).body).toMatchObject([{ id: asked.body.id }]);
  const decision = { approve: true, amount: amount("200"), note: "The rest later." };
  expect((await admin.post(`/vouchers/${asked.body.id}/decide`, decision)).status).toBe(204);
  expect((await strange.get("/vouchers")).body).toMatchObject([
    { state: "approved", approved: amount("200") },
  ]);
  const cancelled = await strange.post(`/vouchers/${asked.body.id}/cancel`);
  expect(cancelled.body.state).toBe("cancelled");
  const pledged = await provides.post("/organizations/otra/vouch", { amount: amount("100") });
  expect(pledged.body.given).toMatchObject([{ organization: { acct: "otra" }, amount: amount("100") }]);
  expect((await strange.get("/vouches")).body.received).toMatchObject([{ organization: { acct: "raices" } }]);
  expect((await provides.send("DELETE", "/organizations/otra/vouch")).body.given).toEqual([]);
});

test("a dispute that a steward helps to end", async () => {
  const steward = await apiClient(hub, await curator());
  const id = await agreement("delivered");
  expect((await steward.get(`/agreements/${id}`)).status).toBe(404);
  await receives.post(`/agreements/${id}/dispute`, { note: "Half is missing." });
  expect((await steward.get("/disputes")).body).toMatchObject([{ id, party: null }]);
  const proposed = await steward.post(`/agreements/${id}/resolutions`, {
    release: amount("0"),
    note: "Nothing was done.",
  });
  expect(proposed.body).toMatchObject({ steward: true, resolution: { release: amount("0") } });
  const resolution = proposed.body.resolution.id;
  expect((await provides.post(`/agreements/${id}/sign`, { resolution })).body.state).toBe("disputed");
  expect((await receives.post(`/agreements/${id}/sign`, { resolution })).body.state).toBe("resolved");
});

let curators = 0;
function curator(): Promise<Acting> {
  const handle = `curator${++curators}`;
  const who = { handle, email: `${handle}@example.org`, password: PASSWORD, locale: "es" };
  return createAccount(hub.ctx, { ...who, role: "curator" });
}

test("lists come in pages that lead to the next", async () => {
  const own = await organizationOf("paginas", "pia");
  const client = await apiClient(hub, own);
  for (let n = 0; n < 5; n++)
    await publishProposal(hub.ctx, own, { ...OFFER, name: `Page ${n}`, country: "PE" });
  for (const path of [
    "/proposals?limit=2&country=PE",
    "/proposals?limit=2&country=PE&nearby=true",
    "/organizations/paginas/proposals?limit=2",
  ]) {
    const names: string[] = [];
    for (let next: string | undefined = path; next !== undefined; ) {
      const page = await client.get(next);
      names.push(...page.body.map(({ name }: { name: string }) => name));
      const link = /^<([^>]+)>; rel="next"$/.exec(page.headers.link ?? "")?.[1];
      expect(link === undefined || link.startsWith(`${hub.origin}${BASE}/`)).toBe(true);
      next = link?.slice((hub.origin + BASE).length);
    }
    expect([path, names]).toEqual([path, ["Page 4", "Page 3", "Page 2", "Page 1", "Page 0"]]);
  }
});

test("what everybody may read needs no token", async () => {
  const nobody = await apiClient(hub, null);
  expect((await nobody.get("/policy")).body).toMatchObject({ currency: { id: currency, scale: 2 } });
  expect((await nobody.get("/ledger/hub")).body).toMatchObject({ frozen: null });
});

test("without a token, with a wrong one, or without the scope nothing is answered", async () => {
  const { operations } = described(hub);
  const nobody = await apiClient(hub, null);
  const scoped = operations.filter(({ scope }) => scope !== null);
  expect(scoped.length).toBeGreaterThan(45);
  for (const { method, path, scope } of scoped) {
    hub.clock.advance(61_000);
    const address = path.replace("{id}", "1").replace("{handle}", "raices");
    const without = await nobody.send(method, address);
    expect([address, without.status, without.headers["www-authenticate"]]).toEqual([address, 401, "Bearer"]);
    const wrong = await nobody.send(method, address, { authorization: `Bearer ayni_${"x".repeat(43)}` });
    expect([address, wrong.status, wrong.headers["www-authenticate"]]).toEqual([
      ...[address, 401, 'Bearer error="invalid_token"'],
    ]);
    const others = await apiClient(
      hub,
      provider,
      TOKEN_SCOPES.filter((other) => other !== scope),
    );
    const less = await others.send(method, address);
    expect([address, less.status, less.body.code, less.body.scope]).toEqual([
      address,
      403,
      "insufficient_scope",
      scope,
    ]);
    expect(less.headers["www-authenticate"]).toBe(`Bearer error="insufficient_scope", scope="${scope}"`);
  }
  for (const authorization of [
    "Bearer",
    "Bearer  ",
    "Basic YTpi",
    `Token ${provides.token}`,
    `Bearer ${provides.token} x`,
    `Bearer ${"x".repeat(5000)}`,
  ])
    expect((await nobody.get("/agreements", { authorization })).status).toBe(401);
  // A browser's cookie says nothing here.
  expect((await nobody.get("/agreements", { cookie: "ayni_session=1" })).status).toBe(401);
});

test("what is another organization's is not found, and nothing is done to it", async () => {
  const { operations } = described(hub);
  const id = await agreement("delivered");
  const proposal = await offer();
  const before = (await provides.get(`/agreements/${id}`)).body;
  const paths = operations.filter(({ path }) => path.startsWith("/agreements/{id}"));
  expect(paths.length).toBeGreaterThan(14);
  for (const { method, path, example } of paths) {
    const headers = { "content-type": "application/json" };
    const body = method === "GET" ? undefined : JSON.stringify(example ?? {});
    const reply = await strange.send(method, path.replace("{id}", id), method === "GET" ? {} : headers, body);
    const missing = await strange.send(
      method,
      path.replace("{id}", "1"),
      method === "GET" ? {} : headers,
      body,
    );
    expect([path, reply.status, reply.body]).toEqual([path, 404, missing.body]);
  }
  expect((await provides.get(`/agreements/${id}`)).body).toEqual(before);
  for (const action of ["pause", "resume", "renew", "withdraw"])
    expect((await strange.post(`/proposals/${proposal}/${action}`)).status).toBe(404);
  const change = await strange.send(
    "PATCH",
    `/proposals/${proposal}`,
    { "content-type": "application/json" },
    "{}",
  );
  expect(change.status).toBe(404);
  const voucher = (await provides.post("/vouchers", { amount: amount("1"), purpose: "x" })).body.id;
  expect((await strange.post(`/vouchers/${voucher}/cancel`)).status).toBe(404);
  // Curators' own.
  for (const path of ["/disputes", "/verifications", "/vouchers/queue"])
    expect([path, (await strange.get(path)).status]).toEqual([path, 403]);
  expect((await strange.post(`/vouchers/${voucher}/decide`, { approve: true })).status).toBe(403);
  expect(
    (await strange.post("/organizations/otra/verification", { state: "verified", size: "S" })).status,
  ).toBe(403);
});

test("a token ends when it is revoked, when its account leaves the organization, and when either is deleted", async () => {
  const works = async (client: ApiClient) => (await client.get("/me")).status;
  const acting = await organizationOf("breve", "bea");
  const client = await apiClient(hub, acting, ["exchange:read"]);
  expect(await works(client)).toBe(200);
  const { sql } = hub.database;
  const [organization, account] = [String(acting.actorId), String(acting.accountId)];
  const membership = sql`organization_id = ${organization} and account_id = ${account}`;
  await sql`update memberships set role = 'observer' where ${membership}`;
  expect(await works(client)).toBe(401);
  await sql`update memberships set role = 'editor' where ${membership}`;
  expect(await works(client)).toBe(200);
  await sql`delete from memberships where ${membership}`;
  expect(await works(client)).toBe(401);
  await sql`insert into memberships (organization_id, account_id, role, created)
    values (${organization}, ${account}, 'representative', now())`;
  expect(await works(client)).toBe(200);
  await sql`update actors set deleted = now() where id = ${organization}`;
  expect(await works(client)).toBe(401);
  await sql`update actors set deleted = null where id = ${organization}`;
  await sql`update actors set deleted = now() where id = (select actor_id from accounts where id = ${account})`;
  expect(await works(client)).toBe(401);
  await sql`update actors set deleted = null where id = (select actor_id from accounts where id = ${account})`;
  const [token] = await tokensOf(hub.ctx, acting.accountId);
  expect(token).toMatchObject({ actor: { handle: "breve" }, scopes: ["exchange:read"] });
  await expect(revokeToken(hub.ctx, hub.admin.accountId, token?.id ?? "")).rejects.toThrow(/no such token/);
  await revokeToken(hub.ctx, acting.accountId, token?.id ?? "");
  expect(await works(client)).toBe(401);
  expect(await tokensOf(hub.ctx, acting.accountId)).toEqual([]);
  // A person's own token acts as the person.
  const bea = await sql<{ id: bigint }[]>`select actor_id as id from accounts where id = ${account}`;
  const person = await apiClient(hub, { accountId: acting.accountId, actorId: bea[0]?.id ?? 0n });
  expect((await person.get("/me")).body.acct).toBe("bea");
});

test("the same key is done once and answered alike, fifty times at once", async () => {
  hub.clock.advance(61_000);
  const body = answer(await offer());
  const before = await count(hub, "agreements");
  const key = { "idempotency-key": "fifty-times" };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => receives.post("/agreements", body, key)),
  );
  expect(await count(hub, "agreements")).toBe(before + 1);
  const told = answers.map(({ status, headers, text }) => JSON.stringify([status, headers.location, text]));
  expect([...new Set(told)]).toHaveLength(1);
  expect(answers[0]?.status).toBe(201);
  const other = await receives.post("/agreements", { ...body, quantity: 3 }, key);
  expect([other.status, other.body.code]).toEqual([409, "key_reused"]);
  // Another path is another request, another actor's key another key.
  expect((await receives.post("/vouchers", { amount: amount("1"), purpose: "x" }, key)).body.code).toBe(
    "key_reused",
  );
  const reason = (await provides.post("/agreements", body, key)).body.code;
  expect(reason).toBe("own_proposal");
  expect(await count(hub, "agreements")).toBe(before + 1);
});

test("what failed may be tried again under its key", async () => {
  hub.clock.advance(61_000);
  const id = await agreement("funded");
  const key = { "idempotency-key": "again" };
  const early = await receives.post(`/agreements/${id}/dispute`, { note: "x" }, key);
  expect([early.status, early.body.code]).toEqual([409, "not_now"]);
  await provides.post(`/agreements/${id}/deliver`);
  const now = await receives.post(`/agreements/${id}/dispute`, { note: "x" }, key);
  expect([now.status, now.body.state]).toEqual([200, "disputed"]);
  for (const bad of ["", "x".repeat(201), "a b"])
    expect(
      (await receives.post("/vouchers", { amount: amount("1"), purpose: "x" }, { "idempotency-key": bad }))
        .status,
    ).toBe(422);
});

test("too many requests are told when to come again", async () => {
  const busy = await apiClient(hub, stranger);
  hub.clock.advance(61_000);
  const statuses = new Map<number, number>();
  for (let n = 0; n < 62; n++) {
    const { status, headers } = await busy.post("/agreements/1/accept");
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 429) expect(headers["retry-after"]).toBe("60");
  }
  expect([...statuses]).toEqual([
    [404, 60],
    [429, 2],
  ]);
  // Reading goes on, and so does everybody else.
  expect((await busy.get("/me")).status).toBe(200);
  expect((await strange.post("/agreements/1/accept")).status).toBe(404);
  hub.clock.advance(61_000);
  expect((await busy.post("/agreements/1/accept")).status).toBe(404);
});

test("unknown addresses and methods are problems too", async () => {
  const nothing = await provides.get("/nothing");
  expect([nothing.status, nothing.body.code]).toEqual([404, "unknown_address"]);
  const put = await provides.send("PUT", "/agreements/1");
  expect([put.status, put.body.code, put.headers.allow]).toEqual([405, "method_not_allowed", "GET"]);
  const deleted = await provides.send("DELETE", "/vouchers");
  expect([deleted.status, deleted.headers.allow]).toEqual([405, "GET, POST"]);
  for (const id of [
    "0",
    "-1",
    "1.0",
    "9223372036854775808",
    "%D9%A1",
    "1%00",
    "x".repeat(3000),
    "1e3",
    "null",
  ])
    expect([id, (await provides.get(`/agreements/${id}`)).status]).toEqual([id, 404]);
  for (const handle of [
    "nobody",
    "%00",
    "@",
    "x".repeat(290),
    "a@b@c",
    "raices@elsewhere.example",
    "%F0%9F%92%A9",
  ])
    expect([handle, (await provides.get(`/organizations/${handle}/facts`)).status]).toEqual([handle, 404]);
});

test("only JSON of 64 kB is taken", async () => {
  hub.clock.advance(61_000);
  const send = (body: string | Buffer, headers: Record<string, string> = {}) =>
    provides.send("POST", "/agreements", { "content-type": "application/json", ...headers }, body);
  const code = async (reply: ReturnType<typeof send>) => [(await reply).status, (await reply).body.code];
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json; charset=utf-16",
    "application/jsonp",
    "json",
  ])
    expect([type, ...(await code(send("{}", { "content-type": type })))]).toEqual([
      type,
      415,
      "unsupported_media_type",
    ]);
  const bare = provides.send("POST", "/agreements", {}, "{}");
  expect((await bare).status).toBe(415);
  expect((await send("{}", { "content-encoding": "gzip" })).status).toBe(415);
  for (const text of ["{", "{'a':1}", "[1,", "NaN", '{"a":1}}', "\u0000", '"\\ud800"x'])
    expect([text, ...(await code(send(text)))]).toEqual([text, 400, "malformed_json"]);
  expect(await code(send(Buffer.from([0x7b, 0xff, 0x7d])))).toEqual([400, "malformed_json"]);
  expect(await code(send(`{"note":"${"x".repeat(70_000)}"}`))).toEqual([413, "too_large"]);
  expect(await code(send(`{"note":"${"x".repeat(70_000)}"}`, { "transfer-encoding": "chunked" }))).toEqual([
    413,
    "too_large",
  ]);
  for (const text of ["[]", "1", "null", '"x"', "{}", "[".repeat(30_000) + "]".repeat(30_000)])
    expect([text.slice(0, 9), (await send(text)).status]).toEqual([text.slice(0, 9), 422]);
});

test("scripts of any site may call it, with a token and without cookies", async () => {
  const preflight = await ask(hub.origin, "OPTIONS", `${BASE}/agreements`, {
    origin: "https://elsewhere.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,idempotency-key",
  });
  expect([preflight.status, preflight.text]).toEqual([204, ""]);
  expect(preflight.headers["access-control-allow-origin"]).toBe("*");
  expect(preflight.headers["access-control-allow-credentials"]).toBeUndefined();
  expect(preflight.headers["access-control-allow-methods"]).toMatch(/POST/);
  expect(preflight.headers["access-control-allow-headers"]).toMatch(/Authorization.*Idempotency-Key/);
  const foreign = { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" };
  for (const reply of [
    await provides.get("/me", foreign),
    await provides.get("/nothing", foreign),
    await provides.post("/agreements", {}, foreign),
  ]) {
    expect(reply.headers["access-control-allow-origin"]).toBe("*");
    expect(reply.headers["cache-control"]).toBe("no-store");
    expect(reply.headers["set-cookie"]).toBeUndefined();
    expect(reply.headers["content-security-policy"]).toBe("default-src 'none'; frame-ancestors 'none'");
  }
});
