import { connect } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { offerAgreement, writeMessage } from "../../src/domain/agreements/commands.ts";
import type { Acting } from "../../src/domain/context.ts";
import { deletePost, publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { LOCALES } from "../../src/locales/index.ts";
import { textOf } from "../support/html.ts";
import { startHub, type TestHub } from "../support/hub.ts";
import { loggedIn, visitor } from "../support/visitor.ts";

const ACTIVITY = "application/activity+json";

const POST = { content: "Taller", visibility: "public", language: "es" } as const;

/** What nobody links to, and what may be answered. */
const NOWHERE = [
  "/nothing",
  "/nothing/at/all",
  "/posts",
  "/posts/",
  "/posts/1",
  "/posts/-1",
  "/posts/0",
  "/posts/01",
  "/posts/1e5",
  "/posts/x",
  "/posts/½",
  "/posts/%00",
  "/posts/%E0%A4%A",
  "/posts/%",
  "/posts/9223372036854775807",
  "/posts/9223372036854775808",
  "/posts/99999999999999999999999999",
  "/posts/1'%20or%20'1'='1",
  "/posts/../../etc/passwd",
  "/posts/..%2f..%2fetc%2fpasswd",
  "/proposals/1",
  "/proposals/%00",
  "/proposals/%FF",
  "/proposals/new/x",
  "/agreements/%00",
  "/agreements/%FF",
  "/agreements/x",
  "/agreements/-1",
  "/agreements/x/cancel",
  "/agreements/%00/consents.json",
  "/reviews/1",
  "/reviews/%00",
  "/reviews/x",
  "/@nobody/reviews",
  "/@ana/reviews",
  "/@%00/reviews",
  "/actors/1",
  "/actors/%00",
  "/actors/-1",
  "/actors/x/followers",
  "/activities/1",
  "/@",
  "/@nobody",
  "/@%00",
  "/@ana%00",
  "/@%E0%A4%A",
  "/@%FF",
  "/@%",
  "/@ana/nothing",
  "/@nobody/followers",
  "/@%00/followers",
  "/@ana@evil.example",
  "/@ana@%00",
  "/@hub@hub@hub",
  "/@' or 1=1 --".replaceAll(" ", "%20"),
  `/@${"x".repeat(5000)}`,
  "/assets/",
  "/assets/%00",
  "/assets/..%2f..%2fpackage.json",
  "/.env",
  "/.git/config",
  "/%00",
  "/%E0%A4%A",
  "/media/1",
  "/media/x/thumbnail",
  "/media/%00",
  "/media/..%2f..%2fsecret",
  "/__proto__",
  "/constructor",
  "/organizations/%00",
  "/ledger/nothing",
  "/settings/tokens/x",
  "/settings/tokens/x/revoke",
  "/vouchers/1",
  "/admin/nothing",
  "/admin/peers/1/nothing",
  "/peers/1",
  "/healthz/x",
];

/** What lists and searches are asked for. */
const ASKED = [
  "",
  "x",
  "%00",
  "%FF",
  "%ED%A0%80",
  "-1",
  "1e9",
  "NaN",
  "%C2%BD",
  "%25",
  "_",
  "\\",
  "'%20or%201=1--",
  "%F0%9F%8C%B1",
];

test("what is not there is a page that says so, however it is spelt", async () => {
  const hub = await startHub();
  const people = [visitor(hub), await loggedIn(hub)];
  for (const path of NOWHERE) {
    const sent = path.replace("½", "%C2%BD");
    for (const person of people) {
      const page = await person.get(sent);
      expect([400, 404], `${sent}: ${page.status}`).toContain(page.status);
      if (!/^\/(assets|media)\//.test(path)) {
        expect(page.headers["content-type"], sent).toBe("text/html; charset=UTF-8");
        expect(textOf(page.body), sent).toContain("404");
      }
    }
    for (const method of ["HEAD", "OPTIONS"]) {
      const { status } = await visitor(hub).send(method, sent);
      expect([200, 204, 400, 404, 405], `${method} ${sent}: ${status}`).toContain(status);
    }
    const document = await visitor(hub).get(sent, { accept: ACTIVITY });
    expect([400, 404], `${sent} as a document: ${document.status}`).toContain(document.status);
  }
}, 180_000);

test("lists and searches bear whatever they are asked for", async () => {
  const hub = await startHub();
  await hub.organization("raices");
  const member = await loggedIn(hub);
  const lists = [
    "/?before=",
    "/?timeline=",
    "/search?q=",
    "/directory?before=",
    "/exchange?category=",
    "/exchange?purpose=",
    "/exchange?before=",
    "/exchange?near=3&before=",
    "/exchange?q=",
    "/exchange?tag=",
    "/exchange?where=",
    "/exchange?settlement=",
    "/exchange?language=",
    "/@ana?tab=",
    "/@ana?before=",
    "/@ana/followers?before=",
    "/@raices/reviews?before=",
    "/admin/verifications?before=",
    "/agreements?group=",
    "/agreements?before=",
    "/notices?before=",
    "/login?next=",
    "/proposals/new?purpose=",
    "/ledger?before=",
    "/ledger?kind=",
    "/ledger?from=",
    "/ledger/hub?x=",
    "/vouchers?before=",
    "/admin?x=",
    "/peers?x=",
    "/admin/peers?x=",
    "/admin/peers/new?origin=",
  ];
  for (const list of lists) {
    for (const asked of [...ASKED, "x".repeat(8000)]) {
      const { status } = await member.get(`${list}${asked}`);
      expect(list.startsWith("/login") ? [302] : [200], `${list}${asked.slice(0, 20)}: ${status}`).toContain(
        status,
      );
    }
  }
  for (const resource of [
    ...ASKED,
    "acct:%00@x",
    "acct:@",
    `acct:%FF@${hub.host}`,
    `acct:${"x".repeat(400)}@${hub.host}`,
  ]) {
    const { status } = await visitor(hub).get(`/.well-known/webfinger?resource=${resource}`);
    expect([400, 404], `WebFinger ${resource}: ${status}`).toContain(status);
  }
  for (const path of ["/organizations", "/proposals"]) {
    for (const asked of ASKED) {
      const { status } = await visitor(hub).get(`${path}?page=${asked}&after=${asked}`, { accept: ACTIVITY });
      expect([200, 400, 404], `${path} ${asked}: ${status}`).toContain(status);
    }
  }
  for (const path of ["outbox", "followers", "following"]) {
    for (const asked of ASKED) {
      const { status } = await visitor(hub).get(
        `/actors/${hub.admin.actorId}/${path}?page=${asked}&before=${asked}`,
        {
          accept: ACTIVITY,
        },
      );
      expect([200, 404], `${path} ${asked}: ${status}`).toContain(status);
    }
  }
}, 180_000);

test("no method but those of forms does anything", async () => {
  const hub = await startHub();
  const member = await loggedIn(hub);
  const id = await publishPost(hub.ctx, hub.admin, POST);
  const own = { origin: hub.origin, "sec-fetch-site": "same-origin" };
  for (const path of [
    "/",
    `/posts/${id}`,
    "/login",
    "/@ana",
    "/healthz",
    `/actors/${hub.admin.actorId}`,
    "/nothing",
  ]) {
    for (const method of ["PUT", "PATCH", "DELETE", "PROPFIND", "TRACE", "POST"]) {
      if (method === "POST" && path === "/login") continue;
      const { status } = await member.send(method, path, own);
      expect([400, 404, 405, 501], `${method} ${path}: ${status}`).toContain(status);
    }
  }
  for (const path of ["/logout", "/acting", "/locale", "/follows", `/posts/${id}/delete`]) {
    const { status } = await member.get(path);
    // Reading changes nothing: a page that asks, or none.
    expect([path, status]).toEqual([path, path.endsWith("/delete") ? 200 : 404]);
  }
  expect((await member.get("/me")).status).toBe(200);
  expect((await member.get(`/posts/${id}`)).status).toBe(200);
});

test("what was deleted is gone, for people and for servers", async () => {
  const hub = await startHub();
  const id = await publishPost(hub.ctx, hub.admin, POST);
  await deletePost(hub.ctx, hub.admin, id);
  const page = await visitor(hub).get(`/posts/${id}`);
  expect([page.status, page.headers["content-type"]]).toEqual([410, "text/html; charset=UTF-8"]);
  expect((await visitor(hub).get(`/posts/${id}`, { accept: ACTIVITY })).status).toBe(410);
});

test("a request that no browser makes is refused, and the next one is answered", async () => {
  const hub = await startHub();
  const heads = [
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: evil.example/@x\r\n\r\n",
    "GET http://evil.example/me HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET /\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET //evil.example/me HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "\0\0\0\0\r\n\r\n",
    `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${"a=b; ".repeat(10_000)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nCookie: ayni_session=\u00ff%00; ayni_locale=%E0%A4%A; =; ;;\r\n\r\n`,
  ];
  for (const head of heads) {
    const answer = await raw(hub, head);
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
    if (answer !== "")
      expect(status, `${JSON.stringify(head.slice(0, 60))}: ${answer.slice(0, 200)}`).toBeLessThan(500);
    expect(answer).not.toMatch(/location: [^\r]*evil/i);
    expect((await visitor(hub).get("/healthz")).status).toBe(200);
  }
});

/** What comes back for bytes on a socket; empty when the connection was just closed. */
function raw(hub: TestHub, text: string): Promise<string> {
  const { hostname, port } = new URL(hub.origin);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(text, "latin1"));
    let answer = "";
    const done = () => {
      socket.destroy();
      resolve(answer);
    };
    socket.on("data", (chunk) => {
      answer += chunk.toString();
      if (answer.includes("\r\n\r\n")) done();
    });
    socket.on("error", done);
    socket.on("close", done);
  });
}

/** HTML, CSS and JS of a page as they travel, in bytes. */
const BUDGET = { page: 45_000, css: 15_000, js: 15_000 };

test("every page is light, in every language", async () => {
  const hub = await startHub();
  const organization = await hub.organization("raices");
  const content = "Taller de contabilidad solidaria para organizaciones de base. ".repeat(10);
  for (let n = 0; n < 30; n++) {
    await publishPost(hub.ctx, organization, { ...POST, content: `${n} ${content}` });
    await publishProposal(hub.ctx, organization, {
      purpose: n % 2 ? "offer" : "request",
      name: `Taller ${n}`,
      content,
      category: "training",
      unit: "hour",
      settlement: "none",
      online: true,
      language: "es",
    });
  }
  const agreement = await busyAgreement(hub, organization);
  const sizes: Record<string, number> = {};
  for (const accepted of ["gzip, deflate, br, zstd", "gzip"]) {
    for (const locale of LOCALES) {
      const member = await loggedIn(hub, "ana", locale);
      await member.submit("/locale", { locale });
      for (const path of [
        "/",
        "/?timeline=hub",
        "/exchange",
        "/@raices",
        "/@raices?tab=exchange",
        "/directory",
        "/me",
        "/proposals/new",
        "/organizations/new",
        "/settings/profile",
        "/search?q=a",
        "/ledger/hub",
        "/admin/policy",
        "/agreements?group=open",
        agreement,
      ]) {
        const page = await member.get(path, { "accept-encoding": accepted });
        expect([path, page.status]).toEqual([path, 200]);
        const html = unpacked(page.bytes, page.headers["content-encoding"]);
        const links = [...html.matchAll(/<(?:link rel="stylesheet"|script)[^>]*(?:href|src)="([^"]+)"/g)].map(
          (m) => m[1] ?? "",
        );
        let total = page.bytes.length;
        for (const link of links) {
          const asset = await member.get(link, { "accept-encoding": accepted });
          expect([link, asset.status, asset.headers["content-encoding"]]).toEqual([
            link,
            200,
            accepted === "gzip" ? "gzip" : "br",
          ]);
          expect(asset.headers["cache-control"]).toContain("immutable");
          const kind = link.endsWith(".css") ? "css" : "js";
          expect(asset.bytes.length, `${link} (${accepted})`).toBeLessThanOrEqual(BUDGET[kind]);
          total += asset.bytes.length;
        }
        expect(links.length).toBe(2);
        expect(total, `${path} in ${locale} (${accepted})`).toBeLessThanOrEqual(BUDGET.page);
        sizes[`${path} ${locale} ${accepted}`] = total;
      }
    }
  }
  expect(Object.keys(sizes).length).toBe(2 * LOCALES.length * 15);
}, 180_000);

/** Many agreements of the administrator with an organization, one of them with much written in it. @returns its address */
async function busyAgreement({ ctx, admin }: TestHub, organization: Acting): Promise<string> {
  let last = 0n;
  for (let n = 0; n < 22; n++) {
    const proposalId = await publishProposal(ctx, organization, {
      purpose: "offer",
      name: `Préstamo de la sala número ${n}`,
      content: "Con pizarra",
      category: "spaces",
      unit: "one",
      settlement: "none",
      online: false,
      language: "es",
    });
    last = await offerAgreement(ctx, admin, { proposalId, revision: 1, quantity: 1, due: null });
  }
  for (let n = 0; n < 20; n++)
    await writeMessage(ctx, n % 2 ? admin : organization, last, { content: `${n} Nos vemos. `.repeat(60) });
  return `/agreements/${last}`;
}

function unpacked(bytes: Buffer, encoding: string | undefined): string {
  if (encoding === "br") return brotliDecompressSync(bytes).toString();
  // A page that travels as it is would show here.
  expect(encoding).toBe("gzip");
  return gunzipSync(bytes).toString();
}
