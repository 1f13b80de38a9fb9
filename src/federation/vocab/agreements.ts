import type { Statement } from "../../domain/agreements/consents.ts";
import { formatPrice } from "../../domain/proposals/rules.ts";
import type { JsonObject } from "../../json.ts";
import { AGREEMENT_CONTEXT, document } from "./context.ts";

/**
 * A step of an agreement as an activity: FEP-0837 where it has one (Offer, Accept, Reject of an Agreement), otherwise an
 * activity of ActivityStreams over a Document that is also a Valueflows EconomicEvent or a term of Ayni's.
 */
export function toConsent(origin: string, statement: Statement): JsonObject {
  const { type, id, actor, to, agreement, offer, note } = statement;
  const activity = (kind: string, rest: JsonObject): JsonObject =>
    document(AGREEMENT_CONTEXT, {
      id: `${origin}/activities/${id}`,
      type: kind,
      actor,
      to: [to],
      cc: [],
      ...rest,
      ...(note === null ? {} : { content: note }),
    });
  const answered = { object: offer?.activity ?? "", "ayni:offerDigest": offer?.digest ?? "" };
  switch (type) {
    case "offer":
    case "counter":
      return activity("Offer", {
        object: toAgreement(statement, false),
        ...(statement.until === null ? {} : { endTime: statement.until.toISOString() }),
        ...(type === "counter" && offer !== null ? { inReplyTo: offer.activity } : {}),
        ...(agreement.transfer === null ? {} : { "ayni:transfer": agreement.transfer }),
        "ayni:proposalRevision": agreement.revision,
      });
    case "accept":
      return activity("Accept", {
        ...answered,
        result: toAgreement(statement, true),
        ...(agreement.transfer === null ? {} : { "ayni:transfer": agreement.transfer }),
      });
    case "reject":
      return activity("Reject", answered);
    case "withdraw":
      return activity("Undo", answered);
    case "cancel":
      return activity("Undo", { ...answered, context: agreement.iri });
    case "deliver":
      return activity("Create", { object: toEvent(origin, statement, "deliverService") });
    case "confirm":
      return activity("Create", { object: toEvent(origin, statement, "transfer") });
    case "dispute":
      return activity("Create", {
        object: {
          id: `${origin}/activities/${id}#object`,
          type: ["Document", "ayni:Dispute"],
          attributedTo: actor,
          context: agreement.iri,
        },
      });
    case "sign":
      return activity("Create", {
        object: {
          id: `${origin}/activities/${id}#object`,
          type: ["Document", "ayni:Resolution"],
          attributedTo: actor,
          context: agreement.iri,
          "ayni:release": (statement.amount ?? 0n).toString(),
        },
      });
  }
}

/** FEP-0837 Agreement: the first commitment satisfies the primary intent, the second one gives back. */
function toAgreement({ agreement, to, actor, party }: Statement, finalized: boolean): JsonObject {
  const { iri, proposal, unit, terms, scale, proposer } = agreement;
  const reciprocal = terms.amount === null ? null : formatPrice(terms.amount, scale);
  return {
    type: "Agreement",
    ...(finalized ? { id: iri, attributedTo: party === proposer ? actor : to } : {}),
    stipulates: {
      ...(finalized ? { id: `${iri}#primary` } : {}),
      type: "Commitment",
      satisfies: `${proposal}#primary`,
      resourceQuantity: { hasUnit: unit, hasNumericalValue: terms.quantity.toString() },
      ...(terms.due === null ? {} : { "vf:due": terms.due.toISOString() }),
    },
    ...(reciprocal === null
      ? {}
      : {
          stipulatesReciprocal: {
            ...(finalized ? { id: `${iri}#reciprocal` } : {}),
            type: "Commitment",
            satisfies: `${proposal}#reciprocal`,
            resourceQuantity: { hasUnit: "one", hasNumericalValue: reciprocal },
          },
        }),
  };
}

/** Valueflows EconomicEvent, with an ActivityStreams type beside it: the work that was done, or the payer's order to pay. */
function toEvent(origin: string, statement: Statement, action: "deliverService" | "transfer"): JsonObject {
  const { id, actor, agreement, amount, quantity } = statement;
  const { iri, unit, scale, terms } = agreement;
  const done = { hasUnit: unit, hasNumericalValue: (quantity ?? terms.quantity).toString() };
  const paid = amount === null ? done : { hasUnit: "one", hasNumericalValue: formatPrice(amount, scale) };
  return {
    id: `${origin}/activities/${id}#object`,
    type: ["Document", "EconomicEvent"],
    attributedTo: actor,
    action,
    realizationOf: iri,
    context: iri,
    fulfills: `${iri}#${action === "transfer" && amount !== null ? "reciprocal" : "primary"}`,
    resourceQuantity: action === "transfer" ? paid : done,
  };
}
