import { eq, inArray } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import { agreements } from "../../db/schema/agreements.ts";
import { proposals } from "../../db/schema/proposals.ts";
import type { Ctx } from "../context.ts";

/** What an agreement is about: its proposal's name, and the language of that. */
export interface AgreementTitle {
  name: string;
  language: string | null;
}

/** What agreements are about, by their ids. Whether the one who asks may know is for the caller to find out. */
export async function agreementTitles(
  ctx: Ctx,
  ids: readonly (Id | null)[],
): Promise<Map<Id, AgreementTitle>> {
  const wanted = [...new Set(ids.filter((id): id is Id => id !== null))];
  if (wanted.length === 0) return new Map();
  const rows = await ctx.db
    .select({ id: agreements.id, name: proposals.name, language: proposals.language })
    .from(agreements)
    .innerJoin(proposals, eq(proposals.id, agreements.proposalId))
    .where(inArray(agreements.id, wanted));
  return new Map(rows.map(({ id, ...title }) => [id, title]));
}
