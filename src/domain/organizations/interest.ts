import { sql } from "drizzle-orm";
import type { Id } from "../../db/ids.ts";
import type { Ctx } from "../context.ts";
import { DomainError } from "../errors.ts";

/**
 * Of the staff nobody decides about an organization that they act for themselves, as long as somebody else could: a hub with a single
 * curator has nobody else.
 *
 * @throws DomainError own_organization
 */
export async function requireDisinterested(ctx: Ctx, accountId: Id, organizationId: Id): Promise<void> {
  const member = sql`exists (
    select from memberships where organization_id = ${organizationId} and account_id = account.id
      and role in ('representative', 'editor'))`;
  const [row] = await ctx.db.execute<{ own: boolean; others: boolean }>(sql`
    select exists (select from accounts account where id = ${accountId} and ${member}) as own,
      exists (select from accounts account where role in ('curator', 'admin') and id <> ${accountId} and not ${member}) as others`);
  if (row?.own && row.others)
    throw new DomainError(
      "own_organization",
      "somebody else of the staff decides about one's own organization",
    );
}
