import type { Policy } from "../../domain/ledger/policy.ts";
import type { MessageKey } from "../../locales/index.ts";
import type { PageContext } from "../ui/page.ts";
import { count, Day } from "../ui/time.tsx";
import { type Currency, creditText } from "./amounts.tsx";

export const DISPUTE_RULE_TEXTS: Record<Policy["disputeRule"], MessageKey> = {
  refund: "rulebook.dispute_refund",
  half: "rulebook.dispute_half",
  release: "rulebook.dispute_release",
};

/** The hub's rules of exchange, as one would tell them to a new member. */
export const Rules = ({
  page,
  currency,
  policy,
}: {
  page: PageContext;
  currency: Currency;
  policy: Policy;
}) => {
  const { t } = page;
  const text = (amount: bigint) => creditText(page, currency, amount);
  return (
    <section aria-labelledby="rules">
      <h2 id="rules">{t("rulebook.title")}</h2>
      <div class="card rules">
        <h3>{t("rulebook.credits")}</h3>
        <ul>
          <li>{t("rulebook.line", { start: text(policy.startLine), most: text(policy.maxLine) })}</li>
          {policy.smallFactor > 1 ? <li>{t("rulebook.small", { factor: policy.smallFactor })}</li> : null}
          <li>{t("rulebook.soft_maximum", { amount: text(policy.softMaximum) })}</li>
          <li>{t("rulebook.daily", { amount: text(policy.dailyLimit) })}</li>
          <li>{t("rulebook.vouch", { amount: text(policy.vouchMax) })}</li>
        </ul>
        <h3>{t("rulebook.fund")}</h3>
        <ul>
          <li>
            {policy.fundMinimum < 0n
              ? t("rulebook.fund_line", { amount: text(-policy.fundMinimum) })
              : t("rulebook.fund_no_line")}
          </li>
          <li>
            {policy.voucherQuota > 0n
              ? t("rulebook.quota", { amount: text(policy.voucherQuota) })
              : t("rulebook.no_quota")}
          </li>
        </ul>
        <h3>{t("rulebook.agreements")}</h3>
        <ul>
          <li>{t("rulebook.answer", { days: policy.answerDays })}</li>
          <li>{t("rulebook.grace", { days: policy.graceDays })}</li>
          <li>{t("rulebook.settle", { days: policy.settleDays })}</li>
          <li>
            {t("rulebook.dispute", { days: policy.disputeDays })} {t(DISPUTE_RULE_TEXTS[policy.disputeRule])}
          </li>
          <li>{t("rulebook.review", { days: policy.reviewDays })}</li>
        </ul>
        <p class="quiet">
          {policy.created === null ? (
            t("rulebook.default")
          ) : (
            <>
              {t("rulebook.revision", { number: count(page.locale, policy.revision) })}{" "}
              <Day page={page} at={policy.created} />
            </>
          )}
        </p>
      </div>
    </section>
  );
};
