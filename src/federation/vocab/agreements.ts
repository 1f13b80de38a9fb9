import type { Statement } from "../../domain/agreements/consents.ts";
import { formatAmount } from "../../domain/amounts.ts";
import { partOf, type Quote } from "../../domain/clearing/messages-rules.ts";
import { plainToHtml } from "../../domain/html.ts";
import type { JsonObject } from "../../json.ts";
import { AGREEMENT_CONTEXT, document } from "./context.ts";

/**
 * A step of an agreement as an activity: FEP-0837 where it has one (Offer, Accept, Reject of an Agreement), otherwise an
 * activity of ActivityStreams, if need be over a Document that is also a Valueflows EconomicEvent or a term of Ayni's.
 */
export function toConsent(origin: string, statement: Statement, now: Date): JsonObject {
  const { type, id, actor, to, agreement, offer, accept, note } = statement;
  const iri = `${origin}/activities/${id}`;
  const activity = (kind: string, rest: JsonObject): JsonObject =>
    document(AGREEMENT_CONTEXT, {
      id: iri,
      type: kind,
      actor,
      published: now.toISOString(),
      to: [to],
      cc: [],
      ...rest,
      ...(note === null ? {} : { content: plainToHtml(note) }),
    });
  const object = (kinds: string[], rest: JsonObject): JsonObject => ({
    id: `${iri}#object`,
    type: ["Document", ...kinds],
    attributedTo: actor,
    context: agreement.iri,
    ...rest,
  });
  const transfer: JsonObject = {
    ...(agreement.quote === null ? {} : { "ayni:quote": toQuote(agreement.quote) }),
    ...(agreement.transfer === null ? {} : { "ayni:transfer": agreement.transfer }),
  };
  const answered = { object: offer?.activity ?? "", "ayni:offerDigest": offer?.digest ?? "" };
  switch (type) {
    case "offer":
    case "counter":
      return activity("Offer", {
        object: toAgreement(statement, false),
        ...(statement.until === null ? {} : { endTime: statement.until.toISOString() }),
        ...(type === "counter" && offer !== null
          ? { inReplyTo: offer.activity, "ayni:offerDigest": offer.digest }
          : {}),
        ...transfer,
        "ayni:proposalRevision": agreement.revision,
      });
    case "accept":
      return activity("Accept", { ...answered, result: toAgreement(statement, true), ...transfer });
    case "reject":
      return activity("Reject", { ...answered, "ayni:reason": "declined" });
    case "withdraw":
      return activity("Undo", answered);
    case "cancel": {
      // One takes back what one said oneself.
      const own = statement.party === agreement.offeredBy ? offer : accept;
      return activity("Undo", { ...answered, object: own?.activity ?? "", context: agreement.iri });
    }
    case "deliver":
      return activity("Create", { object: object(["EconomicEvent"], toEvent(statement, "deliverService")) });
    case "confirm":
      return activity("Create", { object: object(["EconomicEvent"], toEvent(statement, "transfer")) });
    case "dispute":
      return activity("Create", { object: object(["ayni:Dispute"], {}) });
    case "sign":
      return activity("Create", {
        object: object(["ayni:Resolution"], {
          "ayni:release": (statement.resolution?.payer ?? statement.amount ?? 0n).toString(),
          ...(statement.resolution === null ? {} : { "ayni:resolution": { id: statement.resolution.iri } }),
        }),
      });
  }
}

/**
 * What an exchange between two hubs costs on both sides: minor units of the payer's and of the payee's currency,
 * seconds of an HOUR between the hubs, and the rates (minor units per HOUR) that they follow from. Whoever signs consents to all of it.
 */
function toQuote({ payer, payee, seconds, payerRate, payeeRate, until }: Quote): JsonObject {
  const rate = ({ n, d }: Quote["payerRate"]) => ({ n: n.toString(), d: d.toString() });
  return {
    "ayni:payerAmount": payer.toString(),
    "ayni:payeeAmount": payee.toString(),
    "ayni:clearingAmount": seconds.toString(),
    "ayni:payerRate": rate(payerRate),
    "ayni:payeeRate": rate(payeeRate),
    endTime: until.toISOString(),
  };
}

/**
 * FEP-0837 Agreement: the first commitment satisfies the primary intent, the second one gives back. It names provider and
 * receiver (Valueflows), so that a consent by itself tells who promised what. Whoever accepts gives it its id.
 */
function toAgreement({ agreement, to, actor, party }: Statement, finalized: boolean): JsonObject {
  const { iri, proposal, unit, terms, scale, reciprocal } = agreement;
  const [provider, receiver] = party === "provider" ? [actor, to] : [to, actor];
  return {
    type: "Agreement",
    ...(finalized ? { id: iri, attributedTo: actor } : {}),
    stipulates: {
      ...(finalized ? { id: `${iri}#primary` } : {}),
      type: "Commitment",
      satisfies: `${proposal}#primary`,
      "vf:provider": provider,
      "vf:receiver": receiver,
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
            resourceQuantity: { hasUnit: "one", hasNumericalValue: formatAmount(reciprocal, scale) },
          },
        }),
  };
}

/** Valueflows EconomicEvent: the work that was done, or that it was received (and the order to pay for it). */
function toEvent(
  { agreement, amount, quantity }: Statement,
  action: "deliverService" | "transfer",
): JsonObject {
  const { iri, unit, scale, terms, quote, proposer } = agreement;
  const done = { hasUnit: unit, hasNumericalValue: (quantity ?? terms.quantity).toString() };
  if (action !== "transfer" || amount === null)
    return { action, realizationOf: iri, fulfills: `${iri}#primary`, resourceQuantity: done };
  const pays = { action, realizationOf: iri, fulfills: `${iri}#reciprocal` };
  const credits = (paid: bigint) => ({ hasUnit: "one", hasNumericalValue: formatAmount(paid, scale) });
  if (quote === null) return { ...pays, resourceQuantity: credits(amount) };
  // The payer's order to its hub is in its own currency; the price in that of whoever set it.
  const { payer, payee } = partOf(quote, amount);
  return {
    ...pays,
    resourceQuantity: credits(proposer === "receiver" ? payer : payee),
    "vf:effortQuantity": done,
    "ayni:payerAmount": payer.toString(),
    "ayni:payeeAmount": payee.toString(),
  };
}

/** The proposing party's confirmation that the exchange took place (FEP-0837, "Confirmation"). */
export function toReceipt(receipt: {
  id: string;
  actor: string;
  to: string;
  agreement: string;
  settled: Date;
}): JsonObject {
  const { id, actor, to, agreement, settled } = receipt;
  return document(AGREEMENT_CONTEXT, {
    ...{ id, type: "Create", actor, to: [to], cc: [] },
    object: {
      id: `${id}#object`,
      type: "Document",
      name: "Receipt",
      attributedTo: actor,
      context: agreement,
      published: settled.toISOString(),
    },
  });
}

/** An answer to an Offer of which no agreement was made, with a reason for machines and one for people. */
export function toRefusal(refusal: {
  id: string;
  type: "Reject" | "Undo";
  actor: string;
  to: string;
  offer: string;
  reason: string;
  content: string;
}): JsonObject {
  const { id, type, actor, to, offer, reason, content } = refusal;
  return document(AGREEMENT_CONTEXT, {
    ...{ id, type, actor, to: [to], cc: [] },
    object: offer,
    "ayni:reason": reason,
    content: plainToHtml(content),
  });
}
