import type { Replacement } from "./rules.ts";

/** A fault built into the rules, which the simulator has to find: otherwise its checks would be worth nothing. */
export interface Mutation {
  name: string;
  /** What is left out. */
  what: string;
  replacements: Replacement[];
  /** Histories that go wrong because of it, found by search; none: it does not show, and `because` says why. */
  seeds: number[];
  because?: string;
}

const one = (name: string, what: string, find: string, replace: string, seeds: number[] = []): Mutation => ({
  ...{ name, what, seeds },
  replacements: [{ find, replace }],
});

export const MUTATIONS: Mutation[] = [
  // Those that the model of the protocol was tried with.
  one(
    "duplicates-posted",
    "an entry that is known already is posted again",
    "  if (entry.seq < next) {",
    "  if (false) {",
  ),
  one(
    "ahead-posted",
    "an entry ahead of its turn is posted",
    "  if (entry.seq > next) return",
    "  if (false) return",
  ),
  one(
    "payee-times-out",
    "the payee's hub releases on its own what it promised",
    `const reason =
    link.state === "draining"`,
    `const stale = rows.incoming(iri);
  if (stale) return released(link, stale);
  const reason =
    link.state === "draining"`,
  ),
];
