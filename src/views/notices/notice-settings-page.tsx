import type { Viewer } from "../../domain/accounts/queries.ts";
import { Checkbox } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { PageContext } from "../ui/page.ts";

/** GET /settings/notices, with its form: only for those who are logged in. */
export const NoticeSettingsPage = ({
  page,
  mails,
}: {
  page: PageContext & { viewer: Viewer };
  mails: boolean;
}) => {
  const { t } = page;
  return (
    <Layout page={page} title={t("notice_list.settings")} section="me">
      <h1>{t("notice_list.settings")}</h1>
      <form class="form" method="post" action="/settings/notices">
        <Checkbox
          page={page}
          form={{ values: { mails: mails ? "on" : "" }, errors: [] }}
          name="mails"
          label={t("notice_settings.mails")}
          hint={t("notice_settings.mails_hint")}
        />
        <button class="button" type="submit">
          {t("notice_settings.save")}
        </button>
      </form>
    </Layout>
  );
};
