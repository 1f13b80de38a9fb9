/**
 * What organizations exchange, on two levels. Keys are permanent, and `<first>.<second>` on the second level; labels are in the
 * locales (`categories.<key>`). A hub adds its own (`hub-categories.ts`).
 */
export const CATEGORY_TREE = {
  training: ["facilitation", "management", "digital", "rights"],
  advice: ["strategy", "governance", "projects", "inclusion"],
  communication: ["campaigns", "press", "networks", "video"],
  translation: ["written", "interpreting", "indigenous", "sign"],
  design: ["graphic", "illustration", "layout"],
  technology: ["websites", "data", "support", "security"],
  law: ["registration", "labour", "defence", "contracts"],
  accounting: ["bookkeeping", "budgets", "taxes", "audit"],
  fundraising: ["proposals", "donors", "crowdfunding"],
  research: ["evaluation", "surveys", "mapping", "experiences"],
  logistics: ["transport", "events", "storage"],
  spaces: ["meetings", "offices", "lodging", "land"],
  equipment: ["sound", "computers", "tools", "vehicles"],
  volunteers: ["professional", "fieldwork", "events"],
  care: ["children", "health", "psychosocial", "food"],
  culture: ["arts", "music", "sports", "heritage"],
} as const;

type Tree = typeof CATEGORY_TREE;
/** First level. */
export type Category = keyof Tree;
/** Both levels. */
export type CategoryKey = Category | { [C in Category]: `${C}.${Tree[C][number]}` }[Category];

export const CATEGORIES = Object.keys(CATEGORY_TREE) as Category[];

/** The common list, each first level before its second. */
export const CATEGORY_KEYS = CATEGORIES.flatMap((category): CategoryKey[] => [
  category,
  ...CATEGORY_TREE[category].map((second) => `${category}.${second}` as CategoryKey),
]);

const KNOWN: ReadonlySet<string> = new Set(CATEGORY_KEYS);

export function isCategoryKey(text: string): text is CategoryKey {
  return KNOWN.has(text);
}

/** A key of either level, as its two columns. */
export function splitCategory(key: string): { category: string; subcategory: string | null } {
  const dot = key.indexOf(".");
  return dot === -1
    ? { category: key, subcategory: null }
    : { category: key.slice(0, dot), subcategory: key };
}
