import type { Preview } from "../../domain/agreements/preview.ts";
import type { ProposalView } from "../../domain/proposals/queries.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { Return } from "../proposals/proposal-card.tsx";
import { amountText } from "../proposals/terms.ts";
import { Avatar } from "../ui/avatar.tsx";
import { ErrorSummary, Radios, TextArea, TextField, WritingForm } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { Day } from "../ui/time.tsx";
import { type Currency, creditText } from "./state.tsx";

/** A voucher of the solidarity fund that can pay in the receiver's place. */
export interface UsableVoucher {
  id: bigint;
  /** The most it pays, in minor units. */
  approved: bigint;
  expires: Date | null;
}

/** What stands in the way of an agreement on a proposal. */
export type Obstacle = "own" | "closed" | "person" | "elsewhere" | "paused";

/** GET /agreements/new?proposal=<id>; also what POST /agreements answers when something is wrong. */
export interface NewAgreementPageProps {
  page: PageContext;
  proposal: ProposalView;
  obstacle: Obstacle | null;
  /** What it costs on both sides, when credits are settled with another hub. */
  preview: Preview | null;
  /** What the one who would pay can spend, in minor units; null where no credits are paid, or by the other side. */
  available: bigint | null;
  vouchers: readonly UsableVoucher[];
  /** How long the other side has to answer. */
  answerDays: number;
  /** Sent along, so that two clicks make one agreement. */
  idempotencyKey: string;
  form?: FormState | undefined;
}

export const NewAgreementPage = (props: NewAgreementPageProps) => {
  const { page, proposal, obstacle } = props;
  const { t } = page;
  return (
    <Layout page={page} title={t("agreement.new")} section="exchange">
      <a class="back" href={`/proposals/${proposal.id}`}>
        <Icon name="arrow" />
        {t("agreement.back_to_proposal")}
      </a>
      <h1>{t(proposal.purpose === "offer" ? "agreement.new" : "agreement.new_help")}</h1>
      <Subject page={page} proposal={proposal} />
      {obstacle === null ? <OfferForm {...props} /> : <Explained {...props} obstacle={obstacle} />}
    </Layout>
  );
};

/** What it is about: name, whose it is, the price and what is left. */
const Subject = ({ page, proposal }: { page: PageContext; proposal: ProposalView }) => {
  const { t } = page;
  const { remaining, minimum, unit } = proposal;
  return (
    <section class="card agreement subject" aria-labelledby="subject">
      <div class="stripe"></div>
      <h2 id="subject">
        <bdi lang={proposal.language ?? undefined}>{proposal.name}</bdi>
      </h2>
      <p class="proposal-actor">
        <Avatar page={page} actor={proposal.actor} small />
        <a href={actorPath(proposal.actor)}>
          <bdi>{proposal.actor.name}</bdi>
        </a>
      </p>
      <ul class="facts-line">
        <li>
          <Return page={page} proposal={proposal} />
        </li>
        {remaining === null ? null : (
          <li>{t("agreement.left", { amount: amountText(page, unit, remaining) })}</li>
        )}
        {minimum === null || minimum === remaining ? null : (
          <li>{t("agreement.at_least", { amount: amountText(page, unit, minimum) })}</li>
        )}
      </ul>
    </section>
  );
};

const OfferForm = (props: NewAgreementPageProps) => {
  const { page, proposal, form, idempotencyKey } = props;
  const { t } = page;
  const { minimum, remaining } = proposal;
  const whole = minimum !== null && minimum === remaining;
  const first = minimum ?? 1;
  const openPrice = proposal.settlement === "credit" && proposal.unitBased === null;
  const currency = currencyOf(proposal);
  return (
    <WritingForm
      page={page}
      action="/agreements"
      submit={(name) => t("agreement.offer_as", { name })}
      draft={`agreement:${proposal.id}`}
    >
      <input type="hidden" name="proposal" value={String(proposal.id)} />
      <input type="hidden" name="revision" value={String(proposal.revision)} />
      <input type="hidden" name="key" value={idempotencyKey} />
      <ErrorSummary
        page={page}
        form={form}
        labels={{
          quantity: t("agreement.quantity"),
          amount: t("agreement.amount"),
          due: t("agreement.due"),
          note: t("agreement.note"),
        }}
      />
      <fieldset class="card form">
        <legend>{t("agreement.terms")}</legend>
        {whole ? (
          <>
            <input type="hidden" name="quantity" value={String(minimum)} />
            <p>{t("agreement.whole", { amount: amountText(page, proposal.unit, minimum) })}</p>
          </>
        ) : (
          <TextField
            page={page}
            form={form}
            name="quantity"
            label={t(proposal.unit === "hour" ? "agreement.hours" : "agreement.units")}
            value={String(first)}
            inputmode="numeric"
            dir="ltr"
            required
          />
        )}
        {openPrice && currency !== null ? (
          <TextField
            page={page}
            form={form}
            name="amount"
            label={t("agreement.amount")}
            hint={t("agreement.amount_hint")}
            suffix={currency.symbol}
            inputmode="decimal"
            dir="ltr"
            required
          />
        ) : null}
        <TextField
          page={page}
          form={form}
          name="due"
          label={t("agreement.due")}
          hint={dueHint(props)}
          type="date"
        />
        <TextArea
          page={page}
          form={form}
          name="note"
          label={t("agreement.note")}
          hint={t("agreement.note_hint")}
          rows={3}
        />
      </fieldset>
      {proposal.settlement === "credit" ? <Paying {...props} /> : null}
      <WhatHappens {...props} />
    </WritingForm>
  );
};

function dueHint({ page, proposal }: NewAgreementPageProps): string {
  return proposal.leadDays === null
    ? page.t("agreement.due_hint")
    : page.t("agreement.due_lead", { count: proposal.leadDays });
}

/** Price, sum and what pays it. */
const Paying = ({ page, proposal, preview, available, vouchers, form }: NewAgreementPageProps) => {
  const { t } = page;
  const price = currencyOf(proposal);
  if (price === null) return null;
  const currency = preview === null ? price : preview[preview.side].currency;
  return (
    <fieldset class="card form">
      <legend>{t("agreement.paying")}</legend>
      <Sum page={page} proposal={proposal} currency={price} available={available} across={preview !== null} />
      {preview === null ? null : <BothSides page={page} proposal={proposal} preview={preview} />}
      {available === null ? (
        <p>{t("agreement.they_pay", { name: proposal.actor.name })}</p>
      ) : (
        <VoucherChoice
          page={page}
          form={form}
          available={available}
          vouchers={vouchers}
          currency={currency}
          cost={preview === null ? leastCost(proposal) : (preview.least?.[preview.side] ?? null)}
        />
      )}
    </fieldset>
  );
};

/** What the smallest agreement on a proposal costs, in minor units; null where the two name the sum themselves. */
function leastCost({ price, unitBased, minimum }: ProposalView): bigint | null {
  return price === null ? null : unitBased === true ? price * BigInt(minimum ?? 1) : price;
}

/**
 * What each side pays and gets in its own currency: for the smallest quantity it stands there, for others it follows what is typed
 * where scripts run (client/sums.ts).
 */
const BothSides = ({
  page,
  proposal,
  preview,
}: {
  page: PageContext;
  proposal: ProposalView;
  preview: Preview;
}) => {
  const { t } = page;
  const { least, side, priced, payer, payee, hub, until } = preview;
  const text = side === "payer" ? "between.you_pay" : "between.you_get";
  const { name } = proposal.actor;
  const rate = ({ n, d }: { n: bigint; d: bigint }) => `${n}/${d}`;
  return (
    <div class="cost">
      {least === null ? null : (
        <p data-least>
          {t("between.for_least", { amount: amountText(page, proposal.unit, proposal.minimum ?? 1) })}{" "}
          {t(text, {
            name,
            pays: creditText(page, least.payer, payer.currency),
            gets: creditText(page, least.payee, payee.currency),
          })}
        </p>
      )}
      {proposal.price === null || proposal.unitBased !== true ? null : (
        <p
          hidden
          data-both="quantity"
          data-price={String(proposal.price)}
          data-priced={priced}
          data-payer-rate={rate(payer.rate)}
          data-payee-rate={rate(payee.rate)}
          data-payer-unit={`${payer.currency.scale} ${payer.currency.symbol}`}
          data-payee-unit={`${payee.currency.scale} ${payee.currency.symbol}`}
          data-text={t(text, { name, pays: "%1", gets: "%2" })}
        >
          <output for="field-quantity" class="cost-amount"></output>
        </p>
      )}
      <p class="quiet">
        <span>
          {t("between.two_units", { hub: hub.name })} {t("between.fixed")} <Day page={page} at={until} />.
        </span>
      </p>
    </div>
  );
};

/** The sum follows what is typed where scripts run (client/sums.ts); the price per unit stands there always. */
const Sum = ({
  page,
  proposal,
  currency,
  available,
  across,
}: Pick<NewAgreementPageProps, "page" | "proposal" | "available"> & {
  currency: Currency;
  /** Both sides' sums stand below. */
  across: boolean;
}) => {
  const { t } = page;
  const { price, unitBased } = proposal;
  if (price === null || unitBased === null) return null;
  const text = creditText(page, price, currency);
  if (!unitBased) {
    return (
      <p class="cost">
        {t("agreement.total")} <bdi class="cost-amount">{text}</bdi>
      </p>
    );
  }
  return (
    <div class="cost">
      <p>{t(proposal.unit === "hour" ? "return.per_hour" : "return.per_one", { price: text })}</p>
      {across ? null : (
        <p
          hidden
          data-sum="quantity"
          data-price={String(price)}
          data-scale={currency.scale}
          data-symbol={currency.symbol}
          data-available={available === null ? undefined : String(available)}
        >
          <output for="field-quantity" class="cost-amount" dir="ltr"></output>
          {available === null ? null : (
            <span class="quiet">
              {t("agreement.left_after")} <bdi data-rest></bdi>
            </span>
          )}
        </p>
      )}
    </div>
  );
};

interface VoucherChoiceProps extends Pick<NewAgreementPageProps, "page" | "form" | "vouchers"> {
  available: bigint;
  currency: Currency;
  /** What there is to pay at least, in minor units; null while nobody knows. */
  cost: bigint | null;
}

/** With one's own credits, or with a voucher where there is one; where neither is enough, how to come by them. */
export const VoucherChoice = ({ page, form, available, vouchers, currency, cost }: VoucherChoiceProps) => {
  const { t } = page;
  const own = t("agreement.available", { amount: creditText(page, available, currency) });
  const short = available < (cost ?? 1n);
  if (vouchers.length === 0) {
    return (
      <>
        <p class="quiet">{own}</p>
        {short ? (
          <>
            <p>{t("agreement.short_text")}</p>
            <p class="actions">
              <a class="button button-quiet" href="/vouchers">
                {t("vouchers.request")}
              </a>
              <a class="button button-quiet" href="/ledger">
                {t("agreement.see_ledger")}
              </a>
            </p>
          </>
        ) : null}
      </>
    );
  }
  const voucher = short ? vouchers.find(({ approved }) => approved >= (cost ?? 1n)) : undefined;
  return (
    <Radios
      page={page}
      form={form}
      name="voucher"
      label={t("agreement.pay_with")}
      value={voucher === undefined ? "" : String(voucher.id)}
      options={[
        { value: "", label: t("agreement.own_credits"), hint: own },
        ...vouchers.map(({ id, approved }) => ({
          value: String(id),
          label: t("agreement.voucher"),
          hint: t("agreement.voucher_hint", { amount: creditText(page, approved, currency) }),
        })),
      ]}
    />
  );
};

/** What sending it means, before one does. */
const WhatHappens = ({ page, proposal, available, answerDays }: NewAgreementPageProps) => {
  const { t } = page;
  const name = proposal.actor.name;
  return (
    <section class="card what-happens" aria-labelledby="what-happens">
      <h2 id="what-happens">{t("agreement.what_happens")}</h2>
      <ul class="points">
        <li>{t("agreement.answer_days", { name, count: answerDays })}</li>
        {proposal.settlement === "credit" ? (
          <li>{t(available === null ? "agreement.held_later" : "agreement.held_now", { name })}</li>
        ) : null}
        <li>{t("agreement.withdrawable")}</li>
        <li>{t("agreement.binding")}</li>
      </ul>
    </section>
  );
};

/** Why there can be no agreement, and the way on. */
const Explained = ({ page, proposal, obstacle }: NewAgreementPageProps & { obstacle: Obstacle }) => {
  const { t, viewer } = page;
  const organizations = obstacle === "person" ? (viewer?.organizations ?? []) : [];
  return (
    <section class="card form" aria-labelledby="obstacle">
      <h2 id="obstacle">{t(`obstacles.${obstacle}`)}</h2>
      <p>{t(`obstacles.${obstacle}_text`)}</p>
      {organizations.length > 0 ? (
        <form class="actions" method="post" action="/acting">
          <input type="hidden" name="next" value={page.path} />
          {organizations.map((organization) => (
            <button class="button" type="submit" name="as" value={organization.handle}>
              <Avatar page={page} actor={organization} small />
              {t("acting.switch", { name: organization.name })}
            </button>
          ))}
        </form>
      ) : null}
      <p class="actions">
        {obstacle === "person" && organizations.length === 0 ? (
          <a class="button" href="/organizations/new">
            <Icon name="plus" />
            {t("organization.create")}
          </a>
        ) : null}
        {obstacle === "own" ? (
          <a class="button" href={`/proposals/${proposal.id}`}>
            {t("agreement.back_to_proposal")}
          </a>
        ) : null}
        {obstacle === "elsewhere" ? (
          <a class="button" href={actorPath(proposal.actor)}>
            {t("proposal.see_profile")}
          </a>
        ) : null}
        <a class="button button-quiet" href="/exchange">
          {t("home.see_exchange")}
        </a>
      </p>
      {obstacle === "closed" && proposal.ends !== null ? (
        <p class="quiet">
          {t("proposal.ends")}: <Day page={page} at={proposal.ends} />
        </p>
      ) : null}
    </section>
  );
};

function currencyOf({ currencySymbol, currencyScale }: ProposalView): Currency | null {
  return currencySymbol === null || currencyScale === null
    ? null
    : { symbol: currencySymbol, scale: currencyScale };
}
