import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { Icon } from "./icons.tsx";
import type { PageContext } from "./page.ts";

/**
 * HTML that somebody wrote, sanitized when it was stored, in its own language and direction.
 *
 * @param html sanitized by the domain; nothing else may be passed
 */
export const UserHtml = ({ html, language }: { html: string; language?: string | null | undefined }) => (
  <div class="prose" lang={language ?? undefined} dir="auto">
    {raw(html)}
  </div>
);

/** What is known of something, each under its name; what is null is left out. */
export const FactList = ({
  facts,
}: {
  facts: readonly (readonly [label: string, value: Child | null])[];
}) => (
  <dl class="facts">
    {facts.map(([label, value]) =>
      value === null ? null : (
        <div>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ),
    )}
  </dl>
);

/** A link to another server. Only web addresses become links. */
export const ExternalLink = ({
  href,
  class: className,
  children,
}: {
  href: string;
  class?: string;
  children: Child;
}) =>
  /^https?:\/\//i.test(href) ? (
    <a class={className} href={href} rel="noopener noreferrer nofollow">
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );

/** What an empty list is for, and the first thing to do about it. */
export const EmptyState = ({ title, text, actions }: { title: string; text: string; actions?: Child }) => (
  <div class="empty">
    <Icon name="sprout" />
    <p class="empty-title">{title}</p>
    <p>{text}</p>
    {actions ? <div class="actions">{actions}</div> : null}
  </div>
);

/** Leads to older entries, and back to the newest. */
export const Pagination = ({
  page,
  base,
  before,
  with: beside,
}: {
  page: PageContext;
  /** Address of this list without its cursor. */
  base: string;
  before: bigint | null;
  /** What goes with the cursor, where it is not the whole of it. */
  with?: Readonly<Record<string, string>> | undefined;
}) => {
  const newest = /[?&]before=/.test(page.path);
  if (before === null && !newest) return null;
  const cursor = new URLSearchParams({ ...beside, before: String(before) });
  return (
    <nav class="pagination" aria-label={page.t("pagination.label")}>
      {newest ? (
        <a class="button button-quiet" href={base} rel="first">
          {page.t("pagination.newest")}
        </a>
      ) : null}
      {before === null ? null : (
        <a class="button button-quiet" href={`${base}${base.includes("?") ? "&" : "?"}${cursor}`} rel="next">
          {page.t("pagination.older")}
        </a>
      )}
    </nav>
  );
};
