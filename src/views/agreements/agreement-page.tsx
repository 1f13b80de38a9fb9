import type { Child } from "hono/jsx";
import type { ActorView } from "../../domain/actors/queries.ts";
import type { FullAgreement, MessageView } from "../../domain/agreements/queries.ts";
import type { Stewarding } from "../../domain/agreements/stewarding.ts";
import type { DISPUTE_RULES } from "../../domain/ledger/rules.ts";
import type { Page } from "../../domain/page.ts";
import { isReviewable } from "../../domain/reviews/rules.ts";
import { actorPath } from "../actors/actor-card.tsx";
import { amountText } from "../proposals/terms.ts";
import { Avatar } from "../ui/avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Layout } from "../ui/layout.tsx";
import type { FormState, PageContext } from "../ui/page.ts";
import { FactList } from "../ui/text.tsx";
import { Day } from "../ui/time.tsx";
import { Actions } from "./actions.tsx";
import { History } from "./history.tsx";
import { Messages } from "./messages.tsx";
import type { UsableVoucher } from "./new-agreement-page.tsx";
import { amountOf, counterparty, creditText, StateBadge } from "./state.tsx";
import { EXITS, StepBar } from "./step-bar.tsx";

/** What a page of an agreement needs beside the agreement. */
export interface AgreementContext {
  page: PageContext;
  agreement: FullAgreement;
  /** In whose name the forms of this page act: the party that the one who looks acts for, or a steward. */
  as: ActorView;
  /** What the receiver can spend, in minor units; null where it has nothing to decide about credits. */
  available: bigint | null;
  /** What the provider can still give back of what it was paid, in minor units; 0 for everybody else. */
  returnable: bigint;
  /** Those that the receiver may pay with instead. */
  vouchers: readonly UsableVoucher[];
  /** What the hub's rule does with a dispute that nobody ends. */
  disputeRule: (typeof DISPUTE_RULES)[number];
  /** Of a dispute between two hubs that settle credits with one another. */
  stewarding: Stewarding | null;
}

/** GET /agreements/<id>; also what its short forms (accept, deliver, confirm, messages …) answer when something is wrong. */
export interface AgreementPageProps extends AgreementContext {
  /** Newest first, as they were read. */
  messages: Page<MessageView>;
  form?: FormState | undefined;
}

export const AgreementPage = (props: AgreementPageProps) => {
  const { page, agreement } = props;
  const { t } = page;
  return (
    <Layout
      page={page}
      title={agreement.proposal.name}
      section="agreements"
      aside={<Proofs page={page} agreement={agreement} />}
    >
      <a class="back" href={agreement.party === null ? "/admin/disputes" : "/agreements"}>
        <Icon name="arrow" />
        {t(agreement.party === null ? "dispute.list" : "nav.agreements")}
      </a>
      <article class="card agreement agreement-full">
        <div class="stripe"></div>
        <p class="proposal-top">
          <StateBadge page={page} state={agreement.state} />
          {agreement.automatic ? <span class="quiet">{t("agreement.automatic")}</span> : null}
        </p>
        <h1>
          <a
            href={`/proposals/${agreement.proposal.id}`}
            lang={agreement.proposal.language ?? undefined}
            dir="auto"
          >
            {agreement.proposal.name}
          </a>
        </h1>
        <Parties page={page} agreement={agreement} />
        <StepBar page={page} agreement={agreement} />
        <Said page={page} agreement={agreement} />
        <Terms page={page} agreement={agreement} />
      </article>
      <Between page={page} agreement={agreement} />
      <Outcome {...props} />
      <Actions {...props} />
      <Messages {...props} />
      <History page={page} agreement={agreement} />
    </Layout>
  );
};

/** Who gives, who gets. */
const Parties = ({ page, agreement }: Pick<AgreementContext, "page" | "agreement">) => {
  const { t } = page;
  const line = (actor: ActorView, word: "agreement.gives" | "agreement.gets", own: boolean) => (
    <p class="party">
      <Avatar page={page} actor={actor} small />
      <span>
        <a class="party-name" href={actorPath(actor)}>
          <bdi>{actor.name}</bdi>
        </a>
        <span class="quiet">
          {t(word)}
          {own ? ` · ${t("agreement.own_side")}` : ""}
        </span>
      </span>
    </p>
  );
  return (
    <div class="parties">
      {line(agreement.provider, "agreement.gives", agreement.party === "provider")}
      {line(agreement.receiver, "agreement.gets", agreement.party === "receiver")}
    </div>
  );
};

/** What a party said with its last step: why it offers, cancels or disputes. */
const Said = ({ page, agreement }: Pick<AgreementContext, "page" | "agreement">) => {
  const step = agreement.steps.findLast(({ party }) => party !== null);
  if (step === undefined || step.note === null || step.party === null) return null;
  return (
    <blockquote class="said">
      <p class="quiet">
        <bdi>{agreement[step.party].name}</bdi> · <Day page={page} at={step.created} />
      </p>
      <p class="said-text" dir="auto">
        {step.note}
      </p>
    </blockquote>
  );
};

/** What was agreed, or is on the table. */
export const Terms = ({ page, agreement }: Pick<AgreementContext, "page" | "agreement">) => {
  const { t } = page;
  const { unit, quantity, due, voucherId, donation, settlement, between, provider, receiver } = agreement;
  const facts: [label: string, value: Child | null][] = [
    [t("agreement.quantity"), amountText(page, unit, quantity)],
    ...(between === null
      ? []
      : [
          [
            t("between.pays", { name: voucherId === null ? receiver.name : t("agreement.fund") }),
            <bdi>{creditText(page, between.payer.amount, between.payer.currency)}</bdi>,
          ] as [string, Child],
          [
            t("between.gets", { name: provider.name }),
            <bdi>{creditText(page, between.payee.amount, between.payee.currency)}</bdi>,
          ] as [string, Child],
        ]),
    [
      t("agreement.in_return"),
      between !== null ? null : (
        <span class={`return return-${settlement}`}>
          {settlement === "credit" ? <Icon name="coins" /> : null}
          <bdi>{amountOf(page, agreement)}</bdi>
        </span>
      ),
    ],
    [
      t("between.fixed"),
      between === null || !UNANSWERED.includes(agreement.state) ? null : (
        <Day page={page} at={between.until} />
      ),
    ],
    [t("between.hub"), between === null ? null : <bdi>{between.hub.name}</bdi>],
    [t("agreement.due_day"), due === null ? null : <Day page={page} at={due} />],
    [t("agreement.paid_by"), voucherId === null ? null : t("agreement.fund")],
    [t("agreement.donation"), donation === 0 ? null : t("agreement.percent", { percent: donation })],
  ];
  return <FactList facts={facts} />;
};

/** The amounts were not agreed to yet: they are fixed for some days only. */
const UNANSWERED: readonly string[] = ["offered"];

/** Where it stands between two hubs, when something of the other one is waited for, or when that one does not answer. */
const Between = ({ page, agreement }: Pick<AgreementContext, "page" | "agreement">) => {
  const { t } = page;
  const { between, state } = agreement;
  if (between === null) return null;
  const { name: hub, unreachable, state: peering } = between.hub;
  const open = ["offered", "accepted", "funded", "delivered", "confirmed", "disputed"].includes(state);
  const waits = (["accepted", "confirmed"] as const).find((one) => one === state);
  const away = open && unreachable !== null;
  const paused = open && peering !== "active";
  if (waits === undefined && !away && !paused && !between.held) return null;
  return (
    <section class="card form" aria-labelledby="between" role={away ? "status" : undefined}>
      <h2 id="between">{t("between.title")}</h2>
      {between.held ? <p>{t("between.held", { hub })}</p> : null}
      {waits === undefined ? null : <p>{t(`between.${waits}_${between.side}`, { hub })}</p>}
      {away ? (
        <p>
          {t("between.away", { hub })} <Day page={page} at={unreachable} />. {t("between.away_text")}
        </p>
      ) : null}
      {paused ? <p>{t(peering === "frozen" ? "between.frozen" : "between.draining", { hub })}</p> : null}
    </section>
  );
};

/** How it ended, and what one may do now that it has. */
const Outcome = ({ page, agreement, returnable }: AgreementContext) => {
  const { t } = page;
  const { id, state, party, settledAmount, amount, currency, quantity, settledQuantity, unit } = agreement;
  if (EXITS.includes(state)) return <Ended page={page} agreement={agreement} />;
  if (state !== "settled" && state !== "resolved") return null;
  const own = settledAmount === null || currency === null ? null : creditText(page, settledAmount, currency);
  const paid = own === null ? null : both(page, agreement, own);
  const partly =
    state === "settled" &&
    ((settledAmount !== null && settledAmount !== amount) ||
      (settledQuantity !== null && settledQuantity !== quantity));
  const other = counterparty(agreement);
  return (
    <section class="card form" aria-labelledby="outcome">
      <h2 id="outcome">{t(state === "settled" ? "agreement.settled_title" : "agreement.resolved_title")}</h2>
      {paid !== null ? (
        <p>
          {t("agreement.paid", {
            amount: paid,
            from: agreement.voucherId === null ? agreement.receiver.name : t("agreement.fund"),
            to: agreement.provider.name,
          })}
        </p>
      ) : agreement.settlement === "credit" ? (
        <p>{t("agreement.paid_nothing")}</p>
      ) : null}
      {partly ? (
        <p>{t("agreement.paid_part", { amount: amountText(page, unit, settledQuantity ?? quantity) })}</p>
      ) : null}
      {agreement.automatic ? <p>{t("agreement.automatic_text")}</p> : null}
      {party === null ? null : (
        <p class="actions">
          {isReviewable(state, settledAmount) ? (
            <a class="button" href={`/agreements/${id}/review`}>
              {t("agreement.review", { name: other.name })}
            </a>
          ) : null}
          {paid === null ? null : (
            <a class="button button-quiet" href="/ledger">
              <Icon name="coins" />
              {t("agreement.see_ledger")}
            </a>
          )}
          {returnable > 0n ? (
            <a
              class="button button-quiet button-plain"
              href={`/ledger/transfers/${agreement.transferId}/return`}
            >
              {t("agreement.give_back")}
            </a>
          ) : null}
        </p>
      )}
    </section>
  );
};

/** What was paid, and what the other side got or gave for it in its own currency. */
function both(page: PageContext, { between }: FullAgreement, own: string): string {
  if (between === null || between.settled === null) return own;
  const other = between.side === "payer" ? "payee" : "payer";
  return `${own} = ${creditText(page, between.settled[other], between[other].currency)}`;
}

/** It came to nothing: what becomes of the credits, and the way on. */
const Ended = ({ page, agreement }: Pick<AgreementContext, "page" | "agreement">) => {
  const { t } = page;
  const returned = agreement.settlement === "credit" && agreement.between?.held !== true;
  return (
    <section class="card form" aria-labelledby="outcome">
      <h2 id="outcome">{t("agreement.ended_title")}</h2>
      <p>{t(returned ? "agreement.ended_credits" : "agreement.ended_text")}</p>
      <p class="actions">
        <a class="button" href={`/proposals/${agreement.proposal.id}`}>
          {t("agreement.back_to_proposal")}
        </a>
        <a class="button button-quiet" href="/exchange">
          <Icon name="exchange" />
          {t("home.see_exchange")}
        </a>
      </p>
    </section>
  );
};

/** The signed consents: what they are worth, and where to get them. */
const Proofs = ({ page, agreement }: Pick<AgreementContext, "page" | "agreement">) => {
  const { t } = page;
  return (
    <section class="context-block" aria-labelledby="proofs">
      <h2 id="proofs">{t("agreement.proofs")}</h2>
      <p class="quiet">{t("agreement.proofs_text")}</p>
      <p>
        <a class="context-link" href={`/agreements/${agreement.id}/consents.json`} download>
          {t("agreement.download")}
        </a>
      </p>
      <p class="quiet">{t("agreement.verify", { command: "ayni agreement verify" })}</p>
    </section>
  );
};
