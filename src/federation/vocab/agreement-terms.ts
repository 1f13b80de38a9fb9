import type { Pinned } from "../../domain/agreements/quote-rules.ts";
import {
  type RemoteEvent,
  type RemoteOffer,
  type RemoteTerms,
  toNote,
} from "../../domain/agreements/remote.ts";
import { htmlToText } from "../../domain/html.ts";
import { cleanText } from "../../domain/validate.ts";
import { iriOf, isObject } from "../envelope.ts";
import type { JsonObject } from "../proofs.ts";
import { AYNI } from "./context.ts";

/*
 * What others say of agreements, read as the JSON that was signed and not as JSON-LD: the printed examples of FEP-0837 have
 * untyped terms, which parsers of JSON-LD choke on, and what was agreed must not depend on how a context is expanded.
 */

const NAMESPACES = {
  vf: "https://w3id.org/valueflows/ont/vf#",
  om2: "http://www.ontology-of-units-of-measure.org/resource/om-2/",
  ayni: AYNI,
} as const;

/** A term's value: under its short name (but for Ayni's), with its prefix, or spelled out. */
function term(json: JsonObject, prefix: keyof typeof NAMESPACES, name: string): unknown {
  const short = prefix === "ayni" ? undefined : json[name];
  return short ?? json[`${prefix}:${name}`] ?? json[`${NAMESPACES[prefix]}${name}`];
}

function hasType(json: JsonObject, prefix: keyof typeof NAMESPACES, name: string): boolean {
  const types = [json.type].flat();
  const short = prefix === "ayni" ? [] : [name];
  return [...short, `${prefix}:${name}`, `${NAMESPACES[prefix]}${name}`].some((type) => types.includes(type));
}

/** The Agreement that an Offer offers; null for all other Offers. */
export function offeredAgreement(activity: JsonObject): JsonObject | null {
  const { object } = activity;
  return isObject(object) && hasType(object, "vf", "Agreement") ? object : null;
}

/** The proposal that an Agreement answers, however wrong its terms are. */
export function answeredProposal(agreement: JsonObject): string | null {
  const primary = term(agreement, "vf", "stipulates");
  const intent = isObject(primary) ? iriOf(term(primary, "vf", "satisfies")) : null;
  return intent?.endsWith("#primary") ? intent.slice(0, -"#primary".length) : null;
}

/** The terms of an Agreement; null when something in them is not as FEP-0837 has it, or not a whole number of units. */
export function readTerms(agreement: JsonObject): RemoteTerms | null {
  const primary = term(agreement, "vf", "stipulates");
  const back = term(agreement, "vf", "stipulatesReciprocal");
  const proposal = answeredProposal(agreement);
  if (!isObject(primary) || proposal === null) return null;
  const measure = readMeasure(primary);
  const quantity = measure === null ? null : wholeNumber(measure.value);
  const due = readTime(term(primary, "vf", "due"));
  const provider = readParty(primary, "provider");
  const receiver = readParty(primary, "receiver");
  if (measure === null || quantity === null || due === undefined) return null;
  if (provider === undefined || receiver === undefined) return null;
  const said = { proposal, unit: measure.unit, quantity, due, provider, receiver };
  if (back == null) return { ...said, reciprocal: null };
  if (!isObject(back) || iriOf(term(back, "vf", "satisfies")) !== `${proposal}#reciprocal`) return null;
  const given = readMeasure(back);
  const amount = given === null ? null : decimal(given.value);
  return given === null || amount === null ? null : { ...said, reciprocal: { unit: given.unit, amount } };
}

/** Whether two sides mean the same. A day and roles that only one of them names do not contradict: FEP-0837 has neither. */
export function sameTerms(a: RemoteTerms, b: RemoteTerms): boolean {
  const compatible = (x: unknown, y: unknown) => x === null || y === null || x === y;
  return (
    a.proposal === b.proposal &&
    a.unit === b.unit &&
    a.quantity === b.quantity &&
    a.reciprocal?.unit === b.reciprocal?.unit &&
    a.reciprocal?.amount === b.reciprocal?.amount &&
    compatible(a.due?.getTime() ?? null, b.due?.getTime() ?? null) &&
    compatible(a.provider, b.provider) &&
    compatible(a.receiver, b.receiver)
  );
}

/** An Offer with what it says beside its terms. */
export function readOffer(iri: string, activity: JsonObject, agreement: JsonObject): RemoteOffer {
  const until = readTime(activity.endTime);
  const revision = term(activity, "ayni", "proposalRevision") ?? null;
  const quoted = readPinned(activity);
  const sound =
    until !== undefined && quoted !== undefined && (revision === null || Number.isInteger(revision));
  return {
    iri,
    terms: sound ? readTerms(agreement) : null,
    revision: sound ? (revision as number | null) : null,
    until: until ?? null,
    quoted: quoted ?? null,
    note: noteOf(activity),
  };
}

/** What an Offer or an Accept between two hubs pins for both sides. null: nothing; undefined: it cannot be read. */
export function readPinned(activity: JsonObject): Pinned | null | undefined {
  const quote = term(activity, "ayni", "quote");
  if (quote == null) return null;
  if (!isObject(quote)) return undefined;
  const [payer, payee, seconds] = ["payerAmount", "payeeAmount", "clearingAmount"].map((name) =>
    minorUnits(term(quote, "ayni", name)),
  );
  const [payerRate, payeeRate] = ["payerRate", "payeeRate"].map((name) =>
    readRate(term(quote, "ayni", name)),
  );
  const until = readTime(quote.endTime);
  const transfer = term(activity, "ayni", "transfer");
  if (payer == null || payee == null || seconds == null || payerRate == null || payeeRate == null)
    return undefined;
  if (until == null || (transfer != null && (typeof transfer !== "string" || transfer.length > 500)))
    return undefined;
  return { payer, payee, seconds, payerRate, payeeRate, until, transfer: transfer ?? null };
}

/** Whole minor units, as decimal digits; null: something else. */
function minorUnits(value: unknown): bigint | null {
  return typeof value === "string" && /^[1-9][0-9]{0,17}$/.test(value) ? BigInt(value) : null;
}

function readRate(value: unknown): { n: bigint; d: bigint } | null {
  if (!isObject(value)) return null;
  const [n, d] = [minorUnits(value.n), minorUnits(value.d)];
  return n === null || d === null ? null : { n, d };
}

/** Why an activity takes something back, for machines. */
export function reasonOf(activity: JsonObject): string | null {
  const reason = term(activity, "ayni", "reason");
  return typeof reason === "string" ? reason : null;
}

/** The digest of the Offer that an answer names; null when it names none. */
export function offerDigest(activity: JsonObject): string | null {
  const digest = term(activity, "ayni", "offerDigest");
  return digest == null ? null : typeof digest === "string" ? digest : "";
}

/** What an activity says to people, as plain text; of a Reject without a text its reason for machines. */
export function noteOf(activity: JsonObject): string | null {
  const { content } = activity;
  const reason = term(activity, "ayni", "reason");
  const said = typeof content === "string" ? content : typeof reason === "string" ? reason : "";
  return toNote(htmlToText(cleanText(said.slice(0, 20_000))));
}

/** Which agreement a Document is about; null when it is none that tells about one. */
export function agreementOf(object: JsonObject): string | null {
  if (!hasType(object, "vf", "EconomicEvent") && ![object.type].flat().includes("Document")) return null;
  return iriOf(term(object, "vf", "realizationOf")) ?? iriOf(object.context);
}

/**
 * What a Document about an agreement says; null when nothing that is understood. A receipt without Valueflows' terms is FEP-0837's
 * confirmation, which is the proposing party's to give.
 *
 * @param proposer what the one who proposed is in the agreement, and whether it is the one who says this
 */
export function readEvent(
  object: JsonObject,
  proposer: { party: "provider" | "receiver"; speaks: boolean },
): RemoteEvent | null {
  if (hasType(object, "ayni", "Dispute")) return { type: "dispute" };
  if (hasType(object, "ayni", "Resolution")) return null;
  if (!hasType(object, "vf", "EconomicEvent")) {
    if (!proposer.speaks) return null;
    return proposer.party === "provider"
      ? { type: "deliver" }
      : { type: "confirm", quantity: null, unit: null, paid: null };
  }
  const action = term(object, "vf", "action");
  if (action === "deliverService") return { type: "deliver" };
  if (action !== "transfer") return null;
  const paid = term(object, "ayni", "payerAmount");
  if (paid !== undefined) {
    const amount = minorUnits(paid);
    if (amount === null) return null;
    if (term(object, "vf", "effortQuantity") == null)
      return { type: "confirm", quantity: null, unit: null, paid: amount };
    const done = readMeasure(object, "effortQuantity");
    const quantity = done === null ? null : wholeNumber(done.value);
    return done === null || quantity === null
      ? null
      : { type: "confirm", quantity, unit: done.unit, paid: amount };
  }
  if (term(object, "vf", "resourceQuantity") === undefined)
    return { type: "confirm", quantity: null, unit: null, paid: null };
  const measure = readMeasure(object);
  const quantity = measure === null ? null : wholeNumber(measure.value);
  return measure === null || quantity === null
    ? null
    : { type: "confirm", quantity, unit: measure.unit, paid: null };
}

/** As many as a proposal of ours can have. */
const QUANTITY_MAX = 1_000_000;

function readMeasure(json: JsonObject, name = "resourceQuantity"): { unit: string; value: unknown } | null {
  const measure = term(json, "vf", name);
  if (!isObject(measure)) return null;
  const unit = term(measure, "om2", "hasUnit");
  return typeof unit === "string" ? { unit, value: term(measure, "om2", "hasNumericalValue") } : null;
}

/** undefined: somebody who cannot be read. */
function readParty(commitment: JsonObject, role: "provider" | "receiver"): string | null | undefined {
  const value = term(commitment, "vf", role);
  return value == null ? null : (iriOf(value) ?? undefined);
}

/** A string of ASCII digits, as FEP-0837 writes it, or a number. */
function wholeNumber(value: unknown): number | null {
  const text = typeof value === "number" ? String(value) : value;
  const number = typeof text === "string" && /^[1-9][0-9]{0,6}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= QUANTITY_MAX ? number : null;
}

/** Decimal text with no needless zeros, so that equal amounts are equal texts. */
function decimal(value: unknown): string | null {
  const text = typeof value === "number" ? String(value) : value;
  const match = typeof text === "string" ? /^(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,18}))?$/.exec(text) : null;
  if (match === null) return null;
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  const amount = fraction === "" ? match[1]! : `${match[1]}.${fraction}`;
  return amount === "0" ? null : amount;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** null: none is named; undefined: it is no time. */
function readTime(value: unknown): Date | null | undefined {
  if (value == null) return null;
  if (typeof value !== "string" || !RFC3339.test(value)) return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
