import type { Id } from "../../db/ids.ts";
import { memberships } from "../../db/schema/organizations.ts";
import { createActor } from "../actors/commands.ts";
import { generateKeys } from "../actors/keys.ts";
import { checkHandle, NAME_MAX, SUMMARY_MAX } from "../actors/rules.ts";
import type { Ctx } from "../context.ts";
import { plainToHtml } from "../html.ts";
import { emit, transact } from "../transact.ts";
import { optionalText, requiredText } from "../validate.ts";

export interface NewOrganization {
  handle: string;
  name: string;
  summary?: string | undefined;
}

/**
 * Creates an organization; the account becomes its representative.
 *
 * @throws DomainError required, too_long, not_a_handle, handle_reserved, handle_taken
 */
export async function createOrganization(ctx: Ctx, accountId: Id, input: NewOrganization): Promise<Id> {
  const name = requiredText("name", input.name, NAME_MAX);
  const handle = checkHandle(input.handle);
  const summary = plainToHtml(optionalText("summary", input.summary, SUMMARY_MAX) ?? "");
  const keys = await generateKeys(ctx);
  return transact(ctx, async (ctx) => {
    const organizationId = await createActor(ctx, { kind: "Organization", handle, name, summary }, keys);
    await ctx.db
      .insert(memberships)
      .values({ organizationId, accountId, role: "representative", created: ctx.clock.now() });
    // Peers have it in their directories.
    const id = organizationId.toString();
    await emit(ctx, { name: "actor.updated", subject: id, actorId: id });
    return organizationId;
  });
}
