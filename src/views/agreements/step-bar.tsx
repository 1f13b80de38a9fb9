import type { AgreementView, FullAgreement } from "../../domain/agreements/queries.ts";
import { Icon, type IconName } from "../ui/icons.tsx";
import type { PageContext } from "../ui/page.ts";
import { Day, shortDay } from "../ui/time.tsx";
import { turnText } from "./state.tsx";

/** A step of the bar: one that was taken, the one that is awaited or ended it all, or one to come. */
export interface BarStep {
  state: AgreementView["state"];
  mark: "done" | "current" | "next" | "exit";
  /** When it was taken. */
  day: Date | null;
}

/** Its ends before anything was done. */
export const EXITS: readonly AgreementView["state"][] = ["rejected", "withdrawn", "expired", "cancelled"];

/** The way of an agreement: what happened so far, what is awaited, what comes then. */
export function barSteps(agreement: AgreementView & Pick<FullAgreement, "steps">): BarStep[] {
  const { state, settlement, created, accepted, delivered, settled, changed, disputedBy } = agreement;
  const way: { state: AgreementView["state"]; day: Date | null }[] = [
    { state: "offered", day: created },
    { state: "accepted", day: accepted },
    // Credits are held when both have agreed: on one hub at that moment.
    ...(settlement === "credit"
      ? [{ state: "funded" as const, day: state === "accepted" ? null : accepted }]
      : []),
    { state: "delivered", day: delivered },
  ];
  if (EXITS.includes(state)) {
    const taken = way.filter(({ day }) => day !== null).map((step) => ({ ...step, mark: "done" as const }));
    return [...taken, { state, mark: "exit", day: changed }];
  }
  const disputed = disputedBy !== null && state !== "settled";
  if (disputed) {
    const step = agreement.steps.findLast(({ message }) => message === "dispute");
    way.push({ state: "disputed", day: step?.created ?? changed });
  }
  way.push({
    state: disputed ? "resolved" : "settled",
    day: state === "settled" ? settled : state === "resolved" ? changed : null,
  });
  const awaited = way.findIndex(({ day }) => day === null);
  const current = awaited < 0 ? way.length - 1 : awaited;
  return way.map((step, index) => ({
    ...step,
    mark: step.day !== null ? "done" : index === current ? "current" : "next",
  }));
}

/** Until when the step that is awaited is expected. */
export function expected({ state, due, deadline }: AgreementView): Date | null {
  return state === "accepted" || state === "funded" ? (due ?? deadline) : deadline;
}

const ICONS: Readonly<Record<BarStep["mark"], IconName | null>> = {
  done: "check",
  current: null,
  next: null,
  exit: "cross",
};

/** The steps with their days, and who has to act. */
export const StepBar = ({ page, agreement }: { page: PageContext; agreement: FullAgreement }) => {
  const steps = barSteps(agreement);
  const turn = turnText(page, agreement);
  const until = expected(agreement);
  const last = steps.length - 1;
  return (
    <ol class="step-bar" aria-label={page.t("agreement.steps")}>
      {steps.map(({ state, mark, day }, index) => {
        const icon = ICONS[mark];
        const here = mark === "current" || (index === last && mark !== "next");
        return (
          <li class={`step step-${mark}`} aria-current={here ? "step" : undefined}>
            <span class="step-dot">{icon === null ? null : <Icon name={icon} />}</span>
            <span class="step-name">{page.t(`states.${state}`)}</span>
            {day === null ? null : (
              <time class="step-day" datetime={day.toISOString()}>
                {shortDay(page, day)}
              </time>
            )}
            {mark === "current" && turn !== null ? (
              <span class="step-turn">
                {turn}
                {until === null ? null : (
                  <>
                    {" · "}
                    {page.t("agreement.until")} <Day page={page} at={until} />
                  </>
                )}
              </span>
            ) : null}
          </li>
        );
      })}
    </ol>
  );
};
