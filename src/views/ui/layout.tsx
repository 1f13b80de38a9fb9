import { raw } from "hono/html";
import type { Child, PropsWithChildren } from "hono/jsx";
import { dirOf, LOCALE_NAMES, LOCALES } from "../../locales/index.ts";
import { Avatar } from "./avatar.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Notice } from "./notice.tsx";
import type { PageContext } from "./page.ts";

export type Section =
  | "home"
  | "exchange"
  | "agreements"
  | "ledger"
  | "directory"
  | "search"
  | "notices"
  | "me"
  | "login";

export interface LayoutProps {
  page: PageContext;
  /** Title of the browser's tab, before the hub's name. */
  title: string;
  /** Which entry of the navigation this page belongs to. */
  section: Section | null;
  /** Context: beside the content on wide screens, after it on narrow ones. */
  aside?: Child;
  /** ActivityStreams address of what the page shows. */
  alternate?: string | undefined;
}

/** The frame of every page. Renders to a whole document, doctype included. */
export const Layout = ({
  page,
  title,
  section,
  aside,
  alternate,
  children,
}: PropsWithChildren<LayoutProps>) => (
  <Document page={page} title={title} alternate={alternate}>
    <a class="skip" href="#content">
      {page.t("nav.skip")}
    </a>
    <div class="stripe"></div>
    <Header page={page} section={section} />
    <div class={aside ? "frame frame-aside" : "frame"}>
      <Navigation page={page} section={section} />
      <main id="content" tabindex={-1}>
        <Notice page={page} />
        {children}
      </main>
      {aside ? (
        <aside class="context" aria-label={page.t("nav.context")}>
          {aside}
        </aside>
      ) : null}
    </div>
    <Footer page={page} />
  </Document>
);

/** A page on its own: first run, and errors before there is a hub. */
export const BareLayout = ({
  page,
  title,
  children,
}: PropsWithChildren<{ page: PageContext; title: string }>) => (
  <Document page={page} title={title}>
    <div class="stripe"></div>
    <div class="frame frame-bare">
      <main id="content" tabindex={-1}>
        {children}
      </main>
    </div>
    <Footer page={page} />
  </Document>
);

/** A woven sprout: the tab's icon, in the page itself so that it costs no request. */
const FAVICON =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0d5c5a"/>' +
      '<path d="M4 20l6-6 6 6 6-6 6 6" fill="none" stroke="#f3c55f" stroke-width="4"/>' +
      '<path d="M4 12l6-6 6 6 6-6 6 6M4 28l6-6 6 6 6-6 6 6" fill="none" stroke="#fff6ea" stroke-width="2"/></svg>',
  );

const Document = ({
  page,
  title,
  alternate,
  children,
}: PropsWithChildren<{ page: PageContext; title: string; alternate?: string | undefined }>) => (
  <>
    {raw("<!doctype html>")}
    <html lang={page.locale} dir={dirOf(page.locale)}>
      <head>
        <meta charset="utf-8" />
        <title>{title === page.hub.name ? title : `${title} · ${page.hub.name}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#faf6ee" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#1a1613" media="(prefers-color-scheme: dark)" />
        {page.hub.description ? <meta name="description" content={page.hub.description} /> : null}
        <link rel="icon" href={FAVICON} />
        <link rel="stylesheet" href={page.assets.style} />
        {alternate ? <link rel="alternate" type="application/activity+json" href={alternate} /> : null}
        {page.assets.script ? <script type="module" src={page.assets.script}></script> : null}
      </head>
      <body>{children}</body>
    </html>
  </>
);

const Header = ({ page, section }: { page: PageContext; section: Section | null }) => (
  <header class="top">
    <div class="top-row">
      <a class="hub-name" href="/">
        <bdi>{page.hub.name}</bdi>
      </a>
      <a
        class="icon-button narrow-only"
        href="/search"
        aria-current={section === "search" ? "page" : undefined}
      >
        <Icon name="search" />
        <span class="hidden">{page.t("nav.search")}</span>
      </a>
      {page.viewer ? <NoticesLink page={page} section={section} /> : null}
      {page.viewer ? <ActingMenu page={page} /> : null}
    </div>
  </header>
);

/** Leads to the notices and says how many are new. */
const NoticesLink = ({ page, section }: { page: PageContext; section: Section | null }) => {
  const unread = page.viewer?.unread ?? 0;
  return (
    <a class="icon-button counted" href="/notices" aria-current={section === "notices" ? "page" : undefined}>
      <Icon name="bell" />
      <span class="hidden">
        {unread === 0 ? page.t("notice_list.title") : page.t("notice_list.unread", { count: unread })}
      </span>
      {unread === 0 ? null : (
        <span class="count" aria-hidden="true">
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </a>
  );
};

/** Who I act as: a menu that needs no script. */
const ActingMenu = ({ page }: { page: PageContext }) => {
  const { t, viewer } = page;
  if (!viewer) return null;
  const { acting, person, organizations } = viewer;
  const mine = acting.id === person.id;
  return (
    <details class={mine ? "menu menu-mine" : "menu"}>
      <summary>
        <Avatar page={page} actor={acting} small />
        <span class="menu-name">{mine ? t("acting.as_me") : t("acting.as", { name: acting.name })}</span>
        <Icon name="chevron" />
      </summary>
      <div class="menu-panel">
        <form method="post" action="/acting">
          <input type="hidden" name="next" value={page.path} />
          <p class="menu-title">{t("acting.title")}</p>
          {[person, ...organizations].map((actor) => (
            <button
              class="menu-item"
              type="submit"
              name="as"
              value={actor.handle}
              aria-pressed={actor.id === acting.id ? "true" : "false"}
            >
              <Avatar page={page} actor={actor} small />
              <bdi>{actor.name}</bdi>
              {actor.id === acting.id ? (
                <span class="menu-check">
                  <Icon name="check" />
                </span>
              ) : null}
            </button>
          ))}
        </form>
        <a class="menu-item" href="/organizations/new">
          <Icon name="plus" />
          {t("organization.create")}
        </a>
      </div>
    </details>
  );
};

const Navigation = ({ page, section }: { page: PageContext; section: Section | null }) => {
  const { t } = page;
  const entries: {
    section: Section;
    href: string;
    icon: IconName;
    label: string;
    wide?: boolean;
    /** How many things wait there. */
    waiting?: number;
  }[] = [
    { section: "home", href: "/", icon: "home", label: t("nav.home") },
    { section: "exchange", href: "/exchange", icon: "exchange", label: t("nav.exchange") },
    ...(page.viewer
      ? [
          {
            section: "agreements" as const,
            href: "/agreements",
            icon: "agreement" as const,
            label: t("nav.agreements"),
            wide: true,
            waiting: page.waiting ?? 0,
          },
          {
            section: "ledger" as const,
            href: "/ledger",
            icon: "coins" as const,
            label: t("ledger.title"),
            wide: true,
          },
        ]
      : []),
    { section: "directory", href: "/directory", icon: "directory", label: t("nav.directory") },
    { section: "search", href: "/search", icon: "search", label: t("nav.search"), wide: true },
    page.viewer
      ? { section: "me", href: "/me", icon: "person", label: t("nav.me") }
      : { section: "login", href: "/login", icon: "person", label: t("nav.login") },
  ];
  return (
    <nav class="main-nav" aria-label={t("nav.main")}>
      <ul>
        {entries.map((entry) => (
          <li class={entry.wide ? "wide-only" : undefined}>
            <a
              href={entry.href}
              aria-current={entry.section === section ? "page" : undefined}
              class={entry.section === "exchange" && section === "agreements" ? "narrow-current" : undefined}
            >
              <Icon name={entry.icon} />
              <span>{entry.label}</span>
              {entry.waiting ? <Waiting page={page} count={entry.waiting} /> : null}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
};

/** How many agreements wait for the one who looks. */
export const Waiting = ({ page, count }: { page: PageContext; count: number }) => (
  <span class="waiting">
    <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
    <span class="hidden">{page.t("agreement.waiting", { count })}</span>
  </span>
);

const Footer = ({ page }: { page: PageContext }) => (
  <footer class="foot">
    <div class="foot-row">
      <p>
        <bdi>{page.hub.name}</bdi>
        <span class="quiet"> · {page.t("footer.about")}</span>
      </p>
      <LocaleForm page={page} id="footer-locale" />
    </div>
  </footer>
);

/** Changes the language of the interface and leads back to this page. */
export const LocaleForm = ({ page, id }: { page: PageContext; id: string }) => (
  <form class="locale-form" method="post" action="/locale">
    <input type="hidden" name="next" value={page.path} />
    <label for={id}>{page.t("locale.title")}</label>
    <select id={id} name="locale">
      {LOCALES.map((locale) => (
        <option value={locale} lang={locale} selected={locale === page.locale}>
          {LOCALE_NAMES[locale]}
        </option>
      ))}
    </select>
    <button class="button button-quiet" type="submit">
      {page.t("locale.change")}
    </button>
  </form>
);
