import type { Object as ASObject } from "@fedify/vocab";
import { Hashtag, type Intent, Link, Place, Proposal } from "@fedify/vocab";
import type { Settlement } from "../../db/schema/proposals.ts";
import { formatAmount } from "../../domain/amounts.ts";
import { htmlToText, sanitizeHtml } from "../../domain/html.ts";
import { isCategoryKey, splitCategory } from "../../domain/proposals/categories.ts";
import { COUNTRIES } from "../../domain/proposals/countries.ts";
import type { OutgoingProposal, Picture } from "../../domain/proposals/queries.ts";
import type { RemoteProposal } from "../../domain/proposals/receive.ts";
import { isTag, LEAD_DAYS_MAX, TAGS_MAX } from "../../domain/proposals/rules.ts";
import { cleanText } from "../../domain/validate.ts";
import type { Json, JsonObject } from "../../json.ts";
import { AYNI, PUBLIC } from "./context.ts";
import { EMBEDDED_ONLY, type IriCheck, instantToDate, languageOf, text } from "./parse.ts";
import { attributedOnlyTo, toHashtags } from "./posts.ts";

/**
 * FEP-0837 Proposal. The primary intent is the service; the reciprocal one, where there is a price, is a
 * transfer of the hub's credits. A gift has no reciprocal intent, nor has what is only counted: to others that is a gift too.
 */
export function toProposal(proposal: OutgoingProposal, origin: string): JsonObject {
  const measure = (value: number | string): JsonObject => ({
    hasUnit: proposal.unit,
    hasNumericalValue: value.toString(),
  });
  const category = proposal.subcategory ?? proposal.category;
  // One price for everything is a price for as much as there is.
  const quantity = proposal.unitBased === false ? (proposal.available ?? 1) : 1;
  const counted = proposal.settlement === "count";
  return {
    id: proposal.iri,
    type: "Proposal",
    purpose: proposal.purpose,
    attributedTo: proposal.actorIri,
    name: proposal.name,
    ...(proposal.language === null ? {} : { nameMap: { [proposal.language]: proposal.name } }),
    content: proposal.content,
    ...(proposal.language === null ? {} : { contentMap: { [proposal.language]: proposal.content } }),
    url: proposal.url,
    published: proposal.published.toISOString(),
    ...(proposal.updated === null ? {} : { updated: proposal.updated.toISOString() }),
    ...(proposal.ends === null ? {} : { endTime: proposal.ends.toISOString() }),
    ...place(proposal),
    publishes: {
      id: `${proposal.iri}#primary`,
      type: "Intent",
      action: "deliverService",
      ...(category === null ? {} : { resourceConformsTo: `${origin}/categories/${category}` }),
      resourceQuantity: measure(quantity),
      ...(proposal.available === null ? {} : { availableQuantity: measure(proposal.available) }),
      ...(proposal.minimum === null ? {} : { minimumQuantity: measure(proposal.minimum) }),
    },
    ...reciprocal(proposal),
    ...(proposal.unitBased === null ? {} : { unitBased: proposal.unitBased }),
    "ayni:settlement": counted ? "none" : proposal.settlement,
    ...(counted ? { "ayni:counted": true } : {}),
    ...(proposal.country === null ? {} : { "ayni:country": proposal.country }),
    ...(proposal.languages.length === 0 ? {} : { "ayni:languages": proposal.languages }),
    ...(proposal.leadDays === null ? {} : { "ayni:leadDays": proposal.leadDays }),
    ...(proposal.paused === null ? {} : { "ayni:paused": true }),
    "ayni:revision": proposal.revision,
    to: [PUBLIC],
    cc: [proposal.followers],
    tag: toHashtags(proposal.tags, origin),
    attachment: proposal.photos.map((picture) => toImage(picture, origin)),
  };
}

function toImage({ id, type, description, width, height }: Picture, origin: string): JsonObject {
  return {
    type: "Image",
    mediaType: type,
    url: `${origin}/media/${id}`,
    ...(description === null ? {} : { name: description }),
    ...(width === null || height === null ? {} : { width, height }),
  };
}

function reciprocal(proposal: OutgoingProposal): JsonObject {
  if (proposal.price === null || proposal.currency === null || proposal.currencyScale === null) return {};
  return {
    reciprocal: {
      id: `${proposal.iri}#reciprocal`,
      type: "Intent",
      action: "transfer",
      resourceConformsTo: proposal.currency,
      resourceQuantity: {
        hasUnit: "one",
        hasNumericalValue: formatAmount(proposal.price, proposal.currencyScale),
      },
    },
  };
}

function place(proposal: OutgoingProposal): JsonObject {
  const places: JsonObject[] = [];
  if (proposal.online) places.push({ type: "Place", name: "online" });
  if (proposal.location !== null) places.push({ type: "Place", name: proposal.location });
  return places.length === 0 ? {} : { location: places };
}

/** What `parseProposal` leaves to be looked up: the price's currency is a document of another server. */
export interface ParsedProposal extends Omit<RemoteProposal, "price" | "currencySymbol" | "currencyScale"> {
  /** Decimal text in whole credits. */
  priceText: string | null;
}

/** A remote proposal, or null when it is none, is not public, or is not wholly its author's. `raw` is its JSON as it came. */
export async function parseProposal(
  object: ASObject,
  raw: JsonObject,
  author: { iri: string },
  check: IriCheck,
): Promise<ParsedProposal | null> {
  if (!(object instanceof Proposal) || !attributedOnlyTo(object, author.iri)) return null;
  const iri = check(object.id);
  const intent = object.publishes;
  const purpose = object.purpose;
  if (iri === null || intent === null || (purpose !== "offer" && purpose !== "request")) return null;
  if (![...object.toIds, ...object.ccIds].some((id) => id.href === PUBLIC)) return null;
  const content = sanitizeHtml(cleanText(text(object.content) ?? "").slice(0, 100_000));
  const name = htmlToText(cleanText(text(object.name) ?? "")).slice(0, 300);
  if (name === "" && content === "") return null;

  const price = object.reciprocal;
  const url = check(object.url instanceof Link ? object.url.href : object.url);
  const places = await placesOf(object);
  const published = instantToDate(object.published) ?? new Date();
  const updated = instantToDate(object.updated);
  return {
    iri,
    purpose,
    name: name || htmlToText(content).slice(0, 100),
    content,
    language: languageOf(object.contents.find((item) => typeof item !== "string") ?? object.content),
    ...categoryOf(intent),
    tags: await tagsOf(object),
    languages: languagesOf(raw),
    unit: intent.resourceQuantity?.unit === "hour" ? "hour" : "one",
    available: wholeNumber(intent.availableQuantity?.numericalValue),
    minimum: wholeNumber(intent.minimumQuantity?.numericalValue),
    unitBased: object.unitBased,
    settlement: settlementOf(raw, price),
    priceText: price?.resourceQuantity?.numericalValue ?? null,
    currency: check(price?.resourceConformsTo ?? null),
    location: places.find((place) => place !== "online") ?? null,
    country: COUNTRIES.find((code) => code === extension(raw, "country")) ?? null,
    online: places.includes("online"),
    leadDays: leadDaysOf(raw),
    paused: extension(raw, "paused") === true ? (updated ?? published) : null,
    revision: revisionOf(raw),
    url: url !== null && new URL(url).origin === new URL(iri).origin ? url : iri,
    published,
    updated,
    ends: instantToDate(object.endTime),
  };
}

/**
 * Gives the terms that FEP-0837 prints as plain strings their type, since the parser throws on them otherwise. Returns the same object,
 * changed in place.
 */
export function typeMarketplaceTerms(json: JsonObject): JsonObject {
  const context = json["@context"];
  for (const entry of Array.isArray(context) ? context : [context]) {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) continue;
    for (const term of ["resourceConformsTo", "satisfies", "fulfills", "realizationOf"]) {
      const value = entry[term];
      if (typeof value === "string") entry[term] = { "@id": value, "@type": "@id" };
    }
  }
  return json;
}

/** Extension terms are looked up in the JSON itself, under the prefix we write and spelled out. */
function extension(raw: JsonObject, term: string): Json | undefined {
  return raw[`ayni:${term}`] ?? raw[`${AYNI}${term}`];
}

function settlementOf(raw: JsonObject, price: Intent | null): Settlement {
  const said = extension(raw, "settlement");
  if (said === "none" && extension(raw, "counted") === true) return "count";
  if (said === "none" || said === "external") return said;
  if (price === null) return "none";
  return said === "credit" ? "credit" : "external";
}

function revisionOf(raw: JsonObject): number {
  const said = extension(raw, "revision");
  return typeof said === "number" && Number.isInteger(said) && said > 0 && said < 2 ** 31 ? said : 1;
}

/** Of the common list only: what another hub added has no name here. Of an unknown second level the first may be known. */
function categoryOf(intent: Intent): { category: string | null; subcategory: string | null } {
  const key = intent.resourceConformsTo?.pathname.split("/").at(-1) ?? "";
  if (isCategoryKey(key)) return splitCategory(key);
  const { category } = splitCategory(key);
  return { category: isCategoryKey(category) ? category : null, subcategory: null };
}

async function tagsOf(object: ASObject): Promise<string[]> {
  const tags = new Set<string>();
  for await (const tag of object.getTags(EMBEDDED_ONLY)) {
    if (!(tag instanceof Hashtag)) continue;
    const name = cleanText(text(tag.name) ?? "")
      .replace(/^#/, "")
      .normalize("NFC")
      .toLowerCase();
    if (isTag(name)) tags.add(name);
    if (tags.size === TAGS_MAX) break;
  }
  return [...tags];
}

function languagesOf(raw: JsonObject): string[] {
  const said = extension(raw, "languages");
  if (!Array.isArray(said)) return [];
  return said
    .slice(0, 20)
    .filter((tag) => typeof tag === "string")
    .filter((tag) => /^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/.test(tag));
}

function leadDaysOf(raw: JsonObject): number | null {
  const said = extension(raw, "leadDays");
  const days = typeof said === "number" && Number.isInteger(said) && said >= 0 && said <= LEAD_DAYS_MAX;
  return days ? said : null;
}

function wholeNumber(value: string | null | undefined): number | null {
  if (value == null) return null;
  const number = Math.floor(Number(value));
  return Number.isSafeInteger(number) && number >= 0 && number < 2 ** 31 ? number : null;
}

async function placesOf(object: ASObject): Promise<string[]> {
  const names: string[] = [];
  for await (const location of object.getLocations(EMBEDDED_ONLY)) {
    if (location instanceof Place && names.length < 5)
      names.push(cleanText(text(location.name) ?? "").slice(0, 120));
  }
  return names.filter((name) => name !== "");
}
