import type { Viewer } from "../../domain/accounts/queries.ts";
import type { PolicyRevision } from "../../domain/ledger/overview.ts";
import type { Policy, PolicyInput } from "../../domain/ledger/policy.ts";
import { DISPUTE_RULES } from "../../domain/ledger/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { type Currency, typedAmount } from "../ledger/amounts.tsx";
import { DISPUTE_RULE_TEXTS } from "../ledger/rules.tsx";
import { ErrorSummary, Radios, TextField } from "../ui/form.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { count, Moment } from "../ui/time.tsx";
import { AdminForm } from "./admin-form.tsx";
import { AdminBack } from "./admin-page.tsx";

/** GET and POST /admin/policy, for administrators: every field of the hub's rules, and as. */
export interface PolicyPageProps {
  page: PageContext & { viewer: Viewer };
  currency: Currency;
  policy: Policy;
  revisions: readonly PolicyRevision[];
  form?: FormState | undefined;
}

interface PolicyField {
  name: keyof PolicyInput;
  label: MessageKey;
  hint: MessageKey;
  unit: "credits" | "days" | "times";
}

const GROUPS: readonly { title: MessageKey; fields: readonly PolicyField[] }[] = [
  {
    title: "rulebook.credits",
    fields: [
      { name: "startLine", label: "policy.start", hint: "policy.start_hint", unit: "credits" },
      { name: "maxLine", label: "policy.max", hint: "policy.max_hint", unit: "credits" },
      { name: "smallFactor", label: "policy.small", hint: "policy.small_hint", unit: "times" },
      { name: "softMaximum", label: "policy.soft", hint: "policy.soft_hint", unit: "credits" },
      { name: "dailyLimit", label: "policy.daily", hint: "policy.daily_hint", unit: "credits" },
      { name: "vouchMax", label: "policy.vouch", hint: "policy.vouch_hint", unit: "credits" },
    ],
  },
  {
    title: "rulebook.fund",
    fields: [
      { name: "fundLine", label: "policy.fund", hint: "policy.fund_hint", unit: "credits" },
      { name: "voucherQuota", label: "policy.quota", hint: "policy.quota_hint", unit: "credits" },
    ],
  },
  {
    title: "rulebook.agreements",
    fields: [
      { name: "answerDays", label: "policy.answer", hint: "policy.answer_hint", unit: "days" },
      { name: "graceDays", label: "policy.grace", hint: "policy.grace_hint", unit: "days" },
      { name: "settleDays", label: "policy.settle", hint: "policy.settle_hint", unit: "days" },
      { name: "disputeDays", label: "policy.dispute", hint: "policy.dispute_hint", unit: "days" },
      { name: "reviewDays", label: "policy.review", hint: "policy.review_hint", unit: "days" },
    ],
  },
];

export const PolicyPage = ({ page, currency, policy, revisions, form }: PolicyPageProps) => {
  const { t } = page;
  const labels = Object.fromEntries(
    GROUPS.flatMap(({ fields }) => fields.map(({ name, label }) => [name, t(label)])),
  );
  const credits = (amount: bigint) => typedAmount(page.locale, amount, currency.scale);
  const values: Record<keyof PolicyInput, string> = {
    startLine: credits(policy.startLine),
    maxLine: credits(policy.maxLine),
    smallFactor: String(policy.smallFactor),
    softMaximum: credits(policy.softMaximum),
    dailyLimit: credits(policy.dailyLimit),
    fundLine: credits(-policy.fundMinimum),
    voucherQuota: credits(policy.voucherQuota),
    vouchMax: credits(policy.vouchMax),
    answerDays: String(policy.answerDays),
    graceDays: String(policy.graceDays),
    settleDays: String(policy.settleDays),
    disputeDays: String(policy.disputeDays),
    reviewDays: String(policy.reviewDays),
    disputeRule: policy.disputeRule,
  };
  return (
    <Layout page={page} title={t("admin.policy")} section="me">
      <AdminBack page={page} />
      <div class="page-head">
        <h1>{t("admin.policy")}</h1>
        <p class="lead">{t("policy.text")}</p>
      </div>
      <AdminForm page={page} action="/admin/policy" submit={t("policy.publish")}>
        <ErrorSummary page={page} form={form} labels={{ ...labels, disputeRule: t("policy.rule") }} />
        {GROUPS.map(({ title, fields }) => (
          <fieldset class="card form">
            <legend>{t(title)}</legend>
            {fields.map(({ name, label, hint, unit }) => (
              <TextField
                page={page}
                form={form}
                name={name}
                label={t(label)}
                hint={t(hint)}
                value={values[name]}
                inputmode={unit === "credits" ? "decimal" : "numeric"}
                suffix={unit === "credits" ? currency.symbol : unit === "days" ? t("policy.days") : "×"}
                dir="ltr"
                autocomplete="off"
                required
              />
            ))}
            {title === "rulebook.agreements" ? (
              <Radios
                page={page}
                form={form}
                name="disputeRule"
                label={t("policy.rule")}
                value={values.disputeRule}
                options={DISPUTE_RULES.map((rule) => ({ value: rule, label: t(DISPUTE_RULE_TEXTS[rule]) }))}
              />
            ) : null}
          </fieldset>
        ))}
      </AdminForm>
      <section aria-labelledby="revisions">
        <h2 id="revisions">{t("policy.revisions")}</h2>
        {revisions.length === 0 ? (
          <p class="quiet">{t("rulebook.default")}</p>
        ) : (
          <ol class="rows">
            {revisions.map(({ revision, created, person }) => (
              <li>
                <span class="row-text">
                  {t("policy.revision", { number: count(page.locale, revision) })}
                  <span class="quiet">
                    {person === null ? null : (
                      <>
                        <bdi>{person}</bdi>
                        {" · "}
                      </>
                    )}
                    <Moment page={page} at={created} />
                  </span>
                </span>
              </li>
            ))}
          </ol>
        )}
      </section>
    </Layout>
  );
};
