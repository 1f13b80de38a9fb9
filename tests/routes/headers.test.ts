import { expect, test } from "vitest";
import type { Acting } from "../../src/domain/context.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { webRoutes } from "../../src/routes/web/index.tsx";
import { textOf, typedIn } from "../support/html.ts";
import { count, PASSWORD, startHub, type TestHub } from "../support/hub.ts";
import { loggedIn, type Reply, visitor } from "../support/visitor.ts";

const ACTIVITY = { accept: "application/activity+json" };
const ASSETS = { style: "/assets/style.css", script: null };

async function published(hub: TestHub, acting: Acting): Promise<{ post: string; proposal: string }> {
  const text = { content: "Taller", language: "es" } as const;
  const post = await publishPost(hub.ctx, acting, { ...text, visibility: "public" });
  const proposal = await publishProposal(hub.ctx, acting, {
    ...text,
    purpose: "offer",
    name: "Taller",
    category: "training",
    unit: "one",
    settlement: "none",
    online: true,
  });
  return { post: `/posts/${post}`, proposal: `/proposals/${proposal}` };
}

/** The policy as directive → sources. */
function policy({ headers }: Reply): Record<string, string> {
  const text = String(headers["content-security-policy"] ?? "");
  return Object.fromEntries(
    text.split(";").map((part) => {
      const [name = "", ...sources] = part.trim().split(" ");
      return [name, sources.join(" ")];
    }),
  );
}

const PAGE_POLICY = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self' data:",
  "font-src": "'self'",
  "connect-src": "'self'",
  "form-action": "'self'",
  "base-uri": "'none'",
  "object-src": "'none'",
  "frame-ancestors": "'none'",
  "manifest-src": "'self'",
};

const PAGE_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
  "permissions-policy": expect.stringContaining("geolocation=()"),
};

test("every page lets nothing run, load or frame that is not the hub's, errors included", async () => {
  const hub = await startHub();
  const { post, proposal } = await published(hub, hub.admin);
  const member = await loggedIn(hub);
  const stranger = visitor(hub);
  const pages = {
    ...Object.fromEntries(
      ["/", "/login", "/directory", "/exchange", "/search?q=ana", "/@ana", post, proposal].map((path) => [
        path,
        [() => stranger.get(path), 200] as const,
      ]),
    ),
    redirect: [() => stranger.get("/me"), 302] as const,
    "member's": [() => member.get("/me"), 200] as const,
    confirmation: [() => member.get(`${post}/delete`), 200] as const,
    "after a form": [() => member.submit("/locale", { locale: "es" }), 303] as const,
    "form that came back": [() => member.submit("/posts", { as: "ana", content: "" }), 422] as const,
    "not logged in": [() => stranger.submit("/posts", {}), 401] as const,
    "not allowed": [() => member.submit("/posts", { as: "hub", content: "x" }), 403] as const,
    "cross-site": [() => member.submit("/posts", {}, { origin: "https://evil.example" }), 403] as const,
    "not found": [() => stranger.get("/nothing"), 404] as const,
    "no such post": [() => stranger.get("/posts/1"), 404] as const,
    "too large": [() => member.submit("/posts", { content: "x".repeat(300_000) }), 422] as const,
  };
  for (const [name, [reply, status]] of Object.entries(pages)) {
    const page = await reply();
    expect(page.status, name).toBe(status);
    expect(policy(page), name).toEqual(PAGE_POLICY);
    expect(page.headers, name).toMatchObject(PAGE_HEADERS);
    if (status < 300 || status >= 400) {
      expect(page.headers["content-type"], name).toBe("text/html; charset=UTF-8");
      expect(page.body, name).not.toMatch(
        /<script(?![^>]*\ssrc="\/assets\/)|\sstyle="|\son[a-z]+="|javascript:/i,
      );
    }
  }

  await hub.database.sql`alter table posts rename to posts_elsewhere`;
  const broken = await stranger.get("/");
  expect(broken.status).toBe(500);
  expect(policy(broken)).toEqual(PAGE_POLICY);
  expect(broken.headers).toMatchObject({ ...PAGE_HEADERS, "cache-control": "no-store" });
  expect(textOf(broken.body)).not.toMatch(/posts|relation|drizzle|query|\.ts\b|select/);
});

test("what is no page cannot be taken for one", async () => {
  const hub = await startHub();
  const { post } = await published(hub, hub.admin);
  const stranger = visitor(hub);
  const { body } = await stranger.get("/");
  const assets = [...body.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? "");
  expect(assets.length).toBe(2);
  const answers: [string, () => Promise<Reply>, number][] = [
    ...assets.map((path): [string, () => Promise<Reply>, number] => [path, () => stranger.get(path), 200]),
    ["no such asset", () => stranger.get("/assets/nothing.js"), 404],
    ["an asset elsewhere", () => stranger.get("/assets/..%2fmain.js"), 404],
    ["/healthz", () => stranger.get("/healthz"), 200],
    ["/readyz", () => stranger.get("/readyz"), 200],
    ["an actor", () => stranger.get(`/actors/${hub.admin.actorId}`, ACTIVITY), 200],
    ["a post", () => stranger.get(post, ACTIVITY), 200],
    ["no such post", () => stranger.get("/posts/1", ACTIVITY), 404],
    ["WebFinger", () => stranger.get(`/.well-known/webfinger?resource=acct:ana@${hub.host}`), 200],
    ["NodeInfo's address", () => stranger.get("/.well-known/nodeinfo"), 200],
    ["host-meta", () => stranger.get("/.well-known/host-meta"), 200],
    ["NodeInfo", () => stranger.get("/nodeinfo/2.1"), 200],
    ["inbox", () => stranger.send("POST", "/inbox", { "content-type": ACTIVITY.accept }, "{}"), 401],
  ];
  for (const [name, answer, status] of answers) {
    const { headers, ...reply } = await answer();
    expect(reply.status, name).toBe(status);
    expect(headers["x-content-type-options"], name).toBe("nosniff");
    expect(headers["content-type"] ?? "", name).not.toMatch(/html/);
    expect(headers["content-security-policy"], name).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers["set-cookie"], name).toBeUndefined();
  }
});

test("pages of somebody who is logged in are kept nowhere, and answers differ by who asks", async () => {
  const hub = await startHub();
  const { post } = await published(hub, hub.admin);
  const member = await loggedIn(hub);
  for (const path of [
    "/",
    "/me",
    post,
    "/@ana",
    "/exchange",
    "/nothing",
    `${post}/delete`,
    "/organizations/new",
    "/admin/peers",
  ]) {
    const { headers } = await member.get(path);
    expect(headers["cache-control"], path).toMatch(/no-store/);
    expect(headers.vary, path).toMatch(/Cookie/);
    expect(headers.vary, path).toMatch(/Accept-Language/);
  }
  expect((await member.get(post)).headers.vary).toMatch(/\bAccept,|\bAccept$/);
  const stranger = visitor(hub);
  expect((await stranger.get("/")).headers["cache-control"]).toBe("no-cache");
  expect((await stranger.get("/login")).body).not.toContain("@ana");
  expect(
    (await stranger.submit("/login", { email: "ana", password: PASSWORD })).headers["cache-control"],
  ).toMatch(/no-cache|no-store/);
});

test("the session's cookie is for this hub's own pages alone", async () => {
  const hub = await startHub();
  const { port } = new URL(hub.origin);
  const session = await visitor(hub).submit("/login", { email: "ana", password: PASSWORD });
  const cookie = session.headers["set-cookie"]?.find((one) => one.startsWith("ayni_session")) ?? "";
  expect(cookie).toMatch(new RegExp(`^ayni_session_${port}=[A-Za-z0-9_-]{43};`));
  expect(cookie.split("; ").slice(1)).toEqual(
    expect.arrayContaining(["Path=/", "HttpOnly", "SameSite=Lax", expect.stringMatching(/^Expires=/)]),
  );

  // The same behind https.
  const origin = "https://ayni.example";
  const ctx = { ...hub.ctx, hub: { origin, host: "ayni.example" } };
  const app = webRoutes({ ctx, assets: ASSETS, clientAddress: () => "192.0.2.1" });
  const reply = await app.request(`${origin}/login`, {
    method: "POST",
    headers: { origin, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ email: "ana", password: PASSWORD }).toString(),
  });
  expect(reply.status).toBe(303);
  for (const one of reply.headers.getSetCookie()) {
    expect(one).toMatch(/^__Host-ayni_/);
    expect(one.split("; ")).toEqual(expect.arrayContaining(["Path=/", "HttpOnly", "Secure", "SameSite=Lax"]));
    expect(one).not.toMatch(/Domain=/i);
  }
  expect(reply.headers.getSetCookie().length).toBeGreaterThanOrEqual(2);
  expect(reply.headers.get("strict-transport-security")).toBe("max-age=63072000; includeSubDomains");
  expect(reply.headers.get("content-security-policy")).toMatch(/upgrade-insecure-requests/);
});

test("a login changes the session, and a logout ends it", async () => {
  const hub = await startHub();
  const member = await loggedIn(hub);
  const before = new Map(member.cookies);
  await member.submit("/login", { email: "ana", password: PASSWORD });
  const [name = ""] = [...member.cookies.keys()].filter((key) => key.startsWith("ayni_session"));
  expect(member.cookies.get(name)).not.toBe(before.get(name));
  const thief = visitor(hub);
  for (const [key, value] of member.cookies) thief.cookies.set(key, value);
  expect((await thief.get("/me")).status).toBe(200);
  await member.submit("/logout", {});
  expect((await thief.get("/me")).status).toBe(302);
});

test("no form is taken from another site", async () => {
  const hub = await startHub();
  const { post, proposal } = await published(hub, hub.admin);
  const member = await loggedIn(hub);
  const { port } = new URL(hub.origin);
  const foreign: Record<string, Record<string, string | null>> = {
    "another site": { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    "another site, in a browser that says little": { origin: "https://evil.example", "sec-fetch-site": null },
    "no origin": { origin: null, "sec-fetch-site": null },
    "no origin, but from elsewhere": { origin: null, "sec-fetch-site": "cross-site" },
    "a null origin": { origin: "null", "sec-fetch-site": null },
    "a null origin from a sandbox": { origin: "null", "sec-fetch-site": "cross-site" },
    "a sibling": { origin: "http://sub.127.0.0.1", "sec-fetch-site": "same-site" },
    "our own name, from elsewhere": { "sec-fetch-site": "cross-site" },
    "another port": { origin: `http://127.0.0.1:${Number(port) - 1}`, "sec-fetch-site": "same-site" },
    "another scheme": { origin: `https://127.0.0.1:${port}`, "sec-fetch-site": null },
    "a longer name": { origin: `${hub.origin}.evil.example`, "sec-fetch-site": null },
    "upper case and a slash": { origin: `${hub.origin}/`, "sec-fetch-site": null },
    "plain text": { origin: "https://evil.example", "sec-fetch-site": null, "content-type": "text/plain" },
    "a method in the form": {
      origin: "https://evil.example",
      "sec-fetch-site": null,
      "x-http-method-override": "GET",
    },
  };
  const routes = webRoutes({ ctx: hub.ctx, assets: ASSETS, clientAddress: () => "" }).routes;
  const paths = routes.filter(({ method }) => method === "POST").map(({ path }) => path);
  expect(paths.length).toBeGreaterThanOrEqual(12);
  const fields = { as: "ana", content: "x", actor: "1", locale: "ar", email: "ana", password: PASSWORD };
  for (const path of paths) {
    // Where nothing stands at the address, too, the foreign form is refused before anybody looks.
    const address = path
      .replace("/posts/:id", post)
      .replace("/proposals/:id", proposal)
      .replaceAll(/:\w+/g, "1");
    for (const [kind, headers] of Object.entries(foreign)) {
      const reply = await member.submit(address, fields, headers);
      expect(reply.status, `${address}: ${kind}`).toBe(403);
      expect(reply.headers["set-cookie"]?.filter((one) => !one.includes("Max-Age=0")) ?? []).toEqual([]);
    }
  }
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    expect((await member.send(method, post, { origin: "https://evil.example" })).status).toBe(403);
  }
  expect((await member.get("/me")).status).toBe(200);
  expect(await count(hub, "posts where deleted is null")).toBe(2);
}, 180_000);

const ELSEWHERE = [
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/./\\evil.example",
  "/x/..//evil.example",
  "/%2e//evil.example",
  "/.\\\\evil.example",
  "https:evil.example",
  "https://evil.example",
  "HTTPS://evil.example/",
  "http:/evil.example",
  "javascript:alert(1)",
  "data:text/html,x",
  "@evil.example",
  ".evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "\t//evil.example",
  " //evil.example",
  "/\u0000/evil.example",
  "/\r\nset-cookie: a=b",
  "/%0d%0aset-cookie:%20a=b",
  "/é//evil.example",
  `/${"x".repeat(3000)}`,
];

test("nobody is led to another site after a form", async () => {
  const hub = await startHub();
  const other = await hub.organization("raices");
  const member = await loggedIn(hub);
  for (const next of ELSEWHERE) {
    const label = JSON.stringify(next.slice(0, 40));
    const shown = typedIn((await visitor(hub).get(`/login?next=${encodeURIComponent(next)}`)).body, "next");
    if (shown !== undefined) expectHere(hub, shown, label);
    hub.clock.advance(900_001);
    const answers = [
      await visitor(hub).submit("/login", { email: "ana", password: PASSWORD, next }),
      await member.submit("/acting", { as: "ana", next }),
      await member.submit("/locale", { locale: "es", next }),
      await member.submit("/follows", { as: "ana", actor: String(other.actorId), next }),
      await member.submit("/follows/undo", { as: "ana", actor: String(other.actorId), next }),
    ];
    for (const { status, headers } of answers) {
      expect(status, label).toBe(303);
      expectHere(hub, headers.location ?? "", label);
      expect(headers["set-cookie"]?.join() ?? "", label).not.toMatch(/\ba=b/);
    }
  }
  const back = await member.submit("/locale", { locale: "es", next: "/search?q=a%20b&before=1" });
  expect(back.headers.location).toBe("/search?q=a%20b&before=1");
  const login = await visitor(hub).get("//evil.example/me");
  expect(login.headers.location ?? "/").toMatch(/^\/(?![/\\])/);
}, 180_000);

function expectHere(hub: TestHub, location: string, label: string): void {
  expect(location, label).toMatch(/^\//);
  expect(new URL(location, hub.origin).origin, label).toBe(hub.origin);
}

test("before the setup every address leads to it, and nothing else can be done", async () => {
  const hub = await startHub({ setUp: false });
  const stranger = visitor(hub);
  for (const path of ["/", "/login", "/me", "/@ana", "/posts/1", "/nothing", "/search?q=x"]) {
    const { status, headers } = await stranger.get(path);
    expect([path, status, headers.location]).toEqual([path, 302, "/setup"]);
  }
  expect((await stranger.get("/setup")).status).toBe(200);
  expect((await stranger.submit("/login", { email: "ana", password: PASSWORD })).status).toBe(503);
  expect((await stranger.submit("/posts", {})).status).toBe(503);
  expect((await stranger.submit("/locale", { locale: "ar" })).status).toBe(303);
  expect((await stranger.get("/setup")).body).toContain('dir="rtl"');
});
