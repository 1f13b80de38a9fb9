import { ErrorSummary, TextField } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

/** GET and POST /login: email (e-mail or handle), password, next. */
export interface LoginPageProps {
  page: PageContext;
  form?: FormState | undefined;
  /** Where to go afterwards; already checked to be a path of this hub. */
  next: string | null;
}

export const LoginPage = ({ page, form, next }: LoginPageProps) => {
  const { t, hub } = page;
  return (
    <Layout page={page} title={t("nav.login")} section="login">
      <div class="narrow">
        <h1>{t("login.title")}</h1>
        <p class="lead">{t("login.text", { hub: hub.name })}</p>
        <form class="card form" method="post" action="/login">
          <ErrorSummary
            page={page}
            form={form}
            labels={{ email: t("login.email"), password: t("login.password") }}
          />
          {next === null ? null : <input type="hidden" name="next" value={next} />}
          <TextField
            page={page}
            form={form}
            name="email"
            label={t("login.email")}
            autocomplete="username"
            inputmode="email"
            dir="ltr"
            required
          />
          <TextField
            page={page}
            form={form}
            name="password"
            label={t("login.password")}
            type="password"
            autocomplete="current-password"
            dir="ltr"
            required
          />
          <button class="button button-wide" type="submit">
            {t("login.submit")}
          </button>
        </form>
        <p class="quiet">{t("login.no_account")}</p>
      </div>
    </Layout>
  );
};
