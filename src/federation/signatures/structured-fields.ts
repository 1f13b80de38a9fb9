/**
 * The part of RFC 8941 (structured fields) that Signature-Input, Signature and Content-Digest need. Strict: a key that
 * occurs twice is refused where the RFC lets the last one win, because two parsers that disagree about which one counts are
 * how signatures get bypassed; decimals do not occur in these headers and are refused.
 */

/** A string is an sf-string, a Buffer a byte sequence; tokens are wrapped so that they serialize as tokens again. */
export type BareItem = string | number | boolean | Buffer | { token: string };
export type Parameters = Map<string, BareItem>;
export interface Item {
  value: BareItem;
  parameters: Parameters;
}
export interface InnerList {
  items: Item[];
  parameters: Parameters;
}

/** Longest header that is read at all, in characters. */
export const MAX_HEADER = 8192;

const KEY = /[a-z*][a-z0-9_\-.*]*/y;
const INTEGER = /-?[0-9]{1,15}(?![0-9.])/y;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const BOOLEAN = /\?[01]/y;
const SPACES = / */y;
const BETWEEN_MEMBERS = /[ \t]*,[ \t]*/y;

/** Parses a dictionary (RFC 8941, 4.2.2). Null when it is malformed, has a key twice or is longer than `MAX_HEADER`. */
export function parseDictionary(text: string): Map<string, Item | InnerList> | null {
  if (text.length > MAX_HEADER) return null;
  const source = text.trim();
  const members = new Map<string, Item | InnerList>();
  let at = 0;

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null) return null;
    at = pattern.lastIndex;
    return match[0];
  }

  function bareItem(): BareItem | null {
    let found = take(STRING);
    if (found !== null) return found.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
    found = take(BYTES);
    if (found !== null) {
      const base64 = found.slice(1, -1);
      const bytes = Buffer.from(base64, "base64");
      return bytes.toString("base64") === base64 ? bytes : null;
    }
    found = take(INTEGER);
    if (found !== null) return Number(found) + 0;
    found = take(BOOLEAN);
    if (found !== null) return found === "?1";
    found = take(TOKEN);
    return found === null ? null : { token: found };
  }

  function parameters(): Parameters | null {
    const result: Parameters = new Map();
    while (source[at] === ";") {
      at++;
      take(SPACES);
      const key = take(KEY);
      if (key === null || result.has(key)) return null;
      let value: BareItem | null = true;
      if (source[at] === "=") {
        at++;
        value = bareItem();
      }
      if (value === null) return null;
      result.set(key, value);
    }
    return result;
  }

  function item(): Item | null {
    const value = bareItem();
    if (value === null) return null;
    const after = parameters();
    return after === null ? null : { value, parameters: after };
  }

  function innerList(): InnerList | null {
    at++;
    const items: Item[] = [];
    for (;;) {
      const space = take(SPACES);
      if (source[at] === ")") break;
      if (items.length > 0 && space === "") return null;
      const next = item();
      if (next === null) return null;
      items.push(next);
    }
    at++;
    const after = parameters();
    return after === null ? null : { items, parameters: after };
  }

  function member(): Item | InnerList | null {
    if (source[at] === "=") {
      at++;
      return source[at] === "(" ? innerList() : item();
    }
    const after = parameters();
    return after === null ? null : { value: true, parameters: after };
  }

  while (at < source.length) {
    if (members.size > 0 && take(BETWEEN_MEMBERS) === null) return null;
    const key = take(KEY);
    if (key === null || members.has(key)) return null;
    const value = member();
    if (value === null) return null;
    members.set(key, value);
  }
  return members;
}

/** Serializes an inner list with its parameters (RFC 8941, 4.1.1.1): the value of `@signature-params`. */
export function serializeInnerList(list: InnerList): string {
  const items = list.items.map(
    (item) => serializeBareItem(item.value) + serializeParameters(item.parameters),
  );
  return `(${items.join(" ")})${serializeParameters(list.parameters)}`;
}

function serializeParameters(parameters: Parameters): string {
  let text = "";
  for (const [key, value] of parameters)
    text += value === true ? `;${key}` : `;${key}=${serializeBareItem(value)}`;
  return text;
}

function serializeBareItem(value: BareItem): string {
  if (typeof value === "string") return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "?1" : "?0";
  return Buffer.isBuffer(value) ? `:${value.toString("base64")}:` : value.token;
}
