import type { Child } from "hono/jsx";
import type { TokenView } from "../../src/domain/accounts/queries.ts";
import type { MediaView } from "../../src/domain/media/queries.ts";
import { NOTICE_KINDS } from "../../src/domain/notices/kinds.ts";
import type { NoticeView } from "../../src/domain/notices/queries.ts";
import type { CopiedHub } from "../../src/domain/peers/hubs.ts";
import type { Locale } from "../../src/locales/index.ts";
import { LoginPage } from "../../src/views/accounts/login-page.tsx";
import { MePage } from "../../src/views/accounts/me-page.tsx";
import { TokensPage } from "../../src/views/accounts/tokens-page.tsx";
import { ActorListPage } from "../../src/views/actors/actor-list-page.tsx";
import { DirectoryPage } from "../../src/views/actors/directory-page.tsx";
import { EditProfilePage } from "../../src/views/actors/edit-profile-page.tsx";
import { ProfilePage } from "../../src/views/actors/profile-page.tsx";
import { SearchPage } from "../../src/views/actors/search-page.tsx";
import { CategoriesPage } from "../../src/views/admin/categories-page.tsx";
import { ApiPage } from "../../src/views/api/api-page.tsx";
import { HomePage } from "../../src/views/home/home-page.tsx";
import { SetupPage } from "../../src/views/hubs/setup-page.tsx";
import { NoticeSettingsPage } from "../../src/views/notices/notice-settings-page.tsx";
import { NoticesPage } from "../../src/views/notices/notices-page.tsx";
import { NewOrganizationPage } from "../../src/views/organizations/new-organization-page.tsx";
import { ConfirmDeletePostPage, PostPage } from "../../src/views/posts/post-page.tsx";
import { ExchangePage } from "../../src/views/proposals/exchange-page.tsx";
import { NewProposalPage } from "../../src/views/proposals/new-proposal-page.tsx";
import { PhotosPage } from "../../src/views/proposals/photos-page.tsx";
import { ConfirmWithdrawProposalPage, ProposalPage } from "../../src/views/proposals/proposal-page.tsx";
import { ErrorPage } from "../../src/views/ui/error-page.tsx";
import type { PageContext } from "../../src/views/ui/page.ts";
import { agreementPages } from "./agreement-pages.tsx";
import {
  ANA,
  AS_ORGANIZATION,
  NOW,
  NUR,
  pageContext,
  post,
  profile,
  proposal,
  RIO,
  SEMILLA,
  VIEWER,
} from "./example.ts";
import { ledgerPages } from "./ledger-pages.tsx";
import { peerPages } from "./peer-pages.tsx";
import { trustPages } from "./trust-pages.tsx";

const OFFER = proposal();
const NEED = proposal({
  purpose: "request",
  actor: RIO,
  name: "Interpretação português–espanhol para um encontro regional",
  content: "<p>Dois dias em maio, cerca de sessenta pessoas. Exemplo inventado.</p>",
  language: "pt",
  category: "translation",
  subcategory: null,
  settlement: "none",
  price: null,
  online: false,
  location: "Belém",
  ends: null,
});
const PEER: CopiedHub = {
  ...{
    id: 90n,
    host: "tunis.example",
    name: "شبكة تونس (مثال)",
    complete: true,
    copied: 5_000,
    total: 5_000,
  },
  stale: { why: "away", seconds: 3 * 3_600 },
  currency: { iri: "https://tunis.example/currency", rate: { n: 100n, d: 1n } },
  here: { symbol: "₳", scale: 2, rate: { n: 100n, d: 1n } },
};
const COPYING: CopiedHub = {
  ...PEER,
  ...{ id: 91n, host: "andes.example", name: "Red de los Andes (ejemplo)", stale: null },
  ...{ complete: false, copied: 1_200 },
};
const REMOTE_OFFER = proposal({
  actor: NUR,
  local: false,
  name: "تدريب على جمع التمويل (مثال)",
  content: "<p>ست جلسات عبر الإنترنت. مثال مختلق.</p>",
  language: "ar",
  category: "fundraising",
  subcategory: "fundraising.donors",
  settlement: "external",
  price: null,
  location: null,
});

/** One of each kind, read and unread, for the person and for an organization. */
const NOTICES: NoticeView[] = NOTICE_KINDS.map((kind, index) => ({
  id: BigInt(100 - index),
  kind,
  path: "/agreements/1",
  details: { actor: index % 2 ? NUR.name : RIO.name, title: OFFER.name, amount: "12.50 cr", days: "7" },
  created: NOW,
  read: index > 3,
  actor: index % 3 ? SEMILLA : ANA,
}));

const PHOTO: MediaView = {
  ...{
    id: 7n,
    kind: "image",
    name: "taller.webp",
    description: "Doce personas en círculo",
    type: "image/webp",
  },
  ...{ bytes: 40_000, width: 800, height: 600, open: true },
};
const OWN_CATEGORIES = [
  {
    key: "seeds",
    labels: { es: "Semillas", pt: "Sementes", en: "Seeds", fr: "Semences", ar: "بذور" },
    retired: false,
  },
  {
    key: "culture.radio",
    labels: { es: "Radio", pt: "Rádio", en: "Radio", fr: "Radio", ar: "إذاعة" },
    retired: true,
  },
];
const REASON = { tag: "agua", category: "first", also: null, language: null, score: 3 } as const;

export const POSTS = [
  post({ own: true }),
  post({
    author: NUR,
    local: false,
    language: "ar",
    content: "<p>انتهينا اليوم من تدريب عشرين امرأة على إدارة المشاريع الصغيرة. مثال مختلق.</p>",
    visibility: "unlisted",
  }),
  post({
    author: RIO,
    language: "pt",
    summary: "Violência contra defensoras",
    content: "<p>Texto de exemplo que só aparece quando alguém quer ler.</p>",
    updated: new Date("2027-03-02T15:00:00Z"),
  }),
  post({
    proposalId: OFFER.id,
    content:
      "<p>Ofrecemos: Taller de contabilidad básica para organizaciones comunitarias · 1,5 cr por hora</p>",
  }),
  post({
    author: ANA,
    visibility: "followers",
    inReplyTo: "https://mena.example/posts/7",
    content: "<p>¡Qué alegría leerlo! Nos vemos el jueves.</p>",
  }),
];

const TOKENS: TokenView[] = [
  { id: "a3f09c1b22d4", actor: SEMILLA, scopes: ["exchange:read", "ledger:read"], created: NOW },
  { id: "0b7e5d91c6aa", actor: ANA, scopes: ["push", "exchange:write"], created: NOW },
];

const NO_ONE = { following: "no", followedBy: false, own: false } as const;

/** Every page with believable content, as a visitor or member sees it, and the states that look different. */
export function allPages(locale: Locale): Record<string, Child> {
  const visitor = (values: Partial<PageContext> = {}) => pageContext(locale, values);
  const member = (values: Partial<PageContext> = {}) =>
    pageContext(locale, { viewer: VIEWER, ...values }) as PageContext & { viewer: typeof VIEWER };
  const organization = (values: Partial<PageContext> = {}) => member({ viewer: AS_ORGANIZATION, ...values });
  const nothing = { items: [], before: null };
  const currency = { name: "Créditos", symbol: "cr" };
  const tokensPage = { ...member({ path: "/settings/tokens" }), viewer: AS_ORGANIZATION };
  return {
    setup: (
      <SetupPage
        page={visitor({ path: "/setup", hub: { ...visitor().hub, name: "Ayni", description: "" } })}
      />
    ),
    "setup-errors": (
      <SetupPage
        page={visitor({ path: "/setup" })}
        form={{
          values: { name: "Red <de> Redes", admin_handle: "Ana María" },
          errors: [
            { field: "admin_handle", code: "not_a_handle", details: {} },
            { field: "admin_password", code: "password_short", details: { min: 12 } },
          ],
        }}
      />
    ),
    login: <LoginPage page={visitor({ path: "/login" })} next="/exchange?purpose=offer" />,
    "login-errors": (
      <LoginPage
        page={visitor({ path: "/login" })}
        next={null}
        form={{
          values: { email: "ana@example.org", password: "not to be shown" },
          errors: [{ field: null, code: "wrong_login", details: {} }],
        }}
      />
    ),
    visitor: (
      <HomePage
        page={visitor()}
        timeline="hub"
        posts={{ items: POSTS.map((item) => ({ ...item, own: false })), before: 99n }}
        latest={[OFFER, NEED, REMOTE_OFFER]}
      />
    ),
    home: (
      <HomePage
        page={member({ notice: "notices.post_published" })}
        timeline="following"
        posts={{ items: POSTS, before: 99n }}
        latest={[OFFER, NEED, REMOTE_OFFER]}
      />
    ),
    "home-empty": (
      <HomePage
        page={member({ viewer: { ...VIEWER, organizations: [] } })}
        timeline="following"
        posts={nothing}
      />
    ),
    "home-organization": (
      <HomePage
        page={organization({ path: "/?timeline=hub&before=5" })}
        timeline="hub"
        posts={{ items: POSTS.slice(0, 2), before: null }}
        latest={[]}
        form={{
          values: { content: "", summary: "Aviso <escrito>", visibility: "followers", language: "quc" },
          errors: [{ field: "content", code: "empty_post", details: {} }],
        }}
      />
    ),
    post: <PostPage page={member()} post={POSTS[0]!} parent={POSTS[4]!} replies={POSTS.slice(1, 3)} />,
    "post-remote": <PostPage page={visitor()} post={POSTS[1]!} replies={[]} />,
    "post-delete": <ConfirmDeletePostPage page={member()} post={POSTS[0]!} />,
    profile: (
      <ProfilePage
        page={member({ path: "/@red_semilla" })}
        profile={profile(SEMILLA, { relation: { following: "accepted", followedBy: true, own: true } })}
        tab="posts"
        posts={{ items: POSTS.slice(0, 1), before: null }}
        proposals={null}
      />
    ),
    "profile-remote": (
      <ProfilePage
        page={organization({ path: "/@nour@mena.example" })}
        profile={profile(NUR)}
        tab="posts"
        posts={nothing}
        proposals={null}
      />
    ),
    "profile-exchange": (
      <ProfilePage
        page={visitor({ path: "/@red_semilla?tab=exchange" })}
        profile={profile(SEMILLA)}
        tab="exchange"
        posts={null}
        proposals={{ items: [OFFER], before: 3n }}
      />
    ),
    followers: (
      <ActorListPage
        page={visitor()}
        actor={SEMILLA}
        list="followers"
        people={false}
        actors={{ items: [ANA, NUR], before: 3n }}
        relations={null}
      />
    ),
    following: (
      <ActorListPage
        page={member()}
        actor={SEMILLA}
        list="following"
        people
        actors={nothing}
        relations={new Map()}
      />
    ),
    "edit-profile": (
      <EditProfilePage
        page={member({ path: "/settings/profile" })}
        form={{
          values: { name: "", summary: "Semillas y ferias" },
          errors: [{ field: "name", code: "required", details: {} }],
        }}
      />
    ),
    notices: (
      <NoticesPage
        page={{ ...member({ path: "/notices" }), viewer: VIEWER }}
        notices={{ items: NOTICES, before: 9n }}
      />
    ),
    "notices-empty": (
      <NoticesPage page={{ ...member({ path: "/notices" }), viewer: VIEWER }} notices={nothing} />
    ),
    "notice-settings": (
      <NoticeSettingsPage page={{ ...member({ path: "/settings/notices" }), viewer: VIEWER }} mails />
    ),
    tokens: <TokensPage page={tokensPage} tokens={TOKENS} secret={null} />,
    "tokens-made": <TokensPage page={tokensPage} tokens={TOKENS} secret={`ayni_${"Xy7".repeat(14)}`} />,
    "tokens-errors": (
      <TokensPage
        page={tokensPage}
        tokens={[]}
        secret={null}
        form={{ values: { as: "ana" }, errors: [{ field: "scopes", code: "required", details: {} }] }}
      />
    ),
    "new-organization": (
      <NewOrganizationPage
        page={member({ path: "/organizations/new" })}
        form={{
          values: { name: "Red Semilla", handle: "ana", summary: "" },
          errors: [{ field: "handle", code: "handle_taken", details: {} }],
        }}
      />
    ),
    exchange: (
      <ExchangePage
        page={member({ path: "/exchange" })}
        filter={{}}
        order={null}
        categories={[]}
        hubs={[]}
        matches={null}
        proposals={{ items: [OFFER, NEED, REMOTE_OFFER], before: 5n, near: 0, similar: false }}
      />
    ),
    "exchange-near": (
      <ExchangePage
        page={organization({ path: "/exchange?near=1&before=5" })}
        filter={{ text: "contavilidad", tag: "agua", online: true, hub: PEER.id }}
        order="near"
        categories={OWN_CATEGORIES}
        hubs={[PEER, COPYING]}
        matches={{
          theyNeed: [
            { proposal: NEED, mine: OFFER, reason: { ...REASON, also: "language", language: "es" } },
          ],
          theyOffer: [
            { proposal: REMOTE_OFFER, mine: NEED, reason: { ...REASON, tag: null, category: "second" } },
          ],
        }}
        proposals={{
          items: [
            { ...OFFER, state: "taken", own: true },
            { ...REMOTE_OFFER, hub: PEER, here: { amount: 4_250n, symbol: "₳", scale: 2 } },
          ],
          before: 5n,
          near: 2,
          similar: true,
        }}
      />
    ),
    "exchange-empty": (
      <ExchangePage
        page={visitor({ path: "/exchange" })}
        filter={{ purpose: "offer", category: "care", country: "BO" }}
        order={null}
        categories={[]}
        hubs={[]}
        matches={null}
        proposals={{ ...nothing, near: 0, similar: false }}
      />
    ),
    "new-proposal": (
      <NewProposalPage
        page={organization({ path: "/proposals/new" })}
        purpose="offer"
        currency={currency}
        categories={OWN_CATEGORIES}
        ends="2027-09-02"
      />
    ),
    "new-proposal-errors": (
      <NewProposalPage
        page={member({ path: "/proposals/new" })}
        purpose="request"
        currency={currency}
        categories={[]}
        ends="2027-09-02"
        form={{
          values: {
            purpose: "request",
            name: "",
            minimum: "9",
            available: "3",
            settlement: "none",
            online: "on",
          },
          errors: [
            { field: "name", code: "required", details: {} },
            { field: "minimum", code: "minimum_over_available", details: {} },
            { field: "content", code: "too_long", details: { max: 5000, length: 5001 } },
          ],
        }}
      />
    ),
    "edit-proposal": (
      <NewProposalPage
        page={organization({ path: `/proposals/${OFFER.id}/edit` })}
        purpose="offer"
        currency={currency}
        categories={[]}
        ends="2027-09-02"
        proposalId={OFFER.id}
        form={{ values: { name: OFFER.name, settlement: "credit_total", lang_es: "on" }, errors: [] }}
      />
    ),
    proposal: <ProposalPage page={member()} proposal={OFFER} questions={[]} />,
    "proposal-answerable": (
      <ProposalPage page={organization()} proposal={{ ...NEED, state: "open" }} questions={null} />
    ),
    "proposal-own": (
      <ProposalPage
        page={organization()}
        proposal={{ ...OFFER, own: true, state: "paused", updated: OFFER.published }}
        photos={[PHOTO]}
        questions={[
          {
            post: post({ author: RIO, content: "<p>Serve para dez pessoas?</p>", language: "pt" }),
            answers: [post()],
          },
          { post: post({ author: NUR, content: "<p>متى؟</p>", language: "ar" }), answers: [] },
        ]}
      />
    ),
    "proposal-remote": <ProposalPage page={visitor()} proposal={REMOTE_OFFER} questions={[]} />,
    "proposal-photos": (
      <PhotosPage page={organization()} proposal={{ ...OFFER, own: true }} photos={[PHOTO]} />
    ),
    "admin-categories": (
      <CategoriesPage
        page={{ ...organization(), viewer: { ...VIEWER, role: "admin" } }}
        categories={OWN_CATEGORIES}
      />
    ),
    "proposal-withdraw": (
      <ConfirmWithdrawProposalPage page={organization()} proposal={{ ...OFFER, own: true }} />
    ),
    search: (
      <SearchPage
        page={organization({ path: "/search?q=red" })}
        query="red"
        results={[
          { actor: NUR, relation: { ...NO_ONE, following: "pending" } },
          { actor: RIO, relation: NO_ONE },
          { actor: ANA, relation: { ...NO_ONE, following: "accepted" } },
        ]}
      />
    ),
    "search-none": (
      <SearchPage
        page={visitor({ path: "/search?q=x" })}
        query={'"><b>x'}
        results={[]}
        error={{ code: "remote_unreachable" }}
      />
    ),
    directory: (
      <DirectoryPage
        page={member({ path: "/directory" })}
        organizations={{ items: [SEMILLA, RIO], before: 7n }}
        relations={new Map([[RIO.id, { following: "no", followedBy: true, own: false }]])}
        hubs={[PEER, COPYING]}
        hub={undefined}
      />
    ),
    "directory-empty": (
      <DirectoryPage
        page={visitor({ path: "/directory" })}
        organizations={nothing}
        relations={null}
        hubs={[]}
        hub={undefined}
      />
    ),
    ...agreementPages(locale),
    ...ledgerPages(locale),
    ...peerPages(locale),
    ...trustPages(locale),
    me: <MePage page={organization({ path: "/me" })} />,
    api: (
      <ApiPage
        page={visitor({ path: "/api/ayni/v1" })}
        base="https://hub.example/api/ayni/v1"
        operations={[
          {
            ...{ id: "offerAgreement", method: "POST", path: "/agreements/{id}/counter", tag: "Agreements" },
            ...{
              summary: "Put other terms on the table",
              description: "With words.",
              scope: "exchange:write",
            },
            ...{
              params: ["id"],
              query: [{ name: "limit", description: "How many" }],
              example: { quantity: 2 },
            },
          },
        ]}
        problems={[{ code: "not_now", status: 409 }]}
      />
    ),
    "error-404": <ErrorPage page={visitor({ path: "/nowhere" })} status={404} code="not_found" />,
    "error-500": <ErrorPage page={member()} status={500} code={null} />,
  };
}
