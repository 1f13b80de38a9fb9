import { LanguageString } from "@fedify/vocab-runtime";

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
