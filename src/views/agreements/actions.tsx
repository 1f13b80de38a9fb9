import type { MessageType } from "../../domain/agreements/rules.ts";
import { DISPUTE_RULES } from "../../domain/ledger/rules.ts";
import { ErrorSummary, Select, TextField } from "../ui/form.tsx";
import { Icon, type IconName } from "../ui/icons.tsx";
import type { FormState } from "../ui/page.ts";
import { Day } from "../ui/time.tsx";
import { ActionForm, ResolutionNote, Signed } from "./action-form.tsx";
import type { AgreementContext, AgreementPageProps } from "./agreement-page.tsx";
import { VoucherChoice } from "./new-agreement-page.tsx";
import { amountOf, counterparty, creditText, ownTurn, turnText } from "./state.tsx";
import { StewardsOfBoth } from "./stewards.tsx";

/** What one can do now, the step that is awaited first; where it is the other side's turn, that. */
export const Actions = (props: AgreementPageProps) => {
  const { page, agreement, form, stewarding } = props;
  const { t } = page;
  const { possible, steward, waitsFor } = agreement;
  if (possible.length === 0 && !steward && waitsFor.length === 0) {
    return form === undefined ? null : <ErrorSummary page={page} form={form} labels={{}} />;
  }
  const more = possible.filter((type) => Object.hasOwn(PAGES, type));
  // What is one and for nothing is done or not: there are no parts of it.
  const divisible = agreement.amount !== null || agreement.quantity > 1;
  const partly = possible.includes("confirm") && agreement.state !== "disputed" && divisible;
  return (
    <section class="card form doing" aria-labelledby="doing">
      <h2 id="doing">{t("doing.title")}</h2>
      <ErrorSummary
        page={page}
        form={form}
        labels={{
          voucher: t("agreement.pay_with"),
          donation: t("agreement.donation"),
          content: t("agreement.message"),
          document: t("agreement.document"),
          release: t("dispute.release"),
          note: t("dispute.note"),
        }}
      />
      <Turn {...props} />
      {agreement.state !== "disputed" ? null : stewarding !== null ? (
        <StewardsOfBoth {...props} stewarding={stewarding} />
      ) : (
        <>
          <Resolution {...props} />
          {steward ? <ResolutionForm {...props} /> : null}
        </>
      )}
      {possible.includes("accept") ? <AcceptForm {...props} /> : null}
      {possible.includes("deliver") ? <DeliverForm {...props} /> : null}
      {possible.includes("confirm") ? <ConfirmForm {...props} /> : null}
      <Silence {...props} />
      {more.length > 0 || partly ? (
        <ul>
          {partly ? <More {...props} action="confirm" icon="coins" label={t("doing.confirm_part")} /> : null}
          {more.map((type) => {
            const known = PAGES[type];
            return known === undefined ? null : (
              <More {...props} action={type} icon={known} label={t(`doing.${type as PageAction}`)} />
            );
          })}
        </ul>
      ) : null}
    </section>
  );
};

/** Actions that have a page of their own, where they are explained and ask for something. */
export const PAGE_ACTIONS = ["counter", "reject", "withdraw", "cancel", "dispute"] as const;
export type PageAction = (typeof PAGE_ACTIONS)[number];

const PAGES: Partial<Record<MessageType, IconName>> = {
  counter: "pen",
  reject: "cross",
  withdraw: "cross",
  cancel: "cross",
  dispute: "alert",
};

const More = ({
  agreement,
  action,
  icon,
  label,
}: AgreementContext & { action: string; icon: IconName; label: string }) => (
  <li>
    <a class="doing-link" href={`/agreements/${agreement.id}/${action}`}>
      <Icon name={icon} />
      {label}
    </a>
  </li>
);

/** Who is waited for, where it is somebody else. */
const Turn = ({ page, agreement }: AgreementContext) => {
  const turn = turnText(page, agreement);
  return turn === null || ownTurn(agreement) ? null : (
    <p class="turn-other">
      <Icon name="clock" />
      {turn}
    </p>
  );
};

/** What it means when nobody does anything. */
const Silence = ({ page, agreement }: AgreementContext) => {
  const { state, deadline } = agreement;
  const known = (["offered", "accepted", "funded", "delivered"] as const).find((one) => one === state);
  return known === undefined || deadline === null ? null : (
    <p class="quiet">
      {page.t(`silence.${known}`)} <Day page={page} at={deadline} />.
    </p>
  );
};

const AcceptForm = (props: AgreementPageProps) => {
  const { page, agreement, as, available, vouchers, form } = props;
  const { t } = page;
  const other = counterparty(agreement);
  const { currency } = agreement;
  const pays = agreement.party === "receiver" && agreement.settlement === "credit";
  return (
    <ActionForm {...props} action="accept" icon="check" label={t("doing.accept_as", { name: as.name })}>
      <p>
        {pays
          ? t("doing.accept_pays", { amount: amountOf(page, agreement), name: other.name })
          : t("doing.accept_text", { name: other.name })}
      </p>
      {pays && available !== null && currency !== null ? (
        <VoucherChoice
          page={page}
          form={form}
          available={available}
          vouchers={vouchers}
          currency={currency}
          cost={agreement.amount}
        />
      ) : null}
      <p class="quiet">{t("agreement.binding")}</p>
    </ActionForm>
  );
};

const PERCENTS = [0, 5, 10, 15, 20];

const DeliverForm = (props: AgreementPageProps) => {
  const { page, agreement, as, form } = props;
  const { t } = page;
  return (
    <ActionForm {...props} action="deliver" icon="check" label={t("doing.deliver_as", { name: as.name })}>
      <p>{t("doing.deliver_text", { name: counterparty(agreement).name })}</p>
      {agreement.settlement === "credit" ? (
        <Select
          page={page}
          form={form}
          name="donation"
          label={t("agreement.donation")}
          hint={t("doing.donation_hint")}
          value="0"
          required
          options={PERCENTS.map((percent) => ({
            value: String(percent),
            label: percent === 0 ? t("doing.donation_none") : t("agreement.percent", { percent }),
          }))}
        />
      ) : null}
    </ActionForm>
  );
};

const ConfirmForm = (props: AgreementPageProps) => {
  const { page, agreement, as } = props;
  const { t } = page;
  const { provider, amount, state } = agreement;
  return (
    <ActionForm
      {...props}
      action="confirm"
      icon="check"
      quiet={state !== "delivered"}
      label={t("doing.confirm_as", { name: as.name })}
    >
      <p>
        {state === "funded" || state === "accepted" ? `${t("doing.confirm_early")} ` : null}
        {amount === null
          ? t("doing.confirm_text", { name: provider.name })
          : t("doing.confirm_pays", { amount: amountOf(page, agreement), name: provider.name })}
      </p>
    </ActionForm>
  );
};

/** What a steward proposes: the split, who has signed it, and the button for who has not. */
const Resolution = (props: AgreementPageProps) => {
  const { page, agreement, as, disputeRule } = props;
  const { t } = page;
  const { resolution, currency, amount, deadline, possible, provider, receiver } = agreement;
  const pays = amount !== null && currency !== null;
  const rule = DISPUTE_RULES.find((known) => known === disputeRule) ?? "half";
  return (
    <>
      {resolution === null ? (
        <p>{t("dispute.none_yet")}</p>
      ) : (
        <div class="announcement">
          <h3>{t("dispute.proposal")}</h3>
          {pays ? (
            <dl class="split">
              <div>
                <dt>
                  <bdi>{provider.name}</bdi>
                </dt>
                <dd>
                  <bdi>{creditText(page, resolution.release, currency)}</bdi>
                </dd>
              </div>
              <div>
                <dt>
                  <bdi>{agreement.voucherId === null ? receiver.name : t("agreement.fund")}</bdi>
                </dt>
                <dd>
                  <bdi>{creditText(page, amount - resolution.release, currency)}</bdi>
                </dd>
              </div>
            </dl>
          ) : null}
          <p dir="auto">{resolution.note}</p>
          <ul>
            <Signed {...props} name={provider.name} at={resolution.providerSigned} />
            <Signed {...props} name={receiver.name} at={resolution.receiverSigned} />
          </ul>
          {possible.includes("sign") ? (
            <ActionForm {...props} action="sign" icon="pen" label={t("doing.sign_as", { name: as.name })}>
              <input type="hidden" name="resolution" value={String(resolution.id)} />
            </ActionForm>
          ) : null}
        </div>
      )}
      {deadline === null ? null : (
        <p class="quiet">
          {t("dispute.deadline")} <Day page={page} at={deadline} />.{" "}
          {pays ? t(`rules.${rule}`) : t("rules.nothing")}
        </p>
      )}
    </>
  );
};

/** Only for stewards. */
const ResolutionForm = (props: AgreementPageProps & { form?: FormState | undefined }) => {
  const { page, agreement, form } = props;
  const { t } = page;
  const { amount, currency } = agreement;
  return (
    <ActionForm {...props} action="resolution" icon="scales" label={t("dispute.propose")}>
      {amount !== null && currency !== null ? (
        <TextField
          page={page}
          form={form}
          name="release"
          label={t("dispute.release")}
          hint={t("dispute.release_hint", {
            amount: creditText(page, amount, currency),
            name: agreement.provider.name,
          })}
          suffix={currency.symbol}
          inputmode="decimal"
          dir="ltr"
          required
        />
      ) : null}
      <ResolutionNote page={page} form={form} />
    </ActionForm>
  );
};
