import type { PeerCurrency, PeeringStatement, PeerState, SignedTerms } from "../../domain/peers/rules.ts";
import { DAY_TERMS, type DayTerm, PEER_STATES } from "../../domain/peers/rules.ts";
import { cleanText } from "../../domain/validate.ts";
import type { JsonObject } from "../../json.ts";
import { iriOf, isObject, MAX_IRI } from "../envelope.ts";
import type { JsonObject as Read } from "../proofs.ts";
import { AGREEMENT_CONTEXT, AYNI, document } from "./context.ts";

/*
 * A peering is an Agreement of two hubs' own actors: each signs what it is willing to, and the smaller counts. Like all that is agreed
 * on it is read as the JSON that was signed, not as JSON-LD.
 */

/** What limits count: seconds of an HOUR. It tells a peering from every other Agreement. */
const UNIT = "HOUR-second";

/** What this hub signs of a peering: Offer, Accept (FEP-0837), or an Update of its own terms. */
export function toPeering(origin: string, statement: PeeringStatement, now: Date): JsonObject {
  const { type, id, actor, to, offer } = statement;
  const answered = { object: offer?.activity ?? "", "ayni:offerDigest": offer?.digest ?? "" };
  const agreement = toAgreement(statement);
  return document(AGREEMENT_CONTEXT, {
    id: `${origin}/activities/${id}`,
    type,
    actor,
    published: now.toISOString(),
    to: [to],
    cc: [],
    ...(type === "Accept" ? { ...answered, result: agreement } : { object: agreement }),
  });
}

function toAgreement({ peering, actor, to, revision, status, terms, currency, rateSince }: PeeringStatement) {
  const { mayBeOwed, mayOwe } = terms;
  return {
    id: peering,
    type: ["Document", "Agreement"],
    attributedTo: actor,
    audience: to,
    "ayni:unit": UNIT,
    "ayni:revision": revision,
    "ayni:status": status,
    // Both are far below what a JSON number holds exactly (`outOfTerms`).
    "ayni:limit": { "ayni:mayBeOwed": Number(mayBeOwed), "ayni:mayOwe": Number(mayOwe) },
    ...Object.fromEntries(DAY_TERMS.map((name) => [`ayni:${name}`, terms[name]])),
    "ayni:currency": {
      id: currency.iri,
      name: currency.name,
      "ayni:symbol": currency.symbol,
      "ayni:scale": currency.scale,
      "ayni:rate": { n: currency.rateN.toString(), d: currency.rateD.toString() },
      "ayni:rateSince": rateSince.toISOString(),
    },
  };
}

/** That a proposal is refused, or what was agreed taken back. */
export function toPeeringEnd(end: {
  id: string;
  type: "Reject" | "Undo";
  actor: string;
  to: string;
  activity: string;
  note: string;
}): JsonObject {
  const { id, type, actor, to, activity, note } = end;
  return document(AGREEMENT_CONTEXT, {
    ...{ id, type, actor, to: [to], cc: [], object: activity },
    ...(note === "" ? {} : { content: note }),
  });
}

/** The peering that an activity offers, updates (its object) or agrees to (its result); null when it is about something else. */
export function peeringOf(value: unknown): Read | null {
  if (!isObject(value) || term(value, "unit") !== UNIT) return null;
  const types = [value.type].flat();
  return types.includes("Agreement") || types.includes("vf:Agreement") ? value : null;
}

/**
 * Terms as a hub signed them; null when something in them is not as it must be.
 *
 * @param actor who signs: the terms are its own
 * @param to this hub's actor: terms for another one are not for us
 */
export function parsePeering(agreement: Read, actor: string, to: string): SignedTerms | null {
  const limit = term(agreement, "limit");
  const revision = term(agreement, "revision");
  const status = term(agreement, "status");
  const currency = parseCurrencyTerms(term(agreement, "currency"), new URL(actor).origin);
  if (iriOf(agreement.attributedTo) !== actor || iriOf(agreement.audience) !== to) return null;
  if (!isObject(limit) || currency === null) return null;
  const mayBeOwed = seconds(term(limit, "mayBeOwed"));
  const mayOwe = seconds(term(limit, "mayOwe"));
  const days = DAY_TERMS.map((name): [DayTerm, unknown] => [name, term(agreement, name)]);
  if (mayBeOwed === null || mayOwe === null || !days.every(([, value]) => Number.isInteger(value)))
    return null;
  if (typeof revision !== "number" || !Number.isSafeInteger(revision)) return null;
  if (!PEER_STATES.includes(status as PeerState)) return null;
  const terms = { mayBeOwed, mayOwe, ...(Object.fromEntries(days) as Record<DayTerm, number>) };
  return { revision, terms, currency, status: status as PeerState };
}

/** A hub's currency, in its terms or as its own document; null when it is none. @param origin whose it must be */
export function parseCurrencyTerms(json: unknown, origin: string): PeerCurrency | null {
  if (!isObject(json)) return null;
  const iri = iriOf(json);
  const name = label(json.name, 40);
  const symbol = label(term(json, "symbol"), 8);
  const scale = term(json, "scale");
  const rate = term(json, "rate");
  if (iri === null || iri.length > MAX_IRI || URL.parse(iri)?.origin !== origin) return null;
  if (name === null || symbol === null || !isObject(rate)) return null;
  if (typeof scale !== "number" || !Number.isInteger(scale) || scale < 0 || scale > 6) return null;
  const rateN = positive(rate.n);
  const rateD = positive(rate.d);
  return rateN === null || rateD === null ? null : { iri, name, symbol, scale, rateN, rateD };
}

/** A term of Ayni's: with its prefix, or spelled out. */
function term(json: Read, name: string): unknown {
  return json[`ayni:${name}`] ?? json[`${AYNI}${name}`];
}

function label(value: unknown, max: number): string | null {
  const text = typeof value === "string" ? cleanText(value).replace(/\s+/g, " ") : "";
  return text === "" || [...text].length > max ? null : text;
}

function seconds(value: unknown): bigint | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
}

/** A rate's half: far below what the columns hold. */
function positive(value: unknown): bigint | null {
  return typeof value === "string" && /^[1-9][0-9]{0,11}$/.test(value) ? BigInt(value) : null;
}
