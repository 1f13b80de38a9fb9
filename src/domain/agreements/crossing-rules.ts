import type { AgreementState } from "../../db/schema/agreements.ts";
import { DomainError } from "../errors.ts";
import {
  type Agreement,
  type AgreementPolicy,
  confirmed,
  type Effect,
  ended,
  free,
  type Message,
  otherParty,
  type Result,
  settling,
  step,
  type Told,
  tell,
} from "./rules.ts";

/*
 * Two hubs keep the same agreement, and what one party says may cross on its way what the other one says. Both hear of both in the
 * end, in either order; here is why they come to the same end:
 *
 * - What the payer's hub has decided (paid, or not to pay) stands, whatever was said meanwhile.
 * - Of two ends without payment the one counts that stands further to the right in ENDS.
 * - An answer to terms that were taken back answers nothing.
 */

/** Ends without payment, the weakest first. */
const ENDS: readonly AgreementState[] = ["expired", "cancelled", "rejected", "withdrawn"];

type Said = Extract<Message, { by: "provider" | "receiver" }>;

/**
 * What a party of the other hub makes of an agreement between two hubs: as `step`, and it may be that it did not know yet what was said
 * here when it spoke.
 *
 * @throws DomainError as `step`
 */
export function stepFromAfar(
  agreement: Agreement,
  message: Said,
  now: Date,
  policy: AgreementPolicy,
): Result {
  try {
    return step(agreement, message, now, policy);
  } catch (error) {
    const unexpected =
      error instanceof DomainError && (error.code === "not_now" || error.code === "other_party");
    const crossed =
      unexpected && agreement.between !== null ? crossing(agreement, message, now, policy) : null;
    if (crossed === null) throw error;
    return crossed;
  }
}

/** null: it changes nothing, and need not be kept. */
function crossing(agreement: Agreement, message: Said, now: Date, policy: AgreementPolicy): Result | null {
  const { state, settled } = agreement;
  switch (message.type) {
    case "withdraw":
      return endedBy(agreement, message, "withdrawn", ["offered", "accepted", "funded"]);
    case "reject":
      return message.by === agreement.offeredBy ? null : endedBy(agreement, message, "rejected", ["offered"]);
    case "cancel":
      return endedBy(agreement, message, "cancelled", ["accepted", "funded", "delivered", "disputed"]);
    case "lapse":
      return state === "expired"
        ? { agreement, effects: [tell(otherParty(message.by), "agreement_expired")] }
        : endedBy(agreement, message, "expired", ["offered", "accepted", "funded", "delivered", "disputed"]);
    case "counter":
      // Said before the time of the terms that it answers was over.
      return state === "expired"
        ? step({ ...agreement, state: "offered", offeredBy: otherParty(message.by) }, message, now, policy)
        : null;
    case "deliver":
      if (message.by !== "provider") return null;
      if (state === "accepted") return step({ ...agreement, state: "funded" }, message, now, policy);
      return DECIDED.includes(state) ? { agreement, effects: [] } : null;
    case "confirm": {
      // Who does the work says nothing about what is paid for it, however early or late.
      if (message.by !== "receiver" || state === "offered" || state === "rejected") return null;
      const { amount, quantity } = confirmed(agreement, message);
      if (state === "accepted" || state === "disputed")
        return settling(agreement, { amount, quantity, automatic: false }, now);
      // The payment was here before the word: only the word knows how much of the work it was for.
      const known = settled === null ? null : { ...settled, quantity };
      return { agreement: { ...agreement, settled: known }, effects: [] };
    }
    case "dispute":
      if (state === "disputed" && agreement.disputedBy !== message.by)
        return { agreement: { ...agreement, disputedBy: "receiver" }, effects: [] };
      return DECIDED.includes(state)
        ? { agreement, effects: [tell(otherParty(message.by), "dispute_late")] }
        : null;
    default:
      return null;
  }
}

/** The payer's hub has ordered what is paid. */
const DECIDED: readonly AgreementState[] = ["confirmed", "settled", "resolved"];

const TOLD: Readonly<Record<string, Told>> = {
  withdrawn: "agreement_withdrawn",
  rejected: "agreement_rejected",
  cancelled: "agreement_cancelled",
  expired: "agreement_expired",
};

/** @param open states that it ends; an end without payment it replaces when it counts for more */
function endedBy(
  agreement: Agreement,
  { by }: Said,
  end: AgreementState,
  open: readonly AgreementState[],
): Result | null {
  const told = tell(otherParty(by), TOLD[end] ?? "agreement_cancelled");
  const { state } = agreement;
  if (ENDS.includes(state)) {
    return ENDS.indexOf(end) > ENDS.indexOf(state)
      ? { agreement: { ...agreement, state: end }, effects: [told] }
      : null;
  }
  if (!open.includes(state)) return null;
  const taken: Effect[] =
    state === "offered" ? [] : [{ type: "giveBack", quantity: agreement.terms.quantity }];
  return ended(agreement, end, [...free(agreement), ...taken, told]);
}
