import { Object as ASObject } from "@fedify/vocab";
import { LanguageString } from "@fedify/vocab-runtime";
import { DomainError } from "../../domain/errors.ts";
import type { Json, JsonObject } from "../../json.ts";
import { contextLoader, noDocuments } from "../loaders.ts";

/** Turns a property's address into the iri we keep, or null when it is none that we accept. */
export type IriCheck = (url: URL | null) => string | null;

const IRI_MAX = 2048;

/** Accepts https addresses, and http where `allowHttp` says so (`AYNI_EGRESS_ALLOW`). Userinfo and giants are refused. */
export function iriCheck(allowHttp: (url: URL) => boolean): IriCheck {
  return (url) => {
    if (url === null || url.href.length > IRI_MAX || url.username !== "" || url.password !== "") return null;
    if (url.protocol === "https:") return url.href;
    return url.protocol === "http:" && allowHttp(url) ? url.href : null;
  };
}

/** Options for accessors that would otherwise fetch what is only named: parsing never reaches the network. */
export const EMBEDDED_ONLY = {
  documentLoader: (url: string) => Promise.reject(new Error(`${url} is not embedded`)),
  suppressError: true,
} as const;

/** Collections and policies that servers embed in every object and nobody here reads: half of the cost of reading it. */
const UNREAD = new Set(["replies", "likes", "shares", "interactionPolicy"]);

/**
 * An object that was embedded in a document, read within that document's context.
 *
 * @throws DomainError remote_invalid
 */
export async function parseEmbedded(json: JsonObject, context: Json | undefined): Promise<ASObject> {
  const { "@context": own, ...fields } = json;
  const read = Object.fromEntries(Object.entries(fields).filter(([name]) => !UNREAD.has(name)));
  const contexts = [context, own].filter((part) => part !== undefined).flat();
  return ASObject.fromJsonLd(
    { "@context": contexts, ...read },
    { documentLoader: noDocuments, contextLoader },
  ).catch((cause: unknown) => {
    throw new DomainError("remote_invalid", "an embedded object is not ActivityStreams", { cause });
  });
}

/** A text property without its language. */
export function text(value: string | LanguageString | null | undefined): string | null {
  return value == null ? null : value.toString();
}

/** The language of a text property, as a BCP 47 tag. */
export function languageOf(value: string | LanguageString | null | undefined): string | null {
  return value instanceof LanguageString ? value.locale.toString().slice(0, 35) : null;
}

/** A time of the vocabulary as a `Date`; null when missing or not one that a database can keep (year 999999). */
export function instantToDate(instant: { epochMilliseconds: number } | null | undefined): Date | null {
  if (instant == null) return null;
  const year = new Date(instant.epochMilliseconds).getUTCFullYear();
  return year >= 1970 && year <= 9999 ? new Date(instant.epochMilliseconds) : null;
}
