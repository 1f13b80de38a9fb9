import type { PeeringTerms } from "../../domain/peers/rules.ts";
import { DAY_TERMS, inCurrency } from "../../domain/peers/rules.ts";
import type { MessageKey } from "../../locales/index.ts";
import { typedAmount } from "../ledger/amounts.tsx";
import { TextField } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import type { FormState, PageContext } from "../ui/page.ts";

export const TERM_TEXTS: Record<keyof PeeringTerms, MessageKey> = {
  mayBeOwed: "peers.may_be_owed",
  mayOwe: "peers.may_owe",
  quoteDays: "peers.quote_days",
  disputeDays: "peers.dispute_days",
  settleDays: "peers.settle_days",
  drainDays: "peers.drain_days",
};

const HINTS: Record<keyof PeeringTerms, MessageKey> = {
  mayBeOwed: "peers.may_be_owed_hint",
  mayOwe: "peers.may_owe_hint",
  quoteDays: "peers.quote_days_hint",
  disputeDays: "peers.dispute_days_hint",
  settleDays: "peers.settle_days_hint",
  drainDays: "peers.drain_days_hint",
};

export const termLabels = ({ t }: PageContext): Record<string, string> =>
  Object.fromEntries(Object.entries(TERM_TEXTS).map(([name, key]) => [name, t(key)]));

/** What this hub is willing to: hours each way, and days. */
export const TermsFields = ({
  page,
  form,
  terms,
}: {
  page: PageContext;
  form: FormState | undefined;
  terms: PeeringTerms;
}) => {
  const { t, locale } = page;
  return (
    <>
      {(["mayBeOwed", "mayOwe"] as const).map((name) => (
        <TextField
          page={page}
          form={form}
          name={name}
          label={t(TERM_TEXTS[name])}
          hint={t(HINTS[name])}
          value={typedAmount(locale, inCurrency(terms[name], { n: 100n, d: 1n }), 2)}
          inputmode="decimal"
          dir="ltr"
          required
        />
      ))}
      <details class="more">
        <summary>
          <Icon name="chevron" />
          {t("peers.more_terms")}
        </summary>
        <div class="more-fields">
          {DAY_TERMS.map((name) => (
            <TextField
              page={page}
              form={form}
              name={name}
              label={t(TERM_TEXTS[name])}
              hint={t(HINTS[name])}
              value={String(terms[name])}
              inputmode="numeric"
              dir="ltr"
              required
            />
          ))}
        </div>
      </details>
    </>
  );
};
