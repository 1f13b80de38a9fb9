import { describe, expect, test } from "vitest";
import { plainText } from "../../src/views/actors/actor-card.tsx";
import { ProfilePage } from "../../src/views/actors/profile-page.tsx";
import { SearchPage } from "../../src/views/actors/search-page.tsx";
import { HomePage } from "../../src/views/home/home-page.tsx";
import { PostPage } from "../../src/views/posts/post-page.tsx";
import { ProposalPage } from "../../src/views/proposals/proposal-page.tsx";
import { formatCredits, returnText } from "../../src/views/proposals/terms.ts";
import { initials } from "../../src/views/ui/avatar.tsx";
import { actor, NUR, pageContext, post, profile, proposal, SEMILLA, VIEWER } from "./example.ts";
import { tags } from "./html.ts";

const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`;
const SCRIPT_URL = "javascript:alert(1)";

describe("hostile names and texts are shown, not run", () => {
  const somebody = actor({
    handle: "x",
    host: "evil.example",
    acct: `x"><script>alert(1)</script>@evil.example`,
    name: HOSTILE,
    summary: "<p>plain</p>",
    url: SCRIPT_URL,
    avatar: "https://evil.example/pixel.png",
  });
  const page = pageContext("es", {
    viewer: {
      ...VIEWER,
      person: { ...VIEWER.person, name: HOSTILE },
      acting: { ...VIEWER.acting, name: HOSTILE },
    },
    hub: { name: HOSTILE, origin: "https://red.example", host: "red.example", description: HOSTILE },
    path: `/search?q=${HOSTILE}`,
  });
  const written = post({
    author: somebody,
    local: false,
    url: SCRIPT_URL,
    inReplyTo: SCRIPT_URL,
    summary: HOSTILE,
    name: HOSTILE,
    language: HOSTILE,
    content: "<p>plain</p>",
  });
  const offered = proposal({
    actor: somebody,
    local: false,
    url: SCRIPT_URL,
    name: HOSTILE,
    location: HOSTILE,
    category: HOSTILE,
    currencySymbol: HOSTILE,
    language: HOSTILE,
    content: "<p>plain</p>",
  });
  const views = {
    home: (
      <HomePage page={page} timeline="hub" posts={{ items: [written], before: null }} latest={[offered]} />
    ),
    profile: (
      <ProfilePage
        page={page}
        profile={profile(somebody)}
        tab="posts"
        posts={{ items: [], before: null }}
        proposals={null}
      />
    ),
    post: <PostPage page={page} post={written} replies={[written]} />,
    proposal: (
      <ProposalPage page={page} proposal={offered} questions={[{ post: written, answers: [written] }]} />
    ),
    search: <SearchPage page={page} query={HOSTILE} results={[{ actor: somebody, relation: null }]} />,
  };

  test.each(Object.entries(views))("%s", (_, view) => {
    const html = String(view);
    const all = tags(html);
    expect(html).toContain("&lt;script&gt;alert(1)");
    expect(html).not.toContain("<script>alert");
    expect(html).not.toContain("<img");
    expect(
      all.flatMap(({ attributes }) => [...attributes.keys()]).filter((key) => key.startsWith("on")),
    ).toEqual([]);
    for (const { attributes } of all) expect(attributes.get("href") ?? "").not.toMatch(/^javascript:/i);
  });
});

test("pictures of other servers are not loaded, this hub's are", () => {
  const view = (avatar: string) =>
    String(
      <SearchPage
        page={pageContext("es")}
        query="x"
        results={[{ actor: { ...NUR, avatar }, relation: null }]}
      />,
    );
  expect(view("https://mena.example/avatar.png")).not.toContain("<img");
  expect(view("https://red.example.evil.example/a.png")).not.toContain("<img");
  expect(view("https://red.example/media/1.webp")).toContain(
    '<img class="avatar" src="https://red.example/media/1.webp" alt=""',
  );
});

test("what people wrote carries its language and finds its own direction", () => {
  const written = post({ author: NUR, language: "ar", content: "<p>مرحبا</p>" });
  expect(String(<PostPage page={pageContext("es")} post={written} replies={[]} />)).toContain(
    '<div class="prose" lang="ar" dir="auto"><p>مرحبا</p></div>',
  );
});

test("an announcement leads to its proposal", () => {
  const html = String(<PostPage page={pageContext("es")} post={post({ proposalId: 42n })} replies={[]} />);
  expect(html).toContain('href="/proposals/42"');
});

test("only those who may delete are offered to", () => {
  const view = (own: boolean) =>
    String(<PostPage page={pageContext("es")} post={post({ own })} replies={[]} />);
  expect(view(true)).toMatch(/href="\/posts\/\d+\/delete"/);
  expect(view(false)).not.toContain("/delete");
});

test("nobody is asked to follow themselves, and visitors are told how to follow from elsewhere", () => {
  const view = (viewer: typeof VIEWER | null, of = SEMILLA) =>
    String(
      <ProfilePage
        page={pageContext("es", { viewer })}
        profile={profile(of)}
        tab="posts"
        posts={{ items: [], before: null }}
        proposals={null}
      />,
    );
  expect(view(VIEWER)).toContain('action="/follows"');
  expect(view(VIEWER, VIEWER.acting)).not.toContain('action="/follows"');
  expect(view(null)).not.toContain('action="/follows"');
  expect(view(null)).toContain("Seguir desde donde estés");
});

test("a person's lists are linked only for that person", () => {
  const view = (own: boolean) =>
    String(
      <ProfilePage
        page={pageContext("es", { viewer: VIEWER })}
        profile={profile(VIEWER.person, { relation: { following: "no", followedBy: false, own } })}
        tab="posts"
        posts={{ items: [], before: null }}
        proposals={null}
      />,
    );
  expect(view(true)).toContain('href="/@ana/followers"');
  expect(view(false)).not.toContain('href="/@ana/followers"');
});

test.each([
  ["es", 150n, 2, "1,5"],
  ["en", 150n, 2, "1.5"],
  ["es", 5n, 2, "0,05"],
  ["en", 0n, 2, "0"],
  ["en", -1_234_567n, 2, "-12,345.67"],
  ["en", 9_007_199_254_740_993_01n, 2, "9,007,199,254,740,993.01"],
  ["ar", 1_200n, 0, "1,200"],
] as const)("credits in %s: %d with %d decimals is %s", (locale, minor, scale, shown) => {
  expect(formatCredits(locale, minor, scale)).toBe(shown);
});

test.each([
  [{}, "1,5\u00a0cr por hora"],
  [{ unit: "one" }, "1,5\u00a0cr por unidad"],
  [{ unitBased: false }, "1,5\u00a0cr en total"],
  [{ currencySymbol: null }, "1,5\u00a0créditos por hora"],
  [{ price: null }, "Créditos por acordar"],
  [{ settlement: "none", price: null }, "Sin pedir nada a cambio"],
  [{ settlement: "none", price: null, purpose: "request" }, "Se pide como apoyo"],
  [{ settlement: "external", price: null }, "A convenir entre las partes"],
] as const)("what is asked in return: %o is %s", (values, shown) => {
  expect(returnText(pageContext("es"), proposal(values))).toBe(shown);
});

test.each([
  ["Red Semilla", "RS"],
  ["Vozes do Rio Negro", "VN"],
  ["ana", "A"],
  ["red_semilla", "RS"],
  ["جمعية نور", "جن"],
  ["🌱 Brote", "B"],
  ["🌱", ""],
])("initials of %s are %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

test("the plain text of a summary has no markup left", () => {
  expect(plainText("<p>Uno &amp; dos</p><p>&lt;b&gt; tres</p>")).toBe("Uno & dos <b> tres");
});
