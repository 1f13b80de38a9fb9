import type { Viewer } from "../../domain/accounts/queries.ts";
import { Frozen } from "../ledger/ledger-page.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { count } from "../ui/time.tsx";

/** GET /admin: for curators and administrators. */
export interface AdminPageProps {
  page: PageContext & { viewer: Viewer };
  /** How much waits for somebody of theirs. */
  waiting: { verifications: number; vouchers: number; disputes: number };
  frozen: boolean;
}

/** Where those who run the hub see what waits for them. */
export const AdminPage = ({ page, waiting, frozen }: AdminPageProps) => {
  const { t } = page;
  const tasks: Task[] = [
    {
      href: "/admin/verifications",
      icon: "check",
      name: t("admin.verifications"),
      text: t("admin.verifications_text"),
      waiting: waiting.verifications,
    },
    {
      href: "/admin/vouchers",
      icon: "offer",
      name: t("admin.vouchers"),
      text: t("admin.vouchers_text"),
      waiting: waiting.vouchers,
    },
    {
      href: "/admin/disputes",
      icon: "scales",
      name: t("admin.disputes"),
      text: t("admin.disputes_text"),
      waiting: waiting.disputes,
    },
  ];
  const settings: Task[] = [
    {
      href: "/admin/ledger",
      icon: "coins",
      name: t("admin.ledger"),
      text: t(frozen ? "admin.ledger_frozen" : "admin.ledger_text"),
    },
  ];
  // A curator may not change these.
  if (page.viewer.role === "admin") {
    settings.push(
      { href: "/admin/peers", icon: "globe", name: t("peers.admin_title"), text: t("peers.admin_text") },
      { href: "/admin/policy", icon: "list", name: t("admin.policy"), text: t("admin.policy_text") },
      {
        href: "/admin/categories",
        icon: "tag",
        name: t("admin.categories"),
        text: t("admin.categories_text"),
      },
    );
  }
  return (
    <Layout page={page} title={t("admin.title")} section="me">
      <div class="page-head">
        <h1>{t("admin.title")}</h1>
        <p class="lead">{t("admin.text")}</p>
        {frozen ? <Frozen page={page} /> : null}
      </div>
      <section aria-labelledby="waiting">
        <h2 id="waiting">{t("admin.waiting")}</h2>
        <Tasks page={page} tasks={tasks} />
      </section>
      <section aria-labelledby="settings">
        <h2 id="settings">{t("admin.settings")}</h2>
        <Tasks page={page} tasks={settings} />
      </section>
    </Layout>
  );
};

interface Task {
  href: string;
  icon: IconName;
  name: string;
  text: string;
  /** Not given where nothing ever waits. */
  waiting?: number;
}

const Tasks = ({ page, tasks }: { page: PageContext; tasks: readonly Task[] }) => (
  <ul class="choices">
    {tasks.map(({ href, icon, name, text, waiting }) => (
      <li class="card actor task">
        <Icon name={icon} />
        <div class="actor-text">
          <h3 class="actor-name">
            <a href={href}>{name}</a>
          </h3>
          <p class="quiet">{text}</p>
        </div>
        {waiting === undefined ? null : (
          <p class={waiting > 0 ? "badge badge-request" : "badge"}>
            <span class="hidden">{page.t("admin.waiting_here")}</span> {count(page.locale, waiting)}
          </p>
        )}
      </li>
    ))}
  </ul>
);

/** Leads from a page of administration back to their list. */
export const AdminBack = ({ page }: { page: PageContext }) => (
  <a class="back" href="/admin">
    <Icon name="arrow" />
    {page.t("admin.title")}
  </a>
);
