import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import * as shakes from "../src/domain/clearing/handshake-rules.ts";
import * as links from "../src/domain/clearing/link-rules.ts";
import * as messages from "../src/domain/clearing/messages-rules.ts";
import * as rules from "../src/domain/clearing/rules.ts";
import * as transfers from "../src/domain/clearing/transfer-rules.ts";

export const PRODUCT = { ...messages, ...links, ...transfers, ...shakes, ...rules };

/** The product's own modules, or a copy of them in which something was replaced. */
export type Rules = typeof PRODUCT;

/** One place of the rules' source, and what to put there. The place must be there exactly once. */
export interface Replacement {
  find: string;
  replace: string;
}

/** Each after those that it imports: they are read as one module. */
const FILES = ["messages-rules.ts", "link-rules.ts", "transfer-rules.ts", "handshake-rules.ts", "rules.ts"];
const sources = () =>
  FILES.map((file) => readFileSync(new URL(`../src/domain/clearing/${file}`, import.meta.url), "utf8")).join(
    "\n",
  );

/**
 * The rules with some places replaced, as a module of its own: the product's code carries no switches for its tests.
 *
 * @throws Error when a place is not there, or more than once
 */
export async function loadRules(replacements: Replacement[]): Promise<Rules> {
  let source = sources().replace(/^import [^;]*;$/gm, "");
  for (const { find, replace } of replacements) {
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`There are ${places} places in the rules that read: ${find}`);
    source = source.replace(find, () => replace);
  }
  const module = `data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(source))}`;
  return (await import(/* @vite-ignore */ module)) as Rules;
}

/** The rules with pages and the number of open transfers so small that their ends are reached. */
export const SMALL: Replacement[] = [
  { find: "MAX_OPEN = 500", replace: "MAX_OPEN = 5" },
  { find: "PAGE = 100", replace: "PAGE = 2" },
];
