import type { Viewer } from "../../domain/accounts/queries.ts";
import type { Finding } from "../../domain/ledger/check.ts";
import type { MessageKey } from "../../locales/index.ts";
import { ErrorSummary, TextArea } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { count, Moment } from "../ui/time.tsx";
import { AdminForm } from "./admin-form.tsx";
import { AdminBack } from "./admin-page.tsx";

/** GET /admin/ledger, for curators and administrators. Only those act: POST /admin/ledger/check (as), /admin/ledger/release (note, as). */
export interface LedgerCheckPageProps {
  page: PageContext & { viewer: Viewer };
  /** Null when the books were never checked. */
  check: { checked: Date; entries: bigint; findings: readonly Finding[] } | null;
  freeze: { reason: string; frozen: Date } | null;
  form?: FormState | undefined;
}

const FINDINGS: Readonly<Record<string, MessageKey>> = {
  transfers: "checks.transfers",
  lines: "checks.lines",
  accounts: "checks.accounts",
  sum: "checks.sum",
  corrections: "checks.corrections",
  holds: "checks.holds",
  gifts: "checks.gifts",
  agreements: "checks.agreements",
};

export const LedgerCheckPage = ({ page, check, freeze, form }: LedgerCheckPageProps) => {
  const { t, viewer } = page;
  const admin = viewer.role === "admin";
  return (
    <Layout page={page} title={t("admin.ledger")} section="me">
      <AdminBack page={page} />
      <div class="page-head">
        <h1>{t("admin.ledger")}</h1>
        <p class="lead">{t("checks.text")}</p>
      </div>
      {freeze === null ? null : (
        <section class="card" aria-labelledby="freeze">
          <h2 id="freeze">{t("checks.frozen")}</h2>
          <p>
            {t("checks.frozen_since")} <Moment page={page} at={freeze.frozen} />. {t("checks.frozen_text")}
          </p>
          <details class="more">
            <summary>{t("checks.reason")}</summary>
            <pre class="technical" dir="ltr">
              {freeze.reason}
            </pre>
          </details>
          {admin ? (
            <AdminForm page={page} action="/admin/ledger/release" submit={t("checks.release")}>
              <ErrorSummary page={page} form={form} labels={{ note: t("checks.note") }} />
              <TextArea
                page={page}
                form={form}
                name="note"
                label={t("checks.note")}
                hint={t("checks.note_hint")}
                rows={3}
                required
              />
            </AdminForm>
          ) : (
            <p class="quiet">{t("checks.admins_only")}</p>
          )}
        </section>
      )}
      <section class="card" aria-labelledby="check">
        <h2 id="check">{t("checks.last")}</h2>
        {check === null ? (
          <p>{t("checks.never")}</p>
        ) : (
          <>
            <p class={check.findings.length === 0 ? "notice" : "problem"}>
              <Icon name={check.findings.length === 0 ? "check" : "alert"} />
              {t("checks.found", { count: check.findings.length })}
            </p>
            <p class="quiet">
              <Moment page={page} at={check.checked} /> ·{" "}
              {t("checks.entries", { entries: count(page.locale, check.entries) })}
            </p>
            {check.findings.length === 0 ? null : (
              <ul class="rows">
                {check.findings.map(({ check, subject, detail }) => (
                  <li>
                    <span class="row-text">
                      {t(FINDINGS[check] ?? "checks.other")}
                      <code class="technical" dir="ltr">
                        {subject}: {detail}
                      </code>
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
        {admin ? <AdminForm page={page} action="/admin/ledger/check" submit={t("checks.now")} quiet /> : null}
      </section>
    </Layout>
  );
};
