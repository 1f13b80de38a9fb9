import { and, eq, isNull } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { proposals } from "../../db/schema/proposals.ts";
import { formatAmount } from "../amounts.ts";
import type { Acting, Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { localHub } from "../hubs/queries.ts";
import type { ProposalInput } from "./rules.ts";

/**
 * A proposal of the one who acts, as it would be typed again: what a change begins with. In a transaction it stays as it is until
 * that ends.
 *
 * @throws DomainError not_found when it does not exist, was withdrawn, or belongs to somebody else
 */
export async function ownProposal(
  ctx: Ctx,
  { actorId }: Acting,
  id: Id,
): Promise<ProposalInput & { revision: number }> {
  const [row] = await ctx.db
    .select()
    .from(proposals)
    .where(
      and(
        eq(proposals.id, id),
        eq(proposals.actorId, actorId),
        eq(proposals.local, true),
        isNull(proposals.deleted),
      ),
    )
    .for("update");
  if (row === undefined) throw new DomainError("not_found", "no such proposal");
  const { currencyScale, locale } = await localHub(ctx);
  const { purpose, name, unit, settlement, online, languages, revision } = row;
  return {
    ...{ purpose, name, unit, settlement, online, languages, revision },
    content: row.source ?? "",
    category: row.subcategory ?? row.category ?? "",
    tags: typedTags(row.tags),
    available: row.available?.toString(),
    minimum: row.minimum?.toString(),
    unitBased: row.unitBased ?? undefined,
    price: row.price === null ? undefined : formatAmount(row.price, currencyScale),
    location: row.location ?? undefined,
    country: row.country ?? undefined,
    language: row.language ?? locale,
    leadDays: row.leadDays?.toString(),
    ends: row.ends?.toISOString().slice(0, 10),
  };
}

/** Tags as `parseTags` takes them apart again, those with spaces too. */
export function typedTags(tags: readonly string[]): string {
  return tags.map((tag) => `${tag},`).join(" ");
}
