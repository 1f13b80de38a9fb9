import type { ErrorCode } from "../../domain/errors.ts";
import type { MessageKey } from "../../locales/index.ts";
import { errorText } from "./form.tsx";
import { Icon } from "./icons.tsx";
import { Layout } from "./layout.tsx";
import type { PageContext } from "./page.ts";

/** Any page that could not be shown. */
export interface ErrorPageProps {
  page: PageContext;
  status: number;
  /** null for a fault of the hub itself. */
  code: ErrorCode | null;
  details?: Readonly<Record<string, string | number>>;
}

const TITLES: Record<number, MessageKey> = {
  401: "error.title_401",
  403: "error.title_403",
  404: "error.title_404",
  410: "error.title_410",
  429: "error.title_429",
  503: "error.title_503",
};

export const ErrorPage = ({ page, status, code, details = {} }: ErrorPageProps) => {
  const { t } = page;
  const title = t(TITLES[status] ?? (status >= 500 ? "error.title_500" : "error.title"));
  return (
    <Layout page={page} title={title} section={null}>
      <div class="empty error-page">
        <p class="quiet">{status}</p>
        <h1>{title}</h1>
        <p>{code === null ? t("error.internal") : errorText(t, { code, details })}</p>
        <div class="actions">
          {status === 401 ? (
            <a class="button" href={`/login?next=${encodeURIComponent(page.path)}`}>
              {t("nav.login")}
            </a>
          ) : null}
          <a class={status === 401 ? "button button-quiet" : "button"} href="/">
            <Icon name="home" />
            {t("error.home")}
          </a>
          <a class="button button-quiet" href="/search">
            <Icon name="search" />
            {t("nav.search")}
          </a>
        </div>
      </div>
    </Layout>
  );
};
