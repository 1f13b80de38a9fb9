import type { Viewer } from "../../domain/accounts/queries.ts";
import type { NoticeView } from "../../domain/notices/queries.ts";
import type { Page } from "../../domain/page.ts";
import { noticeText } from "../../locales/index.ts";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";
import { EmptyState, Pagination } from "../ui/text.tsx";
import { Moment } from "../ui/time.tsx";

/** GET /notices: only for those who are logged in. */
export interface NoticesPageProps {
  page: PageContext & { viewer: Viewer };
  notices: Page<NoticeView>;
}

export const NoticesPage = ({ page, notices }: NoticesPageProps) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("notice_list.title")} section="notices">
      <h1>{t("notice_list.title")}</h1>
      {notices.items.length === 0 ? (
        <EmptyState
          title={t("notice_list.empty")}
          text={t("notice_list.empty_text")}
          actions={
            <a class="button" href="/exchange">
              {t("notice_list.empty_action")}
            </a>
          }
        />
      ) : (
        <ul class="notice-list">
          {notices.items.map((notice) => (
            <Item page={page} notice={notice} />
          ))}
        </ul>
      )}
      <Pagination page={page} base="/notices" before={notices.before} />
      <p>
        <a href="/settings/notices">{t("notice_list.settings")}</a>
      </p>
    </Layout>
  );
};

const Item = ({ page, notice }: { page: NoticesPageProps["page"]; notice: NoticeView }) => {
  const { t, viewer } = page;
  return (
    <li class={notice.read ? "notice-item" : "notice-item notice-new"}>
      <a href={notice.path}>
        <span>{noticeText(t, notice)}</span>
        <span class="quiet">
          {notice.read ? null : <strong>{t("notice_list.new")} · </strong>}
          {notice.actor.id === viewer.person.id ? null : (
            <>
              <bdi>{notice.actor.name}</bdi> ·{" "}
            </>
          )}
          <Moment page={page} at={notice.created} />
        </span>
      </a>
    </li>
  );
};
