import type { BetweenProposal, Stewarding } from "../../domain/agreements/stewarding.ts";
import { DISPUTE_RULES } from "../../domain/ledger/rules.ts";
import { TextField } from "../ui/form.tsx";
import { Icon } from "../ui/icons.tsx";
import { Day } from "../ui/time.tsx";
import { ActionForm, ResolutionNote, Signed } from "./action-form.tsx";
import type { AgreementPageProps } from "./agreement-page.tsx";
import { creditText } from "./state.tsx";

type Props = AgreementPageProps & { stewarding: Stewarding };

/** A dispute between two hubs: what stewards of both propose, in both currencies, and who has agreed and signed. */
export const StewardsOfBoth = (props: Props) => {
  const { page, agreement, stewarding, disputeRule } = props;
  const { t } = page;
  const { peer, side, proposals } = stewarding;
  const rule = DISPUTE_RULES.find((known) => known === disputeRule) ?? "half";
  const both = proposals.some(
    ({ providerSigned, receiverSigned }) => providerSigned !== null && receiverSigned !== null,
  );
  return (
    <>
      <p>{t("dispute.two_hubs")}</p>
      {proposals.length === 0 ? <p>{t("dispute.none_yet")}</p> : null}
      {proposals.map((proposal) => (
        <Proposal {...props} proposal={proposal} />
      ))}
      {side === "payee" ? (
        <p class="quiet">{t(both ? "dispute.carried_out" : "dispute.rule_there", { hub: peer })}</p>
      ) : agreement.deadline === null ? null : (
        <p class="quiet">
          {t("dispute.deadline")} <Day page={page} at={agreement.deadline} />. {t(`rules.${rule}`)}
        </p>
      )}
      {agreement.steward ? <ProposalForm {...props} /> : null}
    </>
  );
};

const Proposal = (props: Props & { proposal: BetweenProposal }) => {
  const { page, agreement, as, stewarding, proposal } = props;
  const { t } = page;
  const { provider, possible, steward, resolution } = agreement;
  const { currency, held, peer, proposals } = stewarding;
  const payer = payerName(props);
  const amounts = [
    [t("dispute.pays", { name: payer }), creditText(page, proposal.payer, currency.payer)],
    [t("dispute.gets", { name: provider.name }), creditText(page, proposal.payee, currency.payee)],
    [t("dispute.back", { name: payer }), creditText(page, held.payer - proposal.payer, currency.payer)],
  ] as const;
  // Of theirs the newest is asked about.
  const asked = proposal.theirs && proposals.find(({ theirs }) => theirs) === proposal;
  return (
    <div class="announcement">
      <h3>{t("dispute.proposal")}</h3>
      <dl class="split">
        {amounts.map(([label, amount]) => (
          <div>
            <dt>{label}</dt>
            <dd>
              <bdi>{amount}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      <p dir="auto">{proposal.note}</p>
      {proposal.agreed === null ? (
        <p class="turn-other">
          <Icon name="clock" />
          {t(proposal.theirs ? "dispute.waits_here" : "dispute.waits_there", { hub: peer })}
        </p>
      ) : (
        <>
          <p class="signature">
            <Icon name="check" />
            {t("dispute.both_agree")}
          </p>
          <ul>
            <Signed {...props} name={provider.name} at={proposal.providerSigned} />
            <Signed {...props} name={agreement.receiver.name} at={proposal.receiverSigned} />
          </ul>
        </>
      )}
      {proposal.agreed === null && asked && steward ? (
        <ActionForm {...props} action="agree" icon="check" label={t("dispute.agree")}>
          <input type="hidden" name="resolution" value={String(proposal.id)} />
        </ActionForm>
      ) : null}
      {possible.includes("sign") && resolution?.id === proposal.id ? (
        <ActionForm {...props} action="sign" icon="pen" label={t("doing.sign_as", { name: as.name })}>
          <input type="hidden" name="resolution" value={String(proposal.id)} />
        </ActionForm>
      ) : null}
    </div>
  );
};

/** Only for stewards. */
const ProposalForm = (props: Props) => {
  const { page, form, stewarding } = props;
  const { t } = page;
  const { currency, held } = stewarding;
  return (
    <ActionForm {...props} action="propose" icon="scales" label={t("dispute.propose_there")}>
      <TextField
        page={page}
        form={form}
        name="release"
        label={t("dispute.release_pays", { name: payerName(props) })}
        hint={t("dispute.release_pays_hint", { amount: creditText(page, held.payer, currency.payer) })}
        suffix={currency.payer.symbol}
        inputmode="decimal"
        dir="ltr"
        required
      />
      <ResolutionNote page={page} form={form} />
    </ActionForm>
  );
};

function payerName({ page, agreement }: Props): string {
  return agreement.voucherId === null ? agreement.receiver.name : page.t("agreement.fund");
}
