import { and, eq, isNull } from "drizzle-orm";
import { categories } from "../../db/schema/proposals.ts";
import { requireRole } from "../accounts/queries.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { requiredText } from "../validate.ts";
import { isCategoryKey, splitCategory } from "./categories.ts";

/** Languages of the interface: a label for each. */
export const LABEL_LANGUAGES = ["es", "pt", "en", "fr", "ar"] as const;
export type LabelLanguage = (typeof LABEL_LANGUAGES)[number];
export type CategoryLabels = Record<LabelLanguage, string>;

/** A category that this hub added to the common list. */
export interface HubCategory {
  /** `<first>` or `<first>.<second>`; the first may be of the common list. */
  key: string;
  labels: CategoryLabels;
  /** No longer offered; what carries it keeps it. */
  retired: boolean;
}

const LABEL_MAX = 60;
const CATEGORIES_MAX = 200;

/** What this hub added, retired ones too, in the order of their keys. */
export async function hubCategories(ctx: Ctx): Promise<HubCategory[]> {
  const rows = await ctx.db.select().from(categories).orderBy(categories.key).limit(CATEGORIES_MAX);
  return rows.map(({ key, labels, retired }) => ({
    key,
    labels: JSON.parse(labels) as CategoryLabels,
    retired: retired !== null,
  }));
}

export interface CategoryInput {
  /** The first level that it belongs to; empty for one of its own. */
  parent: string;
  /** Its own part of the key: lower-case letters, digits and underscores. */
  key: string;
  labels: CategoryLabels;
}

/**
 * Adds a category to this hub's list, or brings back one that was retired, with these labels.
 *
 * @throws DomainError forbidden, required, too_long, too_many, invalid
 */
export async function addCategory(ctx: Ctx, { accountId }: Acting, input: CategoryInput): Promise<void> {
  await requireRole(ctx, accountId, "admin");
  const known = await hubCategories(ctx);
  const own = requiredText("key", input.key, 40);
  const key = input.parent === "" ? own : `${input.parent}.${own}`;
  const parents = known.filter((category) => !category.retired).map((category) => category.key);
  if (input.parent !== "" && !isFirstLevel(input.parent, parents))
    throw new DomainError("invalid", "no such category", { field: "parent" });
  if (!/^[a-z][a-z0-9_]{1,39}$/.test(own) || isCategoryKey(key))
    throw new DomainError("invalid", "a key is lower-case letters, digits and underscores", { field: "key" });
  if (known.length >= CATEGORIES_MAX)
    throw new DomainError("too_many", `at most ${CATEGORIES_MAX}`, { details: { max: CATEGORIES_MAX } });
  const labels = Object.fromEntries(
    LABEL_LANGUAGES.map((language) => [
      language,
      requiredText(`label_${language}`, input.labels[language], LABEL_MAX),
    ]),
  );
  const row = { labels: JSON.stringify(labels), created: ctx.clock.now(), retired: null };
  await ctx.db
    .insert(categories)
    .values({ key, ...row })
    .onConflictDoUpdate({ target: categories.key, set: row });
}

/**
 * Retires a category of this hub: it is no longer offered, what carries it keeps it.
 *
 * @throws DomainError forbidden, not_found
 */
export async function retireCategory(ctx: Ctx, { accountId }: Acting, key: string): Promise<void> {
  await requireRole(ctx, accountId, "admin");
  const rows = await ctx.db
    .update(categories)
    .set({ retired: ctx.clock.now() })
    .where(and(eq(categories.key, key), isNull(categories.retired)))
    .returning({ key: categories.key });
  if (rows.length === 0) throw new DomainError("not_found", "no such category");
}

function isFirstLevel(key: string, added: readonly string[]): boolean {
  return splitCategory(key).subcategory === null && (isCategoryKey(key) || added.includes(key));
}
