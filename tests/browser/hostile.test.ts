import { expect, onTestFinished, test } from "vitest";
import { requestFollow } from "../../src/domain/follows/commands.ts";
import { createOrganization } from "../../src/domain/organizations/commands.ts";
import { publishPost } from "../../src/domain/posts/commands.ts";
import { publishProposal } from "../../src/domain/proposals/commands.ts";
import { type Visit, visit } from "../support/browser.ts";
import { account, count, settle, startHub, type TestHub } from "../support/hub.ts";
import { AS2, type Json, PUBLIC, type Remote, startRemote } from "../support/remote-server.ts";
import { sample } from "../support/samples.ts";
import { loggedIn } from "../support/visitor.ts";

/** Each of these runs somewhere when it is written into a page as it stands, or changes the page around it. */
const PAYLOADS = [
  "<script>alert(1)</script>",
  "<ScRiPt src=//evil.example/x.js></sCrIpT>",
  "<script/x>alert(1)</script>",
  "<<script>alert(1)//<</script>",
  "<scr<script>ipt>alert(1)</scr</script>ipt>",
  "<img src=x onerror=alert(1)>",
  "<img/src='x'/onerror=alert(1)//",
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  "</title></textarea></style><svg/onload=alert(1)>",
  "<svg><script>alert&#40;1)</script>",
  "<svg><style><img src=x onerror=alert(1)></style></svg>",
  "<math><mi><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
  "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "<!--><img src=x onerror=alert(1)>-->",
  "<![CDATA[><img src=x onerror=alert(1)>]]>",
  "<a href=javascript:alert(1)>x</a>",
  "<a href='java\tscript:alert(1)'>x</a>",
  "<a href='\u0001javascript:alert(1)'>x</a>",
  "<a href='&#106;avascript&colon;alert(1)'>x</a>",
  "<a href='JaVaScRiPt://x%0aalert(1)'>x</a>",
  "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
  "<a href='vbscript:alert(1)' target=_blank>x</a>",
  "<p style='position:fixed;inset:0;background:url(//evil.example)'>x</p>",
  "<p id=content class=main-nav onclick=alert(1)>x</p>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<object data='javascript:alert(1)'></object><embed src=//evil.example>",
  "<form action=//evil.example><button formaction='javascript:alert(1)'>x</button></form>",
  "<input autofocus onfocus=alert(1)>",
  "<details open ontoggle=alert(1)>x</details>",
  "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
  "<body onload=alert(1)><base href=//evil.example/>",
  "<meta http-equiv=refresh content='0;url=//evil.example'>",
  "<link rel=stylesheet href=//evil.example/x.css><style>@import '//evil.example'</style>",
  'https://example.org/"onmouseover=alert(1)//',
  "https://example.org/<script>alert(1)</script>",
  "javascript:alert(1) javascript://example.org/%0aalert(1)",
  "[x](javascript:alert(1)) ![x](//evil.example/x.png)",
  "{{constructor.constructor('alert(1)')()}}",
  "\u2028alert(1)\u2029</ script><img src=x onerror=alert(1)>",
  "＜script＞alert(1)＜/script＞",
];

/** What runs, leads or loads from somewhere else in the page as the browser understood it. */
function foreign({ page }: Visit): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const allowed = (url: string) => url === "" || new URL(url, location.href).origin === location.origin;
    for (const one of document.querySelectorAll("*")) {
      const shown = one.outerHTML.slice(0, 200);
      for (const { name, value } of one.attributes) {
        if (/^on/i.test(name) || name === "style" || name === "srcdoc") found.push(`${name}: ${shown}`);
        if (/^(href|xlink:href|src|action|formaction|data|poster|srcset|background|ping)$/i.test(name)) {
          const { protocol } = new URL(value, location.href);
          const icon = one.matches('link[rel="icon"]') && value.startsWith("data:image/svg+xml,");
          // Names what is shown; no browser loads it.
          const loads = !one.matches('a, link[rel="alternate"]');
          if (!icon && protocol !== "http:" && protocol !== "https:") found.push(`${protocol} ${shown}`);
          if (loads && !icon && !allowed(value)) found.push(`elsewhere: ${shown}`);
        }
      }
      if (one.matches("script") && !/^\/assets\//.test(one.getAttribute("src") ?? ""))
        found.push(`script: ${shown}`);
      if (one.matches("iframe, object, embed, base, meta[http-equiv], frame, portal, math, video, audio"))
        found.push(shown);
    }
    // What people wrote is text, links and paragraphs.
    const written =
      ".prose :is(img, svg, form, input, button, style, link, details, [id], [class], [target])";
    for (const one of document.querySelectorAll(written))
      found.push(`written: ${one.outerHTML.slice(0, 200)}`);
    return found;
  });
}

test("what would run in a page is seen by this test", async () => {
  const hub = await startHub();
  const here = await visit(hub, { bypassCsp: true, expected: [404] });
  await here.page.goto("/");
  await here.page.setContent('<div class="prose"><img src=x onerror=alert(1)></div>');
  await expect.poll(() => here.faults, { timeout: 30_000 }).toEqual([expect.stringContaining("dialog: 1")]);
  expect(await foreign(here)).toHaveLength(2);
  here.faults.length = 0;
});

test("nothing that anybody writes, here or on another server, runs in a page", async () => {
  const remote = await startRemote({ accepts: true, actors: ["mallory"] });
  onTestFinished(() => remote.close());
  const hub = await startHub({ allow: [remote.host] });
  const organizations = await writeHere(hub);
  const mallory = await writeThere(hub, remote);

  const posts = await hub.database.sql<
    { id: bigint }[]
  >`select id from posts where not local or summary is not null`;
  const proposals = await hub.database.sql<{ id: bigint }[]>`select id from proposals`;
  const berta = await loggedIn(hub, "berta");
  // The policy of the pages is off: what it would stop would show here.
  const here = await visit(hub, { as: berta, bypassCsp: true, expected: [404] });
  const problems: string[] = [];
  const pages = [
    ...["/", "/?timeline=hub", "/exchange", "/directory", "/search?q=o", `/${mallory}`],
    ...organizations.map((handle) => `/@${handle}`),
    `/@${organizations[0]}?tab=exchange`,
    ...PAYLOADS.filter((_, n) => n % 10 === 0).map((payload) => `/search?q=${encodeURIComponent(payload)}`),
    `/login?next=${encodeURIComponent('/"onmouseover=alert(1)')}`,
    `/@${encodeURIComponent(PAYLOADS[5] ?? "")}`,
    ...posts.filter((_, n) => n % 12 === 0).map(({ id }) => `/posts/${id}`),
    ...proposals.filter((_, n) => n % 12 === 0).map(({ id }) => `/proposals/${id}`),
  ];
  for (const path of pages) {
    await here.page.goto(path);
    for (;;) {
      problems.push(...(await foreign(here)).map((problem) => `${path} ${problem}`));
      const next = here.page.locator('a[rel="next"]');
      if ((await next.count()) === 0) break;
      await Promise.all([here.page.waitForEvent("load"), next.click()]);
    }
  }
  // And in a form that comes back.
  const ana = await visit(hub, { as: await loggedIn(hub), bypassCsp: true, expected: [422] });
  await ana.page.goto("/organizations/new");
  for (const name of ["name", "summary", "handle"])
    await ana.page.locator(`[name="${name}"]`).fill(PAYLOADS.join(" "));
  await ana.page.locator('main form[action="/organizations/new"] button[type="submit"]').click();
  await ana.page.getByRole("alert").waitFor();
  problems.push(...(await foreign(ana)));
  expect(problems).toEqual([]);
}, 240_000);

/** Each payload in every text that a form of ours takes. @returns handles of organizations */
async function writeHere(hub: TestHub): Promise<string[]> {
  const names = PAYLOADS.filter((payload) => payload.length <= 100);
  const organizations: string[] = [];
  for (const [index, name] of names.slice(0, 6).entries()) {
    const handle = `org${index}`;
    organizations.push(handle);
    const actorId = await createOrganization(hub.ctx, hub.admin.accountId, {
      handle,
      name,
      summary: PAYLOADS.join(" ").slice(index * 80, index * 80 + 900),
    });
    if (index > 0) continue;
    const acting = { accountId: hub.admin.accountId, actorId };
    for (const [n, payload] of PAYLOADS.entries()) {
      await publishPost(hub.ctx, acting, {
        content: payload,
        ...(n % 3 === 0 && { summary: payload }),
        visibility: "public",
        language: "es",
      });
      await publishProposal(hub.ctx, acting, {
        purpose: n % 2 ? "offer" : "request",
        name: payload,
        content: payload,
        location: payload,
        category: "training",
        unit: "one",
        settlement: "none",
        online: true,
        language: "es",
      });
    }
  }
  return organizations;
}

/** Each payload from another server, as HTML and in everything that is text. @returns the handle of who wrote them */
async function writeThere(hub: TestHub, remote: Remote): Promise<string> {
  const mallory = remote.actor("mallory");
  Object.assign(mallory.document, {
    name: `<img src=x onerror=alert(1)>"'><script>alert(1)</script>`,
    summary: PAYLOADS.join(" "),
    url: "javascript:alert(1)",
    icon: { type: "Image", url: "https://evil.example/pixel.png" },
  });
  const reader = await account(hub, "berta");
  const followedId = await hub.ctx.remote.resolveActor(mallory.iri);
  await requestFollow(hub.ctx, { followerId: reader.actorId, followedId });
  await settle(hub);
  for (const [n, payload] of PAYLOADS.entries()) {
    const id = `${mallory.iri}/notes/${n}`;
    const note: Json = {
      id,
      type: n % 2 ? "Note" : "Article",
      attributedTo: mallory.iri,
      content: `<p>${payload}</p>`,
      name: payload,
      ...(n % 3 === 0 && { summary: payload }),
      url: n % 4 === 0 ? "javascript:alert(1)" : `${remote.origin}/"onclick="alert(1)`,
      published: new Date().toISOString(),
      to: [PUBLIC],
      cc: [`${mallory.iri}/followers`],
    };
    const create = {
      "@context": AS2,
      id: `${id}/create`,
      type: "Create",
      actor: mallory.iri,
      object: note,
      to: [PUBLIC],
      cc: [],
    };
    const { status, body } = await remote.deliver(`${hub.origin}/inbox`, create);
    expect([status, body]).toEqual([202, expect.anything()]);
  }
  const { object, ...create } = sample("mitra-create-proposal", remote, hub);
  for (const [n, payload] of PAYLOADS.entries()) {
    const id = `${mallory.iri}/proposals/${n}`;
    const location = { type: "Place", name: payload };
    const proposal = { ...(object as Json), id, name: payload, content: `<p>${payload}</p>`, location };
    Object.assign(proposal, { attributedTo: mallory.iri, url: "javascript:alert(1)" });
    const activity = { ...create, id: `${id}/create`, actor: mallory.iri, object: proposal };
    expect((await remote.deliver(`${hub.origin}/inbox`, activity)).status).toBe(202);
  }
  await settle(hub);
  expect(await count(hub, "proposals where not local")).toBeGreaterThan(PAYLOADS.length / 2);
  expect(await count(hub, "posts where not local")).toBeGreaterThan(PAYLOADS.length / 2);
  return mallory.handle;
}
