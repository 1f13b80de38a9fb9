import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import * as messages from "../src/domain/clearing/messages-rules.ts";
import * as rules from "../src/domain/clearing/rules.ts";

/** The product's own modules, or a copy of them in which something was replaced. */
export type Rules = typeof rules & Pick<typeof messages, "belongs" | "isFair" | "partOf">;

export const PRODUCT: Rules = { ...rules, ...messages };

/** One place of the rules' source, and what to put there. The place must be there exactly once. */
export interface Replacement {
  find: string;
  replace: string;
}

const FILES = ["messages-rules.ts", "rules.ts"];
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
