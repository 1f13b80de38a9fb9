import type { FullAgreement, StepView } from "../../domain/agreements/queries.ts";
import { amountText } from "../proposals/terms.ts";
import { Icon } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { Day, Moment } from "../ui/time.tsx";
import { creditText } from "./state.tsx";

const NAMES = [
  "offer",
  "counter",
  "accept",
  "reject",
  "withdraw",
  "cancel",
  "deliver",
  "confirm",
  "dispute",
  "propose",
  "agree",
  "sign",
  "expire",
  "silence",
  "rule",
  "reserved",
  "refused",
  "committed",
  "settled",
  "released",
  "lapse",
] as const;

/** Why another hub does not promise to take credits. */
const REFUSALS = ["limit", "payee-unknown", "no-agreement", "stale-quote", "draining", "too-many"] as const;

/** Every step, oldest first: who did it, when, and whether it was signed. */
export const History = ({ page, agreement }: { page: PageContext; agreement: FullAgreement }) => (
  <details class="card more history">
    <summary>
      <Icon name="chevron" />
      <h2 class="history-title">{page.t("agreement.history")}</h2>
    </summary>
    <ol class="history-steps">
      {agreement.steps.map((step) => (
        <Step page={page} agreement={agreement} step={step} />
      ))}
    </ol>
  </details>
);

const Step = ({ page, agreement, step }: { page: PageContext; agreement: FullAgreement; step: StepView }) => {
  const { t } = page;
  const { person, signed, created, due } = step;
  const refusal = REFUSALS.find((known) => step.message === "refused" && known === step.note);
  const note = refusal === undefined ? step.note : t(`refusals.${refusal}`);
  const terms = termsOf(page, agreement, step);
  return (
    <li class="history-step">
      <p>
        {stepText(page, agreement, step)}
        {signed ? (
          <span class="sealed">
            <Icon name="pen" />
            {t("agreement.signed")}
          </span>
        ) : null}
      </p>
      <p class="quiet">
        <Moment page={page} at={created} />
        {person === null ? null : (
          <>
            {" · "}
            <bdi>{person}</bdi>
          </>
        )}
      </p>
      {terms === "" && due === null ? null : (
        <p>
          {terms}
          {due === null ? null : (
            <>
              {" · "}
              {t("agreement.until")} <Day page={page} at={due} />
            </>
          )}
        </p>
      )}
      {note === null ? null : (
        <p class="history-note" dir="auto">
          {note}
        </p>
      )}
    </li>
  );
};

/** What happened, with the name of who did it; the clock and stewards have none. */
function stepText(
  { t }: PageContext,
  agreement: FullAgreement,
  { message, party, theirs }: StepView,
): string {
  const known = NAMES.find((name) => name === message);
  if (known === undefined) return message;
  if (theirs && agreement.between !== null && (known === "propose" || known === "agree"))
    return t(`steps.${known}_there`, { hub: agreement.between.hub.name });
  return t(`steps.${known}`, { name: party === null ? "" : agreement[party].name });
}

function termsOf(page: PageContext, { unit, currency }: FullAgreement, step: StepView): string {
  const parts: string[] = [];
  if (step.quantity !== null) parts.push(amountText(page, unit, step.quantity));
  if (step.amount !== null && currency !== null) parts.push(creditText(page, step.amount, currency));
  return parts.join(" · ");
}
